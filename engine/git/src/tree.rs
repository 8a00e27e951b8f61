//! The files of a commit, listed from its trees. A tree that could mean two things is refused, with the path that does.

use std::collections::HashSet;

use gix::{ObjectId, objs::tree::EntryKind};

use crate::{Error, Limits};

/// A regular file of a commit. Symbolic links and submodules are not files, and are left out as in Flux's artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// From the root of the tree, with `/`.
    pub path: String,
    /// Whether the executable bit is set.
    pub executable: bool,
    pub(crate) id: ObjectId,
}

/// Every file below `root`, by path.
pub(crate) fn list(repository: &gix::Repository, root: ObjectId, limits: &Limits) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    let mut entries = 0;
    let mut folders = vec![(String::new(), root)];
    while let Some((folder, id)) = folders.pop() {
        let unreadable =
            |error: gix::Error| Error::Object { what: format!("the folder '{folder}'"), source: error.into() };
        let tree = repository.find_tree(id).map_err(unreadable)?;
        let mut names = HashSet::<String>::new();
        for entry in tree.iter() {
            let entry = entry.map_err(unreadable)?;
            let name = name(&folder, entry.filename())?;
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            entries += 1;
            within(entries, limits.entries_max, "the number of files and folders in the commit", "entries")?;
            within(path.len(), limits.path_bytes_max, &format!("the length of the path '{}'", shown(&path)), "bytes")?;
            if !names.insert(name.to_owned()) {
                return Err(hostile(&path, "the name occurs twice"));
            }
            let id = entry.object_id();
            match entry.mode().kind() {
                EntryKind::Tree => folders.push((path, id)),
                EntryKind::Blob => files.push(File { path, executable: false, id }),
                EntryKind::BlobExecutable => files.push(File { path, executable: true, id }),
                EntryKind::Link | EntryKind::Commit => {}
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// A name that is one path component on any system.
fn name<'a>(folder: &str, name: &'a [u8]) -> Result<&'a str, Error> {
    let refused = |reason| {
        let name = String::from_utf8_lossy(name);
        let path = if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") };
        Err(hostile(&path, reason))
    };
    let Ok(text) = std::str::from_utf8(name) else { return refused("the name is not UTF-8") };
    match text {
        "" => refused("a name is empty"),
        "." | ".." => refused("a name leads elsewhere"),
        _ if text.contains('/') => refused("a name holds '/'"),
        _ if text.contains('\0') => refused("a name holds a NUL byte"),
        _ if is_repository(text) => refused("a name stands for Git's own folder"),
        _ => Ok(text),
    }
}

/// `.git` as any file system may read it: in any case, with trailing dots or spaces, as a short name or a stream.
fn is_repository(name: &str) -> bool {
    let visible: String = name.chars().filter(|character| !is_ignorable(*character)).collect();
    let stem = visible.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    stem.eq_ignore_ascii_case(".git") || stem.eq_ignore_ascii_case("git~1")
}

/// Characters that HFS+ ignores in names.
fn is_ignorable(character: char) -> bool {
    matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

fn within(amount: usize, limit: usize, what: &str, unit: &'static str) -> Result<(), Error> {
    if amount <= limit {
        return Ok(());
    }
    Err(Error::Limit { what: what.to_owned(), limit: limit as u64, unit })
}

fn hostile(path: &str, reason: &'static str) -> Error {
    Error::HostilePath { path: shown(path), reason }
}

fn shown(path: &str) -> String {
    path.escape_debug().take(256).collect()
}
