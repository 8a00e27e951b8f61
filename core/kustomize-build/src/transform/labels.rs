//! Which fields the entries of `labels` are set in.

use thalweg_yaml::kyaml::Text;

use super::Entries;
use crate::Error;
use crate::Place;
use crate::field_spec::FieldSpec;
use crate::kustomization::Label;

const TRANSFORMER: &str = "labels";

/// The field specs of a configuration that labels may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelTables<'t> {
    /// `labels`: for all labels.
    pub(crate) labels: &'t [FieldSpec],
    /// `commonLabels`: with selectors.
    pub(crate) common_labels: &'t [FieldSpec],
    /// `templateLabels`: with templates.
    pub(crate) template_labels: &'t [FieldSpec],
}

impl LabelTables<'_> {
    /// The transformer of one entry of `labels`.
    pub(crate) fn entries(&self, label: &Label, place: &Place) -> Result<Entries, Error> {
        let mut specs: Vec<FieldSpec> = label.fields.iter().map(|spec| spec.value.clone()).collect();
        let own = FieldSpec { path: Text::const_new("metadata/labels"), create: true, ..FieldSpec::default() };
        let mut add = |others: &[FieldSpec]| others.iter().try_for_each(|other| merge(&mut specs, other, place));
        add(self.labels)?;
        if label.include_selectors {
            add(self.common_labels)?;
        } else {
            if label.include_templates {
                add(self.template_labels)?;
            }
            add(&[own])?;
        }
        Ok(Entries::new(TRANSFORMER, label.pairs.iter(), &specs))
    }
}

/// Adds a field spec. It is there already when one with its path is for kinds that it would be for too, however few.
fn merge(specs: &mut Vec<FieldSpec>, other: &FieldSpec, place: &Place) -> Result<(), Error> {
    let covers = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
    let known = specs.iter().find(|spec| {
        spec.path == other.path
            && covers(&other.group, &spec.group)
            && covers(&other.version, &spec.version)
            && covers(&other.kind, &spec.kind)
    });
    match known {
        Some(known) if known.create != other.create => Err(Error::ConflictingLabels {
            place: place.clone(),
            transformer: TRANSFORMER,
            path: other.path.to_string(),
        }),
        Some(_) => Ok(()),
        None => {
            specs.push(other.clone());
            Ok(())
        }
    }
}
