//! From an artifact to a complete desired set.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use thalweg_artifact::Files;
use thalweg_crds::kustomize::Kustomization;
use thalweg_kustomize_build as kustomize;
use thalweg_manifest::{Object, ObjectId, Origin};
use thalweg_plan::{Complete, Desired, Wanted};

use crate::context::Context;
use crate::observe::owner_of;
use crate::overrides::overrides;
use crate::problem::Problem;

/// Everything that `object` asks for in the files of an artifact.
///
/// Whatever cannot be read, or mapped to a resource makes an error: a set is complete or it is not made.
pub(crate) async fn desired(object: &Kustomization, files: &Files, context: &Context) -> Result<Arc<Desired>, Problem> {
    let options = kustomize::Options {
        path: object.spec.path.clone().unwrap_or_default(),
        load_restrictor: kustomize::LoadRestrictor::None,
        reorder: kustomize::Reorder::None,
        flux: Some(overrides(&object.spec)),
    };
    let built = kustomize::build(files, &options).map_err(|error| match error {
        kustomize::Error::PathNotFound { path } => Problem::PathNotFound(path),
        error => Problem::Build(error),
    })?;
    let definitions = scopes_of_definitions(&built.objects);
    let mut wanted = Vec::with_capacity(built.objects.len());
    for mut built in built.objects {
        let namespaced = match definitions.get(&(built.group().to_owned(), built.kind().to_owned())) {
            Some(namespaced) => Ok(*namespaced),
            None => scope(&built, context).await,
        };
        set_common_metadata(&mut built, object);
        wanted.push(
            namespaced.and_then(|namespaced| checked(Wanted::new(built, namespaced, &owner_of(object)), namespaced)),
        );
    }
    let complete = Complete::of(wanted)?;
    refuse_twins(&complete)?;
    Ok(Arc::new(Desired::new(complete)))
}

/// Whether the kinds that the set itself defines have namespaces.
fn scopes_of_definitions(objects: &[Object]) -> BTreeMap<(String, String), bool> {
    let definitions = objects
        .iter()
        .filter(|object| object.kind() == "CustomResourceDefinition" && object.group() == "apiextensions.k8s.io");
    definitions
        .filter_map(|definition| {
            let spec = definition.content().get("spec")?;
            let group = spec.get("group")?.as_str()?.to_owned();
            let kind = spec.get("names")?.get("kind")?.as_str()?.to_owned();
            Some(((group, kind), spec.get("scope")?.as_str()? == "Namespaced"))
        })
        .collect()
}

async fn scope(object: &Object, context: &Context) -> Result<bool, Problem> {
    let resource = context.cluster.mapping().resolve(object.group(), object.version(), object.kind()).await;
    match resource.map_err(Problem::Server)? {
        Some(resource) => Ok(resource.namespaced),
        None => Err(Problem::Object {
            object: object.id(),
            origin: object.origin().clone(),
            what: format!(
                "dry-run failed: no matches for kind {:?} in version {:?}",
                object.kind(),
                object.api_version()
            ),
        }),
    }
}

fn checked(wanted: Wanted, namespaced: bool) -> Result<Wanted, Problem> {
    let wrong = |what: &str| Problem::Object {
        object: wanted.id.clone(),
        origin: wanted.object.origin().clone(),
        what: what.to_owned(),
    };
    if namespaced && wanted.id.namespace.is_empty() {
        return Err(wrong("namespace not specified"));
    }
    if wanted.id.kind == "Secret"
        && wanted.id.group.is_empty()
        && wanted.object.content().get("sops").is_some_and(Value::is_object)
    {
        return Err(wrong("is SOPS encrypted, configuring decryption is required for this secret to be reconciled"));
    }
    Ok(wanted)
}

/// Two files of one object, which only the real scope shows: a cluster-scoped object with two namespaces.
fn refuse_twins(complete: &Complete<Wanted>) -> Result<(), Problem> {
    let mut origins: BTreeMap<&ObjectId, &Origin> = BTreeMap::new();
    for wanted in complete.iter() {
        if let Some(first) = origins.insert(&wanted.id, wanted.object.origin()) {
            return Err(Problem::Object {
                object: wanted.id.clone(),
                origin: wanted.object.origin().clone(),
                what: format!("is in the set twice, first at {first}"),
            });
        }
    }
    Ok(())
}

fn set_common_metadata(built: &mut Object, object: &Kustomization) {
    if let Some(common) = &object.spec.common_metadata {
        common.labels.iter().for_each(|(key, value)| built.set_label(key, value));
        common.annotations.iter().for_each(|(key, value)| built.set_annotation(key, value));
    }
}
