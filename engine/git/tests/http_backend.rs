//! Fetching from a real `git http-backend`.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test, which starts git and writes files")]

use std::{num::NonZeroU32, time::Duration};

use thalweg_git::{Auth, Error, Git, Limits, Options, Reference, Remote};

mod server;
use server::Server;

struct Fixture {
    server: Server,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Fixture {
        Fixture { server: Server::start().await, folder: tempfile::tempdir().unwrap() }
    }

    fn git(&self) -> Git {
        self.git_with(Limits::default())
    }

    fn git_with(&self, limits: Limits) -> Git {
        Git::new(Options { limits, ..Options::new(self.folder.path()) })
    }

    fn remote(&self) -> Remote {
        Remote::new(&self.server.url("repo.git"), Auth::None).unwrap().with_timeout(Duration::from_secs(20))
    }
}

fn basic(username: &str, password: &str) -> Auth {
    Auth::Basic { username: username.to_owned(), password: password.to_owned().into() }
}

/// The files of a checkout as `path[*]=text` lines, `*` being the executable bit.
fn shown(checkout: &thalweg_git::Checkout) -> Vec<String> {
    let contents = checkout.contents().unwrap();
    let line = |file: &thalweg_git::File| {
        let text = String::from_utf8(contents.read(file).unwrap()).unwrap();
        format!("{}{}={text}", file.path, if file.executable { "*" } else { "" })
    };
    checkout.files().iter().map(line).collect()
}

#[tokio::test]
async fn a_branch_is_resolved_by_one_ls_refs_alone() {
    let fixture = Fixture::new().await;
    let commit = fixture.server.commit("main", &[("a.yaml", "a")], "first");
    fixture.server.run(&["branch", "main2", "main"]);
    let resolved = fixture.git().resolve(&fixture.remote(), &Reference::branch("main").unwrap()).await.unwrap();
    assert_eq!(resolved.revision, format!("main@sha1:{commit}"));
    assert_eq!(resolved.commit, commit);
    assert_eq!(
        fixture.server.requests(),
        ["GET /repo.git/info/refs?service=git-upload-pack", "POST /repo.git/git-upload-pack"]
    );
}

#[tokio::test]
async fn a_commit_becomes_files_straight_from_the_object_database() {
    let fixture = Fixture::new().await;
    fixture.server.write("run.sh", "#!/bin/sh");
    fixture.server.symlink("link", "a.yaml");
    fixture.server.gitlink("module", "0123456789012345678901234567890123456789");
    let commit = fixture.server.commit("main", &[("a.yaml", "a"), ("deep/er/b.yaml", "b")], "first\n\nbody");
    let checkout = fixture.git().fetch(&fixture.remote(), &Reference::branch("main").unwrap(), "x").await.unwrap();
    assert_eq!(checkout.revision(), format!("main@sha1:{commit}"));
    assert_eq!(checkout.subject(), "first");
    assert_eq!(shown(&checkout), ["a.yaml=a", "deep/er/b.yaml=b", "run.sh*=#!/bin/sh"]);
}

#[tokio::test]
async fn a_second_fetch_receives_only_what_is_new() {
    let fixture = Fixture::new().await;
    let (git, main) = (fixture.git(), Reference::branch("main").unwrap());
    fixture.server.commit("main", &[("large", &noise(1 << 20)), ("small", "1")], "first");
    drop(git.fetch(&fixture.remote(), &main, "x").await.unwrap());
    let first = fixture.server.sent();
    fixture.server.commit("main", &[("small", "2")], "second");
    let checkout = git.fetch(&fixture.remote(), &main, "x").await.unwrap();
    assert_eq!(checkout.subject(), "second");
    let contents = checkout.contents().unwrap();
    let sizes = checkout.files().iter().map(|file| contents.read(file).unwrap().len()).collect::<Vec<_>>();
    assert_eq!(sizes, [1 << 20, 1]);
    assert!(fixture.server.sent() - first < 10_000, "{} bytes after {first}", fixture.server.sent() - first);
}

