//! Upstreams that take their time: nobody waits for them in a worker.

use super::*;
use crate::exchange::{ASKED_MAX, STORED_MAX};

const READY: &str = "Ready=True Succeeded stored artifact for revision 'main@sha1:one'";
const GIVEN_UP: &str = "Ready=False GitOperationFailed failed to checkout and determine revision: \
                        'https://example.com/app.git' did not finish within 60s";

impl World {
    /// Makes repositories that get no answer to a question.
    fn silent(&self, names: impl IntoIterator<Item = String>, question: Silence) -> Vec<String> {
        let names: Vec<String> = names.into_iter().collect();
        for name in &names {
            self.upstream.0.silent.lock().unwrap().insert(name.clone(), question);
            self.api.apply(name, spec());
        }
        names
    }

    /// Questions without an answer, now.
    fn unanswered(&self) -> usize {
        self.upstream.0.unanswered.load(Ordering::SeqCst)
    }

    fn request(&self, at: &str) {
        self.api.apply("app", json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": at}}}));
    }
}

fn named(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |number| format!("{prefix}-{number:03}"))
}

#[tokio::test(start_paused = true)]
async fn remotes_that_do_not_answer_hold_no_worker() {
    let world = World::new().await;
    let silent = world.silent(named("resolve", 5), Silence::Resolve);
    world.silent(named("fetch", 5), Silence::Fetch);
    world.settle().await;
    world.api.apply("app", spec());
    world.settle().await;
    assert_eq!(world.conditions()[0], READY);
    assert_eq!(world.unanswered(), 10);
    world.pass(Duration::from_secs(2)).await;
    let building = "Ready=Unknown Progressing building artifact";
    assert_eq!(world.conditions_of(&silent[0])[1], building, "each says that it goes on");
    world.pass(Duration::from_secs(59)).await;
    assert_eq!(world.conditions_of(&silent[0])[1], GIVEN_UP);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_has_the_timeout_as_a_whole() {
    let world = World::new().await;
    *world.upstream.0.hesitation.lock().unwrap() = Duration::from_secs(40);
    world.silent(["app".to_owned()], Silence::Fetch);
    world.pass(Duration::from_secs(59)).await;
    assert_eq!(world.unanswered(), 1);
    world.pass(Duration::from_millis(1_500)).await;
    assert_eq!((world.unanswered(), world.conditions()[1].as_str()), (0, GIVEN_UP));
    assert_eq!(world.api.calls()[1..], ["PATCH gitrepositories/app/status"; 2], "one of progress, one of its end");
}

#[tokio::test(start_paused = true)]
async fn an_object_has_one_exchange_at_a_time_and_a_request_is_answered_by_one_that_begins_after_it() {
    let world = World::ready().await;
    *world.upstream.0.hesitation.lock().unwrap() = Duration::from_secs(10);
    world.request("first");
    world.pass(Duration::from_secs(2)).await;
    world.upstream.push("two", "2");
    world.request("second");
    world.request("third");
    world.pass(Duration::from_secs(2)).await;
    assert_eq!(world.upstream.resolves(), 1);
    world.pass(Duration::from_secs(7)).await;
    assert_eq!(world.status()["lastHandledReconcileAt"], "first");
    assert_eq!(world.status()["artifact"]["revision"], "main@sha1:one");
    assert_eq!(world.upstream.resolves(), 1, "the next one began");
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.status()["lastHandledReconcileAt"], "third");
    assert_eq!(world.status()["artifact"]["revision"], "main@sha1:two");
    world.pass(Duration::from_secs(30)).await;
    assert_eq!(world.upstream.resolves(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changes_or_goes_ends_its_exchange() {
    let answered = json!({"spec": {"ref": {"branch": "other"}}});
    for (change, expected) in [
        (answered, Some(READY)),
        (json!({"spec": {"suspend": true}}), None),
        (json!({"spec": {"recurseSubmodules": true}}), Some("Stalled=True UnsupportedField")),
        (json!({"metadata": {"deletionTimestamp": "2026-06-01T11:00:00Z"}}), None),
    ] {
        for question in [Silence::Resolve, Silence::Fetch] {
            let world = World::new().await;
            world.silent(["app".to_owned()], question);
            world.settle().await;
            assert_eq!(world.unanswered(), 1, "{change}");
            world.upstream.0.silent.lock().unwrap().clear();
            world.api.apply("app", change.clone());
            world.settle().await;
            assert_eq!(world.unanswered(), 0, "{change}");
            if let Some(expected) = expected {
                assert!(world.conditions()[0].starts_with(expected), "{change}: {:?}", world.conditions());
            }
            let is_deleted = change.pointer("/metadata/deletionTimestamp").is_some();
            assert_eq!(world.api.get("app").is_none(), is_deleted, "{change}");
        }
    }
}

/// Two that publish at a time could write the same file: the commit is the same, and only `spec.ignore` differs.
#[tokio::test(start_paused = true)]
async fn what_is_being_published_is_waited_for_before_the_next_exchange_begins() {
    let world = World::new().await;
    world.settle().await;
    let (release, hold) = std::sync::mpsc::channel();
    *world.upstream.0.hold.lock().unwrap() = Some(hold);
    world.api.apply("app", spec());
    // While a thread reads, paused time stands still.
    let turns = async || {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    };
    turns().await;
    assert_eq!(world.upstream.fetches(), 1);
    world.api.apply("app", json!({"spec": {"ignore": "*.yaml"}}));
    turns().await;
    assert_eq!((world.upstream.resolves(), world.upstream.fetches()), (1, 0));
    release.send(()).unwrap();
    drop(release);
    world.settle().await;
    assert_eq!((world.upstream.resolves(), world.status()["observedIgnore"].as_str()), (1, Some("*.yaml")));
    world.request("now");
    world.settle().await;
    assert_eq!(world.events().len(), 1, "the file is that of the second: it was not found changed");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_remotes_are_asked_at_a_time_and_all_get_their_turn() {
    let world = World::new().await;
    world.silent(named("silent", ASKED_MAX + 3), Silence::Resolve);
    world.settle().await;
    world.api.apply("app", spec());
    world.pass(Duration::from_secs(59)).await;
    assert_eq!((world.unanswered(), world.upstream.resolves()), (ASKED_MAX, ASKED_MAX));
    world.pass(Duration::from_secs(2)).await;
    assert_eq!(world.conditions()[0], READY, "the wait for a place takes nothing of its time");

    let world = World::new().await;
    world.silent(named("silent", STORED_MAX + 3), Silence::Fetch);
    world.settle().await;
    assert_eq!((world.unanswered(), world.upstream.fetches()), (STORED_MAX, STORED_MAX));
    world.pass(Duration::from_secs(61)).await;
    assert!(world.upstream.fetches() >= 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_an_exchange_is_a_failure_of_its_object_alone() {
    let world = World::new().await;
    world.upstream.fail(Some(|| panic!("a bad repository")));
    world.api.apply("app", spec());
    world.pass(Duration::from_secs(5)).await;
    let resolves = world.upstream.resolves();
    assert!((2..5).contains(&resolves), "0.75, 1.5, 3 seconds: {resolves}");
    world.upstream.fail(None);
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.conditions()[0], READY);
}

#[tokio::test(start_paused = true)]
async fn exchanges_end_with_the_controller() {
    let world = World::new().await;
    world.silent(named("silent", 3), Silence::Resolve);
    world.settle().await;
    let upstream = world.upstream.clone();
    assert_eq!(world.unanswered(), 3);
    drop(world.stop);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(upstream.0.unanswered.load(Ordering::SeqCst), 0);
}
