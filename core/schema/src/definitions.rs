//! Kubernetes' own definitions, read from the tables when first asked for, each by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use crate::node::{ListType, MapType, Node, Patch, Schema, Type, Validation, Written};

/// A JSON object; each member is a line.
const DEFINITIONS: &str = include_str!("../tables/definitions.json");
/// The same, with what people read.
const DESCRIPTIONS: &str = include_str!("../tables/descriptions.json");

/// Definitions whose shape OpenAPI does not tell: their Go types read and write themselves.
const SHAPED_BY_CODE: [(&str, Shape); 8] = [
    ("io.k8s.apimachinery.pkg.api.resource.Quantity", Shape::Typed(Type::Quantity)),
    ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", Shape::Typed(Type::IntOrString)),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", Shape::Free(Type::Object, MapType::Granular)),
    ("io.k8s.apimachinery.pkg.runtime.RawExtension", Shape::Free(Type::Object, MapType::Atomic)),
    ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", Shape::Free(Type::Any, MapType::Granular)),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
        Shape::Free(Type::Any, MapType::Granular),
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
        Shape::Free(Type::Any, MapType::Granular),
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
        Shape::Free(Type::Any, MapType::Granular),
    ),
];

enum Shape {
    Typed(Type),
    /// Whatever it holds is kept.
    Free(Type, MapType),
}

/// One line of the tables, and what was read from it.
pub(crate) struct Definition {
    name: &'static str,
    text: &'static str,
    descriptions: &'static str,
    node: OnceLock<Node>,
}

impl Definition {
    fn all() -> &'static BTreeMap<&'static str, Self> {
        static TABLE: OnceLock<BTreeMap<&'static str, Definition>> = OnceLock::new();
        TABLE.get_or_init(table)
    }

    /// The definition of this name, such as `io.k8s.api.apps.v1.Deployment`.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        Self::all().get(name)
    }

    /// The definition of a kind.
    pub(crate) fn of_kind(group: &str, version: &str, kind: &str) -> Option<&'static Self> {
        let kind = serde_json::json!({ "group": group, "kind": kind, "version": version });
        let wanted = format!("\"x-kubernetes-group-version-kind\":{kind}");
        Self::all().values().find(|definition| definition.text.contains(&wanted))
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.get_or_init(|| self.read())
    }

    /// The line itself.
    pub(crate) fn table_row(&self) -> Value {
        serde_json::from_str(self.text).expect("the tables are JSON")
    }

    /// The description of the definition, under the empty name, and those of its fields.
    pub(crate) fn descriptions(&self) -> BTreeMap<String, String> {
        let descriptions: Value = serde_json::from_str(self.descriptions).expect("the tables are JSON");
        let Value::Object(descriptions) = descriptions else { return BTreeMap::new() };
        descriptions.into_iter().map(|(name, text)| (name, text.as_str().unwrap_or_default().to_string())).collect()
    }

    fn read(&self) -> Node {
        let mut descriptions = self.descriptions();
        let mut node = node(&self.table_row());
        for (name, schema) in &mut node.properties {
            let description = descriptions.remove(name).unwrap_or_default();
            schema.describe(description);
        }
        node.description = descriptions.remove("").unwrap_or_default();
        if let Some((_, shape)) = SHAPED_BY_CODE.iter().find(|(name, _)| *name == self.name) {
            match shape {
                Shape::Typed(type_) => node.type_ = *type_,
                Shape::Free(type_, map_type) => {
                    (node.type_, node.map_type, node.preserve_unknown) = (*type_, *map_type, true);
                }
            }
        }
        node
    }
}

fn table() -> BTreeMap<&'static str, Definition> {
    let members = rows(DEFINITIONS).zip(rows(DESCRIPTIONS));
    members
        .map(|((name, text), (described, descriptions))| {
            debug_assert_eq!(name, described, "both tables list the same names in the same order");
            (name, Definition { name, text, descriptions, node: OnceLock::new() })
        })
        .collect()
}

/// `"NAME":{…},` → `NAME` and `{…}`.
fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.lines().filter_map(|line| {
        let (name, text) = line.strip_prefix('"')?.split_once("\":")?;
        Some((name, text.strip_suffix(',').unwrap_or(text)))
    })
}

/// A use of a definition, with what is said of it where it is used.
pub(crate) struct Reference {
    target: &'static Definition,
    here: Here,
    node: OnceLock<Node>,
}

/// What is said of a value where it is used.
#[derive(Default)]
struct Here {
    description: String,
    default: Option<Value>,
    map_type: Option<MapType>,
    patch: Patch,
    go_type: String,
    go_inlined: String,
    written: Written,
}

impl Reference {
    pub(crate) fn target(&self) -> &'static Definition {
        self.target
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.get_or_init(|| {
            let mut node = self.target.node().clone();
            if !self.here.description.is_empty() {
                node.description.clone_from(&self.here.description);
            }
            node.default.clone_from(&self.here.default);
            node.map_type = self.here.map_type.unwrap_or(node.map_type);
            node.patch = self.here.patch.clone();
            if !self.here.go_type.is_empty() {
                node.go_type.clone_from(&self.here.go_type);
            }
            node.go_inlined.clone_from(&self.here.go_inlined);
            node.written = self.here.written.clone();
            node
        })
    }
}

