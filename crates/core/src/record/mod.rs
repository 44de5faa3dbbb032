//! Stored state: versioned records, and the way back.
//!
//! Eight kinds under one portfolio: `head` (clocks, lines, feeds, learning: small, written whole), `names` (interned
//! strings, append-only), `page` (series by the top byte of their stable hash), `journal` (one chunk a turn),
//! `duplicates` (signatures and links, one chunk a turn), `emerging` (what
//! is usual for terms, in slices), `theme` (one proposal's life) and `signal`. Every value starts with the version its kind last
//! grew in, at most [`VERSION`]; an older version is read, a newer one refused.
//! Records are `postcard`: compact, and floats keep every bit, so that restoring a dump is the identity.

mod tracks;

use crate::calendar::judged_hash;
use crate::feeds::Feed;
use crate::journal::Chunk;
use crate::learn::Learning;
use crate::machine::{Counters, Dirty, Machine, Plan, WidthClock};
use crate::partition::Clock;
use crate::proposals::Proposal;
use crate::series::Series;
use crate::settings::View;
use crate::signal::Signal;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use auscult_statistics::count::CountState;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tracks::{SeriesRecord, restore_series, series_record};
pub(crate) use tracks::{dump_state, restore_state};

/// Newest version of any record. A kind of record is written at the version it last grew in.
pub const VERSION: u8 = 2;
/// Version of the records that never grew.
const FIRST: u8 = 1;
/// Key of the partition's clock.
pub const CLOCK_KEY: &[u8] = b"clock";

/// Why stored state could not be put back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by a newer release: run that release, or wipe the state and replay the mentions.
    #[error(
        "state record {key:?} has version {found}, this release reads up to {VERSION}: start the release that wrote it"
    )]
    Newer {
        /// Key of the record.
        key: String,
        /// Version found.
        found: u8,
    },
    /// Damaged: wipe the partition's state and replay the mentions.
    #[error(
        "state record {key:?} cannot be read ({reason}): delete the partition's state and replay its mentions"
    )]
    Damaged {
        /// Key of the record.
        key: String,
        /// What the decoder said.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Head {
    tenant: String,
    config_hash: String,
    clocks: Vec<WidthClock>,
    thresholds: Vec<(BucketWidth, BucketIndex, f64)>,
    restatements: Vec<(BucketWidth, BucketIndex, BucketIndex)>,
    feeds: Vec<FeedRecord>,
    learning: Learning,
    counters: Counters,
    budget: (BucketIndex, u32),
    pruned_before: Timestamp,
    /// Since version 2: hash of the calendars' holidays that were judged.
    holidays: String,
}

/// A kind of record that grew: fields are added at its end, and each reads as empty from a record that lacks it.
trait Grown {
    /// Version written now.
    const VERSION: u8;
    /// Fields that came with each version from 2 on.
    const ADDED: &'static [usize];
}

impl Grown for Head {
    const VERSION: u8 = 2;
    const ADDED: &'static [usize] = &[1];
}

/// A new normal to come, and the baselines it takes the place of (decision 0040).
impl Grown for Signal {
    const VERSION: u8 = 2;
    const ADDED: &'static [usize] = &[2];
}

#[derive(Serialize, Deserialize)]
struct FeedRecord {
    width: BucketWidth,
    number: u32,
    stable: u64,
    baseline: Vec<u8>,
    first_bucket: BucketIndex,
    last_event: Timestamp,
    mentions: u64,
    is_down: bool,
}

/// State page of a series: the top byte of its stable hash.
pub(crate) fn page_of(stable: u64) -> u8 {
    (stable >> 56) as u8
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    encode_as(FIRST, value)
}

fn encode_grown<T: Serialize + Grown>(value: &T) -> Vec<u8> {
    encode_as(T::VERSION, value)
}

fn encode_as<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    // postcard into a Vec fails only for maps and sequences of unknown length; records have none.
    postcard::to_extend(value, vec![version]).unwrap_or_default()
}

pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, RestoreError> {
    let (_, body) = body(key, value, FIRST)?;
    read(key, body)
}

