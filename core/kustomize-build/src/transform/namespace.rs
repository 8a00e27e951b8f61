//! `namespace`: where all objects with namespaces go (kustomize's api/filters/namespace).

use thalweg_yaml::kyaml::{Content, Field, Node, Tag, Text};

use super::field_error;
use crate::Error;
use crate::field_spec::{Create, FieldError, FieldSpec, Fields, set_scalar};
use crate::identity::{Gvk, Id};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

const TRANSFORMER: &str = "namespace";
const NAMESPACE_PATH: &str = "metadata/namespace";
const NAME_PATH: &str = "metadata/name";
const SUBJECTS_PATH: &str = "subjects/namespace";

/// Sets namespaces: of objects, of what names a namespace in them, and of subjects of role bindings.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    namespace: String,
    /// Whether only what has no namespace gets it.
    unset_only: bool,
    subjects: Subjects,
    own: Fields,
    fields: Vec<Other>,
}

/// Which subjects of role bindings get the namespace, whatever the field specs say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`, of any kind.
    #[default]
    DefaultOnly,
    AllServiceAccounts,
    None,
}

/// A field beside the object's own namespace.
#[derive(Clone, Debug)]
struct Other {
    fields: Fields,
    /// The name of the object: for kinds of `v1` alone, which a Namespace is.
    is_name: bool,
    /// Left to [`Subjects`].
    is_subject: bool,
}

impl Namespace {
    pub(crate) fn new(namespace: &str, specs: &[FieldSpec]) -> Self {
        Self::with(namespace, false, Subjects::default(), specs)
    }

    pub(crate) fn with(namespace: &str, unset_only: bool, subjects: Subjects, specs: &[FieldSpec]) -> Self {
        let own = FieldSpec { path: Text::const_new(NAMESPACE_PATH), create: true, ..FieldSpec::default() };
        let others = specs.iter().filter(|spec| spec.path != NAMESPACE_PATH).map(|spec| Other {
            fields: Fields::new(spec),
            is_name: spec.path == NAME_PATH,
            is_subject: is_role_binding(&spec.kind) && spec.path == SUBJECTS_PATH,
        });
        Self { namespace: namespace.to_owned(), unset_only, subjects, own: Fields::new(&own), fields: others.collect() }
    }

    /// Moves all objects. What they were called is noted, whether it changes or not; two that are called the same afterwards
    /// are an error.
    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        for resource in resources.iter_mut() {
            resource.remember_id();
            self.move_one(resource)?;
        }
        resources.refuse_duplicates()
    }

    /// Moves one object; nothing is noted.
    pub(super) fn move_one(&self, resource: &mut Resource) -> Result<(), Error> {
        let id = resource.id().owned();
        let moved = self.set_all(&mut resource.object, &id);
        moved.map_err(|(path, reason)| field_error(TRANSFORMER, resource, path, reason))
    }

    fn set_all(&self, object: &mut Node, id: &Id) -> Result<(), (&str, FieldError)> {
        let mut set = |node: &mut Node| self.set(node);
        if !id.borrowed().is_cluster_scoped() {
            let set_own = self.own.visit_selected(object, Create::Scalar(Tag::Unset), &mut set);
            set_own.map_err(|reason| (NAMESPACE_PATH, reason))?;
        }
        let Gvk { group, version, kind } = &id.gvk;
        let has_subjects = is_role_binding(kind.as_str());
        if has_subjects {
            self.set_subjects(object).map_err(|reason| ("subjects", reason))?;
        }
        let is_v1 = group.is_empty() && version == "v1";
        for Other { fields, is_name, is_subject } in &self.fields {
            if (*is_name && !is_v1) || (*is_subject && has_subjects) {
                continue;
            }
            let visited = fields.visit(object, Create::Scalar(Tag::Str), &mut set);
            visited.map_err(|reason| (fields.spec.path.as_str(), reason))?;
        }
        Ok(())
    }

    fn set(&self, node: &mut Node) -> Result<(), FieldError> {
        if self.unset_only && says_something(node) { Ok(()) } else { set_scalar(node, &self.namespace, Tag::Str) }
    }

    fn set_subjects(&self, object: &mut Node) -> Result<(), FieldError> {
        let (key, wanted) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::DefaultOnly => ("name", "default"),
            Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
        };
        let Some(subjects) = object.get_mut("subjects").filter(|subjects| !subjects.is_null()) else { return Ok(()) };
        let subjects =
            subjects.items_mut().ok_or(FieldError::WrongKind { expected: "a list", found: "something else" })?;
        for subject in subjects.iter_mut().filter(|subject| !subject.is_null()) {
            let Content::Mapping(fields) = &mut subject.content else {
                return Err(FieldError::WrongKind { expected: "a mapping as a subject", found: "something else" });
            };
            let value = fields.iter().find(|field| field.key.as_str() == Some(key)).map(|field| &field.value);
            let Some(value) = value.filter(|value| !value.is_null()) else { continue };
            match value.as_str() {
                Some(text) if text == wanted => self.set(namespace_of(fields))?,
                Some(_) => {}
                None => return Err(FieldError::WrongKind { expected: "a text", found: "something else" }),
            }
        }
        Ok(())
    }
}

fn namespace_of(fields: &mut Vec<Field>) -> &mut Node {
    let found = fields.iter().position(|field| field.key.as_str() == Some("namespace"));
    let at = found.unwrap_or(fields.len());
    if found.is_none() {
        fields.push(Field { key: Node::scalar("namespace", Tag::Unset), value: Node::scalar("", Tag::Unset) });
    }
    &mut fields[at].value
}

fn is_role_binding(kind: &str) -> bool {
    matches!(kind, "RoleBinding" | "ClusterRoleBinding")
}

/// Whether a namespace is there already; a `null` that was given a type before this is one.
fn says_something(node: &Node) -> bool {
    !node.is_null() && node.as_str().is_some_and(|text| !text.is_empty())
}
