//! Acting as a service account: an identity that cannot be empty, and the header that carries it.
//!
//! Where a name may be empty, a client may leave the header out, and the request runs with the controller's own rights.
//! Here the header's value exists before the client does, and no request passes without it.

use std::fmt;

use http::{HeaderName, HeaderValue, Request};
use kube::client::Body;

/// A service account to act as; prints as its user name, `system:serviceaccount:<namespace>:<name>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAccount {
    namespace: String,
    name: String,
}

/// Texts that do not name a service account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{namespace:?}/{name:?} does not name a service account")]
pub struct InvalidServiceAccount {
    namespace: String,
    name: String,
}

impl ServiceAccount {
    /// The service account `name` in `namespace`; refuses what cannot be the name of one, the empty name first of all.
    pub fn new(namespace: &str, name: &str) -> Result<Self, InvalidServiceAccount> {
        let valid = is_label(namespace) && name.len() <= 253 && name.split('.').all(is_label_of_any_length);
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        if valid { Ok(Self { namespace, name }) } else { Err(InvalidServiceAccount { namespace, name }) }
    }

    /// `system:serviceaccount:<namespace>:<name>`. The API server adds the groups of service accounts by itself.
    pub fn user_name(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.user_name()).expect("DNS names are visible ASCII")
    }
}

impl fmt::Display for ServiceAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.user_name())
    }
}

/// The request as `user` sends it: whatever identity it named before is gone.
pub(crate) fn act_as(user: &HeaderValue, mut request: Request<Body>) -> Request<Body> {
    let headers = request.headers_mut();
    let named: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("impersonate-")).cloned().collect();
    for name in named {
        headers.remove(name);
    }
    headers.insert(HeaderName::from_static("impersonate-user"), user.clone());
    request
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().all(inner) && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchParams};
    use kube::core::ApiResource;
    use serde_json::json;
    use thalweg_manifest::Object;

    use super::*;
    use crate::mock::{self, Reply, closed};
    use crate::{Resource, requests};

    #[test]
    fn a_service_account_without_a_name_cannot_be_made() {
        for (namespace, name) in [
            ("", ""),
            ("apps", ""),
            ("", "deployer"),
            (" ", "deployer"),
            ("apps", " "),
            ("apps", "a b"),
            ("apps", "a:b"),
            ("apps", "a\nImpersonate-Group: system:masters"),
            ("apps:x", "a"),
            ("Apps", "a"),
            ("apps", "-a"),
            ("apps", "a..b"),
            ("apps.x", "a"),
            ("apps", "ä"),
        ] {
            assert!(ServiceAccount::new(namespace, name).is_err(), "{namespace:?}/{name:?}");
        }
        let account = ServiceAccount::new("apps", "flux.applier-1").unwrap();
        assert_eq!(account.user_name(), "system:serviceaccount:apps:flux.applier-1");
    }

    #[tokio::test]
    async fn every_request_of_an_impersonating_client_names_its_user_exactly_once() {
        let (cluster, log) = mock::cluster(|asked| match asked.is_watch() {
            true => closed(&[]),
            false => Reply::Json(200, json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}, "items": []})),
        });
        let client = cluster.impersonating(&ServiceAccount::new("apps", "deployer").unwrap());
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "apps"}});
        let object = Object::from_json(object).unwrap();
        let resource = Resource { api: ApiResource::erase::<ConfigMap>(&()), namespaced: true };
        let id = object.id();

        requests::dry_run_apply(&client, &resource, &object, "m", true).await.unwrap();
        requests::apply(&client, &resource, &object, "m", true).await.unwrap();
        requests::get(&client, &resource, &id).await.unwrap();
        requests::get_metadata(&client, &resource, &id).await.unwrap();
        requests::delete(&client, &resource, &id, "u", "1").await.unwrap();
        requests::patch_status(&client, &resource, &id, "1", &json!({}), "m").await.unwrap();
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), "apps");
        api.get("a").await.unwrap();
        api.list(&ListParams::default()).await.unwrap();
        api.create(&PostParams::default(), &ConfigMap::default()).await.unwrap();
        api.patch("a", &PatchParams::default(), &Patch::Merge(json!({}))).await.unwrap();
        api.watch(&WatchParams::default(), "0").await.unwrap().try_collect::<Vec<_>>().await.unwrap();
        client.apiserver_version().await.unwrap();
        let forged = Request::get("/version")
            .header("impersonate-user", "system:admin")
            .header("impersonate-user", "")
            .header("Impersonate-Group", "system:masters")
            .header("Impersonate-Extra-Scopes", "all")
            .header("Impersonate-Uid", "1");
        client.request_text(forged.body(Vec::new()).unwrap()).await.unwrap();

        let log = log.lock().unwrap();
        assert_eq!(log.len(), 13);
        for asked in log.iter() {
            let named: Vec<_> =
                asked.headers.iter().filter(|(name, _)| name.as_str().starts_with("impersonate")).collect();
            assert_eq!(named.len(), 1, "{} {}", asked.method, asked.path);
            assert_eq!(named[0].0, "impersonate-user");
            assert_eq!(named[0].1, "system:serviceaccount:apps:deployer");
        }
    }

    #[tokio::test]
    async fn our_own_client_names_nobody() {
        let (cluster, log) = mock::cluster(|_| Reply::Json(200, json!({})));
        let _other = cluster.impersonating(&ServiceAccount::new("apps", "deployer").unwrap());
        cluster.client().request_text(Request::get("/version").body(Vec::new()).unwrap()).await.unwrap();
        assert!(!log.lock().unwrap()[0].headers.contains_key("impersonate-user"));
    }
}
