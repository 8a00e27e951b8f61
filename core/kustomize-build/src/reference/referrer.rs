//! The object that refers to others: what it may see.

use std::collections::BTreeSet;

use thalweg_yaml::kyaml::{Content, Node, Tag, Text};

use crate::Error;
use crate::identity::Gvk;
use crate::resource::Resource;

/// What decides which objects one may mean.
#[derive(Debug)]
pub(super) struct Referrer<'r> {
    /// Its effective namespace.
    pub(super) namespace: Text,
    pub(super) is_cluster_scoped: bool,
    /// Namespaces of the service accounts of a RoleBinding.
    pub(super) subject_namespaces: BTreeSet<Text>,
    /// Group and kind of a `roleRef` that has both.
    pub(super) role: Option<Gvk>,
    pub(super) prefixes: &'r [Text],
    pub(super) suffixes: &'r [Text],
}

impl Referrer<'_> {
    pub(super) fn of(resource: &mut Resource) -> Result<(Referrer<'_>, &mut Node), Error> {
        let id = resource.id();
        let subject_namespaces = match id.gvk.kind {
            "RoleBinding" => subject_namespaces(&resource.object).map_err(|Malformed| Error::MalformedSubject {
                place: resource.place.clone(),
                referrer: id.to_string(),
            })?,
            _ => BTreeSet::new(),
        };
        let referrer = Referrer {
            namespace: id.effective_namespace().into(),
            is_cluster_scoped: id.is_cluster_scoped(),
            subject_namespaces,
            role: role(&resource.object),
            prefixes: &resource.prefixes,
            suffixes: &resource.suffixes,
        };
        Ok((referrer, &mut resource.object))
    }
}

/// A subject that is no mapping, or whose kind or namespace is no text.
struct Malformed;

fn subject_namespaces(object: &Node) -> Result<BTreeSet<Text>, Malformed> {
    let mut namespaces = BTreeSet::new();
    for subject in object.get("subjects").map(Node::items).unwrap_or_default() {
        if !matches!(subject.content, Content::Mapping(_)) {
            return Err(Malformed);
        }
        let Some((namespace, kind)) = subject.get("namespace").zip(subject.get("kind")) else { continue };
        if text(kind)? == "ServiceAccount" {
            namespaces.insert(text(namespace)?.into());
        }
    }
    Ok(namespaces)
}

fn text(node: &Node) -> Result<&str, Malformed> {
    match node.tag {
        Tag::Str | Tag::Unset => node.as_str().ok_or(Malformed),
        _ => Err(Malformed),
    }
}

fn role(object: &Node) -> Option<Gvk> {
    let role = object.get("roleRef")?;
    let text = |key: &str| role.get(key).map(|value| Text::from(value.as_str().unwrap_or_default()));
    Some(Gvk { group: text("apiGroup")?, version: Text::default(), kind: text("kind")? })
}
