//! The tables of core/schema: what Kubernetes publishes about its own kinds, a definition or a resource a line.
//!
//! The shapes and the resources are those of the Kubernetes module (api/openapi-spec/v3, api/discovery); the Go types, which
//! say what an absent field becomes and how an error names a field, are read from the sources of the modules beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::go_source::{self, Field, Member, Structs};
use crate::program::{program, read};
use crate::workspace;

/// The group versions that are served, in the order of discovery.
const GROUP_VERSIONS: [&str; 20] = [
    "v1",
    "apps/v1",
    "events.k8s.io/v1",
    "authentication.k8s.io/v1",
    "authorization.k8s.io/v1",
    "autoscaling/v2",
    "autoscaling/v1",
    "batch/v1",
    "certificates.k8s.io/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "storage.k8s.io/v1",
    "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1",
    "scheduling.k8s.io/v1",
    "coordination.k8s.io/v1",
    "node.k8s.io/v1",
    "discovery.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1",
];

/// How the name of a definition begins, the module that declares its type (the rest of it is a folder there).
const PACKAGES: [(&str, &str); 3] = [
    ("io.k8s.api.", "k8s.io/api"),
    ("io.k8s.apimachinery.", "k8s.io/apimachinery"),
    ("io.k8s.apiextensions-apiserver.", "k8s.io/apiextensions-apiserver"),
];

/// Where the tables stand.
const FOLDER: &str = "core/schema/tables";

