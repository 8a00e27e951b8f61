//! Receiving a commit and its tree into the cache, with as little history as the server allows.

use std::sync::Arc;

use gix::{
    ObjectId,
    progress::Discard,
    protocol::fetch::refmap::Source,
    remote::{Direction, fetch::Shallow, fetch::Tags},
};

use crate::{
    Error, Limits, Reference,
    cache::{Cache, is_empty},
    http::Session,
    reference::Kind,
    resolve,
};

/// The only reference of a cache: what was fetched last. Negotiation starts from it.
const FETCHED: &str = "refs/thalweg/fetched";

/// A repository that holds the wanted commit.
pub(crate) struct Fetched {
    pub(crate) repository: gix::Repository,
    pub(crate) commit: ObjectId,
}

/// Fetches what `reference` names. A fault that may lie in the cache is answered with a fresh clone, once.
pub(crate) fn fetch(
    session: &Arc<Session>,
    cache: &Cache,
    reference: &Reference,
    limits: &Limits,
) -> Result<Fetched, Error> {
    let repository = cache.open(session.url(), limits)?;
    let fresh = is_empty(&repository);
    match fetch_into(session, repository, reference, limits) {
        Err(error) if error.may_be_local() && !fresh => {
            tracing::debug!(error = &error as &dyn std::error::Error, "the Git cache is cloned again");
            fetch_into(session, cache.create(session.url())?, reference, limits)
        }
        outcome => outcome,
    }
}

fn fetch_into(
    session: &Arc<Session>,
    repository: gix::Repository,
    reference: &Reference,
    limits: &Limits,
) -> Result<Fetched, Error> {
    let shallow = Shallow::DepthAtRemote(limits.depth);
    let Kind::Commit { commit, branch } = &reference.0 else {
        let name = reference.full_name().expect("a reference that is not pinned has a name");
        let tip = receive(session, &repository, &name, shallow)?;
        let commit = peeled(&repository, tip, &name)?;
        return Ok(Fetched { repository, commit });
    };
    let wanted = ObjectId::from_hex(commit.as_bytes()).expect("a reference holds 40 hexadecimal digits");
    match (receive(session, &repository, commit, shallow), branch) {
        (Ok(_), _) => {}
        (Err(Error::Protocol { .. }), Some(branch)) => {
            receive(session, &repository, &format!("refs/heads/{branch}"), Shallow::undo())?;
        }
        (Err(Error::Protocol { source, .. }), None) => {
            tracing::debug!(error = &*source as &dyn std::error::Error, "the server refused a commit by its hash");
            let reason = "the server does not give it out by its hash; name the branch that holds it".to_owned();
            return Err(Error::CommitNotFound { commit: commit.clone(), reason });
        }
        (Err(error), _) => return Err(error),
    }
    if !repository.has_object(wanted) {
        let place = branch.as_deref().unwrap_or("any reference");
        return Err(Error::CommitNotFound { commit: commit.clone(), reason: format!("it is not on {place}") });
    }
    let commit = peeled(&repository, wanted, commit)?;
    Ok(Fetched { repository, commit })
}

/// Receives what `name`, a full reference name or a commit in hex, leads to.
fn receive(
    session: &Arc<Session>,
    repository: &gix::Repository,
    name: &str,
    shallow: Shallow,
) -> Result<ObjectId, Error> {
    let explain = |error: gix::Error| session.explain(error);
    let remote = repository
        .remote_at_without_url_rewrite(session.url())
        .and_then(|remote| {
            remote.with_fetch_tags(Tags::None).with_refspecs([format!("+{name}:{FETCHED}").as_str()], Direction::Fetch)
        })
        .map_err(explain)?;
    let connection = remote
        .to_connection_with_transport(session.transport()?)
        .with_credentials(|_| Ok(None))
        .with_transport_options(Box::new(()));
    let prepared = connection.prepare_fetch(Discard, Default::default()).map_err(explain)?;
    let tip = prepared.ref_map().mappings.iter().find_map(|mapping| match &mapping.remote {
        Source::ObjectId(id) => Some(*id),
        Source::Ref(reference) => reference.unpack().1.map(ToOwned::to_owned),
    });
    let Some(tip) = tip else { return Err(resolve::absent(session, name)) };
    prepared.with_shallow(shallow).receive(Discard, session.interrupted()).map_err(explain)?;
    Ok(tip)
}

fn peeled(repository: &gix::Repository, tip: ObjectId, name: &str) -> Result<ObjectId, Error> {
    let object = |error: gix::Error| Error::Object { what: format!("object {tip}"), source: error.into() };
    let peeled = repository.find_object(tip).and_then(|object| object.peel_tags_to_end()).map_err(object)?;
    match peeled.kind {
        gix::object::Kind::Commit => Ok(peeled.id),
        _ => Err(Error::NotACommit { name: name.to_owned() }),
    }
}
