//! Tests of the map of resources.

use thalweg_yaml::Limits;
use thalweg_yaml::kyaml::Node;

use super::*;
use crate::load;
use crate::resource::Notes;

fn resources(yaml: &str) -> Vec<Resource> {
    load::objects("a.yaml", yaml.as_bytes(), &Limits::default()).expect("objects")
}

fn map(yaml: &str) -> ResourceMap {
    let mut map = ResourceMap::default();
    resources(yaml).into_iter().try_for_each(|resource| map.append(resource)).expect("no id twice");
    map
}

fn id<'t>(api_version: &'t str, kind: &'t str, namespace: &'t str, name: &'t str) -> Id<&'t str> {
    Id { gvk: crate::identity::Gvk::new(api_version, kind), namespace, name, is_brought_without_namespace: false }
}

fn rename(resource: &mut Resource, name: &str) {
    resource.remember_id();
    resource.object.get_mut("metadata").expect("metadata").set("name", Node::text(name));
}

const THREE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b, namespace: team}
---
apiVersion: v1
kind: Namespace
metadata: {name: a, namespace: whatever}
";

#[test]
fn objects_are_found_by_what_they_are_called_now_and_were_called_before() {
    let mut map = map(THREE);
    assert_eq!(map.matching_current(id("v1", "ConfigMap", "default", "a")), [0]);
    assert_eq!(map.matching_current(id("v1", "ConfigMap", "", "b")), [0_usize; 0]);
    assert_eq!(map.matching_current(id("v1", "Namespace", "other", "a")), [2]);
    rename(map.get_mut(0).expect("the first"), "c");
    rename(map.get_mut(0).expect("the first"), "d");
    for (name, current, any) in [("a", vec![], vec![0]), ("c", vec![], vec![0]), ("d", vec![0], vec![0])] {
        let id = id("v1", "ConfigMap", "", name);
        assert_eq!((map.matching_current(id), map.matching_any(id)), (current, any), "{name}");
    }
    map.iter_mut().filter(|resource| resource.id().gvk.kind == "ConfigMap").for_each(|resource| rename(resource, "z"));
    assert_eq!(map.matching_current(id("v1", "ConfigMap", "team", "z")), [1]);
    assert_eq!(map.matching_any(id("v1", "ConfigMap", "", "c")), [0]);
}

#[test]
fn a_position_stays_when_others_go() {
    let mut map = map(THREE);
    map.remove(0);
    assert_eq!(map.matching_any(id("v1", "ConfigMap", "", "a")), [0_usize; 0]);
    assert_eq!(map.matching_current(id("v1", "ConfigMap", "team", "b")), [1]);
    assert_eq!(map.positions().collect::<Vec<_>>(), [1, 2]);
    map.retain(|resource| resource.id().gvk.kind == "Namespace");
    assert_eq!((map.len(), map.is_empty()), (1, false));
}

#[test]
fn no_id_is_there_twice() {
    let mut map = map(THREE);
    let again = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n";
    assert!(map.append(resources(again).remove(0)).is_err());
    assert_eq!(map.refuse_duplicates(), Ok(()));
    let second = map.get_mut(1).and_then(|resource| resource.object.get_mut("metadata")).expect("metadata");
    second.set("name", Node::text("a"));
    second.remove("namespace");
    let error = map.refuse_duplicates().expect_err("two are called the same").to_string();
    assert_eq!(
        error,
        "may not add resource with an already registered id: ConfigMap/a at a.yaml:5 is already at a.yaml:1"
    );
}

/// Where a patch sees annotations that are not in the object.
#[test]
fn notes_are_seen_by_patches_and_go_with_the_annotations() {
    let mut resource = resources(THREE).remove(0);
    let count = |object: &mut Node| object.at(&["metadata", "annotations"]).map_or(0, |found| found.fields().len());
    assert_eq!(resource.change_openly(Notes::AsFound, count), 0);
    rename(&mut resource, "b");
    assert_eq!(resource.change_openly(Notes::AsFound, count), 1);
    assert_eq!(resource.object.at(&["metadata", "annotations"]), None);
    let clear = |object: &mut Node| object.get_mut("metadata").and_then(|metadata| metadata.remove("annotations"));
    assert!(resource.change_openly(Notes::Restored, clear).is_some());
    assert_eq!(resource.former.len(), 1);
    assert!(resource.change_openly(Notes::AsFound, clear).is_some());
    assert_eq!(resource.former.len(), 0);
}