/// Writes the tables.
pub(super) fn write() -> Result<()> {
    for (name, content) in tables()? {
        let path = workspace::root().join(FOLDER).join(name);
        std::fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// Fails when writing would change one.
pub(super) fn check() -> Result<()> {
    for (name, content) in tables()? {
        let path = workspace::root().join(FOLDER).join(name);
        let found = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        if found != content {
            bail!("{FOLDER}/{name} is out of date: run `cargo xtask generate`");
        }
    }
    Ok(())
}

fn tables() -> Result<[(&'static str, String); 3]> {
    let module = module("k8s.io/kubernetes")?;
    let published = published(&module)?;
    let go = GoTypes::of(published.keys())?;
    let mut definitions = BTreeMap::new();
    let mut descriptions = BTreeMap::new();
    for (name, definition) in &published {
        definitions.insert(name.clone(), go.describe(name, compact(definition)?)?);
        descriptions.insert(name.clone(), described(definition));
    }
    let resources = resources(&module, &published)?;
    Ok([
        (
            "definitions.json",
            lines(definitions.iter().map(|(name, value)| format!("{}:{value}", json!(name))), '{', '}'),
        ),
        (
            "descriptions.json",
            lines(descriptions.iter().map(|(name, value)| format!("{}:{value}", json!(name))), '{', '}'),
        ),
        ("resources.json", lines(resources.iter().map(Value::to_string), '[', ']')),
    ])
}

/// JSON with one line for each member.
fn lines(members: impl Iterator<Item = String>, open: char, close: char) -> String {
    format!("{open}\n{}\n{close}\n", members.collect::<Vec<_>>().join(",\n"))
}

/// The folder of a Go module that tests/cluster pins.
pub(super) fn module(name: &str) -> Result<PathBuf> {
    let folder = workspace::root().join("tests/cluster");
    let found =
        read(program("go", &["list", "-m", "-f", "{{.Dir}}", name]).current_dir(&folder)).with_context(|| {
            format!("finding the Go module {name} that tests/cluster pins: `cargo xtask setup` fetches it")
        })?;
    if found.is_empty() {
        bail!("the Go module {name} is not on this machine: `cargo xtask setup` fetches it");
    }
    Ok(found.into())
}

fn read_json(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

/// Every definition of the documents of [`GROUP_VERSIONS`].
fn published(module: &Path) -> Result<BTreeMap<String, Value>> {
    let mut published = BTreeMap::new();
    for group_version in GROUP_VERSIONS {
        let path = if group_version == "v1" { "api/v1".to_string() } else { format!("apis/{group_version}") };
        let path = module.join(format!("api/openapi-spec/v3/{}_openapi.json", path.replace('/', "__")));
        let document = read_json(&path)?;
        let schemas = document["components"]["schemas"].as_object();
        let schemas = schemas.with_context(|| format!("{} has no schemas", path.display()))?;
        published.extend(schemas.clone());
    }
    Ok(published)
}

/// A schema without its descriptions, its references in short, and the group, version and kind only where there is one.
fn compact(schema: &Value) -> Result<Value> {
    let Value::Object(schema) = schema else { bail!("not a schema: {schema}") };
    let mut compacted = Map::new();
    for (key, value) in schema {
        match key.as_str() {
            "description" | "x-kubernetes-unions" => {}
            "allOf" | "$ref" => {
                let target = if key == "allOf" { &value[0]["$ref"] } else { value };
                let target = target.as_str().and_then(|target| target.strip_prefix("#/components/schemas/"));
                compacted
                    .insert("$ref".to_string(), target.with_context(|| format!("not a reference: {value}"))?.into());
            }
            "items" | "additionalProperties" => {
                compacted.insert(key.clone(), compact(value)?);
            }
            "properties" => {
                let properties = value.as_object().context("properties are an object")?;
                let compact = |(name, property)| Ok((String::clone(name), compact(property)?));
                compacted.insert(key.clone(), Value::Object(properties.iter().map(compact).collect::<Result<_>>()?));
            }
            "x-kubernetes-group-version-kind" => {
                if let [only] = value.as_array().context("kinds are a list")?.as_slice() {
                    compacted.insert(key.clone(), only.clone());
                }
            }
            _ => {
                compacted.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(Value::Object(compacted))
}

/// The description of a definition, under the empty name, and those of its fields.
fn described(definition: &Value) -> Value {
    let mut descriptions = Map::new();
    let mut describe = |name: &str, schema: &Value| {
        if let Some(text) = schema["description"].as_str() {
            descriptions.insert(name.to_string(), text.into());
        }
    };
    describe("", definition);
    for (name, property) in definition["properties"].as_object().into_iter().flatten() {
        describe(name, property);
    }
    Value::Object(descriptions)
}

/// The structs of the packages that declare the definitions.
struct GoTypes {
    packages: BTreeMap<String, Structs>,
}

impl GoTypes {
    fn of<'a>(definitions: impl Iterator<Item = &'a String>) -> Result<Self> {
        let modules: BTreeMap<&str, PathBuf> =
            PACKAGES.iter().map(|(prefix, name)| Ok((*prefix, module(name)?))).collect::<Result<_>>()?;
        let mut packages = BTreeMap::new();
        for definition in definitions {
            let (package, _) = split(definition)?;
            if !packages.contains_key(package) {
                let of = |(prefix, folder): (&&str, &PathBuf)| {
                    Some(folder.join(package.strip_prefix(*prefix)?.replace('.', "/")))
                };
                let folder =
                    modules.iter().find_map(of).with_context(|| format!("the module of {package} is unknown"))?;
                packages.insert(package.to_string(), go_source::structs(&folder)?);
            }
        }
        Ok(Self { packages })
    }

    /// Adds to a definition and its fields the Go types, as `TYPE,OPTIONS`, and to a field the struct that is inlined for it.
    fn describe(&self, name: &str, mut definition: Value) -> Result<Value> {
        let (package, type_) = split(name)?;
        definition["go"] = format!("{}.{type_}", last(package)).into();
        let Some(properties) = definition.get_mut("properties").and_then(Value::as_object_mut) else {
            return Ok(definition);
        };
        let fields = self.fields(package, type_)?;
        for (property, schema) in properties.iter_mut() {
            let field = fields.iter().find(|(_, field)| field.name == *property);
            let (inlined, field) = field.with_context(|| format!("{name} has no Go field for {property}"))?;
            if !inlined.is_empty() && *inlined != "TypeMeta" {
                schema["inlined"] = (*inlined).into();
            }
            schema["go"] = [field.type_.as_str(), &field.options].join(",").trim_end_matches(',').into();
        }
        if let Some((_, field)) = fields.iter().find(|(_, field)| !properties.contains_key(&field.name)) {
            bail!("the field {} of {name} is not published", field.name);
        }
        Ok(definition)
    }

    /// The fields of a struct, each with the name of the struct that is inlined and declares it.
    fn fields(&self, package: &str, type_: &str) -> Result<Vec<(&str, &Field)>> {
        let members = self.packages.get(package).and_then(|structs| structs.get(type_));
        let mut fields = Vec::new();
        for member in members.with_context(|| format!("{package} declares no struct {type_}"))? {
            match member {
                Member::Field(field) => fields.push(("", field)),
                Member::Inline(inlined) => {
                    let (short, inlined) = inlined.split_once('.').context("an inlined type has a package")?;
                    let meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
                    let own = last(package) == short && self.packages[package].contains_key(inlined);
                    let inner = self.fields(if own { package } else { meta }, inlined)?;
                    fields.extend(inner.into_iter().map(|(_, field)| (inlined, field)));
                }
            }
        }
        Ok(fields)
    }
}

/// `io.k8s.api.apps.v1.Deployment` → `io.k8s.api.apps.v1` and `Deployment`.
fn split(definition: &str) -> Result<(&str, &str)> {
    definition.rsplit_once('.').with_context(|| format!("{definition} names no package"))
}

fn last(package: &str) -> &str {
    package.rsplit('.').next().unwrap_or(package)
}

/// What discovery lists, a resource with its subresources, and the definitions of its object and its list.
fn resources(module: &Path, published: &BTreeMap<String, Value>) -> Result<Vec<Value>> {
    let mut resources = Vec::new();
    for group_version in GROUP_VERSIONS {
        let path = if group_version == "v1" { "api/v1".to_string() } else { format!("apis/{group_version}") };
        let path = module.join(format!("api/discovery/{}.json", path.replace('/', "__")));
        let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
        let document = read_json(&path)?;
        let listed = document["resources"].as_array().with_context(|| format!("{} lists nothing", path.display()))?;
        for resource in listed.iter().filter(|resource| !text(resource, "name").contains('/')) {
            let (plural, kind) = (text(resource, "name"), text(resource, "kind"));
            let definition = definition_of(published, group, version, kind)
                .with_context(|| format!("{group_version} publishes no definition of {kind}"))?;
            let subresources = listed.iter().filter_map(|listed| {
                let name = text(listed, "name").strip_prefix(plural)?.strip_prefix('/')?;
                let (group, version) = (listed["group"].as_str().unwrap_or(group), listed["version"].as_str().unwrap_or(version));
                Some(json!({ "name": name, "group": group, "version": version, "kind": listed["kind"], "verbs": listed["verbs"] }))
            });
            let mut row = json!({
                "group": group,
                "version": version,
                "kind": kind,
                "plural": plural,
                "singular": resource["singularName"],
                "namespaced": resource["namespaced"],
                "verbs": resource["verbs"],
                "definition": definition,
            });
            for (key, value) in [
                ("shortNames", resource["shortNames"].clone()),
                ("categories", resource["categories"].clone()),
                ("subresources", subresources.collect::<Vec<_>>().into()),
            ] {
                if value.as_array().is_some_and(|list| !list.is_empty()) {
                    row[key] = value;
                }
            }
            resources.push(row);
        }
    }
    Ok(resources)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn definition_of<'a>(
    published: &'a BTreeMap<String, Value>,
    group: &str,
    version: &str,
    kind: &str,
) -> Option<&'a String> {
    let wanted = json!([{ "group": group, "kind": kind, "version": version }]);
    let found = published.iter().find(|(_, schema)| schema["x-kubernetes-group-version-kind"] == wanted);
    found.map(|(name, _)| name)
}
