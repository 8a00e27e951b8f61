//! Kinds of errors: all that is compared of an error, because kustomize's texts hold addresses and dumps of Go values.

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// No kustomization file, several, or one with a syntax error, an unknown field, a wrong type, version or kind; or
    /// another file of configuration like that.
    Kustomization,
    /// A kustomization file says nothing.
    Empty,
    FileMissing,
    /// A file outside the directory of the kustomization, or outside the artifact.
    OutsideRoot,
    Cycle,
    /// A file of resources is no YAML.
    Yaml,
    /// A document is no Kubernetes object.
    Object,
    Duplicate,
    /// A generator's source or the object it adds to.
    Generator,
    /// A patch cannot be read.
    PatchText,
    /// A patch has no target, or several.
    PatchTarget,
    PatchApply,
    /// A field that a transformer should change is of the wrong kind, or two rules for it disagree.
    FieldSpec,
    Replacement,
    Replicas,
    /// A name means several objects.
    Reference,
    Var,
    /// OpenAPI definitions and CRDs.
    Schema,
    /// Plugins, Helm and remote or absolute paths.
    Refused,
    /// A validator changed something.
    Validator,
    /// An object cannot be printed.
    Print,
}

impl Class {
    /// Each with the word that a case's `class` holds.
    pub(crate) const ALL: [(Self, &'static str); 21] = [
        (Self::Kustomization, "kustomization"),
        (Self::Empty, "empty"),
        (Self::FileMissing, "file-missing"),
        (Self::OutsideRoot, "outside-root"),
        (Self::Cycle, "cycle"),
        (Self::Yaml, "yaml"),
        (Self::Object, "object"),
        (Self::Duplicate, "duplicate"),
        (Self::Generator, "generator"),
        (Self::PatchText, "patch-text"),
        (Self::PatchTarget, "patch-target"),
        (Self::PatchApply, "patch-apply"),
        (Self::FieldSpec, "field-spec"),
        (Self::Replacement, "replacement"),
        (Self::Replicas, "replicas"),
        (Self::Reference, "reference"),
        (Self::Var, "var"),
        (Self::Schema, "schema"),
        (Self::Refused, "refused"),
        (Self::Validator, "validator"),
        (Self::Print, "print"),
    ];

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(class, _)| *class == self).map_or("", |(_, word)| word)
    }

    /// What kind of error kustomize reports with this text, for cases that no person has read.
    pub(crate) fn of_stderr(stderr: &str) -> Option<Self> {
        let warnings_end = ["Error:", "panic:"].iter().filter_map(|word| stderr.find(word)).min()?;
        let error = &stderr[warnings_end..];
        // Before it stands that the base, a directory, is no file.
        let error = error.find(KV_PAIRS).map_or(error, |at| &error[at..]);
        let says = |texts: &[&str]| texts.iter().all(|text| error.contains(text));
        SAID.iter().find(|(texts, _)| says(texts)).map(|(_, class)| *class)
    }
}

/// What begins the error of a generator's source.
const KV_PAIRS: &str = "loading KV pairs";

