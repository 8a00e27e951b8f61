//! What to do about one configuration: pure. In go what the hub wants and what the cluster holds; out comes one step.

use serde_json::{Map, Value};
use thalweg_crds::configuration::FluxConfigurationSpec;
use thalweg_protocol::agent::Epoch;
use thalweg_protocol::resource::ConfigurationId;

use crate::marks::Marks;

/// What the hub wants of one configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// That it is there.
    Document {
        /// Hub and generation of the document.
        epoch: Epoch,
        /// What the object must say, or why the document cannot be said here.
        spec: Result<Box<FluxConfigurationSpec>, String>,
    },
    /// That it is gone.
    Tombstone,
}

/// What the cluster holds under the configuration's name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Live {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) deleting: bool,
    pub(crate) marks: Marks,
    /// None when it cannot be read.
    pub(crate) spec: Option<FluxConfigurationSpec>,
}

/// What the server made of the document when it was written last, by this process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Granted {
    pub(crate) epoch: Epoch,
    pub(crate) spec: FluxConfigurationSpec,
}

/// The one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write it; fails if an object of that name appears meanwhile.
    Create,
    /// Write it over this very object.
    Update {
        /// The object.
        uid: String,
    },
    /// It is as it was written.
    Keep,
    /// Delete this very object, as it was seen.
    Delete {
        /// The object.
        uid: String,
        /// As seen.
        resource_version: String,
    },
    /// It is on its way out; look again when it is gone.
    Wait,
    /// There is nothing of ours: the tombstone is done.
    Gone,
    /// Nothing may be done; the text says why.
    Refuse(String),
}

/// The step for the configuration `id`. `accepted` is the epoch at which an operator said to follow this hub.
pub(crate) fn plan(
    id: &ConfigurationId,
    wanted: &Wanted,
    live: Option<&Live>,
    granted: Option<&Granted>,
    accepted: &Epoch,
) -> Step {
    let ours = live.filter(|live| live.marks.resource.as_ref() == Some(id));
    match (wanted, live, ours) {
        (Wanted::Tombstone, _, None) => Step::Gone,
        (Wanted::Tombstone, _, Some(live)) if live.deleting => Step::Wait,
        (Wanted::Tombstone, _, Some(live)) => {
            Step::Delete { uid: live.uid.clone(), resource_version: live.resource_version.clone() }
        }
        (Wanted::Document { spec: Err(reason), .. }, _, _) => Step::Refuse(reason.clone()),
        (Wanted::Document { .. }, None, _) => Step::Create,
        (Wanted::Document { .. }, Some(live), None) => Step::Refuse(foreign(live)),
        (Wanted::Document { .. }, _, Some(live)) if live.deleting => Step::Wait,
        (Wanted::Document { epoch, .. }, _, Some(live)) => match &live.marks.epoch {
            Some(written) if regressed(written, epoch, accepted) => Step::Refuse(format!(
                "the hub's document is of epoch {}, but the cluster holds epoch {}: the hub is older than the cluster",
                epoch.number, written.number
            )),
            written => {
                let kept = granted.is_some_and(|granted| {
                    granted.epoch == *epoch
                        && written.as_ref() == Some(epoch)
                        && live.spec.as_ref() == Some(&granted.spec)
                });
                if kept { Step::Keep } else { Step::Update { uid: live.uid.clone() } }
            }
        },
    }
}

/// What someone else added to a spec: a merge patch that removes it. None when there is nothing to remove.
pub(crate) fn surplus(live: &Value, desired: &Value) -> Option<Value> {
    let (live, desired) = (live.as_object()?, desired.as_object()?);
    let removals = live.iter().filter_map(|(field, value)| match desired.get(field) {
        None => Some((field.clone(), Value::Null)),
        Some(desired) => Some((field.clone(), surplus(value, desired)?)),
    });
    let removals: Map<String, Value> = removals.collect();
    (!removals.is_empty()).then_some(Value::Object(removals))
}

/// A document that is older than what was written, though not one that an operator accepted along with the hub.
fn regressed(written: &Epoch, offered: &Epoch, accepted: &Epoch) -> bool {
    written.hub == offered.hub
        && written.number > offered.number
        && !(accepted.hub == offered.hub && accepted.number >= offered.number)
}

