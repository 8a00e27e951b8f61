//! From what a kustomization names to what is there: files, directories, and the objects in files.
//!
//! Everything that is read comes through a [`Loader`], which knows what may be read from where, and notes what was read.

mod find;
mod listed;
mod loader;
mod objects;
mod remote;

pub(crate) use find::{Found, find};
pub(crate) use listed::float as json_float;
pub(crate) use loader::{Loaded, Loader, Restriction};
pub(crate) use objects::objects;

#[cfg(test)]
pub(crate) use loader::tests;
