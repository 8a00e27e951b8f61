//! The field table by which the embedded API server reads Kubernetes protobuf bodies: apiserver/tables/protobuf.txt.
//!
//! A published generated.proto gives each field's number and type; the tags of the Go type of the same name give its name
//! in JSON, and say whether it is inlined and whether its zero value is left out. Both come from the Go modules that
//! tests/cluster pins.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::kubernetes::module;
use crate::workspace;

/// Where the table is kept, below the root of the workspace.
const TABLE: &str = "apiserver/tables/protobuf.txt";

/// Modules, and the folder in each that holds a folder a group.
const SOURCES: [(&str, &str); 3] =
    [("k8s.io/api", "."), ("k8s.io/apimachinery", "pkg/apis"), ("k8s.io/apiextensions-apiserver", "pkg/apis")];

/// Groups of which no client sends an object.
const LEFT_OUT: [&str; 4] = ["admission", "apidiscovery", "imagepolicy", "testapigroup"];

/// Messages whose JSON is not their fields: the reader knows them by name.
const SPECIAL: [&str; 8] = [
    "apiextensions/v1.JSON",
    "intstr.IntOrString",
    "meta/v1.Duration",
    "meta/v1.FieldsV1",
    "meta/v1.MicroTime",
    "meta/v1.Time",
    "quantity.Quantity",
    "runtime.RawExtension",
];

const HEADER: &str = "\
# How Kubernetes writes its kinds as protobuf. Made by `cargo xtask generate` from the published Go modules; do not edit.
# A line a message: its name, then the number, the name in JSON and the type of each field.
#   name `-`: the fields of that message stand beside the others.
#   type `*T`: kept even when it is zero; `[]T`: a list; `{}T`: a map from text.
#   A message without fields but with a type is that type by another name.
";

/// Writes the table.
pub(super) fn write() -> Result<()> {
    let path = workspace::root().join(TABLE);
    std::fs::write(&path, table()?).with_context(|| format!("writing {}", path.display()))
}

/// Fails when generating would change the table.
pub(super) fn check() -> Result<()> {
    let path = workspace::root().join(TABLE);
    let kept = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    if kept != table()? {
        bail!("{TABLE} is out of date: run `cargo xtask generate`");
    }
    Ok(())
}

fn table() -> Result<String> {
    let mut messages = BTreeMap::new();
    let mut kinds = Vec::new();
    for (name, folder) in SOURCES {
        for package in packages(&module(name)?.join(folder))? {
            let types = GoTypes::read(&package)?;
            let name = package_name(&package)?;
            kinds.extend(types.kinds.iter().map(|kind| format!("{name}.{kind}")));
            messages.extend(messages_of(&package, &types)?);
        }
    }
    kinds.retain(|kind| messages.contains_key(kind));
    let lines = reached(&messages, kinds)?.into_iter().map(|name| format!("{name} {}\n", messages[&name].line));
    Ok(std::iter::once(HEADER.to_owned()).chain(lines).collect())
}

/// The folders of stable versions below `folder` that hold a generated.proto, `group/version` each.
fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = Vec::new();
    for group in folders(folder)? {
        let stable = |path: &PathBuf| {
            let name = name_of(path).strip_prefix('v').unwrap_or_default();
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) && path.join("generated.proto").is_file()
        };
        if !LEFT_OUT.contains(&name_of(&group)) {
            packages.extend(folders(&group)?.into_iter().filter(stable));
        }
    }
    Ok(packages)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.with_context(|| format!("reading the folder {}", folder.display()))?;
    let mut folders: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// `apps/v1` of a folder that ends so.
fn package_name(package: &Path) -> Result<String> {
    let group = package.parent().with_context(|| format!("{} has no parent", package.display()))?;
    Ok(format!("{}/{}", name_of(group), name_of(package)))
}

/// A message: its line of the table without its name, and the messages that it mentions.
struct Message {
    line: String,
    mentions: Vec<String>,
}

fn reached(messages: &BTreeMap<String, Message>, kinds: Vec<String>) -> Result<BTreeSet<String>> {
    let mut reached = BTreeSet::new();
    let mut open = kinds;
    while let Some(name) = open.pop() {
        if SPECIAL.contains(&name.as_str()) || reached.contains(&name) {
            continue;
        }
        let message = messages.get(&name).with_context(|| format!("there is no message {name}"))?;
        open.extend(message.mentions.iter().cloned());
        reached.insert(name);
    }
    Ok(reached)
}

fn messages_of(package: &Path, types: &GoTypes) -> Result<BTreeMap<String, Message>> {
    let path = package.join("generated.proto");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let here = package_name(package)?;
    let mut messages = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("message ").and_then(|line| line.strip_suffix(" {")) else { continue };
        let structure = types.structures.get(name);
        let fields = lines.by_ref().take_while(|line| *line != "}").filter_map(ProtoField::read);
        let name = format!("{here}.{name}");
        if SPECIAL.contains(&name.as_str()) {
            continue;
        }
        let message = match structure {
            Some(tags) => message(&here, fields, tags),
            None => another_name(&here, fields),
        };
        if let Some(message) = message.with_context(|| format!("reading the message {name}"))? {
            messages.insert(name, message);
        }
    }
    Ok(messages)
}

