//! What does not change: the objects, the owners, and what each revision of the artifact asks of whom.

use serde_json::{Value, json};
use thalweg_manifest::stage::Stage;
use thalweg_manifest::{Object, ObjectId, order};
use thalweg_plan::{Claims, Complete, Desired, Entry, Inventory, Owner, Wanted};

/// The objects, by number.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;
pub(crate) const NAMES: [&str; 3] = ["a", "b", "c"];

/// Some of the three objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Objects(u8);

impl Objects {
    const CHOICES: usize = 1 << NAMES.len();

    fn choices() -> [Self; Self::CHOICES] {
        std::array::from_fn(|bits| Self(bits as u8))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn contains(self, object: usize) -> bool {
        self.0 & (1 << object) != 0
    }

    pub(crate) fn insert(&mut self, object: usize) {
        self.0 |= 1 << object;
    }

    pub(crate) fn remove(&mut self, object: usize) {
        self.0 &= !(1 << object);
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..NAMES.len()).filter(move |object| self.contains(*object))
    }
}

impl FromIterator<usize> for Objects {
    fn from_iter<T: IntoIterator<Item = usize>>(objects: T) -> Self {
        objects.into_iter().fold(Self::default(), |mut all, object| {
            all.insert(object);
            all
        })
    }
}

/// A revision of the artifact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Artifact {
    /// How often a has moved: from the first owner to the second, then back.
    pub(crate) moves: u8,
    pub(crate) drops_b: bool,
    pub(crate) adds_c: bool,
}

impl Artifact {
    /// What it asks of an owner.
    pub(crate) fn asks_of(self, owner: usize) -> Objects {
        let a_is_here = (self.moves == 1) == (owner == 1);
        let wants = [a_is_here, owner == 0 && !self.drops_b, owner == 1 && self.adds_c];
        (0..NAMES.len()).filter(|object| wants[*object]).collect()
    }
}

pub(crate) struct World {
    pub(crate) ids: [ObjectId; 3],
    pub(crate) owners: [Owner; 2],
    /// Each object as each owner would have it.
    pub(crate) wanted: [[Wanted; 3]; 2],
    /// The objects of each stage.
    pub(crate) stages: [Objects; 3],
    /// For each owner the desired set of every choice of objects.
    desired: [[Desired; Objects::CHOICES]; 2],
}

impl World {
    pub(crate) fn new() -> Self {
        let owners = ["one", "two"].map(|name| Owner { namespace: "apps".to_owned(), name: name.to_owned() });
        let wanted = owners.each_ref().map(|owner| {
            let object = |value| Object::from_json(value).expect("complete");
            manifests().map(|(value, namespaced)| Wanted::new(object(value), namespaced, owner))
        });
        let ids = wanted[0].each_ref().map(|wanted| wanted.id.clone());
        let of = |stage| (0..NAMES.len()).filter(|object| Stage::of(&ids[*object]) == stage).collect();
        let stages = Stage::ALL.map(of);
        let desired = wanted.each_ref().map(|wanted| Objects::choices().map(|objects| desired(wanted, objects)));
        Self { ids, owners, wanted, stages, desired }
    }

    /// The set of these objects, as an owner builds it.
    pub(crate) fn desired(&self, owner: usize, objects: Objects) -> &Desired {
        &self.desired[owner][usize::from(objects.0)]
    }

    /// What an owner reads out of the other's set.
    pub(crate) fn claims(&self, other: usize, objects: Objects) -> Claims {
        let mut claims = Claims::default();
        let wanted = self.desired(other, objects).wanted();
        wanted.iter().for_each(|wanted| claims.insert(wanted.id.clone(), &self.owners[other]));
        claims
    }

    /// The inventory that names `objects`.
    pub(crate) fn inventory(&self, objects: Objects) -> Inventory {
        Inventory::new(objects.iter().map(|object| Entry::new(&self.ids[object], "v1")))
    }

    /// What an inventory names.
    pub(crate) fn named_by(&self, inventory: &Inventory) -> Objects {
        (0..NAMES.len()).filter(|object| inventory.contains(&self.ids[*object])).collect()
    }

    /// The one of `objects` that is deleted first.
    pub(crate) fn first_to_delete(&self, objects: Objects) -> Option<usize> {
        objects.iter().max_by(|left, right| order::compare(&self.ids[*left], &self.ids[*right]))
    }
}

fn desired(wanted: &[Wanted; 3], objects: Objects) -> Desired {
    let all = objects.iter().map(|object| Ok::<_, ()>(wanted[object].clone()));
    Desired::new(Complete::of(all).expect("all of them are there"))
}

/// The field of each object that the artifact sets, beside labels.
pub(crate) const FIELDS: [&str; 3] = ["data", "data", "rules"];

/// The objects as the artifact holds them, and whether they have a namespace. The third is of an earlier stage.
fn manifests() -> [(Value, bool); 3] {
    let config_map = |name: &str| {
        let metadata = json!({"name": name, "namespace": "apps"});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "ours"}})
    };
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": NAMES[C]}, "rules": [],
    });
    [(config_map(NAMES[A]), true), (config_map(NAMES[B]), true), (role, false)]
}
