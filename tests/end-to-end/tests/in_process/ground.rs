//! Where one run happens: a namespace, a source that the test plays, and objects that look like ours and are not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::{try_join, try_join_all};
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tempfile::TempDir;
use thalweg_artifact::{Place, Publication, Storage, StorageOptions, Tree, router};
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::labels;
use thalweg_crds::source::GitRepository;
use thalweg_harness::{ControlPlane, Namespace, observe};

use thalweg_end_to_end::commit::{Commit, is_reached};
use thalweg_end_to_end::objects::{
    NAMESPACE, World, api, cluster_role, config_map, kustomizations, namespaced_kinds, secret,
};

/// How long a piece of work may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
const SOURCE: &str = "source";
/// Whom the tests' own writes are signed by.
const MANAGER: &str = "thalweg-tests";

/// Publishes artifacts, as a source controller does. One a test.
pub(crate) struct Publisher {
    storage: Storage,
    _folder: TempDir,
}

impl Publisher {
    /// Begins to serve on the runtime of the caller.
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("artifacts-").tempdir().context("making a folder")?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("listening")?;
        let address = listener.local_addr().context("listening")?.to_string();
        let storage = Storage::new(StorageOptions::new(folder.path(), &address));
        let server = axum::serve(listener, router(storage.clone()));
        tokio::spawn(async move { server.await });
        Ok(Self { storage, _folder: folder })
    }
}

struct Files(Vec<(String, String)>);

impl Tree for Files {
    type Error = std::io::Error;

    fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(path, _)| (path.as_str(), false))
    }

    fn read(&self, index: usize) -> Result<Vec<u8>, std::io::Error> {
        Ok(self.0[index].1.clone().into_bytes())
    }
}

/// Where one run happens.
pub(crate) struct Ground<'a> {
    pub(crate) client: Client,
    publisher: &'a Publisher,
    namespace: Namespace,
    /// Holds objects of the same names.
    beside: Namespace,
    canaries: BTreeMap<String, [String; 2]>,
}

impl<'a> Ground<'a> {
    /// Makes the namespace, a GitRepository without an artifact, and the canaries: what a Kustomization `owner` would
    /// take for its own if it went by labels and names alone.
    pub(crate) async fn new(
        plane: &ControlPlane,
        client: &Client,
        publisher: &'a Publisher,
        name: &str,
        owner: &str,
    ) -> Result<Self> {
        let beside = format!("{name}-beside");
        let (namespace, beside) = try_join(plane.namespace(client, name), plane.namespace(client, &beside)).await?;
        let client = client.clone();
        let mut ground = Self { client, publisher, namespace, beside, canaries: BTreeMap::new() };
        ground.make_canaries(owner).await?;
        let repository = serde_json::from_value(json!({
            "metadata": {"name": SOURCE}, "spec": {"url": "https://example.com/source.git", "interval": "10m"},
        }))?;
        ground.repositories().create(&PostParams::default(), &repository).await.context("making the source")?;
        Ok(ground)
    }

    /// The namespace.
    pub(crate) fn name(&self) -> &str {
        self.namespace.name()
    }

    async fn make_canaries(&mut self, owner: &str) -> Result<()> {
        let marks = json!({labels::KUSTOMIZATION_NAME: owner, labels::KUSTOMIZATION_NAMESPACE: self.name()});
        let here = self.name().to_owned();
        let there = self.beside.name().to_owned();
        let canaries = [
            (config_map("look-alike", "canary"), Some(&here)),
            // Another kind of the same name.
            (secret("config-00", "canary"), Some(&here)),
            (config_map("config-00", "canary"), Some(&there)),
            (config_map("config-19", "canary"), Some(&there)),
            (cluster_role("look-alike"), None),
        ];
        for (mut object, namespace) in canaries {
            object["metadata"]["labels"] = marks.clone();
            let text = object.to_string().replace(NAMESPACE, namespace.unwrap_or(&here));
            let object: Value = serde_json::from_str(&text)?;
            let group = if namespace.is_some() { "" } else { "rbac.authorization.k8s.io" };
            let kind = object["kind"].as_str().unwrap_or_default();
            let api = api(&self.client, group, kind, namespace.map(String::as_str));
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            api.patch(name, &PatchParams::apply(MANAGER), &Patch::Apply(&object)).await.context("making a canary")?;
        }
        self.canaries = self.find_canaries().await?;
        Ok(())
    }

