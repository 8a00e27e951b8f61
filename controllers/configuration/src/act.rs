//! Carries a plan out, step by step, up to the first that fails. Decides nothing.

use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, DynamicObject, Preconditions};
use serde_json::Value;
use thalweg_crds::configuration::FluxConfiguration;
use thalweg_crds::{labels, managers};
use thalweg_kubernetes::requests::{apply, get};
use thalweg_kubernetes::{Error, Refusal as _, Resource};
use thalweg_manifest::{Object, ObjectId};

use crate::children::resource_of;
use crate::context::{Context, Memory};
use crate::observe::refused;
use crate::plan::{Plan, Step};
use crate::problem::Problem;

/// No object has this resourceVersion (etcd's first write is its second revision), so an apply that asks for it can only
/// make an object, and never changes one.
const NO_OBJECT: &str = "1";

/// Carries out the steps of a plan. What the API server answers is known to the next observation.
pub(crate) async fn act(
    plan: Plan,
    configuration: &FluxConfiguration,
    memory: &mut Memory,
    context: &Context,
) -> Result<(), Problem> {
    for step in plan.steps {
        tracing::info!(?step, "FluxConfiguration");
        match step {
            Step::Create(object) => create(object, configuration, memory, context).await?,
            Step::Apply { object, uid } => change(object, uid, context).await?,
            Step::Delete { id, uid } => delete(&id, uid, memory, context).await?,
        }
    }
    Ok(())
}

async fn create(
    object: Object,
    configuration: &FluxConfiguration,
    memory: &mut Memory,
    context: &Context,
) -> Result<(), Problem> {
    let id = object.id();
    let error = match send(&id, with_metadata(object, "resourceVersion", NO_OBJECT.to_owned()), context).await {
        Ok(()) => return Ok(()),
        Err(error) if error.is_conflict() => error,
        Err(error) => return Err(refused(error)),
    };
    // It exists. Ours, if a watch is behind; else it stays as it is, and its end is awaited.
    let resource = resource_of(&id);
    let live = get(context.runtime.cluster.client(), &resource, &id).await.map_err(refused)?;
    match live {
        None => Err(Problem::Server(error)),
        Some(live) if is_of(&live, configuration) => {
            context.children.record(&id, live);
            Err(Problem::Server(error))
        }
        Some(_) => {
            let watch = context.watches.watch_named(&resource, &id.namespace, &id.name);
            memory.watches.insert(id.clone(), watch);
            Err(Problem::NameTaken(id))
        }
    }
}

async fn change(object: Object, uid: String, context: &Context) -> Result<(), Problem> {
    let id = object.id();
    send(&id, with_metadata(object, "uid", uid), context).await.map_err(|error| match error.status() {
        // Another object has the name by now, or none has: the watch will tell.
        _ if error.is_conflict() => Problem::Server(error),
        Some(status) if error.is_invalid() && status.message.contains("metadata.uid") => Problem::Server(error),
        _ => refused(error),
    })
}

async fn send(id: &ObjectId, object: Object, context: &Context) -> Result<(), Error> {
    let client = context.runtime.cluster.client();
    let answer = apply(client, &resource_of(id), &object, managers::CONFIGURATION, true).await?;
    context.children.record(id, answer);
    Ok(())
}

async fn delete(id: &ObjectId, uid: String, memory: &mut Memory, context: &Context) -> Result<(), Problem> {
    let options = DeleteParams {
        preconditions: Some(Preconditions { uid: Some(uid.clone()), resource_version: None }),
        ..DeleteParams::background()
    };
    match api(id, context).delete(&id.name, &options).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        Err(error) if error.is_conflict() => return Err(Problem::Server(Error::of("delete", id.subject(), error))),
        Err(error) => return Err(refused(Error::of("delete", id.subject(), error))),
    }
    memory.deleted.insert(uid);
    Ok(())
}

fn api(id: &ObjectId, context: &Context) -> Api<DynamicObject> {
    let client = context.runtime.cluster.client().clone();
    let Resource { api, namespaced } = resource_of(id);
    if namespaced { Api::namespaced_with(client, &id.namespace, &api) } else { Api::all_with(client, &api) }
}

fn is_of(live: &Value, configuration: &FluxConfiguration) -> bool {
    let labels = live.get("metadata").and_then(|metadata| metadata.get("labels"));
    let label = labels.and_then(|labels| labels.get(labels::CONFIGURATION_UID)).and_then(Value::as_str);
    label.is_some() && label == configuration.uid().as_deref()
}

fn with_metadata(mut object: Object, field: &str, value: String) -> Object {
    if let Some(Value::Object(metadata)) = object.content_mut().get_mut("metadata") {
        metadata.insert(field.to_owned(), value.into());
    }
    object
}
