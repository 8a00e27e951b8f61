//! From the body of a PUT to what is stored, or to every reason why not.

use serde_json::{Map, Value};

use super::{Desired, Kustomization, READ_ONLY, Scope, Source, SourceKind, secret_fields};
use crate::{ErrorBody, code};

/// Characters of a configuration's and a kustomization's name together: `C-KEY` must fit a label value.
const JOINED_CHARS_MAX: usize = 62;
/// Characters of a Kubernetes namespace.
const NAMESPACE_CHARS_MAX: usize = 63;
/// Kustomizations of one configuration.
const KUSTOMIZATIONS_MAX: usize = 1000;

/// The body of a PUT of the configuration `name`, as it is stored.
///
/// # Errors
/// `SecretsNotSupported` naming every field that may hold a secret; `NotSupported` for what ARM knows and this hub does
/// not do yet; `InvalidRequestContent` with one detail a fault. No message repeats the value of a secret field.
pub fn accept(name: &str, body: &Value) -> Result<Desired, ErrorBody> {
    let secrets = secret_fields(body);
    if !secrets.is_empty() {
        return Err(ErrorBody {
            target: secrets.first().cloned(),
            ..ErrorBody::new(
                code::SECRETS_NOT_SUPPORTED,
                format!(
                    "{} cannot be accepted: this hub keeps no secrets yet. Make a Secret in the cluster and name it in \
                     localAuthRef.",
                    secrets.join(", ")
                ),
            )
        });
    }
    let properties = match body.get("properties") {
        Some(Value::Object(properties)) => properties,
        _ => return Err(invalid("properties", "properties is required and must be an object")),
    };
    let desired = read(properties)?;
    unsupported(&desired)?;
    let faults = faults(name, &desired);
    match faults.len() {
        0 => Ok(desired),
        1 => Err(faults.into_iter().next().expect("there is one fault")),
        _ => Err(ErrorBody {
            details: faults.clone(),
            ..ErrorBody::new(
                code::INVALID_REQUEST_CONTENT,
                faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "),
            )
        }),
    }
}

/// A field that is chosen when the configuration is created, and now differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateOnlyChanged(pub ErrorBody);

/// Compares the fields that are chosen once, `scope` and `namespace`, defaults filled.
///
/// # Errors
/// The first field that differs.
pub fn unchanged_create_only(stored: &Desired, asked: &Desired) -> Result<(), CreateOnlyChanged> {
    let changed = |field: &str| {
        Err(CreateOnlyChanged(ErrorBody {
            target: Some(format!("properties.{field}")),
            ..ErrorBody::new(
                code::PROPERTY_CHANGE_NOT_ALLOWED,
                format!("properties.{field} is chosen when the configuration is created and cannot change"),
            )
        }))
    };
    match () {
        () if stored.scope() != asked.scope() => changed("scope"),
        () if stored.namespace() != asked.namespace() => changed("namespace"),
        () => Ok(()),
    }
}

/// The typed document: nulls mean "not said", read-only and empty secret fields are left out.
fn read(properties: &Map<String, Value>) -> Result<Desired, ErrorBody> {
    let mut said = without_nulls(properties);
    said.retain(|field, _| {
        !READ_ONLY.iter().any(|read_only| read_only.eq_ignore_ascii_case(field))
            && !field.eq_ignore_ascii_case("configurationProtectedSettings")
    });
    // A client that changes the source kind sends the old source as an empty object.
    said.retain(|field, value| {
        !(matches!(field.as_str(), "gitRepository" | "bucket" | "azureBlob" | "ociRepository")
            && value.as_object().is_some_and(Map::is_empty))
    });
    let mut desired: Desired = serde_json::from_value(Value::Object(said))
        .map_err(|fault| invalid("properties", format!("properties is not a Flux configuration: {fault}")))?;
    for kustomization in desired.kustomizations.iter_mut().flat_map(|all| all.values_mut()).flatten() {
        kustomization.name = None;
    }
    Ok(desired)
}

fn without_nulls(fields: &Map<String, Value>) -> Map<String, Value> {
    let kept = fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
        let value = match value {
            Value::Object(fields) => Value::Object(without_nulls(fields)),
            other => other.clone(),
        };
        (name.clone(), value)
    });
    kept.collect()
}

fn unsupported(desired: &Desired) -> Result<(), ErrorBody> {
    match desired.other.get("waitForReconciliation") {
        None | Some(Value::Bool(false)) => Ok(()),
        Some(_) => Err(ErrorBody {
            target: Some("properties.waitForReconciliation".to_owned()),
            ..ErrorBody::new(
                code::NOT_SUPPORTED,
                "properties.waitForReconciliation is not supported yet: a PUT answers at once",
            )
        }),
    }
}

