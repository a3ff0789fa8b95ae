//! The tables of the file, and how an older file becomes one of today.
//!
//! A task run is one row, clustered by its flow run: ids grow with time, so that rows are appended. Its states are
//! written out only where they are not the usual ones (`Pending`, `Running`, and a last one without details).

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Tells files of ours from other SQLite files: `flwk`.
pub(super) const APPLICATION_ID: i32 = 0x666C_776B;

/// What brings a file from the version that is its position to the next.
const MIGRATIONS: &[&str] = &[
    FIRST,
    INDICES_OF_WHAT_HAS_ENDED,
    WHAT_LIES_BESIDE,
    VARIABLES_AND_ARTIFACTS,
    DEPLOYMENTS,
    BLOCKS,
    CONCURRENCY_LIMITS,
    EVENTS,
];

const FIRST: &str = "
CREATE TABLE owner(
    one INTEGER PRIMARY KEY CHECK(one = 1),
    epoch INTEGER NOT NULL,
    closed INTEGER NOT NULL
) STRICT;
INSERT INTO owner VALUES(1, 0, 1);
CREATE TABLE flow(
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    UNIQUE(name, version)
) STRICT;
CREATE TABLE task(
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
) STRICT;
CREATE TABLE flow_run(
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    flow INTEGER NOT NULL REFERENCES flow(number),
    name TEXT NOT NULL,
    parameters TEXT NOT NULL,
    tags TEXT,
    retries INTEGER NOT NULL,
    parent_flow_run BLOB,
    parent_task_run BLOB,
    root_flow_run BLOB,
    deployment BLOB,
    epoch INTEGER NOT NULL,
    resumable INTEGER NOT NULL,
    state_type INTEGER NOT NULL,
    state_name TEXT NOT NULL,
    message TEXT,
    created INTEGER NOT NULL,
    scheduled INTEGER,
    started INTEGER,
    ended INTEGER,
    run_count INTEGER NOT NULL
) STRICT;
CREATE INDEX flow_run_open ON flow_run(state_type) WHERE ended IS NULL;
CREATE INDEX flow_run_root ON flow_run(root_flow_run) WHERE root_flow_run IS NOT NULL;
CREATE INDEX flow_run_ended ON flow_run(ended) WHERE ended IS NOT NULL;
CREATE TABLE flow_run_state(
    flow_run INTEGER NOT NULL,
    nth INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY(flow_run, nth)
) STRICT, WITHOUT ROWID;
CREATE TABLE task_run(
    flow_run INTEGER NOT NULL,
    id BLOB NOT NULL,
    task INTEGER NOT NULL,
    state_type INTEGER NOT NULL,
    state_name TEXT,
    message TEXT,
    created INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    run_count INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    name TEXT,
    parent BLOB,
    tags TEXT,
    inputs TEXT,
    states TEXT,
    PRIMARY KEY(flow_run, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal(
    flow_run INTEGER NOT NULL,
    slot BLOB NOT NULL,
    within BLOB NOT NULL,
    position INTEGER NOT NULL,
    label TEXT NOT NULL,
    codec TEXT,
    value TEXT,
    subflow BLOB,
    PRIMARY KEY(flow_run, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE log(
    flow_run INTEGER NOT NULL,
    at INTEGER NOT NULL,
    task_run BLOB,
    level INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY(flow_run, at)
) STRICT, WITHOUT ROWID;
";

const INDICES_OF_WHAT_HAS_ENDED: &str = "
DROP INDEX flow_run_ended;
DROP INDEX flow_run_root;
CREATE INDEX flow_run_top ON flow_run(ended) WHERE ended IS NOT NULL AND root_flow_run IS NULL;
CREATE INDEX flow_run_root ON flow_run(root_flow_run, ended) WHERE root_flow_run IS NOT NULL;
CREATE INDEX task_run_open ON task_run(flow_run) WHERE ended IS NULL;
";

const WHAT_LIES_BESIDE: &str = "
ALTER TABLE owner ADD COLUMN id BLOB NOT NULL DEFAULT x'';
ALTER TABLE owner ADD COLUMN tail INTEGER NOT NULL DEFAULT 0;
UPDATE owner SET id = randomblob(16);
";

/// The first version whose files have variables and artifacts.
pub(super) const WITH_VARIABLES: i32 = 4;

const VARIABLES_AND_ARTIFACTS: &str = "
CREATE TABLE variable(
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    tags TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE artifact(
    flow_run INTEGER NOT NULL,
    id BLOB NOT NULL,
    key TEXT,
    type TEXT NOT NULL,
    description TEXT,
    data TEXT NOT NULL,
    task_run BLOB,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY(flow_run, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_key ON artifact(key, updated) WHERE key IS NOT NULL;
";

const DEPLOYMENTS: &str = "
CREATE TABLE deployment(
    id BLOB PRIMARY KEY,
    flow TEXT NOT NULL,
    name TEXT NOT NULL,
    facts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE deployment_run(
    flow_run INTEGER PRIMARY KEY,
    deployment BLOB NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    schedule BLOB,
    due INTEGER NOT NULL,
    waits INTEGER NOT NULL,
    key TEXT
) STRICT;
CREATE UNIQUE INDEX deployment_run_key ON deployment_run(deployment, key) WHERE key IS NOT NULL;
CREATE INDEX deployment_run_waits ON deployment_run(deployment) WHERE waits;
";

/// The first version whose files have blocks.
pub(super) const WITH_BLOCKS: i32 = 6;

const BLOCKS: &str = "
CREATE TABLE block(
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    id BLOB NOT NULL UNIQUE,
    data TEXT,
    sealed TEXT,
    secret_fields TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY(slug, name)
) STRICT, WITHOUT ROWID;
";

/// The first version whose files have concurrency limits.
pub(super) const WITH_LIMITS: i32 = 7;

const CONCURRENCY_LIMITS: &str = "
CREATE TABLE concurrency_limit(
    name TEXT PRIMARY KEY,
    slots INTEGER NOT NULL,
    active INTEGER NOT NULL,
    decay REAL NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The first version whose files have events.
pub(super) const WITH_EVENTS: i32 = 8;

const EVENTS: &str = "
CREATE TABLE event(
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY(at, id)
) STRICT, WITHOUT ROWID;
";

/// The version of files that this crate writes.
pub(super) fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// The version of a file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a file to the newest version, all of it or nothing. It must not be newer than that.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let version = usize::try_from(version(&transaction)?).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(version) {
        transaction.execute_batch(migration)?;
    }
    if version < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", newest())?;
    }
    transaction.commit()
}
