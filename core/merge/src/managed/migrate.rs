//! Objects that kubectl applied by itself before it let the server do it.

use serde_json::{Map, Value};

use super::Writing;
use super::compare::Comparison;
use super::conflict::{ApplyError, Conflicts};
use super::field_set::FieldSet;
use super::owned::fields;
use super::shape::Shape;
use super::values::json;

/// The manager whose applies continue those by annotation.
pub(super) const KUBECTL: &str = "kubectl";
/// Where kubectl keeps what it applied by itself.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Bytes of all annotations of an object, at most.
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

/// Whether all conflicts are over fields that kubectl applied by itself, and nobody changed since: then they are its own.
///
/// # Errors
/// The conflicts that are not.
pub(super) fn settle(writing: &Writing<'_>, live: &Value, conflicts: Conflicts) -> Result<(), ApplyError> {
    let Some(own) = unchanged_since_last_applied(writing, live) else { return Err(ApplyError::Conflicts(conflicts)) };
    conflicts.without(&own).map_or(Ok(()), |conflicts| Err(ApplyError::Conflicts(conflicts)))
}

fn unchanged_since_last_applied(writing: &Writing<'_>, live: &Value) -> Option<FieldSet> {
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if last.get("apiVersion")?.as_str()? != writing.api_version {
        return None;
    }
    let schema = writing.versions.schema(writing.api_version)?;
    let shape = Shape::of_object(&schema);
    let comparison = Comparison::of(shape, &last, live).ok()?;
    let set = fields(shape, &last).difference(&comparison.modified);
    Some(set.difference(&comparison.added).difference(&comparison.removed))
}

/// Sets the annotation, if there is one, to what was applied now: who goes back to kubectl's own apply finds it.
pub(super) fn keep_annotation(object: &mut Value, config: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let mut config = config.clone();
    if let Some(annotations) = annotations(&mut config) {
        annotations.remove(LAST_APPLIED);
    }
    let Some(annotations) = annotations(object) else { return };
    annotations.insert(LAST_APPLIED.to_string(), format!("{}\n", json(&config)).into());
    let bytes: usize =
        annotations.iter().map(|(name, value)| name.len() + value.as_str().unwrap_or_default().len()).sum();
    if bytes > ANNOTATIONS_BYTES_MAX {
        annotations.remove(LAST_APPLIED);
    }
}

fn annotation(object: &Value) -> Option<&str> {
    let annotation = object.get("metadata")?.get("annotations")?.get(LAST_APPLIED)?.as_str()?;
    (!annotation.is_empty()).then_some(annotation)
}

fn annotations(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.get_mut("annotations")?.as_object_mut()
}
