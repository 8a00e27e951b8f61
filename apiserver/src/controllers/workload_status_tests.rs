use super::*;

/// The status of an object in a phase, without times, as JSON.
fn check(status: fn(&Observed<'_>) -> Value, object: &str, phase: Phase, expected: &str) {
    let object: Value = serde_yaml::from_str(object).unwrap();
    let mut actual = status(&Observed { object: &object, phase, now: Timestamp::UNIX_EPOCH });
    for condition in actual.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        let condition = condition.as_object_mut().unwrap();
        condition.retain(|key, value| !(key.starts_with("last") && *value == "1970-01-01T00:00:00Z"));
    }
    let expected: Value = serde_yaml::from_str(expected).unwrap();
    assert_eq!(actual, expected, "{phase:?} of {object}");
}

const WEB: &str = "{metadata: {name: web, generation: 1}, spec: {replicas: 2, template: {}}}";
const WEB_UPDATED: &str = "
metadata: {name: web, generation: 2}
spec: {replicas: 2, template: {}}
status:
  availableReplicas: 2
  conditions: [{type: Available, status: 'True', reason: MinimumReplicasAvailable}]";

#[test]
fn a_deployment_progresses_and_becomes_available() {
    check(
        deployment,
        WEB,
        Phase::Progressing,
        r#"{replicas: 2, updatedReplicas: 2, unavailableReplicas: 2, observedGeneration: 1, terminatingReplicas: 0, conditions: [
            {type: Available, status: "False", reason: MinimumReplicasUnavailable, message: Deployment does not have minimum availability.},
            {type: Progressing, status: "True", reason: ReplicaSetUpdated, message: ReplicaSet "web-5859f96865" is progressing.}]}"#,
    );
    check(
        deployment,
        WEB,
        Phase::Ready,
        r#"{replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: 1, terminatingReplicas: 0, conditions: [
            {type: Available, status: "True", reason: MinimumReplicasAvailable, message: Deployment has minimum availability.},
            {type: Progressing, status: "True", reason: NewReplicaSetAvailable, message: ReplicaSet "web-5859f96865" has successfully progressed.}]}"#,
    );
    check(
        deployment,
        WEB,
        Phase::Failed,
        r#"{replicas: 2, updatedReplicas: 2, unavailableReplicas: 2, observedGeneration: 1, terminatingReplicas: 0, conditions: [
            {type: Available, status: "False", reason: MinimumReplicasUnavailable, message: Deployment does not have minimum availability.},
            {type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: ReplicaSet "web-5859f96865" has timed out progressing.}]}"#,
    );
}

#[test]
fn a_deployment_that_is_updated_stays_available() {
    check(
        deployment,
        WEB_UPDATED,
        Phase::Progressing,
        r#"{replicas: 2, readyReplicas: 2, availableReplicas: 2, unavailableReplicas: 2, observedGeneration: 2, terminatingReplicas: 0, conditions: [
            {type: Available, status: "True", reason: MinimumReplicasAvailable, message: Deployment has minimum availability., lastTransitionTime: null},
            {type: Progressing, status: "True", reason: ReplicaSetUpdated, message: ReplicaSet "web-5859f96865" is progressing.}]}"#,
    );
}

#[test]
fn a_deployment_of_nothing_is_available() {
    check(
        deployment,
        "{metadata: {name: web, generation: 1}, spec: {replicas: 0, template: {}}}",
        Phase::Progressing,
        r#"{observedGeneration: 1, terminatingReplicas: 0, conditions: [
            {type: Available, status: "True", reason: MinimumReplicasAvailable, message: Deployment has minimum availability.},
            {type: Progressing, status: "True", reason: NewReplicaSetAvailable, message: ReplicaSet "web-5859f96865" has successfully progressed.}]}"#,
    );
}

#[test]
fn sets_become_ready() {
    let db = "{metadata: {name: db, generation: 1}, spec: {replicas: 2, template: {}}}";
    check(
        stateful_set,
        db,
        Phase::Progressing,
        "{availableReplicas: 0, collisionCount: 0, currentReplicas: 2, currentRevision: db-5859f96865, observedGeneration: 1,
          replicas: 2, updateRevision: db-5859f96865, updatedReplicas: 2}",
    );
    check(
        stateful_set,
        db,
        Phase::Ready,
        "{availableReplicas: 2, collisionCount: 0, currentReplicas: 2, currentRevision: db-5859f96865, observedGeneration: 1,
          readyReplicas: 2, replicas: 2, updateRevision: db-5859f96865, updatedReplicas: 2}",
    );
    check(
        daemon_set,
        "{metadata: {name: log, generation: 1}}",
        Phase::Progressing,
        "{currentNumberScheduled: 1, desiredNumberScheduled: 1, numberMisscheduled: 0, numberReady: 0, numberUnavailable: 1,
          observedGeneration: 1, updatedNumberScheduled: 1}",
    );
    check(
        daemon_set,
        "{metadata: {name: log, generation: 1}}",
        Phase::Ready,
        "{currentNumberScheduled: 1, desiredNumberScheduled: 1, numberAvailable: 1, numberMisscheduled: 0, numberReady: 1,
          observedGeneration: 1, updatedNumberScheduled: 1}",
    );
    check(
        replica_set,
        WEB,
        Phase::Ready,
        "{availableReplicas: 2, fullyLabeledReplicas: 2, observedGeneration: 1, readyReplicas: 2, replicas: 2, terminatingReplicas: 0}",
    );
}

#[test]
fn a_job_ends_once() {
    let start = "startTime: '1970-01-01T00:00:00Z', ready: 0, terminating: 0, uncountedTerminatedPods: {}";
    let once = "{metadata: {name: once, generation: 1}, spec: {}}";
    check(job, once, Phase::Progressing, &format!("{{active: 1, {start}}}"));
    check(
        job,
        once,
        Phase::Ready,
        &format!(
            "{{{start}, succeeded: 1, completionTime: '1970-01-01T00:00:00Z', conditions: [
              {{type: SuccessCriteriaMet, status: 'True', reason: CompletionsReached, message: Reached expected number of succeeded pods}},
              {{type: Complete, status: 'True', reason: CompletionsReached, message: Reached expected number of succeeded pods}}]}}"
        ),
    );
    let ended = "{spec: {}, status: {conditions: [{type: Failed, status: 'True'}]}}";
    check(job, ended, Phase::Ready, "{conditions: [{type: Failed, status: 'True'}]}");
    check(
        job,
        "{spec: {suspend: true}}",
        Phase::Ready,
        "{ready: 0, terminating: 0, uncountedTerminatedPods: {}, conditions: [
          {type: Suspended, status: 'True', reason: JobSuspended, message: Job suspended}]}",
    );
}

#[test]
fn a_service_is_given_an_address_when_it_asks_for_one() {
    for (spec, expected) in [
        ("{type: ClusterIP, clusterIP: 10.96.3.7}", "{loadBalancer: {}}"),
        ("{type: LoadBalancer, clusterIP: 10.96.3.7}", "{loadBalancer: {ingress: [{ip: 198.18.3.7, ipMode: VIP}]}}"),
        (
            "{type: LoadBalancer, clusterIP: 10.96.3.7, loadBalancerIP: 192.0.2.1}",
            "{loadBalancer: {ingress: [{ip: 192.0.2.1, ipMode: VIP}]}}",
        ),
    ] {
        check(service, &format!("{{spec: {spec}, status: {{loadBalancer: {{}}}}}}"), Phase::Ready, expected);
    }
}
