//! What a GitRepository fetches, and with whose credentials.

use std::time::Duration;

use serde_json::{Value, json};
use thalweg_harness::{Access, Authority, GitServerOptions, SilentServer, eventually, observe};

use crate::ground::{Ground, LIMIT, condition, config_map, line};

/// More than the controllers have workers, of which there are ten.
const SILENT: usize = 12;

#[tokio::test]
async fn each_kind_of_reference_names_its_revision_as_flux_does() {
    let ground = Ground::new("references").await;
    let git = |arguments: &[&str]| drop(ground.repository.git(arguments).unwrap());
    ground.write("apps/a.yaml", &config_map("a", "tagged"));
    let tagged = ground.push("tagged");
    git(&["tag", "v1.2.3"]);
    git(&["tag", "--annotate", "v1.3.0", "--message", "annotated"]);
    git(&["push", "--quiet", "origin", "v1.2.3", "v1.3.0", "HEAD:refs/pull/7/head"]);
    ground.write("apps/a.yaml", &config_map("a", "newest"));
    let newest = ground.push("newest");
    git(&["push", "--quiet", "origin", "HEAD:refs/heads/release"]);

    for (index, (reference, revision, text)) in [
        (json!({"branch": "main"}), format!("main@sha1:{newest}"), "newest"),
        (json!({"branch": "release"}), format!("release@sha1:{newest}"), "newest"),
        (json!({"branch": "main", "tag": "v1.2.3"}), format!("v1.2.3@sha1:{tagged}"), "tagged"),
        (json!({"tag": "v1.3.0"}), format!("v1.3.0@sha1:{tagged}"), "tagged"),
        (json!({"name": "refs/heads/main"}), format!("refs/heads/main@sha1:{newest}"), "newest"),
        (json!({"name": "refs/tags/v1.2.3"}), format!("refs/tags/v1.2.3@sha1:{tagged}"), "tagged"),
        (json!({"name": "refs/pull/7/head"}), format!("refs/pull/7/head@sha1:{tagged}"), "tagged"),
        (json!({"commit": tagged}), format!("sha1:{tagged}"), "tagged"),
        (json!({"branch": "main", "commit": tagged}), format!("main@sha1:{tagged}"), "tagged"),
    ]
    .into_iter()
    .enumerate()
    {
        let spec = json!({"interval": "1h", "url": "REPOSITORY", "ref": reference});
        let name = format!("fleet-{index}");
        ground.apply_one("source.toolkit.fluxcd.io/v1", "GitRepository", &name, spec).await;
        let fleet = ground.ready("GitRepository", &name, &revision).await;
        assert_eq!(fleet["status"]["artifact"]["revision"], revision, "{reference}");
        let source = json!({"path": "./apps", "sourceRef": {"kind": "GitRepository", "name": name}});
        ground.kustomization("apps", source).await;
        ground.ready("Kustomization", "apps", &revision).await;
        assert_eq!(ground.text("a").await.as_deref(), Some(text), "{reference}");
    }
    ground.leave().await;
}

#[tokio::test]
async fn a_protected_repository_is_read_with_the_credentials_of_the_secret() {
    let basic = Access::Basic { username: "ada".to_string(), password: "päss:word".to_string() };
    let bearer = Access::Bearer("token-of-ada".to_string());
    for (name, access, right, wrong) in [
        (
            "basic-access",
            basic,
            json!({"username": "ada", "password": "päss:word"}),
            json!({"username": "ada", "password": "s3cret-guess"}),
        ),
        ("bearer-access", bearer, json!({"bearerToken": "token-of-ada"}), json!({"bearerToken": "s3cret-guess"})),
    ] {
        let ground = Ground::with(name, GitServerOptions { access, ..Default::default() }).await;
        ground.write("apps/a.yaml", &config_map("a", "protected"));
        let commit = ground.push("first");
        let secret = async |data: Value| {
            let metadata = json!({"name": "access", "namespace": "NAMESPACE"});
            let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data});
            ground.apply(&secret.to_string()).await;
        };
        secret(wrong).await;
        ground.source(json!({"interval": "1h", "secretRef": {"name": "access"}})).await;
        let fleet = ground.failed("GitRepository", "fleet", "GitOperationFailed").await;
        let ready = line(&fleet, "Ready");
        assert!(ready.contains("authentication required") && !ready.contains("s3cret-guess"), "{ready}");
        secret(right).await;
        ground.request("GitRepository", "fleet", "with the right one").await;
        ground.ready("GitRepository", "fleet", &commit).await;
        ground.kustomization("apps", json!({})).await;
        ground.ready("Kustomization", "apps", &commit).await;
        ground.leave().await;
    }
}

