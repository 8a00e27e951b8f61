//! Which field of a patch meets which field of its target.

use std::collections::{HashMap, HashSet};

use thalweg_yaml::kyaml::Field;

/// Mappings whose fields are paired by comparing each with each; those of larger ones are looked up.
const COMPARED_MAX: usize = 24;

/// What a field of the target meets.
#[derive(Clone, Copy)]
pub(super) enum Pair {
    Nothing,
    Field(usize),
    /// The same key was there before: kyaml never looks here.
    Repeated,
}

/// The fields of two mappings, by their keys.
pub(super) struct Pairs {
    pub(super) of_target: Vec<Pair>,
    /// Fields of the patch that the target does not have.
    pub(super) new: Vec<usize>,
}

impl Pairs {
    /// `without` is a field of the patch that does not count.
    pub(super) fn of(target: &[Field], patch: &[Field], without: Option<usize>) -> Self {
        if target.len().max(patch.len()) > COMPARED_MAX {
            return Self::looked_up(target, patch, without);
        }
        let is_first = |fields: &[Field], index: usize| is_first_of_its_name(fields, index);
        let key = |field: &Field| field.key.as_str().map(str::len);
        let same = |left: &Field, right: &Field| key(left) == key(right) && left.key.as_str() == right.key.as_str();
        let met = |field: &Field| {
            let others = patch.iter().enumerate().filter(|(index, _)| Some(*index) != without);
            others.map(|(index, other)| (index, same(field, other))).find(|(_, same)| *same).map(|(index, _)| index)
        };
        let pair = |(index, field): (usize, &Field)| match met(field) {
            _ if !is_first(target, index) => Pair::Repeated,
            Some(other) => Pair::Field(other),
            None => Pair::Nothing,
        };
        let of_target = target.iter().enumerate().map(pair).collect();
        let is_new = |(index, field): (usize, &Field)| {
            let earlier = patch.iter().take(index).enumerate().filter(|(other, _)| Some(*other) != without);
            let is_new = Some(index) != without
                && !target.iter().any(|other| same(field, other))
                && !earlier.map(|(_, other)| other).any(|other| same(field, other));
            is_new.then_some(index)
        };
        Self { of_target, new: patch.iter().enumerate().filter_map(is_new).collect() }
    }

    fn looked_up(target: &[Field], patch: &[Field], without: Option<usize>) -> Self {
        let mut of_patch = HashMap::new();
        for (index, field) in patch.iter().enumerate().filter(|(index, _)| Some(*index) != without) {
            of_patch.entry(field.key.as_str()).or_insert((index, true));
        }
        let mut seen = HashSet::new();
        let mut of_target = Vec::with_capacity(target.len());
        for field in target {
            of_target.push(match of_patch.get_mut(&field.key.as_str()) {
                _ if !seen.insert(field.key.as_str()) => Pair::Repeated,
                Some((index, is_new)) => {
                    *is_new = false;
                    Pair::Field(*index)
                }
                None => Pair::Nothing,
            });
        }
        let mut new: Vec<usize> =
            of_patch.into_values().filter(|(_, is_new)| *is_new).map(|(index, _)| index).collect();
        new.sort_unstable();
        Self { of_target, new }
    }
}

pub(super) fn is_first_of_its_name(fields: &[Field], index: usize) -> bool {
    let Some(field) = fields.get(index) else { return false };
    !fields.iter().take(index).any(|earlier| earlier.key.as_str() == field.key.as_str())
}
