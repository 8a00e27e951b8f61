//! Cells of volumes and claims.

use jiff::Timestamp;
use serde_json::Value;

use super::{at, items, joined, text};

const MODES: [(&str, &str); 4] =
    [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
/// Where the class of a volume or claim was written before there was a field.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

pub(super) fn modes(object: &Value, arguments: &[&str], _: Timestamp) -> Value {
    let modes: Vec<_> = items(at(object, arguments[0])).collect();
    let short = MODES.iter().filter(|(name, _)| modes.iter().any(|mode| *mode == name));
    joined(short.map(|(_, short)| (*short).to_owned())).into()
}

pub(super) fn class(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let annotation = object["metadata"]["annotations"][CLASS_ANNOTATION].as_str();
    annotation.map_or_else(|| text(at(object, ".spec.storageClassName")), str::to_owned).into()
}

pub(super) fn phase(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let terminating = !object["metadata"]["deletionTimestamp"].is_null();
    if terminating { "Terminating".into() } else { text(at(object, ".status.phase")).into() }
}

pub(super) fn claim(volume: &Value, _: &[&str], _: Timestamp) -> Value {
    match at(volume, ".spec.claimRef") {
        Value::Null => "".into(),
        claim => format!("{}/{}", text(&claim["namespace"]), text(&claim["name"])).into(),
    }
}

pub(super) fn claim_capacity(claim: &Value, _: &[&str], _: Timestamp) -> Value {
    if bound(claim) { text(at(claim, ".status.capacity.storage")).into() } else { "".into() }
}

pub(super) fn claim_modes(claim: &Value, _: &[&str], now: Timestamp) -> Value {
    if bound(claim) { modes(claim, &[".status.accessModes"], now) } else { "".into() }
}

fn bound(claim: &Value) -> bool {
    !text(at(claim, ".spec.volumeName")).is_empty()
}
