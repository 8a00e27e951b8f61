use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::time::{advance, sleep};

use super::*;
use crate::Graph;

fn id(name: &str) -> ObjectId {
    ObjectId::new("example.dev", "App", "default", name)
}

fn deployment(name: &str) -> ObjectId {
    ObjectId::new("apps", "Deployment", "default", name)
}

type Script = Box<dyn Fn(&ObjectId, usize) -> Step + Send + Sync>;

/// What a pass does: take its time, then answer.
struct Step {
    takes: Duration,
    answer: Result<Next, Failure>,
}

fn at_once(next: Next) -> Step {
    Step { takes: Duration::ZERO, answer: Ok(next) }
}

fn takes(seconds: u64, next: Next) -> Step {
    Step { takes: Duration::from_secs(seconds), answer: Ok(next) }
}

fn fails() -> Step {
    Step { takes: Duration::ZERO, answer: Err(Failure::message("no answer")) }
}

fn when(object: ObjectId, deadline: Option<Instant>) -> Next {
    Next::When { objects: [object].into(), deadline }
}

/// A reconciler that does what a test says of the nth pass of an object, and notes when each pass began.
struct Scripted {
    script: Script,
    start: Instant,
    passes: Mutex<Vec<(String, u128, String)>>,
    running: AtomicUsize,
    running_max: AtomicUsize,
}

impl Reconcile for Scripted {
    async fn reconcile(&self, id: &ObjectId, trigger: &Trigger) -> Result<Next, Failure> {
        let earlier = self.passes_of(&id.name).len();
        let pass = (id.name.clone(), self.start.elapsed().as_millis(), trigger.to_string());
        self.passes.lock().unwrap().push(pass);
        let step = (self.script)(id, earlier);
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.running_max.fetch_max(running, Ordering::Relaxed);
        sleep(step.takes).await;
        self.running.fetch_sub(1, Ordering::Relaxed);
        step.answer
    }
}

impl Scripted {
    fn passes_of(&self, name: &str) -> Vec<u128> {
        let passes = self.passes.lock().unwrap();
        passes.iter().filter(|(object, ..)| object == name).map(|(_, at, _)| *at).collect()
    }

    fn triggers_of(&self, name: &str) -> Vec<String> {
        let passes = self.passes.lock().unwrap();
        passes.iter().filter(|(object, ..)| object == name).map(|(.., trigger)| trigger.clone()).collect()
    }
}

struct Running {
    graph: Graph,
    handle: crate::QueueHandle,
    reconciler: Arc<Scripted>,
    metrics: Metrics,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(concurrency: usize, script: impl Fn(&ObjectId, usize) -> Step + Send + Sync + 'static) -> Self {
        let (graph, metrics, shutdown) = (Graph::new(), Metrics::new(), CancellationToken::new());
        let queue = Queue::new(&graph, &[("example.dev", "App")]);
        let handle = queue.handle();
        let reconciler = Arc::new(Scripted {
            script: Box::new(script),
            start: Instant::now(),
            passes: Mutex::default(),
            running: AtomicUsize::default(),
            running_max: AtomicUsize::default(),
        });
        let options = RunOptions { concurrency, ..RunOptions::new("app") };
        let workers = run(queue, reconciler.clone(), options, metrics.clone(), shutdown.clone());
        let task = tokio::spawn(workers);
        Self { graph, handle, reconciler, metrics, shutdown, task }
    }

    fn wake(&self, name: &str) {
        self.handle.wake(id(name), Trigger::Object);
    }

