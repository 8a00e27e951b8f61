//! Cells of pods and jobs.

use jiff::Timestamp;
use serde_json::Value;

use super::super::age::{age, since};
use super::{at, holds, integer, items, or, size, text};

pub(super) fn ready(pod: &Value, _: &[&str], _: Timestamp) -> Value {
    let summary = Summary::of(pod);
    format!("{}/{}", summary.ready, summary.containers).into()
}

pub(super) fn status(pod: &Value, _: &[&str], _: Timestamp) -> Value {
    Summary::of(pod).reason.into()
}

pub(super) fn restarts(pod: &Value, _: &[&str], now: Timestamp) -> Value {
    let Restarts { count, last } = Summary::of(pod).restarts;
    match last {
        Some(last) if count > 0 => format!("{count} ({} ago)", age(Some(&last), now)).into(),
        _ => count.to_string().into(),
    }
}

pub(super) fn ip(pod: &Value, _: &[&str], _: Timestamp) -> Value {
    or(items(at(pod, ".status.podIPs")).next().map(|ip| text(&ip["ip"])).unwrap_or_default(), "<none>").into()
}

pub(super) fn gates(pod: &Value, _: &[&str], _: Timestamp) -> Value {
    let gates = at(pod, ".spec.readinessGates");
    let open = items(gates).filter(|gate| holds(at(pod, ".status.conditions"), &text(&gate["conditionType"])));
    if size(gates) == 0 { "<none>".into() } else { format!("{}/{}", open.count(), size(gates)).into() }
}

/// How often containers were started again, and when that was last, in RFC 3339.
#[derive(Clone, Default)]
struct Restarts {
    count: i64,
    last: Option<String>,
}

impl Restarts {
    fn add(&mut self, container: &Value) {
        self.count += integer(&container["restartCount"]);
        let finished = at(container, ".lastState.terminated.finishedAt").as_str();
        self.last = self.last.take().max(finished.map(str::to_owned));
    }
}

/// What a pod is doing, told from the states of its containers.
struct Summary {
    ready: usize,
    containers: usize,
    reason: String,
    restarts: Restarts,
}

impl Summary {
    fn of(pod: &Value) -> Self {
        let (spec, status) = (&pod["spec"], &pod["status"]);
        let phase = text(&status["phase"]);
        let mut summary = Self {
            ready: 0,
            containers: size(&spec["containers"])
                + items(&spec["initContainers"]).filter(|one| restarts_always(one)).count(),
            reason: or(text(&status["reason"]), &phase),
            restarts: Restarts::default(),
        };
        let gated = |condition: &Value| condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated";
        if items(&status["conditions"]).any(gated) {
            summary.reason = "SchedulingGated".to_owned();
        }
        let mut beside = Restarts::default();
        let initializing = summary.initial(spec, status, &mut beside);
        if !initializing || holds(&status["conditions"], "Initialized") {
            summary.restarts = beside;
            summary.main(status);
        }
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            match (status["reason"].as_str(), phase.as_str()) {
                (Some("NodeLost"), _) => summary.reason = "Unknown".to_owned(),
                (_, "Succeeded" | "Failed") => {}
                _ => summary.reason = "Terminating".to_owned(),
            }
        }
        summary
    }

    /// Reads the init containers; whether one of them is still at it. `beside` are the restarts of those that run beside the
    /// main ones.
    fn initial(&mut self, spec: &Value, status: &Value, beside: &mut Restarts) -> bool {
        for (index, container) in items(&status["initContainerStatuses"]).enumerate() {
            let of_spec = items(&spec["initContainers"]).find(|one| one["name"] == container["name"]);
            let sidecar = of_spec.is_some_and(restarts_always);
            self.restarts.add(container);
            if sidecar {
                beside.add(container);
            }
            let (terminated, waiting) =
                (at(container, ".state.terminated"), text(at(container, ".state.waiting.reason")));
            if !terminated.is_null() && integer(&terminated["exitCode"]) == 0 {
                continue;
            }
            if sidecar && container["started"] == true {
                self.ready += usize::from(container["ready"] == true);
                continue;
            }
            self.reason = if !terminated.is_null() {
                format!("Init:{}", ended(terminated))
            } else if !waiting.is_empty() && waiting != "PodInitializing" {
                format!("Init:{waiting}")
            } else {
                format!("Init:{index}/{}", size(&spec["initContainers"]))
            };
            return true;
        }
        false
    }

    fn main(&mut self, status: &Value) {
        let mut running = false;
        let mut failure = None;
        for container in items(&status["containerStatuses"]).rev() {
            self.restarts.add(container);
            let (terminated, waiting) =
                (at(container, ".state.terminated"), text(at(container, ".state.waiting.reason")));
            if !waiting.is_empty() {
                self.reason = waiting;
            } else if !terminated.is_null() {
                self.reason = ended(terminated);
                if integer(&terminated["exitCode"]) != 0 {
                    failure = Some(self.reason.clone());
                }
            } else if container["ready"] == true && !at(container, ".state.running").is_null() {
                running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" {
            self.reason = match failure {
                _ if running && holds(&status["conditions"], "Ready") => "Running".to_owned(),
                Some(failure) => failure,
                None if running => "NotReady".to_owned(),
                None => "Completed".to_owned(),
            };
        }
    }
}

fn restarts_always(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn ended(terminated: &Value) -> String {
    match (text(&terminated["reason"]), integer(&terminated["signal"])) {
        (reason, _) if !reason.is_empty() => reason,
        (_, 0) => format!("ExitCode:{}", integer(&terminated["exitCode"])),
        (_, signal) => format!("Signal:{signal}"),
    }
}

pub(super) fn job_status(job: &Value, _: &[&str], _: Timestamp) -> Value {
    let has = |type_: &str| holds(at(job, ".status.conditions"), type_);
    let terminating = !job["metadata"]["deletionTimestamp"].is_null();
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if terminating => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
    .into()
}

pub(super) fn job_completions(job: &Value, _: &[&str], _: Timestamp) -> Value {
    let succeeded = integer(at(job, ".status.succeeded"));
    match (at(job, ".spec.completions").as_i64(), integer(at(job, ".spec.parallelism"))) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    }
    .into()
}

pub(super) fn job_duration(job: &Value, _: &[&str], now: Timestamp) -> Value {
    let time = |path| at(job, path).as_str().and_then(|text| text.parse().ok());
    match (time(".status.startTime"), time(".status.completionTime")) {
        (Some(start), end) => since(start, end.unwrap_or(now)).into(),
        (None, _) => "".into(),
    }
}
