-- A read model as version 1 wrote it: later programs must go on reading it. Never changed.
PRAGMA application_id = 1096110934;
PRAGMA user_version = 1;
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

INSERT INTO positions VALUES ('voc.safety.candidates.v1', 0, 1), ('voc.mentions.v1', 0, 7);
INSERT INTO candidates VALUES ('ae_1', 1, 1777939200000, 1, 'candidate ae_1');
INSERT INTO candidates VALUES ('ae_2', 1, 1777939200000, 0, 'candidate ae_2');
INSERT INTO acknowledgements VALUES ('ae_2', 1777900000000, 1, 'accepted ae_2');
INSERT INTO feeds VALUES ('crm/eu/field_note', 1777852800000, 7, 129600000);
INSERT INTO dead_letters VALUES ('0-0', 'JSON_SYNTAX', 1777852800000, '{}');