    fn passes(&self, name: &str) -> Vec<u128> {
        self.reconciler.passes_of(name)
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_has_one_worker_at_a_time_and_a_wake_while_it_runs_runs_it_once_more() {
    let running = Running::start(4, |_, _| takes(10, Next::Done));
    running.wake("a");
    sleep(Duration::from_secs(1)).await;
    running.wake("a");
    running.wake("a");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(running.passes("a"), [0, 10_000]);
    assert_eq!(running.reconciler.running_max.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_objects_run_than_there_are_workers_and_all_get_their_turn() {
    let running = Running::start(2, |_, _| takes(10, Next::Done));
    for name in ["a", "b", "c", "d"] {
        running.wake(name);
    }
    sleep(Duration::from_secs(60)).await;
    let begun: Vec<_> = ["a", "b", "c", "d"].map(|name| running.passes(name)).into_iter().flatten().collect();
    assert_eq!(begun, [0, 0, 10_000, 10_000]);
    assert_eq!(running.reconciler.running_max.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_object_holds_no_worker_and_is_woken_by_what_it_waits_for() {
    let running = Running::start(1, |id, earlier| match (id.name.as_str(), earlier) {
        ("waits", 0) => at_once(when(deployment("d"), None)),
        _ => at_once(Next::Done),
    });
    running.wake("waits");
    running.wake("other");
    sleep(Duration::from_secs(60)).await;
    assert_eq!((running.passes("waits"), running.passes("other")), (vec![0], vec![0]));
    running.graph.changed(&deployment("unrelated"));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(running.passes("waits"), [0]);
    running.graph.changed(&deployment("d"));
    running.graph.changed(&deployment("d"));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(running.passes("waits"), [0, 120_000]);
    assert_eq!(running.reconciler.triggers_of("waits"), ["object", "Deployment/default/d"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_between_the_check_and_the_wait_is_not_lost() {
    let running = Running::start(1, |_, earlier| match earlier {
        0 => takes(10, when(deployment("d"), None)),
        _ => at_once(Next::Done),
    });
    running.wake("a");
    sleep(Duration::from_secs(5)).await;
    running.graph.changed(&deployment("d"));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(running.passes("a"), [0, 10_000]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_deadline() {
    let start = Instant::now();
    let running = Running::start(1, move |_, earlier| match earlier {
        0 => at_once(when(deployment("d"), Some(start + Duration::from_secs(30)))),
        _ => at_once(Next::Done),
    });
    running.wake("a");
    sleep(Duration::from_secs(60)).await;
    running.graph.changed(&deployment("d"));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(running.passes("a"), [0, 30_000]);
}

#[tokio::test(start_paused = true)]
async fn a_standing_interest_wakes_whatever_the_last_pass_answered() {
    let start = Instant::now();
    let running = Running::start(1, move |_, _| at_once(Next::At(start + Duration::from_secs(600))));
    running.graph.interested(&id("a"), [deployment("source")].into());
    running.wake("a");
    sleep(Duration::from_secs(5)).await;
    running.graph.changed(&deployment("source"));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(running.passes("a"), [0, 5_000]);
}

#[tokio::test(start_paused = true)]
async fn backoff_doubles_up_to_its_limit_and_begins_anew_after_a_success() {
    let running = Running::start(1, |_, earlier| if earlier == 8 { at_once(Next::Done) } else { fails() });
    running.wake("a");
    sleep(Duration::from_secs(3600)).await;
    let begun = running.passes("a");
    let delays: Vec<_> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(delays, [750, 1_500, 3_000, 6_000, 12_000, 24_000, 30_000, 30_000], "the ninth pass succeeded");
    running.wake("a");
    sleep(Duration::from_millis(800)).await;
    assert_eq!(running.passes("a").len(), begun.len() + 2, "one at once and one after the first delay");
}

#[tokio::test(start_paused = true)]
async fn a_wake_does_not_wait_for_the_backoff_and_does_not_reset_it() {
    let running = Running::start(1, |_, _| fails());
    running.wake("a");
    sleep(Duration::from_secs(3)).await;
    running.wake("a");
    sleep(Duration::from_millis(5_900)).await;
    assert_eq!(running.passes("a"), [0, 750, 2_250, 3_000]);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(running.passes("a"), [0, 750, 2_250, 3_000, 9_000]);
}

/// Each attempt is two passes: one that begins something, which ends after a second, and one that reports its failure.
#[tokio::test(start_paused = true)]
async fn what_goes_on_outside_the_workers_is_no_success_between_two_failures() {
    let running = Running::start(1, |_, earlier| match earlier % 2 {
        0 => {
            let deadline = Some(Instant::now() + Duration::from_secs(1));
            at_once(Next::Underway { objects: [deployment("d")].into(), deadline })
        }
        _ => fails(),
    });
    running.wake("a");
    sleep(Duration::from_secs(9)).await;
    assert_eq!(running.passes("a"), [0, 1_000, 1_750, 2_750, 4_250, 5_250, 8_250]);
    running.graph.changed(&deployment("d"));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(running.passes("a").len(), 8, "its end is told");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_of_its_object_alone() {
    let running = Running::start(1, |id, earlier| match (id.name.as_str(), earlier) {
        ("panics", 0) => panic!("a bad object"),
        _ => at_once(Next::Done),
    });
    running.wake("panics");
    running.wake("other");
    sleep(Duration::from_secs(1)).await;
    assert_eq!((running.passes("panics"), running.passes("other")), (vec![0, 750], vec![0]));
    assert!(running.metrics.encode().contains(r#"controller_runtime_reconcile_panics_total{controller="app"} 1"#));
    assert!(!running.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_leaves_no_trace() {
    let running =
        Running::start(1, |_, earlier| at_once(if earlier == 0 { when(deployment("d"), None) } else { Next::Gone }));
    running.graph.interested(&id("a"), [deployment("source")].into());
    running.wake("a");
    sleep(Duration::from_secs(1)).await;
    let series = r#"gotk_reconcile_duration_seconds_count{kind="App",name="a",namespace="default"}"#;
    assert!(running.metrics.encode().contains(series));
    running.wake("a");
    sleep(Duration::from_secs(1)).await;
    assert!(!running.metrics.encode().contains(series));
    assert!(
        running.graph.waiters(&deployment("source")).is_empty() && running.graph.waiters(&deployment("d")).is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_running_reconciles_finish_and_starts_no_other() {
    let running = Running::start(1, |_, _| takes(10, Next::Done));
    running.wake("a");
    running.wake("b");
    sleep(Duration::from_secs(1)).await;
    running.shutdown.cancel();
    let cancelled = Instant::now();
    running.task.await.unwrap();
    assert_eq!(cancelled.elapsed().as_secs(), 9);
    assert_eq!(running.reconciler.running.load(Ordering::Relaxed), 0);
    assert_eq!(running.reconciler.passes_of("b"), [] as [u128; 0]);
}

#[tokio::test(start_paused = true)]
async fn shutdown_drops_reconciles_that_exceed_its_limit() {
    let running = Running::start(1, |_, _| takes(3600, Next::Done));
    running.wake("a");
    sleep(Duration::from_secs(1)).await;
    running.shutdown.cancel();
    let cancelled = Instant::now();
    running.task.await.unwrap();
    assert_eq!(cancelled.elapsed().as_secs(), 30);
}

/// The store holds a value that the reconciler reads before it answers that it waits for it; a writer changes the value
/// and tells the graph, at every point at which the two can interleave.
#[tokio::test(start_paused = true)]
async fn a_reconciler_that_reads_and_then_waits_always_sees_the_last_value() {
    struct Reader {
        value: Arc<AtomicUsize>,
        seen: Arc<AtomicUsize>,
        turns: usize,
    }
    impl Reconcile for Reader {
        async fn reconcile(&self, _: &ObjectId, _: &Trigger) -> Result<Next, Failure> {
            let value = self.value.load(Ordering::SeqCst);
            for _ in 0..self.turns {
                tokio::task::yield_now().await;
            }
            self.seen.store(value, Ordering::SeqCst);
            Ok(when(deployment("d"), None))
        }
    }
    for reader_turns in 0..6 {
        for writer_turns in 0..12 {
            let (graph, shutdown) = (Graph::new(), CancellationToken::new());
            let (value, seen): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
            let queue = Queue::new(&graph, &[("example.dev", "App")]);
            queue.handle().wake(id("a"), Trigger::Object);
            let reader = Arc::new(Reader { value: value.clone(), seen: seen.clone(), turns: reader_turns });
            let task = tokio::spawn(run(queue, reader, RunOptions::new("app"), Metrics::new(), shutdown.clone()));
            for written in 1..=3 {
                for _ in 0..writer_turns {
                    tokio::task::yield_now().await;
                }
                value.store(written, Ordering::SeqCst);
                graph.changed(&deployment("d"));
            }
            sleep(Duration::from_secs(1)).await;
            assert_eq!(seen.load(Ordering::SeqCst), 3, "reader {reader_turns}, writer {writer_turns}");
            shutdown.cancel();
            task.await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_run_drops_its_passes() {
    struct Holds(Arc<Semaphore>);
    impl Reconcile for Holds {
        async fn reconcile(&self, _: &ObjectId, _: &Trigger) -> Result<Next, Failure> {
            let _permit = self.0.acquire().await?;
            pending().await
        }
    }
    let (graph, permits) = (Graph::new(), Arc::new(Semaphore::new(1)));
    let queue = Queue::new(&graph, &[("example.dev", "App")]);
    queue.handle().wake(id("a"), Trigger::Object);
    let workers =
        run(queue, Arc::new(Holds(permits.clone())), RunOptions::new("app"), Metrics::new(), CancellationToken::new());
    let task = tokio::spawn(workers);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(permits.available_permits(), 0);
    task.abort();
    advance(Duration::from_secs(1)).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(permits.available_permits(), 1);
}
