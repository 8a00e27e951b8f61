//! Resource groups in the store.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use thalweg_protocol::resource::ResourceGroupId;

use super::{StoreError, Transaction, json, parse, parse_text, statement};

/// A resource group as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// The id, as it was created.
    pub id: ResourceGroupId,
    /// Chosen once.
    pub location: String,
    /// Free labels.
    pub tags: BTreeMap<String, String>,
}

impl Transaction {
    /// The group of this id.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn group(&mut self, id: &ResourceGroupId) -> Result<Option<GroupRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM resource_groups WHERE key = ?")
            .bind(id.key())
            .fetch_optional(&mut *self.inner)
            .await
            .map_err(statement("read a resource group"))?;
        row.map(record).transpose()
    }

    /// All groups of a subscription (its key), by name.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn groups(&mut self, subscription_key: &str) -> Result<Vec<GroupRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM resource_groups WHERE subscription = ? ORDER BY key")
            .bind(subscription_key)
            .fetch_all(&mut *self.inner)
            .await
            .map_err(statement("list resource groups"))?;
        rows.into_iter().map(record).collect()
    }

    /// Stores a group, new or changed.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn put_group(&mut self, group: &GroupRecord) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO resource_groups (key, subscription, id, location, tags) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET location = excluded.location, tags = excluded.tags",
        )
        .bind(group.id.key())
        .bind(group.id.subscription().to_ascii_lowercase())
        .bind(group.id.to_string())
        .bind(&group.location)
        .bind(json(&group.tags))
        .execute(&mut *self.inner)
        .await
        .map_err(statement("write a resource group"))?;
        Ok(())
    }

    /// Removes a group, which must hold nothing.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn remove_group(&mut self, id: &ResourceGroupId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM resource_groups WHERE key = ?")
            .bind(id.key())
            .execute(&mut *self.inner)
            .await
            .map_err(statement("remove a resource group"))?;
        Ok(())
    }
}

fn record(row: SqliteRow) -> Result<GroupRecord, StoreError> {
    let key: String = row.get("key");
    Ok(GroupRecord {
        id: parse_text("id of resource group", &key, row.get("id"))?,
        location: row.get("location"),
        tags: parse("tags of resource group", &key, row.get("tags"))?,
    })
}
