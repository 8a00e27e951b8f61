//! One write to one object: what is compared, merged and taken out, and who owns what afterwards.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::LazyLock;

use serde_json::{Map, Value};
use thalweg_schema::{Node, Schema, Written};

use super::Writing;
use super::combine::{merged_object, remove};
use super::compare::Comparison;
use super::conflict::{ApplyError, Conflicts};
use super::entries::{Manager, Managers, Owned, cap};
use super::field_set::FieldSet;
use super::owned::{fields, reconciled, with_parents};
use super::shape::Shape;
use super::validate::{misfits, summary};
use super::values::equal_but_managed_fields;

/// Who owns what already exists when an object is applied for the first time.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What nobody owns.
static UNOWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    FieldSet::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

/// Why managers could not be told who owns what, for people.
type Failure = String;

impl Writing<'_> {
    /// Who owns what after `manager` turned `before` into `after` by anything but an apply.
    pub(super) fn updated(
        &self,
        mut managers: Managers,
        before: &Value,
        after: &Value,
        manager: &str,
    ) -> Result<Managers, Failure> {
        self.reconcile(&mut managers);
        let Some(comparison) = self.comparison(self.api_version, before, after)? else { return Ok(managers) };
        let written = comparison.modified.union(&comparison.added).difference(&UNOWNED);
        let taken = self.taken(&managers, None, comparison, before, after)?;
        apply_taken(&mut managers, taken);
        if !written.is_empty() {
            let manager = Manager::updating(manager, self.api_version, self.subresource);
            let time = Some(self.whole_second());
            match managers.entry(manager) {
                Entry::Occupied(mut entry) => {
                    let owned = entry.get_mut();
                    owned.fields = owned.fields.union(&written);
                    owned.time = time;
                }
                Entry::Vacant(entry) => {
                    entry.insert(Owned { api_version: self.api_version.to_string(), fields: written, time });
                }
            }
        }
        cap(&mut managers);
        Ok(managers)
    }

    /// The object without managedFields and who owns what, after `config` is applied; no object when none of its values changes.
    pub(super) fn applied(
        &self,
        mut managers: Managers,
        live: &Value,
        config: &Value,
        force: bool,
    ) -> Result<(Option<Value>, Managers), ApplyError> {
        if managers.is_empty() {
            let failed =
                |failure| ApplyError::Unfit(format!("failed to create manager for existing fields: {failure}"));
            managers = self.updated(managers, &self.nothing(), live, BEFORE_FIRST_APPLY).map_err(failed)?;
        }
        if super::entries::of(config).is_some_and(Value::is_array) {
            return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_string()));
        }
        let schema = self.versions.schema(self.api_version);
        let schema =
            schema.ok_or_else(|| ApplyError::Unfit(format!("no corresponding type for {}", self.kind_in_version())))?;
        let shape = Shape::of_object(&schema);
        if let Some(summary) = summary(&misfits(shape, config)) {
            let subject = self.subject(config);
            return Err(ApplyError::Unfit(format!("failed to create typed patch object ({subject}): {summary}")));
        }
        self.reconcile(&mut managers);
        let failed = |failure| ApplyError::Unfit(format!("failed to merge config: {failure}"));
        let mut new = merged_object(shape, live, config).map_err(failed)?;

        let manager = Manager::applying(self.manager, self.subresource);
        let set = fields(shape, config).recursive_difference(self.reset_fields);
        let owned = Owned { api_version: self.api_version.to_string(), fields: set, time: None };
        let last = managers.insert(manager.clone(), owned);
        let time = last.as_ref().and_then(|last| last.time);
        if let Some(last) = last {
            self.prune(&mut new, &managers, &manager, &last);
        }

        let failed = |failure| ApplyError::Unfit(format!("failed to compare objects: {failure}"));
        if let Some(comparison) = self.comparison(self.api_version, live, &new).map_err(failed)? {
            let taken = self.taken(&managers, Some(&manager), comparison, live, &new).map_err(failed)?;
            if !force && let Some(conflicts) = Conflicts::with(conflicts(&managers, &taken)) {
                return Err(ApplyError::Conflicts(conflicts));
            }
            apply_taken(&mut managers, taken);
        }
        let changed = !equal_but_managed_fields(live, &new);
        if let Entry::Occupied(mut entry) = managers.entry(manager) {
            let owned = entry.get_mut();
            owned.fields = owned.fields.difference(&UNOWNED);
            owned.time = if changed { Some(self.whole_second()) } else { time };
            if owned.fields.is_empty() {
                entry.remove();
            }
        }
        Ok((changed.then_some(new), managers))
    }

    /// Takes out what the manager applied last, does not apply any more, and nobody else owns.
    fn prune(&self, new: &mut Value, managers: &Managers, manager: &Manager, last: &Owned) {
        let same_version = last.api_version == self.api_version;
        let applied = managers.get(manager).filter(|_| same_version);
        if applied.is_some_and(|applied| last.fields.difference(&applied.fields).is_empty()) {
            return;
        }
        let Some((merged, schema)) = self.in_version(new, &last.api_version) else { return };
        let shape = Shape::of_object(&schema);
        let last_fields = with_parents(&last.fields, Some(shape));
        let mut pruned = merged.clone().into_owned();
        remove(shape, &mut pruned, &last_fields);
        let pruned = self.with_owned_items(&merged, pruned, &last.api_version, managers);

        let merged_fields = with_parents(&fields(shape, &merged), Some(shape));
        let pruned_fields = with_parents(&fields(shape, &pruned), Some(shape));
        let gone = merged_fields.difference(&pruned_fields).intersection(&last_fields);
        let mut result = merged.into_owned();
        remove(shape, &mut result, &gone);
        *new = if same_version { result } else { self.versions.convert(&result, self.api_version) };
    }

    /// Puts back what was taken out of `merged`, in the version `version`, and any manager owns.
    fn with_owned_items(&self, merged: &Value, pruned: Value, version: &str, managers: &Managers) -> Value {
        let mut owned_in_version: BTreeMap<&str, FieldSet> = BTreeMap::new();
        for owned in managers.values() {
            let set = owned_in_version.entry(&owned.api_version).or_default();
            *set = set.union(&owned.fields);
        }
        let own = owned_in_version.remove_entry(version);
        let mut pruned = pruned;
        for (other, owned) in own.into_iter().chain(owned_in_version) {
            let convert = |object: &Value, version: &str| self.versions.convert(object, version);
            let Some(schema) = self.versions.schema(other) else { continue };
            let shape = Shape::of_object(&schema);
            let mut there = if other == version { merged.clone() } else { convert(merged, other) };
            let pruned_there =
                if other == version { Cow::Borrowed(&pruned) } else { Cow::Owned(convert(&pruned, other)) };
            let merged_fields = with_parents(&fields(shape, &there), Some(shape));
            let pruned_fields = with_parents(&fields(shape, &pruned_there), Some(shape));
            let kept = pruned_fields.union(&with_parents(&owned, Some(shape)));
            remove(shape, &mut there, &merged_fields.difference(&kept));
            pruned = if other == version { there } else { convert(&there, version) };
        }
        pruned
    }

    /// What each manager but `writer` loses when `before` becomes `after`; managers of versions that are gone lose all.
    fn taken(
        &self,
        managers: &Managers,
        writer: Option<&Manager>,
        comparison: Comparison,
        before: &Value,
        after: &Value,
    ) -> Result<Vec<(Manager, Taken)>, Failure> {
        let mut differences = BTreeMap::from([(self.api_version, Some(Differences::from(comparison)))]);
        let mut losses = Vec::new();
        for (manager, owned) in managers.iter().filter(|(manager, _)| Some(*manager) != writer) {
            let differences = match differences.entry(&owned.api_version) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    entry.insert(self.comparison(&owned.api_version, before, after)?.map(Differences::from))
                }
            };
            let taken = match differences {
                None => Taken { conflicting: FieldSet::EMPTY, all: owned.fields.clone() },
                Some(differences) => {
                    let conflicting = owned.fields.intersection(&differences.set);
                    let all = conflicting.union(&owned.fields.intersection(&differences.removed));
                    Taken { conflicting, all }
                }
            };
            if !taken.all.is_empty() {
                losses.push((manager.clone(), taken));
            }
        }
        Ok(losses)
    }

    /// What differs between two objects in a version, but for the fields that cannot be changed; `None` when there is no such
    /// version.
    fn comparison(&self, version: &str, before: &Value, after: &Value) -> Result<Option<Comparison>, Failure> {
        let (Some((before, schema)), Some((after, _))) =
            (self.in_version(before, version), self.in_version(after, version))
        else {
            return Ok(None);
        };
        Ok(Some(Comparison::of(Shape::of_object(&schema), &before, &after)?.without(self.reset_fields)))
    }

    /// Adapts the managers to schemas that changed since they wrote. Those of versions that are gone are forgotten.
    fn reconcile(&self, managers: &mut Managers) {
        let mut schemas: BTreeMap<String, Option<Schema>> = BTreeMap::new();
        managers.retain(|_, owned| {
            let schema =
                schemas.entry(owned.api_version.clone()).or_insert_with(|| self.versions.schema(&owned.api_version));
            let Some(schema) = schema else { return false };
            if let Some(fields) = reconciled(&owned.fields, Shape::of_object(schema)) {
                owned.fields = fields;
            }
            true
        });
    }

    /// An object of the request's version in another one.
    fn in_version<'v>(&self, object: &'v Value, version: &str) -> Option<(Cow<'v, Value>, Schema)> {
        let schema = self.versions.schema(version)?;
        let object = match version == self.api_version {
            true => Cow::Borrowed(object),
            false => Cow::Owned(self.versions.convert(object, version)),
        };
        Some((object, schema))
    }

    /// An object with nothing set. Whoever creates an object does not own what is there without him, such as `spec` itself.
    pub(super) fn nothing(&self) -> Value {
        self.versions.schema(self.api_version).map_or_else(|| Value::Object(Map::new()), |schema| unset(&schema))
    }

    fn whole_second(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(self.now.as_second()).unwrap_or(self.now)
    }

    /// `apps/v1, Kind=Deployment`.
    pub(super) fn kind_in_version(&self) -> String {
        printed_kind(self.api_version, self.kind)
    }

    /// `default/web; apps/v1, Kind=Deployment`.
    fn subject(&self, object: &Value) -> String {
        let metadata =
            |name: &str| object.get("metadata").and_then(|metadata| metadata.get(name)?.as_str()).unwrap_or("");
        format!("{}/{}; {}", metadata("namespace"), metadata("name"), self.kind_in_version())
    }
}

