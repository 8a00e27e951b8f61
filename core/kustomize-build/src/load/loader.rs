//! What the kustomization of one directory may load.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use thalweg_yaml::Limits;

use super::find::{Found, find};
use super::{objects, remote};
use crate::kustomization::{self, Kustomization, NAMES, nearest};
use crate::resource::Resource;
use crate::{Entry, Error, Obstacle, Place, Tree, path};

/// Kustomizations inside each other, at most.
const LAYERS_MAX: usize = 64;

/// Bytes of the files of one build, each counted as often as it is named.
const READ_BYTES_MAX: usize = 256 << 20;

/// Where the files of a kustomization may lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Restriction {
    /// In its directory or below: `kustomize build`.
    #[default]
    Directory,
    /// Anywhere in the tree: Flux.
    Tree,
}

/// Loads for the kustomization of one directory. Paths are relative to that directory.
#[derive(Clone)]
pub(crate) struct Loader<'t> {
    shared: Rc<Shared<'t>>,
    /// The directory, without links.
    directory: String,
    /// The directories of the kustomizations that led here, the top one first.
    referrers: Vec<String>,
}

struct Shared<'t> {
    tree: &'t dyn Tree,
    restriction: Restriction,
    limits: Limits,
    files: RefCell<BTreeSet<String>>,
    read_bytes: Cell<usize>,
}

/// What an entry of `resources` is.
pub(crate) enum Loaded<'t> {
    /// A file, and the objects in it.
    File(Vec<Resource>),
    /// A directory with another kustomization.
    Base(Loader<'t>),
}

impl<'t> Loader<'t> {
    /// For the directory that is built, as it was asked for: `..` stops at the root.
    pub(crate) fn new(
        tree: &'t dyn Tree,
        directory: &str,
        restriction: Restriction,
        limits: Limits,
    ) -> Result<Self, Error> {
        let directory = match find(tree, &path::from_root(directory)) {
            Ok(Found::Directory { path, .. }) => path,
            Ok(Found::File { .. }) => return Err(Error::PathNotDirectory { path: directory.to_owned() }),
            Err(_) => return Err(Error::PathNotFound { path: directory.to_owned() }),
        };
        let shared = Shared { tree, restriction, limits, files: RefCell::default(), read_bytes: Cell::default() };
        Ok(Self { shared: Rc::new(shared), directory, referrers: Vec::new() })
    }

    /// The directory, from the root of the tree.
    pub(crate) fn root(&self) -> &str {
        &self.directory
    }

