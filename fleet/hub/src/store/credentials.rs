//! Digests of tokens and agents' credentials in the store.

use jiff::Timestamp;
use sqlx::Row as _;
use thalweg_protocol::resource::ClusterId;

use super::{StoreError, Transaction, parse_text, statement};

/// What a digest stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A user's token.
    User {
        /// The user's name.
        name: String,
    },
    /// A one-time token that registers an agent.
    Registration {
        /// The cluster that it binds the agent to.
        cluster: ClusterId,
        /// The digest of the credential that it was used for.
        spent_on: Option<String>,
    },
    /// A registered agent's credential.
    Agent {
        /// The cluster that it is bound to.
        cluster: ClusterId,
    },
}

impl Transaction {
    /// What a digest stands for.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn credential(&mut self, sha256: &str) -> Result<Option<Credential>, StoreError> {
        let row = sqlx::query("SELECT kind, user_name, cluster_id, spent_on FROM credentials WHERE sha256 = ?")
            .bind(sha256)
            .fetch_optional(&mut *self.inner)
            .await
            .map_err(statement("look up a credential"))?;
        let Some(row) = row else { return Ok(None) };
        let kind: &str = row.get("kind");
        let cluster = || {
            let id: Option<&str> = row.get("cluster_id");
            parse_text("cluster of credential", kind, id.unwrap_or_default())
        };
        Ok(Some(match kind {
            "user" => Credential::User { name: row.get::<Option<String>, _>("user_name").unwrap_or_default() },
            "registration" => Credential::Registration { cluster: cluster()?, spent_on: row.get("spent_on") },
            _ => Credential::Agent { cluster: cluster()? },
        }))
    }

    /// Stores the digest of a new or changed credential.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn put_credential(
        &mut self,
        sha256: &str,
        credential: &Credential,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (kind, user, cluster, spent_on) = match credential {
            Credential::User { name } => ("user", Some(name), None, None),
            Credential::Registration { cluster, spent_on } => ("registration", None, Some(cluster), spent_on.as_ref()),
            Credential::Agent { cluster } => ("agent", None, Some(cluster), None),
        };
        sqlx::query(
            "INSERT INTO credentials (sha256, kind, user_name, cluster_id, cluster_key, created_at, spent_on)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (sha256) DO UPDATE SET spent_on = excluded.spent_on",
        )
        .bind(sha256)
        .bind(kind)
        .bind(user)
        .bind(cluster.map(ClusterId::to_string))
        .bind(cluster.map(ClusterId::key))
        .bind(at.to_string())
        .bind(spent_on)
        .execute(&mut *self.inner)
        .await
        .map_err(statement("store a credential"))?;
        Ok(())
    }

    /// Ends every agent's credential for a cluster.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn remove_agents(&mut self, cluster: &ClusterId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM credentials WHERE cluster_key = ? AND kind = 'agent'")
            .bind(cluster.key())
            .execute(&mut *self.inner)
            .await
            .map_err(statement("end agents' credentials"))?;
        Ok(())
    }
}
