//! The builtin configuration, from tables/field_specs.txt and tables/name_references.txt.

use std::sync::{Arc, LazyLock};

use crate::field_spec::{FieldSpec, builtin};
use crate::identity::Gvk;

use super::{Configuration, NameReference, Set};

/// Made once in a process.
pub(super) fn configuration() -> &'static Configuration {
    static BUILTIN: LazyLock<Configuration> =
        LazyLock::new(|| Configuration { sets: sets().map(Into::into), name_references: name_references().into() });
    &BUILTIN
}

/// Whether this is the very one, which needs no merging with itself.
pub(super) fn is_of(configuration: &Configuration) -> bool {
    Arc::ptr_eq(&configuration.name_references, &self::configuration().name_references)
        && configuration.sets.iter().zip(&self::configuration().sets).all(|(one, other)| Arc::ptr_eq(one, other))
}

fn sets() -> [Vec<FieldSpec>; Set::ALL.len()] {
    let mut sets = Set::ALL.map(|_| Vec::new());
    for (transformer, spec) in builtin::all() {
        if let Some(set) = Set::ALL.into_iter().find(|set| set.name() == transformer) {
            sets[set as usize].push(spec);
        }
    }
    sets
}

/// A line is `group version kind`, of what is named, and then those and the path of what names it. What is named stands on
/// the lines behind each other.
fn name_references() -> Vec<NameReference> {
    let mut references: Vec<NameReference> = Vec::new();
    let mut before = "";
    for line in include_str!("../../tables/name_references.txt").split('\n').filter(|line| !line.starts_with('#')) {
        let Some((end, _)) = line.match_indices(' ').nth(2) else { continue };
        let (referred, referrer) = line.split_at(end);
        let Some(referrer) = builtin::pattern(referrer.trim_start()) else { continue };
        match references.last_mut() {
            Some(last) if referred == before => last.field_specs.push(referrer),
            _ => references.push(NameReference { referred: gvk(referred), field_specs: vec![referrer] }),
        }
        before = referred;
    }
    references
}

fn gvk(words: &'static str) -> Gvk {
    let mut words = words.split(' ').map(builtin::given);
    let mut word = || words.next().unwrap_or_default();
    Gvk { group: word(), version: word(), kind: word() }
}
