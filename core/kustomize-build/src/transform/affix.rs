//! `namePrefix` and `nameSuffix`.

use thalweg_yaml::kyaml::{Node, Tag, Text};

use super::field_error;
use crate::Error;
use crate::field_spec::builtin::{NAME_PREFIX_SKIPS, NAME_SUFFIX_SKIPS};
use crate::field_spec::{Create, FieldError, FieldSpec, Fields, check_scalar, set_scalar};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

const NAME: &str = "metadata/name";

/// Puts a text before or behind names.
#[derive(Clone, Debug)]
pub(crate) struct Affix {
    text: Text,
    end: End,
    fields: Vec<Fields>,
    /// Kinds whose names are not free.
    skipped: &'static [FieldSpec],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Prefix,
    Suffix,
}

impl Affix {
    pub(crate) fn prefix(text: &str, specs: &[FieldSpec]) -> Self {
        Self { text: text.into(), end: End::Prefix, fields: Fields::all(specs), skipped: &NAME_PREFIX_SKIPS }
    }

    pub(crate) fn suffix(text: &str, specs: &[FieldSpec]) -> Self {
        Self { text: text.into(), end: End::Suffix, fields: Fields::all(specs), skipped: &NAME_SUFFIX_SKIPS }
    }

    /// Renames all objects but those whose names are not free: what they were called before is noted.
    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        resources.iter_mut().try_for_each(|resource| self.rename(resource))
    }

    fn rename(&self, resource: &mut Resource) -> Result<(), Error> {
        let original = resource.original_id().gvk.owned();
        if self.skipped.iter().any(|spec| spec.selects(original.borrowed())) {
            return Ok(());
        }
        for fields in self.fields.iter().filter(|fields| fields.spec.selects(original.borrowed())) {
            if fields.spec.path == NAME && !self.text.is_empty() {
                self.note(resource);
            }
            fields
                .visit(&mut resource.object, Create::Scalar(Tag::Str), &mut |node| self.set(node))
                .map_err(|reason| field_error(self.transformer(), resource, &fields.spec.path, reason))?;
        }
        Ok(())
    }

    fn note(&self, resource: &mut Resource) {
        match self.end {
            End::Prefix => resource.prefixes.push(self.text.clone()),
            End::Suffix => resource.suffixes.push(self.text.clone()),
        }
        resource.remember_id();
    }

    fn set(&self, node: &mut Node) -> Result<(), FieldError> {
        check_scalar(node)?;
        let before = node.as_str().unwrap_or_default();
        let text = match self.end {
            End::Prefix => format!("{}{before}", self.text),
            End::Suffix => format!("{before}{}", self.text),
        };
        set_scalar(node, &text, Tag::Unset)
    }

    fn transformer(&self) -> &'static str {
        match self.end {
            End::Prefix => "namePrefix",
            End::Suffix => "nameSuffix",
        }
    }
}
