//! Field selectors, and the fields of each kind that they may name.

use serde_json::Value;
use thalweg_schema::Resource;

use crate::kinds::events;
use crate::object::Object;
use crate::registry::Served;
use crate::status::Status;

/// The fields by which a built-in kind is chosen, besides name and namespace: (plural, with its group where two
/// differ; paths).
const FIELDS: [(&str, &[&str]); 13] = [
    (
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
    ),
    (
        "events.events.k8s.io",
        &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
    ),
    (
        "events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    ("nodes", &["spec.unschedulable"]),
    ("namespaces", &["status.phase"]),
    ("secrets", &["type"]),
    ("services", &["spec.clusterIP", "spec.type"]),
    ("replicationcontrollers", &["status.replicas"]),
    ("replicasets", &["status.replicas"]),
    ("jobs", &["status.successful"]),
    ("certificatesigningrequests", &["spec.signerName"]),
    ("resourceslices", &["spec.nodeName", "spec.driver"]),
    ("podcertificaterequests", &["spec.signerName", "spec.podName", "spec.nodeName"]),
];

/// A field selector: all of its terms must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    path: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// Reads a selector such as `metadata.name=web,status.phase!=Running` for objects of this kind.
    pub(crate) fn parse(text: &str, served: &Served) -> Result<Self, Status> {
        let mut terms = Vec::new();
        for part in split(text) {
            let term = term(&part)
                .ok_or_else(|| Status::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'")))?;
            check(served, &term.path)?;
            terms.push(term);
        }
        Ok(Self(terms))
    }

    /// Chooses one object by its name.
    pub(crate) fn name(name: &str) -> Self {
        Self(vec![Term { path: "metadata.name".into(), value: name.into(), equal: true }])
    }

    /// The only name that it chooses, if there is one.
    pub(crate) fn chosen_name(&self) -> Option<&str> {
        self.0.iter().find(|term| term.equal && term.path == "metadata.name").map(|term| term.value.as_str())
    }

    /// Whether it chooses everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this object is chosen.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.0.iter().all(|term| {
            let value = match term.path.as_str() {
                "metadata.name" => object.name().to_owned(),
                "metadata.namespace" => object.namespace().to_owned(),
                path => field(object.value(), path),
            };
            (value == term.value) == term.equal
        })
    }
}

fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let part = parts.last_mut().expect("never empty");
        match character {
            ',' => parts.push(String::new()),
            '\\' => part.extend(['\\'].into_iter().chain(characters.next())),
            other => part.push(other),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn term(text: &str) -> Option<Term> {
    let (at, operator) = text.char_indices().find_map(|(at, _)| {
        ["!=", "==", "="].iter().find(|operator| text[at..].starts_with(**operator)).map(|operator| (at, *operator))
    })?;
    let value = &text[at + operator.len()..];
    let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
    Some(Term { path: text[..at].to_owned(), value, equal: operator != "!=" })
}

fn check(served: &Served, path: &str) -> Result<(), Status> {
    let own = |resource: &Resource| {
        let is = |name: &str| *name == resource.plural || *name == resource.qualified();
        FIELDS.iter().find(|(name, _)| is(name)).map(|(_, paths)| *paths)
    };
    let known = matches!(path, "metadata.name" | "metadata.namespace");
    if served.is_custom() {
        let selectable = selectable_fields(served);
        if known || selectable.iter().any(|field| field == path) {
            return Ok(());
        }
        return Err(Status::bad_request(format!("field label not supported: {path}")));
    }
    match own(served) {
        _ if known => Ok(()),
        Some(paths) if paths.contains(&path) => Ok(()),
        Some(_) => Err(Status::bad_request(format!("field label not supported: {path}"))),
        None => Err(Status::bad_request(format!(
            "\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ))),
    }
}

/// The `selectableFields` of a custom kind, without the leading dot.
fn selectable_fields(served: &Served) -> Vec<String> {
    let Some(definition) = served.definition() else { return Vec::new() };
    let versions = definition.value["spec"]["versions"].as_array().into_iter().flatten();
    let version = versions.filter(|version| version["name"] == served.version.as_str());
    let fields = version.flat_map(|version| version["selectableFields"].as_array().into_iter().flatten());
    fields.filter_map(|field| Some(field["jsonPath"].as_str()?.trim_start_matches('.').to_owned())).collect()
}

/// A field that an event does not have by this name: it may be stored with the other group's names.
fn field_of_event(event: &Value, path: &str) -> String {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let other = events::other_name(first).map_or(&Value::Null, |name| &event[name]);
    let value = if rest.is_empty() { other } else { &other[rest] };
    match value.as_str() {
        Some(text) => text.to_owned(),
        // Who reports without a source is the source.
        None if path == "source.component" => field(event, "reportingComponent"),
        None => String::new(),
    }
}

fn field(value: &Value, path: &str) -> String {
    let path = match path {
        "source" => "source.component",
        "status.successful" => "status.succeeded",
        other => other,
    };
    let found = path.split('.').fold(value, |value, key| &value[key]);
    match found {
        Value::String(text) => text.clone(),
        _ if value["kind"] == "Event" => field_of_event(value, path),
        Value::Null if matches!(path, "spec.hostNetwork" | "spec.unschedulable") => "false".to_owned(),
        Value::Null if matches!(path, "status.replicas" | "status.succeeded") => "0".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