#[tokio::test]
async fn a_server_of_a_private_authority_is_trusted_by_the_secret_alone() {
    let options = GitServerOptions {
        access: Access::Basic { username: "ada".to_string(), password: "word".to_string() },
        authority: Some(Authority::new().unwrap()),
    };
    let ground = Ground::with("https", options).await;
    ground.write("apps/a.yaml", &config_map("a", "1"));
    let commit = ground.push("first");
    let secret = async |data: Value| {
        let metadata = json!({"name": "access", "namespace": "NAMESPACE"});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data});
        ground.apply(&secret.to_string()).await;
    };
    secret(json!({"username": "ada", "password": "word"})).await;
    ground.source(json!({"secretRef": {"name": "access"}})).await;
    let fleet = ground.failed("GitRepository", "fleet", "GitOperationFailed").await;
    assert!(line(&fleet, "Ready").to_lowercase().contains("certificate"), "{}", line(&fleet, "Ready"));

    let authority = ground.git.authority_pem().unwrap();
    secret(json!({"username": "ada", "password": "word", "ca.crt": authority})).await;
    ground.request("GitRepository", "fleet", "with the authority").await;
    ground.ready("GitRepository", "fleet", &commit).await;
    ground.leave().await;
}

#[tokio::test]
async fn ignored_files_are_not_in_the_artifact() {
    let ground = Ground::new("ignored").await;
    ground.write("a.yaml", &config_map("a", "kept")).write("drafts/b.yaml", &config_map("b", "ignored"));
    ground.write("legacy/c.yaml", &config_map("c", "ignored by the repository")).write(".sourceignore", "/legacy/\n");
    let commit = ground.push("first");
    ground.source(json!({"ignore": "/drafts/\n"})).await;
    ground.kustomization("root", json!({"path": "./"})).await;
    let root = ground.ready("Kustomization", "root", &commit).await;
    let namespace = ground.name();
    assert_eq!(crate::ground::inventory(&root), [format!("{namespace}_a__ConfigMap v1")]);

    ground.source(json!({"ignore": "/a.yaml\n"})).await;
    ground.until_text("b", Some("ignored")).await;
    ground.until_gone("ConfigMap", "a").await;
    ground.leave().await;
}

#[tokio::test]
async fn the_server_is_asked_for_references_alone_while_nothing_is_new() {
    let ground = Ground::new("no-fetch").await;
    ground.write("apps/a.yaml", &config_map("a", "1"));
    let commit = ground.push("first");
    ground.source(json!({})).await;
    ground.ready("GitRepository", "fleet", &commit).await;
    let before = ground.git.traffic("fleet");
    let mark = ground.mark();
    let after = eventually(LIMIT, "the repository is looked at three times more", || async {
        let traffic = ground.git.traffic("fleet");
        if traffic.reference_lists >= before.reference_lists + 3 { Ok(traffic) } else { Err(format!("{traffic:?}")) }
    })
    .await;
    assert_eq!(after.fetches, before.fetches);
    assert_eq!(ground.counted_since(mark).count(), 0, "{}", ground.counted_since(mark));
    ground.leave().await;
}

#[tokio::test]
async fn a_deleted_source_takes_its_artifact_along() {
    let ground = Ground::new("source-deleted").await;
    ground.write("apps/a.yaml", &config_map("a", "1"));
    let commit = ground.push("first");
    ground.source(json!({})).await;
    let fleet = ground.ready("GitRepository", "fleet", &commit).await;
    let url = fleet["status"]["artifact"]["url"].as_str().unwrap();
    assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
    ground.delete("GitRepository", "fleet").await;
    ground.until_gone("GitRepository", "fleet").await;
    assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
    ground.leave().await;
}

#[tokio::test]
async fn git_servers_that_do_not_answer_hold_up_no_other() {
    let (ground, silent) = (Ground::new("silent-servers").await, SilentServer::start().await.unwrap());
    for number in 0..SILENT {
        let url = format!("http://{}/{number}.git", silent.address());
        let spec = json!({"interval": "1h", "timeout": "5m", "url": url, "ref": {"branch": "main"}});
        ground.apply_one("source.toolkit.fluxcd.io/v1", "GitRepository", &format!("silent-{number}"), spec).await;
    }
    // What holds a worker shows here already: no more servers are asked than there are workers.
    silent.connected(LIMIT, 4).await.unwrap();
    ground.write("apps/a.yaml", &config_map("a", "1"));
    let commit = ground.push("first");
    ground.source(json!({})).await;
    let is_stored = || async {
        let fleet = ground.object("GitRepository", "fleet").await.ok_or("there is none")?;
        let revision = fleet["status"]["artifact"]["revision"].as_str().unwrap_or_default();
        if revision.ends_with(&commit) { Ok(()) } else { Err("it has no artifact") }
    };
    observe(Duration::from_secs(15), "the repository that is served is stored", is_stored).await.unwrap();
    silent.connected(LIMIT, SILENT).await.unwrap();
    for number in 0..SILENT {
        let name = format!("silent-{number}");
        let says_so = |object: &Value| condition(object, "Reconciling")["message"] == "building artifact";
        ground.until("GitRepository", &name, "says that it goes on", says_so).await;
    }
    ground.leave().await;
}
