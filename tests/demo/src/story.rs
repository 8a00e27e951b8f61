//! The story that the demo plays: every step shows something, and checks it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use thalweg_harness::{ApiServerKind, install_crds};

use crate::arm::{self, Arm, configuration};
use crate::cluster::{CONFIGURATION, CONFIGURATION_NAMESPACE, Cluster, Verdict};
use crate::memory::{self, MEBIBYTE};
use crate::parts::{Hub, Workshop};
use crate::repository::{self, BROKEN_FILE, FIRST_TEXT, SECOND_TEXT, SHOP};
use crate::screen::{Said, Screen, said};

/// From the start to the first Compliant.
const FIRST_COMPLIANT_LIMIT: Duration = Duration::from_secs(60);
/// From `git push` to the new revision applied.
const PUSH_LIMIT: Duration = Duration::from_secs(2);
/// From an edit in the cluster to what Git says.
const EDIT_LIMIT: Duration = Duration::from_secs(1);
/// For everything that has no limit of its own.
const STEP_LIMIT: Duration = Duration::from_secs(30);
const SHORT_COMMIT: usize = 12;

/// Times that were promised, and what was measured.
#[derive(Default)]
struct Measured(Vec<(&'static str, Duration, Duration)>);

pub(crate) async fn play(screen: &Screen, workshop: &mut Workshop, keep: bool) -> Result<()> {
    let mut measured = Measured::default();
    let on = match workshop.api_server {
        ApiServerKind::Real => "on a real Kubernetes control plane",
        _ => "on the embedded Kubernetes API server",
    };
    screen.line(&screen.good(&format!("Thalweg: from git push to compliance, {on}")));

    screen.heading("A cluster, a hub and an agent", "Everything listens on loopback and is gone afterwards.");
    let cluster = start_cluster(screen, workshop).await?;
    let hub = start_hub(screen, workshop).await?;
    enrol(screen, workshop, &hub).await?;

    screen.heading(
        "The first commit",
        "apps waits for infra. The hub is told once; the agent carries it into the cluster.",
    );
    first_commit(screen, workshop, &hub, &cluster, &mut measured).await?;

    screen.heading("A second commit is pushed", "The banner changes, and the promotion is deleted from Git.");
    second_commit(screen, workshop, &hub, &cluster, &mut measured).await?;

    screen.heading("Someone edits the cluster", "kubectl edit configmap banner, behind Git's back.");
    foreign_edit(screen, workshop, &cluster, &mut measured).await?;

    screen.heading("A broken commit is pushed", "A line lost a space, and the Deployment's file is gone.");
    broken_commit(screen, workshop, &hub, &cluster).await?;
    mended_commit(screen, workshop, &hub, &cluster).await?;

    measured.print(screen);
    print_memory(screen, workshop);
    next_steps(screen, workshop, &hub, keep)
}

async fn start_cluster(screen: &Screen, workshop: &mut Workshop) -> Result<Cluster> {
    let api_server = workshop.api_server;
    let start = async {
        let cluster = workshop.start_control_plane().await?;
        let version = cluster.version().await?;
        let text = match api_server {
            ApiServerKind::Real => format!("kube-apiserver {version}, etcd, a simulated node"),
            _ => format!("Kubernetes {version}, in memory: Deployments are ready without a node"),
        };
        Ok(Said { text, value: cluster })
    };
    let cluster = screen.step("API server", start).await?;
    let control_plane = workshop.control_plane.as_ref().context("the control plane was started")?;
    let install = async {
        let names = install_crds(&control_plane.client("thalweg-demo").await?).await?;
        Ok(said(format!("{} CustomResourceDefinitions applied", names.len())))
    };
    screen.step("definitions", install).await?;
    let controllers = async {
        workshop.start_controllers().await?;
        Ok(said("source, kustomize and configuration controllers in one process"))
    };
    screen.step("thalweg controller", controllers).await?;
    Ok(cluster)
}

async fn start_hub(screen: &Screen, workshop: &mut Workshop) -> Result<Hub> {
    let start = async {
        let hub = workshop.start_hub().await?;
        Ok(Said { text: format!("ARM API at {}, a resource group made", hub.url), value: hub })
    };
    screen.step("thalweg hub", start).await
}

async fn enrol(screen: &Screen, workshop: &mut Workshop, hub: &Hub) -> Result<()> {
    let enrolment = async {
        let body = json!({"location": "local", "identity": {"type": "None"}, "properties": {}});
        hub.arm.put(&arm::cluster_id(), &body).await?;
        workshop.start_agent(hub)?;
        let connected = || async {
            let answer = hub.arm.get(&arm::cluster_id()).await?;
            let status = answer["properties"]["connectivityStatus"].as_str().unwrap_or("silent");
            if status == "Connected" { Ok(()) } else { bail!("the cluster is {status}") }
        };
        workshop.until("the hub hears the agent", connected).await?;
        Ok(said("enrolled as connectedClusters/riverside, with a token used once"))
    };
    screen.step("thalweg agent", enrolment).await
}

async fn first_commit(
    screen: &Screen,
    workshop: &mut Workshop,
    hub: &Hub,
    cluster: &Cluster,
    measured: &mut Measured,
) -> Result<()> {
    let (commit, url) = {
        let push = async {
            let (repository, url) = workshop.start_git()?;
            let commit = repository::first(repository)?;
            Ok(Said { text: format!("{} to {url}", short(&commit)), value: (commit, url) })
        };
        screen.step("git push", push).await?
    };
    let put = async {
        let answer = hub.arm.put(&arm::configuration_id(), &configuration(&url)).await?;
        let state = answer["properties"]["provisioningState"].as_str().unwrap_or_default().to_string();
        Ok(said(format!("fluxConfigurations/shop, answered at once: {state}")))
    };
    screen.step("PUT at the hub", put).await?;
    let written = async {
        workshop.until("the FluxConfiguration is in the cluster", || cluster.verdict()).await?;
        Ok(said(format!("FluxConfiguration {CONFIGURATION_NAMESPACE}/{CONFIGURATION} is in the cluster")))
    };
    screen.step("the agent writes", written).await?;
    let ready = async {
        let (infra, apps) = (format!("{CONFIGURATION}-infra"), format!("{CONFIGURATION}-apps"));
        let names = [infra.as_str(), apps.as_str()];
        let order = tokio::time::timeout(STEP_LIMIT, cluster.kustomizations_ready(&names)).await;
        let order = match order {
            Ok(order) => order?,
            Err(_) => bail!("not within {STEP_LIMIT:?}: {:?}", cluster.verdict().await?),
        };
        ensure!(order == names, "they became Ready in the order {}", order.join(", "));
        Ok(said(format!("{infra} Ready, then {apps} Ready: the Deployment is available")))
    };
    screen.step("in order", ready).await?;
    compliant(screen, workshop, hub, cluster, &commit).await?;
    measured.add("start to first Compliant", screen.elapsed(), FIRST_COMPLIANT_LIMIT)?;
    let text = cluster.text_of("banner", "text").await?;
    ensure!(text.as_deref() == Some(FIRST_TEXT), "the banner says {text:?}");
    Ok(())
}

async fn second_commit(
    screen: &Screen,
    workshop: &mut Workshop,
    hub: &Hub,
    cluster: &Cluster,
    measured: &mut Measured,
) -> Result<()> {
    let push = async {
        let repository = workshop.repository.as_ref().context("the repository was made")?;
        let commit = repository::second(repository)?;
        let pushed_at = Instant::now();
        repository.push()?;
        Ok(Said { text: short(&commit).to_string(), value: (commit, pushed_at) })
    };
    let (commit, pushed_at) = screen.step("git push", push).await?;
    let change = async {
        let changed = || async {
            let text = cluster.text_of("banner", "text").await?;
            if text.as_deref() == Some(SECOND_TEXT) { Ok(()) } else { bail!("the banner says {text:?}") }
        };
        workshop.within(STEP_LIMIT, "the change arrives", changed).await?;
        Ok(said(format!("the banner says “{SECOND_TEXT}”")))
    };
    screen.step("change", change).await?;
    let applied = pushed_at.elapsed();
    let prune = async {
        let pruned = || async {
            let text = cluster.text_of("promotion", "text").await?;
            if text.is_none() { Ok(()) } else { bail!("ConfigMap promotion is still there") }
        };
        workshop.within(STEP_LIMIT, "the promotion is pruned", pruned).await?;
        Ok(said("ConfigMap promotion is gone"))
    };
    screen.step("prune", prune).await?;
    compliant(screen, workshop, hub, cluster, &commit).await?;
    measured.add("git push to applied", applied, PUSH_LIMIT)?;
    measured.add("git push to Compliant, in the cluster and at the hub", pushed_at.elapsed(), STEP_LIMIT)
}

async fn foreign_edit(
    screen: &Screen,
    workshop: &mut Workshop,
    cluster: &Cluster,
    measured: &mut Measured,
) -> Result<()> {
    let edit = async {
        cluster.edit("banner", "text", "Hacked").await?;
        let edited_at = Instant::now();
        let undone = || async {
            let text = cluster.text_of("banner", "text").await?;
            if text.as_deref() == Some(SECOND_TEXT) { Ok(()) } else { bail!("the banner says {text:?}") }
        };
        workshop.within(STEP_LIMIT, "the edit is undone", undone).await?;
        Ok(Said { text: format!("“Hacked” is “{SECOND_TEXT}” again"), value: edited_at.elapsed() })
    };
    let undone = screen.step("undone", edit).await?;
    measured.add("a foreign edit undone", undone, EDIT_LIMIT)
}

async fn broken_commit(screen: &Screen, workshop: &mut Workshop, hub: &Hub, cluster: &Cluster) -> Result<()> {
    let before = cluster.identities().await?;
    let push = async {
        let repository = workshop.repository.as_ref().context("the repository was made")?;
        let line = repository::broken(repository)?;
        repository.push()?;
        let commit = repository.head()?;
        Ok(Said { text: format!("{}, broken at {BROKEN_FILE}:{line}", short(&commit)), value: (commit, line) })
    };
    let (commit, line) = screen.step("git push", push).await?;
    let place = format!("{BROKEN_FILE}:{line}");
    let named = |verdict: Verdict| {
        let verdict = verdict.check("Non-Compliant", &commit)?;
        let message = verdict.messages.iter().find(|message| message.contains(&place)).cloned();
        message.with_context(|| format!("no message names {place}: {}", verdict.messages.join("; ")))
    };
    let told = async {
        let probe = || async { named(cluster.verdict().await?) };
        let message = workshop.within(STEP_LIMIT, "the configuration says what is wrong", probe).await?;
        Ok(Said { text: "Non-Compliant, in the cluster".to_string(), value: message })
    };
    let message = screen.step("verdict", told).await?;
    screen.detail(&screen.bad(&message));
    let at_hub = async {
        let probe = || async { named(hub_verdict(&hub.arm).await?) };
        workshop.within(STEP_LIMIT, "the hub says what is wrong", probe).await?;
        Ok(said("Non-Compliant, with the same words"))
    };
    screen.step("at the hub", at_hub).await?;
    let nothing_lost = async {
        let after = cluster.identities().await?;
        ensure!(before == after, "{before:?} became {after:?}");
        let text = cluster.text_of("banner", "text").await?;
        ensure!(text.as_deref() == Some(SECOND_TEXT), "the banner says {text:?}");
        Ok(said("the Deployment and the banner are as they were"))
    };
    screen.step("nothing else lost", nothing_lost).await
}

async fn mended_commit(screen: &Screen, workshop: &mut Workshop, hub: &Hub, cluster: &Cluster) -> Result<()> {
    let push = async {
        let repository = workshop.repository.as_ref().context("the repository was made")?;
        let commit = repository::mended(repository)?;
        repository.push()?;
        Ok(Said { text: format!("{}, git revert", short(&commit)), value: commit })
    };
    let commit = screen.step("git push", push).await?;
    compliant(screen, workshop, hub, cluster, &commit).await
}

/// The cluster and the hub say Compliant at this commit.
async fn compliant(screen: &Screen, workshop: &mut Workshop, hub: &Hub, cluster: &Cluster, commit: &str) -> Result<()> {
    let in_cluster = async {
        let probe = || async { cluster.verdict().await?.check("Compliant", commit) };
        let verdict = workshop.within(STEP_LIMIT, "the configuration is Compliant", probe).await?;
        Ok(Said { text: format!("in the cluster, at {}", brief(&verdict.revision)), value: verdict })
    };
    let verdict = screen.step("Compliant", in_cluster).await?;
    let at_hub = async {
        let probe = || async {
            let answer = hub_verdict(&hub.arm).await?.check("Compliant", commit)?;
            ensure!(answer.revision == verdict.revision, "the hub says {}", answer.revision);
            Ok(())
        };
        workshop.within(STEP_LIMIT, "the hub answers the same", probe).await?;
        Ok(said("at the hub: GET fluxConfigurations/shop answers the same"))
    };
    screen.step("Compliant", at_hub).await
}

async fn hub_verdict(arm: &Arm) -> Result<Verdict> {
    Ok(Verdict::read(&arm.get(&arm::configuration_id()).await?["properties"]))
}

impl Measured {
    fn add(&mut self, what: &'static str, time: Duration, limit: Duration) -> Result<()> {
        self.0.push((what, time, limit));
        ensure!(time <= limit, "{what} took {time:.2?}; the limit is {limit:?}");
        Ok(())
    }

    fn print(&self, screen: &Screen) {
        screen.heading("Measured", "from the moment named, as a client of the cluster sees it");
        for (what, time, limit) in &self.0 {
            let limit = screen.quiet(&format!("limit {} s", limit.as_secs()));
            screen.line(&format!("  {what:<56} {:>7.3} s   {limit}", time.as_secs_f64()));
        }
    }
}

/// What each process holds in memory now; nothing where the system does not say.
fn print_memory(screen: &Screen, workshop: &Workshop) {
    let server = match workshop.api_server {
        ApiServerKind::Real => "control plane, all its processes",
        _ => "thalweg api-server",
    };
    let server = workshop.control_plane.as_ref().and_then(|plane| Some((server.to_string(), plane.process()?)));
    let roles = workshop.roles.iter().map(|(role, process)| (format!("thalweg {role}"), process.id()));
    let found: Vec<_> =
        server.into_iter().chain(roles).filter_map(|(what, id)| Some((what, memory::resident(id)?))).collect();
    if found.is_empty() {
        return;
    }
    screen.heading("Memory", "resident, now");
    for (what, bytes) in found {
        screen.line(&format!("  {what:<56} {:>7} MiB", bytes / MEBIBYTE));
    }
}

fn next_steps(screen: &Screen, workshop: &mut Workshop, hub: &Hub, keep: bool) -> Result<()> {
    if !keep {
        screen.heading("Try it yourself", "Everything that ran is stopped now.");
        for (command, why) in [
            ("cargo xtask demo --keep", "the same, left running, with a kubeconfig and a repository to push to"),
            ("cargo xtask demo --real", "the same on kube-apiserver and etcd, built from source the first time"),
            ("cargo xtask test", "the tests that need no cluster and no network"),
            ("cargo xtask conformance", "the end-to-end specification on a real control plane"),
        ] {
            screen.line(&format!("  {:<40} {}", screen.command(command), screen.quiet(why)));
        }
        return Ok(());
    }
    let kubeconfig = workshop.kubeconfig();
    let repository = workshop.repository.as_ref().context("the repository was made")?.path();
    let query = format!("{}?api-version={}", arm::configuration_id(), arm::api_version(&arm::configuration_id()));
    screen.heading("It is running: try these in another terminal", "Ctrl-C here stops and removes everything.");
    for command in [
        format!("export KUBECONFIG={}", kubeconfig.display()),
        "kubectl get fluxconfigurations,gitrepositories,kustomizations -A".to_string(),
        format!("kubectl -n {SHOP} get deployments,configmaps --show-labels"),
        format!("kubectl -n {SHOP} patch configmap banner --type merge -p '{{\"data\":{{\"text\":\"Hacked\"}}}}'"),
        format!("kubectl -n {CONFIGURATION_NAMESPACE} describe fluxconfiguration {CONFIGURATION}"),
        format!(
            "cd {} && $EDITOR apps/banner.yaml && git commit -am \"My change\" && git push origin main",
            repository.display()
        ),
        format!("curl -s -H 'Authorization: Bearer {}' '{}{query}'", hub.token, hub.url),
    ] {
        screen.line(&format!("  {}", screen.command(&command)));
    }
    Ok(())
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT_COMMIT).unwrap_or(commit)
}

/// `main@sha1:` and the first digits.
fn brief(revision: &str) -> String {
    match revision.rsplit_once(':') {
        Some((before, commit)) => format!("{before}:{}", short(commit)),
        None => short(revision).to_string(),
    }
}
