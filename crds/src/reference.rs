//! References that several kinds share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names an object in the namespace of the object that refers to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalObjectReference {
    /// Name of the object.
    pub name: String,
}