fn faults(name: &str, desired: &Desired) -> Vec<ErrorBody> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, target: &str, message: String| {
        if !holds {
            faults.push(invalid(target, message));
        }
    };
    check(
        is_dns(name, true) && name.len() <= JOINED_CHARS_MAX,
        "name",
        format!("name must be at most {JOINED_CHARS_MAX} lower-case letters, digits, - and ., as a DNS name: {name:?}"),
    );
    let namespace = desired.namespace();
    check(
        is_dns(namespace, false) && namespace.len() <= NAMESPACE_CHARS_MAX,
        "properties.namespace",
        format!(
            "properties.namespace must be at most {NAMESPACE_CHARS_MAX} lower-case letters, digits and -: {namespace:?}"
        ),
    );
    check_source(desired, &mut check);
    let kustomizations = desired.kustomizations.iter().flatten();
    check(
        kustomizations.clone().count() <= KUSTOMIZATIONS_MAX,
        "properties.kustomizations",
        format!("properties.kustomizations holds more than {KUSTOMIZATIONS_MAX}"),
    );
    for (key, kustomization) in kustomizations {
        let target = format!("properties.kustomizations.{key}");
        check(
            is_dns(key, true),
            &target,
            format!("{target}: the name must be lower-case letters, digits, - and ., as a DNS name"),
        );
        check(
            name.len() + key.len() <= JOINED_CHARS_MAX,
            &target,
            format!(
                "{target}: this name and the configuration's are {} characters together, at most {JOINED_CHARS_MAX} fit",
                name.len() + key.len()
            ),
        );
        if let Some(kustomization) = kustomization {
            check_kustomization(kustomization, &target, &mut check);
        }
    }
    faults
}

fn check_kustomization(kustomization: &Kustomization, target: &str, check: &mut impl FnMut(bool, &str, String)) {
    let seconds = [
        ("timeoutInSeconds", kustomization.timeout_in_seconds),
        ("syncIntervalInSeconds", kustomization.sync_interval_in_seconds),
        ("retryIntervalInSeconds", kustomization.retry_interval_in_seconds),
    ];
    for (field, seconds) in seconds {
        let target = format!("{target}.{field}");
        check(seconds.is_none_or(|seconds| seconds > 0), &target, format!("{target} must be more than 0"));
    }
}

/// Exactly the source that `sourceKind` names, with an address that the kind understands.
fn check_source(desired: &Desired, check: &mut impl FnMut(bool, &str, String)) {
    let sources: [(SourceKind, &str, Option<&Source>, &[&str]); 4] = [
        (
            SourceKind::GitRepository,
            "gitRepository",
            desired.git_repository.as_ref().map(|git| &git.source),
            &["http://", "https://", "ssh://", "git@"],
        ),
        (SourceKind::Bucket, "bucket", desired.bucket.as_ref().map(|bucket| &bucket.source), &["http://", "https://"]),
        (SourceKind::AzureBlob, "azureBlob", desired.azure_blob.as_ref(), &["http://", "https://"]),
        (SourceKind::OciRepository, "ociRepository", desired.oci_repository.as_ref(), &["oci://"]),
    ];
    for (kind, field, source, schemes) in sources {
        let target = format!("properties.{field}");
        let wanted = kind == desired.source_kind();
        match source {
            None => check(!wanted, &target, format!("{target} is required: sourceKind is {kind:?}")),
            Some(_) if !wanted => {
                check(false, &target, format!("{target} is set, but sourceKind is {:?}", desired.source_kind()));
            }
            Some(source) => {
                let url = source.url.as_deref().unwrap_or_default();
                let known = |scheme: &&str| {
                    url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
                        && url.len() > scheme.len()
                };
                check(
                    schemes.iter().any(known),
                    &format!("{target}.url"),
                    format!("{target}.url must begin with one of {}", schemes.join(", ")),
                );
                let seconds = [
                    ("timeoutInSeconds", source.timeout_in_seconds),
                    ("syncIntervalInSeconds", source.sync_interval_in_seconds),
                ];
                for (field, seconds) in seconds {
                    let target = format!("{target}.{field}");
                    check(seconds.is_none_or(|seconds| seconds > 0), &target, format!("{target} must be more than 0"));
                }
            }
        }
    }
}

/// A DNS label, or with `dots` a DNS subdomain: lower case, and no part begins or ends with a hyphen.
fn is_dns(name: &str, dots: bool) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if dots { name.split('.').all(label) } else { label(name) }
}

