//! Reads what a plan needs: what the FluxConfiguration made, its Secret, and who has the names it needs. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::{Api, ResourceExt as _};
use serde_json::{Map, Value};
use thalweg_crds::configuration::FluxConfiguration;
use thalweg_crds::labels;
use thalweg_kubernetes::{Error, NamedWatch, Refusal as _};
use thalweg_manifest::ObjectId;

use crate::children::resource_of;
use crate::context::{Context, Memory, Read};
use crate::desired::{applier_name, auth_name, binding_id, id, kustomization_id, source_id};
use crate::problem::Problem;
use crate::settings::Settings;

/// What there is. Has no `Debug`: a child may be a Secret.
#[derive(Default)]
pub(crate) struct Observed {
    /// What the FluxConfiguration made.
    pub(crate) children: BTreeMap<ObjectId, Child>,
    /// Objects that others made and that have a name which the FluxConfiguration needs.
    pub(crate) taken: BTreeSet<ObjectId>,
}

/// An object that the FluxConfiguration made.
pub(crate) struct Child {
    pub(crate) uid: String,
    /// It is being deleted.
    pub(crate) deleting: bool,
    pub(crate) content: Map<String, Value>,
}

impl Observed {
    pub(crate) fn of(configuration: &FluxConfiguration, memory: &mut Memory, context: &Context) -> Self {
        let uid = configuration.uid().unwrap_or_default();
        let children = context.children.of(&uid);
        let uids: BTreeSet<_> = children.values().map(|content| metadata_text(content, "uid")).collect();
        memory.deleted.retain(|uid| uids.contains(uid.as_str()));
        let child = |content: Map<String, Value>| {
            let uid = metadata_text(&content, "uid").to_owned();
            let deleting = memory.deleted.contains(&uid) || !metadata_text(&content, "deletionTimestamp").is_empty();
            Child { uid, deleting, content }
        };
        let children: BTreeMap<_, _> = children.into_iter().map(|(id, content)| (id, child(content))).collect();

        let needed = needed(configuration);
        let secret = secret_id(configuration);
        memory
            .watches
            .retain(|id, _| Some(id) == secret.as_ref() || (needed.contains(id) && !children.contains_key(id)));
        let is_of_another = |watch: &NamedWatch| {
            is_synced(watch) && watch.get().is_some_and(|seen| seen.labels.get(labels::CONFIGURATION_UID) != Some(&uid))
        };
        let others = memory.watches.iter().filter(|(id, watch)| Some(*id) != secret.as_ref() && is_of_another(watch));
        Self { taken: others.map(|(id, _)| id.clone()).collect(), children }
    }
}

/// Registers whose changes concern a FluxConfiguration; comes before everything that is read.
pub(crate) fn register_interest(id: &ObjectId, configuration: &FluxConfiguration, context: &Context) {
    let uid = configuration.uid().unwrap_or_default();
    let mut objects = needed(configuration);
    objects.extend(secret_id(configuration));
    objects.extend(context.children.of(&uid).into_keys());
    context.runtime.graph.interested(id, objects);
}

/// The names that the FluxConfiguration has a use for.
fn needed(configuration: &FluxConfiguration) -> BTreeSet<ObjectId> {
    let namespace = configuration.namespace().unwrap_or_default();
    let mut objects = BTreeSet::from([
        source_id(configuration),
        binding_id(configuration),
        id::<ServiceAccount>(&namespace, &applier_name(configuration)),
        id::<Secret>(&namespace, &auth_name(configuration)),
    ]);
    objects.extend(configuration.spec.kustomizations.keys().map(|key| kustomization_id(configuration, key)));
    objects
}

/// The Secret with the protected settings, if the FluxConfiguration names one.
fn secret_id(configuration: &FluxConfiguration) -> Option<ObjectId> {
    let secret = configuration.spec.secret_ref.as_ref()?;
    Some(id::<Secret>(&configuration.namespace().unwrap_or_default(), &secret.name))
}

/// The protected settings; read again only when the metadata of the Secret changed.
pub(crate) async fn settings(
    configuration: &FluxConfiguration,
    memory: &mut Memory,
    context: &Context,
) -> Result<Settings, Problem> {
    let Some(id) = secret_id(configuration) else {
        memory.settings = None;
        return Ok(Settings::default());
    };
    let watch = || context.watches.watch_named(&resource_of(&id), &id.namespace, &id.name);
    let watch = memory.watches.entry(id.clone()).or_insert_with(watch);
    if let Some(read) = &memory.settings
        && read.id == id
        && is_synced(watch)
        && watch.get().is_some_and(|seen| seen.uid == read.uid && seen.resource_version == read.resource_version)
    {
        return Ok(read.settings.clone());
    }
    let api: Api<Secret> = Api::namespaced(context.runtime.cluster.client().clone(), &id.namespace);
    let secret = api.get_opt(&id.name).await.map_err(|error| refused(Error::of("get", id.subject(), error)))?;
    let Some(secret) = secret else {
        memory.settings = None;
        return Err(Problem::InvalidSecret(format!("the Secret {} that spec.secretRef names does not exist", id.name)));
    };
    let settings = Settings::of(secret.data.as_ref());
    memory.settings = Some(Read {
        id,
        uid: secret.uid().unwrap_or_default(),
        resource_version: secret.resource_version().unwrap_or_default(),
        settings: settings.clone(),
    });
    Ok(settings)
}

/// What an error means: the API server will not have it, or it did not answer as it should.
pub(crate) fn refused(error: Error) -> Problem {
    if error.is_transient() { Problem::Server(error) } else { Problem::Refused(error) }
}

fn is_synced(watch: &NamedWatch) -> bool {
    matches!(watch.synced().now_or_never(), Some(Ok(())))
}

fn metadata_text<'a>(content: &'a Map<String, Value>, field: &str) -> &'a str {
    content.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_str).unwrap_or_default()
}
