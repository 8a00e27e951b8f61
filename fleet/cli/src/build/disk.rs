//! The file system as a tree: what a build asks for is read once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use thalweg_kustomize_build::{Entry, Tree};

/// Bytes of a file that are read, at most: more than any limit of a build, so that the build says what is too large.
const FILE_BYTES_MAX: u64 = 128 << 20;

/// What the root of the file system is called in the tree: a character for private use, so that a message tells the paths of
/// files from what users wrote.
const ROOT: &str = "\u{e000}";

/// The whole file system. Files are kept until the process ends: it does one build.
#[derive(Debug, Default)]
pub(super) struct Disk {
    files: RefCell<BTreeMap<String, &'static [u8]>>,
    /// Directories to which no link leads.
    directories: RefCell<BTreeSet<String>>,
}

#[expect(clippy::disallowed_methods, reason = "a command that builds a directory reads it")]
impl Tree for Disk {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        if path.is_empty() {
            return Some(Entry::Directory(vec![ROOT.to_owned()]));
        }
        if let Some(content) = self.files.borrow().get(path) {
            return Some(Entry::File(content));
        }
        if !path.match_indices('/').all(|(end, _)| path.get(..end).is_some_and(|above| self.is_directory(above))) {
            return None;
        }
        let place = on_disk(path)?;
        let kind = fs::symlink_metadata(&place).ok()?.file_type();
        if kind.is_symlink() {
            return Some(Entry::Link(from_its_directory(path, &fs::read_link(&place).ok()?)?));
        }
        if kind.is_dir() {
            return Some(Entry::Directory(names(&place)?));
        }
        if !kind.is_file() {
            return None;
        }
        let mut content = Vec::new();
        fs::File::open(&place).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut content).ok()?;
        let content: &'static [u8] = content.leak();
        self.files.borrow_mut().insert(path.to_owned(), content);
        Some(Entry::File(content))
    }

    fn file_system(&self) -> Option<&str> {
        Some(ROOT)
    }
}

impl Disk {
    /// How many files were read, and how many bytes they have.
    pub(super) fn read(&self) -> (usize, usize) {
        let files = self.files.borrow();
        (files.len(), files.values().map(|content| content.len()).sum())
    }

    /// Whether a directory is here, and no link. What is behind a link is elsewhere, which the build must know: it follows
    /// links itself, and the file system must not.
    fn is_directory(&self, path: &str) -> bool {
        if self.directories.borrow().contains(path) {
            return true;
        }
        let is_one = on_disk(path).is_some_and(|place| fs::symlink_metadata(place).is_ok_and(|here| here.is_dir()));
        if is_one {
            self.directories.borrow_mut().insert(path.to_owned());
        }
        is_one
    }
}

/// The path in the tree of a directory without links in its path; none when it is not UTF-8.
pub(super) fn in_tree(directory: &Path) -> Option<String> {
    Some(format!("{ROOT}{}", directory.to_str()?.trim_end_matches('/')))
}

/// A message in which paths of the tree are those that a user in `directory` would write.
pub(super) fn named_from(directory: &Path, message: &str) -> String {
    let here = directory.to_str().unwrap_or_default().trim_end_matches('/');
    let mut parts = message.split(ROOT);
    let begin = parts.next().unwrap_or_default().to_owned();
    parts.fold(begin, |named, part| named + &seen_from(here, part))
}

/// A text that begins with an absolute path, `/` being empty there: the path as it is written in the directory `here`.
fn seen_from(here: &str, text: &str) -> String {
    let is_of_a_name = |next: char| next.is_alphanumeric() || matches!(next, '-' | '_' | '.');
    let below = text.strip_prefix(here).filter(|_| !here.is_empty());
    match below.map(|below| (below, below.strip_prefix('/'))) {
        Some((_, Some(below))) => below.to_owned(),
        Some((behind, None)) if !behind.starts_with(is_of_a_name) => format!(".{behind}"),
        _ if text.starts_with('/') => text.to_owned(),
        _ => format!("/{text}"),
    }
}

