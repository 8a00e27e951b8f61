//! The files that a build may see.

use std::collections::BTreeMap;

/// A tree of files, asked for one entry at a time.
///
/// Paths are relative to the root, separated by `/`, without `.`, `..` or a slash at either end; the root is empty.
pub trait Tree {
    /// What is at `path`, or nothing. Links on the way are not followed: nothing is below a link.
    fn entry(&self, path: &str) -> Option<Entry<'_>>;

    /// The directory in which the file system begins, for a tree that holds one: absolute paths are of files below it.
    /// Elsewhere they are refused.
    fn file_system(&self) -> Option<&str> {
        None
    }
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<'t> {
    /// The names in a directory, sorted.
    Directory(Vec<String>),
    /// The content of a file.
    File(&'t [u8]),
    /// What a symbolic link says: a path from the directory that holds it. One that begins with `/`, or leaves the root,
    /// leads nowhere.
    Link(String),
}

/// Files by path; directories are there where files are, and the root always.
impl<B: AsRef<[u8]>> Tree for BTreeMap<String, B> {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        if let Some(content) = self.get(path) {
            return Some(Entry::File(content.as_ref()));
        }
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let keys_from = |from: String| self.range(from..).map(|(key, _)| key.as_str());
        let mut keys = keys_from(prefix.clone());
        let mut names = Vec::new();
        while let Some(rest) = keys.next().and_then(|key| key.strip_prefix(prefix.as_str())) {
            let Some((name, _)) = rest.split_once('/') else {
                names.push(rest.to_owned());
                continue;
            };
            names.push(name.to_owned());
            // '0' is the character behind '/': the next key is the first one that is not in this directory.
            keys = keys_from(format!("{prefix}{name}0"));
        }
        names.sort_unstable();
        names.dedup();
        (path.is_empty() || !names.is_empty()).then_some(Entry::Directory(names))
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
