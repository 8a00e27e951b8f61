//! Why a patch cannot be applied, as kube-apiserver answers it.

use serde_json::Value;
use thiserror::Error;

/// Why a patch cannot be applied. `to_string()` is the message of the `Status` that kube-apiserver answers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PatchError {
    /// The patch is not one: 400 `BadRequest`.
    #[error("{0}")]
    Malformed(String),
    /// More operations than [`crate::JSON_PATCH_OPERATIONS_MAX`]: 413 `RequestEntityTooLarge`.
    #[error("Request entity too large: The allowed maximum operations in a JSON patch is {max}, got {0}", max = crate::JSON_PATCH_OPERATIONS_MAX)]
    TooManyOperations(usize),
    /// The patch does not fit the object: 422 `Invalid`. What exactly is wrong is in `why`, which the answer leaves out.
    #[error("the server rejected our request due to an error in our request")]
    Inapplicable {
        /// For logs and people.
        why: String,
    },
    /// The patch contradicts the schema: 500, without a reason.
    #[error("{0}")]
    Contradiction(String),
}

impl PatchError {
    /// The HTTP status.
    pub fn code(&self) -> u16 {
        match self {
            PatchError::Malformed(_) => 400,
            PatchError::TooManyOperations(_) => 413,
            PatchError::Inapplicable { .. } => 422,
            PatchError::Contradiction(_) => 500,
        }
    }

    /// The reason of the `Status`; empty when it has none.
    pub fn reason(&self) -> &'static str {
        match self {
            PatchError::Malformed(_) => "BadRequest",
            PatchError::TooManyOperations(_) => "RequestEntityTooLarge",
            PatchError::Inapplicable { .. } => "Invalid",
            PatchError::Contradiction(_) => "",
        }
    }
}

/// A value as Go prints it with `%v`: the messages of strategic merge patches quote values so.
pub(crate) fn go_print(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_print).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key}:{}", go_print(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        other => other.to_string(),
    }
}
