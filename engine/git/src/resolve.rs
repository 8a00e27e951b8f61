//! Asking a server what its references name: one ls-refs, filtered by prefix; no object travels.

use std::sync::Arc;

use gix::{
    bstr::{BString, ByteSlice},
    progress::Discard,
    protocol::{LsRefsCommand, handshake::Ref, ls_refs::RefPrefixes},
};
use gix_transport::Service;

use crate::{Error, Reference, Resolved, http::Session};

/// The commit that `reference` names. A reference that pins its commit needs no server.
pub(crate) fn resolve(session: &Arc<Session>, reference: &Reference) -> Result<Resolved, Error> {
    if let Some(resolved) = reference.pinned() {
        return Ok(resolved);
    }
    let name = reference.full_name().expect("a reference that is not pinned has a name");
    let references = references(session, Some(&name))?;
    match references.iter().find_map(|reference| target(reference, &name)) {
        Some(commit) => Ok(reference.resolved(commit)),
        None => Err(absent(session, &name)),
    }
}

/// Why a reference that a server did not list is missing: because there is nothing at all, or because it does not exist.
pub(crate) fn absent(session: &Arc<Session>, name: &str) -> Error {
    match references(session, None) {
        Ok(all) if all.iter().all(|reference| matches!(reference, Ref::Unborn { .. })) => Error::Empty,
        Ok(_) => Error::ReferenceNotFound { name: name.to_owned() },
        Err(error) => error,
    }
}

fn references(session: &Arc<Session>, prefix: Option<&str>) -> Result<Vec<Ref>, Error> {
    let mut transport = session.transport()?;
    let handshake =
        gix::protocol::handshake(&mut transport, Service::UploadPack, |_| Ok(None), Vec::new(), &mut Discard)
            .map_err(|error| session.explain(error))?;
    let format = handshake.capabilities.capability("object-format").and_then(|format| format.value());
    if let Some(format) = format.filter(|format| *format != "sha1") {
        return Err(session.explain(format!("the repository's object format is {format}, not sha1")));
    }
    if let Some(references) = handshake.refs {
        return Ok(references);
    }
    let prefixes = prefix.map(|prefix| {
        let mut prefixes = RefPrefixes::new();
        prefixes.extend([BString::from(prefix)]);
        prefixes
    });
    let agent = ("agent", Some(concat!("git/thalweg-", env!("CARGO_PKG_VERSION")).to_owned()));
    LsRefsCommand::new(prefixes, &handshake.capabilities, agent)
        .invoke_blocking(&mut transport, &mut Discard, false)
        .map_err(|error| session.explain(error))
}

fn target(reference: &Ref, name: &str) -> Option<String> {
    let (full_name, target, peeled) = reference.unpack();
    let commit = peeled.or(target)?;
    (full_name.as_bytes() == name.as_bytes()).then(|| commit.to_string())
}
