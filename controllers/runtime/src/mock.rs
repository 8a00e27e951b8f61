//! An API server in a closure, for the tests of this crate.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::client::Body;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Value,
}

/// A client of `answer`, which gives a status code and a body, and the calls that it will have made.
pub(crate) fn api_server<F, A>(answer: F) -> (kube::Client, Arc<Mutex<Vec<Call>>>)
where
    F: Fn(Call) -> A + Send + Sync + 'static,
    A: Future<Output = (u16, Value)> + Send + 'static,
{
    let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
    let (made, answer) = (calls.clone(), Arc::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (made, answer) = (made.clone(), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            let call = Call {
                method: parts.method,
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                body: serde_json::from_slice(&body).unwrap_or_default(),
            };
            made.lock().unwrap().push(call.clone());
            let (code, body) = answer(call).await;
            let body = serde_json::to_vec(&body).unwrap();
            Ok::<_, Infallible>(Response::builder().status(code).body(Body::from(body)).unwrap())
        }
    });
    (kube::Client::new(service, "default"), calls)
}

/// The ConfigMaps of the namespace `apps`, untyped.
pub(crate) fn maps(client: kube::Client) -> Api<DynamicObject> {
    Api::namespaced_with(client, "apps", &ApiResource::erase::<ConfigMap>(&()))
}

/// An object of them.
pub(crate) fn object(content: Value) -> DynamicObject {
    serde_json::from_value(content).unwrap()
}

/// The body of an error.
pub(crate) fn refused(code: u16, reason: &str) -> (u16, Value) {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason,
    });
    (code, status)
}