/// Reads a record of a kind that grew. What an older record lacks is an empty text, list or option, and postcard writes
/// each of them as one zero byte: they are put at its end.
fn decode_grown<T: DeserializeOwned + Grown>(key: &[u8], value: &[u8]) -> Result<T, RestoreError> {
    let (version, body) = body(key, value, T::VERSION)?;
    let missing: usize = T::ADDED[usize::from(version - FIRST)..].iter().sum();
    if missing == 0 {
        return read(key, body);
    }
    let mut whole = body.to_vec();
    whole.resize(body.len() + missing, 0);
    read(key, &whole)
}

/// Version and content of a record, if this release knows that version of its kind.
fn body<'a>(key: &[u8], value: &'a [u8], newest: u8) -> Result<(u8, &'a [u8]), RestoreError> {
    let name = || String::from_utf8_lossy(key).into_owned();
    match value.split_first() {
        Some((&found, body)) if (FIRST..=newest).contains(&found) => Ok((found, body)),
        Some((&found, _)) if found > newest => Err(RestoreError::Newer { key: name(), found }),
        Some((&found, _)) => Err(RestoreError::Damaged {
            key: name(),
            reason: format!("unknown version {found}"),
        }),
        None => Err(RestoreError::Damaged {
            key: name(),
            reason: "it is empty".to_owned(),
        }),
    }
}

fn read<T: DeserializeOwned>(key: &[u8], body: &[u8]) -> Result<T, RestoreError> {
    postcard::from_bytes(body).map_err(|error| damaged(key, &error))
}

fn key(portfolio: &str, kind: char, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(portfolio.len() + rest.len() + 5);
    key.extend_from_slice(b"p/");
    key.extend_from_slice(portfolio.as_bytes());
    key.extend_from_slice(&[0, kind as u8, b'/']);
    key.extend_from_slice(rest);
    key
}

/// Splits a key made by [`key`].
pub(crate) fn split(key: &[u8]) -> Option<(&str, u8, &[u8])> {
    let rest = key.strip_prefix(b"p/")?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    let portfolio = std::str::from_utf8(&rest[..end]).ok()?;
    let (&kind, rest) = rest.get(end + 1..)?.split_first()?;
    Some((portfolio, kind, rest.strip_prefix(b"/")?))
}

pub(crate) fn dump_clock(clock: &Clock) -> Vec<u8> {
    encode(clock)
}

/// The chunk to write, if any, and tombstones of those nothing is left of.
fn dump_chunks<C: Serialize>(
    portfolio: &str,
    kind: char,
    (written, dead): (Option<(u64, C)>, Vec<u64>),
    changes: &mut Vec<(Vec<u8>, Option<Vec<u8>>)>,
) {
    let written = written.map(|(number, chunk)| (number, Some(encode(&chunk))));
    let dead = dead.into_iter().map(|number| (number, None));
    changes.extend(
        written
            .into_iter()
            .chain(dead)
            .map(|(number, value)| (key(portfolio, kind, &number.to_be_bytes()), value)),
    );
}

/// Appends what changed in `machine` since the last call.
pub(crate) fn dump_changes(machine: &mut Machine, changes: &mut Vec<(Vec<u8>, Option<Vec<u8>>)>) {
    let dirty = std::mem::take(&mut machine.dirty);
    let portfolio = machine.portfolio.clone();
    if let Some((first, strings)) = machine.interner.take_unsaved() {
        changes.push((
            key(&portfolio, 'n', &first.to_be_bytes()),
            Some(encode(&strings)),
        ));
    }
    dump_chunks(&portfolio, 'j', machine.journal.take_changes(), changes);
    let repeats = machine.repeats.take_changes(&mut machine.journal);
    dump_chunks(&portfolio, 'd', repeats, changes);
    for (id, proposal) in machine.proposals.take_told() {
        changes.push((
            key(&portfolio, 't', id.as_bytes()),
            proposal.as_ref().map(encode),
        ));
    }
    for (part, slice) in machine.proposals.take_state(encode) {
        changes.push((key(&portfolio, 'e', &part.to_be_bytes()), slice));
    }
    if dirty.head || dirty.all_series {
        changes.push((
            key(&portfolio, 'h', b""),
            Some(encode_grown(&head(machine))),
        ));
    }
    dump_pages(machine, &dirty, &portfolio, changes);
    for id in &dirty.signals {
        let value = machine.signals.get(id).map(encode_grown);
        changes.push((key(&portfolio, 's', id.as_bytes()), value));
    }
    for (id, followed) in machine.actions.take_changes() {
        changes.push((key(&portfolio, 'a', id.as_bytes()), Some(encode(followed))));
    }
}

