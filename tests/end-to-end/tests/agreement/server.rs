//! A server that is asked: the real one or the embedded one.

use http::{Request, header};
use http_body_util::BodyExt;
use kube::Client;
use serde_json::Value;

use crate::step::Sent;

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
