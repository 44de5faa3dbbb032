//! State that an older release stored still loads, and the machine goes on from it.
//!
//! `tests/fixtures/state-0001.bin` was written by the last release whose records all had version 1 (2026-11-25, before calendars,
//! methods of views and new normals from a date): seventy days of the feed below, its state before the surge. It is never
//! written anew.

#![expect(clippy::disallowed_methods, reason = "the state is a file")]

use crate::feed::{Feed, Order, START, Surge, alerts, run, settings};
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::record::RestoreError;
use auscult_core::settings::DetectSettings;
use auscult_core::time::DAY;
use auscult_core::words::AlertChange;
use flate2::read::ZlibDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Records = Vec<(Vec<u8>, Vec<u8>)>;

const STORED_DAYS: i64 = 40;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state-0001.bin")
}

/// Lengths and bytes of keys and values, one after the other.
fn read(mut bytes: &[u8]) -> Records {
    fn part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        *bytes = rest;
        Some(part)
    }
    let mut records = Vec::new();
    while let (Some(key), Some(value)) = (part(&mut bytes), part(&mut bytes)) {
        records.push((key.to_vec(), value.to_vec()));
    }
    records
}

fn stored() -> Records {
    let packed = std::fs::read(path()).expect("the fixture is kept");
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed.as_slice())
        .read_to_end(&mut bytes)
        .expect("packed by zlib");
    read(&bytes)
}

/// The feed whose first days are in the stored state, and that surges afterwards.
fn mentions() -> Vec<Vec<Mention<'static>>> {
    Feed {
        days: STORED_DAYS + 10,
        per_day: 24,
        partitions: 1,
        surges: vec![Surge {
            from_day: STORED_DAYS + 5,
            days: 3,
            extra_per_day: 20,
            product: "alpha",
            theme: "supply.shortage",
            region: "south",
        }],
        seed: 77,
    }
    .mentions()
}

#[test]
fn what_an_older_release_stored_goes_on() {
    let records = stored();
    assert!(records.iter().all(|(_, value)| value[0] == 1));
    let restored = Partition::restore(settings(), records).expect("an older version is read");
    assert!(restored.series_count() > 50, "{}", restored.series_count());
    let mut partitions = mentions();
    partitions[0].retain(|mention| mention.occurred_at >= START.plus(STORED_DAYS * DAY));
    let (_, effects) = run(&partitions, &Order::RoundRobin(30), restored, &mut |it| it);
    let raised = alerts(&effects)
        .into_iter()
        .filter(|alert| alert.change == AlertChange::Raised && alert.suppressed_by.is_empty())
        .filter(|alert| alert.window.start >= START.plus((STORED_DAYS + 5) * DAY))
        .count();
    assert!(raised >= 1, "the surge after the restart is not found");
}

#[test]
fn a_version_from_the_future_is_refused() {
    let mut records = stored();
    for (_, value) in &mut records {
        value[0] = auscult_core::record::VERSION + 1;
    }
    let refused = Partition::restore(settings(), records).expect_err("too new");
    assert!(matches!(refused, RestoreError::Newer { .. }), "{refused}");
}

#[test]
fn other_settings_are_refused() {
    let mut written = DetectSettings::standard();
    written.seed = 1;
    let other = Arc::new(written.check().expect("sound"));
    let refused = Partition::restore(other, stored()).expect_err("other settings");
    assert!(
        refused.to_string().contains("settings changed"),
        "{refused}"
    );
}
