//! A tree of files from one text.
//!
//! A line `-- PATH --` begins a file and `-- PATH -> TARGET --` is a link, as in Go's txtar. What comes before the first is the
//! path to build and words about how. Every path that is asked for must be one that a tree can have.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_kustomize_build::{Entry, Tree};

pub(super) struct Files<'t> {
    entries: BTreeMap<&'t str, Entry<'t>>,
}

impl<'t> Files<'t> {
    pub(super) fn new(entries: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let file = |(path, text): (&'t str, &'t str)| (path, Entry::File(text.as_bytes()));
        Self { entries: entries.into_iter().map(file).collect() }
    }

    /// What comes before the first file, and the files.
    pub(super) fn parse(text: &'t str) -> (&'t str, Self) {
        let mut entries = BTreeMap::new();
        let (head, mut rest) = until_marker(text);
        while let Some((name, after)) = rest {
            let (content, next) = until_marker(after);
            let (path, entry) = match name.split_once(" -> ") {
                Some((path, target)) => (path, Entry::Link(target.to_owned())),
                None => (name, Entry::File(content.as_bytes())),
            };
            if is_path(path) && !path.is_empty() {
                entries.insert(path, entry);
            }
            rest = next;
        }
        (head, Self { entries })
    }
}

/// The text before the next line that begins a file, and that file's name with all that follows.
fn until_marker(text: &str) -> (&str, Option<(&str, &str)>) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        if let Some(name) = line.trim_end().strip_prefix("-- ").and_then(|line| line.strip_suffix(" --")) {
            return (&text[..start], Some((name, &text[end..])));
        }
        start = end;
    }
    (text, None)
}

fn is_path(path: &str) -> bool {
    path.is_empty() || path.split('/').all(|step| !matches!(step, "" | "." | ".."))
}

impl Tree for Files<'_> {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        assert!(is_path(path), "{path:?} was asked for");
        if let Some(entry) = self.entries.get(path) {
            return Some(entry.clone());
        }
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let below = self.entries.keys().filter_map(|file| file.strip_prefix(&prefix));
        let names: BTreeSet<&str> = below.filter_map(|rest| rest.split('/').next()).collect();
        (path.is_empty() || !names.is_empty()).then(|| Entry::Directory(names.into_iter().map(str::to_owned).collect()))
    }
}
