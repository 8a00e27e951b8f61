//! Adding our finalizer before there is something to clean up, and removing it when all is clean.
//!
//! Both are merge patches of the whole list with the resourceVersion of the object, so the finalizers of others stay;
//! on 409 the caller reads the object again.

use std::fmt::Debug;

use kube::api::{Api, Patch};
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::status::written_by;

/// Whether the object has the finalizer.
pub fn is_present<K: Resource>(object: &K, finalizer: &str) -> bool {
    object.finalizers().iter().any(|present| present == finalizer)
}

/// Adds the finalizer, and answers the object as the server has it then. No request if it is there.
pub async fn add<K>(api: &Api<K>, object: &K, finalizer: &str, manager: &str) -> Result<K, kube::Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    if is_present(object, finalizer) {
        return Ok(object.clone());
    }
    let mut finalizers = object.finalizers().to_vec();
    finalizers.push(finalizer.to_owned());
    set(api, object, finalizers, manager).await
}

/// Removes the finalizer. `None` if the object is gone; the object of an answer may be the last state before it went.
/// No request if the finalizer is not there.
pub async fn remove<K>(api: &Api<K>, object: &K, finalizer: &str, manager: &str) -> Result<Option<K>, kube::Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    if !is_present(object, finalizer) {
        return Ok(Some(object.clone()));
    }
    let finalizers = object.finalizers().iter().filter(|present| *present != finalizer).cloned().collect();
    match set(api, object, finalizers, manager).await {
        Ok(object) => Ok(Some(object)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

async fn set<K>(api: &Api<K>, object: &K, finalizers: Vec<String>, manager: &str) -> Result<K, kube::Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let patch = json!({"metadata": {"resourceVersion": object.resource_version(), "finalizers": finalizers}});
    api.patch(&object.name_any(), &written_by(manager), &Patch::Merge(&patch)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{api_server, maps, object, refused};

    #[tokio::test]
    async fn the_finalizers_of_others_stay() {
        let (client, calls) = api_server(|call| std::future::ready((200, call.body)));
        let api = maps(client);
        let metadata = json!({"name": "a", "resourceVersion": "7", "finalizers": ["theirs"]});
        let theirs = object(json!({"metadata": metadata}));
        add(&api, &theirs, "ours", "us").await.unwrap();
        let both = object(json!({"metadata": {"name": "a", "resourceVersion": "8", "finalizers": ["ours", "theirs"]}}));
        remove(&api, &both, "ours", "us").await.unwrap();
        assert_eq!(add(&api, &both, "ours", "us").await.unwrap(), both, "no request");
        assert_eq!(remove(&api, &theirs, "ours", "us").await.unwrap(), Some(theirs), "no request");
        let bodies: Vec<_> = calls.lock().unwrap().iter().map(|call| call.body.clone()).collect();
        assert_eq!(
            bodies,
            [
                json!({"metadata": {"resourceVersion": "7", "finalizers": ["theirs", "ours"]}}),
                json!({"metadata": {"resourceVersion": "8", "finalizers": ["theirs"]}}),
            ]
        );
    }

    #[tokio::test]
    async fn removing_from_an_object_that_is_gone_is_done_and_a_conflict_is_the_callers() {
        let present = object(json!({"metadata": {"name": "a", "resourceVersion": "7", "finalizers": ["ours"]}}));
        for (code, is_done) in [(404, true), (409, false)] {
            let (client, _) = api_server(move |_| std::future::ready(refused(code, "Refused")));
            let removed = remove(&maps(client), &present, "ours", "us").await;
            assert_eq!(matches!(removed, Ok(None)), is_done, "{removed:?}");
        }
    }
}