    /// Uid and resourceVersion of what must never be touched.
    async fn find_canaries(&self) -> Result<BTreeMap<String, [String; 2]>> {
        let (here, there) =
            try_join(World::read(&self.client, self.name()), World::read(&self.client, self.beside.name())).await?;
        let canaries = [here.objects, there.objects]
            .into_iter()
            .flatten()
            .filter(|(id, _)| self.canaries.is_empty() || self.canaries.contains_key(id));
        Ok(canaries.map(|(id, found)| (id, [found.uid, found.resource_version])).collect())
    }

    /// Fails if somebody touched a canary.
    pub(crate) async fn check_canaries(&self) -> Result<()> {
        let found = self.find_canaries().await?;
        anyhow::ensure!(found == self.canaries, "canaries are {found:?} and were {:?}", self.canaries);
        Ok(())
    }

    /// Everything in the namespace.
    pub(crate) async fn read(&self) -> Result<World> {
        World::read(&self.client, self.name()).await
    }

    /// The inventory ids of the canaries in the namespace.
    pub(crate) fn canary_ids(&self) -> BTreeSet<String> {
        self.canaries.keys().cloned().collect()
    }

    /// The source now has this commit: its artifact can be fetched, and the status says so.
    pub(crate) async fn publish(&self, commit: &Commit) -> Result<()> {
        let mut files = Vec::new();
        for (folder, objects) in &commit.folders {
            // A folder without objects is there all the same.
            files.push((format!("{folder}/README.md"), String::new()));
            for (index, object) in objects.iter().enumerate() {
                let text = object.to_string().replace(NAMESPACE, self.name());
                files.push((format!("{folder}/{index:03}.yaml"), text));
            }
        }
        let publication = Publication {
            file_name: format!("{}.tar.gz", commit.revision.rsplit(':').next().unwrap_or_default()),
            revision: commit.revision.clone(),
            ignore: None,
            time: "2026-01-01T00:00:00Z".parse()?,
        };
        let place = Place::new("GitRepository", self.name(), SOURCE)?;
        let artifact = self.publisher.storage.publish(&place, publication, Files(files)).await?;
        let status = json!({"status": {
            "observedGeneration": 1,
            "artifact": {
                "path": artifact.path, "url": artifact.url, "revision": artifact.revision, "digest": artifact.digest,
                "size": artifact.size, "lastUpdateTime": artifact.last_update_time.to_string(),
            },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact",
                "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        }});
        let written = self.repositories().patch_status(SOURCE, &PatchParams::default(), &Patch::Merge(&status)).await;
        written.map(drop).context("writing the source's status")
    }

    /// The source is a Git repository, for a source controller to fetch; [`publish`](Self::publish) is not used then.
    pub(crate) async fn fetch_from(&self, url: &str, interval: &str) -> Result<()> {
        let spec = json!({"spec": {"url": url, "interval": interval, "ref": {"branch": "main"}}});
        let written = self.repositories().patch(SOURCE, &PatchParams::default(), &Patch::Merge(&spec)).await;
        written.map(drop).context("naming the source's repository")
    }

    /// Publishes a commit and makes its Kustomizations.
    pub(crate) async fn install(&self, commit: &Commit, interval: &str) -> Result<()> {
        self.publish(commit).await?;
        for folder in commit.folders.keys() {
            self.create(folder, interval, commit.depends_on.get(folder).copied()).await?;
        }
        Ok(())
    }

    /// Makes the Kustomization of a folder.
    pub(crate) async fn create(&self, folder: &str, interval: &str, depends_on: Option<&str>) -> Result<()> {
        let object = serde_json::from_value(json!({
            "metadata": {"name": folder},
            "spec": {
                "interval": interval, "path": format!("./{folder}"), "prune": true, "wait": true,
                "sourceRef": {"kind": "GitRepository", "name": SOURCE},
                "dependsOn": depends_on.map(|name| json!({"name": name})).into_iter().collect::<Vec<_>>(),
            },
        }))?;
        let created = self.kustomizations().create(&PostParams::default(), &object).await;
        created.map(drop).with_context(|| format!("making the Kustomization {folder}"))
    }

    /// Makes a source whose artifact is said to be at `address`, and a Kustomization of the same name that wants it.
    pub(crate) async fn create_silent(&self, name: &str, number: usize, address: &str) -> Result<()> {
        let repository = serde_json::from_value(json!({
            "metadata": {"name": name}, "spec": {"url": "https://example.com/source.git", "interval": "10m"},
        }))?;
        self.repositories().create(&PostParams::default(), &repository).await.context("making a source")?;
        let path = format!("gitrepository/{}/{name}/1.tar.gz", self.name());
        let status = json!({"status": {"artifact": {
            "path": path, "url": format!("http://{address}/{path}"), "revision": format!("main@sha1:{number:040x}"),
            "digest": format!("sha256:{number:064x}"), "size": 1, "lastUpdateTime": "2026-01-01T00:00:00Z",
        }}});
        let written = self.repositories().patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await;
        written.context("writing a source's status")?;
        let object = serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {
                "interval": "10m", "path": "./", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": name},
            },
        }))?;
        let created = self.kustomizations().create(&PostParams::default(), &object).await;
        created.map(drop).with_context(|| format!("making the Kustomization {name}"))
    }