fn invalid(target: &str, message: impl Into<String>) -> ErrorBody {
    ErrorBody { target: Some(target.to_owned()), ..ErrorBody::new(code::INVALID_REQUEST_CONTENT, message) }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cluster => "cluster",
            Self::Namespace => "namespace",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn git(mut properties: Value) -> Value {
        properties["gitRepository"] = json!({"url": "https://example.com/r", "repositoryRef": {"branch": "main"}});
        json!({ "properties": properties })
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "k".repeat(52);
        let cases = [
            (json!({}), "properties"),
            (json!({"properties": []}), "properties"),
            (json!({"properties": {}}), "properties.gitRepository"),
            (json!({"properties": {"sourceKind": "Bucket"}}), "properties.bucket"),
            (git(json!({"sourceKind": "Bucket", "bucket": {"url": "https://s3"}})), "properties.gitRepository"),
            (git(json!({"sourceKind": "Tape"})), "properties"),
            (git(json!({"scope": "galaxy"})), "properties"),
            (git(json!({"namespace": "Caps"})), "properties.namespace"),
            (git(json!({"namespace": "a.b"})), "properties.namespace"),
            (git(json!({"kustomizations": {"Infra": {}}})), "properties.kustomizations.Infra"),
            (git(json!({"kustomizations": {"-": {}}})), "properties.kustomizations.-"),
            (git(json!({"kustomizations": {&long: {}}})), &format!("properties.kustomizations.{long}")),
            (
                git(json!({"kustomizations": {"a": {"timeoutInSeconds": 0}}})),
                "properties.kustomizations.a.timeoutInSeconds",
            ),
            (git(json!({"waitForReconciliation": true})), "properties.waitForReconciliation"),
            (json!({"properties": {"gitRepository": {"url": "ftp://example.com/r"}}}), "properties.gitRepository.url"),
            (json!({"properties": {"gitRepository": {"url": "https://"}}}), "properties.gitRepository.url"),
            (json!({"properties": {"gitRepository": {}}}), "properties.gitRepository"),
        ];
        for (body, target) in cases {
            let refused = accept("config-name", &body).expect_err(&body.to_string());
            assert_eq!(refused.target.as_deref(), Some(target), "{body}: {refused:?}");
            assert!(refused.message.contains(target.trim_start_matches("properties.")), "{refused:?}");
        }
        for name in ["Upper", "", "a..b", "-a", &"n".repeat(63)] {
            let refused = accept(name, &git(json!({}))).expect_err(name);
            assert_eq!(refused.target.as_deref(), Some("name"), "{name}: {refused:?}");
        }
    }

    #[test]
    fn several_faults_are_all_told() {
        let refused = accept("c", &git(json!({"namespace": "A", "kustomizations": {"B": {}}}))).unwrap_err();
        assert_eq!(refused.details.len(), 2, "{refused:?}");
    }

    #[test]
    fn defaults_are_arms_and_unknown_fields_are_kept() {
        let body = git(json!({
            "kustomizations": {"infra": {"path": "./infra", "prune": true, "name": "x"}, "gone": null,
                               "apps": {"dependsOn": ["infra"], "postBuild": {"substitute": {"password": "y"}}},
                               "old": {"dependsOn": [{"kustomizationName": "apps"}]}},
            "bucket": null, "azureBlob": {}, "complianceState": "Compliant", "statuses": [{}], "later": {"a": 1},
        }));
        let stored = accept("c", &body).unwrap();
        let text = serde_json::to_value(&stored).unwrap();
        assert_eq!(
            text,
            json!({
                "gitRepository": {"url": "https://example.com/r", "repositoryRef": {"branch": "main"}},
                "kustomizations": {"infra": {"path": "./infra", "prune": true},
                                   "apps": {"dependsOn": ["infra"], "postBuild": {"substitute": {"password": "y"}}},
                                   "old": {"dependsOn": ["apps"]}},
                "later": {"a": 1},
            })
        );
        let answered = serde_json::to_value(stored.with_defaults()).unwrap();
        assert_eq!(
            answered,
            json!({
                "scope": "cluster", "namespace": "default", "sourceKind": "GitRepository", "suspend": false,
                "gitRepository": {"url": "https://example.com/r", "repositoryRef": {"branch": "main"},
                                  "timeoutInSeconds": 600, "syncIntervalInSeconds": 600},
                "kustomizations": {
                    "infra": {"name": "infra", "path": "./infra", "timeoutInSeconds": 600, "syncIntervalInSeconds": 600,
                              "prune": true, "force": false, "wait": true},
                    "apps": {"name": "apps", "path": "", "dependsOn": ["infra"], "timeoutInSeconds": 600,
                             "syncIntervalInSeconds": 600, "prune": false, "force": false, "wait": true,
                             "postBuild": {"substitute": {"password": "y"}}},
                    "old": {"name": "old", "path": "", "dependsOn": ["apps"], "timeoutInSeconds": 600,
                            "syncIntervalInSeconds": 600, "prune": false, "force": false, "wait": true}},
                "waitForReconciliation": false, "later": {"a": 1},
            })
        );
    }

    #[test]
    fn scope_and_namespace_are_chosen_once() {
        let stored = accept("c", &git(json!({}))).unwrap();
        let cases = [
            (json!({"scope": "cluster", "namespace": "default"}), None),
            (json!({"scope": "namespace"}), Some("properties.scope")),
            (json!({"namespace": "other"}), Some("properties.namespace")),
        ];
        for (properties, expected) in cases {
            let asked = accept("c", &git(properties.clone())).unwrap();
            let target = unchanged_create_only(&stored, &asked).err().and_then(|changed| changed.0.target);
            assert_eq!(target.as_deref(), expected, "{properties}");
        }
    }
}
