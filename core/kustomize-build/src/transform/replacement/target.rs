//! Where a replacement puts its value.

use thalweg_yaml::kyaml::{Content, Node};

use super::source::Value;
use super::walk::{TargetPath, Walk};
use super::{Copied, DEFAULT_PATH, PathError, Replacement, ReplacementError, document};
use crate::Error;
use crate::identity::Id;
use crate::kustomization::{FieldOptions, Placed, TargetSelector};
use crate::resource::{Notes, Resource};
use crate::resource_map::ResourceMap;
use crate::transform::lookup::{self, Made, Slot};
use crate::transform::{Selector, names_and_kinds};

/// One target of a replacement, ready for all objects.
pub(super) struct Writer<'r> {
    replacement: &'r Replacement,
    target: &'r Placed<Option<TargetSelector>>,
    options: FieldOptions,
    select: Selector,
    reject: Vec<Selector>,
    paths: Vec<TargetPath>,
}

impl<'r> Writer<'r> {
    pub(super) fn new(replacement: &'r Replacement, target: &'r Placed<Option<TargetSelector>>) -> Result<Self, Error> {
        let Some(TargetSelector { select, reject, field_paths, options }) = &target.value else {
            return Err(replacement.error(target.position, ReplacementError::NoSelect));
        };
        let Some(select) = select else {
            return Err(replacement.error(target.position, ReplacementError::NoSelect));
        };
        let options = options.clone().unwrap_or_default();
        let selector = |selector| Selector::new(selector, &replacement.file);
        let reject = reject.iter().filter_map(|reject| reject.value.as_ref()).map(selector);
        let paths: Vec<TargetPath> = match field_paths.is_empty() {
            true => vec![TargetPath::parse(DEFAULT_PATH)],
            false => field_paths.iter().map(|path| TargetPath::parse(path)).collect(),
        };
        Ok(Self {
            replacement,
            target,
            options,
            select: selector(select)?,
            reject: reject.collect::<Result<_, _>>()?,
            paths,
        })
    }

    /// Puts the value in all objects that are meant.
    pub(super) fn apply(
        &self,
        value: &mut Value,
        resources: &mut ResourceMap,
        copied: &mut Copied,
    ) -> Result<(), Error> {
        for position in resources.positions().collect::<Vec<_>>() {
            if !resources.get(position).map_or(Ok(false), |resource| self.is_meant(resource))? {
                continue;
            }
            for path in &self.paths {
                let written = self.write(path, position, value, resources, copied);
                written.map_err(|reason| self.replacement.error(self.target.position, reason))?;
            }
        }
        Ok(())
    }

    fn is_meant(&self, resource: &Resource) -> Result<bool, Error> {
        let can_fail = [&self.select].into_iter().chain(&self.reject).any(|selector| !selector.has_valid_labels());
        if !can_fail && !names_and_kinds(resource).any(|(name, kind)| self.select.may_match(name, kind)) {
            return Ok(false);
        }
        if !self.select.matches_labels(&resource.object)? {
            return Ok(false);
        }
        for reject in self.reject.iter().filter(|reject| reject.has_labels()) {
            if reject.matches_labels(&resource.object)? {
                return Ok(false);
            }
        }
        let ids: Vec<Id<&str>> = resource.ids().collect();
        let is_rejected = self
            .reject
            .iter()
            .filter(|reject| reject.has_id())
            .any(|reject| ids.iter().any(|id| reject.matches_id(*id)));
        Ok(!is_rejected && ids.iter().any(|id| self.select.matches_id(*id)))
    }