    /// Begins the deletion of a Kustomization.
    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        let deleted = self.kustomizations().delete(name, &DeleteParams::default()).await;
        deleted.map(drop).with_context(|| format!("deleting the Kustomization {name}"))
    }

    pub(crate) fn kustomizations(&self) -> Api<Kustomization> {
        Api::namespaced(self.client.clone(), self.name())
    }

    fn repositories(&self) -> Api<GitRepository> {
        Api::namespaced(self.client.clone(), self.name())
    }

    /// Waits until the Kustomizations say that they are at `commit`, or are gone.
    pub(crate) async fn reach(&self, commit: Option<&Commit>) -> Result<()> {
        let gone = "the Kustomizations are gone".to_owned();
        let what = commit.map_or(gone, |commit| format!("{} is applied", commit.revision));
        observe(LIMIT, &what, || async {
            let all = kustomizations(&self.client, self.name()).await.map_err(|error| format!("{error:#}"))?;
            is_reached(commit, &all, self.name())
        })
        .await
    }

    /// Removes all of it. No controller may run here any more.
    pub(crate) async fn remove(self) -> Result<()> {
        let released = json!({"metadata": {"finalizers": null}});
        let kept_by_source = self.repositories().patch(SOURCE, &PatchParams::default(), &Patch::Merge(&released)).await;
        kept_by_source.context("releasing the source")?;
        for name in kustomizations(&self.client, self.name()).await?.keys() {
            let api = self.kustomizations();
            api.patch(name, &PatchParams::default(), &Patch::Merge(&released)).await.context("releasing")?;
        }
        let all = DeleteParams::default();
        let own = format!("{}={}", labels::KUSTOMIZATION_NAMESPACE, self.name());
        let roles = api(&self.client, "rbac.authorization.k8s.io", "ClusterRole", None);
        roles.delete_collection(&all, &ListParams::default().labels(&own)).await.context("removing roles")?;
        let kinds = namespaced_kinds().map(|(group, kind)| api(&self.client, group, kind, Some(self.name())));
        let emptied = kinds.map(async |api| api.delete_collection(&all, &ListParams::default()).await.map(drop));
        try_join_all(emptied).await.context("removing objects")?;
        try_join(self.namespace.remove(), self.beside.remove()).await?;
        Ok(())
    }
}
