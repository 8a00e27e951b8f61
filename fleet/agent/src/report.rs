//! What the hub is told about one configuration: pure, from the outcome of its generation and the live object's status.

use thalweg_crds::configuration::FluxConfiguration;
use thalweg_protocol::agent::{ConfigurationStatus, Outcome};
use thalweg_protocol::configuration::ComplianceState;
use thalweg_protocol::resource::ConfigurationId;

/// What became of a generation, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<String>,
}

/// Characters of an error at most.
const ERROR_CHARS_MAX: usize = 4000;

/// The status of the configuration `id`. `object` is its own object, none where there is none or it is another's.
pub(crate) fn status(
    id: &ConfigurationId,
    generation: u64,
    told: &Told,
    object: Option<&FluxConfiguration>,
) -> ConfigurationStatus {
    let known = object.and_then(|object| object.status.as_ref());
    let current =
        known.is_some_and(|status| status.observed_generation == object.and_then(|object| object.metadata.generation));
    let compliance_state = match told.outcome {
        Outcome::Failed => ComplianceState::NonCompliant,
        Outcome::Deleted => ComplianceState::Unknown,
        Outcome::Applied if !current => ComplianceState::Pending,
        Outcome::Applied => {
            known.and_then(|status| status.compliance_state).map_or(ComplianceState::Pending, |state| convert(&state))
        }
    };
    ConfigurationStatus {
        id: id.clone(),
        generation,
        outcome: told.outcome,
        error_message: told.error.as_ref().map(|error| error.chars().take(ERROR_CHARS_MAX).collect()),
        compliance_state,
        statuses: known.map(|status| status.statuses.iter().map(convert).collect()).unwrap_or_default(),
        source_synced_commit_id: known.and_then(|status| status.source_synced_commit_id.clone()),
        source_updated_at: None,
    }
}

/// Kubernetes' and ARM's shapes of one thing are the same on the wire.
fn convert<From: serde::Serialize, To: serde::de::DeserializeOwned + Default>(from: &From) -> To {
    serde_json::to_value(from).and_then(serde_json::from_value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_objects_verdict_counts_when_it_is_of_the_objects_generation() {
        let id: ConfigurationId =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c/providers\
             /Microsoft.KubernetesConfiguration/fluxConfigurations/f"
                .parse()
                .unwrap();
        let object = |observed: i64| -> FluxConfiguration {
            serde_json::from_value(json!({
                "apiVersion": "thalweg.dev/v1alpha1", "kind": "FluxConfiguration",
                "metadata": {"name": "f", "namespace": "n", "generation": 2}, "spec": {},
                "status": {
                    "observedGeneration": observed, "complianceState": "Non-Compliant",
                    "sourceSyncedCommitId": "main@sha1:abc",
                    "statuses": [{"name": "f-apps", "namespace": "n", "kind": "Kustomization",
                                  "complianceState": "Non-Compliant",
                                  "statusConditions": [{"type": "Ready", "status": "False", "reason": "BuildFailed",
                                                        "message": "apps/x.yaml:3", "lastTransitionTime": "2026-11-21T12:00:00Z"}]}],
                },
            }))
            .unwrap()
        };
        let applied = Told { outcome: Outcome::Applied, error: None };
        let failed = Told { outcome: Outcome::Failed, error: Some("why".to_owned()) };
        let cases = [
            ("current", &applied, Some(object(2)), ComplianceState::NonCompliant, 1),
            ("of an earlier generation", &applied, Some(object(1)), ComplianceState::Pending, 1),
            ("no status yet", &applied, Some(FluxConfiguration::default()), ComplianceState::Pending, 0),
            ("failed", &failed, None, ComplianceState::NonCompliant, 0),
        ];
        for (case, told, object, compliance, statuses) in cases {
            let status = status(&id, 7, told, object.as_ref());
            assert_eq!((status.compliance_state, status.statuses.len()), (compliance, statuses), "{case}");
            assert_eq!((status.generation, status.error_message), (7, told.error.clone()), "{case}");
        }
        let status = status(&id, 7, &applied, Some(&object(2)));
        assert_eq!(status.source_synced_commit_id.as_deref(), Some("main@sha1:abc"));
        assert_eq!(status.statuses[0].status_conditions[0]["message"], "apps/x.yaml:3");
        assert_eq!(status.statuses[0].compliance_state, ComplianceState::NonCompliant);
    }
}
