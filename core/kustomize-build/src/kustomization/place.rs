//! Values that know where they were written.

use std::collections::BTreeMap;
use std::ops::Deref;

use thalweg_yaml::Position;

/// The position of what stands in no file.
pub(crate) const NOWHERE: Position = Position { line: 0, column: 0 };

/// A value and where it begins in its file; line 0 for one that was made here. Two are equal when their values are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) position: Position,
}

/// A list, and whether it was written at all: an empty one counts as content of a kustomization.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<Placed<T>>,
    pub(crate) given: bool,
}

/// Texts by key, as labels are; and whether they were written at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pairs {
    pub(crate) values: BTreeMap<String, Placed<String>>,
    pub(crate) given: bool,
}

impl<T> Placed<T> {
    /// A value that no file holds.
    pub(crate) fn made(value: T) -> Self {
        Self { value, position: NOWHERE }
    }
}

impl<T: Default> Default for Placed<T> {
    fn default() -> Self {
        Self::made(T::default())
    }
}

impl<T: PartialEq> PartialEq for Placed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), given: false }
    }
}

impl<T> Deref for List<T> {
    type Target = [Placed<T>];

    fn deref(&self) -> &Self::Target {
        &self.items
    }
}

impl<T> List<T> {
    /// Adds a value that no file holds.
    pub(crate) fn push(&mut self, value: T) {
        self.append(vec![Placed::made(value)]);
    }

    /// Adds values behind the others; adding none leaves a list that was not written what it is.
    pub(crate) fn append(&mut self, mut items: Vec<Placed<T>>) {
        self.given |= !items.is_empty();
        self.items.append(&mut items);
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self { items: values.into_iter().map(Placed::made).collect(), given: true }
    }
}

impl Pairs {
    /// Keys and values, in the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.value.as_str()))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Placed<String>> {
        self.values.get(key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
