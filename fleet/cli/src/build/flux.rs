//! The Flux Kustomization that `thalweg build --flux` builds for.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::unsupported::{self, KUSTOMIZATION, unsupported_fields};
use thalweg_kustomize_build::Flux;
use thalweg_kustomize_controller::overrides;
use thalweg_yaml::Limits;

const API_GROUP: &str = "kustomize.toolkit.fluxcd.io/";

/// Fields that change what is built, besides those that are laid over it.
const BUILD_FIELDS: [&str; 3] = ["spec.decryption", "spec.ignore", "spec.postBuild"];

/// What the one Kustomization in a file lays over the kustomization; other objects in the file do not count.
#[expect(clippy::disallowed_methods, reason = "a file that the user names")]
pub(super) fn read(file: &Path) -> anyhow::Result<Flux> {
    let shown = file.display();
    let text = std::fs::read(file).with_context(|| format!("reading {shown}"))?;
    let documents = thalweg_yaml::read(&shown.to_string(), &text, &Limits::default())?;
    let objects = documents.into_iter().map(|document| document.root.to_json());
    let mut found: Vec<Value> = objects.filter(is_kustomization).collect();
    let Some(object) = found.pop() else {
        bail!("{shown} has no Kustomization of {}", API_GROUP.trim_end_matches('/'))
    };
    if !found.is_empty() {
        bail!("{shown} has {} Kustomizations: which one to build for is not said", found.len() + 1);
    }
    let object: Kustomization =
        serde_json::from_value(object).with_context(|| format!("the Kustomization in {shown}"))?;
    let spec = serde_json::to_value(&object.spec).with_context(|| format!("the Kustomization in {shown}"))?;
    let mut fields = unsupported_fields(&spec, &KUSTOMIZATION);
    fields.retain(|field| BUILD_FIELDS.iter().any(|name| field.path.starts_with(name)));
    if !fields.is_empty() {
        bail!("the Kustomization in {shown}: {}", unsupported::message(&fields));
    }
    Ok(overrides(&object.spec))
}

fn is_kustomization(object: &Value) -> bool {
    let text = |field| object.get(field).and_then(Value::as_str).unwrap_or_default();
    text("kind") == "Kustomization" && text("apiVersion").starts_with(API_GROUP)
}