/// Where a path of the tree is.
fn on_disk(path: &str) -> Option<PathBuf> {
    let below = path.strip_prefix(ROOT)?;
    (below.is_empty() || below.starts_with('/')).then(|| Path::new("/").join(below.trim_start_matches('/')))
}

/// The names in a directory, sorted; those that are not UTF-8 cannot be named by a kustomization.
#[expect(clippy::disallowed_methods, reason = "a command that builds a directory reads it")]
fn names(directory: &Path) -> Option<Vec<String>> {
    let entries = fs::read_dir(directory).ok()?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Some(names)
}

/// Where a link leads, from the directory that holds it: one to an absolute path leads up to the root first.
fn from_its_directory(link: &str, target: &Path) -> Option<String> {
    if target.is_relative() {
        return target.to_str().map(str::to_owned);
    }
    let above = link.split('/').count().saturating_sub(2);
    let below = target.components().filter(|component| !matches!(component, Component::RootDir));
    let path: PathBuf = std::iter::repeat_n(Component::ParentDir, above).chain(below).collect();
    match path.to_str()? {
        "" => Some(".".to_owned()),
        path => Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_an_absolute_path_leads_there_from_where_it_is() {
        for (link, target, from_there) in [
            ("/home/me/base", "/srv/base", "../../srv/base"),
            ("/base", "/srv/base", "srv/base"),
            ("/base", "/", "."),
            ("/home/me/base", "/", "../.."),
            ("/home/me/base", "../you/base", "../you/base"),
        ] {
            let link = format!("{ROOT}{link}");
            assert_eq!(from_its_directory(&link, Path::new(target)).as_deref(), Some(from_there), "{link} -> {target}");
        }
    }

    #[test]
    fn a_message_names_files_as_its_reader_would() {
        for (directory, message, named) in [
            ("/a", "R/a/data/a/k.yaml:1:1: cannot load 'a/b'", "data/a/k.yaml:1:1: cannot load 'a/b'"),
            ("/a", "in directory 'R/a'", "in directory '.'"),
            ("/a", "R/a", "."),
            ("/a", "R/ab/k.yaml and R/a-b and R/b/a", "/ab/k.yaml and /a-b and /b/a"),
            ("/home/me", "R/home/me/k.yaml → R/home → R", "k.yaml → /home → /"),
            ("/", "R/k.yaml in R", "/k.yaml in /"),
            ("/a", "nothing", "nothing"),
        ] {
            let message = message.replace('R', ROOT);
            assert_eq!(named_from(Path::new(directory), &message), named, "{message} in {directory}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test, which writes what is read")]
    fn what_is_behind_a_link_is_nowhere_until_the_link_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("the folder");
        fs::create_dir_all(root.join("real/deep")).expect("a directory");
        fs::write(root.join("real/deep/a"), "text").expect("a file");
        std::os::unix::fs::symlink("real", root.join("link")).expect("a link");
        std::os::unix::fs::symlink(root.join("real"), root.join("absolute")).expect("a link");
        let disk = Disk::default();
        let top = in_tree(&root).expect("UTF-8");
        let entry = |path: &str| disk.entry(&format!("{top}/{path}"));
        assert_eq!(entry("real/deep/a"), Some(Entry::File(b"text")));
        assert_eq!(entry("real"), Some(Entry::Directory(vec!["deep".to_owned()])));
        assert_eq!(entry("link"), Some(Entry::Link("real".to_owned())));
        for path in ["link/deep", "link/deep/a", "absolute/deep/a", "real/deep/a/b", "nothing", "nothing/a", "a\0"] {
            assert_eq!(entry(path), None, "{path}");
        }
        assert_eq!(disk.entry(""), Some(Entry::Directory(vec![ROOT.to_owned()])));
        assert_eq!(disk.entry("etc"), None);
        assert_eq!(disk.read(), (1, 4));
    }
}
