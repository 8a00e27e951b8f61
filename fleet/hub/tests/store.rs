//! What every store of the hub must do.

use thalweg_hub::store::{ConfigurationRecord, Credential, GroupRecord, Within};
use thalweg_hub::{Clock, Store, Subject, mint_token};
use thalweg_protocol::SystemData;
use thalweg_protocol::cluster::ConnectedClusterRequest;
use thalweg_protocol::resource::{ClusterId, ResourceGroupId};

async fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("hub.db")).await.expect("a store in a new folder")
}

fn group() -> GroupRecord {
    GroupRecord {
        id: ResourceGroupId::new("S", "Group").expect("an id"),
        location: "x".to_owned(),
        tags: [("a".to_owned(), "b".to_owned())].into(),
    }
}

fn cluster_record(id: ClusterId) -> thalweg_hub::store::ClusterRecord {
    thalweg_hub::store::ClusterRecord {
        id,
        document: ConnectedClusterRequest { location: "x".to_owned(), ..Default::default() },
        system_data: SystemData::created("ada", "User", "2026-11-21T12:00:00Z".parse().expect("a time")),
        facts: Default::default(),
        errors: Vec::new(),
        heard_at: Some("2026-11-21T12:00:00.123Z".parse().expect("a time")),
    }
}

#[tokio::test]
async fn what_is_committed_is_there_after_reopening_and_what_is_not_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let id = group().id.cluster("Edge").unwrap();
    let cluster = cluster_record(id.clone());
    let mut transaction = store.write().await.unwrap();
    transaction.put_group(&group()).await.unwrap();
    transaction.put_cluster(&cluster).await.unwrap();
    let epoch = transaction.next_epoch().await.unwrap();
    let configuration = ConfigurationRecord {
        id: id.configuration("base").unwrap(),
        document: Default::default(),
        system_data: cluster.system_data.clone(),
        first_generation: epoch.number,
        generation: epoch.number,
        deleting: false,
        report: None,
        reported_at: None,
    };
    transaction.put_configuration(&configuration).await.unwrap();
    transaction.commit().await.unwrap();
    let mut dropped = store.write().await.unwrap();
    dropped.next_epoch().await.unwrap();
    dropped.remove_cluster(&id).await.unwrap();
    drop(dropped);
    store.close().await;

    let store = open(&folder).await;
    let mut transaction = store.read().await.unwrap();
    assert_eq!(transaction.epoch().await.unwrap(), epoch, "the same hub, at the same point");
    assert_eq!(transaction.group(&ResourceGroupId::new("s", "GROUP").unwrap()).await.unwrap(), Some(group()));
    assert_eq!(transaction.cluster(&id).await.unwrap(), Some(cluster.clone()));
    assert_eq!(transaction.configurations(&id).await.unwrap(), vec![configuration]);
    for within in [Within::Group(group().id), Within::Subscription("s".to_owned())] {
        assert_eq!(transaction.clusters(&within).await.unwrap(), vec![cluster.clone()]);
    }
}

#[tokio::test]
async fn a_reader_sees_one_moment_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let mut reader = store.read().await.unwrap();
    let before = reader.epoch().await.unwrap();
    let mut writer = store.write().await.unwrap();
    let next = writer.next_epoch().await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(reader.epoch().await.unwrap(), before);
    assert!(reader.next_epoch().await.is_err(), "a reader cannot write");
    drop(reader);
    assert_eq!(store.read().await.unwrap().epoch().await.unwrap(), next);
}

#[tokio::test]
async fn writers_take_turns_and_no_epoch_is_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    // Two openings of one file stand for the hub and `hub token` beside it.
    let stores = [open(&folder).await, open(&folder).await];
    let tasks = (0..40).map(|number| {
        let store = stores[number % 2].clone();
        tokio::spawn(async move {
            let mut transaction = store.write().await.unwrap();
            let epoch = transaction.next_epoch().await.unwrap();
            transaction.commit().await.unwrap();
            epoch.number
        })
    });
    let mut given = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        given.push(task.await.unwrap());
    }
    given.sort_unstable();
    assert_eq!(given, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_parent_with_children_cannot_go_and_a_cluster_takes_all_of_its_own_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let id = group().id.cluster("edge").unwrap();
    let mut transaction = store.write().await.unwrap();
    assert!(transaction.put_cluster(&cluster_record(id.clone())).await.is_err(), "no group");
    drop(transaction);
    let mut transaction = store.write().await.unwrap();
    transaction.put_group(&group()).await.unwrap();
    transaction.put_cluster(&cluster_record(id.clone())).await.unwrap();
    let now = Clock::default().now();
    transaction.put_credential("a1", &Credential::Agent { cluster: id.clone() }, now).await.unwrap();
    transaction.put_credential("u1", &Credential::User { name: "ada".to_owned() }, now).await.unwrap();
    transaction.commit().await.unwrap();
    let mut transaction = store.write().await.unwrap();
    assert!(transaction.remove_group(&group().id).await.is_err());
    drop(transaction);
    let mut transaction = store.write().await.unwrap();
    transaction.remove_cluster(&id).await.unwrap();
    transaction.remove_group(&group().id).await.unwrap();
    assert_eq!(transaction.credential("a1").await.unwrap(), None);
    assert_eq!(transaction.credential("u1").await.unwrap(), Some(Credential::User { name: "ada".to_owned() }));
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn tokens_differ_and_names_that_cannot_be_shown_get_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let cluster = group().id.cluster("edge").unwrap();
    let mut tokens = std::collections::BTreeSet::new();
    for _ in 0..10 {
        tokens.insert(mint_token(&store, Subject::User { name: "ada".to_owned() }).await.unwrap());
        tokens.insert(mint_token(&store, Subject::Cluster { resource_id: cluster.clone() }).await.unwrap());
    }
    assert_eq!(tokens.len(), 20);
    for name in ["", " ", "a\nb", &"n".repeat(201)] {
        assert!(mint_token(&store, Subject::User { name: name.to_owned() }).await.is_err(), "{name:?}");
    }
}
