//! What an API server was asked, from its audit log, counted as the budgets count.
//!
//! Counted is every request except watches and the list that opens them, discovery, Leases and Events.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

/// The audit log of a control plane.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
}

/// A moment in an audit log.
///
/// An API server logs a request after the object that it wrote can be read, so a request that was made before the moment
/// can have its line after it. The time tells them apart; both processes read one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditMark {
    /// How long the log was, in bytes.
    length: u64,
    time: Timestamp,
}

/// One request to an API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// Who was authenticated.
    pub user: String,
    /// Whom they acted as.
    pub impersonated: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// API group of the object; empty for the core group.
    pub group: String,
    /// Plural of the object's kind; empty for a request about no object.
    pub resource: String,
    /// Such as `status`.
    pub subresource: String,
    /// Namespace of the object; empty for none.
    pub namespace: String,
    /// Name of the object; empty when the request names none.
    pub name: String,
    /// HTTP status of the answer.
    pub code: u16,
    /// `ResponseStarted` for a watch that began, `ResponseComplete` for all that ended.
    stage: String,
    received: Timestamp,
}

/// Requests in the order in which they were answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests(pub Vec<Request>);

impl AuditLog {
    /// The log in this file, which an API server writes.
    pub fn at(path: impl Into<PathBuf>) -> AuditLog {
        AuditLog { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Now: what is asked later is after it.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn mark(&self) -> Result<AuditMark> {
        let metadata = std::fs::metadata(&self.path);
        let metadata = metadata.with_context(|| format!("looking at the audit log {}", self.path.display()))?;
        Ok(AuditMark { length: metadata.len(), time: Timestamp::now() })
    }

    /// All requests made since `mark` that were answered.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn since(&self, mark: AuditMark) -> Result<Requests> {
        let reading = || format!("reading the audit log {}", self.path.display());
        let mut file = File::open(&self.path).with_context(reading)?;
        // A line that was in writing when the mark was made is not after it: begin behind the next line break.
        file.seek(SeekFrom::Start(mark.length.saturating_sub(1))).with_context(reading)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(reading)?;
        let text = String::from_utf8_lossy(&text);
        let text = if mark.length == 0 { &*text } else { text.split_once('\n').map_or("", |(_, after)| after) };
        // The last line may still be in writing: it has no end then.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut requests = whole.lines().map(Request::parse).collect::<Result<Vec<_>>>()?;
        requests.retain(|request| request.received >= mark.time);
        Ok(Requests(requests))
    }

    /// The requests since `mark` that a budget counts, of the clients that `by` chooses.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn counted_since(&self, mark: AuditMark, by: impl Fn(&Request) -> bool) -> Result<Requests> {
        let Requests(all) = self.since(mark)?;
        Ok(counted(all.into_iter().filter(|request| by(request)).collect()))
    }
}

/// The requests that a budget counts.
///
/// A list opens a watch, and is not counted, when the same client watches the same path and selectors afterwards and
/// did not list them again in between; the further pages of such a list are not counted either.
pub fn counted(requests: Vec<Request>) -> Requests {
    let mut opening: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut free = vec![false; requests.len()];
    for (index, request) in requests.iter().enumerate() {
        free[index] = request.is_never_counted();
        match request.verb.as_str() {
            "list" if request.query("continue").is_some() => opening.entry(request.scope()).or_default().push(index),
            "list" => drop(opening.insert(request.scope(), vec![index])),
            "watch" => opening.remove(&request.scope()).into_iter().flatten().for_each(|list| free[list] = true),
            _ => {}
        }
    }
    let kept = requests.into_iter().zip(free).filter(|(_, free)| !free).map(|(request, _)| request);
    Requests(kept.collect())
}

impl Requests {
    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Those that `choose` chooses.
    #[must_use]
    pub fn matching(&self, choose: impl Fn(&Request) -> bool) -> Requests {
        Requests(self.0.iter().filter(|request| choose(request)).cloned().collect())
    }
}

impl fmt::Display for Requests {
    /// A line a request, for a test's failure message.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} requests", self.0.len())?;
        self.0.iter().try_for_each(|request| {
            writeln!(formatter, "  {} {} -> {} ({})", request.verb, request.uri, request.code, request.user_agent)
        })
    }
}

impl Request {
    /// Changes what is stored, a dry run apart.
    pub fn is_write(&self) -> bool {
        let writes = matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection");
        writes && !self.is_dry_run()
    }

    /// Asks what a write would do.
    pub fn is_dry_run(&self) -> bool {
        self.query("dryRun").is_some()
    }

    /// The value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.uri.split_once('?')?;
        query.split('&').find_map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (pair == name).then_some(""),
        })
    }

    fn path(&self) -> &str {
        self.uri.split_once('?').map_or(&self.uri, |(path, _)| path)
    }

    fn is_never_counted(&self) -> bool {
        let about_an_event = self.resource == "events" && matches!(self.group.as_str(), "" | "events.k8s.io");
        let about_a_lease = self.resource == "leases" && self.group == "coordination.k8s.io";
        let repeats = self.stage == "ResponseStarted";
        self.verb == "watch" || about_an_event || about_a_lease || self.resource.is_empty() || repeats
    }

    /// What a list and the watch that it opens have in common.
    fn scope(&self) -> String {
        let selector = |name| self.query(name).unwrap_or_default();
        let labels = selector("labelSelector");
        format!("{} {} {labels} {} {}", self.user_agent, self.path(), selector("fieldSelector"), self.acting_user())
    }

    fn acting_user(&self) -> &str {
        self.impersonated.as_deref().unwrap_or(&self.user)
    }

    fn parse(line: &str) -> Result<Request> {
        let event: Event = serde_json::from_str(line).with_context(|| format!("reading the audit event {line}"))?;
        let object = event.object_ref.unwrap_or_default();
        Ok(Request {
            verb: event.verb,
            uri: event.request_uri,
            user: event.user.username,
            impersonated: event.impersonated_user.map(|user| user.username),
            user_agent: event.user_agent,
            group: object.api_group,
            resource: object.resource,
            subresource: object.subresource,
            namespace: object.namespace,
            name: object.name,
            code: event.response_status.map_or(0, |status| status.code),
            stage: event.stage,
            received: event.request_received_timestamp,
        })
    }
}

