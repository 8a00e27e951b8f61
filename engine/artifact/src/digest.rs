//! Digests in the form `<algorithm>:<hex>`.

use std::io;

use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A digest that is being computed.
pub(crate) enum Digest {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Digest {
    pub(crate) fn sha256() -> Digest {
        Digest::Sha256(Sha256::new())
    }

    /// For the algorithm that `digest` names, if it is a digest of a known algorithm.
    pub(crate) fn like(digest: &str) -> Option<Digest> {
        let (algorithm, hex) = digest.split_once(':')?;
        let (state, length) = match algorithm {
            "sha256" => (Digest::sha256(), 64),
            "sha384" => (Digest::Sha384(Sha384::new()), 96),
            "sha512" => (Digest::Sha512(Sha512::new()), 128),
            _ => return None,
        };
        (hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).then_some(state)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Digest::Sha256(state) => state.update(bytes),
            Digest::Sha384(state) => state.update(bytes),
            Digest::Sha512(state) => state.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> String {
        match self {
            Digest::Sha256(state) => format!("sha256:{}", hex::encode(state.finalize())),
            Digest::Sha384(state) => format!("sha384:{}", hex::encode(state.finalize())),
            Digest::Sha512(state) => format!("sha512:{}", hex::encode(state.finalize())),
        }
    }
}

/// A writer that digests and counts what passes.
pub(crate) struct Digesting<W> {
    pub(crate) inner: W,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl<W: io::Write> io::Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