#[tokio::test]
async fn fetching_the_same_commit_again_works() {
    let fixture = Fixture::new().await;
    let (git, main) = (fixture.git(), Reference::branch("main").unwrap());
    fixture.server.commit("main", &[("a", "1")], "first");
    for _ in 0..2 {
        assert_eq!(shown(&git.fetch(&fixture.remote(), &main, "x").await.unwrap()), ["a=1"]);
    }
}

#[tokio::test]
async fn a_branch_that_was_forced_back_is_followed() {
    let fixture = Fixture::new().await;
    let (git, main) = (fixture.git(), Reference::branch("main").unwrap());
    let first = fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.commit("main", &[("a", "2")], "second");
    drop(git.fetch(&fixture.remote(), &main, "x").await.unwrap());
    fixture.server.run(&["update-ref", "refs/heads/main", &first]);
    let checkout = git.fetch(&fixture.remote(), &main, "x").await.unwrap();
    assert_eq!((checkout.commit(), shown(&checkout)), (first.as_str(), vec!["a=1".to_owned()]));
}

#[tokio::test]
async fn tags_lead_to_their_commit_annotated_or_not() {
    let fixture = Fixture::new().await;
    let commit = fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.run(&["tag", "light", "main"]);
    fixture.server.run(&["tag", "-a", "-m", "release", "v1", "main"]);
    for tag in ["light", "v1"] {
        let reference = Reference::tag(tag).unwrap();
        let resolved = fixture.git().resolve(&fixture.remote(), &reference).await.unwrap();
        assert_eq!(resolved.revision, format!("{tag}@sha1:{commit}"));
        let checkout = fixture.git().fetch(&fixture.remote(), &reference, "x").await.unwrap();
        assert_eq!(checkout.revision(), resolved.revision);
        assert_eq!(shown(&checkout), ["a=1"]);
    }
}

#[tokio::test]
async fn any_full_name_can_be_followed() {
    let fixture = Fixture::new().await;
    let commit = fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.run(&["update-ref", "refs/pull/1/head", "main"]);
    for name in ["refs/pull/1/head", "refs/heads/main", "HEAD"] {
        let reference = Reference::name(name).unwrap();
        let resolved = fixture.git().resolve(&fixture.remote(), &reference).await.unwrap();
        assert_eq!(resolved.revision, format!("{name}@sha1:{commit}"));
        let checkout = fixture.git().fetch(&fixture.remote(), &reference, "x").await.unwrap();
        assert_eq!(checkout.commit(), commit);
    }
}

#[tokio::test]
async fn a_commit_is_fetched_by_its_hash() {
    let fixture = Fixture::new().await;
    let first = fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.commit("main", &[("a", "2")], "second");
    let reference = Reference::commit(&first, None).unwrap();
    assert_eq!(fixture.git().resolve(&fixture.remote(), &reference).await.unwrap().revision, format!("sha1:{first}"));
    assert_eq!(fixture.server.requests(), [""; 0], "a pinned commit needs no server");
    let checkout = fixture.git().fetch(&fixture.remote(), &reference, "x").await.unwrap();
    assert_eq!((checkout.revision(), shown(&checkout)), (format!("sha1:{first}").as_str(), vec!["a=1".to_owned()]));
}

