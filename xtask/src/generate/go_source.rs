//! The structs of a Go package, as its source declares them: what OpenAPI leaves out, and JSON depends on.
//!
//! Reads gofmt's layout, line by line: a field and its tag stand on one line.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The structs of one package, by name.
pub(super) type Structs = BTreeMap<String, Vec<Member>>;

/// What a struct holds.
pub(super) enum Member {
    Field(Field),
    /// The fields of another struct, `v1.TypeMeta`, as if they stood here.
    Inline(String),
}

/// A field that has a name in JSON.
pub(super) struct Field {
    pub(super) name: String,
    /// As `reflect` prints it: `*int32`, `[]v1.Container`.
    pub(super) type_: String,
    /// `omitempty`, `omitzero` or both; empty when the field is always written.
    pub(super) options: String,
}

/// Reads every file of a package but its tests.
pub(super) fn structs(folder: &Path) -> Result<Structs> {
    let listing = std::fs::read_dir(folder).with_context(|| format!("reading the Go package {}", folder.display()))?;
    let package = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut structs = Structs::new();
    for entry in listing {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".go") && !name.ends_with("_test.go") {
            let source = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            parse(&source, package, &mut structs).with_context(|| format!("reading {}", path.display()))?;
        }
    }
    Ok(structs)
}

fn parse(source: &str, package: &str, structs: &mut Structs) -> Result<()> {
    let aliases = aliases(source);
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("type ").and_then(|rest| rest.strip_suffix(" struct {")) else { continue };
        let mut members = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "}") {
            members.extend(member(line, package, &aliases)?);
        }
        structs.insert(name.to_string(), members);
    }
    Ok(())
}

/// `metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"` → `metav1` is `v1`.
fn aliases(source: &str) -> BTreeMap<&str, &str> {
    let imports =
        source.lines().take_while(|line| !line.starts_with("type ")).map(|line| line.trim_start_matches("import "));
    imports
        .filter_map(|line| {
            let (alias, path) = line.trim().strip_suffix('"')?.split_once(" \"")?;
            Some((alias, path.rsplit('/').next()?))
        })
        .collect()
}

fn member(line: &str, package: &str, aliases: &BTreeMap<&str, &str>) -> Result<Option<Member>> {
    let Some((declaration, tag)) = line.split_once('`') else { return Ok(None) };
    let declaration = declaration.trim();
    let Some((_, json)) = tag.split_once("json:\"") else { return Ok(None) };
    if declaration.starts_with("//") {
        return Ok(None);
    }
    let Some((json, _)) = json.split_once('"') else { bail!("a tag without an end: {line}") };
    let (name, options) = json.split_once(',').unwrap_or((json, ""));
    let type_ = declaration.split_once(' ').map_or(declaration, |(_, type_)| type_.trim());
    let type_ = printed(type_, package, aliases);
    Ok(match name {
        "-" => None,
        "" => Some(Member::Inline(type_)),
        _ => Some(Member::Field(Field { name: name.to_string(), type_, options: options.to_string() })),
    })
}

/// A type as `reflect` prints it: each name with the package that declares it.
fn printed(type_: &str, package: &str, aliases: &BTreeMap<&str, &str>) -> String {
    const PREDECLARED: [&str; 11] =
        ["bool", "byte", "float64", "int", "int32", "int64", "interface", "map", "string", "uint32", "uint64"];
    let mut text = String::new();
    let mut rest = type_;
    while let Some(start) = rest.find(|character: char| character.is_alphanumeric() || character == '_') {
        let (before, word) = rest.split_at(start);
        let end = word.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        text.push_str(before);
        if after.starts_with('.') {
            text.push_str(aliases.get(word).unwrap_or(&word));
        } else if before.ends_with('.') || PREDECLARED.contains(&word) {
            text.push_str(if word == "byte" { "uint8" } else { word });
        } else {
            text.push_str(package);
            text.push('.');
            text.push_str(word);
        }
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_printed_with_the_package_that_declares_it() {
        let aliases = BTreeMap::from([("metav1", "v1")]);
        let check = |source: &str, expected: &str| assert_eq!(printed(source, "v2", &aliases), expected);
        check("*int32", "*int32");
        check("[]byte", "[]uint8");
        check("*metav1.Time", "*v1.Time");
        check("intstr.IntOrString", "intstr.IntOrString");
        check("map[ResourceName]resource.Quantity", "map[v2.ResourceName]resource.Quantity");
    }
}
