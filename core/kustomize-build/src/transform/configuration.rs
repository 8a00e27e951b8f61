//! Transformers from files of their own (`transformers`, kustomize's api/internal/builtins).
//!
//! They have no field specs but those in their file. Unknown fields are ignored, and numbers become texts where texts belong.

use thalweg_yaml::{Limits, Node, Value};

use super::replacement::Replacement;
use super::value_add::Target;
use super::{Affix, Entries, Images, Namespace, Replacements, Replicas, Selector, Subjects, ValueAdd};
use crate::field_spec::FieldSpec;
use crate::kustomization::decode::{Decode, decode, record};
use crate::kustomization::{self, Image, List, Metadata, Pairs, Placed, ReplacementField, Replica, Strictness, Text};
use crate::resource_map::ResourceMap;
use crate::transform::ReplacementError;
use crate::{Error, Place};

/// Any transformer of this module.
#[derive(Clone, Debug)]
pub(crate) enum Transformer {
    Affixes(Vec<Affix>),
    Entries(Entries),
    Images(Images),
    Namespace(Namespace),
    Replacements(Replacements),
    Replicas(Replicas),
    ValueAdd(ValueAdd),
}

/// How the files that a configuration names are read: from their path, and where it stands, to their path in the tree and
/// their content.
pub(crate) type Load<'l> = dyn Fn(&str, Place) -> Result<(String, Vec<u8>), Error> + 'l;

/// The configuration of a transformer.
pub(crate) struct Config<'c> {
    /// The kind of the transformer.
    pub(crate) kind: &'c str,
    /// The file that it is from.
    pub(crate) file: &'c str,
    /// All of it.
    pub(crate) root: &'c Node,
    /// The name of the directory of the kustomization.
    pub(crate) directory: &'c str,
    pub(crate) load: &'c Load<'c>,
}

impl Transformer {
    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        match self {
            Self::Affixes(affixes) => affixes.iter().try_for_each(|affix| affix.apply(resources)),
            Self::Entries(entries) => entries.apply(resources),
            Self::Images(images) => images.apply(resources),
            Self::Namespace(namespace) => namespace.apply(resources),
            Self::Replacements(replacements) => replacements.apply(resources),
            Self::Replicas(replicas) => replicas.apply(resources),
            Self::ValueAdd(value_add) => value_add.apply(resources),
        }
    }
}

record! {
    /// LabelTransformer, AnnotationsTransformer
    EntriesFields {
        labels: Pairs = "labels",
        annotations: Pairs = "annotations",
        field_specs: List<FieldSpec> = "fieldSpecs",
    }
}

record! {
    /// NamespaceTransformer
    NamespaceFields {
        metadata: Metadata = "metadata",
        field_specs: List<FieldSpec> = "fieldSpecs",
        unset_only: bool = "unsetOnly",
        subjects: Text = "setRoleBindingSubjects",
    }
}

record! {
    /// PrefixTransformer, SuffixTransformer and PrefixSuffixTransformer
    AffixFields {
        prefix: Text = "prefix",
        suffix: Text = "suffix",
        field_specs: List<FieldSpec> = "fieldSpecs",
    }
}

record! {
    /// ImageTagTransformer
    ImageFields {
        image_tag: Placed<Image> = "imageTag",
        field_specs: List<FieldSpec> = "fieldSpecs",
    }
}

record! {
    /// ReplicaCountTransformer
    ReplicaFields {
        replica: Placed<Replica> = "replica",
        field_specs: List<FieldSpec> = "fieldSpecs",
    }
}

record! {
    /// ReplacementTransformer
    ReplacementFields {
        replacements: List<ReplacementField> = "replacements",
    }
}

record! {
    /// ValueAddTransformer
    ValueAddFields {
        value: Text = "value",
        targets: List<ValueTarget> = "targets",
        target_file_path: Text = "targetFilePath",
    }
}