impl Schema {
    /// Sets the description of a schema that nobody else has yet.
    fn describe(&mut self, description: String) {
        if let Some(node) = self.own_mut() {
            node.description = description;
        } else if let Some(reference) = self.reference_mut() {
            reference.here.description = description;
        }
    }
}

fn schema(row: &Value) -> Schema {
    let Some(name) = row["$ref"].as_str() else { return Schema::new(node(row)) };
    let target = Definition::find(name).expect("the tables are closed: every reference is in them");
    let here = Here {
        description: String::new(),
        default: row.get("default").cloned(),
        map_type: map_type(row),
        patch: patch(row),
        go_type: go_type(row).to_string(),
        go_inlined: text(row, "inlined"),
        written: written(row),
    };
    Schema::from_reference(Arc::new(Reference { target, here, node: OnceLock::new() }))
}

fn node(row: &Value) -> Node {
    let fields = row["properties"].as_object().into_iter().flatten();
    let required = texts(&row["required"]);
    Node {
        type_: match row["type"].as_str() {
            Some("boolean") => Type::Boolean,
            Some("integer") => Type::Integer,
            Some("number") => Type::Number,
            Some("string") => Type::String,
            Some("array") => Type::Array,
            Some("object") => Type::Object,
            _ => Type::Any,
        },
        format: text(row, "format"),
        default: row.get("default").cloned(),
        properties: fields.map(|(name, field)| (name.clone(), schema(field))).collect(),
        additional: row.get("additionalProperties").map(|member| member_schema(row, member)),
        items: row.get("items").map(|member| member_schema(row, member)),
        list_type: match row["x-kubernetes-list-type"].as_str() {
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(texts(&row["x-kubernetes-list-map-keys"])),
            _ => ListType::Atomic,
        },
        map_type: map_type(row).unwrap_or_default(),
        patch: patch(row),
        validation: (!required.is_empty()).then(|| Box::new(Validation { required, ..Validation::default() })),
        go_type: go_type(row).to_string(),
        go_inlined: text(row, "inlined"),
        written: written(row),
        ..Node::default()
    }
}

/// The Go type of an item or a value is part of that of its list or map.
fn member_schema(row: &Value, member: &Value) -> Schema {
    let mut schema = schema(member);
    let go = go_type(row);
    let inner = go.strip_prefix("[]").or_else(|| go.strip_prefix("map[")?.split_once(']').map(|(_, inner)| inner));
    if let Some(node) = schema.own_mut() {
        let inner = inner.or_else(|| member["type"].as_str()).unwrap_or_default();
        node.go_type = inner.trim_start_matches('*').to_string();
    }
    schema
}

fn map_type(row: &Value) -> Option<MapType> {
    match row["x-kubernetes-map-type"].as_str()? {
        "atomic" => Some(MapType::Atomic),
        _ => Some(MapType::Granular),
    }
}

fn patch(row: &Value) -> Patch {
    let strategy = row["x-kubernetes-patch-strategy"].as_str().unwrap_or_default();
    let has = |wanted| strategy.split(',').any(|part| part == wanted);
    Patch {
        merge: has("merge"),
        retain_keys: has("retainKeys"),
        merge_key: row["x-kubernetes-patch-merge-key"].as_str().map(str::to_string),
    }
}

/// A row says `*int32,omitempty`: the type that errors name is what the pointer points to.
fn go_type(row: &Value) -> &str {
    let go = row["go"].as_str().unwrap_or_default();
    go.split(',').next().unwrap_or_default().trim_start_matches('*')
}

/// What encoding/json writes of a field, as its type and its tag say.
fn written(row: &Value) -> Written {
    let Some((go, options)) = row["go"].as_str().map(|go| go.split_once(',').unwrap_or((go, ""))) else {
        return Written::AsGiven;
    };
    let nil = go.starts_with(['*', '[']) || go.starts_with("map[") || go == "interface{}";
    let is_struct = row.get("$ref").is_some() && !nil;
    let has = |wanted| options.split(',').any(|option| option == wanted);
    if has("omitzero") || (has("omitempty") && !is_struct && !go.starts_with('*')) {
        return Written::Nonempty;
    }
    if has("omitempty") && !is_struct {
        return Written::AsGiven;
    }
    Written::Always(if nil { Value::Null } else { zero(row) })
}

/// What Go's zero value is in JSON.
fn zero(row: &Value) -> Value {
    match (row["$ref"].as_str(), row["type"].as_str()) {
        (Some(name), _) if name.ends_with(".Quantity") => "0".into(),
        (Some(name), _) if name.ends_with(".IntOrString") => 0.into(),
        (Some(name), _) if name.ends_with("Time") || name.ends_with(".RawExtension") => Value::Null,
        (Some(_), _) => Value::Object(Map::new()),
        (None, Some("string")) if row["format"] == "byte" => Value::Null,
        (None, Some("string")) => "".into(),
        (None, Some("integer" | "number")) => 0.into(),
        (None, Some("boolean")) => false.into(),
        (None, _) => Value::Null,
    }
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_default().to_string()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
}