#[tokio::test]
async fn a_commit_that_nobody_has_is_reported() {
    let fixture = Fixture::new().await;
    fixture.server.commit("main", &[("a", "1")], "first");
    let missing = "0123456789012345678901234567890123456789";
    for branch in [None, Some("main")] {
        let reference = Reference::commit(missing, branch).unwrap();
        let error = fixture.git().fetch(&fixture.remote(), &reference, "x").await.unwrap_err();
        assert!(matches!(error, Error::CommitNotFound { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_commit_is_found_on_its_branch_when_the_server_refuses_hashes() {
    let fixture = Fixture::new().await;
    let first = fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.commit("main", &[("a", "2")], "second");
    fixture.server.refuse(&first);
    let error =
        fixture.git().fetch(&fixture.remote(), &Reference::commit(&first, None).unwrap(), "x").await.unwrap_err();
    assert!(error.to_string().contains("name the branch that holds it"), "{error}");
    let reference = Reference::commit(&first, Some("main")).unwrap();
    let checkout = fixture.git().fetch(&fixture.remote(), &reference, "x").await.unwrap();
    assert_eq!(checkout.revision(), format!("main@sha1:{first}"));
    assert_eq!(shown(&checkout), ["a=1"]);
}

#[tokio::test]
async fn a_server_that_knows_no_v2_is_understood() {
    let fixture = Fixture::new().await;
    let commit = fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.speak_only_v0();
    let main = Reference::branch("main").unwrap();
    assert_eq!(fixture.git().resolve(&fixture.remote(), &main).await.unwrap().commit, commit);
    assert_eq!(shown(&fixture.git().fetch(&fixture.remote(), &main, "x").await.unwrap()), ["a=1"]);
}

#[tokio::test]
async fn missing_references_and_empty_repositories_are_told_apart() {
    let fixture = Fixture::new().await;
    let main = Reference::branch("main").unwrap();
    for outcome in [
        fixture.git().resolve(&fixture.remote(), &main).await.map(drop),
        fixture.git().fetch(&fixture.remote(), &main, "x").await.map(drop),
    ] {
        assert_eq!(outcome.unwrap_err().to_string(), "git repository is empty");
    }
    fixture.server.commit("other", &[("a", "1")], "first");
    for outcome in [
        fixture.git().resolve(&fixture.remote(), &main).await.map(drop),
        fixture.git().fetch(&fixture.remote(), &main, "x").await.map(drop),
    ] {
        assert_eq!(outcome.unwrap_err().to_string(), "couldn't find remote ref \"refs/heads/main\"");
    }
}

#[tokio::test]
async fn credentials_over_plain_http_work_and_are_checked() {
    let fixture = Fixture::new().await;
    fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.require("Basic dXNlcjpwYXNz"); // user:pass
    let main = Reference::branch("main").unwrap();
    let with = |auth| Remote::new(&fixture.server.url("repo.git"), auth).unwrap();
    let checkout = fixture.git().fetch(&with(basic("user", "pass")), &main, "x").await.unwrap();
    assert_eq!(shown(&checkout), ["a=1"]);
    drop(checkout);
    for auth in [Auth::None, basic("user", "wrong"), Auth::Bearer("pass".to_owned().into())] {
        let error = fixture.git().resolve(&with(auth), &main).await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    }
    fixture.server.require("Bearer token");
    let bearer = with(Auth::Bearer("token".to_owned().into()));
    assert!(fixture.git().resolve(&bearer, &main).await.is_ok());
}

#[tokio::test]
async fn errors_never_hold_what_was_secret() {
    let fixture = Fixture::new().await;
    fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.require("Basic other");
    let url = fixture.server.url("repo.git").replace("http://", "http://user:hunter2@");
    let remote = Remote::new(&url, Auth::None).unwrap();
    let unknown = Remote::new("http://user:hunter2@no-such-host.invalid/repo.git", Auth::None).unwrap();
    for remote in [remote, unknown] {
        let error = fixture.git().resolve(&remote, &Reference::branch("main").unwrap()).await.unwrap_err();
        let chain = anyhow_chain(&error);
        assert!(!chain.contains("hunter2") && !chain.contains("aHVudGVyMg"), "{chain}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn credentials_stay_with_their_server() {
    let fixture = Fixture::new().await;
    let elsewhere = Fixture::new().await;
    elsewhere.server.commit("main", &[("a", "1")], "first");
    fixture.server.redirect_to(&elsewhere.server.url(""));
    let main = Reference::branch("main").unwrap();
    let error = fixture
        .git()
        .resolve(&Remote::new(&fixture.server.url("repo.git"), basic("user", "pass")).unwrap(), &main)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("the credentials belong to another server"), "{error}");
    assert_eq!(elsewhere.server.requests(), [""; 0], "the other server was never asked");
    let checkout = fixture.git().fetch(&fixture.remote(), &main, "x").await.unwrap();
    assert_eq!(shown(&checkout), ["a=1"], "without credentials the first request may be redirected");
}

#[tokio::test]
async fn a_server_that_never_answers_costs_no_more_than_the_timeout() {
    let fixture = Fixture::new().await;
    fixture.server.commit("main", &[("a", "1")], "first");
    fixture.server.hang();
    let remote = fixture.remote().with_timeout(Duration::from_millis(200));
    let error = fixture.git().resolve(&remote, &Reference::branch("main").unwrap()).await.unwrap_err();
    assert!(error.to_string().ends_with("did not finish within 200ms"), "{error}");
}

#[tokio::test]
async fn a_call_that_is_dropped_frees_its_place() {
    let fixture = Fixture::new().await;
    fixture.server.commit("main", &[("a", "1")], "first");
    let git = Git::new(Options { concurrent_max: 1, ..Options::new(fixture.folder.path()) });
    let main = Reference::branch("main").unwrap();
    fixture.server.hang();
    let remote = fixture.remote();
    let call = git.fetch(&remote, &main, "x");
    assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
    fixture.server.resume();
    let checkout = tokio::time::timeout(Duration::from_secs(5), git.fetch(&remote, &main, "x")).await;
    assert_eq!(shown(&checkout.unwrap().unwrap()), ["a=1"]);
}

#[tokio::test]
async fn limits_hold_while_data_arrives() {
    let fixture = Fixture::new().await;
    fixture.server.commit("main", &[("a", &noise(100_000)), ("b/c", "1")], "first");
    let main = Reference::branch("main").unwrap();
    for (limits, expected) in [
        (Limits { received_bytes_max: 50_000, ..Limits::default() }, "exceeds the limit of 50000 bytes"),
        (Limits { entries_max: 2, ..Limits::default() }, "exceeds the limit of 2 entries"),
        (
            Limits { path_bytes_max: 2, ..Limits::default() },
            "the length of the path 'b/c' exceeds the limit of 2 bytes",
        ),
    ] {
        let error = fixture.git_with(limits).fetch(&fixture.remote(), &main, "x").await.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    }
    let limits = Limits { file_bytes_max: 10, ..Limits::default() };
    let checkout = fixture.git_with(limits).fetch(&fixture.remote(), &main, "y").await.unwrap();
    let error = checkout.contents().unwrap().read(&checkout.files()[0]).unwrap_err();
    assert_eq!(error.to_string(), "the size of the file 'a' exceeds the limit of 10 bytes");
}

#[tokio::test]
async fn a_cache_past_its_limits_or_damaged_is_cloned_again() {
    let fixture = Fixture::new().await;
    let main = Reference::branch("main").unwrap();
    fixture.server.commit("main", &[("a", "1")], "first");
    let limits = Limits { cache_packs_max: 0, depth: NonZeroU32::MIN, ..Limits::default() };
    let git = fixture.git_with(limits);
    for text in ["2", "3"] {
        drop(git.fetch(&fixture.remote(), &main, "x").await.unwrap());
        fixture.server.commit("main", &[("a", text)], "next");
    }
    let packs = std::fs::read_dir(fixture.folder.path().join("x/objects/pack")).unwrap();
    let packs = packs.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "pack"));
    assert_eq!(packs.count(), 1);
    let git = fixture.git();
    std::fs::write(fixture.folder.path().join("x/shallow.lock"), "left by a process that was killed").unwrap();
    assert_eq!(shown(&git.fetch(&fixture.remote(), &main, "x").await.unwrap()), ["a=3"]);
    for pack in std::fs::read_dir(fixture.folder.path().join("x/objects/pack")).unwrap() {
        let pack = pack.unwrap().path();
        std::fs::remove_file(&pack).unwrap();
        std::fs::write(&pack, "damaged").unwrap();
    }
    assert_eq!(shown(&git.fetch(&fixture.remote(), &main, "x").await.unwrap()), ["a=3"]);
    git.forget("x").await.unwrap();
    assert!(!fixture.folder.path().join("x").exists());
}

#[tokio::test]
async fn a_cache_whose_first_fetch_was_killed_is_made_anew() {
    let fixture = Fixture::new().await;
    let main = Reference::branch("main").unwrap();
    fixture.server.commit("main", &[("a", "1")], "first");
    drop(fixture.git().fetch(&fixture.remote(), &main, "x").await.unwrap());
    let cache = fixture.folder.path().join("x");
    std::fs::remove_dir_all(cache.join("refs/thalweg")).unwrap();
    std::fs::write(cache.join("shallow.lock"), "left by a process that was killed").unwrap();
    assert_eq!(shown(&fixture.git().fetch(&fixture.remote(), &main, "x").await.unwrap()), ["a=1"]);
}

#[tokio::test]
async fn a_cache_never_answers_for_another_remote() {
    let fixture = Fixture::new().await;
    let elsewhere = Fixture::new().await;
    let commit = fixture.server.commit("main", &[("a", "secret")], "first");
    elsewhere.server.commit("main", &[("a", "public")], "first");
    let pinned = Reference::commit(&commit, None).unwrap();
    drop(fixture.git().fetch(&fixture.remote(), &pinned, "x").await.unwrap());
    assert!(fixture.git().fetch(&elsewhere.remote(), &pinned, "x").await.is_err());
    for name in ["", "..", "a/b", ".hidden", "a\0"] {
        assert!(fixture.git().fetch(&fixture.remote(), &pinned, name).await.is_err(), "{name:?}");
    }
}

#[tokio::test]
async fn hostile_trees_are_refused_by_name() {
    let fixture = Fixture::new().await;
    let blob = fixture.server.blob("x");
    let empty = fixture.server.tree(&[]);
    let nested = fixture.server.tree(&[("100644", "..", &blob)]);
    for (entries, expected) in [
        (vec![("100644", "a/b", &blob)], "the path 'a/b', which is refused: a name holds '/'"),
        (vec![("100644", "..", &blob)], "the path '..', which is refused: a name leads elsewhere"),
        (vec![("100644", ".", &blob)], "the path '.', which is refused: a name leads elsewhere"),
        (vec![("40000", ".git", &empty)], "the path '.git', which is refused: a name stands for Git's own folder"),
        (vec![("40000", ".GiT", &empty)], "the path '.GiT', which is refused: a name stands for Git's own folder"),
        (vec![("40000", "git~1", &empty)], "the path 'git~1', which is refused: a name stands for Git's own folder"),
        (vec![("40000", ".git. ", &empty)], "the path '.git. ', which is refused: a name stands for Git's own folder"),
        (vec![("120000", ".git", &blob)], "the path '.git', which is refused: a name stands for Git's own folder"),
        (vec![("100644", "a", &blob), ("100644", "a", &blob)], "the path 'a', which is refused: the name occurs twice"),
        (vec![("120000", "a", &blob), ("40000", "a", &empty)], "the path 'a', which is refused: the name occurs twice"),
        (vec![("40000", "dir", &nested)], "the path 'dir/..', which is refused: a name leads elsewhere"),
    ] {
        let entries: Vec<(&str, &str, &str)> =
            entries.iter().map(|(mode, name, id)| (*mode, *name, id.as_str())).collect();
        fixture.server.commit_tree("main", &fixture.server.tree(&entries));
        let error = fixture.git().fetch(&fixture.remote(), &Reference::branch("main").unwrap(), "x").await.unwrap_err();
        assert_eq!(error.to_string(), format!("the commit holds {expected}"));
    }
}

fn anyhow_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Text that does not compress.
fn noise(length: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..length).map(|_| next()).collect()
}
