//! Which fields of a spec are set and not supported. Every field of every kind is in one table below, supported or refused.
//!
//! A field that is absent, null, empty, false or at its default is not set. Values are not repeated in the answer: a URL
//! may hold a password.
//!
//! ```
//! use thalweg_crds::unsupported::{KUSTOMIZATION, message, unsupported_fields};
//!
//! let spec = serde_json::json!({"prune": true, "postBuild": {"substitute": {"name": "a"}}, "sourceRef": {"kind": "Bucket"}});
//! assert_eq!(
//!     message(&unsupported_fields(&spec, &KUSTOMIZATION)),
//!     "spec.postBuild is not supported; spec.sourceRef.kind is supported only as GitRepository",
//! );
//! ```

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::configuration::FluxConfigurationSpec;
use crate::kustomize::KustomizationSpec;
use crate::source::GitRepositorySpec;

/// What is supported of the fields of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Support {
    /// A field, or everything below it, and what is supported of it. In paths, `[]` stands for every item of a list and
    /// `{}` for every value of a map.
    pub fields: &'static [(&'static str, Rule)],
}

/// What is supported of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Every value.
    Supported,
    /// One of these values; the first is the default.
    OneOf(&'static [&'static str]),
    /// URLs of these schemes.
    Schemes(&'static [&'static str]),
    /// Nothing but the default of the field, or of the fields below it.
    Refused,
    /// As [`Rule::Refused`], where these fields below have these defaults.
    RefusedUnless(&'static [(&'static str, &'static str)]),
}

use Rule::{OneOf, Refused, RefusedUnless, Schemes, Supported};

/// A field that is set and not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The field, such as `spec.dependsOn[1].readyExpr`.
    pub path: String,
    /// What of it would be supported; empty when nothing would.
    pub supported: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.supported.as_str() {
            "" => write!(formatter, "{} is not supported", self.path),
            supported => write!(formatter, "{} is supported only {supported}", self.path),
        }
    }
}

/// The fields of `spec` that are set and not supported, in the order of the table.
pub fn unsupported_fields(spec: &Value, support: &Support) -> Vec<Unsupported> {
    let mut found = Vec::new();
    for (path, rule) in support.fields {
        visit(spec, path.strip_prefix("spec").unwrap_or(path), "spec".to_owned(), &mut |path, value| {
            found.extend(judge(*rule, value).map(|supported| Unsupported { path, supported }));
        });
    }
    found
}

/// The fields as one message.
pub fn message(fields: &[Unsupported]) -> String {
    fields.iter().map(Unsupported::to_string).collect::<Vec<_>>().join("; ")
}

/// The fields of a GitRepository that are set and not supported, each as a phrase for a message.
pub fn git_repository(spec: &GitRepositorySpec) -> Vec<String> {
    phrases(spec, &GIT_REPOSITORY)
}

/// The fields of a Kustomization that are set and not supported, each as a phrase for a message.
pub fn kustomization(spec: &KustomizationSpec) -> Vec<String> {
    phrases(spec, &KUSTOMIZATION)
}

/// The fields of a FluxConfiguration that are set and not supported, each as a phrase for a message.
pub fn flux_configuration(spec: &FluxConfigurationSpec) -> Vec<String> {
    phrases(spec, &FLUX_CONFIGURATION)
}

fn phrases(spec: &impl Serialize, support: &Support) -> Vec<String> {
    let spec = serde_json::to_value(spec).expect("a spec is JSON: its maps have text keys");
    unsupported_fields(&spec, support).iter().map(Unsupported::to_string).collect()
}

/// Calls `found` with every value that `pattern` leads to, and its path.
fn visit(value: &Value, pattern: &str, path: String, found: &mut impl FnMut(String, &Value)) {
    if pattern.is_empty() {
        found(path, value);
    } else if let Some(rest) = pattern.strip_prefix("[]") {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            visit(item, rest, format!("{path}[{index}]"), found);
        }
    } else if let Some(rest) = pattern.strip_prefix("{}") {
        for (key, item) in value.as_object().into_iter().flatten() {
            visit(item, rest, format!("{path}.{key}"), found);
        }
    } else {
        let pattern = pattern.strip_prefix('.').unwrap_or(pattern);
        let (field, rest) = pattern.split_at(pattern.find(['.', '[', '{']).unwrap_or(pattern.len()));
        if let Some(value) = value.get(field) {
            visit(value, rest, format!("{path}.{field}"), found);
        }
    }
}

/// What would be supported, if `value` is not.
fn judge(rule: Rule, value: &Value) -> Option<String> {
    match rule {
        Supported => None,
        OneOf(values) => {
            let supported = is_unset(value) || value.as_str().is_some_and(|value| values.contains(&value));
            (!supported).then(|| format!("as {}", values.join(" or ")))
        }
        Schemes(schemes) => {
            let scheme = value.as_str().and_then(|url| url.split_once("://")).map(|(scheme, _)| scheme);
            let supported = is_unset(value) || scheme.is_some_and(|scheme| schemes.contains(&scheme));
            (!supported).then(|| format!("with the scheme {}", schemes.join(" or ")))
        }
        Refused => (!is_unset(value)).then(String::new),
        RefusedUnless(defaults) => {
            let mut value = value.clone();
            for (field, default) in defaults {
                if value.get(field).is_some_and(|value| value == default) {
                    value[field] = Value::Null;
                }
            }
            (!is_unset(&value)).then(String::new)
        }
    }
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        // An empty text in a map belongs to a key that somebody wrote.
        Value::Object(fields) => fields.values().all(|value| !value.is_string() && is_unset(value)),
    }
}

