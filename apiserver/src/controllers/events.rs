//! Events are many and nobody misses the old ones: the newest are kept.

use std::sync::Arc;

use crate::server::ApiServer;

/// How many events are kept.
const EVENTS_MAX: usize = 1_000;

/// Forgets the oldest events beyond the limit, as etcd forgets those that expire: without a request.
pub(super) fn reconcile(server: &ApiServer) {
    let events = super::collection("", "events");
    let mut state = server.state();
    let mut all: Vec<_> = state.store.objects(&events).map(Arc::clone).collect();
    let surplus = all.len().saturating_sub(EVENTS_MAX);
    all.sort_by_key(|event| event.resource_version());
    for event in all.drain(..surplus) {
        state.store.remove(&events, event.namespace(), event.name());
    }
    if surplus > 0 {
        state.announce(&events);
    }
}
