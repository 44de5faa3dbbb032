//! Tables of the log file, and how topics are entered into them.
//!
//! Each partition has a records table of its own (`records_<partition id>`). One table for all, keyed by
//! partition and offset packed into an integer, was the other choice: but there appends land in the middle
//! of the tree and split its pages, while a table of its own grows at its right edge, where SQLite fills
//! pages to the brim.

use auscult_engine::log::TopicPartition;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::topics::{Catalogue, Cleanup, Partition, TopicSettings};
use crate::sqlite::{Kind, Place, Trouble};

/// The log file. `synchronous = FULL`: a commit waits until the volume has it, so that it survives power loss.
/// The price is one sync a commit (0.1 ms on a good NVMe, 2–10 ms on a cloud volume), which is why turns and
/// appends are committed in groups.
pub const KIND: Kind = Kind {
    application_id: 0x4155_534c, // "AUSL"
    name: "the log file",
    synchronous: "FULL",
    writer_cache_kib: 65_536,
    corrupt_remedy: "stop, copy the file with its -wal and -shm beside it, and restore the last backup (or rescue \
                     what can be read with `sqlite3 FILE .recover`)",
    migrations: &[VERSION_1],
};

const VERSION_1: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('clean', 1);

CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    partitions INTEGER NOT NULL,
    compacted INTEGER NOT NULL,  -- 0: delete, 1: compact
    age_ms INTEGER,              -- delete: longest stay; compact: stay of a tombstone
    bytes INTEGER                -- delete: most bytes of a partition
);

CREATE TABLE partitions (
    id INTEGER PRIMARY KEY,      -- also the number of its records table
    topic INTEGER NOT NULL REFERENCES topics(id),
    number INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 0,    -- offset the next record gets
    bytes INTEGER NOT NULL DEFAULT 0,   -- sum of the frames kept
    cleaned INTEGER NOT NULL DEFAULT 0, -- compaction has seen everything below
    UNIQUE (topic, number)
);

CREATE TABLE groups (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- owner = group id << 32 | partition id
CREATE TABLE positions (owner INTEGER PRIMARY KEY, position INTEGER NOT NULL, metadata TEXT NOT NULL);
CREATE TABLE state (owner INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (owner, key)) WITHOUT ROWID;
";

/// The number positions and state of `group` in `partition` are filed under.
pub fn owner(group: i64, partition: i64) -> i64 {
    group << 32 | partition
}

/// Marks the file as in use; returns whether the last run closed it cleanly.
pub fn mark_open(connection: &Connection) -> rusqlite::Result<bool> {
    let clean = connection.query_row("SELECT value FROM meta WHERE name = 'clean'", [], |row| {
        row.get::<_, i64>(0)
    })?;
    connection.execute("UPDATE meta SET value = 0 WHERE name = 'clean'", [])?;
    Ok(clean == 1)
}

/// Marks the file as closed cleanly.
pub fn mark_closed(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute("UPDATE meta SET value = 1 WHERE name = 'clean'", [])
        .map(|_| ())
}

/// Enters `settings` into the file: all at once, or nothing if any of them cannot be.
///
/// # Errors
/// [`Trouble::Broken`] naming every topic that is wrong.
pub fn enter_topics(
    place: &Place,
    connection: &mut Connection,
    settings: &[TopicSettings],
) -> Result<(), Trouble> {
    let mut complaints: Vec<String> = settings
        .iter()
        .filter_map(TopicSettings::complaint)
        .collect();
    let mut names = BTreeSet::new();
    complaints.extend(
        settings
            .iter()
            .filter(|topic| !names.insert(&topic.name))
            .map(|topic| format!("topic `{}` is named twice", topic.name)),
    );
    let mut enter = || -> rusqlite::Result<()> {
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for topic in settings {
            if let Some(complaint) = enter_topic(&transaction, topic)? {
                complaints.push(complaint);
            }
        }
        if complaints.is_empty() {
            transaction.commit()
        } else {
            transaction.rollback()
        }
    };
    enter().map_err(|e| place.explain("enter the topics into", &e))?;
    if complaints.is_empty() {
        return Ok(());
    }
    Err(place.broken(
        "open",
        &complaints.join("; "),
        "correct the topics in the settings",
    ))
}

fn enter_topic(
    transaction: &Transaction<'_>,
    topic: &TopicSettings,
) -> rusqlite::Result<Option<String>> {
    let (compacted, age, bytes) = match topic.cleanup {
        Cleanup::Delete { age, bytes } => (0, age, bytes),
        Cleanup::Compact { tombstone_age } => (1, Some(tombstone_age), None),
    };
    let age = age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let bytes = bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let present: Option<(i64, u32)> = transaction
        .query_row(
            "SELECT id, partitions FROM topics WHERE name = ?1",
            [&*topic.name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match present {
        Some((_, partitions)) if partitions != topic.partitions => Ok(Some(format!(
            "topic `{}` has {partitions} partitions in the file and {} in the settings; the number decides where a key \
             goes and cannot change: set it back, or start a new file",
            topic.name, topic.partitions
        ))),
        Some((id, _)) => {
            let update = "UPDATE topics SET compacted = ?2, age_ms = ?3, bytes = ?4 WHERE id = ?1";
            transaction.execute(update, params![id, compacted, age, bytes])?;
            Ok(None)
        }
        None => {
            let insert = "INSERT INTO topics(name, partitions, compacted, age_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
            transaction.execute(
                insert,
                params![&*topic.name, topic.partitions, compacted, age, bytes],
            )?;
            let id = transaction.last_insert_rowid();
            for number in 0..topic.partitions {
                transaction.execute(
                    "INSERT INTO partitions(topic, number) VALUES (?1, ?2)",
                    params![id, number],
                )?;
                let table = transaction.last_insert_rowid();
                transaction.execute_batch(&format!(
                    "CREATE TABLE records_{table} (offset INTEGER PRIMARY KEY, recorded INTEGER NOT NULL, frame BLOB NOT NULL)"
                ))?;
            }
            Ok(None)
        }
    }
}

/// Reads all topics of the file.
pub fn load_catalogue(connection: &Connection) -> rusqlite::Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    let mut topics =
        connection.prepare("SELECT id, name, compacted, age_ms, bytes FROM topics ORDER BY id")?;
    let mut partitions = connection
        .prepare("SELECT id, number, next FROM partitions WHERE topic = ?1 ORDER BY number")?;
    let mut rows = topics.query([])?;
    while let Some(row) = rows.next()? {
        let name: Arc<str> = row.get::<_, String>(1)?.into();
        let age = row.get::<_, Option<u64>>(3)?.map(Duration::from_millis);
        let cleanup = if row.get(2)? {
            Cleanup::Compact {
                tombstone_age: age.unwrap_or_default(),
            }
        } else {
            Cleanup::Delete {
                age,
                bytes: row.get(4)?,
            }
        };
        let of_topic = partitions.query_map([row.get::<_, i64>(0)?], |row| {
            let at = TopicPartition {
                topic: name.clone(),
                partition: row.get(1)?,
            };
            Ok(Partition::new(row.get(0)?, at, row.get(2)?))
        })?;
        let of_topic = of_topic.collect::<rusqlite::Result<Vec<_>>>()?;
        catalogue.add(name, cleanup, of_topic);
    }
    Ok(catalogue)
}
