//! Waits for objects by watching them: reads those that changed, and says which are not ready.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use thalweg_crds::kustomize::Kustomization;
use thalweg_health::{Assessment, Health, assess};
use thalweg_kubernetes::Refusal as _;
use thalweg_manifest::ObjectId;
use thalweg_plan::Wanted;
use tokio::time::Instant;

use crate::act::{Pass, Waiting, current};
use crate::context::id_of;
use crate::memory::{Assessed, Memory};
use crate::problem::Problem;
use crate::report;

/// How the whole set stands.
pub(crate) enum Standing {
    /// Its health is not asked for.
    Unchecked,
    /// Every object is as it should be.
    Healthy {
        /// How long that took.
        after: Duration,
    },
    /// Some are not, yet.
    Waiting(Waiting),
}

/// An object whose health is awaited.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) id: ObjectId,
    pub(crate) version: String,
    /// Whether its absence is its success: a Job that the cluster removes when it is done.
    may_vanish: bool,
    /// Whether it is one of ours, which the owner watch shows.
    is_ours: bool,
}

impl Subject {
    pub(crate) fn of(wanted: &Wanted) -> Self {
        let spec = wanted.object.content().get("spec");
        Self {
            id: wanted.id.clone(),
            version: wanted.object.version().to_owned(),
            may_vanish: wanted.id.kind == "Job"
                && spec.is_some_and(|spec| spec.get("ttlSecondsAfterFinished").is_some()),
            is_ours: true,
        }
    }
}

impl Pass<'_, '_> {
    /// How the set stands; waits by answering so.
    pub(crate) async fn await_health(&mut self, memory: &mut Memory) -> Result<Standing, Problem> {
        let subjects = self.subjects();
        if subjects.is_empty() {
            return Ok(Standing::Unchecked);
        }
        let now = self.context.runtime.clock.instant();
        let since = *current(memory).health_since.get_or_insert(now);
        let deadline = since + self.status.object().spec.timeout().get();
        let unready = unready(self, &subjects, memory).await?;
        let now = self.context.runtime.clock.instant();
        if unready.is_empty() {
            return Ok(Standing::Healthy { after: now - since });
        }
        let failed: BTreeMap<ObjectId, Assessment> = unready
            .iter()
            .filter(|(_, is)| is.health == Health::Failed)
            .map(|(id, is)| (id.clone(), is.clone()))
            .collect();
        if !failed.is_empty() {
            return Err(self.unhealthy(since, now, "failed early due to stalled resources", &failed, memory));
        }
        if now >= deadline {
            return Err(self.unhealthy(since, now, "timeout waiting for", &unready, memory));
        }
        let message = format!(
            "Running health checks for revision {} with a timeout of {}",
            self.artifact.revision,
            self.status.object().spec.timeout()
        );
        Ok(Standing::Waiting(self.waiting(unready.into_keys().collect(), deadline, message, true, memory)))
    }

    fn unhealthy(
        &self,
        since: Instant,
        now: Instant,
        what: &str,
        objects: &BTreeMap<ObjectId, Assessment>,
        memory: &mut Memory,
    ) -> Problem {
        current(memory).health_since = None;
        Problem::Health {
            after: report::rounded(now - since),
            what: format!("{what}: [{}]", list(objects)),
            objects: objects.keys().cloned().collect(),
        }
    }

    /// What `spec.wait` or `spec.healthChecks` ask to be awaited; never the Kustomization itself.
    fn subjects(&self) -> Vec<Subject> {
        let object: &Kustomization = self.status.object();
        let own = id_of(object);
        let mut subjects: Vec<Subject> = if object.spec.wait {
            self.desired.wanted().iter().map(Subject::of).collect()
        } else {
            object.spec.health_checks.iter().map(|check| self.subject_of(check, &own.namespace)).collect()
        };
        subjects.retain(|subject| subject.id != own);
        subjects
    }

