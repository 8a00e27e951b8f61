//! Events lie in one place, and are shown in two groups that name their fields differently.

/// The fields with two names: that in the core group, and that in events.k8s.io.
const NAMES: [(&str, &str); 7] = [
    ("count", "deprecatedCount"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("involvedObject", "regarding"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
];

/// The name that a field has in the other group.
pub(crate) fn other_name(field: &str) -> Option<&'static str> {
    NAMES.iter().find_map(|(core, events)| match field {
        _ if field == *core => Some(*events),
        _ if field == *events => Some(*core),
        _ => None,
    })
}
