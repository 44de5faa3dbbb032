//! What is told when the file cannot be used, and that nothing accepted is lost then.

mod common;

use auscult_engine::log::{Append, Commit, Log, LogError, Position};
use auscult_store::log::{EmbeddedLog, LogReader, TopicSettings};
use common::{NO_WAIT, assignments, at, copy_as_after_a_crash, into_partition, records, text};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

fn topics() -> [TopicSettings; 1] {
    [TopicSettings::new("t", 1)]
}

fn fatal<T: std::fmt::Debug>(outcome: Result<T, LogError>) -> String {
    match outcome {
        Err(LogError::Fatal(text)) => text,
        other => panic!("expected a fatal error, got {other:?}"),
    }
}

fn assert_tells(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` missing in: {text}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let words = "these are my notes, not a database\n".repeat(100);
    std::fs::write(&path, &words).unwrap();
    assert_tells(
        &fatal(EmbeddedLog::open(&path, &topics())),
        &["notes.txt", "not a SQLite database", "check the path"],
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), words);
}

#[test]
fn somebody_elses_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);")
        .unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    assert_tells(
        &fatal(EmbeddedLog::open(&path, &topics())),
        &["other.db", "not the log file of auscult"],
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    drop(EmbeddedLog::open(&path, &topics()).unwrap());
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 7)
        .unwrap();
    assert_tells(
        &fatal(EmbeddedLog::open(&path, &topics())),
        &["newer auscult", "schema 7", "left as it is"],
    );
    assert_tells(&fatal(LogReader::open(&path)), &["newer auscult"]);
}

#[test]
fn a_missing_folder_and_a_folder_in_the_files_place_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such/folder/log.db");
    assert_tells(
        &fatal(EmbeddedLog::open(&missing, &topics())),
        &["no/such/folder/log.db", "check that the folder exists"],
    );
    assert_tells(
        &fatal(EmbeddedLog::open(folder.path(), &topics())),
        &["cannot be opened or made", "is a file"],
    );
    assert_tells(
        &fatal(LogReader::open(&missing)),
        &["there is no such file"],
    );
}

#[test]
#[cfg(unix)]
fn a_read_only_file_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    drop(EmbeddedLog::open(&path, &topics()).unwrap());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        eprintln!("skipped: this user (root?) may write to read-only files");
        return;
    }
    assert_tells(
        &fatal(EmbeddedLog::open(&path, &topics())),
        &["log.db", "read-only", "right to write"],
    );
}

#[test]
fn a_cut_off_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let log = EmbeddedLog::open(&path, &topics()).unwrap();
    log.appender()
        .append(
            (0..200)
                .map(|n| into_partition("t", 0, &format!("{n:0500}")))
                .collect(),
        )
        .unwrap();
    drop(log);
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    assert_tells(
        &fatal(EmbeddedLog::open(&path, &topics())),
        &["log.db", "corrupt", "backup"],
    );
}

/// Overwrites `count` bytes of the file from the first place `pattern` is found.
fn damage(path: &Path, pattern: &[u8], count: usize) {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let found = bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
        .expect("the pattern is in the file");
    file.seek(SeekFrom::Start(found as u64)).unwrap();
    file.write_all(&vec![0x5a; count]).unwrap();
}

#[test]
fn a_page_damaged_in_a_crash_is_found_when_the_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (path, after) = (folder.path().join("log.db"), folder.path().join("after.db"));
    let log = EmbeddedLog::open(&path, &topics()).unwrap();
    // More than a checkpoint's worth, so that the main file holds records.
    log.appender()
        .append(
            (0..20_000)
                .map(|n| into_partition("t", 0, &format!("{n:0600}")))
                .collect(),
        )
        .unwrap();
    log.appender()
        .append(vec![into_partition("t", 0, "last")])
        .unwrap();
    copy_as_after_a_crash(&path, &after);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(&after)
        .unwrap();
    file.seek(SeekFrom::Start(600 * 8_192)).unwrap();
    file.write_all(&[0x5a; 8_192]).unwrap();
    drop(file);
    assert_tells(
        &fatal(EmbeddedLog::open(&after, &topics())),
        &["after.db", "corrupt", "backup"],
    );
}

#[test]
fn a_record_damaged_on_the_volume_is_named_and_never_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let log = EmbeddedLog::open(&path, &topics()).unwrap();
    let values = ["first", "a text that will be damaged", "third"];
    log.appender()
        .append(
            values
                .iter()
                .map(|value| into_partition("t", 0, value))
                .collect(),
        )
        .unwrap();
    drop(log);
    damage(&path, b"text that will be damaged", 4);
    let log = EmbeddedLog::open(&path, &topics()).unwrap();
    let mut consumer = log.consumer("g", &["t"]).unwrap();
    assignments(&mut consumer);
    assert_tells(
        &fatal(consumer.poll(10, NO_WAIT)),
        &["t/0 offset 1", "checksum", "log.db"],
    );
}

#[test]
fn a_full_disk_keeps_what_was_accepted_and_takes_more_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let log = EmbeddedLog::open(&path, &topics()).unwrap();
    log.limit_bytes(512 * 1024).unwrap();
    let appender = log.appender();
    let mut accepted = Vec::new();
    let text_of_failure = loop {
        let value = format!("{:020000}", accepted.len());
        match appender.append(vec![into_partition("t", 0, &value)]) {
            Ok(_) => accepted.push(value),
            Err(LogError::Fatal(text)) => break text,
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_tells(
        &text_of_failure,
        &[
            "log.db",
            "disk is full",
            "accepted before is safe",
            "free space",
        ],
    );
    let mut consumer = log.consumer("g", &["t"]).unwrap();
    assignments(&mut consumer);
    let full = Commit {
        positions: vec![(at("t", 0), Position(1), String::new())],
        outgoing: vec![into_partition("t", 0, &"x".repeat(600_000))],
        state: vec![],
    };
    assert_tells(&fatal(consumer.commit(full)), &["disk is full"]);
    assert_eq!(
        LogReader::open(&path)
            .unwrap()
            .committed("g", &at("t", 0))
            .unwrap(),
        None
    );

    log.limit_bytes(64 * 1024 * 1024).unwrap();
    appender
        .append(vec![into_partition("t", 0, "after")])
        .unwrap();
    accepted.push("after".to_owned());
    assert!(
        records(&mut consumer, 100).iter().map(text).eq(accepted),
        "offsets have no hole where the disk was full"
    );
}

#[test]
fn a_request_that_does_not_fit_does_not_take_its_neighbours_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let log = EmbeddedLog::open(&path, &topics()).unwrap();
    log.limit_bytes(2 * 1024 * 1024).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let appender = log.appender();
            scope.spawn(move || {
                for _ in 0..10 {
                    let (value, fits) = if thread == 0 {
                        ("x".repeat(4_000_000), false)
                    } else {
                        ("small".into(), true)
                    };
                    assert_eq!(
                        appender
                            .append(vec![into_partition("t", 0, &value)])
                            .is_ok(),
                        fits
                    );
                }
            });
        }
    });
    assert_eq!(
        LogReader::open(&path).unwrap().end(&at("t", 0)).unwrap(),
        Position(70)
    );
}
