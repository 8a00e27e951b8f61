//! The hub's store: SQLite in one file, WAL, one writer, many readers.
//!
//! All access is by transaction: [`Store::read`] sees one moment, [`Store::write`] holds the write lock from its start, so
//! what it reads stays true until its commit. A commit is on disk when it returns (`synchronous = FULL`). The records
//! are values; what they mean is decided in [`Hub`](crate::Hub).
#![expect(clippy::disallowed_methods, reason = "the door to the store's file")]

mod clusters;
mod configurations;
mod credentials;
mod groups;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, SqlSafeStr as _, Sqlite, SqlitePool};
use thalweg_protocol::agent::Epoch;
use uuid::Uuid;

pub use clusters::{ClusterRecord, Within};
pub use configurations::ConfigurationRecord;
pub use credentials::Credential;
pub use groups::GroupRecord;

/// Connections that read at the same time.
const READERS_MAX: u32 = 8;
/// How long a transaction waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The schema, oldest first. A file that was released never changes.
const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "first", include_str!("../migrations/0001_first.sql"))];

/// What went wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be made or opened.
    #[error("cannot open the hub's store {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The file could not be made with access for its owner alone.
    #[error("cannot make the hub's store {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The schema could not be brought up to date.
    #[error("cannot bring the hub's store {} up to date", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("cannot {doing}")]
    Statement {
        /// What it was to do.
        doing: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A record is not what this version writes.
    #[error("cannot understand the stored {what} {key}")]
    Record {
        /// Which part.
        what: &'static str,
        /// Whose.
        key: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The open store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    readers: SqlitePool,
    writer: SqlitePool,
    hub: String,
}

impl Store {
    /// Opens the store in the file at `path`, made (readable by its owner alone) if it is not there, and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// A file that cannot be opened, or is not a store of this version or an older one.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path).map_err(|source| StoreError::Create { path: path.to_owned(), source })?;
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(WAIT_MAX)
            .foreign_keys(true);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(WAIT_MAX)
            .connect_with(options.clone())
            .await
            .map_err(open)?;
        let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
        });
        Migrator::with_migrations(migrations.collect())
            .run(&writer)
            .await
            .map_err(|source| StoreError::Migrate { path: path.to_owned(), source })?;
        sqlx::query("INSERT INTO hub (one, id, epoch) VALUES (1, ?, 0) ON CONFLICT DO NOTHING")
            .bind(Uuid::new_v4().to_string())
            .execute(&writer)
            .await
            .map_err(open)?;
        let hub = sqlx::query("SELECT id FROM hub").fetch_one(&writer).await.map_err(open)?.get(0);
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(WAIT_MAX)
            .connect_with(options.read_only(true))
            .await
            .map_err(open)?;
        Ok(Self { readers, writer, hub })
    }

    /// A transaction that sees the store as it is now and cannot change it.
    ///
    /// # Errors
    /// No connection within ten seconds.
    pub async fn read(&self) -> Result<Transaction, StoreError> {
        let inner = self.readers.begin().await.map_err(statement("begin to read"))?;
        Ok(Transaction { inner, hub: self.hub.clone() })
    }

    /// The one transaction that may change the store. Without [`Transaction::commit`] nothing happened.
    ///
    /// # Errors
    /// Another writer, here or in another process, that takes longer than ten seconds.
    pub async fn write(&self) -> Result<Transaction, StoreError> {
        let inner = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(statement("begin to write"))?;
        Ok(Transaction { inner, hub: self.hub.clone() })
    }

    /// Writes everything out and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// One moment of the store.
#[derive(Debug)]
pub struct Transaction {
    inner: sqlx::Transaction<'static, Sqlite>,
    hub: String,
}

impl Transaction {
    /// Makes what was done durable.
    ///
    /// # Errors
    /// A disk that is full or broken; then nothing was done.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await.map_err(statement("commit"))
    }

    /// Where the hub's history of desired state is.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn epoch(&mut self) -> Result<Epoch, StoreError> {
        self.epoch_by("SELECT epoch FROM hub", "read the epoch").await
    }

    /// The next epoch, for a change of desired state in this transaction.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn next_epoch(&mut self) -> Result<Epoch, StoreError> {
        self.epoch_by("UPDATE hub SET epoch = epoch + 1 RETURNING epoch", "count the epoch up").await
    }

    async fn epoch_by(&mut self, sql: &'static str, doing: &'static str) -> Result<Epoch, StoreError> {
        let row = sqlx::query(sql).fetch_one(&mut *self.inner).await.map_err(statement(doing))?;
        Ok(Epoch { hub: self.hub.clone(), number: row.get::<i64, _>(0).unsigned_abs() })
    }
}

fn statement(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Statement { doing, source }
}

/// A typed part of a record from its JSON.
fn parse<T: serde::de::DeserializeOwned>(what: &'static str, key: &str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|fault| unreadable(what, key, fault))
}

/// A typed part of a record from its text.
fn parse_text<T: std::str::FromStr>(what: &'static str, key: &str, text: &str) -> Result<T, StoreError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|fault: T::Err| unreadable(what, key, fault))
}

fn unreadable(what: &'static str, key: &str, fault: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Record { what, key: key.to_owned(), source: Box::new(fault) }
}

/// JSON of a part of a record.
fn json(part: &impl serde::Serialize) -> String {
    serde_json::to_string(part).expect("records are maps with text keys and numbers that JSON has")
}

/// Makes the file, if it is not there, so that only its owner can read it. SQLite gives its side files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
