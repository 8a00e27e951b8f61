//! Carries out decisions through one client.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Map, Value};
use thalweg_kubernetes::{Cluster, Error, Refusal as _, Resource, Watches};
use thalweg_manifest::{ObjectId, Seen};
use thalweg_plan::{Answer, Measure, Wanted, Warrant, Write, Written};

use crate::{Doing, Refusal, Refusals};

/// Fields of other managers are taken over: Git is the source of truth.
const FORCE: bool = true;

/// Acts on objects as one user of the API server. Cheap to clone.
#[derive(Clone)]
pub struct Applier {
    /// Sends every request of this applier: ours, or one that impersonates.
    pub client: kube::Client,
    /// Where answers are noted.
    pub watches: Arc<Watches>,
    /// Which resource a kind is.
    pub cluster: Cluster,
    /// The field manager of every apply.
    pub manager: &'static str,
    /// The most requests in flight at a time; at least 1.
    pub concurrency: usize,
}

/// What to ask about one object before a stage writes.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The object.
    pub wanted: &'a Wanted,
    /// Whether the live object is needed too.
    pub reads_live: bool,
}

/// An apply that the server granted.
#[derive(Clone, Debug)]
pub struct Applied<'a> {
    /// The object that was applied.
    pub wanted: &'a Wanted,
    /// What the apply did.
    pub written: Written,
    /// The measure of being in sync from now on; `None` when the server granted nothing.
    pub measure: Option<Measure>,
    /// The object as the server answered it.
    pub answer: Map<String, Value>,
}

/// The end of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The server accepted it; the object may still be terminating.
    Accepted,
    /// The object did not exist any more.
    Gone,
    /// The object is not in the state that was judged.
    Changed,
}

impl Applier {
    /// The resource of an object's kind, in the version in which the object is written.
    pub async fn resource(&self, wanted: &Wanted) -> Result<Resource, Refusal> {
        let refuse = |error| Refusal {
            object: wanted.id.clone(),
            origin: wanted.object.origin().clone(),
            doing: Doing::Mapping,
            error,
            api_version: wanted.object.api_version().to_owned(),
        };
        let (group, version, kind) = (wanted.object.group(), wanted.object.version(), wanted.object.kind());
        self.cluster
            .mapping()
            .resolve(group, version, kind)
            .await
            .map_err(|error| refuse(Some(error)))?
            .ok_or_else(|| refuse(None))
    }

