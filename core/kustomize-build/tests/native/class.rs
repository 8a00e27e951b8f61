//! The class of an error: all that is compared, since the texts of kustomize hold pointers and dumps.

use thalweg_kustomize_build::{Error, Obstacle, PatchProblem};

/// As the `class` of a case says it.
pub(crate) fn class(error: &Error) -> &'static str {
    match error {
        Error::NotYaml { place, .. } if is_kustomization(&place.file) => "kustomization",
        Error::NotYaml { .. } => "yaml",
        Error::Incomplete { .. }
        | Error::ItemsNotAList { .. }
        | Error::ListNotJson { .. }
        | Error::ReferrerApiVersion { .. } => "object",
        Error::DuplicateId { .. } => "duplicate",
        Error::EmptyKustomization { .. } => "empty",
        Error::InvalidField { .. }
        | Error::UnknownField { .. }
        | Error::NotAKustomization { .. }
        | Error::SeveralKustomizations { .. }
        | Error::NoKustomization { .. }
        | Error::NoKustomizationAtTop { .. }
        | Error::ComponentAsResource { .. }
        | Error::NotAComponent { .. }
        | Error::SortOptions { .. } => "kustomization",
        Error::CannotLoad { obstacle, .. } => match obstacle {
            Obstacle::OutsideTree | Obstacle::OutsideDirectory { .. } => "outside-root",
            Obstacle::Absolute | Obstacle::Remote => "refused",
            _ => "file-missing",
        },
        Error::PathNotFound { .. } | Error::PathNotDirectory { .. } => "file-missing",
        Error::Cycle { .. } | Error::TooDeep { .. } => "cycle",
        Error::GeneratedOntoNothing { .. }
        | Error::GeneratedOntoSeveral { .. }
        | Error::GeneratedTwice { .. }
        | Error::Generator { .. }
        | Error::Unhashed { .. } => "generator",
        Error::AmbiguousReference { .. } => "reference",
        Error::ReferencePath { .. }
        | Error::VarPath { .. }
        | Error::ReferenceWithoutName { .. }
        | Error::ReferenceNotAText { .. }
        | Error::MalformedSubject { .. } => "field-spec",
        Error::DuplicateVar { .. }
        | Error::AmbiguousVar { .. }
        | Error::VarWithoutObject { .. }
        | Error::VarWithoutField { .. }
        | Error::VarField { .. } => "var",
        Error::HelmRefused { .. } | Error::PluginRefused { .. } | Error::PluginUnknown { .. } => "refused",
        Error::ValidatorChanges { .. } => "validator",
        // A patch took what an object needs.
        Error::PatchedToNoObject { .. } => "patch-apply",
        Error::Unprintable { .. } | Error::NotJson { .. } => "print",
        Error::SchemaUnreadable { .. }
        | Error::SchemaVersionUnknown { .. }
        | Error::SchemaVersionAndPath { .. }
        | Error::CrdsUnreadable { .. } => "schema",
        Error::ConfigurationFieldUnknown { .. }
        | Error::ConfigurationFieldRepeated { .. }
        | Error::ConfigurationFieldInvalid { .. }
        | Error::TransformerConfiguration { .. } => "kustomization",
        Error::ConflictingFieldSpecs { .. }
        | Error::ConflictingLabels { .. }
        | Error::Field { .. }
        | Error::ImageName { .. } => "field-spec",
        Error::NoReplicas { .. } => "replicas",
        Error::Replacement { .. } => "replacement",
        Error::Patch { problem, .. } => patch(problem),
        Error::TooManyBases { .. } | Error::TooManyObjects { .. } => "limit",
        Error::ComponentNotLocal { .. } => "refused",
        Error::Selector { .. } => "patch-target",
        _ => "another",
    }
}

fn is_kustomization(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    ["kustomization.yaml", "kustomization.yml", "Kustomization"].contains(&name)
}

fn patch(problem: &PatchProblem) -> &'static str {
    match problem {
        PatchProblem::NoMatch { .. }
        | PatchProblem::SeveralMatches { .. }
        | PatchProblem::Selector { .. }
        | PatchProblem::UnnamedTarget => "patch-target",
        PatchProblem::DoesNotMerge { .. } | PatchProblem::DoesNotApply { .. } | PatchProblem::ObjectNotJson { .. } => {
            "patch-apply"
        }
        _ => "patch-text",
    }
}
