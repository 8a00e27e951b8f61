//! The walk: from a path to its kustomization, to what that names, to objects.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_manifest::{Object, ObjectId, Origin};
use thalweg_yaml::{Limits, Position};

use crate::kustomization::{self, Resource};
use crate::{Entry, Error, Place, Tree, path, resources};

/// Kustomizations inside each other, at most.
const LAYERS_MAX: usize = 64;

/// Objects that are left out when this annotation is there and not `"false"`.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// Kustomize's own kinds, which no cluster knows.
const KUSTOMIZE_GROUP: &str = "kustomize.config.k8s.io";

/// What to build.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The directory, from the root of the tree: the `spec.path` of a Kustomization.
    pub path: String,
}

/// What was built.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The objects in the order in which they are named, each with its origin.
    pub objects: Vec<Object>,
    /// Every file that was read: the build is the same as long as these are, and no YAML file comes or goes.
    pub files: BTreeSet<String>,
}

/// Builds the directory at the path of the options.
pub fn build(tree: &dyn Tree, options: &Options) -> Result<Build, Error> {
    let directory = path::from_root(&options.path);
    let names = match tree.entry(&directory) {
        Some(Entry::Directory(names)) => names,
        Some(Entry::File(_)) => return Err(Error::PathNotDirectory { path: options.path.clone() }),
        None => return Err(Error::PathNotFound { path: options.path.clone() }),
    };
    let mut builder = Builder {
        tree,
        limits: Limits::default(),
        build: Build::default(),
        ids: BTreeMap::new(),
        without_objects: BTreeSet::new(),
        stack: vec![directory.clone()],
    };
    match kustomization_file(tree, &directory, &names)? {
        Some(file) => builder.kustomization(&directory, &file)?,
        None => builder.generated(&directory, names)?,
    }
    let mut build = builder.build;
    build.objects.retain(|object| object.group() != KUSTOMIZE_GROUP && !is_local(object));
    Ok(build)
}

/// The one kustomization file of a directory.
fn kustomization_file(tree: &dyn Tree, directory: &str, names: &[String]) -> Result<Option<String>, Error> {
    let is_file = |name: &str| matches!(tree.entry(&path::child(directory, name)), Some(Entry::File(_)));
    let mut found: Vec<String> = kustomization::NAMES
        .into_iter()
        .filter(|name| names.iter().any(|other| other == name) && is_file(name))
        .map(str::to_owned)
        .collect();
    if found.len() > 1 {
        return Err(Error::SeveralKustomizations { directory: directory.to_owned(), names: found });
    }
    Ok(found.pop().map(|name| path::child(directory, &name)))
}

fn is_local(object: &Object) -> bool {
    object.annotation(LOCAL_CONFIG).is_some_and(|value| value != "false")
}

struct Builder<'t> {
    tree: &'t dyn Tree,
    limits: Limits,
    build: Build,
    ids: BTreeMap<ObjectId, Origin>,
    /// Paths that gave no object: reading them again would give none again.
    without_objects: BTreeSet<String>,
    /// The directories that are being built, outermost first.
    stack: Vec<String>,
}

impl<'t> Builder<'t> {
    fn kustomization(&mut self, directory: &str, file: &str) -> Result<(), Error> {
        let kustomization = kustomization::parse(file, self.content(file), &self.limits)?;
        if kustomization.is_empty && self.stack.len() > 1 {
            return Err(Error::EmptyKustomization { file: file.to_owned() });
        }
        for resource in kustomization.resources {
            self.resource(directory, file, resource)?;
        }
        Ok(())
    }

