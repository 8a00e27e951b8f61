//! Why a tree cannot be built, and where.

use std::fmt;

use thalweg_manifest::{Incomplete, ObjectId, Origin};
use thalweg_yaml::{Position, Reason};

use crate::field_spec::FieldError;
use crate::transform::ReplacementError;
use crate::{GeneratorProblem, PatchProblem};

/// A file, line and column; prints as `file:line:column`, or as `file` for what no file holds: then the line is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path in the tree.
    pub file: String,
    /// Where in the file.
    pub position: Position,
}

/// Why a tree cannot be built. The text names the place; the cause, where there is one, is the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing is at the path of the options.
    #[error("kustomization path not found: {path}")]
    PathNotFound {
        /// The path as it was given.
        path: String,
    },
    /// A file is at the path of the options.
    #[error("kustomization path is not a directory: {path}")]
    PathNotDirectory {
        /// The path as it was given.
        path: String,
    },
    /// A file is not YAML.
    #[error("failed to decode Kubernetes YAML from {place}")]
    NotYaml {
        /// Where reading stopped.
        place: Place,
        /// Why.
        #[source]
        reason: Reason,
    },
    /// A document is no Kubernetes object.
    #[error("failed to decode Kubernetes YAML from {origin}")]
    Incomplete {
        /// Where the document begins.
        origin: Origin,
        /// What it lacks.
        #[source]
        source: Incomplete,
    },
    /// The items of a list are not a list.
    #[error("failed to decode Kubernetes YAML from {place}: items of {kind} must be a list, found {found}")]
    ItemsNotAList {
        /// Where the items are.
        place: Place,
        /// The kind of the list.
        kind: String,
        /// What was found.
        found: &'static str,
    },
    /// Two objects have one identity.
    #[error("may not add resource with an already registered id: {} at {second} is already at {first}", id.subject())]
    DuplicateId {
        /// The identity.
        id: ObjectId,
        /// Where it came from first.
        first: Origin,
        /// Where it came from again.
        second: Origin,
    },
    /// A field of a kustomization has a value that it cannot have.
    #[error("{place}: invalid Kustomization: {field} must be {expected}, found {found}")]
    InvalidField {
        /// Where the value is.
        place: Place,
        /// The field.
        field: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A kustomization file that holds no kustomization.
    #[error("{place}: invalid Kustomization: the file must hold a mapping")]
    NotAKustomization {
        /// Where its content begins.
        place: Place,
    },
    /// A kustomization that is used by another holds nothing.
    #[error("{file} is empty")]
    EmptyKustomization {
        /// The file.
        file: String,
    },
    /// A directory has more than one kustomization file.
    #[error("found multiple kustomization files in {}: {}", shown(directory), names.join(", "))]
    SeveralKustomizations {
        /// The directory.
        directory: String,
        /// The names of the files.
        names: Vec<String>,
    },
    /// A directory that is used as a resource has no kustomization file.
    #[error(
        "{place}: unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{}'{}",
        shown(directory),
        did_you_mean(nearest.as_deref())
    )]
    NoKustomization {
        /// Where the directory is used.
        place: Place,
        /// The directory.
        directory: String,
        /// A file in it whose name is nearly one of these.
        nearest: Option<String>,
    },
    /// A directory that is built inside itself.
    #[error("{place}: cycle detected: {}", path.iter().map(|directory| shown(directory)).collect::<Vec<_>>().join(" → "))]
    Cycle {
        /// Where the cycle closes.
        place: Place,
        /// The directories from the one that is built again down to the one that names it.
        path: Vec<String>,
    },
    /// More bases inside each other than a limit allows.
    #[error("{place}: kustomizations are nested deeper than {layers_max}")]
    TooDeep {
        /// Where the next one is named.
        place: Place,
        /// The limit.
        layers_max: usize,
    },

    // resource_map
    /// A generator is to merge or replace what is not there.
    #[error("{place}: {id} does not exist: behavior merge or replace needs an object that a resource or a base brings")]
    GeneratedOntoNothing {
        /// The generator.
        place: Place,
        /// What it is called.
        id: String,
    },
    /// A generator is to merge or replace one of several.
    #[error("{place}: several objects are or were called {id}: behavior merge or replace needs exactly one")]
    GeneratedOntoSeveral {
        /// The generator.
        place: Place,
        /// What it is called.
        id: String,
    },
    /// A generator is to create what is there already.
    #[error("{place}: {id} is already at {other}: behavior must be merge or replace")]
    GeneratedTwice {
        /// The generator.
        place: Place,
        /// What it is called.
        id: String,
        /// Where the other came from.
        other: Place,
    },

    // reference
    /// A path at which a name is looked for leads nowhere in an object.
    #[error("{place}: {referrer}: cannot be searched for the name of another object")]
    ReferencePath {
        /// The object that is searched.
        place: Place,
        /// What it is called.
        referrer: String,
        /// What is wrong with the path.
        #[source]
        reason: FieldError,
    },
    /// The `apiVersion` of an object in which names of others are looked for is null, or has nothing before the slash.
    #[error("{place}: {referrer}: apiVersion must be a version, or a group and a version, not '{api_version}'")]
    ReferrerApiVersion {
        /// The object.
        place: Place,
        /// What it is called.
        referrer: String,
        /// As it is written.
        api_version: String,
    },
    /// A mapping that names an object has no name.
    #[error("{place}: {referrer}: updating name reference in {path}: there must be a name")]
    ReferenceWithoutName {
        /// The object that has the field.
        place: Place,
        /// What it is called.
        referrer: String,
        /// The field.
        path: String,
    },
    /// A list of names holds a list.
    #[error("{place}: {referrer}: updating name reference in {path}: must be a text or a mapping, found a list")]
    ReferenceNotAText {
        /// The object that has the field.
        place: Place,
        /// What it is called.
        referrer: String,
        /// The field.
        path: String,
    },
    /// A name may mean several objects.
    #[error(
        "{place}: {referrer}: updating name reference in {path}: found multiple possible referrals for {name}: {}",
        candidates.join(", ")
    )]
    AmbiguousReference {
        /// The object that has the field.
        place: Place,
        /// What it is called.
        referrer: String,
        /// The field.
        path: String,
        /// The name in it.
        name: String,
        /// What the objects are called that had the name.
        candidates: Vec<String>,
    },
    /// A subject of a RoleBinding that is not as it must be.
    #[error("{place}: {referrer}: subjects must be mappings whose kind and namespace are texts")]
    MalformedSubject {
        /// The RoleBinding.
        place: Place,
        /// What it is called.
        referrer: String,
    },

    // variables
    /// Two vars have one name.
    #[error("{place}: var '{name}' already encountered at {first}")]
    DuplicateVar {
        /// The second one.
        place: Place,
        /// Its name.
        name: String,
        /// The first one.
        first: Place,
    },
    /// A var means one of several objects.
    #[error("{place}: var '{name}': several objects are or were called {object}")]
    AmbiguousVar {
        /// The var.
        place: Place,
        /// Its name.
        name: String,
        /// What the objects are called.
        object: String,
    },
    /// The object of a var is not there.
    #[error("{place}: var '{name}' cannot be mapped to a field in the set of known resources: {object} is not there")]
    VarWithoutObject {
        /// The var.
        place: Place,
        /// Its name.
        name: String,
        /// What the object is called.
        object: String,
    },
    /// The field of a var is not there.
    #[error("{place}: var '{name}': field {field_path} not found in {object}")]
    VarWithoutField {
        /// The var.
        place: Place,
        /// Its name.
        name: String,
        /// What the object is called.
        object: String,
        /// The field.
        field_path: String,
    },
    /// A path at which vars may stand leads nowhere in an object.
    #[error("{place}: {object}: cannot be searched for vars")]
    VarPath {
        /// The object that is searched.
        place: Place,
        /// What it is called.
        object: String,
        /// What is wrong with the path.
        #[source]
        reason: FieldError,
    },
    /// A field in which vars may stand holds something else.
    #[error("{place}: {object}: resolving vars: {problem}")]
    VarField {
        /// The object.
        place: Place,
        /// What it is called.
        object: String,
        /// What is wrong.
        problem: String,
    },

    // layer, plugin, finish
    /// Bases and components that are built more often than a limit allows: they name each other several times.
    #[error("{place}: more than {bases_max} bases and components, each counted as often as it is named")]
    TooManyBases {
        /// Where the one too many is named.
        place: Place,
        /// The limit.
        bases_max: usize,
    },
    /// More objects than a limit allows, each counted as often as its file is named.
    #[error("{place}: more than {objects_max} objects, each counted as often as its file is named")]
    TooManyObjects {
        /// Where the file is named.
        place: Place,
        /// The limit.
        objects_max: usize,
    },
    /// A component among resources.
    #[error("{place}: accumulating resources from '{entry}': it is a Component, which must be listed in components")]
    ComponentAsResource {
        /// Where it is named.
        place: Place,
        /// How it is named.
        entry: String,
    },
    /// A kustomization among components.
    #[error("{place}: accumulating components: '{entry}' is no Component: it must be listed in resources")]
    NotAComponent {
        /// Where it is named.
        place: Place,
        /// How it is named.
        entry: String,
    },
    /// Helm would have to run.
    #[error("{place}: helmCharts are not supported: nothing but files is built here")]
    HelmRefused {
        /// The chart.
        place: Place,
    },
    /// A generator or transformer that is not builtin.
    #[error("{place}: external plugins are not supported: {plugin} is not of apiVersion builtin")]
    PluginRefused {
        /// Its configuration.
        place: Place,
        /// What it is called.
        plugin: String,
    },
    /// A kind of generator or transformer that kustomize does not have, or one in the list of the other.
    #[error("{place}: {kind} is no {expected} that kustomize has built in")]
    PluginUnknown {
        /// Its configuration.
        place: Place,
        /// Its kind.
        kind: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A validator that changes objects.
    #[error("{place}: validator shouldn't modify the resource map")]
    ValidatorChanges {
        /// The validator.
        place: Place,
    },
    /// An object has lost what makes it one.
    #[error("{place}: missing {missing} in object: a patch or a transformer took it away")]
    PatchedToNoObject {
        /// Where the object came from.
        place: Place,
        /// The field.
        missing: &'static str,
    },
    /// `sortOptions` that cannot be used.
    #[error("{place}: invalid Kustomization: sortOptions: {problem}")]
    SortOptions {
        /// The order.
        place: Place,
        /// What is wrong.
        problem: &'static str,
    },
    /// An object that cannot be printed.
    #[error("{place}: cannot print {object}")]
    Unprintable {
        /// Where the object came from.
        place: Place,
        /// What it is called.
        object: String,
        /// Why.
        #[source]
        source: thalweg_yaml::print::PrintError,
    },

    /// An object whose text is no YAML: kustomize does not quote all that it should.
    #[error("{place}: {object} cannot be read again as it is printed")]
    Misread {
        /// Where the object came from.
        place: Place,
        /// What it is called.
        object: String,
        /// Why.
        #[source]
        source: Reason,
    },

    // kustomization
    /// A field that kustomizations do not have.
    #[error(
        "{place}: invalid Kustomization: unknown field '{field}'{}",
        did_you_mean(*nearest)
    )]
    UnknownField {
        /// Where the field is.
        place: Place,
        /// The field, below the fields that hold it.
        field: String,
        /// The field that was most likely meant.
        nearest: Option<&'static str>,
    },

    // schema, configuration
    /// A schema that a kustomization brings cannot be read.
    #[error("{file}: not an OpenAPI document: {reason}")]
    SchemaUnreadable {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A version of the builtin schema that there is not.
    #[error("{place}: the OpenAPI version {version:?} is not built in; {known} is")]
    SchemaVersionUnknown {
        /// Where the field is.
        place: Place,
        /// The version.
        version: String,
        /// The one that is built in.
        known: &'static str,
    },
    /// A schema is asked for by version and by path.
    #[error("{place}: openapi has both a version and a path: only one of them can be used")]
    SchemaVersionAndPath {
        /// Where the field is.
        place: Place,
    },
    /// A field of a configuration that there is not.
    #[error("{place}: unknown field {field:?} in a transformer configuration; known are {known}")]
    ConfigurationFieldUnknown {
        /// Where the field is.
        place: Place,
        /// The field.
        field: String,
        /// The fields that there are.
        known: String,
    },
    /// A field of a configuration is there twice.
    #[error("{place}: field {field:?} of a transformer configuration is there twice")]
    ConfigurationFieldRepeated {
        /// Where the field is for the second time.
        place: Place,
        /// The field.
        field: String,
    },
    /// A field of a configuration has a value that it cannot have.
    #[error("{place}: {field} in a transformer configuration must be {expected}, found {found}")]
    ConfigurationFieldInvalid {
        /// Where the value is.
        place: Place,
        /// The field.
        field: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A file of `crds` cannot be read.
    #[error("{file}: not a file of OpenAPI definitions for crds: {reason}")]
    CrdsUnreadable {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two field specs say different things of the same fields.
    #[error(
        "conflicting fieldspecs{}{transformer}: {path} is there with `create: true` and without it, for the same kinds",
        if transformer.is_empty() { "" } else { " of " }
    )]
    ConflictingFieldSpecs {
        /// The transformer, as configurations write it; empty when that is not known.
        transformer: &'static str,
        /// The path of both.
        path: String,
    },
    // transform
    /// A field that a transformer sets is not as it must be.
    #[error("{place}: {transformer}: cannot set field {path} of {object}")]
    Field {
        /// Where the object begins.
        place: Place,
        /// Which transformer sets it: the field of the kustomization.
        transformer: &'static str,
        /// What the object is called.
        object: String,
        /// The field.
        path: String,
        /// Why.
        #[source]
        reason: FieldError,
    },
    /// Two field specs disagree on whether the field is made.
    #[error("{place}: {transformer}: conflicting fieldspecs: {path} is to be created by one and not by another")]
    ConflictingLabels {
        /// The labels that need both.
        place: Place,
        /// Which transformer needs them.
        transformer: &'static str,
        /// The field.
        path: String,
    },
    /// The name of an image is no regular expression.
    #[error("{place}: images: name '{name}' is no regular expression: {reason}")]
    ImageName {
        /// The entry of `images`.
        place: Place,
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
    /// No object has the name of an entry of `replicas`.
    #[error("{place}: replicas: no {} is or was called {name}", kinds.join(", "))]
    NoReplicas {
        /// The entry.
        place: Place,
        /// The name.
        name: String,
        /// The kinds that have replicas.
        kinds: Vec<String>,
    },
    /// A selector cannot be read.
    #[error("{place}: {field} '{text}' cannot be used: {reason}")]
    Selector {
        /// Where the selector is.
        place: Place,
        /// The field of it.
        field: &'static str,
        /// Its text.
        text: String,
        /// Why.
        reason: String,
    },
    /// A replacement cannot be done.
    #[error("{place}: replacements: {reason}")]
    Replacement {
        /// The replacement, or the part of it that fails.
        place: Place,
        /// Why.
        reason: ReplacementError,
    },
    /// The configuration of a transformer lacks something, or has what it cannot have.
    #[error("{place}: {transformer}: {problem}")]
    TransformerConfiguration {
        /// The configuration.
        place: Place,
        /// Its kind.
        transformer: &'static str,
        /// What is wrong.
        problem: String,
    },

    // load
    /// A file or directory that a kustomization names cannot be had.
    #[error("{place}: cannot load '{}'", first_words(entry))]
    CannotLoad {
        /// Where it is named.
        place: Place,
        /// How it is named.
        entry: String,
        /// Why.
        #[source]
        obstacle: Obstacle,
    },
    /// The directory that is built has no kustomization file.
    #[error(
        "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{}'{}",
        shown(directory),
        did_you_mean(nearest.as_deref())
    )]
    NoKustomizationAtTop {
        /// The directory.
        directory: String,
        /// A file in it whose name is nearly one of these.
        nearest: Option<String>,
    },
    /// A list of objects that JSON cannot say: kustomize takes it apart as JSON.
    #[error("failed to decode Kubernetes YAML from {place}: trouble expanding list of {kind}: {problem}")]
    ListNotJson {
        /// Where it is not JSON.
        place: Place,
        /// The kind of the list.
        kind: String,
        /// What JSON does not have.
        problem: String,
    },

    // generate
    /// A generator makes nothing.
    #[error("{place}: generating '{name}'")]
    Generator {
        /// Where the generator is.
        place: Place,
        /// What is to be made is called.
        name: String,
        /// Why.
        #[source]
        problem: GeneratorProblem,
    },
    /// The content of a generated object has no hash.
    #[error("{place}: hashing the content of {object}: {problem}")]
    Unhashed {
        /// Where the object is generated.
        place: Place,
        /// What it is called.
        object: String,
        /// Why not.
        problem: String,
    },
    /// The object of a generator or transformer holds what JSON does not have.
    #[error("{place}: the object is not JSON: {problem}")]
    NotJson {
        /// Where the object is.
        place: Place,
        /// What it holds.
        problem: String,
    },

    // flux
    /// A component of a Flux Kustomization is no local path.
    #[error("component path '{component}' must be local and relative")]
    ComponentNotLocal {
        /// The path.
        component: String,
    },

    // patch
    /// A patch cannot be read, finds no object, or does not fit the one it found.
    #[error("{place}: patch cannot be applied")]
    Patch {
        /// Where the patch is.
        place: Place,
        /// Why.
        #[source]
        problem: PatchProblem,
    },
}