    /// Asks the server what applying each object would do; all answers, or every refusal.
    pub async fn ask<'a>(&self, questions: Vec<Question<'a>>) -> Result<Vec<Answer<'a>>, Refusals> {
        let asked: Vec<BoxFuture<'_, _>> =
            questions.into_iter().map(|question| self.ask_one(question).boxed()).collect();
        let answers: Vec<Result<Answer<'a>, Refusal>> = side_by_side(asked, self.concurrency).await;
        let (mut given, mut refused) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer {
                Ok(answer) => given.push(answer),
                Err(refusal) => refused.push(refusal),
            }
        }
        Refusals::of(refused).map_or(Ok(given), Err)
    }

    async fn ask_one<'a>(&self, Question { wanted, reads_live }: Question<'a>) -> Result<Answer<'a>, Refusal> {
        let resource = self.resource(wanted).await?;
        let live = match reads_live {
            true => Some(self.read(&resource, &wanted.id).await.map_err(|error| refusal(wanted, Doing::Read, error))?),
            false => None,
        };
        let dry_run = thalweg_kubernetes::dry_run_apply(&self.client, &resource, &wanted.object, self.manager, FORCE)
            .await
            .map_err(|error| refusal(wanted, Doing::DryRun, error))?;
        Ok(Answer { wanted, live, dry_run: content(dry_run) })
    }

    /// The live object, or `None` when it does not exist; what it shows is noted.
    pub async fn read(&self, resource: &Resource, id: &ObjectId) -> Result<Option<Map<String, Value>>, Error> {
        let object = thalweg_kubernetes::get(&self.client, resource, id).await?;
        if let Some(object) = &object {
            self.watches.record(resource, object);
        }
        Ok(object.map(content))
    }

    /// Applies the writes of a stage, kind after kind and side by side within a kind.
    ///
    /// An object that is refused does not stop its siblings of the same kind, but no later kind is begun. What was
    /// granted is answered in either case.
    pub async fn apply<'a>(&self, writes: &[Write<'a>]) -> (Vec<Applied<'a>>, Option<Refusals>) {
        let mut applied = Vec::with_capacity(writes.len());
        for group in writes.chunk_by(|left, right| left.wanted.id.kind == right.wanted.id.kind) {
            let begun: Vec<BoxFuture<'_, _>> = group.iter().map(|write| self.apply_one(write.wanted).boxed()).collect();
            let answers: Vec<Result<Applied<'a>, Refusal>> = side_by_side(begun, self.concurrency).await;
            let mut refused = Vec::new();
            for answer in answers {
                match answer {
                    Ok(answer) => applied.push(answer),
                    Err(refusal) => refused.push(refusal),
                }
            }
            if let Some(refusals) = Refusals::of(refused) {
                return (applied, Some(refusals));
            }
        }
        (applied, None)
    }

    async fn apply_one<'a>(&self, wanted: &'a Wanted) -> Result<Applied<'a>, Refusal> {
        let resource = self.resource(wanted).await?;
        let before = self.watches.get(&wanted.id);
        let answer = thalweg_kubernetes::apply(&self.client, &resource, &wanted.object, self.manager, FORCE)
            .await
            .map_err(|error| refusal(wanted, Doing::Apply, error))?;
        self.watches.record(&resource, &answer);
        let answer = content(answer);
        // The answer itself is the measure, not what the watch may have shown since.
        let seen = answer.get("metadata").and_then(Value::as_object);
        let seen = seen.and_then(|metadata| Seen::from_metadata(metadata, self.manager));
        Ok(Applied {
            wanted,
            written: seen.as_ref().map_or(Written::Created, |seen| Written::of(before.as_deref(), seen)),
            measure: seen.and_then(|seen| Measure::granted(wanted, &seen)),
            answer,
        })
    }

    /// Deletes one object in the state that its warrant names.
    pub async fn delete(&self, warrant: &Warrant) -> Result<Deleted, Refusal> {
        let id = warrant.id();
        let refuse = |error| Refusal {
            object: id.clone(),
            origin: Default::default(),
            doing: Doing::Delete,
            error: Some(error),
            api_version: warrant.version().to_owned(),
        };
        // A kind that the server does not know any more has no objects.
        let Some(resource) = self.resource_of(id, warrant.version()).await.map_err(refuse)? else {
            return Ok(Deleted::Gone);
        };
        let (uid, resource_version) = (warrant.uid(), warrant.resource_version());
        match thalweg_kubernetes::delete(&self.client, &resource, id, uid, resource_version).await {
            Ok(thalweg_kubernetes::Deleted::Accepted(answer)) => {
                self.watches.record(&resource, &answer);
                Ok(Deleted::Accepted)
            }
            Ok(thalweg_kubernetes::Deleted::Done) => {
                self.watches.record_gone(id, uid);
                Ok(Deleted::Accepted)
            }
            Ok(thalweg_kubernetes::Deleted::Gone) => {
                self.watches.record_gone(id, uid);
                Ok(Deleted::Gone)
            }
            Err(error) if error.is_conflict() => Ok(Deleted::Changed),
            Err(error) => Err(refuse(error)),
        }
    }

    /// What a live object shows now, read for the judgement of a deletion; `None` when it does not exist.
    pub async fn look(&self, id: &ObjectId, version: &str) -> Result<Option<Seen>, Refusal> {
        let refuse = |error| Refusal {
            object: id.clone(),
            origin: Default::default(),
            doing: Doing::Read,
            error: Some(error),
            api_version: version.to_owned(),
        };
        let Some(resource) = self.resource_of(id, version).await.map_err(refuse)? else { return Ok(None) };
        let object = self.read(&resource, id).await.map_err(refuse)?;
        Ok(object.and_then(|object| Seen::from_metadata(object.get("metadata")?.as_object()?, self.manager)))
    }

    /// The resource of an inventory entry: in its own version, or in another one when that is not served any more.
    pub async fn resource_of(&self, id: &ObjectId, version: &str) -> Result<Option<Resource>, Error> {
        match self.cluster.mapping().resolve(&id.group, version, &id.kind).await? {
            Some(resource) => Ok(Some(resource)),
            None => self.cluster.mapping().resolve_any_version(&id.group, &id.kind).await,
        }
    }
}

/// The results in the order of the futures, of which `concurrency` run at a time.
async fn side_by_side<T>(futures: Vec<BoxFuture<'_, T>>, concurrency: usize) -> Vec<T> {
    futures::stream::iter(futures).buffered(concurrency).collect().await
}

/// The fields of an object; the server answers nothing else.
fn content(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(content) => content,
        _ => Map::new(),
    }
}

fn refusal(wanted: &Wanted, doing: Doing, error: Error) -> Refusal {
    Refusal {
        object: wanted.id.clone(),
        origin: wanted.object.origin().clone(),
        doing,
        error: Some(error),
        api_version: wanted.object.api_version().to_owned(),
    }
}
