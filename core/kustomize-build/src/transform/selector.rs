//! Which objects a selector means: regular expressions for what they are called, selectors of labels and annotations.

use thalweg_yaml::Position;
use thalweg_yaml::kyaml::Node;

use crate::identity::{Gvk, Id};
use crate::kustomization;
use crate::label_selector::LabelSelector;
use crate::pattern::Pattern;
use crate::resource::Resource;
use crate::{Error, Place};

/// A selector that is ready to be asked about many objects.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Labels,
    annotations: Labels,
}

/// A selector of labels; one that cannot be read fails when it is asked.
#[derive(Clone, Debug)]
struct Labels {
    is_given: bool,
    selector: Result<LabelSelector, Error>,
}

impl Selector {
    /// Fails on what is no regular expression.
    pub(crate) fn new(selector: &kustomization::Selector, file: &str) -> Result<Self, Error> {
        let kustomization::Selector { group, version, kind, name, namespace, annotation_selector, label_selector } =
            selector;
        let error = |field, text: &kustomization::Text, reason| Error::Selector {
            place: place(file, text.position),
            field,
            text: text.value.clone(),
            reason,
        };
        let pattern = |field, text: &kustomization::Text| match text.as_str() {
            "" => Ok(None),
            pattern => Pattern::whole(pattern).map(Some).map_err(|reason| error(field, text, reason)),
        };
        let labels = |field, text: &kustomization::Text| Labels {
            is_given: !text.is_empty(),
            selector: LabelSelector::parse(text).map_err(|reason| error(field, text, reason)),
        };
        Ok(Self {
            group: pattern("group", group)?,
            version: pattern("version", version)?,
            kind: pattern("kind", kind)?,
            name: pattern("name", name)?,
            namespace: pattern("namespace", namespace)?,
            labels: labels("labelSelector", label_selector),
            annotations: labels("annotationSelector", annotation_selector),
        })
    }

    /// Whether it says anything about what objects are called.
    pub(crate) fn has_id(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].into_iter().any(Option::is_some)
    }

    /// Whether it says anything about labels or annotations.
    pub(crate) fn has_labels(&self) -> bool {
        self.labels.is_given || self.annotations.is_given
    }

    /// Whether the selectors of labels and annotations can be read.
    pub(crate) fn has_valid_labels(&self) -> bool {
        self.labels.selector.is_ok() && self.annotations.selector.is_ok()
    }

    /// Whether any id with this name and kind may be meant.
    pub(crate) fn may_match(&self, name: &str, kind: &str) -> bool {
        fits(&self.kind, kind) && fits(&self.name, name)
    }

    /// Whether an id, its namespace as it is written, is meant.
    pub(crate) fn matches_id(&self, id: Id<&str>) -> bool {
        self.matches_kind(id.gvk) && fits(&self.name, id.name) && fits(&self.namespace, id.namespace)
    }

    /// Whether labels and annotations are as they must be.
    pub(crate) fn matches_labels(&self, object: &Node) -> Result<bool, Error> {
        let is_met = |labels: &Labels, field| -> Result<bool, Error> {
            let selector = labels.selector.as_ref().map_err(Error::clone)?;
            let found = object.at(&["metadata", field]);
            Ok(selector.matches(|key| found?.get(key).map(|value| value.as_str().unwrap_or_default())))
        };
        Ok(is_met(&self.annotations, "annotations")? && is_met(&self.labels, "labels")?)
    }

    /// Whether an object is meant as the target of a patch is: by its first or its present name and namespace, where none is
    /// `default`, and by its present kind.
    pub(crate) fn matches(&self, resource: &Resource) -> Result<bool, Error> {
        let (original, current) = (resource.original_id(), resource.id());
        let is_called = [original, current].into_iter().any(|id| fits(&self.namespace, id.effective_namespace()))
            && [original, current].into_iter().any(|id| fits(&self.name, id.name))
            && self.matches_kind(current.gvk);
        Ok(is_called && self.matches_labels_in_order(&resource.object)?)
    }

    fn matches_labels_in_order(&self, object: &Node) -> Result<bool, Error> {
        // Labels that cannot be read are reported before annotations that cannot.
        self.labels.selector.as_ref().map_err(Error::clone)?;
        self.matches_labels(object)
    }

    fn matches_kind(&self, gvk: Gvk<&str>) -> bool {
        fits(&self.group, gvk.group) && fits(&self.version, gvk.version) && fits(&self.kind, gvk.kind)
    }
}

fn fits(pattern: &Option<Pattern>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
}

pub(super) fn place(file: &str, position: Position) -> Place {
    Place { file: file.to_owned(), position }
}