/// Why a file or a directory cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// Nothing is there.
    #[error("no such file or directory")]
    NotFound,
    /// A directory is where a file is needed.
    #[error("this is a directory, not a file")]
    NotAFile,
    /// A file is where a directory is needed.
    #[error("this is a file, not a directory")]
    NotADirectory,
    /// It is named by nothing.
    #[error("the path is empty")]
    Empty,
    /// The path begins at the root of a file system.
    #[error("the path must be relative to the directory of the kustomization")]
    Absolute,
    /// The path, or a link on it, leads out of the tree.
    #[error("the path leads outside of the source")]
    OutsideTree,
    /// A file that is not in or below the directory of the kustomization.
    #[error("security: the file is not in or below '{}'", shown(directory))]
    OutsideDirectory {
        /// The directory.
        directory: String,
    },
    /// Links that lead to each other, or too many of them.
    #[error("the path has too many symbolic links")]
    TooManyLinks,
    /// The files of the build are larger than a limit allows.
    #[error("the files of a build have more than {bytes_max} bytes, each counted as often as it is named")]
    TooMuch {
        /// The limit.
        bytes_max: usize,
    },
    /// It would have to be fetched.
    #[error("nothing is fetched for a build: put it into the source")]
    Remote,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.position.line == 0 {
            return formatter.write_str(&self.file);
        }
        write!(formatter, "{}:{}", self.file, self.position)
    }
}

impl From<thalweg_yaml::Error> for Error {
    fn from(error: thalweg_yaml::Error) -> Self {
        let thalweg_yaml::Error { file, position, reason } = error;
        Self::NotYaml { place: Place { file, position }, reason }
    }
}

/// What an entry says, or how it begins: one that is meant to be an object in place can be long.
fn first_words(entry: &str) -> String {
    const SHOWN_CHARACTERS_MAX: usize = 200;
    let line = entry.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(SHOWN_CHARACTERS_MAX).collect();
    if shown == entry { shown } else { format!("{shown}…") }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(": did you mean '{nearest}'?")).unwrap_or_default()
}

/// A directory as a person names it.
fn shown(directory: &str) -> &str {
    if directory.is_empty() { "." } else { directory }
}
