//! The kustomization file: every field that kustomize v5.8.1 knows, where it was written, and what is wrong with it.
//!
//! In: the text of a `kustomization.yaml`. Out: a [`Kustomization`], in which deprecated fields have moved to those that
//! replaced them. Whether the values make sense is for those who use them; nothing is loaded here.

pub(crate) mod decode;
mod fields;
mod nearest;
mod object;
mod place;

use thalweg_yaml::{Limits, Node, Position, Value};

pub(crate) use decode::{Embedding, Strictness};
pub(crate) use fields::{
    FieldOptions, Fields, GeneratorArguments, GeneratorOptions, Image, Label, Metadata, Patch, Replacement,
    ReplacementField, Replica, SecretArguments, Selector, SourceSelector, TargetSelector, Text, Var,
};
pub(crate) use nearest::nearest;
pub(crate) use object::arguments;
pub(crate) use place::{List, NOWHERE, Pairs, Placed};

use crate::{Error, Place};

/// The names that kustomize looks for.
pub(crate) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const KUSTOMIZATION: &str = "Kustomization";
const COMPONENT: &str = "Component";

/// What a kustomization file asks for.
///
/// Of its fields `bases`, `image_tags`, `helm_chart_inflation_generator` and every generator's `env` are empty: their content
/// is in `resources`, `images`, `helm_charts` and `envs`. `kind` and `api_version` are never empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kustomization {
    /// The path of the file in the tree.
    pub(crate) file: String,
    pub(crate) fields: Fields,
    /// The deprecated fields that it uses.
    pub(crate) deprecated: Vec<Deprecated>,
}

/// A deprecated field that is used, and what to use instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deprecated {
    pub(crate) field: &'static str,
    pub(crate) instead: &'static str,
}

/// Reads the first document of the text. One that says nothing is given back as it is: see [`Kustomization::check`].
pub(crate) fn read(file: &str, text: &[u8], strictness: Strictness, limits: &Limits) -> Result<Kustomization, Error> {
    let root = match thalweg_yaml::read_first(file, text, limits)? {
        Some(document) => document.root,
        None => Node { position: Position { line: 1, column: 1 }, value: Value::Null },
    };
    if !matches!(root.value, Value::Null | Value::Mapping(_)) {
        return Err(Error::NotAKustomization { place: Place { file: file.to_owned(), position: root.position } });
    }
    let fields = decode::decode(file, &root, strictness)?;
    Ok(Kustomization::made(file.to_owned(), fields))
}

/// Reads a kustomization as kustomize does.
pub(crate) fn parse(file: &str, text: &[u8], limits: &Limits) -> Result<Kustomization, Error> {
    read(file, text, Strictness::Strict, limits)?.check()
}

impl Kustomization {
    /// One that no file holds, as if `file` held it.
    pub(crate) fn made(file: String, fields: Fields) -> Self {
        Self { file, fields, deprecated: Vec::new() }
    }

    /// Moves deprecated fields to those that replaced them, and refuses what is empty or of another kind.
    pub(crate) fn check(mut self) -> Result<Self, Error> {
        self.deprecated = self.fields.deprecated();
        self.fields.modernise();
        if self.fields.say_nothing() {
            return Err(Error::EmptyKustomization { file: self.file });
        }
        self.check_kind()?;
        Ok(self)
    }

    /// Whether it is to be listed in `components`.
    pub(crate) fn is_component(&self) -> bool {
        self.fields.kind.value == COMPONENT
    }

    /// Where a value of it stands.
    pub(crate) fn place(&self, position: Position) -> Place {
        Place { file: self.file.clone(), position }
    }

    fn check_kind(&self) -> Result<(), Error> {
        let Fields { kind, api_version, .. } = &self.fields;
        let version = match kind.value.as_str() {
            COMPONENT => "kustomize.config.k8s.io/v1alpha1",
            KUSTOMIZATION => "kustomize.config.k8s.io/v1beta1",
            _ => return Err(self.wrong("kind", kind, "Kustomization or Component")),
        };
        if api_version.value != version {
            return Err(self.wrong("apiVersion", api_version, version));
        }
        Ok(())
    }

    fn wrong(&self, field: &str, value: &Text, expected: &'static str) -> Error {
        let place = self.place(value.position);
        Error::InvalidField { place, field: field.to_owned(), expected, found: format!("{:?}", value.value) }
    }
}

impl Fields {
    fn deprecated(&self) -> Vec<Deprecated> {
        [
            (self.bases.given, "bases", "resources"),
            (self.common_labels.given, "commonLabels", "labels"),
            (self.image_tags.given, "imageTags", "images"),
            (self.patches_json6902.given, "patchesJson6902", "patches"),
            (self.patches_strategic_merge.given, "patchesStrategicMerge", "patches"),
            (self.vars.given, "vars", "replacements"),
        ]
        .into_iter()
        .filter(|(given, ..)| *given)
        .map(|(_, field, instead)| Deprecated { field, instead })
        .collect()
    }

    fn modernise(&mut self) {
        if self.kind.is_empty() {
            self.kind.value = KUSTOMIZATION.to_owned();
        }
        if self.api_version.is_empty() {
            let version = if self.kind.value == COMPONENT { "v1alpha1" } else { "v1beta1" };
            self.api_version.value = format!("kustomize.config.k8s.io/{version}");
        }
        self.resources.append(std::mem::take(&mut self.bases).items);
        self.images.append(std::mem::take(&mut self.image_tags).items);
        for generator in &mut self.config_map_generator.items {
            add_env(&mut generator.value.envs, &mut generator.value.env);
        }
        for generator in &mut self.secret_generator.items {
            add_env(&mut generator.value.envs, &mut generator.value.env);
        }
        let charts = std::mem::take(&mut self.helm_chart_inflation_generator).items;
        self.helm_charts.append(
            charts.into_iter().map(|chart| Placed { value: Default::default(), position: chart.position }).collect(),
        );
    }

    /// Whether nothing besides apiVersion and kind was written.
    fn say_nothing(&mut self) -> bool {
        let kind = std::mem::take(&mut self.kind);
        let api_version = std::mem::take(&mut self.api_version);
        let nothing = decode::Decode::is_zero(self);
        self.kind = kind;
        self.api_version = api_version;
        nothing
    }
}

fn add_env(envs: &mut List<String>, env: &mut Text) {
    if !env.is_empty() {
        envs.append(vec![std::mem::take(env)]);
    }
}

#[cfg(test)]
mod tests;
