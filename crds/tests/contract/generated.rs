//! What `cargo xtask generate` writes: the definitions of our own kinds, and the tables of fields in docs/spec/.

use std::fmt::Write as _;

use serde_json::Value;
use thalweg_crds::unsupported::Rule;

use super::schema::{Definition, definitions, repository};
use super::support::{covers, support};
use super::types::pretty_equal;

const BEGIN: &str = "<!-- fields: cargo xtask generate writes this table -->\n";
const END: &str = "<!-- end of fields -->\n";

#[test]
fn the_definitions_of_our_own_kinds_are_those_of_their_types() {
    for (file, expected) in thalweg_crds::custom_resource_definitions() {
        let actual = definitions().into_iter().find(|definition| definition.file == file).expect(file);
        let expected = serde_json::to_value(expected).unwrap();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(repository().join("crds").join(file), serde_yaml::to_string(&expected).unwrap()).unwrap();
        } else {
            pretty_equal(&actual.content, &expected);
        }
    }
}

#[test]
fn the_table_of_fields_of_a_reference_page_is_that_of_the_schema() {
    for definition in definitions() {
        let path = repository().join("docs/spec").join(format!("{}.md", definition.plural()));
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the page marks where the table begins");
        let (_, after) = rest.split_once(END).expect("the page marks where the table ends");
        let expected = format!("{before}{BEGIN}{}{END}{after}", table(&definition));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &expected).unwrap();
        } else {
            assert_eq!(page, expected, "{}", path.display());
        }
    }
}

fn table(definition: &Definition) -> String {
    let mut rows = "| field | type | supported | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    add_rows(&mut rows, definition, definition.schema("spec"), "spec");
    rows
}

/// Adds the fields below `path`, but not those of which none is supported: their parent says so.
fn add_rows(rows: &mut String, definition: &Definition, schema: &Value, path: &str) {
    let (fields, path) = match schema["type"].as_str() {
        Some("array") => (&schema["items"], format!("{path}[]")),
        Some("object") if schema["properties"].is_null() => (&schema["additionalProperties"], format!("{path}{{}}")),
        _ => (schema, path.to_owned()),
    };
    let required = fields["required"].as_array().cloned().unwrap_or_default();
    for (name, schema) in fields["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let rule = support(definition.kind()).fields.iter().find(|(row, rule)| covers(row, *rule, &path));
        let supported = match rule {
            None => "",
            Some((_, Rule::Supported)) => "yes",
            Some((_, Rule::OneOf(values))) => &format!("`{}` only", values.join("`, `")),
            Some((_, Rule::Schemes(schemes))) => &format!("`{}` only", schemes.join("`, `")),
            Some((_, Rule::Refused | Rule::RefusedUnless(_))) => "no",
        };
        let shown = path.strip_prefix("spec.").expect("a field of the spec");
        let required = if required.contains(&name.as_str().into()) { ", required" } else { "" };
        let meaning = schema["description"].as_str().unwrap_or_default().replace('|', "\\|");
        writeln!(rows, "| `{shown}` | {}{required} | {supported} | {meaning} |", type_of(schema)).unwrap();
        if supported != "no" {
            add_rows(rows, definition, schema, &path);
        }
    }
}

fn type_of(schema: &Value) -> String {
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", type_of(&schema["items"])),
        Some("object") if schema["properties"].is_null() => {
            format!("map of {}", type_of(&schema["additionalProperties"]))
        }
        _ if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("(ms|s|m")) => "duration".to_owned(),
        type_ => type_.unwrap_or("any").to_owned(),
    }
}
