//! A server that is asked: the real one or the embedded one.

use std::time::Duration;

use anyhow::Result;
use http::{Request, header};
use http_body_util::BodyExt;
use kube::Client;
use serde_json::Value;
use thalweg_harness::observe;

use crate::ground::sent;
use crate::step::Sent;

/// How long a new kind may take to be served.
const LIMIT: Duration = Duration::from_secs(30);

/// The name by which both servers know who asks.
pub(crate) const USER_AGENT: &str = "agreement/1";

/// One of the two servers.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) client: Client,
}

/// What a server said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Texts of `Warning` headers.
    pub(crate) warnings: Vec<String>,
    /// The body; of a watch, the list of its events.
    pub(crate) body: Value,
}

impl Server {
    /// Waits until a definition is established and each served version of its kind answers a list: Established is said a
    /// little before that.
    pub(crate) async fn until_served(&self, name: &str, spec: &Value) -> Result<()> {
        let definition = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        let (group, plural) = (&spec["group"], &spec["names"]["plural"]);
        let served = spec["versions"].as_array().into_iter().flatten().filter(|version| version["served"] == true);
        let lists = served.map(|version| format!("/apis/{group}/{}/{plural}", version["name"]).replace('"', ""));
        let lists: Vec<String> = lists.collect();
        observe(LIMIT, &format!("{name} is served"), || async {
            let answer = self.ask(&sent("GET", &definition, &Value::Null)).await;
            let conditions = answer.body["status"]["conditions"].as_array().cloned().unwrap_or_default();
            if !conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True") {
                return Err(answer.body["status"].to_string());
            }
            for list in &lists {
                let answer = self.ask(&sent("GET", list, &Value::Null)).await;
                if answer.status != 200 {
                    return Err(format!("{list}: {} {}", answer.status, answer.body));
                }
            }
            Ok(())
        })
        .await
    }

    /// Asks, and waits for the whole answer.
    pub(crate) async fn ask(&self, sent: &Sent) -> Answer {
        let mut request =
            Request::builder().method(sent.method.as_str()).uri(&sent.uri).header(header::USER_AGENT, USER_AGENT);
        if !sent.headers.contains_key("accept") {
            request = request.header(header::ACCEPT, "application/json");
        }
        if !sent.content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, &sent.content_type);
        }
        for (name, value) in &sent.headers {
            request = request.header(name, value);
        }
        let request = request.body(kube::client::Body::from(sent.body.clone().into_bytes())).unwrap();
        let response = match self.client.send(request).await {
            Ok(response) => response,
            Err(error) => return Answer { status: 0, body: Value::from(error.to_string()), ..Answer::default() },
        };
        let status = response.status().as_u16();
        let warnings = response.headers().get_all("warning").iter();
        let warnings = warnings.filter_map(|value| value.to_str().ok()).map(String::from).collect();
        let bytes = match response.into_body().collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) => return Answer { status, warnings, body: Value::from(error.to_string()) },
        };
        Answer { status, warnings, body: read(&bytes) }
    }
}

/// JSON, or a list of JSON texts, or a text.
fn read(bytes: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return value;
    }
    let events: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(bytes).into_iter().collect();
    events.map(Value::Array).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}
