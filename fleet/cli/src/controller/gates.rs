//! Flux's feature gates: `--feature-gates=Name=true,Other=false`.

use super::other_flags::Verdict;

struct Gate {
    name: &'static str,
    /// Flux's default; any gate may be set to that.
    default: bool,
    /// What becomes of the other value.
    verdict: Verdict,
}

const fn gate(name: &'static str, default: bool, verdict: Verdict) -> Gate {
    Gate { name, default, verdict }
}

use Verdict::{Refused, WithoutEffect};

const GATES: [Gate; 12] = [
    gate("AdditiveCELDependencyCheck", false, Refused),
    gate("CacheSecretsAndConfigMaps", false, WithoutEffect("Secrets and ConfigMaps are never cached")),
    gate("CancelHealthCheckOnNewRevision", false, WithoutEffect("a new revision always ends the wait for the old one")),
    gate("DirectSourceFetch", false, WithoutEffect("a source is read from a watch, and again whenever it changes")),
    gate("DisableConfigWatchers", false, WithoutEffect("no configuration is watched")),
    gate("DisableFailFastBehavior", false, Refused),
    gate("DisableStatusPollerCache", true, WithoutEffect("no status is polled")),
    gate("ExternalArtifact", false, Refused),
    gate("GroupChangeLog", false, WithoutEffect("changes are logged one by one")),
    gate("MigrateAPIVersion", false, Refused),
    gate("ObjectLevelWorkloadIdentity", false, WithoutEffect("Flux 2.10 retired it")),
    gate("StrictPostBuildSubstitutions", true, Refused),
];

/// A value of `--feature-gates` that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GateError {
    #[error("--feature-gates: {0:?} is not Name=true or Name=false")]
    Malformed(String),
    #[error("--feature-gates: feature-gate '{0}' not supported")]
    Unknown(String),
    #[error("--feature-gates: {name}={value} is not supported yet")]
    Refused { name: &'static str, value: bool },
}

/// Reads the gates; answers those that have no effect, and why.
pub(crate) fn read(text: &str) -> Result<Vec<(&'static str, &'static str)>, GateError> {
    let mut without_effect = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let malformed = || GateError::Malformed(entry.to_owned());
        let (name, value) = entry.split_once('=').ok_or_else(malformed)?;
        let value: bool = value.trim().parse().map_err(|_| malformed())?;
        let gate = GATES.iter().find(|gate| gate.name == name.trim());
        let gate = gate.ok_or_else(|| GateError::Unknown(name.trim().to_owned()))?;
        match gate.verdict {
            _ if value == gate.default => {}
            WithoutEffect(reason) => without_effect.push((gate.name, reason)),
            Refused => return Err(GateError::Refused { name: gate.name, value }),
        }
    }
    Ok(without_effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_accepted_without_effect_or_refused_by_name() {
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read("StrictPostBuildSubstitutions=true, ExternalArtifact=false"), Ok(vec![]));
        let accepted = read("ObjectLevelWorkloadIdentity=true").unwrap();
        assert_eq!(accepted, [("ObjectLevelWorkloadIdentity", "Flux 2.10 retired it")]);
        for (text, error) in [
            ("ExternalArtifact=true", "--feature-gates: ExternalArtifact=true is not supported yet"),
            (
                "StrictPostBuildSubstitutions=false",
                "--feature-gates: StrictPostBuildSubstitutions=false is not supported yet",
            ),
            ("Nonsense=true", "--feature-gates: feature-gate 'Nonsense' not supported"),
            ("ExternalArtifact", r#"--feature-gates: "ExternalArtifact" is not Name=true or Name=false"#),
            ("ExternalArtifact=maybe", r#"--feature-gates: "ExternalArtifact=maybe" is not Name=true or Name=false"#),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), error);
        }
    }
}
