//! Which objects a patch is for: patterns of group, version, kind, name and namespace, and selectors of labels and annotations.

use thalweg_yaml::kyaml::Node;

use super::PatchProblem;
use crate::identity::{Id, metadata};
use crate::kustomization;
use crate::label_selector::LabelSelector;
use crate::pattern::Pattern;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

/// A target, read once for all objects. What cannot be read is an error only when it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Result<LabelSelector, PatchProblem>,
    annotations: Result<LabelSelector, PatchProblem>,
    /// The first of the patterns that is none.
    problem: Option<PatchProblem>,
}

impl Selector {
    pub(crate) fn new(target: &kustomization::Selector) -> Self {
        let mut problem = None;
        let mut pattern = |field: &'static str, text: &str| match text {
            "" => None,
            text => match Pattern::whole(text) {
                Ok(pattern) => Some(pattern),
                Err(reason) => {
                    problem.get_or_insert(PatchProblem::Selector { field, text: text.to_owned(), reason });
                    None
                }
            },
        };
        let labels = |field: &'static str, text: &str| {
            LabelSelector::parse(text).map_err(|reason| PatchProblem::Selector { field, text: text.to_owned(), reason })
        };
        Self {
            group: pattern("group", &target.group),
            version: pattern("version", &target.version),
            kind: pattern("kind", &target.kind),
            name: pattern("name", &target.name),
            namespace: pattern("namespace", &target.namespace),
            labels: labels("labelSelector", &target.label_selector),
            annotations: labels("annotationSelector", &target.annotation_selector),
            problem,
        }
    }

    /// The positions of the objects that are meant.
    pub(crate) fn select(&self, resources: &ResourceMap) -> Result<Vec<usize>, PatchProblem> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let mut selected = Vec::new();
        for position in resources.positions() {
            if let Some(resource) = resources.get(position)
                && self.is_meant(resource)?
            {
                selected.push(position);
            }
        }
        Ok(selected)
    }

    fn is_meant(&self, resource: &Resource) -> Result<bool, PatchProblem> {
        if !self.has_type(&resource.object) || !self.has_name(resource) {
            return Ok(false);
        }
        for (selector, field) in [(&self.labels, "labels"), (&self.annotations, "annotations")] {
            let selector = selector.as_ref().map_err(Clone::clone)?;
            let values = resource.object.at(&["metadata", field]);
            if !selector.matches(|key| values?.get(key).map(|value| value.as_str().unwrap_or_default())) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn has_type(&self, object: &Node) -> bool {
        let text = |key: &str| object.get(key).and_then(Node::as_str).unwrap_or_default();
        if !fits(self.kind.as_ref(), text("kind")) {
            return false;
        }
        if self.group.is_none() && self.version.is_none() {
            return true;
        }
        let version = text("apiVersion");
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        fits(self.group.as_ref(), group) && fits(self.version.as_ref(), version)
    }

    /// Name and namespace are those that it has now, or had first.
    fn has_name(&self, resource: &Resource) -> bool {
        let names = std::iter::once(metadata(&resource.object, "name"));
        let mut names = names.chain(resource.former.first().map(|id| id.name.as_str()));
        if !names.any(|name| fits(self.name.as_ref(), name)) {
            return false;
        }
        let is_there = |id: Id<&str>| fits(self.namespace.as_ref(), id.effective_namespace());
        self.namespace.is_none() || is_there(resource.id()) || is_there(resource.original_id())
    }
}

fn fits(pattern: Option<&Pattern>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.is_match(text))
}
