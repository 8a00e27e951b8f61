//! The reads and writes of objects of any kind, as JSON.
//!
//! Each takes the client to use: our own ([`crate::Cluster::client`]) or one that impersonates. The answers of writes
//! are what the server stored; hand them to [`crate::Watches::record`]. A dry run's answer was never stored and must not be.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::core::Status;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thalweg_manifest::{Object, ObjectId};

use crate::{Error, Refusal as _, Resource};

const JSON: &str = "application/json";
const JSON_METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const APPLY_PATCH: &str = "application/apply-patch+yaml";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// What a DELETE did.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// The object is gone, by this request.
    Done,
    /// The deletion is on its way: the object waits for finalizers or its grace period. It is as the server answered it.
    Accepted(Value),
    /// There was no such object.
    Gone,
}

/// Asks what [`apply`] would store, and whether it would; stores nothing.
pub async fn dry_run_apply(
    client: &kube::Client,
    resource: &Resource,
    object: &Object,
    manager: &str,
    force: bool,
) -> Result<Value, Error> {
    server_side_apply(client, resource, object, manager, force, true).await
}

/// Server-side apply of `object` as `manager`; with `force`, fields of other managers are taken over.
pub async fn apply(
    client: &kube::Client,
    resource: &Resource,
    object: &Object,
    manager: &str,
    force: bool,
) -> Result<Value, Error> {
    server_side_apply(client, resource, object, manager, force, false).await
}

async fn server_side_apply(
    client: &kube::Client,
    resource: &Resource,
    object: &Object,
    manager: &str,
    force: bool,
    dry_run: bool,
) -> Result<Value, Error> {
    let id = object.id();
    let dry = if dry_run { "&dryRun=All" } else { "" };
    let query = format!("?fieldManager={}&force={force}{dry}", encoded(manager));
    let body = serde_json::to_vec(object.content()).expect("a JSON map serialises");
    let request = request(Method::PATCH, resource, &id, &query, APPLY_PATCH, body)?;
    send(client, request, if dry_run { "dry-run" } else { "apply" }, || id.subject()).await
}

/// The object as the server holds it now; `None` when there is none.
///
/// When nothing serves this version of the kind, that is an error ([`crate::Refusal::is_not_found`]): ask
/// [`crate::Mapping`] again.
pub async fn get(client: &kube::Client, resource: &Resource, id: &ObjectId) -> Result<Option<Value>, Error> {
    read(client, resource, id, JSON).await
}

/// The object's metadata as the server holds it now, in a `PartialObjectMetadata`; `None` when there is no object.
pub async fn get_metadata(client: &kube::Client, resource: &Resource, id: &ObjectId) -> Result<Option<Value>, Error> {
    read(client, resource, id, JSON_METADATA).await
}

