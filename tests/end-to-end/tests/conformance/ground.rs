//! What a case stands on: a namespace, a Git repository and a work tree of its own, on the shared control plane and the
//! shared `thalweg controller` process.
//!
//! In every manifest and path that a case writes, `NAMESPACE` stands for its namespace and `REPOSITORY` for the URL of its
//! repository. A case that fails prints what the controllers said about its namespace.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::events::v1::Event;
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tempfile::TempDir;
use thalweg_harness::{
    AuditMark, ControlPlane, GitServer, GitServerOptions, Namespace, Process, ProcessOptions, Request, Requests,
    Worktree, apply, eventually, free_port, observe, thalweg_binary,
};
use tokio::sync::OnceCell;

/// For whatever has no limit of its own. Generous: many cases share two processors.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// How the cases call themselves; every other client but the components of Kubernetes is the product.
const TESTER: &str = "conformance";
const REPOSITORY_NAME: &str = "fleet";
const LOG_LINES_SHOWN: usize = 60;

/// Runs the program with the arguments that follow the first, until it or the parent ends; then removes the folder that
/// the first one names. Statics are never dropped, so nobody else would end a process that all cases share.
const UNTIL_PARENT_ENDS: &str = r#"folder=$1; shift; "$@" & child=$!
while kill -0 "$PPID" 2>/dev/null && kill -0 "$child" 2>/dev/null; do sleep 0.2; done
kill "$child" 2>/dev/null; wait "$child"; rm -rf "$folder""#;

/// A running `thalweg controller`, with all controllers.
pub(crate) struct Controllers {
    _process: Process,
    metrics: String,
    log: PathBuf,
}

impl Controllers {
    /// The process that the cases of one program share; it ends with the program.
    async fn shared(plane: &ControlPlane) -> Result<&'static Controllers> {
        static SHARED: OnceCell<Controllers> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Controllers::start(plane)).await
    }

    async fn start(plane: &ControlPlane) -> Result<Controllers> {
        let folder = tempfile::Builder::new().prefix("controllers-").tempdir().context("making a folder")?.keep();
        let storage = folder.join("artifacts");
        std::fs::create_dir(&storage).context("making the artifact storage")?;
        let address = || anyhow::Ok(format!("127.0.0.1:{}", free_port()?));
        let (artifacts, health, metrics) = (address()?, address()?, address()?);
        let log = folder.join("controller.log");
        let mut arguments = ["-c", UNTIL_PARENT_ENDS, "sh"]
            .map(str::to_string)
            .into_iter()
            .chain([folder.display().to_string()])
            .collect::<Vec<_>>();
        arguments.push(thalweg_binary()?.display().to_string());
        arguments.push("controller".to_string());
        arguments.extend([
            format!("--kubeconfig={}", plane.kubeconfig().display()),
            format!("--storage-path={}", storage.display()),
            format!("--storage-addr={artifacts}"),
            format!("--storage-adv-addr={artifacts}"),
            format!("--health-addr={health}"),
            format!("--metrics-addr={metrics}"),
            "--concurrent=10".to_string(),
        ]);
        let options = ProcessOptions {
            program: "/bin/sh".into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            log: log.clone(),
        };
        let mut process = Process::start(&options.with("RUNTIME_NAMESPACE", "flux-system"))?;
        let ready = format!("http://{health}/readyz");
        let answers = || async {
            let answer = reqwest::get(&ready).await?;
            ensure!(answer.status().is_success(), "{ready} answers {}", answer.status());
            Ok(())
        };
        let is_ready = observe(LIMIT, "the controllers are ready", answers).await;
        process.check_running().context("thalweg controller")?;
        is_ready?;
        Ok(Controllers { _process: process, metrics: format!("http://{metrics}/metrics"), log })
    }
}

/// See the module's text. Dropping it removes the repository; [`Ground::leave`] removes the rest.
pub(crate) struct Ground {
    pub(crate) client: Client,
    pub(crate) git: GitServer,
    pub(crate) repository: Worktree,
    plane: &'static ControlPlane,
    controllers: &'static Controllers,
    namespace: Namespace,
    _elsewhere: TempDir,
}

impl Ground {
    /// A namespace of this name, and an empty repository that anyone may read.
    pub(crate) async fn new(name: &str) -> Ground {
        Ground::with(name, GitServerOptions::default()).await
    }