    /// A directory without a kustomization file, as Flux generates one: files and kustomizations below it, in the order of
    /// their names.
    fn generated(&mut self, directory: &str, names: Vec<String>) -> Result<(), Error> {
        let mut waiting: Vec<String> = names.iter().rev().map(|name| path::child(directory, name)).collect();
        while let Some(current) = waiting.pop() {
            match self.tree.entry(&current) {
                Some(Entry::Directory(names)) => match kustomization_file(self.tree, &current, &names)? {
                    Some(file) => {
                        let place = Place { file: file.clone(), position: Position { line: 1, column: 1 } };
                        self.base(current, &file, place)?;
                    }
                    None => waiting.extend(names.iter().rev().map(|name| path::child(&current, name))),
                },
                Some(Entry::File(_)) if is_yaml(&current) => self.file(&current)?,
                Some(Entry::File(_)) | None => {}
            }
        }
        Ok(())
    }

    fn resource(&mut self, directory: &str, file: &str, resource: Resource) -> Result<(), Error> {
        let Resource { entry, position } = resource;
        let place = Place { file: file.to_owned(), position };
        if entry.starts_with('/') {
            return Err(Error::AbsolutePath { place, entry });
        }
        if entry.contains("://") {
            return Err(Error::RemoteResource { place, entry });
        }
        let target = path::join(directory, &entry);
        match target.as_deref().and_then(|target| self.tree.entry(target)) {
            Some(Entry::File(_)) => self.file(&target.unwrap_or_default()),
            Some(Entry::Directory(names)) => {
                let target = target.unwrap_or_default();
                match kustomization_file(self.tree, &target, &names)? {
                    Some(file) => self.base(target, &file, place),
                    None => Err(Error::NoKustomization { place, directory: target }),
                }
            }
            None if path::is_remote(&entry) => Err(Error::RemoteResource { place, entry }),
            None if target.is_none() => Err(Error::OutsideTree { place, entry }),
            None => Err(Error::ResourceNotFound { place, entry }),
        }
    }

    /// A kustomization that another one uses.
    fn base(&mut self, directory: String, file: &str, place: Place) -> Result<(), Error> {
        if let Some(visited) = self.stack.iter().position(|visited| path::is_within(visited, &directory)) {
            let mut path = self.stack[visited..].to_vec();
            path.push(directory);
            return Err(Error::Cycle { place, path });
        }
        if self.stack.len() > LAYERS_MAX {
            return Err(Error::TooDeep { place, layers_max: LAYERS_MAX });
        }
        if self.without_objects.contains(&directory) {
            return Ok(());
        }
        let before = self.build.objects.len();
        self.stack.push(directory.clone());
        self.kustomization(&directory, file)?;
        self.stack.pop();
        if self.build.objects.len() == before {
            self.without_objects.insert(directory);
        }
        Ok(())
    }

    fn file(&mut self, file: &str) -> Result<(), Error> {
        if self.without_objects.contains(file) {
            return Ok(());
        }
        let objects = resources::objects(file, self.content(file), &self.limits)?;
        if objects.is_empty() {
            self.without_objects.insert(file.to_owned());
        }
        for object in objects {
            self.add(object)?;
        }
        Ok(())
    }

    fn add(&mut self, object: Object) -> Result<(), Error> {
        let id = object.id();
        if let Some(first) = self.ids.get(&comparable(&id)) {
            return Err(Error::DuplicateId { id, first: first.clone(), second: object.origin().clone() });
        }
        self.ids.insert(comparable(&id), object.origin().clone());
        self.build.objects.push(object);
        Ok(())
    }

    /// The content of a file that is known to be there.
    fn content(&mut self, file: &str) -> &'t [u8] {
        self.build.files.insert(file.to_owned());
        match self.tree.entry(file) {
            Some(Entry::File(content)) => content,
            Some(Entry::Directory(_)) | None => &[],
        }
    }
}

/// No namespace and `default` are the same to kustomize.
fn comparable(id: &ObjectId) -> ObjectId {
    let namespace = if id.namespace == "default" { "" } else { &id.namespace };
    ObjectId::new(&id.group, &id.kind, namespace, &id.name)
}

fn is_yaml(file: &str) -> bool {
    file.ends_with(".yaml") || file.ends_with(".yml")
}
