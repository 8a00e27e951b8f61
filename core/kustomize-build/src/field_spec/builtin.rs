//! The field specs that are built in: tables/field_specs.txt, a transformer's in kustomize's order.

use std::sync::LazyLock;

use thalweg_yaml::kyaml::Text;

use super::FieldSpec;

const TABLE: &str = include_str!("../../tables/field_specs.txt");

/// Kinds whose names get no prefix. Their field specs have no path.
pub(crate) static NAME_PREFIX_SKIPS: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| of("namePrefixSkips"));

/// Kinds whose names get no suffix.
pub(crate) static NAME_SUFFIX_SKIPS: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| of("nameSuffixSkips"));

/// Every field spec with its transformer, by the name that configurations have for it, such as `commonLabels`.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, FieldSpec)> {
    lines().filter_map(|(transformer, line)| Some((transformer, read(line)?)))
}

/// The field specs of one transformer.
fn of(transformer: &str) -> Vec<FieldSpec> {
    lines().filter(|(of, _)| *of == transformer).filter_map(|(_, line)| read(line)).collect()
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.split('\n').filter_map(|line| line.split_once(' ')).filter(|(transformer, _)| *transformer != "#")
}

/// `creates * v1 Service spec/selector`
fn read(line: &'static str) -> Option<FieldSpec> {
    let (create, rest) = line.split_once(' ')?;
    Some(FieldSpec { create: create == "creates", ..pattern(rest)? })
}

/// Group, version, kind and path; `*` is any.
pub(crate) fn pattern(words: &'static str) -> Option<FieldSpec> {
    let (group, rest) = words.split_once(' ')?;
    let (version, rest) = rest.split_once(' ')?;
    let (kind, path) = rest.split_once(' ')?;
    let [group, version, kind, path] = [group, version, kind, path].map(given);
    Some(FieldSpec { group, version, kind, path, create: false })
}

/// A word of a table; `*` is any.
pub(crate) fn given(word: &'static str) -> Text {
    if word == "*" { Text::default() } else { Text::const_new(word) }
}
