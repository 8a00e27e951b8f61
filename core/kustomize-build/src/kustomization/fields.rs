//! The fields of a kustomization, as kustomize's `api/types` has them.

use thalweg_yaml::Node;

use super::decode::{Anything, Decode, Spot, fields, record};
use super::place::{List, Pairs, Placed};
use crate::Error;
use crate::field_spec::FieldSpec;

/// A text with its place.
pub(crate) type Text = Placed<String>;

record! {
    /// Everything that a kustomization file may say. See [`super::Kustomization`].
    Fields {
        api_version: Text = "apiVersion" embedded,
        kind: Text = "kind" embedded,
        metadata: Option<Metadata> = "metadata",
        openapi: Pairs = "openapi",
        name_prefix: Text = "namePrefix",
        name_suffix: Text = "nameSuffix",
        namespace: Text = "namespace",
        common_labels: Pairs = "commonLabels",
        labels: List<Label> = "labels",
        common_annotations: Pairs = "commonAnnotations",
        patches_strategic_merge: List<String> = "patchesStrategicMerge",
        patches_json6902: List<Patch> = "patchesJson6902",
        patches: List<Patch> = "patches",
        images: List<Image> = "images",
        image_tags: List<Image> = "imageTags",
        replacements: List<ReplacementField> = "replacements",
        replicas: List<Replica> = "replicas",
        vars: List<Var> = "vars",
        sort_options: Option<SortOptions> = "sortOptions",
        resources: List<String> = "resources",
        components: List<String> = "components",
        crds: List<String> = "crds",
        bases: List<String> = "bases",
        config_map_generator: List<GeneratorArguments> = "configMapGenerator",
        secret_generator: List<SecretArguments> = "secretGenerator",
        helm_globals: Option<HelmGlobals> = "helmGlobals",
        helm_charts: List<HelmChart> = "helmCharts",
        helm_chart_inflation_generator: List<HelmChartArguments> = "helmChartInflationGenerator",
        generator_options: Option<GeneratorOptions> = "generatorOptions",
        configurations: List<String> = "configurations",
        generators: List<String> = "generators",
        transformers: List<String> = "transformers",
        validators: List<String> = "validators",
        build_metadata: List<String> = "buildMetadata",
    }
}

record! {
    /// The `metadata` of a kustomization, or of a generator's or transformer's file.
    Metadata {
        name: Text = "name",
        namespace: Text = "namespace",
        labels: Pairs = "labels",
        annotations: Pairs = "annotations",
    }
}

record! {
    /// An entry of `labels`.
    Label {
        pairs: Pairs = "pairs",
        include_selectors: bool = "includeSelectors",
        include_templates: bool = "includeTemplates",
        fields: List<FieldSpec> = "fields",
    }
}

record! {
    /// An entry of `patches` or `patchesJson6902`.
    Patch {
        path: Text = "path",
        patch: Text = "patch",
        target: Option<Placed<Selector>> = "target",
        options: Option<PatchOptions> = "options",
    }
}

record! {
    /// What a patch may change besides content.
    PatchOptions {
        allow_name_change: bool = "allowNameChange",
        allow_kind_change: bool = "allowKindChange",
    }
}

record! {
    /// Which objects are meant; empty fields mean any. The texts are regular expressions, the last two are selectors.
    Selector {
        group: Text = "group" embedded,
        version: Text = "version" embedded,
        kind: Text = "kind" embedded,
        name: Text = "name" embedded,
        namespace: Text = "namespace" embedded,
        annotation_selector: Text = "annotationSelector",
        label_selector: Text = "labelSelector",
    }
}

record! {
    /// An entry of `images`.
    Image {
        name: Text = "name",
        new_name: Text = "newName",
        tag_suffix: Text = "tagSuffix",
        new_tag: Text = "newTag",
        digest: Text = "digest",
    }
}

record! {
    /// An entry of `replacements`: a replacement, or the path of a file with some.
    ReplacementField {
        path: Text = "path",
        source: Option<Placed<SourceSelector>> = "source" embedded,
        targets: List<Option<TargetSelector>> = "targets" embedded,
        source_value: Option<Text> = "sourceValue" embedded,
    }
}

record! {
    /// A replacement in a file of its own.
    Replacement {
        source: Option<Placed<SourceSelector>> = "source",
        targets: List<Option<TargetSelector>> = "targets",
        source_value: Option<Text> = "sourceValue",
    }
}

record! {
    /// The one object, and its field, that a replacement copies from.
    SourceSelector {
        group: Text = "group" embedded,
        version: Text = "version" embedded,
        kind: Text = "kind" embedded,
        name: Text = "name" embedded,
        namespace: Text = "namespace" embedded,
        field_path: Text = "fieldPath",
        options: Option<FieldOptions> = "options",
    }
}

