//! Flux configurations in the store.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use thalweg_protocol::SystemData;
use thalweg_protocol::agent::ConfigurationStatus;
use thalweg_protocol::configuration::Desired;
use thalweg_protocol::resource::{ClusterId, ConfigurationId};

use super::{StoreError, Transaction, json, parse, parse_text, statement};

/// A Flux configuration as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigurationRecord {
    /// The id, as it was created.
    pub id: ConfigurationId,
    /// What is asked for.
    pub document: Desired,
    /// Who made it and changed it.
    pub system_data: SystemData,
    /// The epoch at which it was made.
    pub first_generation: u64,
    /// The epoch at which it last changed.
    pub generation: u64,
    /// Whether this is a tombstone.
    pub deleting: bool,
    /// What the agent said last, of this generation or an earlier one.
    pub report: Option<ConfigurationStatus>,
    /// When the agent said it.
    pub reported_at: Option<Timestamp>,
}

impl Transaction {
    /// The configuration of this id, a tombstone too.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn configuration(&mut self, id: &ConfigurationId) -> Result<Option<ConfigurationRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM configurations WHERE key = ?")
            .bind(id.key())
            .fetch_optional(&mut *self.inner)
            .await
            .map_err(statement("read a configuration"))?;
        row.map(record).transpose()
    }

    /// All configurations of a cluster, tombstones too, by id.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn configurations(&mut self, cluster: &ClusterId) -> Result<Vec<ConfigurationRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM configurations WHERE cluster_key = ? ORDER BY key")
            .bind(cluster.key())
            .fetch_all(&mut *self.inner)
            .await
            .map_err(statement("list configurations"))?;
        rows.into_iter().map(record).collect()
    }

    /// Stores a configuration, new or changed. Its cluster must exist.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn put_configuration(&mut self, configuration: &ConfigurationRecord) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO configurations (key, cluster_key, id, document, system_data, first_generation, generation,
                                         deleting, report, reported_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET document = excluded.document, system_data = excluded.system_data,
                 generation = excluded.generation, deleting = excluded.deleting, report = excluded.report,
                 reported_at = excluded.reported_at",
        )
        .bind(configuration.id.key())
        .bind(configuration.id.cluster().key())
        .bind(configuration.id.to_string())
        .bind(json(&configuration.document))
        .bind(json(&configuration.system_data))
        .bind(configuration.first_generation.cast_signed())
        .bind(configuration.generation.cast_signed())
        .bind(configuration.deleting)
        .bind(configuration.report.as_ref().map(json))
        .bind(configuration.reported_at.map(|at| at.to_string()))
        .execute(&mut *self.inner)
        .await
        .map_err(statement("write a configuration"))?;
        Ok(())
    }

    /// Removes a configuration's record.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn remove_configuration(&mut self, id: &ConfigurationId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM configurations WHERE key = ?")
            .bind(id.key())
            .execute(&mut *self.inner)
            .await
            .map_err(statement("remove a configuration"))?;
        Ok(())
    }
}

fn record(row: SqliteRow) -> Result<ConfigurationRecord, StoreError> {
    let key: String = row.get("key");
    let optional = |column: &str| row.get::<Option<String>, _>(column);
    Ok(ConfigurationRecord {
        id: parse_text("id of configuration", &key, row.get("id"))?,
        document: parse("document of configuration", &key, row.get("document"))?,
        system_data: parse("system data of configuration", &key, row.get("system_data"))?,
        first_generation: row.get::<i64, _>("first_generation").unsigned_abs(),
        generation: row.get::<i64, _>("generation").unsigned_abs(),
        deleting: row.get("deleting"),
        report: optional("report").map(|report| parse("report of configuration", &key, &report)).transpose()?,
        reported_at: optional("reported_at")
            .map(|at| parse_text("report time of configuration", &key, &at))
            .transpose()?,
    })
}