fn message<'a>(here: &str, fields: impl Iterator<Item = ProtoField<'a>>, tags: &[Tag]) -> Result<Option<Message>> {
    let mut message = Message { line: String::new(), mentions: Vec::new() };
    for field in fields {
        let tag = tags.iter().find(|tag| tag.number == field.number);
        let tag = tag.with_context(|| format!("the Go type has no field {}", field.number))?;
        let name = tag.json.as_deref().unwrap_or(field.name);
        let star = if tag.keeps_zero && field.label.is_empty() { "*" } else { "" };
        let type_ = type_name(here, field.type_)?;
        let space = if message.line.is_empty() { "" } else { " " };
        message.line += &format!("{space}{} {name} {star}{}{type_}", field.number, field.label);
        message.mentions.extend(type_.contains('.').then_some(type_));
    }
    Ok(Some(message))
}

/// A message that stands for a Go type that is not a structure, such as `type ExtraValue []string`. Others are left out:
/// a kind that needs one of them is noticed later.
fn another_name<'a>(here: &str, mut fields: impl Iterator<Item = ProtoField<'a>>) -> Result<Option<Message>> {
    match (fields.next(), fields.next()) {
        (Some(field), None) if field.label == "[]" => {
            Ok(Some(Message { line: format!("[]{}", type_name(here, field.type_)?), mentions: Vec::new() }))
        }
        _ => Ok(None),
    }
}

/// `  optional int32 replicas = 1;`, `  map<string, T> limits = 1;`
struct ProtoField<'a> {
    /// What the table writes before the type: nothing, `[]` or `{}`.
    label: &'static str,
    type_: &'a str,
    name: &'a str,
    number: &'a str,
}

impl<'a> ProtoField<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (label, rest) = [("optional ", ""), ("repeated ", "[]"), ("map<string, ", "{}")]
            .into_iter()
            .find_map(|(start, label)| Some((label, line.strip_prefix("  ")?.strip_prefix(start)?)))?;
        let (left, number) = rest.strip_suffix(';')?.split_once(" = ")?;
        let (type_, name) = left.split_once(' ')?;
        Some(Self { label, type_: type_.trim_end_matches('>'), name, number })
    }
}

/// The table's name of a protobuf type.
fn type_name(here: &str, type_: &str) -> Result<String> {
    let scalar = match type_ {
        "int32" | "int64" => "int",
        other => other,
    };
    if ["int", "bool", "string", "bytes", "double"].contains(&scalar) {
        return Ok(scalar.to_owned());
    }
    let Some(absolute) = type_.strip_prefix(".k8s.io.") else { return Ok(format!("{here}.{type_}")) };
    let (package, name) = absolute.rsplit_once('.').with_context(|| format!("{type_} has no package"))?;
    let package = match package {
        "apimachinery.pkg.api.resource" => "quantity".to_owned(),
        "apimachinery.pkg.runtime" => "runtime".to_owned(),
        "apimachinery.pkg.util.intstr" => "intstr".to_owned(),
        other => match other.rsplitn(3, '.').collect::<Vec<_>>()[..] {
            [version, group, _] => format!("{group}/{version}"),
            _ => bail!("the package {package} is not expected"),
        },
    };
    Ok(format!("{package}.{name}"))
}

/// What the Go types of a package say of their fields.
#[derive(Default)]
struct GoTypes {
    structures: BTreeMap<String, Vec<Tag>>,
    /// The types that have a `TypeMeta` and are no lists.
    kinds: Vec<String>,
}

/// The tags of a field.
struct Tag {
    number: String,
    /// The name in JSON; `-` for an inlined structure.
    json: Option<String>,
    keeps_zero: bool,
}

impl GoTypes {
    fn read(package: &Path) -> Result<Self> {
        let mut types = Self::default();
        for entry in std::fs::read_dir(package).with_context(|| format!("reading the folder {}", package.display()))? {
            let path = entry.context("reading a folder")?.path();
            let name = name_of(&path);
            if name.ends_with(".go") && !name.ends_with(".pb.go") && !name.ends_with("_test.go") {
                types.add(&std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?);
            }
        }
        Ok(types)
    }

    fn add(&mut self, text: &str) {
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some((name, body)) = line.strip_prefix("type ").and_then(|line| line.split_once(" struct")) else {
                continue;
            };
            let empty = body.trim_start() != "{";
            let body: Vec<_> = lines.by_ref().take_while(|line| !empty && !line.starts_with('}')).collect();
            if body
                .iter()
                .any(|line| line.trim_start().starts_with("metav1.TypeMeta ") || line.starts_with("\tTypeMeta "))
                && !name.ends_with("List")
            {
                self.kinds.push(name.to_owned());
            }
            self.structures.insert(name.to_owned(), body.into_iter().filter_map(Tag::read).collect());
        }
    }
}

impl Tag {
    fn read(line: &str) -> Option<Self> {
        let line = line.trim_start();
        if line.starts_with("//") {
            return None;
        }
        let number = quoted(line, "protobuf")?.split(',').nth(1)?.to_owned();
        let pointer = line.split_whitespace().nth(1).is_some_and(|type_| type_.starts_with('*'));
        let Some(json) = quoted(line, "json") else { return Some(Self { number, json: None, keeps_zero: pointer }) };
        let (name, options) = json.split_once(',').unwrap_or((json, ""));
        let name = if options.contains("inline") { "-" } else { name };
        let keeps_zero = pointer || !options.contains("omitempty");
        Some(Self { number, json: Some(name.to_owned()), keeps_zero: keeps_zero && name != "-" })
    }
}

/// The value of one key of a Go field's tags.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("{key}:\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