/// GitRepository.
pub const GIT_REPOSITORY: Support = Support {
    fields: &[
        ("spec.url", Schemes(&["https", "http"])),
        ("spec.secretRef.name", Supported),
        ("spec.provider", OneOf(&["generic"])),
        ("spec.serviceAccountName", Refused),
        ("spec.interval", Supported),
        ("spec.timeout", Supported),
        ("spec.ref.branch", Supported),
        ("spec.ref.tag", Supported),
        ("spec.ref.semver", Refused),
        ("spec.ref.name", Supported),
        ("spec.ref.commit", Supported),
        ("spec.verify", Refused),
        ("spec.proxySecretRef", Refused),
        ("spec.ignore", Supported),
        ("spec.suspend", Supported),
        ("spec.recurseSubmodules", Refused),
        ("spec.include", Refused),
        ("spec.sparseCheckout", Refused),
    ],
};

/// Kustomization.
pub const KUSTOMIZATION: Support = Support {
    fields: &[
        ("spec.commonMetadata.labels", Supported),
        ("spec.commonMetadata.annotations", Supported),
        ("spec.dependsOn[].name", Supported),
        ("spec.dependsOn[].namespace", Supported),
        ("spec.dependsOn[].readyExpr", Refused),
        ("spec.decryption", Refused),
        ("spec.interval", Supported),
        ("spec.retryInterval", Supported),
        ("spec.kubeConfig", Refused),
        ("spec.path", Supported),
        ("spec.postBuild", RefusedUnless(&[("substituteStrategy", "WithVariables")])),
        ("spec.prune", Supported),
        ("spec.deletionPolicy", Supported),
        ("spec.healthChecks[].apiVersion", Supported),
        ("spec.healthChecks[].kind", Supported),
        ("spec.healthChecks[].name", Supported),
        ("spec.healthChecks[].namespace", Supported),
        ("spec.healthCheckExprs", Refused),
        ("spec.namePrefix", Supported),
        ("spec.nameSuffix", Supported),
        ("spec.patches[].patch", Supported),
        ("spec.patches[].target.group", Supported),
        ("spec.patches[].target.version", Supported),
        ("spec.patches[].target.kind", Supported),
        ("spec.patches[].target.namespace", Supported),
        ("spec.patches[].target.name", Supported),
        ("spec.patches[].target.annotationSelector", Supported),
        ("spec.patches[].target.labelSelector", Supported),
        ("spec.images[].name", Supported),
        ("spec.images[].newName", Supported),
        ("spec.images[].newTag", Supported),
        ("spec.images[].digest", Supported),
        ("spec.serviceAccountName", Supported),
        ("spec.sourceRef.apiVersion", Supported),
        ("spec.sourceRef.kind", OneOf(&["GitRepository"])),
        ("spec.sourceRef.name", Supported),
        ("spec.sourceRef.namespace", Supported),
        ("spec.suspend", Supported),
        ("spec.targetNamespace", Supported),
        ("spec.timeout", Supported),
        ("spec.force", Refused),
        ("spec.wait", Supported),
        ("spec.buildMetadata", Supported),
        ("spec.components", Supported),
        ("spec.ignoreMissingComponents", Supported),
        ("spec.ignore", Refused),
    ],
};

/// FluxConfiguration.
pub const FLUX_CONFIGURATION: Support = Support {
    fields: &[
        ("spec.scope", Supported),
        ("spec.sourceKind", OneOf(&["GitRepository"])),
        ("spec.suspend", Supported),
        ("spec.gitRepository.url", Schemes(&["https", "http"])),
        ("spec.gitRepository.timeoutInSeconds", Supported),
        ("spec.gitRepository.syncIntervalInSeconds", Supported),
        ("spec.gitRepository.repositoryRef.branch", Supported),
        ("spec.gitRepository.repositoryRef.tag", Supported),
        ("spec.gitRepository.repositoryRef.semver", Refused),
        ("spec.gitRepository.repositoryRef.commit", Supported),
        ("spec.gitRepository.sshKnownHosts", Refused),
        ("spec.gitRepository.httpsUser", Supported),
        ("spec.gitRepository.httpsCACert", Supported),
        ("spec.gitRepository.localAuthRef", Supported),
        ("spec.gitRepository.provider", OneOf(&["Generic"])),
        ("spec.bucket", Refused),
        ("spec.azureBlob", Refused),
        ("spec.ociRepository", Refused),
        ("spec.kustomizations{}.path", Supported),
        ("spec.kustomizations{}.dependsOn", Supported),
        ("spec.kustomizations{}.timeoutInSeconds", Supported),
        ("spec.kustomizations{}.syncIntervalInSeconds", Supported),
        ("spec.kustomizations{}.retryIntervalInSeconds", Supported),
        ("spec.kustomizations{}.prune", Supported),
        ("spec.kustomizations{}.force", Refused),
        ("spec.kustomizations{}.wait", Supported),
        ("spec.kustomizations{}.postBuild", Refused),
        ("spec.secretRef.name", Supported),
        ("spec.waitForReconciliation", Refused),
        ("spec.reconciliationWaitDuration", Refused),
    ],
};
