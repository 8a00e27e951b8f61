//! Every kind has all that a kind needs; every definition is of a kind that is listed here.

use serde_json::Value;
use thalweg_crds::unsupported::unsupported_fields;

use super::schema::{definitions, repository, sample};
use super::support::support;

const KINDS: [&str; 3] = ["FluxConfiguration", "GitRepository", "Kustomization"];

#[test]
fn every_definition_is_of_a_listed_kind_and_named_after_its_plural() {
    let kinds: Vec<_> = definitions().iter().map(|definition| definition.kind().to_owned()).collect();
    assert_eq!(kinds, KINDS);
    for definition in definitions() {
        assert_eq!(definition.file, format!("{}.yaml", definition.plural()));
    }
}

#[test]
fn every_kind_has_a_sample_of_which_every_field_is_in_the_schema_and_supported() {
    for definition in definitions() {
        let path = repository().join("config/samples").join(format!("{}.yaml", definition.kind().to_lowercase()));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let object: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(object["kind"], definition.kind());
        assert_eq!(object["apiVersion"], definition.api_version());
        assert_eq!(unsupported_fields(&object["spec"], &support(definition.kind())), []);
        known(&object["spec"], &sample(definition.schema("spec"), "spec"), "spec");
    }
}

fn known(value: &Value, full: &Value, path: &str) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let next = full.get(name).or_else(|| full.get("key"));
        known(value, next.unwrap_or_else(|| panic!("{path}.{name} is not a field")), &format!("{path}.{name}"));
    }
    for value in value.as_array().into_iter().flatten() {
        known(value, &full[0], path);
    }
}

#[test]
fn every_kind_has_a_reference_page_and_a_line_in_the_changelog() {
    let changelog = std::fs::read_to_string(repository().join("CHANGELOG.md")).unwrap();
    for definition in definitions() {
        let page = repository().join("docs/spec").join(format!("{}.md", definition.plural()));
        let page = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(page.starts_with(&format!("# {}\n", definition.kind())));
        assert!(changelog.contains(definition.kind()), "CHANGELOG.md does not name {}", definition.kind());
    }
}