fn foreign(live: &Live) -> String {
    match &live.marks.resource {
        None => "a FluxConfiguration of this name exists that no hub made; it is left alone".to_owned(),
        Some(other) => format!("a FluxConfiguration of this name exists for {other}; it is left alone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(text: &str) -> Epoch {
        text.parse().unwrap()
    }

    fn id(name: &str) -> ConfigurationId {
        format!(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c/providers\
             /Microsoft.KubernetesConfiguration/fluxConfigurations/{name}"
        )
        .parse()
        .unwrap()
    }

    fn spec(suspend: bool) -> FluxConfigurationSpec {
        FluxConfigurationSpec { suspend, ..FluxConfigurationSpec::default() }
    }

    fn document(at: &str) -> Wanted {
        Wanted::Document { epoch: epoch(at), spec: Ok(Box::new(spec(false))) }
    }

    fn live(resource: Option<&str>, at: &str) -> Live {
        Live {
            uid: "u".to_owned(),
            resource_version: "7".to_owned(),
            deleting: false,
            marks: Marks { resource: resource.map(id), epoch: Some(epoch(at)) },
            spec: Some(spec(false)),
        }
    }

    fn update() -> Step {
        Step::Update { uid: "u".to_owned() }
    }

    #[test]
    fn only_a_tombstone_deletes_and_only_what_is_marked_with_its_id() {
        let delete = Step::Delete { uid: "u".to_owned(), resource_version: "7".to_owned() };
        let unmarked = Live { marks: Marks::default(), ..live(None, "h:1") };
        let cases = [
            ("absent", None, Step::Gone),
            ("ours", Some(live(Some("f"), "h:1")), delete.clone()),
            ("ours in another case", Some(live(Some("F"), "h:1")), delete.clone()),
            ("ours of another hub", Some(live(Some("f"), "old:9")), delete),
            ("ours, terminating", Some(Live { deleting: true, ..live(Some("f"), "h:1") }), Step::Wait),
            ("unmarked", Some(unmarked), Step::Gone),
            ("another's", Some(live(Some("other"), "h:1")), Step::Gone),
        ];
        for (case, live, expected) in cases {
            let step = plan(&id("f"), &Wanted::Tombstone, live.as_ref(), None, &epoch("h:0"));
            assert_eq!(step, expected, "{case}");
        }
    }

    #[test]
    fn a_document_is_written_where_it_is_missing_or_differs_and_never_over_what_is_not_ours() {
        let granted = |at: &str| Some(Granted { epoch: epoch(at), spec: spec(false) });
        let edited = Live { spec: Some(spec(true)), ..live(Some("f"), "h:5") };
        let cases = [
            ("absent", None, None, Some(Step::Create)),
            ("after a restart, written once", Some(live(Some("f"), "h:5")), None, Some(update())),
            ("as granted", Some(live(Some("f"), "h:5")), granted("h:5"), Some(Step::Keep)),
            ("an earlier document", Some(live(Some("f"), "h:4")), granted("h:4"), Some(update())),
            ("edited", Some(edited), granted("h:5"), Some(update())),
            ("unreadable", Some(Live { spec: None, ..live(Some("f"), "h:5") }), granted("h:5"), Some(update())),
            ("marks edited", Some(live(Some("f"), "h:1")), granted("h:5"), Some(update())),
            ("terminating", Some(Live { deleting: true, ..live(Some("f"), "h:5") }), None, Some(Step::Wait)),
            ("unmarked", Some(Live { marks: Marks::default(), ..live(None, "h:5") }), None, None),
            (
                "unmarked, terminating",
                Some(Live { marks: Marks::default(), deleting: true, ..live(None, "h:5") }),
                None,
                None,
            ),
            ("another's", Some(live(Some("other"), "h:5")), granted("h:5"), None),
        ];
        for (case, live, granted, expected) in cases {
            let step = plan(&id("f"), &document("h:5"), live.as_ref(), granted.as_ref(), &epoch("h:0"));
            match expected {
                Some(expected) => assert_eq!(step, expected, "{case}"),
                None => assert!(matches!(step, Step::Refuse(_)), "{case}: {step:?}"),
            }
        }
    }

    #[test]
    fn what_someone_added_is_removed_by_name() {
        use serde_json::json;
        let desired =
            json!({"gitRepository": {"url": "a"}, "kustomizations": {"infra": {"path": "x", "dependsOn": ["b"]}}});
        let cases = [
            (desired.clone(), None),
            (json!({"gitRepository": {"url": "other"}}), None),
            (
                json!({"suspend": true, "gitRepository": {"url": "a", "provider": "Azure"},
                       "kustomizations": {"infra": {"path": "x", "prune": true, "dependsOn": []}, "extra": {"path": "y"}}}),
                Some(json!({"suspend": null, "gitRepository": {"provider": null},
                            "kustomizations": {"infra": {"prune": null}, "extra": null}})),
            ),
        ];
        for (live, expected) in cases {
            assert_eq!(surplus(&live, &desired), expected, "{live}");
        }
    }

    #[test]
    fn a_document_older_than_what_is_written_is_refused_unless_an_operator_accepted_it() {
        let cases = [
            ("older", "h:5", "h:7", "h:0", false),
            ("older, of a history that was accepted later", "h:5", "h:7", "h:6", true),
            ("of a hub that the cluster moved to", "new:1", "h:7", "new:1", true),
            ("newer", "h:8", "h:7", "h:0", true),
        ];
        for (case, offered, written, accepted, goes) in cases {
            let step = plan(&id("f"), &document(offered), Some(&live(Some("f"), written)), None, &epoch(accepted));
            assert_eq!(step == update(), goes, "{case}: {step:?}");
        }
    }
}
