//! How often one object may be corrected, so that two writers who disagree do not fight at full speed.

use std::collections::BTreeMap;
use std::time::Duration;

use thalweg_manifest::ObjectId;

/// When each object was last corrected, as time since some fixed start.
#[derive(Clone, Debug, Default)]
pub struct Corrections {
    last: BTreeMap<ObjectId, Duration>,
}

impl Corrections {
    /// The least time between two corrections of one object.
    pub const PAUSE: Duration = Duration::from_secs(10);

    /// `None` when `object` may be corrected `now`; otherwise when it may.
    pub fn not_before(&self, object: &ObjectId, now: Duration) -> Option<Duration> {
        let allowed = self.last.get(object)?.saturating_add(Self::PAUSE);
        (now < allowed).then_some(allowed)
    }

    /// Notes a correction, and forgets those that no longer matter.
    pub fn record(&mut self, object: ObjectId, now: Duration) {
        self.last.retain(|_, last| last.saturating_add(Self::PAUSE) > now);
        self.last.insert(object, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_corrected_at_most_once_in_ten_seconds() {
        let object = ObjectId::new("", "ConfigMap", "apps", "a");
        let other = ObjectId::new("", "ConfigMap", "apps", "b");
        let seconds = Duration::from_secs;
        let mut corrections = Corrections::default();
        assert_eq!(corrections.not_before(&object, seconds(5)), None);
        corrections.record(object.clone(), seconds(5));
        assert_eq!(corrections.not_before(&object, seconds(14)), Some(seconds(15)));
        assert_eq!(corrections.not_before(&other, seconds(14)), None);
        assert_eq!(corrections.not_before(&object, seconds(15)), None);
    }
}