/// Texts that together tell the class; the first line that fits counts. A `resources` entry that cannot be read as a file is
/// then tried as a directory, so the ends of such texts come last.
const SAID: &[(&[&str], Class)] = &[
    (&["cycle detected"], Class::Cycle),
    (&["setting namespace on", "subjects"], Class::FieldSpec),
    (&["in replacement target: error parsing regexp"], Class::Replacement),
    (&["ValueAddTransformer", "fails configuration"], Class::Kustomization),
    (&["cannot be absolute"], Class::Refused),
    (&["must specify --enable-helm"], Class::Refused),
    (&["external plugins disabled"], Class::Refused),
    (&["unable to load builtin"], Class::Refused),
    (&["not a transformer"], Class::Refused),
    (&["not a generator"], Class::Refused),
    (&["must be local and relative"], Class::Refused),
    (&["shouldn't modify the resource map"], Class::Validator),
    (&["is not in or below"], Class::OutsideRoot),
    (&["kustomization.yaml is empty"], Class::Empty),
    (&["MalformedYAMLError"], Class::Yaml),
    (&["invalid document separator"], Class::Yaml),
    (&["missing kind in object", "accumulat"], Class::Object),
    (&["missing kind in object", "failed to decode"], Class::Object),
    (&["missing kind in object"], Class::PatchApply),
    (&["missing metadata.name in object"], Class::Object),
    (&["missing Resource metadata"], Class::Object),
    (&["failed to decode Kubernetes apiVersion"], Class::Object),
    (&["'APIVersion' mismatch"], Class::Object),
    (&["already registered id"], Class::Duplicate),
    (&["produces ID conflict"], Class::Duplicate),
    (&["merging from generator"], Class::Generator),
    (&["illegally repeats the key"], Class::Generator),
    (&["must have a name"], Class::Generator),
    (&["cloud provider"], Class::Generator),
    (&[KV_PAIRS, "no such file"], Class::FileMissing),
    (&["fails configuration", "no such file"], Class::FileMissing),
    (&["fails configuration", "jsonpatch.Patch"], Class::PatchText),
    (&[KV_PAIRS, "must resolve to a file"], Class::FileMissing),
    (&[KV_PAIRS], Class::Generator),
    (&["unable to parse SM or JSON patch"], Class::PatchText),
    (&["must specify a target for JSON patch"], Class::PatchText),
    (&["Multiple Strategic-Merge Patches"], Class::PatchText),
    (&["patch appears to be empty"], Class::PatchText),
    (&["must specify one of patch and path"], Class::PatchText),
    (&["patch and path can't be set at the same time"], Class::PatchText),
    (&["failed to find unique target"], Class::PatchTarget),
    (&["must specify the target name"], Class::PatchTarget),
    (&["unable to parse requirement"], Class::PatchTarget),
    (&["error parsing regexp"], Class::PatchTarget),
    (&["unable to find patch target"], Class::PatchTarget),
    (&["must specify a file path or jsonOp"], Class::PatchText),
    (&["empty file path and empty"], Class::PatchText),
    (&["empty json patch operations"], Class::PatchText),
    (&["invalid value type expect a string"], Class::Var),
    (&["must target scalar nodes"], Class::FieldSpec),
    (&["in replacement target"], Class::Replacement),
    (&["found multiple possible referrals"], Class::Reference),
    (&["conflicting fieldspecs"], Class::FieldSpec),
    (&["considering field"], Class::FieldSpec),
    (&["unknown patch strategy"], Class::PatchApply),
    (&["wrong node kind"], Class::PatchApply),
    (&["operation does not apply"], Class::PatchApply),
    (&["error in remove for path"], Class::PatchApply),
    (&["error in add for path"], Class::PatchApply),
    (&["error in replace for path"], Class::PatchApply),
    (&["error in move for path"], Class::PatchApply),
    (&["error in copy for path"], Class::PatchApply),
    (&["testing value"], Class::PatchApply),
    (&["Unexpected kind:"], Class::PatchApply),
    (&["options.index"], Class::Replacement),
    (&["for replacement source"], Class::Replacement),
    (&["replacements must specify"], Class::Replacement),
    (&["target must specify resources"], Class::Replacement),
    (&["both path and inline replacement"], Class::Replacement),
    (&["mutually exclusive"], Class::Replacement),
    (&["structured data"], Class::Replacement),
    (&["empty field name"], Class::Replacement),
    (&["fieldPath cannot be empty"], Class::Replacement),
    (&["expected sequence or mapping node"], Class::Replacement),
    (&["delimiter option"], Class::Replacement),
    (&["nothing selected by"], Class::Replacement),
    (&["unsupported replacement type"], Class::Replacement),
    (&["error looking up replacement source"], Class::Replacement),
    (&["multiple matches for selector"], Class::Replacement),
    (&["does not match a config with the following GVK"], Class::Replicas),
    (&["merging vars"], Class::Var),
    (&["' already encountered"], Class::Var),
    (&["cannot be mapped to a field"], Class::Var),
    (&["field specified in var"], Class::Var),
    (&["OpenAPI version is not built in"], Class::Schema),
    (&["builtin version and custom schema"], Class::Schema),
    (&["unable to parse open API definition"], Class::Schema),
    (&["invalid schema file"], Class::Schema),
    (&["invalid Kustomization"], Class::Kustomization),
    (&["unable to find one of 'kustomization.yaml'"], Class::Kustomization),
    (&["multiple kustomization files"], Class::Kustomization),
    (&["Failed to read kustomization file"], Class::Kustomization),
    (&["expected kind"], Class::Kustomization),
    (&["while decoding JSON"], Class::Kustomization),
    (&["'sortOptions"], Class::Kustomization),
    (&["fails configuration"], Class::Kustomization),
    (&["no such file or directory"], Class::FileMissing),
    (&["file is not directory"], Class::FileMissing),
    (&["kustomization.yaml: not a directory"], Class::FileMissing),
    (&["new root cannot be empty"], Class::FileMissing),
    (&["unmarshal errors"], Class::Print),
    (&["cannot decode !!"], Class::Print),
    (&["map[string]interface {}"], Class::Print),
    (&["index out of range"], Class::Print),
    (&["error converting YAML to JSON"], Class::Yaml),
];
