//! Writing the status of an object, and nothing when it says the same already.

use std::fmt::Debug;

use kube::api::{Api, Patch, PatchParams};
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Makes the status of `object` equal to `status` by one JSON merge patch on the status subresource, and answers the
/// object as the server has it then.
///
/// Every field of the status is written, and one that `object` has and `status` lacks is removed. The patch carries the
/// resourceVersion of `object`: on 409 the caller reads the object and computes its status again. Without a difference no
/// request is made, and the answer is `object`.
pub async fn patch_status<K>(api: &Api<K>, object: &K, status: &impl Serialize, manager: &str) -> Result<K, kube::Error>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned,
{
    let before = serde_json::to_value(object).map_err(kube::Error::SerdeError)?;
    let before = before.get("status").cloned().unwrap_or(Value::Null);
    let after = serde_json::to_value(status).map_err(kube::Error::SerdeError)?;
    let Some(status) = status_patch(&before, &after) else { return Ok(object.clone()) };
    let patch = json!({"metadata": {"resourceVersion": object.resource_version()}, "status": status});
    api.patch_status(&object.name_any(), &written_by(manager), &Patch::Merge(&patch)).await
}

/// The merge patch that turns one status into another; `None` if they are equal.
pub fn status_patch(before: &Value, after: &Value) -> Option<Value> {
    let none = Value::Object(Map::new());
    let before = if before.is_null() { &none } else { before };
    let after = if after.is_null() { &none } else { after };
    (before != after).then(|| merge_patch(before, after))
}

fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return after.clone() };
    let removed = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let kept =
        after.iter().map(|(key, value)| (key.clone(), merge_patch(before.get(key).unwrap_or(&Value::Null), value)));
    Value::Object(kept.chain(removed).collect())
}

pub(crate) fn written_by(manager: &str) -> PatchParams {
    PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{api_server, maps, object};

    #[tokio::test]
    async fn a_patch_carries_the_version_that_was_read() {
        let (client, calls) = api_server(|call| std::future::ready((200, call.body)));
        let object = object(json!({"metadata": {"name": "a", "resourceVersion": "7"}, "status": {"old": 1}}));
        patch_status(&maps(client), &object, &json!({"new": 2}), "us").await.unwrap();
        let call = calls.lock().unwrap().remove(0);
        assert_eq!(
            (call.method.as_str(), call.path.as_str()),
            ("PATCH", "/api/v1/namespaces/apps/configmaps/a/status")
        );
        assert_eq!(call.query, "&fieldManager=us");
        assert_eq!(call.body, json!({"metadata": {"resourceVersion": "7"}, "status": {"old": null, "new": 2}}));
    }

    #[tokio::test]
    async fn a_status_that_says_the_same_is_not_written() {
        let (client, calls) = api_server(|call| std::future::ready((200, call.body)));
        let object = object(json!({"metadata": {"name": "a", "resourceVersion": "7"}, "status": {"old": 1}}));
        let answer = patch_status(&maps(client), &object, &json!({"old": 1}), "us").await.unwrap();
        assert_eq!((answer, calls.lock().unwrap().len()), (object, 0));
    }

    fn check(before: Value, after: Value, expected: Option<Value>) {
        assert_eq!(status_patch(&before, &after), expected, "{before} to {after}");
    }

    #[test]
    fn a_status_patch_writes_all_fields_and_removes_what_is_gone() {
        check(json!({"a": 1}), json!({"a": 1}), None);
        check(Value::Null, json!({}), None);
        check(Value::Null, json!({"a": 1}), Some(json!({"a": 1})));
        check(json!({"a": 1, "b": 2}), json!({"a": 1, "c": 3}), Some(json!({"a": 1, "b": null, "c": 3})));
        check(json!({"a": 1}), Value::Null, Some(json!({"a": null})));
    }

    #[test]
    fn a_status_patch_goes_into_mappings_and_replaces_lists() {
        check(
            json!({"artifact": {"digest": "x", "size": 1}, "conditions": [{"type": "Ready"}]}),
            json!({"artifact": {"digest": "y"}, "conditions": []}),
            Some(json!({"artifact": {"digest": "y", "size": null}, "conditions": []})),
        );
    }
}
