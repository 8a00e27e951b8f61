//! The path of a field spec, split into its parts.

use std::borrow::Cow;

use thalweg_yaml::kyaml::Text;

/// Parts of a path, at most: objects are no deeper when they are read.
pub(crate) const PARTS_MAX: usize = 256;

/// Where a field is: `spec/template/metadata/labels`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldPath {
    pub(crate) parts: Vec<Part>,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Field {
        name: Text,
        /// `containers[]`: the field holds a list, and is not made.
        is_list: bool,
    },
    /// White space: no step at all.
    Stay,
    /// What no mapping can have for a name: a number, `-`, `*`, `[a=b]`; fails where it is reached.
    Unusable,
    /// Nothing between two slashes; fails where it is reached.
    Empty,
}

impl FieldPath {
    /// Reads a path as kustomize writes it; none when it has too many parts.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<Part> = parts(path, '/').map(|part| Part::parse(&part)).collect();
        (parts.len() <= PARTS_MAX).then_some(Self { parts })
    }
}

/// Whether what a path leads to is, holds or lies in something that names the object.
pub(crate) fn touches_identity(path: &str) -> bool {
    let names = |part: Option<Part>, names: &[&str]| match part {
        Some(Part::Field { name, .. }) => names.contains(&name.as_str()),
        Some(_) | None => true,
    };
    let mut parts = parts(path, '/').map(|part| Part::parse(&part));
    match parts.next() {
        Some(Part::Field { name, .. }) if name == "metadata" => names(parts.next(), &["name", "namespace"]),
        first => names(first, &["apiVersion", "kind"]),
    }
}

impl Part {
    fn parse(part: &str) -> Self {
        let name = part.strip_suffix("[]");
        let is_list = name.is_some();
        let name = name.unwrap_or(part);
        let trimmed = name.trim();
        let is_element = trimmed.starts_with('[') && trimmed.ends_with(']');
        match trimmed {
            _ if name.is_empty() => Self::Empty,
            "" => Self::Stay,
            "-" | "*" => Self::Unusable,
            _ if is_element || trimmed.parse::<i64>().is_ok() => Self::Unusable,
            trimmed => Self::Field { name: trimmed.into(), is_list },
        }
    }
}

/// Copies of the parts of a path.
pub(crate) fn split(path: &str, delimiter: char) -> Vec<String> {
    parts(path, delimiter).map(Cow::into_owned).collect()
}

/// Splits a path at a delimiter. A backslash before it makes it part of the part; one delimiter at the start is skipped.
fn parts(path: &str, delimiter: char) -> impl Iterator<Item = Cow<'_, str>> {
    let mut pieces = path.strip_prefix(delimiter).unwrap_or(path).split(delimiter);
    std::iter::from_fn(move || {
        let mut part = Cow::Borrowed(pieces.next()?);
        while part.ends_with('\\')
            && let Some(piece) = pieces.next()
        {
            let part = part.to_mut();
            part.pop();
            part.push(delimiter);
            part.push_str(piece);
        }
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_keeps_a_slash_in_its_part() {
        let cases: &[(&str, &[&str])] = &[
            ("a/b", &["a", "b"]),
            ("/a/b", &["a", "b"]),
            ("//a", &["", "a"]),
            ("", &[""]),
            ("/", &[""]),
            (r"metadata/annotations/a.b\/c", &["metadata", "annotations", "a.b/c"]),
            (r"a\/b\/c/d", &["a/b/c", "d"]),
            (r"a\", &[r"a\"]),
        ];
        for (path, expected) in cases {
            assert_eq!(split(path, '/'), *expected, "{path}");
        }
    }

    #[test]
    fn what_names_an_object_is_known() {
        for path in ["metadata/name", "metadata", "kind", "apiVersion"] {
            assert!(touches_identity(path), "{path}");
        }
        for path in ["metadata/labels", "spec/name", "spec"] {
            assert!(!touches_identity(path), "{path}");
        }
    }
}
