//! A request's path, query and headers → what is asked.

use std::fmt;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::auth::{Attributes, User};
use crate::registry::Served;
use crate::table::View;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read many.
    List,
    /// Be told of changes.
    Watch,
    /// Make an object.
    Create,
    /// Replace an object.
    Update,
    /// Change an object.
    Patch,
    /// Delete an object.
    Delete,
    /// Delete many.
    DeleteCollection,
}

impl Verb {
    /// The word that RBAC, discovery and audit logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Patch => "patch",
            Verb::Delete => "delete",
            Verb::DeleteCollection => "deletecollection",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// The path began with `watch/`, the old way to ask for a watch.
    pub(crate) watched: bool,
}

impl Target {
    /// Reads a path under `/api/v1/` or `/apis/GROUP/VERSION/` that goes on after the version; `None` for any other path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/').filter(|part| !part.is_empty()).map(decode);
        let group = match parts.next()?.as_str() {
            "api" => String::new(),
            "apis" => parts.next()?,
            _ => return None,
        };
        let version = parts.next()?;
        let mut rest: Vec<String> = parts.collect();
        let watched = rest.first().is_some_and(|part| part == "watch");
        if watched {
            rest.remove(0);
        }
        let namespaced = rest.first().is_some_and(|part| part == "namespaces") && rest.len() > 2;
        let of_namespace =
            namespaced && group.is_empty() && matches!(rest[2].as_str(), "status" | "finalize") && rest.len() == 3;
        let mut target = Self { group, version, watched, ..Self::default() };
        if namespaced && !of_namespace {
            target.namespace = rest.remove(1);
            rest.remove(0);
        }
        let mut rest = rest.into_iter();
        target.plural = rest.next()?;
        target.name = rest.next().unwrap_or_default();
        target.subresource = rest.collect::<Vec<_>>().join("/");
        Some(target)
    }

    /// Whether it is one namespace, or a part of it.
    pub(crate) fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.plural == "namespaces" && !self.name.is_empty()
    }

    /// What a method means here.
    pub(crate) fn verb(&self, method: &Method, query: &Query) -> Option<Verb> {
        let one = !self.name.is_empty();
        Some(match *method {
            Method::GET if self.watched || query.flag("watch") && (!one || self.subresource.is_empty()) => Verb::Watch,
            Method::GET if one => Verb::Get,
            Method::GET => Verb::List,
            Method::POST => Verb::Create,
            Method::PUT => Verb::Update,
            Method::PATCH => Verb::Patch,
            Method::DELETE if one => Verb::Delete,
            Method::DELETE => Verb::DeleteCollection,
            _ => return None,
        })
    }
}

/// The parameters of a request, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(pub(crate) Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| decode(&text.replace('+', " "));
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decode(key), decode(value)))
                .collect(),
        )
    }

    /// The first value of a parameter; empty when it is not given.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Whether a parameter is given and true, as apimachinery reads booleans: anything but `false` and `0`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.iter().any(|(key, value)| key == name && !matches!(value.to_lowercase().as_str(), "false" | "0"))
    }
}

/// A request that names a kind we serve.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) verb: Verb,
    pub(crate) served: Served,
    /// Empty for a kind without namespaces, and for all namespaces.
    pub(crate) namespace: String,
    /// Empty when many are meant.
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) query: Query,
    pub(crate) payload: Payload,
    pub(crate) view: View,
    pub(crate) user: User,
    pub(crate) user_agent: String,
}

impl Call {
    /// Whether nothing is to be written.
    pub(crate) fn dry_run(&self) -> bool {
        self.query.has("dryRun")
    }

    /// The path and the query that a client would send.
    pub(crate) fn uri(&self) -> String {
        let root = if self.served.group.is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{}", self.served.api_version())
        };
        let namespace =
            if self.namespace.is_empty() { String::new() } else { format!("/namespaces/{}", self.namespace) };
        let rest = [&self.served.plural, &self.name, &self.subresource];
        let rest: String = rest.into_iter().filter(|part| !part.is_empty()).map(|part| format!("/{part}")).collect();
        let query: Vec<String> = self.query.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{root}{namespace}{rest}{mark}{}", query.join("&"))
    }

    /// What authorization is asked about, under another verb.
    pub(crate) fn attributes_as<'a>(&'a self, verb: &'a str) -> Attributes<'a> {
        Attributes {
            verb,
            group: &self.served.group,
            plural: &self.served.plural,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            path: "",
        }
    }
}

impl Payload {
    /// The media type, with its parameters; empty when it is not given.
    pub(crate) fn media_type(&self) -> &str {
        match self {
            Payload::Empty => "",
            Payload::Raw(media, _) => media,
            Payload::Read(media, _) => media,
        }
    }
}

/// The body of a request.
#[derive(Clone, Debug, Default)]
pub(crate) enum Payload {
    /// There is none.
    #[default]
    Empty,
    /// As it came, with its media type.
    Raw(String, Bytes),
    /// Already read, with the media type it would have had.
    Read(&'static str, Value),
}

/// Undoes percent-encoding; what is not encoded well stays.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match escaped.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_kinds_and_objects() {
        let check = |path: &str, expected: Option<[&str; 6]>| {
            let found = Target::parse(path);
            let found = found.as_ref().map(|target| {
                [&target.group, &target.version, &target.plural, &target.namespace, &target.name, &target.subresource]
                    .map(String::as_str)
            });
            assert_eq!(found, expected, "{path}");
        };
        check("/api/v1/pods", Some(["", "v1", "pods", "", "", ""]));
        check("/api/v1/namespaces/a/pods/b/status", Some(["", "v1", "pods", "a", "b", "status"]));
        check("/api/v1/namespaces/a", Some(["", "v1", "namespaces", "", "a", ""]));
        check("/api/v1/namespaces/a/finalize", Some(["", "v1", "namespaces", "", "a", "finalize"]));
        check("/api/v1/namespaces", Some(["", "v1", "namespaces", "", "", ""]));
        check("/apis/apps/v1/namespaces/a/deployments/", Some(["apps", "v1", "deployments", "a", "", ""]));
        check("/apis/g/v1/namespaces/a/widgets/b%20c", Some(["g", "v1", "widgets", "a", "b c", ""]));
        check("/api/v1/watch/namespaces/a/pods", Some(["", "v1", "pods", "a", "", ""]));
        check("/api/v1", None);
        check("/apis/apps/v1", None);
        check("/version", None);
    }
}