record! {
    /// The objects, and their fields, that a replacement copies to.
    TargetSelector {
        select: Option<Placed<Selector>> = "select",
        reject: List<Option<Selector>> = "reject",
        field_paths: List<String> = "fieldPaths",
        options: Option<FieldOptions> = "options",
    }
}

record! {
    /// Which part of a field a replacement means.
    FieldOptions {
        delimiter: String = "delimiter",
        index: i64 = "index",
        encoding: String = "encoding",
        create: bool = "create",
    }
}

record! {
    /// An entry of `replicas`.
    Replica {
        name: Text = "name",
        count: i64 = "count",
    }
}

record! {
    /// An entry of `vars`.
    Var {
        name: Text = "name",
        object: VarObject = "objref",
        field: VarField = "fieldref",
    }
}

record! {
    /// The object that a var takes its value from.
    VarObject {
        api_version: Text = "apiVersion",
        group: Text = "group" embedded,
        version: Text = "version" embedded,
        kind: Text = "kind" embedded,
        name: Text = "name",
        namespace: Text = "namespace",
    }
}

record! {
    /// The field that a var takes its value from.
    VarField {
        field_path: Text = "fieldPath",
    }
}

record! {
    /// The order of the output.
    SortOptions {
        order: Text = "order",
        legacy: Option<LegacySortOptions> = "legacySortOptions",
    }
}

record! {
    /// Kinds in the order in which they come first, and last.
    LegacySortOptions {
        first: List<String> = "orderFirst",
        last: List<String> = "orderLast",
    }
}

record! {
    /// An entry of `configMapGenerator`.
    GeneratorArguments {
        namespace: Text = "namespace" embedded,
        name: Text = "name" embedded,
        behavior: Text = "behavior" embedded,
        literals: List<String> = "literals" embedded,
        files: List<String> = "files" embedded,
        envs: List<String> = "envs" embedded,
        env: Text = "env" embedded,
        options: Option<GeneratorOptions> = "options" embedded,
    }
}

record! {
    /// An entry of `secretGenerator`.
    SecretArguments {
        namespace: Text = "namespace" embedded,
        name: Text = "name" embedded,
        behavior: Text = "behavior" embedded,
        literals: List<String> = "literals" embedded,
        files: List<String> = "files" embedded,
        envs: List<String> = "envs" embedded,
        env: Text = "env" embedded,
        options: Option<GeneratorOptions> = "options" embedded,
        kind: Text = "type",
    }
}

record! {
    /// What generated objects are like besides their data.
    GeneratorOptions {
        labels: Pairs = "labels",
        annotations: Pairs = "annotations",
        disable_name_suffix_hash: bool = "disableNameSuffixHash",
        immutable: bool = "immutable",
    }
}

record! {
    /// `helmGlobals`; read for its form alone.
    HelmGlobals {
        chart_home: String = "chartHome",
        config_home: String = "configHome",
    }
}

record! {
    /// An entry of `helmCharts`; read for its form alone.
    HelmChart {
        name: String = "name",
        version: String = "version",
        repository: String = "repo",
        release_name: String = "releaseName",
        namespace: String = "namespace",
        additional_values_files: List<String> = "additionalValuesFiles",
        values_file: String = "valuesFile",
        values_inline: Anything = "valuesInline",
        values_merge: String = "valuesMerge",
        include_crds: bool = "includeCRDs",
        skip_hooks: bool = "skipHooks",
        api_versions: List<String> = "apiVersions",
        kubernetes_version: String = "kubeVersion",
        name_template: String = "nameTemplate",
        skip_tests: bool = "skipTests",
        debug: bool = "debug",
        development: bool = "devel",
    }
}

record! {
    /// An entry of `helmChartInflationGenerator`; read for its form alone.
    HelmChartArguments {
        chart_name: String = "chartName",
        chart_version: String = "chartVersion",
        chart_repository_url: String = "chartRepoUrl",
        chart_home: String = "chartHome",
        chart_repository_name: String = "chartRepoName",
        helm_binary: String = "helmBin",
        helm_home: String = "helmHome",
        values: String = "values",
        values_local: Anything = "valuesLocal",
        values_merge: String = "valuesMerge",
        release_name: String = "releaseName",
        release_namespace: String = "releaseNamespace",
        extra_arguments: List<String> = "extraArgs",
    }
}

impl Decode for FieldSpec {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        let known = ["group", "version", "kind", "path", "create"];
        fields(node, spot, &known, &mut |key, node, spot| match key {
            "group" => self.group.decode(node, &spot.embedded()),
            "version" => self.version.decode(node, &spot.embedded()),
            "kind" => self.kind.decode(node, &spot.embedded()),
            "path" => self.path.decode(node, spot),
            "create" => self.create.decode(node, spot),
            _ => Ok(()),
        })
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}
