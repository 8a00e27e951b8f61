//! What a pass does: decided here, from values alone.

use serde_json::to_value;
use thalweg_controller_runtime::finalizer;
use thalweg_crds::{
    finalizers,
    source::{Artifact, GitRepository, GitRepositorySpec, GitRepositoryStatus},
    unsupported::{self, GIT_REPOSITORY, unsupported_fields},
};

use crate::{Resolved, observe::Stored};

/// What a pass over an object is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Course {
    /// It is being deleted: remove what is stored, then our finalizer.
    Finalize,
    /// It is being deleted and waits for others.
    Leave,
    /// It is suspended: look at nothing.
    Rest,
    /// It asks for what is not supported: say so, and touch nothing.
    Refuse(String),
    /// Bring its artifact up to date.
    Pursue,
}

pub(crate) fn course(object: &GitRepository) -> Course {
    if object.metadata.deletion_timestamp.is_some() {
        return if finalizer::is_present(object, finalizers::FLUX) { Course::Finalize } else { Course::Leave };
    }
    if object.spec.suspend {
        return Course::Rest;
    }
    let spec = to_value(&object.spec).expect("a spec that was read can be written");
    match unsupported_fields(&spec, &GIT_REPOSITORY) {
        fields if fields.is_empty() => Course::Pursue,
        fields => Course::Refuse(unsupported::message(&fields)),
    }
}

/// What to do about the artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// This one is that of the upstream's revision and of the spec.
    Keep(Artifact),
    /// Fetch, archive and publish.
    Store,
}

pub(crate) fn plan(
    spec: &GitRepositorySpec,
    status: Option<&GitRepositoryStatus>,
    stored: Stored,
    resolved: &Resolved,
) -> Plan {
    let current = status.filter(|status| status.observed_ignore == spec.ignore);
    let current = current.and_then(|status| status.artifact.as_ref());
    match (stored, current.filter(|artifact| artifact.revision == resolved.revision)) {
        (Stored::Intact, Some(artifact)) => Plan::Keep(artifact.clone()),
        (Stored::Intact | Stored::Nothing | Stored::Lost, _) => Plan::Store,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn object(metadata: Value, spec: Value) -> GitRepository {
        let mut object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata,
            "spec": {"url": "https://example.com/app.git", "interval": "1m"},
        });
        object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        from_value(object).unwrap()
    }

    #[test]
    fn deletion_comes_before_rest_and_rest_before_refusal() {
        let deleted =
            |finalizers: Value| json!({"deletionTimestamp": "2026-06-01T10:00:00Z", "finalizers": finalizers});
        let odd = json!({"suspend": true, "recurseSubmodules": true});
        let refused = Course::Refuse("spec.recurseSubmodules is not supported".to_owned());
        for (metadata, spec, expected) in [
            (json!({}), json!({}), Course::Pursue),
            (json!({}), json!({"recurseSubmodules": true}), refused),
            (json!({}), odd.clone(), Course::Rest),
            (deleted(json!(["theirs", "finalizers.fluxcd.io"])), odd.clone(), Course::Finalize),
            (deleted(json!(["theirs"])), odd, Course::Leave),
        ] {
            assert_eq!(course(&object(metadata.clone(), spec.clone())), expected, "{metadata} {spec}");
        }
    }

    #[test]
    fn an_artifact_is_kept_only_while_all_of_it_is_current() {
        let artifact: Artifact = from_value(json!({
            "path": "p", "url": "u", "revision": "main@sha1:1", "digest": "d", "lastUpdateTime": "2026-06-01T10:00:00Z",
        }))
        .unwrap();
        let keep = || Plan::Keep(artifact.clone());
        for (stored, revision, ignore, expected) in [
            (Stored::Intact, "main@sha1:1", Some("*.md"), keep()),
            (Stored::Lost, "main@sha1:1", Some("*.md"), Plan::Store),
            (Stored::Nothing, "main@sha1:1", Some("*.md"), Plan::Store),
            (Stored::Intact, "main@sha1:2", Some("*.md"), Plan::Store),
            (Stored::Intact, "other@sha1:1", Some("*.md"), Plan::Store),
            (Stored::Intact, "main@sha1:1", Some("*.txt"), Plan::Store),
            (Stored::Intact, "main@sha1:1", None, Plan::Store),
        ] {
            let spec = GitRepositorySpec { ignore: ignore.map(str::to_owned), ..GitRepositorySpec::default() };
            let status = GitRepositoryStatus {
                artifact: Some(artifact.clone()),
                observed_ignore: Some("*.md".to_owned()),
                ..GitRepositoryStatus::default()
            };
            let resolved = Resolved { revision: revision.to_owned() };
            assert_eq!(plan(&spec, Some(&status), stored, &resolved), expected, "{stored:?} {revision} {ignore:?}");
        }
        let resolved = Resolved { revision: "main@sha1:1".to_owned() };
        assert_eq!(plan(&GitRepositorySpec::default(), None, Stored::Nothing, &resolved), Plan::Store);
    }
}
