-- A file as the versions of flowkit wrote it that had format 2: one run has ended, one was under way.
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
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
DROP INDEX flow_run_ended;
DROP INDEX flow_run_root;
CREATE INDEX flow_run_top ON flow_run(ended) WHERE ended IS NOT NULL AND root_flow_run IS NULL;
CREATE INDEX flow_run_root ON flow_run(root_flow_run, ended) WHERE root_flow_run IS NOT NULL;
CREATE INDEX task_run_open ON task_run(flow_run) WHERE ended IS NULL;
PRAGMA application_id = 0x666C776B;
PRAGMA user_version = 2;
UPDATE owner SET epoch = 1, closed = 0;
INSERT INTO flow VALUES(1, 'work', '0f89a72370b572c9e8b2d89a1f2bb183');
INSERT INTO task VALUES(1, 'step-27f11f86', 'step');
INSERT INTO flow_run VALUES(1, x'01a1fd9e43f77227a5c921124973d897', 1, 'wise-ferret', '{"seconds":0}', '["a"]', 0, NULL, NULL, NULL,
    x'01a1fd9e43f7722715c921124973d801', 1, 0, 3, 'Completed', NULL, 1795256370167099, 1795256370000000, 1795256370167153,
    1795256370177916, 1);
INSERT INTO flow_run VALUES(2, x'01a1fd9e7bc4752c9f7127a2164ad3b7', 1, 'olive-chinchilla', '{"seconds":9}', NULL, 0, NULL, NULL, NULL,
    x'01a1fd9e43f7722715c921124973d801', 1, 0, 2, 'Running', NULL, 1795256384452976, 1795256384000000, 1795256384452987, NULL, 1);
INSERT INTO flow_run_state VALUES(1, 0, '{"type":"PENDING","name":"Submitting","at":1795256370167099}'),
    (1, 1, '{"type":"RUNNING","name":"Running","at":1795256370167153}'),
    (1, 2, '{"type":"COMPLETED","name":"Completed","at":1795256370177916}'),
    (2, 0, '{"type":"PENDING","name":"Submitting","at":1795256384452976}'),
    (2, 1, '{"type":"RUNNING","name":"Running","at":1795256384452987}');
INSERT INTO task_run VALUES(1, x'01a1fd9e4401700191166e0e83bd39a3', 1, 3, NULL, NULL, 1795256370177755, 1795256370177756,
    1795256370177757, 1, 1, NULL, NULL, NULL, NULL, NULL);
INSERT INTO log VALUES(1, 1795256370177800, NULL, 20, 'working');