    /// The same, with a Git server that behaves as `options` say.
    pub(crate) async fn with(name: &str, options: GitServerOptions) -> Ground {
        let plane = ControlPlane::shared().await.unwrap();
        let controllers = Controllers::shared(plane).await.unwrap();
        let client = plane.client(TESTER).await.unwrap();
        let namespace = plane.namespace(&client, name).await.unwrap();
        let git = GitServer::start_with(options).unwrap();
        let repository = git.repository(REPOSITORY_NAME).unwrap();
        Ground { client, git, repository, plane, controllers, namespace, _elsewhere: tempfile::tempdir().unwrap() }
    }

    /// The namespace.
    pub(crate) fn name(&self) -> &str {
        self.namespace.name()
    }

    /// Deletes the Kustomizations and sources, waits until the controllers let go of them, and removes the namespace.
    pub(crate) async fn leave(self) {
        for kind in ["FluxConfiguration", "Kustomization", "GitRepository"] {
            self.api(kind).delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
            eventually(LIMIT, &format!("every {kind} of {} is gone", self.name()), || async {
                let left = self.api(kind).list(&ListParams::default()).await?.items;
                ensure!(left.is_empty(), "{} are left, such as {}", left.len(), told(&left[0]));
                anyhow::Ok(())
            })
            .await;
        }
        self.namespace.remove().await.unwrap();
    }

    fn filled(&self, text: &str) -> String {
        text.replace("NAMESPACE", self.name()).replace("REPOSITORY", &self.git.url(REPOSITORY_NAME))
    }

