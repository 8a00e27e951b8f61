//! YAML as kyaml keeps it: what kustomize reads, edits and merges before it is printed.
//!
//! Scalars keep the text, tag and style that they were written with: `yes` is a text here, `0x1F` stays `0x1F`, and what a
//! patch puts in a field takes over the style that was there. Aliases and merges are expanded on load.

mod compose;
pub(crate) mod detour;
mod expand;
pub(crate) mod json;
pub mod made;
mod node;
mod pieces;
pub(crate) mod plain;
mod read;
mod scalar;
pub(crate) mod value;
mod write;
mod write_emitter;

pub use crate::Text;
pub use node::{Comments, Content, Field, Node, Style, Tag};
pub use pieces::{Piece, pieces};
pub use read::{Document, ReadOptions, parse, read};
pub use scalar::{Scalar, resolve, scalar};
pub use value::{go_json, to_json, to_value};
pub use write::{write, write_document};
