//! ValueAddTransformer: a text that is set in fields, or put into the file paths that they hold.

use thalweg_yaml::kyaml::{Node, Tag};

use super::lookup::{Step, find_or_make, steps};
use super::{Namespace, PathError, Selector, field_error};
use crate::Error;
use crate::field_spec::{FieldError, PARTS_MAX, set_scalar, split};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

const TRANSFORMER: &str = "ValueAddTransformer";

/// A value and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct ValueAdd {
    value: String,
    targets: Vec<Target>,
}

/// Fields that get the value.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// All objects when there is none.
    pub(crate) selector: Option<Selector>,
    pub(crate) field_path: String,
    /// Where the value is put into a file path, counted from 1; 0 where it takes the place of what is there.
    pub(crate) file_path_position: usize,
}

impl ValueAdd {
    pub(crate) fn new(value: &str, targets: Vec<Target>) -> Self {
        Self { value: value.to_owned(), targets }
    }

    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        for target in &self.targets {
            let mut selected = Vec::new();
            for resource in resources.iter_mut() {
                let is_selected = target.selector.as_ref().map_or(Ok(true), |selector| selector.matches(resource))?;
                if is_selected {
                    selected.push(resource);
                }
            }
            let steps = steps(&split(&target.field_path, '/'));
            selected.into_iter().try_for_each(|resource| self.set(target, &steps, resource))?;
        }
        Ok(())
    }

    fn set(&self, target: &Target, steps: &[Step], resource: &mut Resource) -> Result<(), Error> {
        if target.field_path == "metadata/namespace" {
            return Namespace::new(&self.value, &[]).move_one(resource);
        }
        if steps.len() > PARTS_MAX {
            return Err(field_error(TRANSFORMER, resource, &target.field_path, FieldError::TooManyParts));
        }
        let found = find_or_make(&mut resource.object, steps);
        let set = match found {
            Ok(Some(node)) => self.set_node(target, node),
            // Kustomize crashes.
            Ok(None) if target.file_path_position > 0 => Err(FieldError::Missing),
            Ok(None) => Ok(()),
            Err(error) => Err(unreachable_field(&error)),
        };
        set.map_err(|reason| field_error(TRANSFORMER, resource, &target.field_path, reason))
    }

    fn set_node(&self, target: &Target, node: &mut Node) -> Result<(), FieldError> {
        let before = node.as_str().unwrap_or_default();
        match target.file_path_position.checked_sub(1) {
            None => set_scalar(node, &self.value, Tag::Unset),
            Some(position) => set_scalar(node, &with_part(before, position, &self.value), Tag::Unset),
        }
    }
}

fn unreachable_field(error: &PathError) -> FieldError {
    match error {
        PathError::WrongKind { expected, found, .. } => FieldError::WrongKind { expected, found },
        _ => FieldError::NoFieldName,
    }
}

/// A file path with one more part at a position; an absolute path stays one.
fn with_part(path: &str, position: usize, part: &str) -> String {
    let mut parts: Vec<&str> = match path {
        "" => Vec::new(),
        "/" => vec![""],
        path => path.split('/').collect(),
    };
    let is_absolute = parts.first() == Some(&"");
    let position = if is_absolute { position.saturating_add(1) } else { position };
    parts.insert(position.min(parts.len()), part);
    if is_absolute { format!("/{}", joined(&parts)) } else { joined(&parts) }
}

/// Parts put together as Go's `filepath.Join` does it.
fn joined(parts: &[&str]) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in parts.iter().flat_map(|part| part.split('/')) {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    if kept.is_empty() { ".".to_owned() } else { kept.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the comments on kustomize's `InsertPathPart`, and its tests.
    #[test]
    fn a_part_goes_into_a_path() {
        let cases = [
            ("", 3, "PEACH"),
            ("/", 3, "/PEACH"),
            ("pie", 0, "PEACH/pie"),
            ("/pie", 0, "/PEACH/pie"),
            ("raw", 1, "raw/PEACH"),
            ("/raw", 1, "/raw/PEACH"),
            ("a/nice/warm/pie", 3, "a/nice/warm/PEACH/pie"),
            ("/a/nice/warm/pie", 3, "/a/nice/warm/PEACH/pie"),
            ("a/b", 99, "a/b/PEACH"),
        ];
        for (path, position, expected) in cases {
            assert_eq!(with_part(path, position, "PEACH"), expected, "{path} {position}");
        }
    }
}