    // Git.

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, content: &str) -> &Ground {
        self.repository.write(path, self.filled(content)).unwrap();
        self
    }

    /// Removes a file or folder of the repository.
    pub(crate) fn remove(&self, path: &str) -> &Ground {
        self.repository.remove(path).unwrap();
        self
    }

    /// Commits and pushes; returns the commit.
    pub(crate) fn push(&self, message: &str) -> String {
        self.repository.publish(message).unwrap()
    }

    // The cluster.

    /// Applies manifests, as a user with kubectl would.
    pub(crate) async fn apply(&self, manifests: &str) {
        apply(&self.client, &self.filled(manifests)).await.unwrap();
    }

    /// Applies a GitRepository `fleet` of the branch main that is looked at every second; `more` overrides its spec.
    pub(crate) async fn source(&self, more: Value) {
        let mut spec = json!({"interval": "1s", "url": "REPOSITORY", "ref": {"branch": "main"}});
        merge(&mut spec, more);
        self.apply_one("source.toolkit.fluxcd.io/v1", "GitRepository", "fleet", spec).await;
    }

    /// Applies a Kustomization of the folder of its name in `fleet`, whose interval never comes; `more` overrides its spec.
    pub(crate) async fn kustomization(&self, name: &str, more: Value) {
        let mut spec = json!({
            "interval": "1h", "retryInterval": "2s", "timeout": "1m", "prune": true, "path": format!("./{name}"),
            "sourceRef": {"kind": "GitRepository", "name": "fleet"},
        });
        merge(&mut spec, more);
        self.apply_one("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, spec).await;
    }

    pub(crate) async fn apply_one(&self, api_version: &str, kind: &str, name: &str, spec: Value) {
        let metadata = json!({"name": name, "namespace": "NAMESPACE"});
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
        self.apply(&object.to_string()).await;
    }

    /// Merges into an object, as `kubectl edit` does.
    pub(crate) async fn edit(&self, kind: &str, name: &str, patch: Value) -> DynamicObject {
        let parameters = PatchParams { field_manager: Some("kubectl-edit".to_string()), ..PatchParams::default() };
        self.api(kind).patch(name, &parameters, &Patch::Merge(patch)).await.unwrap()
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, kind: &str, name: &str) {
        self.api(kind).delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Asks for a reconciliation, as `flux reconcile` does.
    pub(crate) async fn request(&self, kind: &str, name: &str, token: &str) {
        self.edit(kind, name, json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}})).await;
    }

    /// An object as it is now.
    pub(crate) async fn object(&self, kind: &str, name: &str) -> Option<Value> {
        let found = self.api(kind).get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    /// A key of a ConfigMap; `None` when there is no such ConfigMap.
    pub(crate) async fn text(&self, config_map: &str) -> Option<String> {
        let map = self.object("ConfigMap", config_map).await?;
        Some(map["data"]["text"].as_str().unwrap_or_default().to_string())
    }

    /// Waits until the key `text` of a ConfigMap is this, or the ConfigMap is absent.
    pub(crate) async fn until_text(&self, config_map: &str, expected: Option<&str>) {
        let what = format!("ConfigMap {config_map} of {} says {expected:?}", self.name());
        eventually(LIMIT, &what, || async {
            let text = self.text(config_map).await;
            if text.as_deref() == expected { Ok(()) } else { Err(format!("it says {text:?}")) }
        })
        .await;
    }

    /// Waits until an object fits.
    pub(crate) async fn until(&self, kind: &str, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let what = format!("{kind} {}/{name} {what}", self.name());
        let api = self.api(kind);
        eventually(LIMIT, &what, || async {
            let Some(object) = api.get_opt(name).await? else { bail!("it does not exist") };
            let value = serde_json::to_value(&object)?;
            if fits(&value) { Ok(value) } else { bail!("{}", told(&object)) }
        })
        .await
    }

    /// Waits until an object does not exist.
    pub(crate) async fn until_gone(&self, kind: &str, name: &str) {
        let api = self.api(kind);
        eventually(LIMIT, &format!("{kind} {}/{name} is gone", self.name()), || async {
            match api.get_opt(name).await? {
                None => Ok(()),
                Some(object) => bail!("{}", told(&object)),
            }
        })
        .await;
    }

    /// Waits until a GitRepository or Kustomization is Ready at its generation and at this commit.
    pub(crate) async fn ready(&self, kind: &str, name: &str, commit: &str) -> Value {
        self.until(kind, name, &format!("is Ready at {commit}"), |object| {
            let status = &object["status"];
            let revision = match kind {
                "GitRepository" => &status["artifact"]["revision"],
                _ => &status["lastAppliedRevision"],
            };
            let is_ready = condition(object, "Ready")["status"] == "True" && condition(object, "Reconciling").is_null();
            let is_observed = status["observedGeneration"] == object["metadata"]["generation"];
            is_ready && is_observed && revision.as_str().is_some_and(|revision| revision.ends_with(commit))
        })
        .await
    }

    /// Waits until an object is Ready=False for this reason, at its generation.
    pub(crate) async fn failed(&self, kind: &str, name: &str, reason: &str) -> Value {
        self.until(kind, name, &format!("is Ready=False, {reason}"), |object| {
            let ready = condition(object, "Ready");
            ready["status"] == "False"
                && ready["reason"] == reason
                && ready["observedGeneration"] == object["metadata"]["generation"]
        })
        .await
    }

    /// All events about an object: `Normal Progressing Apply: ConfigMap/a/b created`, in no order.
    pub(crate) async fn events(&self, kind: &str, name: &str) -> Vec<String> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), self.name());
        let events = api.list(&ListParams::default()).await.unwrap().items;
        let about = events.into_iter().filter(|event| {
            event.regarding.as_ref().is_some_and(|regarding| {
                regarding.kind.as_deref() == Some(kind) && regarding.name.as_deref() == Some(name)
            })
        });
        about
            .map(|event| {
                let [type_, reason, action, note] =
                    [event.type_, event.reason, event.action, event.note].map(Option::unwrap_or_default);
                format!("{type_} {reason} {action}: {note}")
            })
            .collect()
    }

    /// Waits for an event whose line begins with this.
    pub(crate) async fn told_by_event(&self, kind: &str, name: &str, begin: &str) -> String {
        eventually(LIMIT, &format!("an event of {kind} {}/{name}: {begin}", self.name()), || async {
            let events = self.events(kind, name).await;
            let found = events.iter().find(|event| event.starts_with(begin)).cloned();
            found.with_context(|| format!("there are {events:#?}"))
        })
        .await
    }

    /// Now, in the audit log.
    pub(crate) fn mark(&self) -> AuditMark {
        self.plane.audit().unwrap().mark().unwrap()
    }

    /// The requests of the product in this namespace that a budget counts.
    pub(crate) fn counted_since(&self, mark: AuditMark) -> Requests {
        self.plane.audit().unwrap().counted_since(mark, |request| self.is_of_product(request)).unwrap()
    }

    /// The same, once there is one: what a request wrote can be read a moment before the request is in the log.
    pub(crate) async fn audited_since(&self, mark: AuditMark) -> Requests {
        eventually(LIMIT, "a request of the product is in the audit log", || async {
            let requests = self.counted_since(mark);
            if requests.count() > 0 { Ok(requests) } else { Err("none is") }
        })
        .await
    }

    /// The writes of the product to objects of this namespace, but not to the status of its own kinds.
    pub(crate) fn writes_since(&self, mark: AuditMark) -> Requests {
        let groups = ["kustomize.toolkit.fluxcd.io", "source.toolkit.fluxcd.io", "thalweg.dev"];
        let is_own = |request: &Request| groups.contains(&request.group.as_str());
        self.counted_since(mark).matching(|request| request.is_write() && !is_own(request))
    }

    fn is_of_product(&self, request: &Request) -> bool {
        let is_component = request.user_agent.starts_with("thalweg-cluster") || request.user_agent.starts_with("kube-");
        request.namespace == self.name() && request.user_agent != TESTER && !is_component
    }

    /// The value of a metric of the controllers about an object of this namespace.
    pub(crate) async fn metric(&self, metric: &str, kind: &str, name: &str) -> f64 {
        let text = reqwest::get(&self.controllers.metrics).await.unwrap().text().await.unwrap();
        let labels = [("kind", kind), ("name", name), ("namespace", self.name())];
        let labels = labels.map(|(label, value)| format!("{label}=\"{value}\""));
        let line = text.lines().find(|line| {
            let name_end = line.find('{').unwrap_or_default();
            &line[..name_end] == metric && labels.iter().all(|label| line.contains(label))
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn api(&self, kind: &str) -> Api<DynamicObject> {
        let (group, version) = match kind {
            "Kustomization" => ("kustomize.toolkit.fluxcd.io", "v1"),
            "GitRepository" => ("source.toolkit.fluxcd.io", "v1"),
            "FluxConfiguration" => ("thalweg.dev", "v1alpha1"),
            "Deployment" => ("apps", "v1"),
            "Job" => ("batch", "v1"),
            "RoleBinding" => ("rbac.authorization.k8s.io", "v1"),
            "ConfigMap" | "Secret" | "ServiceAccount" => ("", "v1"),
            "Gauge" => ("conformance.thalweg.dev", "v1"),
            other => panic!("the kind {other} is not in this table"),
        };
        let plural = format!("{}s", kind.to_ascii_lowercase()).replace("repositorys", "repositories");
        let kind = GroupVersionKind::gvk(group, version, kind);
        Api::namespaced_with(self.client.clone(), self.name(), &ApiResource::from_gvk_with_plural(&kind, &plural))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let log = std::fs::read(&self.controllers.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let about: Vec<&str> = log.lines().filter(|line| line.contains(self.name())).collect();
        let first = about.len().saturating_sub(LOG_LINES_SHOWN);
        eprintln!("the controllers on {}, the last lines:\n{}", self.name(), about[first..].join("\n"));
    }
}

/// A condition of an object; null when it has none of this type.
pub(crate) fn condition<'a>(object: &'a Value, type_: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().find(|condition| condition["type"] == type_).unwrap_or(&Value::Null)
}

/// A condition in one line: `True Succeeded: stored artifact …`; empty when there is none.
pub(crate) fn line(object: &Value, type_: &str) -> String {
    let condition = condition(object, type_);
    let [status, reason, message] = ["status", "reason", "message"].map(|key| condition[key].as_str());
    match (status, reason, message) {
        (Some(status), Some(reason), Some(message)) => format!("{status} {reason}: {message}"),
        _ => String::new(),
    }
}

/// A ConfigMap of the case's namespace.
pub(crate) fn config_map(name: &str, text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: NAMESPACE\ndata:\n  text: \"{text}\"\n"
    )
}

/// A figure of this run, for whoever reads the output.
pub(crate) fn print_figure(what: &str, time: Duration) {
    println!("figure: {what}: {:.3} s", time.as_secs_f64());
}

/// The ids of an inventory.
pub(crate) fn inventory(object: &Value) -> Vec<String> {
    let entries = object["status"]["inventory"]["entries"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| format!("{} {}", entry["id"].as_str().unwrap(), entry["v"].as_str().unwrap())).collect()
}

fn told(object: &DynamicObject) -> String {
    let metadata = &object.metadata;
    format!(
        "its generation is {:?}, deletion {:?}, status {}",
        metadata.generation.unwrap_or_default(),
        metadata.deletion_timestamp,
        object.data["status"]
    )
}

/// JSON merge patch (RFC 7396) of objects.
pub(crate) fn merge(into: &mut Value, patch: Value) {
    match (into.as_object_mut(), patch) {
        (Some(into), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (_, patch) => *into = patch,
    }
}