    fn write(
        &self,
        path: &TargetPath,
        position: usize,
        value: &mut Value,
        resources: &mut ResourceMap,
        copied: &mut Copied,
    ) -> Result<(), ReplacementError> {
        let create = self.options.create.then(|| Made::like(&value.current(resources)));
        if let Some(text) = resources.get(position).and_then(|resource| document::find(&resource.object, path)) {
            let current = copied.copy(&value.current(resources))?;
            if let Some((slots, text)) = text.edited(path, &current, create) {
                change(resources, position, path, |object| set_text(object, &slots, text));
                return Ok(());
            }
        }
        if path.holds_notes() {
            // What leads to all annotations is found and set in one go: the notes are seen in between.
            let current = copied.copy(&value.current(resources))?;
            let set = change(resources, position, path, |object| {
                let places = Walk::places(object, &path.steps, create);
                places.map(|places| {
                    places.into_iter().flatten().map(|slots| self.set(object, &slots, &current)).collect()
                })
            });
            let failed: Vec<Result<(), ()>> =
                found(set.unwrap_or_else(|| Ok(Vec::new())), create, path, resources, position)?;
            return failed.into_iter().collect::<Result<(), ()>>().map_err(|()| no_scalar(path, resources, position));
        }
        let places = change(resources, position, path, |object| Walk::places(object, &path.steps, create));
        for slots in
            found(places.unwrap_or_else(|| Ok(Vec::new())), create, path, resources, position)?.into_iter().flatten()
        {
            let current = copied.copy(&value.current(resources))?;
            value.before_write(position, &slots, resources);
            if let Some(Err(())) = change(resources, position, path, |object| self.set(object, &slots, &current)) {
                return Err(no_scalar(path, resources, position));
            }
        }
        Ok(())
    }

    /// Sets one field; fails when there is a delimiter and the field is no scalar.
    fn set(&self, object: &mut Node, slots: &[Slot], value: &Node) -> Result<(), ()> {
        let Some(node) = lookup::below_mut(object, slots) else { return Ok(()) };
        let text = value.as_str().unwrap_or_default();
        if self.options.delimiter.is_empty() {
            put(node, value, text);
        } else {
            let Content::Scalar(before) = &node.content else { return Err(()) };
            let text = self.joined(before, if value.is_null() { "" } else { text });
            put(node, value, &text);
        }
        if let Some(link) = node.link() {
            let node = node.clone();
            object.set_linked(link, &node);
        }
        Ok(())
    }

    /// A text with the value as one of its parts.
    fn joined(&self, before: &str, value: &str) -> String {
        let mut parts: Vec<&str> = before.split(self.options.delimiter.as_str()).collect();
        match usize::try_from(self.options.index) {
            Err(_) => parts.insert(0, value),
            Ok(index) => match parts.get_mut(index) {
                Some(part) => *part = value,
                None => parts.push(value),
            },
        }
        parts.join(&self.options.delimiter)
    }
}

/// Changes an object where a path leads. Notes that kustomize keeps in annotations are seen by paths to all annotations.
fn change<T>(
    resources: &mut ResourceMap,
    position: usize,
    path: &TargetPath,
    change: impl FnOnce(&mut Node) -> T,
) -> Option<T> {
    let resource = if path.touches_identity() { resources.get_mut(position) } else { resources.content_mut(position) }?;
    Some(if path.holds_notes() { resource.change_openly(Notes::AsFound, change) } else { change(&mut resource.object) })
}

/// What was found in an object; nothing is an error.
fn found<T>(
    found: Result<Vec<T>, PathError>,
    create: Option<Made>,
    path: &TargetPath,
    resources: &ResourceMap,
    position: usize,
) -> Result<Vec<T>, ReplacementError> {
    let found = found.map_err(Some);
    let found = found.and_then(|found| if found.is_empty() { Err(None) } else { Ok(found) });
    found.map_err(|reason| ReplacementError::TargetWithoutField {
        path: path.text.clone(),
        object: shown(resources, position),
        create: create.is_some(),
        reason,
    })
}

fn no_scalar(path: &TargetPath, resources: &ResourceMap, position: usize) -> ReplacementError {
    ReplacementError::DelimiterOfCollection { path: path.text.clone(), object: shown(resources, position) }
}

fn set_text(object: &mut Node, slots: &[Slot], text: String) {
    let Some(node) = lookup::below_mut(object, slots) else { return };
    node.content = Content::Scalar(text.into());
    if let Some(link) = node.link() {
        let node = node.clone();
        object.set_linked(link, &node);
    }
}

fn shown(resources: &ResourceMap, position: usize) -> String {
    resources.get(position).map(|resource| resource.id().to_string()).unwrap_or_default()
}

/// Gives a scalar a text, and anything else the whole value.
pub(super) fn put(node: &mut Node, value: &Node, text: &str) {
    match &mut node.content {
        Content::Scalar(before) => *before = text.into(),
        Content::Sequence(_) | Content::Mapping(_) => {
            node.replace(value.clone());
        }
    }
}
