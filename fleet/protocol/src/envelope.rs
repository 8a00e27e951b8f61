//! The shapes every ARM answer shares: error envelope, list envelope and `systemData` (spec: ARM common types).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Error codes that clients branch on, spelled as ARM spells them.
pub mod code {
    /// 401: no credential, or one that the hub does not know.
    pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    /// 403: a known caller that may not do this.
    pub const AUTHORIZATION_FAILED: &str = "AuthorizationFailed";
    /// 409: the document is busy with another operation, such as its deletion.
    pub const CONFLICT: &str = "Conflict";
    /// 409: the epoch that the agent holds is not one of this hub's; see [`crate::agent::Epoch`].
    pub const EPOCH_REFUSED: &str = "EpochRefused";
    /// 500: the hub failed; the cause is in its log alone.
    pub const INTERNAL_SERVER_ERROR: &str = "InternalServerError";
    /// 400: the `api-version` is not one that is known for the type.
    pub const INVALID_API_VERSION_PARAMETER: &str = "InvalidApiVersionParameter";
    /// 400: the body is not what the type asks for.
    pub const INVALID_REQUEST_CONTENT: &str = "InvalidRequestContent";
    /// 409: a resource group's location is chosen once.
    pub const INVALID_RESOURCE_GROUP_LOCATION: &str = "InvalidResourceGroupLocation";
    /// 409: a resource's location is chosen once.
    pub const INVALID_RESOURCE_LOCATION: &str = "InvalidResourceLocation";
    /// 400: a name in the path is not one that the type allows.
    pub const INVALID_RESOURCE_NAME: &str = "InvalidResourceName";
    /// 404: the path names no type that the hub serves.
    pub const INVALID_RESOURCE_TYPE: &str = "InvalidResourceType";
    /// 405: the type exists, the verb does not.
    pub const METHOD_NOT_ALLOWED: &str = "MethodNotAllowed";
    /// 400: the query has no `api-version`.
    pub const MISSING_API_VERSION_PARAMETER: &str = "MissingApiVersionParameter";
    /// 400: part of ARM that this hub does not serve yet; the message names it.
    pub const NOT_SUPPORTED: &str = "NotSupported";
    /// 400: the field is chosen when the resource is created.
    pub const PROPERTY_CHANGE_NOT_ALLOWED: &str = "PropertyChangeNotAllowed";
    /// 413: the body is larger than the route allows.
    pub const REQUEST_CONTENT_TOO_LARGE: &str = "RequestContentTooLarge";
    /// 408: the caller did not finish its request in time.
    pub const REQUEST_TIMEOUT: &str = "RequestTimeout";
    /// 409: the group still holds resources.
    pub const RESOURCE_GROUP_NOT_EMPTY: &str = "ResourceGroupNotEmpty";
    /// 404: the group does not exist.
    pub const RESOURCE_GROUP_NOT_FOUND: &str = "ResourceGroupNotFound";
    /// 404: the resource, or its parent, does not exist.
    pub const RESOURCE_NOT_FOUND: &str = "ResourceNotFound";
    /// 400: the field may hold a secret, and the hub keeps none until its store encrypts.
    pub const SECRETS_NOT_SUPPORTED: &str = "SecretsNotSupported";
}

/// `{"error": …}`, the body of every answer of 400 and above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEnvelope {
    /// What went wrong.
    pub error: ErrorBody,
}

/// One error, possibly made of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// One of [`code`], or the word of a later hub.
    pub code: String,
    /// For people; names the resource and, where there is one, the field. Never holds a secret.
    pub message: String,
    /// The field or parameter at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The single faults, where there is more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<ErrorBody>,
    /// Machine-readable extras, such as a policy violation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_info: Vec<AdditionalInfo>,
}

impl ErrorBody {
    /// An error without target or details.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), ..Self::default() }
    }
}

/// A typed extra of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdditionalInfo {
    /// What `info` is, such as `PolicyViolation`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The extra itself.
    pub info: Value,
}

/// `{"value": […], "nextLink": …}`, the body of every list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// This page's resources.
    pub value: Vec<T>,
    /// Absolute address of the next page. This hub always answers in one page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_link: Option<String>,
}

impl<T> From<Vec<T>> for List<T> {
    fn from(value: Vec<T>) -> Self {
        Self { value, next_link: None }
    }
}

/// Who made and who last changed a resource, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemData {
    /// Name of the caller that created the resource.
    pub created_by: String,
    /// `User`, `Application`, `ManagedIdentity` or `Key`.
    pub created_by_type: String,
    /// When it was created, UTC.
    pub created_at: Timestamp,
    /// Name of the caller that changed it last.
    pub last_modified_by: String,
    /// As `created_by_type`.
    pub last_modified_by_type: String,
    /// When it was changed last, UTC.
    pub last_modified_at: Timestamp,
}

impl SystemData {
    /// The system data of a resource that `by` creates now.
    pub fn created(by: &str, by_type: &str, at: Timestamp) -> Self {
        Self {
            created_by: by.to_owned(),
            created_by_type: by_type.to_owned(),
            created_at: at,
            last_modified_by: by.to_owned(),
            last_modified_by_type: by_type.to_owned(),
            last_modified_at: at,
        }
    }

    /// The same resource's system data after `by` changed it.
    #[must_use]
    pub fn modified(self, by: &str, by_type: &str, at: Timestamp) -> Self {
        Self {
            last_modified_by: by.to_owned(),
            last_modified_by_type: by_type.to_owned(),
            last_modified_at: at,
            ..self
        }
    }
}
