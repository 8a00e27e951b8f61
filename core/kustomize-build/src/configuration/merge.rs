//! Two configurations become one (`api/types/fieldspec.go`, `api/internal/plugins/builtinconfig`).

use std::collections::HashMap;
use std::sync::Arc;

use crate::Error;
use crate::field_spec::FieldSpec;
use crate::order::KindKey;

use super::{Configuration, NAME_REFERENCE, NameReference, Set, builtin};

/// Two field specs are for the same fields, but one creates them and the other does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The transformer, as configurations write it; empty when it is not known here.
    transformer: &'static str,
    path: String,
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        let Conflict { transformer, path } = conflict;
        Self::ConflictingFieldSpecs { transformer, path }
    }
}

/// Both, `one` first.
pub(super) fn both(one: &Configuration, other: &Configuration) -> Result<Configuration, Conflict> {
    if builtin::is_of(other) && (builtin::is_of(one) || *one == Configuration::default()) {
        return Ok(other.clone());
    }
    let mut sets = one.sets.clone();
    for (set, (into, from)) in Set::ALL.into_iter().zip(sets.iter_mut().zip(&other.sets)) {
        if !from.is_empty() {
            let specs = merged(into, from).map_err(|conflict| Conflict { transformer: set.name(), ..conflict })?;
            *into = sorted(specs);
        }
    }
    let name_references = both_references(&one.name_references, &other.name_references)
        .map_err(|conflict| Conflict { transformer: NAME_REFERENCE, ..conflict })?;
    Ok(Configuration { sets, name_references })
}

/// Field specs and those of `incoming` that are not there yet. One is there when its path is, for the same kind or for kinds
/// that it matches.
pub(crate) fn merged(specs: &[FieldSpec], incoming: &[FieldSpec]) -> Result<Vec<FieldSpec>, Conflict> {
    let mut all = specs.to_vec();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, spec) in specs.iter().enumerate() {
        places.entry(&spec.path).or_default().push(place);
    }
    for spec in incoming {
        let same_path = places.entry(&spec.path).or_default();
        let found = same_path.iter().filter_map(|&place| all.get(place)).find(|there| is_for(there, spec));
        match found {
            Some(there) if there.create != spec.create => {
                return Err(Conflict { transformer: "", path: spec.path.to_string() });
            }
            Some(_) => {}
            None => {
                same_path.push(all.len());
                all.push(spec.clone());
            }
        }
    }
    Ok(all)
}

/// Whether `there` is for kinds that `spec` is for too.
fn is_for(there: &FieldSpec, spec: &FieldSpec) -> bool {
    let fits = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
    fits(&spec.group, &there.group) && fits(&spec.version, &there.version) && fits(&spec.kind, &there.kind)
}

fn both_references(one: &Arc<[NameReference]>, other: &[NameReference]) -> Result<Arc<[NameReference]>, Conflict> {
    if other.is_empty() {
        return Ok(Arc::clone(one));
    }
    let mut all = one.to_vec();
    for incoming in other {
        let mut is_there = false;
        for reference in all.iter_mut().filter(|reference| reference.referred == incoming.referred) {
            reference.field_specs = merged(&reference.field_specs, &incoming.field_specs)?;
            is_there = true;
        }
        if !is_there {
            all.push(incoming.clone());
        }
    }
    sort_references(&mut all);
    Ok(all.into())
}

pub(super) fn sort_references(references: &mut [NameReference]) {
    references.sort_by_cached_key(|reference| {
        KindKey::new(&reference.referred.group, &reference.referred.version, &reference.referred.kind)
    });
}

pub(super) fn sorted(mut specs: Vec<FieldSpec>) -> Arc<[FieldSpec]> {
    specs.sort_by_cached_key(|spec| KindKey::new(&spec.group, &spec.version, &spec.kind));
    specs.into()
}