fn dump_pages(
    machine: &Machine,
    dirty: &Dirty,
    portfolio: &str,
    changes: &mut Vec<(Vec<u8>, Option<Vec<u8>>)>,
) {
    if !dirty.all_series && dirty.pages.is_empty() {
        return;
    }
    let mut pages: BTreeMap<u8, Vec<&Series>> =
        dirty.pages.iter().map(|&page| (page, Vec::new())).collect();
    for series in machine.series.iter() {
        let page = page_of(series.stable);
        if dirty.all_series {
            pages.entry(page).or_default().push(series);
        } else if let Some(members) = pages.get_mut(&page) {
            members.push(series);
        }
    }
    for (page, mut members) in pages {
        members.sort_by_key(|series| (series.stable, series.key));
        let records: Vec<SeriesRecord> = members.into_iter().map(series_record).collect();
        changes.push((
            key(portfolio, 'p', &[page]),
            (!records.is_empty()).then(|| encode(&records)),
        ));
    }
}

fn head(machine: &Machine) -> Head {
    Head {
        tenant: machine.tenant.clone(),
        config_hash: machine.plan.state_hash.clone(),
        holidays: judged_hash(&machine.plan.settings, machine.closed_until()),
        clocks: machine.clocks.clone(),
        thresholds: machine
            .thresholds
            .iter()
            .map(|(&(width, bucket), &line)| (width, bucket, line))
            .collect(),
        restatements: machine.restatements.iter().copied().collect(),
        feeds: machine
            .feeds
            .iter()
            .map(|(&(width, number), feed)| FeedRecord {
                width,
                number,
                stable: feed.stable,
                baseline: dumped(|bytes| feed.baseline.dump(bytes)),
                first_bucket: feed.first_bucket,
                last_event: feed.last_event,
                mentions: feed.mentions,
                is_down: feed.is_down,
            })
            .collect(),
        learning: machine.learning.clone(),
        counters: machine.counters,
        budget: machine.budget,
        pruned_before: machine.pruned_before,
    }
}

fn dumped(dump: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    dump(&mut bytes);
    bytes
}

/// Puts a partition back from its records.
pub(crate) fn restore(
    plan: &Arc<Plan>,
    mut records: Vec<(Vec<u8>, Vec<u8>)>,
) -> Result<(Clock, BTreeMap<String, Machine>), RestoreError> {
    records.sort_by(|left, right| left.0.cmp(&right.0));
    let mut clock = Clock::default();
    let mut machines: BTreeMap<String, Machine> = BTreeMap::new();
    // Heads first: they say from when on the journal is kept.
    for (record_key, value) in &records {
        if record_key == CLOCK_KEY {
            clock = decode(record_key, value)?;
        } else if let Some((portfolio, b'h', _)) = split(record_key) {
            machines.insert(
                portfolio.to_owned(),
                restore_head(
                    plan,
                    portfolio,
                    decode_grown(record_key, value)?,
                    record_key,
                )?,
            );
        }
    }
    for (record_key, value) in &records {
        let Some((portfolio, kind, rest)) = split(record_key) else {
            continue;
        };
        let Some(machine) = machines.get_mut(portfolio) else {
            return Err(RestoreError::Damaged {
                key: portfolio.to_owned(),
                reason: "its head record is missing".to_owned(),
            });
        };
        restore_record(machine, kind, rest, record_key, value)?;
    }
    for machine in machines.values_mut() {
        machine
            .proposals
            .settle(|bytes| decode(b"emerging", bytes))?;
        let closed_until = machine.closed_until();
        machine.repeats.settle(&mut machine.journal, closed_until);
        machine.dirty = Dirty::default();
    }
    Ok((clock, machines))
}

