//! What a Kustomization's spec lays over the kustomization that it builds.

use thalweg_crds::kustomize::{Image, KustomizationSpec, Patch, Selector};
use thalweg_kustomize_build::{Flux, FluxImage, FluxPatch, FluxTarget};

/// The part of a spec that changes what is built (Flux's Kustomization, from `targetNamespace` to `images`).
pub fn overrides(spec: &KustomizationSpec) -> Flux {
    Flux {
        target_namespace: spec.target_namespace.clone(),
        name_prefix: spec.name_prefix.clone(),
        name_suffix: spec.name_suffix.clone(),
        patches: spec.patches.iter().map(patch).collect(),
        components: spec.components.clone(),
        ignore_missing_components: spec.ignore_missing_components,
        images: spec.images.iter().map(image).collect(),
        build_metadata: spec.build_metadata.clone(),
    }
}

fn patch(patch: &Patch) -> FluxPatch {
    let Patch { patch, target } = patch;
    FluxPatch { patch: patch.clone(), target: target.as_ref().map(self::target) }
}

fn target(selector: &Selector) -> FluxTarget {
    let Selector { group, version, kind, namespace, name, annotation_selector, label_selector } = selector;
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    FluxTarget {
        group: text(group),
        version: text(version),
        kind: text(kind),
        name: text(name),
        namespace: text(namespace),
        annotation_selector: text(annotation_selector),
        label_selector: text(label_selector),
    }
}

fn image(image: &Image) -> FluxImage {
    let Image { name, new_name, new_tag, digest } = image;
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    FluxImage { name: name.clone(), new_name: text(new_name), new_tag: text(new_tag), digest: text(digest) }
}