/// A kind as errors write it.
pub(super) fn printed_kind(api_version: &str, kind: &str) -> String {
    let group = if api_version.contains('/') { "" } else { "/" };
    format!("{group}{api_version}, Kind={kind}")
}

/// What is written for a value of which nothing is set.
fn unset(node: &Node) -> Value {
    let fields = node.properties.iter().filter_map(|(name, field)| match &field.written {
        Written::Always(Value::Object(zero)) => {
            let mut fields = zero.clone();
            if let Value::Object(below) = unset(field) {
                fields.extend(below);
            }
            Some((name.clone(), Value::Object(fields)))
        }
        Written::Always(zero) => Some((name.clone(), zero.clone())),
        Written::AsGiven | Written::Nonempty => None,
    });
    Value::Object(fields.collect())
}

/// A comparison, as managers lose fields by it.
struct Differences {
    /// What is set to another value.
    set: FieldSet,
    removed: FieldSet,
}

impl From<Comparison> for Differences {
    fn from(comparison: Comparison) -> Self {
        let Comparison { removed, modified, added } = comparison;
        Self { set: modified.union(&added), removed }
    }
}

/// What one manager loses.
struct Taken {
    /// What another one sets to another value.
    conflicting: FieldSet,
    /// That, and what is gone.
    all: FieldSet,
}

fn conflicts(managers: &Managers, taken: &[(Manager, Taken)]) -> Vec<(Manager, FieldSet)> {
    let conflicting =
        taken.iter().filter(|(manager, taken)| managers.contains_key(manager) && !taken.conflicting.is_empty());
    conflicting.map(|(manager, taken)| (manager.clone(), taken.conflicting.clone())).collect()
}

fn apply_taken(managers: &mut Managers, taken: Vec<(Manager, Taken)>) {
    for (manager, taken) in taken {
        if let Some(owned) = managers.get_mut(&manager) {
            owned.fields = owned.fields.difference(&taken.all);
        }
    }
    managers.retain(|_, owned| !owned.fields.is_empty());
}
