//! Merging Kubernetes objects: JSON patch, merge patch, strategic merge patch, and structured merge with managedFields.
//!
//! Values in, values out: nothing here reads a clock, a file or the network.

mod json_patch;
pub mod managed;
mod merge_patch;
mod patch_error;
mod strategic;

pub use json_patch::{JSON_PATCH_OPERATIONS_MAX, json_patch};
pub use merge_patch::{check_merge_patch, merge_patch};
pub use patch_error::PatchError;
pub use strategic::strategic_merge_patch;
