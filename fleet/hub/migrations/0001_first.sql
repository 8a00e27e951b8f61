-- Keys are resource ids in lower case; documents are JSON. Times are RFC 3339 in UTC.

-- Made once with the store. `epoch` grows with every change of desired state and never goes back.
CREATE TABLE hub (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    id    TEXT    NOT NULL,
    epoch INTEGER NOT NULL
) STRICT;

CREATE TABLE resource_groups (
    key          TEXT PRIMARY KEY,
    subscription TEXT NOT NULL,
    id           TEXT NOT NULL,
    location     TEXT NOT NULL,
    tags         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX resource_groups_by_subscription ON resource_groups (subscription, key);

CREATE TABLE clusters (
    key          TEXT PRIMARY KEY,
    group_key    TEXT NOT NULL REFERENCES resource_groups (key),
    subscription TEXT NOT NULL,
    id           TEXT NOT NULL,
    document     TEXT NOT NULL,
    system_data  TEXT NOT NULL,
    facts        TEXT NOT NULL,
    errors       TEXT NOT NULL,
    heard_at     TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX clusters_by_group ON clusters (group_key, key);
CREATE INDEX clusters_by_subscription ON clusters (subscription, key);

-- `generation` is the epoch at the last change, `first_generation` the one at which the document was made.
-- A row with `deleting` set is a tombstone: it goes when the agent says that the object is gone.
CREATE TABLE configurations (
    key              TEXT    PRIMARY KEY,
    cluster_key      TEXT    NOT NULL REFERENCES clusters (key),
    id               TEXT    NOT NULL,
    document         TEXT    NOT NULL,
    system_data      TEXT    NOT NULL,
    first_generation INTEGER NOT NULL,
    generation       INTEGER NOT NULL,
    deleting         INTEGER NOT NULL,
    report           TEXT,
    reported_at      TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX configurations_by_cluster ON configurations (cluster_key, key);

-- Digests alone: no token or credential is ever stored. A registration token that was used keeps the digest of the
-- agent's credential that it was spent on.
CREATE TABLE credentials (
    sha256     TEXT PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('user', 'registration', 'agent')),
    user_name  TEXT,
    cluster_id TEXT,
    cluster_key TEXT,
    created_at TEXT NOT NULL,
    spent_on   TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX credentials_by_cluster ON credentials (cluster_key, kind);
