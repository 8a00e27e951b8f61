//! What must hold of every run, whatever went wrong: O1–O7 of the hazards, read from the audit trail of an embedded API server.
//! Any test may ask. O1, the same end, compares two worlds and is the test's own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use thalweg_apiserver::audit::Entry;
use thalweg_apiserver::{ApiServer, Loopback, Object, Verb};
use thalweg_crds::{labels, managers};
use thalweg_manifest::ObjectId;

use crate::faults::{Fault, Passed};

/// What makes a loop hot: so many requests about one object in so long.
const HOT_REQUESTS_MAX: usize = 300;
const HOT_WINDOW: Duration = Duration::from_secs(60);

/// How many requests before the one that broke a rule are shown.
const REQUESTS_SHOWN: u64 = 40;

/// The kinds that controllers write here.
const KINDS: [(&str, &str); 14] = [
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "Namespace"),
    ("apps/v1", "Deployment"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("thalweg.dev/v1alpha1", "FluxConfiguration"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
];

/// Objects that look like a Kustomization's own, and are not: uid and resourceVersion of each.
#[derive(Debug)]
pub struct Canaries(BTreeMap<String, (String, String)>);

impl Canaries {
    /// Makes them, with the labels that `owner` (namespace and name) puts on what it applies.
    ///
    /// # Errors
    /// When the server refuses one.
    pub fn make(hands: &Loopback, owner: (&str, &str), lookalikes: Vec<Value>) -> Result<Self> {
        let mut made = BTreeMap::new();
        for mut object in lookalikes {
            object["metadata"]["labels"][labels::KUSTOMIZATION_NAMESPACE] = owner.0.into();
            object["metadata"]["labels"][labels::KUSTOMIZATION_NAME] = owner.1.into();
            let subject = id_of(&object).to_string();
            let object =
                hands.create(object).map_err(|status| anyhow::anyhow!("creating {subject}: {}", status.message))?;
            made.insert(subject, version(object.value()));
        }
        Ok(Self(made))
    }

    /// None was touched.
    ///
    /// # Errors
    /// With those that are there, and those that were.
    pub fn check(&self, server: &ApiServer) -> Result<()> {
        let found: BTreeMap<String, (String, String)> = objects(server)
            .iter()
            .map(|object| (id_of(object.value()).to_string(), version(object.value())))
            .filter(|(id, _)| self.0.contains_key(id))
            .collect();
        ensure!(found == self.0, "canaries are {found:?} and were {:?}", self.0);
        Ok(())
    }
}

/// Every object of the kinds that controllers write.
///
/// # Panics
/// When one of the kinds is not served: what is not seen cannot be judged.
pub fn objects(server: &ApiServer) -> Vec<Arc<Object>> {
    let hands = server.loopback("oracles");
    let list = |(api_version, kind): &(&str, &str)| {
        let listed = hands.list(api_version, kind, "");
        listed.unwrap_or_else(|status| panic!("listing {kind} of {api_version}: {}", status.message))
    };
    KINDS.iter().flat_map(list).collect()
}

/// Zero orphans (O2), at every instant of the run at which a process may have ended: docs/decisions/0003, the invariant.
///
/// # Errors
/// With the first request that broke the rule, and those before it.
pub fn no_orphan_at_any_time(server: &ApiServer) -> Result<()> {
    let mut objects: BTreeMap<String, Value> = BTreeMap::new();
    for entry in writes(&server.audit_since(0)) {
        let Some((id, after)) = outcome(&entry) else { continue };
        match after {
            Some(value) => objects.insert(id, value),
            None => objects.remove(&id),
        };
        check_owners(&objects).with_context(|| format!("after {}", history_until(server, &entry)))?;
    }
    Ok(())
}

/// What a write left of its object: `None` if it is gone.
fn outcome(entry: &Entry) -> Option<(String, Option<Value>)> {
    let object = entry.after.as_ref().or(entry.before.as_ref())?;
    let id = id_of(object.value()).to_string();
    let is_gone = match entry.verb {
        Verb::Delete => entry.after.as_ref().is_none_or(|after| after.value()["metadata"]["finalizers"].is_null()),
        _ => entry.after.as_ref().is_some_and(|after| {
            let metadata = &after.value()["metadata"];
            !metadata["deletionTimestamp"].is_null() && metadata["finalizers"].as_array().is_none_or(Vec::is_empty)
        }),
    };
    Some((id, entry.after.as_ref().filter(|_| !is_gone).map(|after| after.value().clone())))
}

fn check_owners(objects: &BTreeMap<String, Value>) -> Result<()> {
    for (id, object) in objects {
        let metadata = &object["metadata"];
        let label = |key: &str| metadata["labels"][key].as_str().unwrap_or_default();
        let (namespace, name) = (label(labels::KUSTOMIZATION_NAMESPACE), label(labels::KUSTOMIZATION_NAME));
        if name.is_empty() || !is_applied(object) || !metadata["deletionTimestamp"].is_null() {
            continue;
        }
        let owner = ObjectId::new("kustomize.toolkit.fluxcd.io", "Kustomization", namespace, name).to_string();
        let is_known = objects.get(&owner).is_some_and(|owner| inventory(owner).contains(id.as_str()));
        ensure!(is_known, "{id} is in no inventory: its labels name {namespace}/{name}");
    }
    Ok(())
}

fn is_applied(object: &Value) -> bool {
    entries(&object["metadata"]["managedFields"]).any(|entry| {
        entry["manager"] == managers::KUSTOMIZE && entry["operation"] == "Apply" && entry["subresource"].is_null()
    })
}

/// Zero unjustified deletes (O3): each DELETE of a controller has its warrant, and is of an object that may go, by inventory
/// id.
///
/// # Errors
/// With the first request that broke the rule, and those before it.
pub fn deletes_are_justified(server: &ApiServer, may_go: &BTreeSet<String>) -> Result<()> {
    for entry in writes(&server.audit_since(0)) {
        if entry.verb != Verb::Delete || !is_controllers(&entry) {
            continue;
        }
        let Some(before) = &entry.before else { continue };
        let id = id_of(before.value()).to_string();
        let request = entry.request().unwrap_or_default();
        let (uid, resource_version) = version(before.value());
        let preconditions = &request["preconditions"];
        ensure!(preconditions["uid"] == uid.as_str(), "{} without the uid", describe(&entry));
        let is_ours = is_made_by_configuration(before.value());
        if !is_ours {
            let is_live = preconditions["resourceVersion"] == resource_version.as_str();
            ensure!(is_live, "{} without the resourceVersion {resource_version}", describe(&entry));
            ensure!(is_applied(before.value()), "{} of an object that we do not apply", describe(&entry));
            ensure!(may_go.contains(&id), "{} of {id}, which is wanted", describe(&entry));
        }
    }
    Ok(())
}

/// Nothing wanted is deleted since a request: that would be a DELETE on the word of an older revision (I-2).
///
/// # Errors
/// With the first request that broke the rule, and those before it.
pub fn none_deleted(server: &ApiServer, since: u64, wanted: &BTreeSet<String>) -> Result<()> {
    for entry in writes(&server.audit_since(since)).filter(|entry| entry.verb == Verb::Delete) {
        let id = entry.before.as_ref().map(|before| id_of(before.value()).to_string());
        let is_wanted = is_controllers(&entry) && id.is_some_and(|id| wanted.contains(&id));
        ensure!(!is_wanted, "wanted by the newest revision, and deleted: {}", history_until(server, &entry));
    }
    Ok(())
}

fn is_made_by_configuration(object: &Value) -> bool {
    object["metadata"]["labels"].as_object().is_some_and(|labels| labels.contains_key("thalweg.dev/configuration-uid"))
}

/// Zero writes in three intervals (O4).
///
/// # Errors
/// With what was written.
pub async fn stable(server: &ApiServer, interval: Duration) -> Result<()> {
    let before = server.audit_sequence();
    tokio::time::sleep(3 * interval + interval / 2).await;
    let since = server.audit_since(before);
    let written: Vec<String> =
        writes(&since).filter(|entry| is_controllers(entry)).map(|entry| describe(&entry)).collect();
    ensure!(written.is_empty(), "written at rest: {written:?}");
    Ok(())
}

/// No object that was there before and is there in the end has another uid (O5).
///
/// # Errors
/// With the first request that broke the rule, and those before it.
pub fn nothing_made_anew(
    before: &BTreeMap<String, String>,
    server: &ApiServer,
    may_go: &BTreeSet<String>,
) -> Result<()> {
    let now = uids(server);
    for (id, uid) in before.iter().filter(|(id, _)| !may_go.contains(*id)) {
        let is = now.get(id);
        ensure!(is.is_none_or(|is| is == uid), "{id} was {uid} and is {is:?}");
    }
    Ok(())
}

/// The uid of every object, by inventory id.
pub fn uids(server: &ApiServer) -> BTreeMap<String, String> {
    objects(server).iter().map(|object| (id_of(object.value()).to_string(), version(object.value()).0)).collect()
}

/// No secret bytes (O7), plain or in base64, alone or as the password of Git's user: not in an object that is no Secret, not in what was asked or answered about one, and not in `told`,
/// which is everything else that a process says: metrics, events, logs.
///
/// # Errors
/// With where it was found.
pub fn no_secret_anywhere(server: &ApiServer, secret: &str, told: &[String]) -> Result<()> {
    let forms = [secret.to_owned(), STANDARD.encode(secret), STANDARD.encode(format!("git:{secret}"))];
    let shows = |text: &str| forms.iter().any(|form| text.contains(form));
    let said = told.iter().find(|text| shows(text));
    ensure!(said.is_none(), "a secret was told: {said:?}");
    for entry in server.audit_since(0).iter().filter(|entry| entry.plural != "secrets") {
        let objects = entry.before.iter().chain(&entry.after).map(|object: &Arc<Object>| object.value());
        let request = entry.request();
        let found = objects.chain(request.as_ref()).any(|value| shows(&value.to_string()));
        ensure!(!found, "a secret is in {}", describe(entry));
    }
    Ok(())
}

/// No object is asked for more often than five times a second for a minute (O6).
///
/// # Errors
/// With the first request that broke the rule, and those before it.
pub fn no_hot_loop(passed: &[Passed]) -> Result<()> {
    let mut times = BTreeMap::<&str, VecDeque<Duration>>::new();
    for Passed { at, call, .. } in passed {
        let object = call.rsplit(' ').next().unwrap_or_default();
        let window = times.entry(object).or_default();
        window.push_back(*at);
        while window.front().is_some_and(|first| *first + HOT_WINDOW < *at) {
            window.pop_front();
        }
        ensure!(window.len() <= HOT_REQUESTS_MAX, "a hot loop: {call} at {at:?}, and {HOT_REQUESTS_MAX} before it");
    }
    Ok(())
}

/// Who is told to wait by `Retry-After` does not ask the same before. Reads are left out: two
/// Kustomizations may look at the same object.
///
/// # Errors
/// With the first request that broke the rule, and those before it.
pub fn waits_as_told(passed: &[Passed]) -> Result<()> {
    let mut not_before = BTreeMap::<&str, Duration>::new();
    for Passed { at, call, fault, .. } in passed {
        if ["GET ", "get ", "dry-run "].iter().any(|read| call.starts_with(read)) {
            continue;
        }
        let earliest = not_before.get(call.as_str()).copied().unwrap_or_default();
        ensure!(*at >= earliest, "{call} at {at:?}, which was not to be asked before {earliest:?}");
        if let Some(Fault::Refused { retry_after: Some(seconds), .. }) = fault {
            not_before.insert(call, *at + Duration::from_secs(u64::from(*seconds)));
        }
    }
    Ok(())
}

/// Requests that changed something.
fn writes(entries: &[Arc<Entry>]) -> impl Iterator<Item = Arc<Entry>> {
    let is_write = |entry: &&Arc<Entry>| {
        let is_verb = matches!(entry.verb, Verb::Create | Verb::Update | Verb::Patch | Verb::Delete);
        is_verb && !entry.dry_run && entry.code < 300 && !matches!(entry.plural.as_str(), "events" | "leases")
    };
    entries.iter().filter(is_write).cloned().collect::<Vec<_>>().into_iter()
}

/// Whether the program under test asked: it has no manager of the test's or the server's own controllers.
fn is_controllers(entry: &Entry) -> bool {
    entry.user_agent.is_empty() || entry.user_agent.starts_with("kube-rs") || entry.user_agent.starts_with("thalweg")
}

/// The requests that led to one.
fn history_until(server: &ApiServer, entry: &Entry) -> String {
    let until = server.audit_since(entry.sequence.saturating_sub(REQUESTS_SHOWN));
    let told = until.iter().take_while(|each| each.sequence <= entry.sequence).map(|each| describe(each));
    told.collect::<Vec<_>>().join("\n  ")
}

fn describe(entry: &Entry) -> String {
    let Entry { sequence, verb, plural, subresource, namespace, name, code, .. } = entry;
    format!("#{sequence} {verb:?} {plural}/{subresource} {namespace}/{name} ({code})")
}

fn id_of(object: &Value) -> ObjectId {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let group = text(&object["apiVersion"]).split_once('/').map_or(String::new(), |(group, _)| group.to_owned());
    let metadata = &object["metadata"];
    ObjectId::new(group, text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"]))
}

fn version(object: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&object["metadata"]["uid"]), text(&object["metadata"]["resourceVersion"]))
}

fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The ids in a Kustomization's inventory.
fn inventory(kustomization: &Value) -> BTreeSet<&str> {
    entries(&kustomization["status"]["inventory"]["entries"]).filter_map(|entry| entry["id"].as_str()).collect()
}
