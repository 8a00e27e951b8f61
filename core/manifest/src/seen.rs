//! What a metadata watch keeps of a live object: enough to judge drift and to warrant a deletion, and no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::managed_fields;

/// The annotation in which `kubectl apply` keeps a copy of the object; as large as the object and never ours.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A live object as its metadata shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `metadata.generation`, where the kind has one.
    pub generation: Option<i64>,
    /// Whether the object has a deletion timestamp.
    pub deleting: bool,
    /// Every label.
    pub labels: BTreeMap<String, String>,
    /// Every annotation but kubectl's copy of the object.
    pub annotations: BTreeMap<String, String>,
    /// The Apply entry of the manager that was asked for.
    pub applied: Option<Applied>,
}

/// What the server last granted to our field manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// When the entry last changed, as the server wrote it (RFC 3339, whole seconds).
    pub time: String,
    /// The fields, in `fieldsV1` form, as compact JSON.
    pub fields: Arc<str>,
    /// A digest of `fields`: equal digests, equal fields.
    pub fields_digest: [u8; 16],
}

impl Seen {
    /// Reads `metadata` (of an object, or of a `PartialObjectMetadata`) for the field manager `manager`.
    ///
    /// `None` when the metadata has no uid or resourceVersion, as no object of a live API server has.
    pub fn from_metadata(metadata: &Map<String, Value>, manager: &str) -> Option<Self> {
        let text = |field: &str| metadata.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let managed_fields = metadata.get("managedFields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut annotations = strings(metadata.get("annotations"));
        annotations.remove(LAST_APPLIED);
        Some(Self {
            uid: text("uid")?.to_owned(),
            resource_version: text("resourceVersion")?.to_owned(),
            generation: metadata.get("generation").and_then(Value::as_i64),
            deleting: text("deletionTimestamp").is_some(),
            labels: strings(metadata.get("labels")),
            annotations,
            applied: managed_fields::apply_entry(managed_fields, manager).map(|entry| {
                let fields = serde_json::to_string(entry.fields).expect("a JSON map serialises");
                let digest = Sha256::digest(fields.as_bytes());
                let mut fields_digest = [0; 16];
                fields_digest.copy_from_slice(&digest[..16]);
                Applied { time: entry.time.unwrap_or_default().to_owned(), fields: fields.into(), fields_digest }
            }),
        })
    }
}

impl Applied {
    /// Whether the grant holds every field that applying `desired` asks for; see [`managed_fields::covers`].
    pub fn covers(&self, desired: &Map<String, Value>) -> bool {
        serde_json::from_str::<Map<String, Value>>(&self.fields)
            .is_ok_and(|fields| managed_fields::covers(&fields, desired))
    }
}

fn strings(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(metadata: Value) -> Option<Seen> {
        Seen::from_metadata(metadata.as_object().expect("a map"), "ours")
    }

    #[test]
    fn only_our_own_apply_entry_is_kept() {
        let entry = |manager: &str, field: &str| json!({"manager": manager, "operation": "Apply", "time": "2026-06-01T10:00:00Z", "fieldsV1": {field: {}}});
        let metadata = json!({"uid": "u", "resourceVersion": "7", "managedFields": [entry("theirs", "f:a"), entry("ours", "f:b")]});
        let applied = seen(metadata).and_then(|seen| seen.applied).expect("our entry");
        assert_eq!((applied.time.as_str(), &*applied.fields), ("2026-06-01T10:00:00Z", r#"{"f:b":{}}"#));
    }

    #[test]
    fn kubectls_copy_of_the_object_is_not_kept() {
        let metadata = json!({"uid": "u", "resourceVersion": "7", "annotations": {LAST_APPLIED: "{}", "a": "b"}});
        let annotations = seen(metadata).expect("complete").annotations;
        assert_eq!(annotations.into_iter().collect::<Vec<_>>(), [("a".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn metadata_without_a_uid_or_a_resource_version_is_of_no_live_object() {
        assert_eq!(seen(json!({"resourceVersion": "7"})), None);
        assert_eq!(seen(json!({"uid": "u", "resourceVersion": ""})), None);
    }
}