record! {
    /// A target of a ValueAddTransformer.
    ValueTarget {
        selector: Option<kustomization::Selector> = "selector",
        field_path: Text = "fieldPath",
        file_path_position: i64 = "filePathPosition",
    }
}

record! {
    /// A file of more targets.
    TargetFile {
        targets: List<ValueTarget> = "targets",
    }
}

/// The transformer of a configuration; none when its kind is none of those here.
pub(crate) fn from_config(config: &Config<'_>) -> Result<Option<Transformer>, Error> {
    Ok(Some(match config.kind {
        "AnnotationsTransformer" => {
            let EntriesFields { annotations, field_specs, .. } = config.decode()?;
            Transformer::Entries(Entries::new("AnnotationsTransformer", annotations.iter(), &plain(&field_specs)))
        }
        "LabelTransformer" => {
            let EntriesFields { labels, field_specs, .. } = config.decode()?;
            Transformer::Entries(Entries::new("LabelTransformer", labels.iter(), &plain(&field_specs)))
        }
        "NamespaceTransformer" => Transformer::Namespace(config.namespace()?),
        "PrefixTransformer" => Transformer::Affixes(vec![config.prefix()?]),
        "SuffixTransformer" => Transformer::Affixes(vec![config.suffix()?]),
        "PrefixSuffixTransformer" => Transformer::Affixes(vec![config.prefix()?, config.suffix()?]),
        "ImageTagTransformer" => {
            let ImageFields { image_tag, field_specs } = config.decode()?;
            Transformer::Images(Images::new(&image_tag, &plain(&field_specs), config.place()))
        }
        "ReplicaCountTransformer" => {
            let ReplicaFields { replica, field_specs } = config.decode()?;
            Transformer::Replicas(Replicas::new(&replica, &plain(&field_specs), config.place()))
        }
        "ReplacementTransformer" => {
            let ReplacementFields { replacements } = config.decode()?;
            Transformer::Replacements(Replacements::new(in_order(&replacements, config.file, false, config.load)?))
        }
        "ValueAddTransformer" => Transformer::ValueAdd(config.value_add()?),
        _ => return Ok(None),
    }))
}

impl Replacements {
    /// The `replacements` of a kustomization.
    pub(crate) fn of_kustomization(
        fields: &List<ReplacementField>,
        file: &str,
        load: &Load<'_>,
    ) -> Result<Self, Error> {
        Ok(Self::new(in_order(fields, file, true, load)?))
    }
}

