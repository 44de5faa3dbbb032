//! Tables of the read model.
//!
//! Lists are answered from narrow rows and covering indexes; the outward JSON lies apart (`revisions`), so that
//! ranking 100,000 signals never reads 100,000 documents. No table depends on the order in which topics are
//! read: an answer may come before its signal, an acknowledgement before its candidate.

use crate::sqlite::Kind;

/// The read model's file. `synchronous = NORMAL`: what a power loss takes from it is read again from the
/// topics, because its positions go with it. That saves a sync a turn.
pub const KIND: Kind = Kind {
    application_id: 0x4155_5356, // "AUSV"
    name: "the read model",
    synchronous: "NORMAL",
    writer_cache_kib: 32_768,
    corrupt_remedy: "stop, delete the file with its -wal and -shm, and start again: it is built again from the topics",
    migrations: &[VERSION_1, VERSION_2, VERSION_3],
};

const VERSION_1: &str = "
CREATE TABLE positions (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

CREATE TABLE series (
    id INTEGER PRIMARY KEY, portfolio TEXT NOT NULL, series_id TEXT NOT NULL, width INTEGER NOT NULL,
    UNIQUE (series_id, portfolio)
);

-- By time first: a closed bucket brings one point for each of very many series, and this way they are written side
-- by side. By series first, each point would rewrite a page of its own (measured ten times slower). One
-- series is read by looking up its point in each bucket.
CREATE TABLE buckets (width INTEGER NOT NULL, start INTEGER NOT NULL, PRIMARY KEY (width, start)) WITHOUT ROWID;
CREATE TABLE points (
    width INTEGER NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL,
    revision INTEGER NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (width, start, series)
) WITHOUT ROWID;

-- The newest revision of each signal, without its document.
CREATE TABLE signals (
    id INTEGER PRIMARY KEY,
    signal_id TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    portfolio TEXT NOT NULL,
    status TEXT NOT NULL,
    series_id TEXT NOT NULL,
    rank REAL NOT NULL,
    suppressed INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    disposed INTEGER NOT NULL
);
CREATE INDEX signals_by_rank ON signals (rank DESC, as_of DESC, signal_id, status, suppressed, portfolio);
CREATE INDEX signals_firing ON signals (suppressed, disposed, as_of) WHERE status = 'firing';
CREATE INDEX signals_by_age ON signals (as_of);

CREATE TABLE revisions (
    id INTEGER PRIMARY KEY,
    signal INTEGER NOT NULL, revision INTEGER NOT NULL,
    status TEXT NOT NULL, rank REAL NOT NULL, suppressed INTEGER NOT NULL, as_of INTEGER NOT NULL, data TEXT NOT NULL,
    UNIQUE (signal, revision)
);

-- Labels of the newest revision, in list order, so that a filter by label reads only its own signals.
CREATE TABLE labels (
    key TEXT NOT NULL, value TEXT NOT NULL, rank REAL NOT NULL, as_of INTEGER NOT NULL, signal INTEGER NOT NULL,
    PRIMARY KEY (key, value, rank DESC, as_of DESC, signal)
) WITHOUT ROWID;
CREATE INDEX labels_of_signal ON labels (signal);

CREATE TABLE dispositions (
    disposition_id TEXT PRIMARY KEY, signal_id TEXT NOT NULL, decision TEXT NOT NULL, decided_at INTEGER NOT NULL,
    data TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX dispositions_of_signal ON dispositions (signal_id, decided_at, disposition_id);
CREATE INDEX dispositions_by_decision ON dispositions (decision);

CREATE TABLE candidates (
    candidate_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, intake_due INTEGER NOT NULL, open INTEGER NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX candidates_open ON candidates (open, intake_due, candidate_id);
CREATE INDEX candidates_by_due ON candidates (intake_due, candidate_id);
CREATE TABLE acknowledgements (
    candidate_id TEXT PRIMARY KEY, at INTEGER NOT NULL, closes INTEGER NOT NULL, data TEXT NOT NULL
);

CREATE TABLE dead_letters (id TEXT PRIMARY KEY, code TEXT NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL);
CREATE INDEX dead_letters_by_code ON dead_letters (code, at DESC, id);
CREATE INDEX dead_letters_by_age ON dead_letters (at DESC, id);
CREATE TABLE replays (id TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE feeds (
    feed TEXT PRIMARY KEY, last_event INTEGER NOT NULL, mentions INTEGER NOT NULL, silent_after INTEGER NOT NULL
) WITHOUT ROWID;

-- Single figures that would cost a scan: the newest end of a bucket.
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
";

/// Hand-off and medical requests. What version 1 left out of a candidate (tenant, day 0) is on its topic, so everything
/// is read once more from the oldest record: an upsert of what is there already. The two figures that add are emptied
/// before, and nothing that retention has taken from the topics is taken from here.
const VERSION_2: &str = "
ALTER TABLE candidates ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE candidates ADD COLUMN awareness INTEGER NOT NULL DEFAULT 0;
CREATE INDEX candidates_by_day ON candidates (awareness, tenant);
ALTER TABLE acknowledgements ADD COLUMN decision TEXT NOT NULL DEFAULT '';
CREATE TABLE escalations (candidate_id TEXT PRIMARY KEY, at INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE requests (
    request_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, received_at INTEGER NOT NULL, open INTEGER NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX requests_open ON requests (open, received_at, request_id);
CREATE INDEX requests_by_age ON requests (received_at, request_id);
CREATE TABLE answers (request_id TEXT PRIMARY KEY, at INTEGER NOT NULL, closes INTEGER NOT NULL, data TEXT NOT NULL);

DELETE FROM feeds;
DELETE FROM replays;
DELETE FROM positions;
";

/// Actions and what came of them. Their topics are read from the oldest record: they have no position yet.
const VERSION_3: &str = "
CREATE TABLE actions (
    action_id TEXT PRIMARY KEY, portfolio TEXT NOT NULL, event_id TEXT NOT NULL, state TEXT NOT NULL,
    recorded_at INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX actions_by_age ON actions (recorded_at DESC, action_id);
CREATE TABLE action_events (
    action_id TEXT NOT NULL, recorded_at INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (action_id, recorded_at)
) WITHOUT ROWID;
CREATE TABLE action_signals (
    signal_id TEXT NOT NULL, action_id TEXT NOT NULL,
    medical INTEGER, -- whether the signal was for the medical role alone; filled when the signal is removed
    PRIMARY KEY (signal_id, action_id)
) WITHOUT ROWID;
CREATE INDEX action_signals_by_action ON action_signals (action_id);
CREATE TABLE outcomes (
    action_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, stage TEXT NOT NULL, verdict TEXT NOT NULL, data TEXT NOT NULL
);
";