fn restore_head(
    plan: &Arc<Plan>,
    portfolio: &str,
    head: Head,
    record_key: &[u8],
) -> Result<Machine, RestoreError> {
    let mut machine = Machine::new(Arc::clone(plan), &head.tenant, portfolio);
    if head.config_hash != plan.state_hash {
        return Err(RestoreError::Damaged {
            key: portfolio.to_owned(),
            reason: "the detect settings changed since it was written (views, seed or thresholds)"
                .to_owned(),
        });
    }
    machine.clocks = head.clocks;
    if head.holidays != judged_hash(&plan.settings, machine.closed_until()) {
        return Err(RestoreError::Damaged {
            key: portfolio.to_owned(),
            reason: "a calendar's holidays changed for days that were already judged".to_owned(),
        });
    }
    machine.thresholds = head
        .thresholds
        .into_iter()
        .map(|(width, bucket, line)| ((width, bucket), line))
        .collect();
    machine.restatements = head.restatements.into_iter().collect::<BTreeSet<_>>();
    for record in head.feeds {
        let baseline =
            CountState::restore(&record.baseline).map_err(|error| damaged(record_key, &error))?;
        machine.feeds.insert(
            (record.width, record.number),
            Feed {
                number: record.number,
                stable: record.stable,
                baseline,
                first_bucket: record.first_bucket,
                last_event: record.last_event,
                mentions: record.mentions,
                is_down: record.is_down,
            },
        );
    }
    machine.learning = head.learning;
    machine.counters = head.counters;
    machine.budget = head.budget;
    machine.pruned_before = head.pruned_before;
    Ok(machine)
}

fn damaged(record_key: &[u8], error: &dyn std::fmt::Display) -> RestoreError {
    RestoreError::Damaged {
        key: String::from_utf8_lossy(record_key).into_owned(),
        reason: error.to_string(),
    }
}

fn restore_record(
    machine: &mut Machine,
    kind: u8,
    rest: &[u8],
    record_key: &[u8],
    value: &[u8],
) -> Result<(), RestoreError> {
    let numbered = |what: &str| RestoreError::Damaged {
        key: String::from_utf8_lossy(record_key).into_owned(),
        reason: format!("its {what} number is malformed or out of order"),
    };
    match kind {
        b'd' => {
            let number = u64::from_be_bytes(rest.try_into().map_err(|_| numbered("link"))?);
            machine.repeats.put_back(number, decode(record_key, value)?);
        }
        b't' => {
            let proposal: Proposal = decode(record_key, value)?;
            machine.proposals.put_back_told(proposal);
        }
        b'e' => machine.proposals.put_back_state(value),
        b'a' => machine.actions.put_back(decode(record_key, value)?),
        b'n' => {
            let first = u32::from_be_bytes(rest.try_into().map_err(|_| numbered("name"))?);
            let strings: Vec<String> = decode(record_key, value)?;
            if !machine.interner.put_back(first, &strings) {
                return Err(numbered("name"));
            }
        }
        b'j' => {
            let number = u64::from_be_bytes(rest.try_into().map_err(|_| numbered("chunk"))?);
            let chunk: Chunk = decode(record_key, value)?;
            machine
                .journal
                .put_back(number, chunk, machine.pruned_before);
        }
        b'p' => {
            let records: Vec<SeriesRecord> = decode(record_key, value)?;
            for record in records {
                let view = machine.plan.settings.views.get(record.key.view as usize);
                let method = view.and_then(View::reference_method).map(str::to_owned);
                let series = restore_series(record, method.as_deref(), record_key)?;
                machine.series.add(series);
            }
        }
        b's' => {
            let signal: Signal = decode_grown(record_key, value)?;
            machine.signals.insert(signal.id.clone(), signal);
        }
        _ => {}
    }
    Ok(())
}
