//! Bearer tokens and credentials, which cannot be printed.

use std::fmt;

use rand::Rng as _;
use sha2::{Digest as _, Sha256};

/// A secret that is sent as a bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token in a file or a variable: white space around it is not part of it. None when nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// A credential of 256 random bits.
    #[expect(clippy::disallowed_methods, reason = "a secret comes from the operating system, not from a seed")]
    pub(crate) fn generate() -> Self {
        let mut secret = [0_u8; 32];
        rand::rng().fill_bytes(&mut secret);
        Self(format!("twa_{}", hex::encode(secret)))
    }

    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What the hub keeps of it.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_stands_between_white_space_and_never_shows() {
        let token = Token::new(" twc_secret\n").unwrap();
        assert_eq!(token.reveal(), "twc_secret");
        assert_eq!(format!("{token:?}"), "Token(…)");
        for nothing in ["", " \n", "two words"] {
            assert_eq!(Token::new(nothing), None, "{nothing:?}");
        }
        assert_ne!(Token::generate(), Token::generate());
    }
}
