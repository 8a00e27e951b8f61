//! Bearer tokens: 256 random bits, shown once, kept as a SHA-256 digest.
//!
//! The digest is the key of the look-up, so no comparison of secrets takes place in the hub.

use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use thalweg_protocol::resource::ClusterId;

use crate::clock::Clock;
use crate::store::{Credential, Store, StoreError};

/// Characters of a user's name at most.
const USER_CHARS_MAX: usize = 200;
/// Characters of a bearer token at most; longer ones are not looked at.
const TOKEN_CHARS_MAX: usize = 512;

/// Whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person or program that uses the ARM routes; works until it is removed.
    User {
        /// Shown in `systemData`.
        name: String,
    },
    /// The agent of one cluster; works once, to register.
    Cluster {
        /// The cluster that the agent will be bound to.
        resource_id: ClusterId,
    },
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The name cannot stand in `systemData`.
    #[error("a user name is 1 to {USER_CHARS_MAX} printable characters")]
    UserName,
    /// The token was not stored, so it would not work.
    #[error("cannot store the token")]
    Store(#[source] StoreError),
}

/// Makes a token and stores its digest. What is returned is the only copy.
///
/// # Errors
/// A user name that is empty, too long or unprintable; a store that cannot be written.
#[expect(clippy::disallowed_methods, reason = "a token is 256 bits from the system's generator, never from a seed")]
pub async fn mint_token(store: &Store, subject: Subject) -> Result<String, MintError> {
    let (prefix, credential) = match subject {
        Subject::User { name } => {
            let length = name.chars().count();
            if name.trim().is_empty() || length > USER_CHARS_MAX || name.chars().any(char::is_control) {
                return Err(MintError::UserName);
            }
            ("twu_", Credential::User { name })
        }
        Subject::Cluster { resource_id } => ("twc_", Credential::Registration { cluster: resource_id, spent_on: None }),
    };
    let mut secret = [0_u8; 32];
    rand::rng().fill_bytes(&mut secret);
    let token = format!("{prefix}{}", hex::encode(secret));
    let mut transaction = store.write().await.map_err(MintError::Store)?;
    transaction.put_credential(&digest(&token), &credential, Clock::default().now()).await.map_err(MintError::Store)?;
    transaction.commit().await.map_err(MintError::Store)?;
    Ok(token)
}

/// The digest that a token is stored and looked up by.
pub(crate) fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// The token in an `Authorization` header's value, if it is one.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    let plausible =
        !token.is_empty() && token.len() <= TOKEN_CHARS_MAX && token.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && plausible).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_header_with_a_token_is_one() {
        let cases = [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Bearer ", None),
            ("Bearer", None),
            ("", None),
            ("Basic abc", None),
            ("Bearer a b", None),
            (&format!("Bearer {}", "a".repeat(513)), None),
        ];
        for (header, expected) in cases {
            assert_eq!(bearer(header), expected, "{header:?}");
        }
    }
}
