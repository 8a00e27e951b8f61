//! The objects that a source asks for, ready to be applied.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use thalweg_manifest::stage::Stage;
use thalweg_manifest::{Object, ObjectId, digest, order};

use crate::{Complete, Entry, Inventory, Owner};

/// One object of a desired set.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The identity in the cluster: cluster-scoped kinds have no namespace in it.
    pub id: ObjectId,
    /// The object as it will be sent, owner labels included.
    pub object: Object,
    /// The digest of `object`.
    pub digest: String,
}

impl Wanted {
    /// An object made ready for `owner`.
    ///
    /// `namespaced` is what the API server (or a definition in the same set) says of the kind, not what the object says.
    pub fn new(mut object: Object, namespaced: bool, owner: &Owner) -> Self {
        if !namespaced {
            object.set_namespace("");
        }
        object.set_label(Owner::NAME_LABEL, &owner.name);
        object.set_label(Owner::NAMESPACE_LABEL, &owner.namespace);
        normalise(&mut object);
        let digest = digest::of(std::slice::from_ref(&object));
        Self { id: object.id(), object, digest }
    }
}

/// What no apply should carry: the status (but for a definition's, which is part of what Flux sends), the creation
/// time, and a Secret's `stringData`, which the server merges into `data` and then forgets.
fn normalise(object: &mut Object) {
    let is_definition = object.kind() == "CustomResourceDefinition";
    let is_secret = object.kind() == "Secret" && object.api_version() == "v1";
    let content = object.content_mut();
    if !is_definition {
        content.remove("status");
    }
    if let Some(metadata) = content.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink"] {
            metadata.remove(field);
        }
    }
    if is_secret && let Some(Value::Object(plain)) = content.remove("stringData") {
        let data = content.entry("data").or_insert_with(|| Value::Object(Default::default()));
        if let Some(data) = data.as_object_mut() {
            for (key, value) in plain {
                data.insert(key, Value::String(BASE64.encode(value.as_str().unwrap_or_default())));
            }
        }
    }
}

/// A complete desired set, in apply order.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    wanted: Vec<Wanted>,
    index: BTreeMap<ObjectId, usize>,
    digest: String,
}

impl Desired {
    /// The set of these objects. It can only come from a set that was read to its end.
    pub fn new(wanted: Complete<Wanted>) -> Self {
        let mut wanted = wanted.into_inner();
        wanted.sort_by(|left, right| {
            Stage::of(&left.id).cmp(&Stage::of(&right.id)).then_with(|| order::compare(&left.id, &right.id))
        });
        let objects: Vec<Object> = wanted.iter().map(|wanted| wanted.object.clone()).collect();
        let index = wanted.iter().enumerate().map(|(position, wanted)| (wanted.id.clone(), position)).collect();
        Self { digest: digest::of(&objects), wanted, index }
    }

    /// The objects, stage by stage, in apply order.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// The objects of one stage, in apply order.
    pub fn stage(&self, stage: Stage) -> impl Iterator<Item = &Wanted> {
        self.wanted.iter().filter(move |wanted| Stage::of(&wanted.id) == stage)
    }

    /// Whether the set holds `object`.
    pub fn contains(&self, object: &ObjectId) -> bool {
        self.index.contains_key(object)
    }

    /// The object named `object`.
    pub fn get(&self, object: &ObjectId) -> Option<&Wanted> {
        self.index.get(object).map(|position| &self.wanted[*position])
    }

    /// The digest of the whole set; equal sets, whatever order they were read in, have equal digests.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The inventory of a cluster that holds exactly this set.
    pub fn inventory(&self) -> Inventory {
        Inventory::new(self.wanted.iter().map(|wanted| Entry::new(&wanted.id, wanted.object.version())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner() -> Owner {
        Owner { namespace: "apps".to_owned(), name: "web".to_owned() }
    }

    fn object(value: Value) -> Object {
        Object::from_json(value).expect("complete")
    }

    #[test]
    fn a_cluster_scoped_object_loses_the_namespace_that_a_file_gave_it() {
        let wanted = Wanted::new(
            object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "namespace": "b"}})),
            false,
            &owner(),
        );
        assert_eq!(wanted.id, ObjectId::new("", "Namespace", "", "a"));
        assert_eq!(wanted.object.label(Owner::NAME_LABEL), Some("web"));
    }

    #[test]
    fn the_order_of_reading_never_matters() {
        let wanted = |name: &str| {
            let value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}});
            Ok::<_, ()>(Wanted::new(object(value), true, &owner()))
        };
        let forwards = Desired::new(Complete::of([wanted("a"), wanted("b")]).expect("complete"));
        let backwards = Desired::new(Complete::of([wanted("b"), wanted("a")]).expect("complete"));
        assert_eq!(forwards.digest(), backwards.digest());
        assert_eq!(forwards.inventory(), backwards.inventory());
    }

    #[test]
    fn plain_text_of_a_secret_becomes_data() {
        for (plain, encoded) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd", "YWJjZA==")] {
            let value = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "a"}, "stringData": {"k": plain}});
            let wanted = Wanted::new(object(value), true, &owner());
            assert_eq!(wanted.object.content().get("data"), Some(&json!({"k": encoded})));
            assert_eq!(wanted.object.content().get("stringData"), None);
        }
    }
}
