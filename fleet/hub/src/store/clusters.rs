//! Connected clusters in the store.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use thalweg_protocol::SystemData;
use thalweg_protocol::agent::{AgentError, ClusterFacts};
use thalweg_protocol::cluster::ConnectedClusterRequest;
use thalweg_protocol::resource::{ClusterId, ResourceGroupId};

use super::{StoreError, Transaction, json, parse, parse_text, statement};

/// A connected cluster as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterRecord {
    /// The id, as it was created.
    pub id: ClusterId,
    /// What its owner says of it.
    pub document: ConnectedClusterRequest,
    /// Who made it and changed it.
    pub system_data: SystemData,
    /// What its agent says of it.
    pub facts: ClusterFacts,
    /// What keeps its agent from its work.
    pub errors: Vec<AgentError>,
    /// When its agent was heard last.
    pub heard_at: Option<Timestamp>,
}

/// Where to list clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// In one resource group.
    Group(ResourceGroupId),
    /// In one subscription, by its key.
    Subscription(String),
}

impl Transaction {
    /// The cluster of this id.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn cluster(&mut self, id: &ClusterId) -> Result<Option<ClusterRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM clusters WHERE key = ?")
            .bind(id.key())
            .fetch_optional(&mut *self.inner)
            .await
            .map_err(statement("read a cluster"))?;
        row.map(record).transpose()
    }

    /// All clusters of a group or subscription, by id.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn clusters(&mut self, within: &Within) -> Result<Vec<ClusterRecord>, StoreError> {
        let query = match within {
            Within::Group(group) => {
                sqlx::query("SELECT * FROM clusters WHERE group_key = ? ORDER BY key").bind(group.key())
            }
            Within::Subscription(key) => {
                sqlx::query("SELECT * FROM clusters WHERE subscription = ? ORDER BY key").bind(key.clone())
            }
        };
        let rows = query.fetch_all(&mut *self.inner).await.map_err(statement("list clusters"))?;
        rows.into_iter().map(record).collect()
    }

    /// Stores a cluster, new or changed. Its group must exist.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn put_cluster(&mut self, cluster: &ClusterRecord) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO clusters (key, group_key, subscription, id, document, system_data, facts, errors, heard_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET document = excluded.document, system_data = excluded.system_data,
                 facts = excluded.facts, errors = excluded.errors, heard_at = excluded.heard_at",
        )
        .bind(cluster.id.key())
        .bind(cluster.id.group().key())
        .bind(cluster.id.group().subscription().to_ascii_lowercase())
        .bind(cluster.id.to_string())
        .bind(json(&cluster.document))
        .bind(json(&cluster.system_data))
        .bind(json(&cluster.facts))
        .bind(json(&cluster.errors))
        .bind(cluster.heard_at.map(|at| at.to_string()))
        .execute(&mut *self.inner)
        .await
        .map_err(statement("write a cluster"))?;
        Ok(())
    }

    /// Removes a cluster with its configurations and all credentials for it. What is in the cluster stays.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn remove_cluster(&mut self, id: &ClusterId) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM credentials WHERE cluster_key = ?",
            "DELETE FROM configurations WHERE cluster_key = ?",
            "DELETE FROM clusters WHERE key = ?",
        ] {
            sqlx::query(sql).bind(id.key()).execute(&mut *self.inner).await.map_err(statement("remove a cluster"))?;
        }
        Ok(())
    }
}

fn record(row: SqliteRow) -> Result<ClusterRecord, StoreError> {
    let key: String = row.get("key");
    Ok(ClusterRecord {
        id: parse_text("id of cluster", &key, row.get("id"))?,
        document: parse("document of cluster", &key, row.get("document"))?,
        system_data: parse("system data of cluster", &key, row.get("system_data"))?,
        facts: parse("facts of cluster", &key, row.get("facts"))?,
        errors: parse("agent errors of cluster", &key, row.get("errors"))?,
        heard_at: row
            .get::<Option<String>, _>("heard_at")
            .map(|at| parse_text("last connectivity of cluster", &key, &at))
            .transpose()?,
    })
}
