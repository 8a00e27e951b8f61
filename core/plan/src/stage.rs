//! One stage of an attempt: from dry runs to writes, and what the inventory must hold before the first of them.

use serde_json::{Map, Value};

use crate::verdict::{creates_only, is_left_alone};
use crate::{Inventory, Measure, Seen, Wanted, difference};

/// What the server said of one object of a stage before anything was written.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// The object that was asked about.
    pub wanted: &'a Wanted,
    /// The live object, where it was read (see [`crate::Verdict::Compare`]); `Some(None)` when it is absent.
    pub live: Option<Option<Map<String, Value>>>,
    /// What the server would make of the apply.
    pub dry_run: Map<String, Value>,
}

/// A write that a stage will make.
#[derive(Clone, Debug)]
pub struct Write<'a> {
    /// The object to apply.
    pub wanted: &'a Wanted,
}

/// A write that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The object did not exist.
    Created,
    /// The object was changed.
    Configured,
    /// The server found nothing to change.
    Unchanged,
}

impl Written {
    /// What an apply did, from what was seen before it and from its answer.
    pub fn of(before: Option<&Seen>, answer: &Seen) -> Self {
        match before {
            Some(before) if before.resource_version == answer.resource_version => Self::Unchanged,
            Some(before) if before.uid == answer.uid => Self::Configured,
            _ => Self::Created,
        }
    }

    /// The word in an event's change line; `None` where nothing changed.
    pub fn verb(self) -> Option<&'static str> {
        match self {
            Self::Created => Some("created"),
            Self::Configured => Some("configured"),
            Self::Unchanged => None,
        }
    }
}

/// A stage that passed its dry-run gate.
#[derive(Clone, Debug, Default)]
pub struct Gated<'a> {
    /// What to apply, in order.
    pub writes: Vec<Write<'a>>,
    /// What turned out to be as asked for, and its measure from now on.
    pub in_sync: Vec<(&'a Wanted, Measure)>,
    /// What must be left alone, as the live object says.
    pub skipped: Vec<&'a Wanted>,
}

/// Decides what a stage writes, once every dry run of it has succeeded.
pub fn gate<'a>(answers: Vec<Answer<'a>>, manager: &str) -> Gated<'a> {
    let mut gated = Gated::default();
    for Answer { wanted, live, dry_run } in answers {
        let metadata = dry_run.get("metadata").and_then(Value::as_object);
        let control =
            |key: &str| ["labels", "annotations"].iter().find_map(|field| metadata?.get(*field)?.get(key)?.as_str());
        let exists = metadata.and_then(|metadata| metadata.get("resourceVersion")).is_some_and(|version| version != "");
        if is_left_alone(control) || (exists && creates_only(wanted)) {
            gated.skipped.push(wanted);
            continue;
        }
        let measure = match &live {
            Some(Some(live)) if difference(live, &dry_run, manager).is_none() => live
                .get("metadata")
                .and_then(Value::as_object)
                .and_then(|metadata| Seen::from_metadata(metadata, manager))
                .and_then(|seen| Measure::granted(wanted, &seen)),
            _ => None,
        };
        match measure {
            Some(measure) => gated.in_sync.push((wanted, measure)),
            None => gated.writes.push(Write { wanted }),
        }
    }
    gated
}

/// The inventory to record before a stage writes, when it must be: the stage adds an entry, or it is the first to write
/// in this attempt.
pub fn intent(recorded: &Inventory, stage: &Inventory, gated: &Gated<'_>, has_written: bool) -> Option<Inventory> {
    let adds = !stage.minus(recorded).is_empty();
    let is_first = !has_written && !gated.writes.is_empty();
    (adds || is_first).then(|| recorded.union(stage))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use thalweg_manifest::Object;

    use super::*;
    use crate::{Entry, Owner};

    fn wanted(annotations: Value) -> Wanted {
        let object = Object::from_json(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "apps", "annotations": annotations}, "data": {"a": "1"},
        }))
        .expect("complete");
        Wanted::new(object, true, &Owner { namespace: "apps".to_owned(), name: "web".to_owned() })
    }

    fn object(data: &str, annotations: Value) -> Map<String, Value> {
        let value = json!({
            "metadata": {
                "uid": "u", "resourceVersion": "7", "annotations": annotations,
                "managedFields": [{"manager": "m", "operation": "Apply", "time": "t", "fieldsV1": {"f:data": {}}}],
            },
            "data": data,
        });
        value.as_object().expect("a map").clone()
    }

    fn counts(wanted: &Wanted, live: Option<Option<Map<String, Value>>>, dry_run: Map<String, Value>) -> [usize; 3] {
        let gated = gate(vec![Answer { wanted, live, dry_run }], "m");
        [gated.writes.len(), gated.in_sync.len(), gated.skipped.len()]
    }

    #[test]
    fn only_what_differs_is_written() {
        let plain = wanted(json!({}));
        assert_eq!(counts(&plain, None, object("1", json!({}))), [1, 0, 0]);
        assert_eq!(counts(&plain, Some(None), object("1", json!({}))), [1, 0, 0]);
        assert_eq!(counts(&plain, Some(Some(object("1", json!({})))), object("1", json!({}))), [0, 1, 0]);
        assert_eq!(counts(&plain, Some(Some(object("2", json!({})))), object("1", json!({}))), [1, 0, 0]);
    }

    #[test]
    fn an_adopted_object_that_says_so_is_left_alone() {
        let disabled = json!({"kustomize.toolkit.fluxcd.io/reconcile": "disabled"});
        assert_eq!(counts(&wanted(json!({})), None, object("1", disabled)), [0, 0, 1]);
        let once = wanted(json!({"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}));
        assert_eq!(counts(&once, None, object("1", json!({}))), [0, 0, 1]);
    }

    #[test]
    fn the_inventory_is_recorded_when_it_grows_and_before_the_first_write() {
        let recorded = Inventory::new([Entry { id: "a".to_owned(), version: "v1".to_owned() }]);
        let grown = recorded.union(&Inventory::new([Entry { id: "b".to_owned(), version: "v1".to_owned() }]));
        let plain = wanted(json!({}));
        let writes = Gated { writes: vec![Write { wanted: &plain }], ..Gated::default() };
        let none = Gated::default();
        assert_eq!(intent(&recorded, &recorded, &writes, false), Some(recorded.clone()));
        assert_eq!(intent(&recorded, &recorded, &writes, true), None);
        assert_eq!(intent(&recorded, &recorded, &none, false), None);
        assert_eq!(intent(&recorded, &grown, &writes, true), Some(grown.clone()));
        assert_eq!(intent(&recorded, &grown, &none, false), Some(grown.clone()));
        assert_eq!(intent(&grown, &recorded, &writes, false), Some(grown));
    }
}
