//! The operations on a resource.

use serde_json::{Map, Value, json};

use super::schemas::Components;
use crate::resource::{Resource, Subresource};

const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

const LIST_PARAMETERS: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
const DELETE_COLLECTION_PARAMETERS: &[&str] = &[
    "continue",
    "dryRun",
    "fieldSelector",
    "gracePeriodSeconds",
    "labelSelector",
    "limit",
    "orphanDependents",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
];
const WRITE_PARAMETERS: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];

/// What a verb of discovery is in OpenAPI.
struct Operation {
    verb: &'static str,
    method: &'static str,
    /// `x-kubernetes-action`.
    action: &'static str,
    /// How its id begins.
    id: &'static str,
    parameters: &'static [&'static str],
}

const ON_COLLECTIONS: [Operation; 3] = [
    Operation { verb: "list", method: "get", action: "list", id: "list", parameters: LIST_PARAMETERS },
    Operation { verb: "create", method: "post", action: "post", id: "create", parameters: WRITE_PARAMETERS },
    Operation {
        verb: "deletecollection",
        method: "delete",
        action: "deletecollection",
        id: "delete",
        parameters: DELETE_COLLECTION_PARAMETERS,
    },
];
const ON_OBJECTS: [Operation; 4] = [
    Operation { verb: "get", method: "get", action: "get", id: "read", parameters: &["resourceVersion"] },
    Operation { verb: "update", method: "put", action: "put", id: "replace", parameters: WRITE_PARAMETERS },
    Operation {
        verb: "patch",
        method: "patch",
        action: "patch",
        id: "patch",
        parameters: &["dryRun", "fieldManager", "fieldValidation", "force"],
    },
    Operation {
        verb: "delete",
        method: "delete",
        action: "delete",
        id: "delete",
        parameters: &["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"],
    },
];

/// The paths of a resource, and in `components` the schemas that they refer to.
pub(super) fn of(resource: &Resource, components: &mut Components) -> Map<String, Value> {
    let prefix = if resource.group.is_empty() { "/api" } else { "/apis" };
    let base = format!("{prefix}/{}", resource.api_version());
    let everywhere = format!("{base}/{}", resource.plural);
    let (collection, scope) = if resource.namespaced {
        (format!("{base}/namespaces/{{namespace}}/{}", resource.plural), &["namespace"][..])
    } else {
        (everywhere.clone(), &[][..])
    };
    let named = [&["name"], scope].concat();
    let mut builder = Builder { resource, components, paths: Map::new() };

    builder.path(&collection, scope, &ON_COLLECTIONS, &resource.verbs, None);
    builder.path(&format!("{collection}/{{name}}"), &named, &ON_OBJECTS, &resource.verbs, None);
    if resource.namespaced {
        builder.path(&everywhere, &[], &ON_COLLECTIONS[..1], &resource.verbs, None);
    }
    for subresource in &resource.subresources {
        let path = format!("{collection}/{{name}}/{}", subresource.name);
        let create = ON_COLLECTIONS[1..2].iter();
        for operations in [create.as_slice(), &ON_OBJECTS] {
            builder.path(&path, &named, operations, &subresource.verbs, Some(subresource));
        }
    }
    builder.paths
}

struct Builder<'a> {
    resource: &'a Resource,
    components: &'a mut Components,
    paths: Map<String, Value>,
}