impl Config<'_> {
    fn decode<T: Decode>(&self) -> Result<T, Error> {
        decode(self.file, self.root, Strictness::Loose)
    }

    fn place(&self) -> Place {
        Place { file: self.file.to_owned(), position: self.root.position }
    }

    fn wrong(&self, transformer: &'static str, problem: String) -> Error {
        Error::TransformerConfiguration { place: self.place(), transformer, problem }
    }

    fn namespace(&self) -> Result<Namespace, Error> {
        let NamespaceFields { metadata, field_specs, unset_only, subjects } = self.decode()?;
        let subjects = match subjects.as_str() {
            "" | "defaultOnly" => Subjects::DefaultOnly,
            "allServiceAccounts" => Subjects::AllServiceAccounts,
            "none" => Subjects::None,
            other => {
                let problem = format!(
                    "invalid value \"{other}\" for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \
                     \"allServiceAccounts\""
                );
                return Err(self.wrong("NamespaceTransformer", problem));
            }
        };
        Ok(Namespace::with(&metadata.namespace, unset_only, subjects, &plain(&field_specs)))
    }

    fn prefix(&self) -> Result<Affix, Error> {
        let fields = self.affix("PrefixTransformer")?;
        Ok(Affix::prefix(&fields.prefix, &plain(&fields.field_specs)))
    }

    fn suffix(&self) -> Result<Affix, Error> {
        let fields = self.affix("SuffixTransformer")?;
        Ok(Affix::suffix(&fields.suffix, &plain(&fields.field_specs)))
    }

    fn affix(&self, transformer: &'static str) -> Result<AffixFields, Error> {
        let fields: AffixFields = self.decode()?;
        match fields.field_specs.given {
            true => Ok(fields),
            false => Err(self.wrong(transformer, "fieldSpecs must be there".to_owned())),
        }
    }

    fn value_add(&self) -> Result<ValueAdd, Error> {
        let ValueAddFields { value, targets, target_file_path } = self.decode()?;
        let value = match value.trim() {
            "" => self.directory,
            value => value,
        };
        let mut all = self.targets(&targets, self.file)?;
        if !target_file_path.is_empty() {
            let (file, content) = (self.load)(&target_file_path, self.place())?;
            if let Some(document) = thalweg_yaml::read_first(&file, &content, &Limits::default())? {
                let TargetFile { targets } = decode(&file, &document.root, Strictness::Loose)?;
                all.append(&mut self.targets(&targets, &file)?);
            }
        }
        match all.is_empty() {
            true => Err(self.wrong("ValueAddTransformer", "must specify at least one target".to_owned())),
            false => Ok(ValueAdd::new(value, all)),
        }
    }

    fn targets(&self, targets: &List<ValueTarget>, file: &str) -> Result<Vec<Target>, Error> {
        let wrong = |problem| Err(self.wrong("ValueAddTransformer", problem));
        let target = |target: &Placed<ValueTarget>| {
            let ValueTarget { selector, field_path, file_path_position } = &target.value;
            if field_path.is_empty() {
                return wrong("fieldPath cannot be empty".to_owned());
            }
            let Ok(position) = usize::try_from(*file_path_position) else {
                return wrong(format!("value of filePathPosition ({file_path_position}) cannot be negative"));
            };
            let selector = selector.as_ref().map(|selector| Selector::new(selector, file)).transpose()?;
            Ok(Target { selector, field_path: field_path.value.clone(), file_path_position: position })
        };
        targets.iter().map(target).collect()
    }
}

/// The replacements of a list, those in files of their own in place of their paths.
fn in_order(
    fields: &List<ReplacementField>,
    file: &str,
    is_kustomization: bool,
    load: &Load<'_>,
) -> Result<Vec<Replacement>, Error> {
    let mut all = Vec::new();
    for field in fields.iter() {
        if field.path.is_empty() {
            all.push(Replacement::inline(field, file, field.position, is_kustomization));
            continue;
        }
        let place = Place { file: file.to_owned(), position: field.path.position };
        if field.source.is_some() || !field.targets.is_empty() {
            return Err(Error::Replacement { place, reason: ReplacementError::PathAndInline });
        }
        let (path, content) = load(&field.path, place.clone())?;
        all.append(&mut in_file(&path, &content, place)?);
    }
    Ok(all)
}

/// The replacements of a file: one, or a list.
fn in_file(file: &str, content: &[u8], place: Place) -> Result<Vec<Replacement>, Error> {
    let document = thalweg_yaml::read_first(file, content, &Limits::default())?;
    let root = document.map(|document| document.root);
    let fields: Vec<Placed<kustomization::Replacement>> = match &root {
        Some(root) if matches!(root.value, Value::Mapping(_)) => {
            vec![Placed { value: decode(file, root, Strictness::Loose)?, position: root.position }]
        }
        Some(root) if matches!(root.value, Value::Sequence(_)) => {
            decode::<List<kustomization::Replacement>>(file, root, Strictness::Loose)?.items
        }
        _ => return Err(Error::Replacement { place, reason: ReplacementError::NoReplacementInFile(file.to_owned()) }),
    };
    let replacement =
        |fields: Placed<_>| Replacement { file: file.to_owned(), position: fields.position, fields: fields.value };
    Ok(fields.into_iter().map(replacement).collect())
}

fn plain(specs: &List<FieldSpec>) -> Vec<FieldSpec> {
    specs.iter().map(|spec| spec.value.clone()).collect()
}