/// `audit.k8s.io/v1` Event, as much of it as is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    request_received_timestamp: Timestamp,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: User,
    impersonated_user: Option<User>,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<ObjectReference>,
    response_status: Option<ResponseStatus>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ObjectReference {
    resource: String,
    namespace: String,
    name: String,
    api_group: String,
    subresource: String,
}

#[derive(Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "/api/v1/namespaces/a/configmaps";

    /// A log line, from `verb uri [group/]resource`.
    fn line(short: &str) -> String {
        let [verb, uri, resource] = short.split(' ').collect::<Vec<_>>()[..] else { panic!("three words: {short}") };
        let (group, resource) = resource.split_once('/').unwrap_or(("", resource));
        let object = serde_json::json!({"resource": resource, "namespace": "a", "name": "x", "apiGroup": group});
        serde_json::json!({
            "kind": "Event", "stage": "ResponseComplete", "requestURI": uri, "verb": verb, "userAgent": "thalweg/0.1",
            "user": {"username": "admin"}, "objectRef": if resource == "-" { serde_json::Value::Null } else { object },
            "responseStatus": {"code": 200}, "requestReceivedTimestamp": Timestamp::now(),
        })
        .to_string()
    }

    fn check(log: &[&str], expected: &[&str]) {
        let requests = log.iter().map(|short| Request::parse(&line(short)).unwrap()).collect();
        let kept: Vec<_> =
            counted(requests).0.into_iter().map(|request| format!("{} {}", request.verb, request.uri)).collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn watches_discovery_leases_and_events_are_not_counted() {
        check(
            &[
                "get /apis -",
                "get /api/v1 -",
                "watch /api/v1/configmaps?watch=true configmaps",
                "patch /apis/coordination.k8s.io/v1/namespaces/a/leases/x coordination.k8s.io/leases",
                "create /api/v1/namespaces/a/events events",
                "create /apis/events.k8s.io/v1/namespaces/a/events events.k8s.io/events",
                "get /api/v1/namespaces/a/configmaps/x configmaps",
                "patch /api/v1/namespaces/a/configmaps/x?dryRun=All configmaps",
            ],
            &["get /api/v1/namespaces/a/configmaps/x", "patch /api/v1/namespaces/a/configmaps/x?dryRun=All"],
        );
    }

    #[test]
    fn the_list_that_opens_a_watch_is_not_counted_and_any_other_is() {
        let with = |verb: &str, query: &str| format!("{verb} {MAPS}?{query} configmaps");
        check(
            &[
                &with("list", "limit=500"),
                &with("list", "limit=500&labelSelector=a"),
                &with("list", "limit=500&labelSelector=a&continue=b"),
                &with("watch", "watch=1&labelSelector=a"),
                &with("list", "limit=1&labelSelector=a"),
            ],
            &[&format!("list {MAPS}?limit=500"), &format!("list {MAPS}?limit=1&labelSelector=a")],
        );
    }

    #[test]
    fn a_request_that_was_made_before_the_mark_and_logged_after_it_is_not_after_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = AuditLog::at(file.path());
        let before = line("patch /api/v1/namespaces/a/configmaps/x configmaps");
        let mark = log.mark().unwrap();
        let after = line("get /api/v1/namespaces/a/configmaps/x configmaps");
        std::fs::write(file.path(), format!("{before}\n{after}\n")).unwrap();
        let verbs = log.since(mark).unwrap().0.into_iter().map(|request| request.verb).collect::<Vec<_>>();
        assert_eq!(verbs, ["get"]);
    }

    #[test]
    fn a_line_in_writing_when_the_mark_was_made_is_not_after_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = AuditLog::at(file.path());
        let before = line("patch /api/v1/namespaces/a/configmaps/x configmaps");
        for written in [format!("{before}\n"), before[..20].to_owned(), before.clone()] {
            std::fs::write(file.path(), &written).unwrap();
            let mark = log.mark().unwrap();
            let after = line("get /api/v1/namespaces/a/configmaps/x configmaps");
            std::fs::write(file.path(), format!("{before}\n{after}\n")).unwrap();
            let verbs = log.since(mark).unwrap().0.into_iter().map(|request| request.verb).collect::<Vec<_>>();
            assert_eq!(verbs, ["get"], "{written}");
        }
    }

    #[test]
    fn a_line_in_writing_is_left_for_the_next_look() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = AuditLog::at(file.path());
        let mark = log.mark().unwrap();
        let whole = line("get /api/v1/namespaces/a/configmaps/x configmaps");
        std::fs::write(file.path(), format!("{whole}\n{}", &whole[..20])).unwrap();
        assert_eq!(log.since(mark).unwrap().count(), 1);
        assert_eq!(log.counted_since(mark, |request| request.user == "nobody").unwrap().count(), 0);
    }
}
