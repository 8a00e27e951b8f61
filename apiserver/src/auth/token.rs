//! Tokens of service accounts: signed by this server, bound to objects, good until an instant.
//!
//! They have the shape and the claims of kube-apiserver's (a JWT) and are signed with HMAC-SHA256: nobody else needs to
//! check them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::rules::texts;

/// Who issues tokens, and for whom when nobody else is named.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";
const BLOCK_BYTES: usize = 64;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The service account.
    pub(crate) namespace: String,
    pub(crate) account: Reference,
    /// The Pod, Secret or Node that the token ends with: the kind in lower case.
    pub(crate) bound: Option<(String, Reference)>,
    pub(crate) audiences: Vec<String>,
    /// Tells tokens apart.
    pub(crate) id: String,
    /// From when, in seconds since 1970.
    pub(crate) issued: i64,
    /// Until when, in seconds since 1970.
    pub(crate) expires: i64,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// What signs tokens.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key of a server with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let text = format!("service account tokens of seed {seed}");
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The token that says this.
    pub(crate) fn sign(&self, claims: &Claims) -> String {
        let header = encode(&json!({"alg": "HS256", "kid": "thalweg"}));
        let signed = format!("{header}.{}", encode(&claims.write()));
        let signature = URL_SAFE_NO_PAD.encode(self.code(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// What a token says, if this key signed it. Whether it is still good is another question.
    pub(crate) fn read(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (_, payload) = signed.split_once('.')?;
        let genuine = URL_SAFE_NO_PAD.decode(signature).ok()? == self.code(signed.as_bytes());
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        if genuine { Claims::read(&serde_json::from_slice(&payload).ok()?) } else { None }
    }

    /// HMAC-SHA256 (RFC 2104).
    fn code(&self, message: &[u8]) -> [u8; 32] {
        let pad = |with: u8| {
            let mut block = [with; BLOCK_BYTES];
            block.iter_mut().zip(self.0).for_each(|(byte, key)| *byte ^= key);
            block
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
        Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
    }
}

impl Claims {
    fn write(&self) -> Value {
        let mut bound_to = json!({"namespace": self.namespace, "serviceaccount": self.account.write()});
        if let Some((kind, object)) = &self.bound {
            bound_to[kind] = object.write();
        }
        json!({
            "aud": self.audiences,
            "exp": self.expires,
            "iat": self.issued,
            "iss": ISSUER,
            "jti": self.id,
            "kubernetes.io": bound_to,
            "nbf": self.issued,
            "sub": super::user::service_account_name(&self.namespace, &self.account.name),
        })
    }

    fn read(claims: &Value) -> Option<Self> {
        let bound_to = &claims["kubernetes.io"];
        let bound = ["pod", "secret", "node"].into_iter();
        let bound = bound.filter_map(|kind| Some((kind.to_owned(), Reference::read(&bound_to[kind])?)));
        Some(Self {
            namespace: bound_to["namespace"].as_str()?.to_owned(),
            account: Reference::read(&bound_to["serviceaccount"])?,
            bound: bound.into_iter().next(),
            audiences: texts(&claims["aud"]),
            id: claims["jti"].as_str()?.to_owned(),
            issued: claims["iat"].as_i64()?,
            expires: claims["exp"].as_i64()?,
        })
    }
}

impl Reference {
    fn write(&self) -> Value {
        json!({"name": self.name, "uid": self.uid})
    }

    fn read(value: &Value) -> Option<Self> {
        Some(Self { name: value["name"].as_str()?.to_owned(), uid: value["uid"].as_str()?.to_owned() })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(..)")
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(name: &str) -> Reference {
        Reference { name: name.to_owned(), uid: format!("uid of {name}") }
    }

    #[test]
    fn the_code_is_that_of_the_rfc() {
        // RFC 4231, test case 2, with the key padded to the length of ours: HMAC pads keys with zeroes itself.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let code = Key(key).code(b"what do ya want for nothing?");
        assert_eq!(code[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(code[28..], [0x64, 0xec, 0x38, 0x43]);
    }

    #[test]
    fn a_token_is_read_by_the_key_that_signed_it() {
        let claims = Claims {
            namespace: "apps".to_owned(),
            account: reference("deployer"),
            bound: Some(("pod".to_owned(), reference("deployer-0"))),
            audiences: vec![ISSUER.to_owned()],
            id: "one".to_owned(),
            issued: 1_000,
            expires: 4_600,
        };
        let token = Key::new(1).sign(&claims);
        assert_eq!(Key::new(1).read(&token), Some(claims));
        assert_eq!(Key::new(2).read(&token), None);
        for forged in [token.replace('.', ""), token.replacen("ey", "eY", 2), format!("{token}A"), String::new()] {
            assert_eq!(Key::new(1).read(&forged), None, "{forged}");
        }
    }
}
