//! One stored object.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value;

/// An object as it is stored, at one resourceVersion; never changed, only replaced.
#[derive(Debug)]
pub struct Object {
    value: Value,
    namespace: String,
    name: String,
    uid: String,
    resource_version: u64,
    labels: BTreeMap<String, String>,
    fields: OnceLock<Bytes>,
}

impl Object {
    /// Reads the metadata of a whole object.
    pub fn new(value: Value) -> Self {
        let metadata = &value["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
        let labels = metadata["labels"].as_object().into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let resource_version = metadata["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
        let (namespace, name, uid) = (text("namespace"), text("name"), text("uid"));
        Self { namespace, name, uid, resource_version, labels, fields: OnceLock::new(), value }
    }

    /// The same at another resourceVersion: an event tells of what is gone at the version in which it went.
    pub(crate) fn at(&self, resource_version: u64) -> Self {
        let mut value = self.value.clone();
        value["metadata"]["resourceVersion"] = resource_version.to_string().into();
        Self::new(value)
    }

    /// The whole object.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Its namespace; empty when its kind has none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its uid.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// When it was written.
    pub fn resource_version(&self) -> u64 {
        self.resource_version
    }

    /// Its labels.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// Whether its deletion has begun.
    pub fn terminating(&self) -> bool {
        !self.value["metadata"]["deletionTimestamp"].is_null()
    }

    /// What stands between the braces of its JSON, without `kind` and `apiVersion`: lists leave those out, and versions
    /// differ in nothing else. Written once, however often it is read.
    pub(crate) fn fields(&self) -> &Bytes {
        self.fields.get_or_init(|| fields_of(&self.value))
    }
}

/// What stands between the braces of an object's JSON, without `kind` and `apiVersion`.
pub(crate) fn fields_of(value: &Value) -> Bytes {
    let mut text = Vec::with_capacity(512);
    for (key, value) in value.as_object().into_iter().flatten() {
        if key != "apiVersion" && key != "kind" {
            if !text.is_empty() {
                text.push(b',');
            }
            serde_json::to_writer(&mut text, key).expect("a text is JSON");
            text.push(b':');
            serde_json::to_writer(&mut text, value).expect("a value is JSON");
        }
    }
    Bytes::from(text)
}