    /// The limits of everything that is read.
    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The tree that all is read from.
    pub(crate) fn tree(&self) -> &'t dyn Tree {
        self.shared.tree
    }

    /// Every file that this loader, and those it came from and led to, have read.
    pub(crate) fn files_read(&self) -> BTreeSet<String> {
        self.shared.files.borrow().clone()
    }

    /// The path and content of a file. `place` is where it is named.
    pub(crate) fn file(&self, entry: &str, place: &Place) -> Result<(String, &'t [u8]), Error> {
        self.open(entry).map_err(|obstacle| cannot_load(entry, place, obstacle))
    }

    /// The loader of another kustomization's directory.
    pub(crate) fn directory(&self, entry: &str, place: &Place) -> Result<Self, Error> {
        let directory = self.enter(entry).map_err(|obstacle| cannot_load(entry, place, obstacle))?;
        self.descend(directory, place)
    }

    /// What an entry of `resources` leads to: a file, or else a directory. A failure is that of the file, unless the entry
    /// names a directory or what would have to be fetched.
    pub(crate) fn resource(&self, entry: &str, place: &Place) -> Result<Loaded<'t>, Error> {
        let obstacle = match self.open(entry) {
            Ok((file, text)) => return objects::objects(&file, text, self.limits()).map(Loaded::File),
            Err(obstacle) => obstacle,
        };
        match self.enter(entry) {
            Ok(directory) => self.descend(directory, place).map(Loaded::Base),
            Err(Obstacle::Remote) => Err(cannot_load(entry, place, Obstacle::Remote)),
            Err(Obstacle::Empty) => Err(cannot_load(entry, place, Obstacle::Empty)),
            Err(Obstacle::Absolute) if obstacle == Obstacle::NotAFile => {
                Err(cannot_load(entry, place, Obstacle::Absolute))
            }
            Err(_) => Err(cannot_load(entry, place, obstacle)),
        }
    }

    /// The kustomization of the directory. `place` is where the directory is named, if anywhere.
    pub(crate) fn kustomization(&self, place: Option<&Place>) -> Result<Kustomization, Error> {
        let Some((file, text)) = self.kustomization_file()? else {
            let (directory, nearest) = (self.directory.clone(), self.nearly_a_kustomization());
            return Err(match place {
                Some(place) => Error::NoKustomization { place: place.clone(), directory, nearest },
                None => Error::NoKustomizationAtTop { directory, nearest },
            });
        };
        kustomization::parse(&file, text, self.limits())
    }

    /// A name in the directory that was most likely meant to be that of a kustomization file.
    fn nearly_a_kustomization(&self) -> Option<String> {
        let Some(Entry::Directory(names)) = self.shared.tree.entry(&self.directory) else { return None };
        let others = || names.iter().map(String::as_str).filter(|name| !NAMES.contains(name));
        NAMES.into_iter().find_map(|name| nearest(name, others())).map(str::to_owned)
    }

    /// The path and content of the directory's one kustomization file, if it has any.
    pub(crate) fn kustomization_file(&self) -> Result<Option<(String, &'t [u8])>, Error> {
        let Ok(Found::Directory { names, .. }) = find(self.shared.tree, &self.directory) else { return Ok(None) };
        let mut found = Vec::new();
        for name in NAMES {
            if names.iter().any(|other| other == name)
                && let Ok(opened) = self.open(name)
            {
                found.push((name, opened));
            }
        }
        if found.len() > 1 {
            let names = found.into_iter().map(|(name, _)| name.to_owned()).collect();
            return Err(Error::SeveralKustomizations { directory: self.directory.clone(), names });
        }
        Ok(found.pop().map(|(_, opened)| opened))
    }

    fn open(&self, entry: &str) -> Result<(String, &'t [u8]), Obstacle> {
        if remote::is_url(entry) {
            return Err(Obstacle::Remote);
        }
        let from = match entry.starts_with('/') {
            true => self.shared.tree.file_system().ok_or(Obstacle::Absolute)?,
            false => &self.directory,
        };
        let path = path::join(from, entry).ok_or(Obstacle::OutsideTree)?;
        let (path, content) = match find(self.shared.tree, &path)? {
            Found::File { path, content } => (path, content),
            Found::Directory { .. } => return Err(Obstacle::NotAFile),
        };
        if self.shared.restriction == Restriction::Directory && !path::is_within(path::parent(&path), &self.directory) {
            return Err(Obstacle::OutsideDirectory { directory: self.directory.clone() });
        }
        let read_bytes = self.shared.read_bytes.get().saturating_add(content.len());
        if read_bytes > READ_BYTES_MAX {
            return Err(Obstacle::TooMuch { bytes_max: READ_BYTES_MAX });
        }
        self.shared.read_bytes.set(read_bytes);
        self.shared.files.borrow_mut().insert(path.clone());
        Ok((path, content))
    }

    fn enter(&self, entry: &str) -> Result<String, Obstacle> {
        if entry.is_empty() {
            return Err(Obstacle::Empty);
        }
        if remote::is_repository(entry) {
            return Err(Obstacle::Remote);
        }
        if entry.starts_with('/') {
            return Err(Obstacle::Absolute);
        }
        let path = path::join(&self.directory, entry).ok_or(Obstacle::OutsideTree)?;
        match find(self.shared.tree, &path)? {
            Found::Directory { path, .. } => Ok(path),
            Found::File { .. } => Err(Obstacle::NotADirectory),
        }
    }

    fn descend(&self, directory: String, place: &Place) -> Result<Self, Error> {
        let mut stack = self.referrers.clone();
        stack.push(self.directory.clone());
        if let Some(visited) = stack.iter().position(|visited| path::is_within(visited, &directory)) {
            let mut path = stack.split_off(visited);
            path.push(directory);
            return Err(Error::Cycle { place: place.clone(), path });
        }
        if stack.len() > LAYERS_MAX {
            return Err(Error::TooDeep { place: place.clone(), layers_max: LAYERS_MAX });
        }
        Ok(Self { shared: Rc::clone(&self.shared), directory, referrers: stack })
    }
}

fn cannot_load(entry: &str, place: &Place, obstacle: Obstacle) -> Error {
    Error::CannotLoad { place: place.clone(), entry: entry.to_owned(), obstacle }
}

#[cfg(test)]
#[path = "loader_tests.rs"]
pub(crate) mod tests;