impl Builder<'_> {
    /// Adds to a path those of the operations that the verbs allow.
    fn path(
        &mut self,
        path: &str,
        in_path: &[&str],
        operations: &[Operation],
        verbs: &[String],
        subresource: Option<&Subresource>,
    ) {
        let object = match subresource {
            Some(subresource) if subresource.kind != self.resource.kind => {
                // What has no schema (the options of exec) is no object, and is not served.
                let Some(object) = self.components.kind(&subresource.group, &subresource.version, &subresource.kind)
                else {
                    return;
                };
                object
            }
            _ => self.components.resource(self.resource),
        };
        let mut methods = Map::new();
        for operation in operations.iter().filter(|operation| verbs.iter().any(|verb| verb == operation.verb)) {
            let id = self.id(operation, subresource, !in_path.contains(&"namespace") && self.resource.namespaced);
            let described = self.operation(operation, &id, &object, subresource);
            methods.insert(operation.method.to_string(), described);
        }
        if methods.is_empty() {
            return;
        }
        let in_path = in_path.iter().map(|name| parameter(name, "path"));
        let shared = in_path.chain([parameter("pretty", "query")]).collect::<Vec<_>>();
        let entry = self.paths.entry(path).or_insert_with(|| json!({ "parameters": shared }));
        if let Value::Object(entry) = entry {
            entry.extend(methods);
        }
    }

    fn operation(&mut self, operation: &Operation, id: &str, object: &str, subresource: Option<&Subresource>) -> Value {
        let answer = match operation.verb {
            "list" => self.components.list(self.resource),
            "delete" | "deletecollection" => self.components.definition(STATUS),
            _ => object.to_string(),
        };
        let (group, version, kind) = match subresource {
            Some(subresource) => (&subresource.group, &subresource.version, &subresource.kind),
            None => (&self.resource.group, &self.resource.version, &self.resource.kind),
        };
        let mut described = json!({
            "operationId": id,
            "parameters": operation.parameters.iter().map(|name| parameter(name, "query")).collect::<Vec<_>>(),
            "responses": { "200": { "description": "OK", "content": content(&["application/json"], &answer) } },
            "tags": [self.tag()],
            "x-kubernetes-action": operation.action,
            "x-kubernetes-group-version-kind": { "group": group, "version": version, "kind": kind },
        });
        if let Some(body) = self.body(operation, object) {
            described["requestBody"] = body;
        }
        described
    }

    fn body(&mut self, operation: &Operation, object: &str) -> Option<Value> {
        const PATCHES: [&str; 4] = [
            "application/apply-patch+yaml",
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json",
        ];
        match operation.verb {
            "create" | "update" => Some(json!({ "required": true, "content": content(&["*/*"], object) })),
            "delete" | "deletecollection" => {
                let options = self.components.options(DELETE_OPTIONS, self.resource);
                Some(json!({ "content": content(&["*/*"], &options) }))
            }
            "patch" => {
                let custom = self.resource.schema.definition().is_none();
                let patches = if custom { &PATCHES[..3] } else { &PATCHES };
                Some(json!({ "required": true, "content": content(patches, &self.components.definition(PATCH)) }))
            }
            _ => None,
        }
    }

    /// `createAppsV1NamespacedDeployment`.
    fn id(&self, operation: &Operation, subresource: Option<&Subresource>, everywhere: bool) -> String {
        let Resource { version, kind, namespaced, .. } = self.resource;
        let group: String = self.group_words().map(capitalised).collect();
        let collection = if operation.verb == "deletecollection" { "Collection" } else { "" };
        let scope = if *namespaced && !everywhere { "Namespaced" } else { "" };
        let part = subresource.map_or_else(String::new, |subresource| capitalised(&subresource.name));
        let everywhere = if everywhere { "ForAllNamespaces" } else { "" };
        format!("{}{group}{}{collection}{scope}{kind}{part}{everywhere}", operation.id, capitalised(version))
    }

    /// `rbacAuthorization_v1`.
    fn tag(&self) -> String {
        let words = self.group_words().enumerate();
        let group: String =
            words.map(|(index, word)| if index == 0 { word.to_string() } else { capitalised(word) }).collect();
        format!("{group}_{}", self.resource.version)
    }

    fn group_words(&self) -> impl Iterator<Item = &str> {
        let group = self.resource.group.trim_end_matches(".k8s.io");
        let group = if group.is_empty() { "core" } else { group };
        group.split(['.', '-'])
    }
}

fn content(types: &[&str], component: &str) -> Value {
    let reference = json!({ "schema": { "$ref": format!("#/components/schemas/{component}") } });
    types.iter().map(|type_| ((*type_).to_string(), reference.clone())).collect::<Map<_, _>>().into()
}

fn parameter(name: &str, place: &str) -> Value {
    let type_ = match name {
        "allowWatchBookmarks" | "force" | "orphanDependents" | "sendInitialEvents" | "watch" => "boolean",
        "gracePeriodSeconds" | "limit" | "timeoutSeconds" => "integer",
        _ => "string",
    };
    let mut parameter = json!({ "name": name, "in": place, "schema": { "type": type_, "uniqueItems": true } });
    if place == "path" {
        parameter["required"] = true.into();
    }
    parameter
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
