//! Looking at dead letters and sending them through again.

mod common;

use auscult_core::time::Timestamp;
use auscult_engine::log::{Append, LogError, Outgoing};
use auscult_store::dead_letters::{
    REPLAY_GROUP, REPLAYS_MAX, Replay, Replayed, list, replay, show,
};
use auscult_store::log::{EmbeddedLog, LogReader, TopicSettings};
use auscult_wire::dead_letter::{DeadLetter, REPLAYS_HEADER, RefusedInput, encode_dead_letter};
use auscult_wire::error::{ErrorCode, WireError};
use common::{assignments, into_partition, outgoing, records, tombstone};

const DEAD: &str = "voc.dead-letters.v1";
const ALL: Replay = Replay {
    id: None,
    code: None,
    refused_before: None,
    cap: 1_000,
    dry_run: false,
};

struct Desk {
    folder: tempfile::TempDir,
    log: EmbeddedLog,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let topics = [
            TopicSettings::new("feedback", 2),
            TopicSettings::new(DEAD, 1),
        ];
        let log = EmbeddedLog::open(&folder.path().join("log.db"), &topics).unwrap();
        Desk { folder, log }
    }

    fn reader(&self) -> LogReader {
        LogReader::open(&self.folder.path().join("log.db")).unwrap()
    }

    /// Refuses an input with bytes that are no text, replayed `replays` times before.
    fn refuse(&self, n: u64, code: ErrorCode, replays: u32) {
        let value = [0xff, 0x00, n as u8];
        let key = format!("key {n}").into_bytes();
        let mut headers = vec![("ce_type".to_owned(), b"x".to_vec())];
        if replays > 0 {
            headers.push((REPLAYS_HEADER.to_owned(), replays.to_string().into_bytes()));
        }
        let input = RefusedInput {
            topic: "feedback",
            partition: 1,
            offset: n,
            key: Some(key.as_slice()),
            headers: &headers,
            value: Some(&value),
        };
        let error = WireError {
            code,
            place: "/data".into(),
            reason: "for the test".into(),
        };
        let encoded = encode_dead_letter(&DeadLetter::new(input, &error, Timestamp(n as i64)));
        let letter = Outgoing {
            topic: DEAD.into(),
            partition: None,
            key: Some(encoded.key),
            headers: encoded.headers,
            value: encoded.value,
        };
        self.log.appender().append(vec![letter]).unwrap();
    }

    fn replay(&self, what: &Replay) -> Replayed {
        replay(&mut self.log.consumer(REPLAY_GROUP, &[DEAD]).unwrap(), what).unwrap()
    }

    fn feedback(&self) -> Vec<auscult_engine::log::Record> {
        let mut consumer = self.log.consumer("checker", &["feedback"]).unwrap();
        assignments(&mut consumer);
        let mut all = records(&mut consumer, 100);
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }
}

fn ids(sent: &[(String, String)]) -> Vec<&str> {
    sent.iter().map(|(id, _)| id.as_str()).collect()
}

#[test]
fn letters_are_listed_newest_first_and_shown_with_their_bytes() {
    let desk = Desk::new();
    for n in 0..25 {
        desk.refuse(
            n,
            if n % 3 == 0 {
                ErrorCode::TimeInFuture
            } else {
                ErrorCode::Base64
            },
            0,
        );
    }
    desk.log
        .appender()
        .append(vec![outgoing(DEAD, "k", "no letter")])
        .unwrap();
    let reader = desk.reader();
    let newest = list(&reader, DEAD, None, 3).unwrap();
    assert_eq!(
        newest.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(),
        ["0-24", "0-23", "0-25"]
    );
    assert!(newest[2].letter.is_err());
    let of_code = list(&reader, DEAD, Some(ErrorCode::TimeInFuture.as_str()), 4).unwrap();
    assert_eq!(
        of_code.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(),
        ["0-24", "0-21", "0-18", "0-15"]
    );
    assert_eq!(list(&reader, DEAD, None, usize::MAX).unwrap().len(), 26);

    let shown = show(&reader, DEAD, "0-7").unwrap().unwrap().letter.unwrap();
    assert_eq!(shown.value.unwrap().0, [0xff, 0x00, 7]);
    assert_eq!(show(&reader, DEAD, "0-99").unwrap(), None);
    assert!(
        matches!(show(&reader, DEAD, "seven"), Err(LogError::Fatal(text)) if text.contains("partition-offset"))
    );
}

