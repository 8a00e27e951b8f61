//! Puts objects into a cluster the way a person with kubectl would.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::{Client, discovery};
use serde_json::Value;

use crate::tools::workspace_root;
use crate::waiting::observe;

/// How the tests' own writes are signed: none of the product's field managers.
const FIELD_MANAGER: &str = "thalweg-tests";
const ESTABLISHED_LIMIT: Duration = Duration::from_secs(30);

/// The documents of a YAML text, empty ones left out.
///
/// # Errors
/// When a document does not parse.
pub fn read_documents(text: &str) -> Result<Vec<Value>> {
    let documents = serde_yaml::Deserializer::from_str(text).map(|document| {
        serde::Deserialize::deserialize(document).with_context(|| format!("reading YAML that begins {:.60}", text))
    });
    let documents: Vec<Value> = documents.collect::<Result<_>>()?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// Applies every object of a YAML text, server-side, and returns the answers.
///
/// # Errors
/// With the object that was refused and why.
pub async fn apply(client: &Client, text: &str) -> Result<Vec<DynamicObject>> {
    let mut applied = Vec::new();
    for document in read_documents(text)? {
        applied.push(apply_one(client, document).await?);
    }
    Ok(applied)
}

async fn apply_one(client: &Client, document: Value) -> Result<DynamicObject> {
    let object: DynamicObject = serde_json::from_value(document).context("reading an object")?;
    let types = object.types.clone().context("reading an object: it has no apiVersion or kind")?;
    let name = object.metadata.name.clone().context("reading an object: it has no name")?;
    let what = format!("{} {name}", types.kind);
    let kind = types.try_into().with_context(|| format!("reading the apiVersion of {what}"))?;
    let (resource, capabilities) =
        discovery::pinned_kind(client, &kind).await.with_context(|| format!("finding the kind of {what}"))?;
    let api: Api<DynamicObject> = match capabilities.scope {
        discovery::Scope::Cluster => Api::all_with(client.clone(), &resource),
        discovery::Scope::Namespaced => {
            let namespace = object.metadata.namespace.as_deref().unwrap_or("default");
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    };
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(&name, &parameters, &Patch::Apply(&object)).await.with_context(|| format!("applying {what}"))
}

/// Applies the CustomResourceDefinitions of crds/ and waits until the API server serves them.
///
/// # Errors
/// With the definition that was refused or is not served within half a minute.
pub async fn install_crds(client: &Client) -> Result<Vec<String>> {
    let folder = workspace_root().join("crds");
    let mut names = Vec::new();
    for file in yaml_files(&folder)? {
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let applied = apply(client, &text).await.with_context(|| format!("applying {}", file.display()))?;
        names.extend(applied.into_iter().filter_map(|object| object.metadata.name));
    }
    if names.is_empty() {
        bail!("there are no CustomResourceDefinitions in {}", folder.display());
    }
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in &names {
        observe(ESTABLISHED_LIMIT, &format!("{name} is served"), || async {
            let found = api.get(name).await?;
            let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
            let established = conditions.iter().any(|one| one.type_ == "Established" && one.status == "True");
            if established { Ok(()) } else { bail!("its conditions are {conditions:?}") }
        })
        .await?;
    }
    Ok(names)
}

fn yaml_files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry.with_context(|| format!("listing {}", folder.display()))?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    Ok(files)
}
