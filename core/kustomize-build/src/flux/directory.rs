//! What a directory without a kustomization stands for: its YAML files, and the kustomizations below it.

use crate::kustomization::{NAMES, NOWHERE};
use crate::load::{Found, Loader, find};
use crate::{Entry, Error, Obstacle, Place, Tree, path};

/// The entries of `resources`, in the order of a walk by names. A directory with a kustomization is one, and is not walked.
pub(super) fn resources(loader: &Loader<'_>) -> Result<Vec<String>, Error> {
    let (tree, root) = (loader.tree(), loader.root());
    let mut resources = Vec::new();
    let mut waiting = children(tree, root);
    while let Some(current) = waiting.pop() {
        let is_resource = match tree.entry(&current) {
            Some(Entry::Directory(names)) if has_kustomization(tree, &current, &names) => true,
            Some(Entry::Directory(_)) => {
                waiting.append(&mut children(tree, &current));
                false
            }
            Some(Entry::File(_)) => is_yaml(&current),
            Some(Entry::Link(_)) => is_resource(tree, root, &current)?,
            None => false,
        };
        if is_resource {
            resources.push(format!("./{}", below(root, &current)));
        }
    }
    Ok(resources)
}

/// What is in a directory, the first one last.
fn children(tree: &dyn Tree, directory: &str) -> Vec<String> {
    match tree.entry(directory) {
        Some(Entry::Directory(names)) => names.iter().rev().map(|name| path::child(directory, name)).collect(),
        _ => Vec::new(),
    }
}

fn has_kustomization(tree: &dyn Tree, directory: &str, names: &[String]) -> bool {
    let is_file = |name: &str| matches!(find(tree, &path::child(directory, name)), Ok(Found::File { .. }));
    NAMES.into_iter().any(|name| names.iter().any(|other| other == name) && is_file(name))
}

/// A link is a resource where its name is that of a YAML file: it must lead to one. No link may leave the tree.
fn is_resource(tree: &dyn Tree, root: &str, link: &str) -> Result<bool, Error> {
    let obstacle = match find(tree, link) {
        Err(Obstacle::OutsideTree) => Obstacle::OutsideTree,
        _ if !is_yaml(link) => return Ok(false),
        Ok(Found::File { .. }) => return Ok(true),
        Ok(Found::Directory { .. }) => Obstacle::NotAFile,
        Err(obstacle) => obstacle,
    };
    let place = Place { file: path::child(root, NAMES[0]), position: NOWHERE };
    Err(Error::CannotLoad { place, entry: format!("./{}", below(root, link)), obstacle })
}

fn below<'p>(root: &str, path: &'p str) -> &'p str {
    path.strip_prefix(root).unwrap_or(path).trim_start_matches('/')
}

fn is_yaml(file: &str) -> bool {
    file.ends_with(".yaml") || file.ends_with(".yml")
}
