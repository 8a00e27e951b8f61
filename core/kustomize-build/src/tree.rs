//! The files that a build may see.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// A tree of files, asked for one entry at a time.
///
/// Paths are relative to the root, separated by `/`, without `.`, `..` or a slash at either end; the root is empty.
pub trait Tree {
    /// What is at `path`, or nothing.
    fn entry(&self, path: &str) -> Option<Entry<'_>>;
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<'t> {
    /// The names in a directory, sorted.
    Directory(Vec<String>),
    /// The content of a file.
    File(&'t [u8]),
}

/// Files by path; directories are there where files are, and the root always.
impl<B: AsRef<[u8]>> Tree for BTreeMap<String, B> {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        if let Some(content) = self.get(path) {
            return Some(Entry::File(content.as_ref()));
        }
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut names = BTreeSet::new();
        let mut from = Bound::Included(prefix.clone());
        while let Some(rest) = self
            .range::<String, _>((from.as_ref(), Bound::Unbounded))
            .next()
            .and_then(|(key, _)| key.strip_prefix(prefix.as_str()))
        {
            let name = rest.split('/').next().unwrap_or(rest);
            from = if name.len() == rest.len() {
                Bound::Excluded(format!("{prefix}{name}"))
            } else {
                // '0' is the character behind '/': the next key is the first one that is not in this directory.
                Bound::Included(format!("{prefix}{name}0"))
            };
            names.insert(name.to_owned());
        }
        (path.is_empty() || !names.is_empty()).then(|| Entry::Directory(names.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_there_where_files_are() {
        let tree: BTreeMap<String, &str> = ["a.yaml", "a/b/c", "a/b/d", "a-b/e", "a/f", "a0"]
            .into_iter()
            .map(|path| (path.to_owned(), "text"))
            .collect();
        let names = |path: &str| match tree.entry(path) {
            Some(Entry::Directory(names)) => names.join(" "),
            other => format!("{other:?}"),
        };
        assert_eq!(names(""), "a a-b a.yaml a0");
        assert_eq!(names("a"), "b f");
        assert_eq!(names("a/b"), "c d");
        assert_eq!(names("b"), "None");
        assert_eq!(tree.entry("a/f"), Some(Entry::File(b"text")));
        assert_eq!(BTreeMap::<String, Vec<u8>>::new().entry(""), Some(Entry::Directory(vec![])));
    }
}
