//! Requests, named by what they do to which object.

use std::fmt;
use std::str::FromStr;

use http::header::CONTENT_TYPE;
use http::{Method, Request};

use super::Fault;

/// One request of a run: what it does to which object, for the how-manieth time. `apply configmaps/a 1`.
///
/// Lists, watches, discovery, Leases and Events have none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// `VERB RESOURCE/NAME`.
    pub call: String,
    /// From 1.
    pub nth: usize,
}

/// On which side of a request a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The request is not sent.
    Before,
    /// The server has carried it out and answered.
    After,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Before, Self::After];

    /// The end of the program on this side.
    pub fn end(self) -> Fault {
        match self {
            Self::Before => Fault::EndBefore,
            Self::After => Fault::EndAfter,
        }
    }
}

/// Where a program ends. Prints and parses as `before/apply configmaps/a 1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// On which side.
    pub side: Side,
    /// Of which request.
    pub label: Label,
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.call, self.nth)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Before => "before",
            Side::After => "after",
        };
        write!(formatter, "{side}/{}", self.label)
    }
}

impl FromStr for Point {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let wrong = || anyhow::anyhow!("a crash point is `before/VERB RESOURCE/NAME NTH` or `after/…`, not {text:?}");
        let (side, label) = text.split_once('/').ok_or_else(wrong)?;
        let (call, nth) = label.rsplit_once(' ').ok_or_else(wrong)?;
        let side = match side {
            "before" => Side::Before,
            "after" => Side::After,
            _ => return Err(wrong()),
        };
        let label = Label { call: call.to_owned(), nth: nth.parse().map_err(|_| wrong())? };
        Ok(Point { side, label })
    }
}

/// `VERB RESOURCE/NAME`, if the request has a label. `namespace` is left out of names that hold it.
pub(super) fn call<B>(request: &Request<B>, namespace: &str) -> Option<String> {
    let uri = request.uri();
    let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
    let rest = match segments.as_slice() {
        ["api", _version, rest @ ..] | ["apis", _, _version, rest @ ..] => rest,
        _ => return None,
    };
    let (resource, name, subresource) = match rest {
        ["namespaces", _, resource, rest @ ..] if !matches!(*resource, "status" | "finalize") => {
            (*resource, rest.first(), rest.get(1))
        }
        [resource, rest @ ..] => (*resource, rest.first(), rest.get(1)),
        [] => return None,
    };
    if matches!(resource, "leases" | "events") {
        return None;
    }
    let is_dry_run = uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("dryRun=")));
    let is_apply = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/apply-patch+yaml");
    let verb = match (request.method(), name, subresource) {
        (&Method::GET, None, _) => return None,
        (&Method::GET, Some(_), _) => "get",
        _ if is_dry_run => "dry-run",
        (&Method::POST, ..) => "create",
        (&Method::PUT, ..) => "update",
        (&Method::PATCH, ..) if is_apply => "apply",
        (&Method::PATCH, _, Some(&"status")) => "patch-status",
        (&Method::PATCH, ..) => "patch",
        (&Method::DELETE, ..) => "delete",
        (method, ..) => method.as_str(),
    };
    let name = name.copied().unwrap_or_default();
    let name = if namespace.is_empty() { name.to_owned() } else { name.replace(namespace, "NAMESPACE") };
    Some(format!("{verb} {resource}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_by_what_it_does_to_which_object() {
        let check = |method: &str, uri: &str, content: &str, expected: Option<&str>| {
            let request = Request::builder().method(method).uri(uri).header(CONTENT_TYPE, content).body(());
            assert_eq!(call(&request.unwrap(), "here").as_deref(), expected, "{method} {uri}");
        };
        let (apply, merge) = ("application/apply-patch+yaml", "application/merge-patch+json");
        let kustomization = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/here/kustomizations/apps";
        check("PATCH", "/api/v1/namespaces/here/configmaps/a?force=true", apply, Some("apply configmaps/a"));
        check("PATCH", "/api/v1/namespaces/here/configmaps/a?dryRun=All", apply, Some("dry-run configmaps/a"));
        check("PATCH", kustomization, merge, Some("patch kustomizations/apps"));
        check("PATCH", &format!("{kustomization}/status"), merge, Some("patch-status kustomizations/apps"));
        check("DELETE", "/api/v1/namespaces/here/secrets/a", "", Some("delete secrets/a"));
        check("GET", "/api/v1/namespaces/here", "", Some("get namespaces/NAMESPACE"));
        let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/here-reader";
        check("GET", role, "", Some("get clusterroles/NAMESPACE-reader"));
        for unnamed in ["/api", "/apis/apps/v1", "/api/v1/configmaps?watch=true", "/api/v1/namespaces/here/configmaps"]
        {
            check("GET", unnamed, "", None);
        }
        check("POST", "/apis/events.k8s.io/v1/namespaces/here/events", "", None);
        check("PATCH", "/apis/coordination.k8s.io/v1/namespaces/here/leases/a", merge, None);
    }

    #[test]
    fn a_point_prints_and_parses_alike() {
        for text in ["before/apply configmaps/a 1", "after/patch-status kustomizations/apps 12"] {
            assert_eq!(text.parse::<Point>().unwrap().to_string(), text);
        }
        assert!("during/apply configmaps/a 1".parse::<Point>().is_err());
    }
}
