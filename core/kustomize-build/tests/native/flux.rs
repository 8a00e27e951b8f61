//! A Flux Kustomization as the options of a build.

use serde_json::Value;
use thalweg_kustomize_build::{Flux, FluxImage, FluxPatch, FluxTarget};
use thalweg_yaml::{Limits, read_first};

/// What the `spec` of a Kustomization lays over the top.
pub(crate) fn flux(text: &str) -> Flux {
    let document =
        read_first("flux.yaml", text.as_bytes(), &Limits::default()).expect("YAML").expect("a Kustomization");
    let object = document.root.to_json();
    let spec = &object["spec"];
    let texts = |value: &Value| list(value).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Flux {
        target_namespace: optional(spec, "targetNamespace"),
        name_prefix: optional(spec, "namePrefix"),
        name_suffix: optional(spec, "nameSuffix"),
        patches: list(&spec["patches"]).iter().map(patch).collect(),
        components: texts(&spec["components"]),
        ignore_missing_components: spec["ignoreMissingComponents"].as_bool().unwrap_or_default(),
        images: list(&spec["images"]).iter().map(image).collect(),
        build_metadata: texts(&spec["buildMetadata"]),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn optional(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn text(value: &Value, key: &str) -> String {
    optional(value, key).unwrap_or_default()
}

fn patch(value: &Value) -> FluxPatch {
    let target = &value["target"];
    FluxPatch {
        patch: text(value, "patch"),
        target: target.is_object().then(|| FluxTarget {
            group: text(target, "group"),
            version: text(target, "version"),
            kind: text(target, "kind"),
            name: text(target, "name"),
            namespace: text(target, "namespace"),
            annotation_selector: text(target, "annotationSelector"),
            label_selector: text(target, "labelSelector"),
        }),
    }
}

fn image(value: &Value) -> FluxImage {
    FluxImage {
        name: text(value, "name"),
        new_name: text(value, "newName"),
        new_tag: text(value, "newTag"),
        digest: text(value, "digest"),
    }
}
