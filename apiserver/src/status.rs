//! Answers that say no, in kube-apiserver's words (apimachinery's `errors` package).

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use thalweg_schema::Resource;

/// A `Status` of the API: why a request was refused, or that it was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The HTTP status code.
    pub code: u16,
    /// The reason that programs read, such as `NotFound`; empty for a success.
    pub reason: Cow<'static, str>,
    /// What a person reads.
    pub message: String,
    /// What it is about.
    pub details: Option<Box<Details>>,
    /// Texts of `Warning` headers.
    pub(crate) warnings: Vec<String>,
    /// The token with which an expired list may go on, not consistently.
    pub continue_token: String,
}

/// What a [`Status`] is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// The name of the object.
    pub name: String,
    /// The API group.
    pub group: String,
    /// The kind or, in most answers, the plural.
    pub kind: String,
    /// The uid of the object.
    pub uid: String,
    /// What is wrong, field by field.
    pub causes: Vec<Cause>,
    /// When to ask again.
    pub retry_after_seconds: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// Such as `FieldValueInvalid`.
    pub reason: Cow<'static, str>,
    /// What a person reads.
    pub message: String,
    /// The path of the field.
    pub field: String,
}

impl Status {
    /// A refusal without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: Cow::Borrowed(reason),
            message: message.into(),
            details: None,
            warnings: Vec::new(),
            continue_token: String::new(),
        }
    }

    /// Names the object.
    pub(crate) fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.details = Some(Box::new(Details {
            name: name.to_owned(),
            group: resource.group.clone(),
            kind: resource.plural.clone(),
            ..Details::default()
        }));
        self
    }

    /// 404: there is no such object.
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified())).about(resource, name)
    }

    /// 409: there is such an object already.
    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    /// 409: the object is not what the caller thinks.
    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 403: not allowed.
    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let subject =
            if name.is_empty() { resource.qualified() } else { format!("{} \"{name}\"", resource.qualified()) };
        Self::new(403, "Forbidden", format!("{subject} is forbidden: {why}")).about(resource, name)
    }

    /// 400: the request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401: nobody we know.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 405: this cannot be done here.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).with_details()
    }

    /// 404: there is no such path.
    pub fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with_details()
    }

    fn with_details(self) -> Self {
        Self { details: Some(Box::default()), ..self }
    }

    /// 200: it was done.
    pub fn success(details: Details) -> Self {
        Self { details: Some(Box::new(details)), ..Self::new(200, "", "") }
    }

    /// 422: the parameters of a request are wrong, which are of this kind (`CreateOptions`).
    pub fn invalid_options(kind: &str, causes: Vec<Cause>) -> Self {
        Self::invalid("meta.k8s.io", kind, "", causes)
    }

    /// 504: a resourceVersion that is not reached yet.
    pub fn too_large_resource_version(wanted: u64, current: u64) -> Self {
        let cause = Cause::new("ResourceVersionTooLarge", "", "Too large resource version");
        let details = Details { causes: vec![cause], retry_after_seconds: 1, ..Details::default() };
        let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
        Self { details: Some(Box::new(details)), ..Self::new(504, "Timeout", message) }
    }

    /// 413: a body that is too large.
    pub fn too_large(bytes_max: usize) -> Self {
        let message = format!("Request entity too large: limit is {bytes_max}");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// 406: none of the formats that the caller accepts.
    pub fn not_acceptable(supported: &str) -> Self {
        let message = format!("only the following media types are accepted: {supported}");
        Self::new(406, "NotAcceptable", message)
    }

    /// 410: the past that is asked for is no longer known.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 415: a format that is not read here.
    pub fn unsupported_media_type(supported: &str) -> Self {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {supported}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 422: fields are wrong. The kind and its group are named as they stand in the object.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut texts: Vec<String> = Vec::new();
        for cause in &causes {
            let text = if cause.field.is_empty() {
                cause.message.clone()
            } else {
                format!("{}: {}", cause.field, cause.message)
            };
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = match texts.as_slice() {
            [only] => only.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let details =
            Details { name: name.into(), group: group.into(), kind: kind.into(), causes, ..Details::default() };
        let message = format!("{qualified} \"{name}\" is invalid: {list}");
        Self { details: Some(Box::new(details)), ..Self::new(422, "Invalid", message) }
    }

    /// Whether something was done.
    pub fn is_success(&self) -> bool {
        self.code < 400
    }

    /// The object that goes over the wire.
    pub fn to_value(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": if self.is_success() { "Success" } else { "Failure" },
        });
        if !self.continue_token.is_empty() {
            body["metadata"]["continue"] = self.continue_token.as_str().into();
        }
        let map = body.as_object_mut().expect("the object above");
        if !self.message.is_empty() {
            map.insert("message".into(), self.message.clone().into());
        }
        if !self.reason.is_empty() {
            map.insert("reason".into(), self.reason.clone().into());
        }
        if let Some(details) = &self.details {
            map.insert("details".into(), details.to_value());
        }
        if !self.is_success() {
            map.insert("code".into(), self.code.into());
        }
        body
    }
}

impl Details {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                map.insert(key.into(), text.as_str().into());
            }
        }
        if !self.causes.is_empty() {
            map.insert("causes".into(), self.causes.iter().map(Cause::to_value).collect());
        }
        if self.retry_after_seconds > 0 {
            map.insert("retryAfterSeconds".into(), self.retry_after_seconds.into());
        }
        Value::Object(map)
    }
}

impl Cause {
    /// A value that is wrong: `Invalid value: "x": why`. The value as Go prints it, texts in quotes.
    pub fn invalid(field: &str, value: &str, why: &str) -> Self {
        Self::new("FieldValueInvalid", field, format!("Invalid value: {value}: {why}"))
    }

    /// A value that is missing.
    pub fn required(field: &str, why: &str) -> Self {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self::new("FieldValueRequired", field, message)
    }

    /// A value that may not be there.
    pub fn forbidden(field: &str, why: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {why}"))
    }

    /// A value that is none of those that there are. The value as Go prints it, texts in quotes.
    pub fn not_supported(field: &str, value: &str, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self::new("FieldValueNotSupported", field, message)
    }

    /// A field and what is wrong with it.
    pub fn new(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: Cow::Borrowed(reason), message: message.into(), field: field.into() }
    }

    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("reason", self.reason.as_ref()), ("message", &self.message), ("field", &self.field)] {
            if !text.is_empty() {
                map.insert(key.into(), text.into());
            }
        }
        Value::Object(map)
    }
}