    fn subject_of(&self, check: &thalweg_crds::kustomize::NamespacedObjectKindReference, own: &str) -> Subject {
        let api_version = check.api_version.as_deref().filter(|version| !version.is_empty()).unwrap_or("apps/v1");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let namespace = check.namespace.as_deref().unwrap_or(own);
        let id = ObjectId::new(group, &check.kind, namespace, &check.name);
        // A cluster-scoped object has no namespace, whatever the reference says.
        let unscoped = ObjectId { namespace: String::new(), ..id.clone() };
        if let Some(wanted) = self.desired.get(&id).or_else(|| self.desired.get(&unscoped)) {
            return Subject { version: version.to_owned(), ..Subject::of(wanted) };
        }
        Subject { id, version: version.to_owned(), may_vanish: false, is_ours: false }
    }
}

/// The objects that are not Current, and how they stand. Reads those that changed since they were read last.
pub(crate) async fn unready(
    pass: &mut Pass<'_, '_>,
    subjects: &[Subject],
    memory: &mut Memory,
) -> Result<BTreeMap<ObjectId, Assessment>, Problem> {
    let mut unready = BTreeMap::new();
    for subject in subjects {
        let assessment = assessed(pass, subject, memory).await?;
        let has_vanished = assessment.health == Health::NotFound && subject.may_vanish;
        if assessment.health != Health::Current && !has_vanished {
            unready.insert(subject.id.clone(), assessment);
        }
    }
    Ok(unready)
}

async fn assessed(pass: &mut Pass<'_, '_>, subject: &Subject, memory: &mut Memory) -> Result<Assessment, Problem> {
    let Subject { id, version, .. } = subject;
    let seen = pass.context.watches.get(id);
    let known = memory.health.get(id);
    if let (Some(seen), Some(known)) = (&seen, known)
        && seen.resource_version == known.resource_version
    {
        return Ok(known.assessment.clone());
    }
    let unknown = |message: String| Assessment { health: Health::Unknown, message };
    let resource = match pass.applier.resource_of(id, version).await.map_err(Problem::Server)? {
        Some(resource) => resource,
        None => return Ok(unknown(format!("no matches for kind {:?} in version {version:?}", id.kind))),
    };
    let mut id = id.clone();
    if !resource.namespaced {
        id.namespace.clear();
    }
    if !subject.is_ours {
        let watch = memory
            .followed
            .entry(subject.id.clone())
            .or_insert_with(|| pass.context.watches.watch_named(&resource, &id.namespace, &id.name));
        watch.synced().await.map_err(Problem::Server)?;
    }
    match pass.applier.read(&resource, &id).await {
        Ok(Some(object)) => Ok(remember(memory, &subject.id, &object, pass.context.runtime.clock.now())),
        Ok(None) => {
            memory.health.remove(&subject.id);
            Ok(Assessment { health: Health::NotFound, message: "the object does not exist".to_owned() })
        }
        Err(error) if error.status().is_some() => Ok(unknown(error.message())),
        Err(error) => Err(Problem::Server(error)),
    }
}

/// Notes how an object stands in the version that was just read.
pub(crate) fn remember(memory: &mut Memory, id: &ObjectId, object: &Map<String, Value>, now: Timestamp) -> Assessment {
    let assessment = assess(object, now);
    let version = object.get("metadata").and_then(|metadata| metadata.get("resourceVersion")).and_then(Value::as_str);
    if let Some(version) = version {
        let assessed = Assessed { resource_version: version.to_owned(), assessment: assessment.clone() };
        memory.health.insert(id.clone(), assessed);
    }
    assessment
}

/// `Kind/namespace/name status: 'InProgress', …`, as Flux lists them, with the reason behind each.
pub(crate) fn list(objects: &BTreeMap<ObjectId, Assessment>) -> String {
    let entries: Vec<String> = objects
        .iter()
        .map(|(id, assessment)| {
            let Assessment { health, message } = assessment;
            match message.is_empty() {
                true => format!("{} status: '{health:?}'", id.subject()),
                false => format!("{} status: '{health:?}': {message}", id.subject()),
            }
        })
        .collect();
    entries.join(", ")
}
