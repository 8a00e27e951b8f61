//! Who set which field: `metadata.managedFields`, as `thalweg_merge::managed` keeps them.

use jiff::Timestamp;
use serde_json::Value;
use thalweg_merge::managed::{self, ApplyError, Versions, Writing};
use thalweg_schema::{Node, Schema, Type, kubernetes};

use crate::registry::{Registry, Served};
use crate::shape;
use crate::status::{Cause, Details, Status};

/// Who writes to what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) served: &'a Served,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
    /// `fieldManager`, or the first word of the user agent.
    pub(crate) manager: &'a str,
    pub(crate) now: Timestamp,
}

impl Versions for Writer<'_> {
    fn schema(&self, api_version: &str) -> Option<Schema> {
        let served = self.in_version(api_version)?;
        Some(if served.is_custom() { with_metadata(&served.schema) } else { served.schema.clone() })
    }

    fn convert(&self, object: &Value, api_version: &str) -> Value {
        let from = object["apiVersion"].as_str().and_then(|version| self.in_version(version));
        match from.zip(self.in_version(api_version)) {
            Some((from, to)) => from.convert(object, &to),
            None => object.clone(),
        }
    }
}

impl Writer<'_> {
    /// Records in `new` what a create, update or patch changed.
    pub(crate) fn updated(&self, old: Option<&Value>, new: &mut Value) {
        self.writing(|writing| managed::update(writing, old, new));
        self.forget_scale_times(new);
    }

    /// The object that an apply makes of the live one; 409 names the fields that others own.
    pub(crate) fn applied(&self, live: Option<&Value>, config: &Value, force: bool) -> Result<Value, Status> {
        let mut new = self.writing(|writing| managed::apply(writing, live, config, force)).map_err(refusal)?;
        self.forget_scale_times(&mut new);
        Ok(new)
    }

    /// Who scaled is told without saying when: kube-apiserver loses the time on the way from the Scale to its object.
    fn forget_scale_times(&self, new: &mut Value) {
        if self.subresource != "scale" {
            return;
        }
        let entries = new.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
        let entries = entries.into_iter().flatten().filter_map(Value::as_object_mut);
        for entry in entries.filter(|entry| entry.get("subresource").is_some_and(|name| name == "scale")) {
            entry.remove("time");
        }
    }

    fn in_version(&self, api_version: &str) -> Option<Served> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if *group == self.served.group && *version == self.served.version {
            return Some(self.served.clone());
        }
        self.registry.find(group, version, &self.served.plural)
    }

    fn writing<T>(&self, work: impl FnOnce(&Writing<'_>) -> T) -> T {
        work(&Writing {
            versions: self,
            api_version: &self.served.api_version(),
            kind: &self.served.kind,
            subresource: self.subresource,
            manager: self.manager,
            reset_fields: &shape::reset_fields(self.served, self.subresource),
            now: self.now,
        })
    }
}

/// The schema of a custom resource leaves out what all objects have.
fn with_metadata(schema: &Schema) -> Schema {
    let mut node = Node::clone(schema);
    let text = || Schema::new(Node { type_: Type::String, ..Node::default() });
    node.properties.insert("apiVersion".into(), text());
    node.properties.insert("kind".into(), text());
    node.properties.insert("metadata".into(), kubernetes::object_meta());
    Schema::new(node)
}

fn refusal(error: ApplyError) -> Status {
    match &error {
        ApplyError::BadRequest(message) => Status::bad_request(message),
        ApplyError::Unfit(message) => Status::new(500, "", message),
        ApplyError::Conflicts(conflicts) => {
            let cause = |cause: managed::Cause| Cause::new("FieldManagerConflict", cause.field, cause.message);
            let causes = conflicts.causes().into_iter().map(cause).collect();
            let details = Details { causes, ..Details::default() };
            Status { details: Some(Box::new(details)), ..Status::new(409, "Conflict", error.to_string()) }
        }
    }
}
