//! The fields of a kustomization that change objects, in the order of kustomize's
//! api/internal/target/kusttarget_configplugin.go.

use super::transformers::Configured;
use super::{Layer, Transformer};
use crate::configuration::Configuration;
use crate::patch::{Json6902, Patch, StrategicMerge};
use crate::resource_map::ResourceMap;
use crate::schema::Schemas;
use crate::transform::{self, Affix, Entries, Images, LabelTables, Namespace, Replacements, Replicas};
use crate::{Error, Place};

impl Transformer for transform::Transformer {
    fn apply(&self, resources: &mut ResourceMap, _schemas: &Schemas) -> Result<(), Error> {
        self.apply(resources)
    }
}

/// The transformers of a layer while they are prepared.
struct Prepared<'l, 't, 'c> {
    layer: &'l Layer<'t, 'c>,
    configuration: &'l Configuration,
    transformers: Vec<Configured>,
}

impl Layer<'_, '_> {
    /// The transformers of all fields, ready to change objects.
    pub(super) fn field_transformers(&self, configuration: &Configuration) -> Result<Vec<Configured>, Error> {
        let mut prepared = Prepared { layer: self, configuration, transformers: Vec::new() };
        prepared.patches()?;
        prepared.names();
        prepared.labels()?;
        prepared.json_patches()?;
        prepared.replicas_and_images();
        prepared.replacements()?;
        Ok(prepared.transformers)
    }
}

impl Prepared<'_, '_, '_> {
    fn add(&mut self, kind: &str, transformer: impl Transformer + 'static) {
        let origin = self.layer.origin_of(kind);
        self.transformers.push(Configured { transformer: Box::new(transformer), origin });
    }

    fn patches(&mut self) -> Result<(), Error> {
        let (fields, layer) = (&self.layer.kustomization.fields, self.layer);
        if let Some(first) = fields.patches_strategic_merge.first() {
            let entries = &fields.patches_strategic_merge;
            let patches = StrategicMerge::prepare(entries, "", &layer.place(first), &layer.loader)?;
            self.add("PatchStrategicMergeTransformer", patches);
        }
        for entry in fields.patches.iter() {
            self.add("PatchTransformer", Patch::prepare(entry, &layer.place(entry), &layer.loader)?);
        }
        Ok(())
    }

    fn json_patches(&mut self) -> Result<(), Error> {
        let layer = self.layer;
        for entry in layer.kustomization.fields.patches_json6902.iter() {
            let target = entry.target.as_ref().map(|target| &target.value);
            let text = ("patch", entry.patch.as_str());
            let patch = Json6902::prepare(target, &entry.path, text, &layer.place(entry), &layer.loader)?;
            self.add("PatchJson6902Transformer", patch);
        }
        Ok(())
    }

    fn names(&mut self) {
        let (fields, configuration) = (&self.layer.kustomization.fields, self.configuration);
        if !fields.namespace.is_empty() {
            let namespace = Namespace::new(&fields.namespace, configuration.namespace());
            self.add("NamespaceTransformer", transform::Transformer::Namespace(namespace));
        }
        if !fields.name_prefix.is_empty() {
            let prefix = Affix::prefix(&fields.name_prefix, configuration.name_prefix());
            self.add("PrefixTransformer", transform::Transformer::Affixes(vec![prefix]));
        }
        if !fields.name_suffix.is_empty() {
            let suffix = Affix::suffix(&fields.name_suffix, configuration.name_suffix());
            self.add("SuffixTransformer", transform::Transformer::Affixes(vec![suffix]));
        }
    }

    /// Each entry of `labels`, then `commonLabels`, which also count where only the former are.
    fn labels(&mut self) -> Result<(), Error> {
        let (fields, configuration) = (&self.layer.kustomization.fields, self.configuration);
        let tables = LabelTables {
            labels: configuration.labels(),
            common_labels: configuration.common_labels(),
            template_labels: configuration.template_labels(),
        };
        for label in fields.labels.iter() {
            let entries = tables.entries(label, &self.layer.place(label))?;
            self.add("LabelTransformer", transform::Transformer::Entries(entries));
        }
        if !fields.labels.is_empty() || !fields.common_labels.is_empty() {
            let entries = Entries::new("commonLabels", fields.common_labels.iter(), configuration.common_labels());
            self.add("LabelTransformer", transform::Transformer::Entries(entries));
        }
        if !fields.common_annotations.is_empty() {
            let annotations = fields.common_annotations.iter();
            let entries = Entries::new("commonAnnotations", annotations, configuration.common_annotations());
            self.add("AnnotationsTransformer", transform::Transformer::Entries(entries));
        }
        Ok(())
    }

    fn replicas_and_images(&mut self) {
        let (fields, configuration) = (&self.layer.kustomization.fields, self.configuration);
        for entry in fields.replicas.iter() {
            let replicas = Replicas::new(entry, configuration.replicas(), self.layer.place(entry));
            self.add("ReplicaCountTransformer", transform::Transformer::Replicas(replicas));
        }
        for entry in fields.images.iter() {
            let images = Images::new(entry, configuration.images(), self.layer.place(entry));
            self.add("ImageTagTransformer", transform::Transformer::Images(images));
        }
    }

    fn replacements(&mut self) -> Result<(), Error> {
        let replacements = &self.layer.kustomization.fields.replacements;
        if replacements.is_empty() {
            return Ok(());
        }
        let loader = &self.layer.loader;
        let load = |path: &str, place: Place| loader.file(path, &place).map(|(file, text)| (file, text.to_vec()));
        let replacements = Replacements::of_kustomization(replacements, &self.layer.kustomization.file, &load)?;
        self.add("ReplacementTransformer", transform::Transformer::Replacements(replacements));
        Ok(())
    }
}