#[test]
fn a_replay_writes_the_original_bytes_with_the_count_increased() {
    let desk = Desk::new();
    desk.refuse(1, ErrorCode::Base64, 0);
    desk.refuse(2, ErrorCode::Base64, 2);
    let done = desk.replay(&ALL);
    assert_eq!(ids(&done.sent), ["0-0", "0-1"]);
    let feedback = desk.feedback();
    for (record, (n, replays)) in feedback.iter().zip([(1_u8, "1"), (2, "3")]) {
        assert_eq!(record.key.as_deref(), Some(format!("key {n}").as_bytes()));
        assert_eq!(record.value.as_deref(), Some([0xff, 0x00, n].as_slice()));
        let expected = [
            ("ce_type".to_owned(), b"x".to_vec()),
            (REPLAYS_HEADER.to_owned(), replays.into()),
        ];
        assert_eq!(record.headers, expected);
    }
    assert_eq!(feedback.len(), 2);
}

#[test]
fn a_letter_is_never_sent_twice_nor_more_than_three_times_round() {
    let desk = Desk::new();
    desk.refuse(1, ErrorCode::Base64, REPLAYS_MAX);
    desk.refuse(2, ErrorCode::Base64, 0);
    desk.refuse(3, ErrorCode::TimeInFuture, 0);
    desk.log
        .appender()
        .append(vec![outgoing(DEAD, "k", "no letter"), tombstone(DEAD, "k")])
        .unwrap();

    let one_code = desk.replay(&Replay {
        code: Some(ErrorCode::TimeInFuture.as_str().into()),
        ..ALL
    });
    assert_eq!((ids(&one_code.sent), one_code.not_wanted), (vec!["0-2"], 2));
    let all = desk.replay(&ALL);
    assert_eq!((ids(&all.sent), all.sent_before), (vec!["0-1"], 1));
    assert_eq!(all.too_often, ["0-0"]);
    assert_eq!(
        all.unreadable
            .iter()
            .map(|(id, _)| id.as_str())
            .collect::<Vec<_>>(),
        ["0-3", "0-4"]
    );
    let again = desk.replay(&Replay {
        id: Some("0-1".into()),
        ..ALL
    });
    assert_eq!((again.sent.len(), again.sent_before), (0, 2));
    assert_eq!(desk.feedback().len(), 2);
}

#[test]
fn a_capped_replay_goes_on_where_it_stopped() {
    let desk = Desk::new();
    for n in 0..250 {
        desk.refuse(n, ErrorCode::Base64, 0);
    }
    let first = desk.replay(&Replay { cap: 120, ..ALL });
    assert_eq!((first.sent.len(), first.capped), (120, true));
    let rest = desk.replay(&Replay { cap: 130, ..ALL });
    assert_eq!(
        (rest.sent.len(), rest.sent_before, rest.capped),
        (130, 120, false)
    );
    assert_eq!(desk.feedback().len(), 250);
}

#[test]
fn a_dry_run_says_the_same_and_does_nothing() {
    let desk = Desk::new();
    desk.refuse(1, ErrorCode::Base64, 0);
    desk.refuse(2, ErrorCode::Base64, REPLAYS_MAX);
    let dry = desk.replay(&Replay {
        dry_run: true,
        ..ALL
    });
    assert_eq!(desk.feedback().len(), 0);
    assert_eq!(desk.replay(&ALL), dry);
    assert_eq!(desk.feedback().len(), 1);
}

#[test]
fn a_letter_whose_topic_is_gone_stops_the_replay_with_its_name() {
    let desk = Desk::new();
    let input = RefusedInput {
        topic: "gone",
        partition: 0,
        offset: 0,
        key: None,
        headers: &vec![],
        value: None,
    };
    let error = WireError {
        code: ErrorCode::Base64,
        place: String::new(),
        reason: String::new(),
    };
    let encoded = encode_dead_letter(&DeadLetter::new(input, &error, Timestamp(0)));
    let letter = Outgoing {
        headers: encoded.headers,
        value: encoded.value,
        ..into_partition(DEAD, 0, "")
    };
    desk.log.appender().append(vec![letter]).unwrap();
    let outcome = replay(&mut desk.log.consumer(REPLAY_GROUP, &[DEAD]).unwrap(), &ALL);
    assert!(matches!(outcome, Err(LogError::Fatal(text)) if text.contains("`gone`")));
}