async fn read(client: &kube::Client, resource: &Resource, id: &ObjectId, accept: &str) -> Result<Option<Value>, Error> {
    let mut request = request(Method::GET, resource, id, "", JSON, Vec::new())?;
    request.headers_mut().insert(ACCEPT, accept.parse().expect("a constant header value is valid"));
    match send(client, request, "get", || id.subject()).await {
        Ok(object) => Ok(Some(object)),
        Err(error) if is_of_no_object(&error, id) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes the object if it still has this uid and this resourceVersion; what it owns is deleted in the background.
///
/// A conflict ([`crate::Refusal::is_conflict`]) means that the object is another one, or changed: read it and judge again.
pub async fn delete(
    client: &kube::Client,
    resource: &Resource,
    id: &ObjectId,
    uid: &str,
    resource_version: &str,
) -> Result<Deleted, Error> {
    let options = json!({
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
        "preconditions": {"uid": uid, "resourceVersion": resource_version},
    });
    let request = request(Method::DELETE, resource, id, "", JSON, options.to_string().into_bytes())?;
    match send::<Value>(client, request, "delete", || id.subject()).await {
        Ok(answer) if lives_on(&answer) => Ok(Deleted::Accepted(answer)),
        Ok(_) => Ok(Deleted::Done),
        Err(error) if is_of_no_object(&error, id) => Ok(Deleted::Gone),
        Err(error) => Err(error),
    }
}

/// A 404 speaks of the object only if it names it; else nothing serves the path, and the object may live on under
/// another version of its kind.
fn is_of_no_object(error: &Error, id: &ObjectId) -> bool {
    let named =
        error.status().and_then(|status| status.details.as_ref()).is_some_and(|details| details.name == id.name);
    named && error.is_not_found()
}

/// Some kinds answer a finished deletion with the object instead of a Status; it then has no finalizer left.
fn lives_on(answer: &Value) -> bool {
    let finalizers = |object: &Value, field: &str| {
        object.pointer(field).and_then(Value::as_array).is_some_and(|finalizers| !finalizers.is_empty())
    };
    let is_object = answer.get("kind").and_then(Value::as_str) != Some("Status");
    let waits_for_grace = answer
        .pointer("/metadata/deletionGracePeriodSeconds")
        .and_then(Value::as_i64)
        .is_some_and(|seconds| seconds > 0);
    is_object
        && (waits_for_grace || finalizers(answer, "/metadata/finalizers") || finalizers(answer, "/spec/finalizers"))
}

/// Merges `status` into the object's status, if the object still has this resourceVersion; a field set to null is removed.
pub async fn patch_status(
    client: &kube::Client,
    resource: &Resource,
    id: &ObjectId,
    resource_version: &str,
    status: &Value,
    manager: &str,
) -> Result<Value, Error> {
    let patch = json!({"metadata": {"resourceVersion": resource_version}, "status": status});
    let query = format!("/status?fieldManager={}", encoded(manager));
    let request = request(Method::PATCH, resource, id, &query, MERGE_PATCH, patch.to_string().into_bytes())?;
    send(client, request, "patch the status of", || id.subject()).await
}

/// A request for one object; `suffix` is a subresource, a query or both.
fn request(
    method: Method,
    resource: &Resource,
    id: &ObjectId,
    suffix: &str,
    content_type: &str,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, Error> {
    let path = path(resource, id)?;
    let request = Request::builder().method(method).uri(format!("{path}{suffix}")).header(ACCEPT, JSON);
    let request = request.header(CONTENT_TYPE, content_type).body(body);
    request.map_err(|source| Error::of("address", id.subject(), kube::Error::HttpError(source)))
}

fn path(resource: &Resource, id: &ObjectId) -> Result<String, Error> {
    let unaddressable = |reason| Error::Unaddressable { subject: id.subject(), reason };
    let name = segment(&id.name).map_err(unaddressable)?;
    if !resource.namespaced {
        return Ok(format!("{}/{name}", collection(resource, None)));
    }
    let namespace = segment(&id.namespace).map_err(|reason| match id.namespace.as_str() {
        "" => unaddressable("an empty namespace may not be set during creation"),
        _ => unaddressable(reason),
    })?;
    Ok(format!("{}/{name}", collection(resource, Some(&namespace))))
}

/// The path of a kind's objects, of all namespaces or of one.
pub(crate) fn collection(resource: &Resource, namespace: Option<&str>) -> String {
    let root = if resource.api.group.is_empty() { "api" } else { "apis" };
    let namespace = namespace.map(|name| format!("namespaces/{name}/")).unwrap_or_default();
    format!("/{root}/{}/{namespace}{}", resource.api.api_version, resource.api.plural)
}

/// A name as a segment of a path. Refused is what Kubernetes refuses (`IsValidPathSegmentName`): the server would see
/// another path.
fn segment(name: &str) -> Result<String, &'static str> {
    match name {
        "" => Err("a name may not be empty"),
        "." | ".." => Err("a name may not be '.' or '..'"),
        _ if name.contains('/') => Err("a name may not contain '/'"),
        _ if name.contains('%') => Err("a name may not contain '%'"),
        _ => Ok(encoded(name)),
    }
}

/// Percent-encodes all but what may stand for itself in a path segment and in a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Sends a request and reads its answer; neither is ever logged.
pub(crate) async fn send<T: DeserializeOwned>(
    client: &kube::Client,
    request: Request<Vec<u8>>,
    verb: &'static str,
    subject: impl FnOnce() -> String,
) -> Result<T, Error> {
    let answer = async {
        let bytes = exchange(client, request).await?;
        serde_json::from_slice(&bytes).map_err(kube::Error::SerdeError)
    };
    answer.await.map_err(|error| Error::of(verb, subject(), error))
}

async fn exchange(client: &kube::Client, request: Request<Vec<u8>>) -> Result<Bytes, kube::Error> {
    let (head, body) = client.send(request.map(Body::from)).await?.into_parts();
    let bytes = body.collect().await?.to_bytes();
    if head.status.is_client_error() || head.status.is_server_error() {
        return Err(kube::Error::Api(Box::new(refusal(head.status, &bytes))));
    }
    Ok(bytes)
}

/// A refusal is a Status, except from proxies and from paths that nobody serves.
fn refusal(code: http::StatusCode, body: &[u8]) -> Status {
    let status =
        serde_json::from_slice::<Status>(body).ok().filter(|status| status.code != 0 || !status.message.is_empty());
    let mut status = status.unwrap_or_else(|| {
        let text: String = String::from_utf8_lossy(body).trim().chars().take(512).collect();
        let text = if text.is_empty() { code.to_string() } else { text };
        Status::failure(&text, "")
    });
    status.code = code.as_u16();
    status
}

#[cfg(test)]
mod tests {
    use kube::core::ApiResource;

    use super::*;
    use crate::mock::{self, Reply, refused};

    fn resource(group: &str, kind: &str, plural: &str, namespaced: bool) -> Resource {
        let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
        let (group, version) = (group.to_owned(), "v1".to_owned());
        Resource {
            api: ApiResource { group, version, api_version, kind: kind.to_owned(), plural: plural.to_owned() },
            namespaced,
        }
    }

    fn config_map() -> (Resource, Object) {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "apps"}});
        (resource("", "ConfigMap", "configmaps", true), Object::from_json(object).unwrap())
    }

    #[test]
    fn a_name_is_one_segment_of_a_path_or_refused() {
        let roles = resource("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", false);
        let secrets = resource("", "Secret", "secrets", true);
        for (resource, namespace, name, expected) in [
            (&roles, "", "system:reader", Ok("/apis/rbac.authorization.k8s.io/v1/clusterroles/system:reader")),
            (&roles, "ignored", "a", Ok("/apis/rbac.authorization.k8s.io/v1/clusterroles/a")),
            (&secrets, "apps", "a", Ok("/api/v1/namespaces/apps/secrets/a")),
            (&secrets, "apps", "a?b#c d", Ok("/api/v1/namespaces/apps/secrets/a%3Fb%23c%20d")),
            (&secrets, "apps", "../../secrets/b", Err("a name may not contain '/'")),
            (&secrets, "apps", "..", Err("a name may not be '.' or '..'")),
            (&secrets, "apps", "%2e%2e", Err("a name may not contain '%'")),
            (&secrets, "a/b", "a", Err("a name may not contain '/'")),
            (&secrets, "", "a", Err("an empty namespace may not be set during creation")),
        ] {
            let id = ObjectId::new("", "Secret", namespace, name);
            let path = path(resource, &id).map_err(|error| match error {
                Error::Unaddressable { reason, .. } => reason,
                error => panic!("{error}"),
            });
            assert_eq!(path.as_deref().map_err(|reason| *reason), expected);
        }
    }

    #[tokio::test]
    async fn requests_are_as_the_api_server_expects_them() {
        let (cluster, log) = mock::cluster(|_| Reply::Json(200, json!({"kind": "ConfigMap"})));
        let (resource, object) = config_map();
        let (client, id) = (cluster.client(), object.id());
        dry_run_apply(client, &resource, &object, "kustomize-controller", true).await.unwrap();
        apply(client, &resource, &object, "kustomize-controller", false).await.unwrap();
        get_metadata(client, &resource, &id).await.unwrap();
        delete(client, &resource, &id, "u1", "7").await.unwrap();
        patch_status(client, &resource, &id, "7", &json!({"ready": null}), "gotk").await.unwrap();
        let log = log.lock().unwrap();
        let sent: Vec<_> = log
            .iter()
            .map(|asked| (asked.method.as_str(), asked.path.as_str(), asked.headers["content-type"].to_str().unwrap()))
            .collect();
        let path = "/api/v1/namespaces/apps/configmaps/a";
        assert_eq!(
            sent,
            [
                ("PATCH", path, APPLY_PATCH),
                ("PATCH", path, APPLY_PATCH),
                ("GET", path, JSON),
                ("DELETE", path, JSON),
                ("PATCH", "/api/v1/namespaces/apps/configmaps/a/status", MERGE_PATCH),
            ]
        );
        let query = |number: usize, key: &str| log[number].query.get(key).map(String::as_str);
        assert_eq!(
            (query(0, "dryRun"), query(0, "force"), query(0, "fieldManager")),
            (Some("All"), Some("true"), Some("kustomize-controller"))
        );
        assert_eq!((query(1, "dryRun"), query(1, "force")), (None, Some("false")));
        assert_eq!(log[1].body, Value::Object(object.content().clone()));
        assert_eq!(log[2].headers["accept"], JSON_METADATA);
        assert_eq!(log[3].body["preconditions"], json!({"uid": "u1", "resourceVersion": "7"}));
        assert_eq!(log[3].body["propagationPolicy"], "Background");
        assert_eq!(log[4].body, json!({"metadata": {"resourceVersion": "7"}, "status": {"ready": null}}));
    }

    #[tokio::test]
    async fn a_deletion_is_done_under_way_or_of_nothing() {
        let finalizers = json!({"kind": "Secret", "metadata": {"finalizers": ["a/b"], "deletionTimestamp": "t"}});
        let namespace = json!({"kind": "Namespace", "metadata": {"deletionTimestamp": "t"}, "spec": {"finalizers": ["kubernetes"]}});
        let pod = json!({"kind": "Pod", "metadata": {"deletionTimestamp": "t", "deletionGracePeriodSeconds": 30}});
        let removed =
            json!({"kind": "Secret", "metadata": {"deletionGracePeriodSeconds": 0, "deletionTimestamp": "t"}});
        for (code, answer, expected) in [
            (200, json!({"kind": "Status", "status": "Success", "details": {"uid": "u1"}}), Deleted::Done),
            (200, removed, Deleted::Done),
            (200, finalizers.clone(), Deleted::Accepted(finalizers)),
            (202, namespace.clone(), Deleted::Accepted(namespace)),
            (200, pod.clone(), Deleted::Accepted(pod)),
            (404, mock::status_of("a", 404, "NotFound", "secrets \"a\" not found"), Deleted::Gone),
        ] {
            let (cluster, _) = mock::cluster(move |_| Reply::Json(code, answer.clone()));
            let (resource, object) = config_map();
            assert_eq!(delete(cluster.client(), &resource, &object.id(), "u1", "7").await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_path_that_nobody_serves_says_nothing_about_the_object() {
        for answer in
            [json!("404 page not found"), mock::status(404, "NotFound", "the server could not find the resource")]
        {
            let (cluster, _) = mock::cluster(move |_| Reply::Json(404, answer.clone()));
            let (resource, object) = config_map();
            let (client, id) = (cluster.client(), object.id());
            assert!(get(client, &resource, &id).await.unwrap_err().is_not_found());
            assert!(delete(client, &resource, &id, "u1", "7").await.unwrap_err().is_not_found());
        }
    }

    #[tokio::test]
    async fn an_error_is_told_by_the_servers_own_words() {
        let typing =
            "failed to create typed patch object (apps/a; /v1, Kind=ConfigMap): .dat: field not declared in schema";
        for (code, reason, message, classes) in [
            (403, "Forbidden", "configmaps \"a\" is forbidden", "forbidden"),
            (404, "NotFound", "namespaces \"apps\" not found", "not found"),
            (409, "Conflict", "Apply failed with 1 conflict", "conflict"),
            (409, "AlreadyExists", "configmaps \"a\" already exists", "exists"),
            (410, "Expired", "The provided continue parameter is too old", "expired"),
            (422, "Invalid", "ConfigMap \"a\" is invalid", "invalid"),
            (429, "TooManyRequests", "storage is (re)initializing", "transient"),
            (500, "", typing, ""),
            (503, "ServiceUnavailable", "unavailable", "transient"),
        ] {
            let (cluster, _) = mock::cluster(move |_| refused(code, reason, message));
            let (resource, object) = config_map();
            let error = apply(cluster.client(), &resource, &object, "m", true).await.unwrap_err();
            let is = [
                (error.is_forbidden(), "forbidden"),
                (error.is_not_found(), "not found"),
                (error.is_conflict(), "conflict"),
                (error.is_already_exists(), "exists"),
                (error.is_expired(), "expired"),
                (error.is_invalid(), "invalid"),
                (error.is_transient(), "transient"),
            ];
            let is: Vec<_> = is.iter().filter_map(|(is, class)| is.then_some(*class)).collect();
            assert_eq!((is.join(" ").as_str(), error.message().as_str()), (classes, message));
            assert_eq!(error.to_string(), "cannot apply ConfigMap/apps/a");
        }
    }

    #[tokio::test]
    async fn no_answer_and_an_answer_that_is_no_status_are_told_too() {
        let (resource, object) = config_map();
        let (cluster, _) = mock::cluster(|_| Reply::Refused);
        let error = get(cluster.client(), &resource, &object.id()).await.unwrap_err();
        assert!(error.is_transient() && error.message().contains("connection refused"), "{}", error.message());
        let (cluster, _) = mock::cluster(|_| Reply::Json(502, json!("bad gateway")));
        let error = get(cluster.client(), &resource, &object.id()).await.unwrap_err();
        assert!(error.is_transient() && error.message().contains("bad gateway"), "{}", error.message());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answers_is_given_up() {
        let (resource, object) = config_map();
        let (cluster, _) = mock::cluster(|_| Reply::Never);
        let error = get(cluster.client(), &resource, &object.id()).await.unwrap_err();
        assert!(error.is_transient(), "{}", error.message());
    }
}
