//! The digest that names a set of objects by its content.

use sha2::{Digest as _, Sha256};

use crate::Object;

/// `sha256:` and the hash of the objects' JSON in the given order, a line each.
///
/// Flux hashes the YAML text of its build; both only ever compare a digest with one that they wrote themselves.
pub fn of(objects: &[Object]) -> String {
    let mut hash = Sha256::new();
    for object in objects {
        hash.update(of_json(object.content()));
        hash.update(b"\n");
    }
    format!("sha256:{}", hex::encode(hash.finalize()))
}

fn of_json(content: &serde_json::Map<String, serde_json::Value>) -> Vec<u8> {
    serde_json::to_vec(content).expect("a JSON value serialises")
}
