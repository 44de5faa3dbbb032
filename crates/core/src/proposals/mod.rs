//! New themes: terms that rise against their own past are proposed to people as a theme (U05, B12).
//!
//! The series of the lattice need a theme before they can count it; this is for what has none yet. Once a theme bucket
//! is over, the texts that took effect in it go to [`auscult_language::emerging`] ([`read`]), in an order fixed by event time, each
//! voice once (no reposts) and late ones not at all: a rise of days is not decided by stragglers. Proposing at the close
//! rather than on arrival makes it independent of interleaving, and the texts are the journal's quotes, so no
//! text is kept twice; what may not be quoted (safety candidates, medical questions) names no theme either.
//!
//! A proposal is a signal of kind `new_theme` without a series ([`tell`]): raised once, answered like any signal. Accepting it
//! (`confirmed`, `new_trend`) sends a suggestion for the taxonomy; nothing is counted by a proposal alone. A proposal whose
//! texts an open signal about a theme already tells of is not raised.

mod life;
mod read;
mod tell;

use crate::contribution::Quote;
use crate::machine::Plan;
use crate::time::{BucketIndex, BucketWidth};
use crate::words::{Decision, SignalStatus};
use auscult_language::emerging::{Emerging, Settings, State};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// View under which proposals are told and learnt.
pub const NEW_THEME_VIEW: &str = "new-themes";
/// Counters of the baseline, as a logarithm: 65,536, some 1.3 MB of state once they are used. With the texts read of a bucket
/// in the settings a counter is said by a few people at most; with a quarter of them a theme of one text in 200 was missed
/// (decision 0028).
const COUNTERS_LOG2: u8 = 16;
/// Rising terms followed at once.
const TERMS_FOLLOWED: usize = 2_000;
/// Bytes of one state record; brokers take a megabyte.
const SLICE_BYTES: usize = 256 * 1024;

/// A proposal as the machine remembers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    id: String,
    theme: u64,
    label: String,
    terms: Vec<String>,
    first_seen: BucketIndex,
    raised_in: BucketIndex,
    people: u32,
    sources: u32,
    expected: f32,
    significance: f32,
    stability: f32,
    /// Buckets with texts up to then: what usual rests on.
    learnt: u32,
    /// Terms followed then: so many tests were made.
    followed: u32,
    pub(crate) quotes: Vec<Quote>,
    revision: u32,
    status: SignalStatus,
    suppressed_by: Vec<String>,
    decision: Option<Decision>,
    dispositions: Vec<String>,
}

/// What is usual for every term, and what was proposed.
#[derive(Debug)]
pub(crate) struct Proposals {
    width: BucketWidth,
    settings: Option<Settings>,
    emerging: Emerging,
    next: Option<BucketIndex>,
    pub(crate) told: BTreeMap<String, Proposal>,
    changed: BTreeSet<String>,
    learnt: bool,
    /// State records written.
    parts: u16,
    read: Vec<u8>,
}

impl Proposals {
    pub(crate) fn new(plan: &Plan) -> Proposals {
        let themes = &plan.settings.new_themes;
        let settings = Settings {
            least_people: themes.least_people,
            least_sources: themes.least_sources,
            half_life: themes.half_life_buckets as f32,
            patience: themes.patience_buckets,
            warm_up: themes.warm_up_buckets,
            counters_log2: COUNTERS_LOG2,
            capacity: TERMS_FOLLOWED,
            ..Settings::default()
        };
        let is_on = themes.least_people > 0;
        Proposals {
            width: plan.finest.max(BucketWidth::Day),
            settings: is_on.then_some(settings),
            // What is off needs no counters.
            emerging: Emerging::new(if is_on {
                settings
            } else {
                Settings {
                    counters_log2: 8,
                    ..settings
                }
            }),
            next: None,
            told: BTreeMap::new(),
            changed: BTreeSet::new(),
            learnt: false,
            parts: 0,
            read: Vec::new(),
        }
    }

    /// Proposals that changed since the last call; `None`: forgotten.
    pub(crate) fn take_told(&mut self) -> Vec<(String, Option<Proposal>)> {
        let changed = std::mem::take(&mut self.changed);
        let value = |id: String| {
            let proposal = self.told.get(&id).cloned();
            (id, proposal)
        };
        changed.into_iter().map(value).collect()
    }

    /// State records to write since the last call, by part; `None`: to be deleted.
    pub(crate) fn take_state(
        &mut self,
        encode: impl Fn(&(Option<BucketIndex>, State)) -> Vec<u8>,
    ) -> Vec<(u16, Option<Vec<u8>>)> {
        if !std::mem::take(&mut self.learnt) {
            return Vec::new();
        }
        let bytes = encode(&(self.next, self.emerging.state()));
        let mut parts: Vec<(u16, Option<Vec<u8>>)> = (0u16..)
            .zip(bytes.chunks(SLICE_BYTES))
            .map(|(part, slice)| (part, Some(slice.to_vec())))
            .collect();
        let written = parts.len() as u16;
        parts.extend((written..self.parts).map(|part| (part, None)));
        self.parts = written;
        parts
    }

    pub(crate) fn put_back_told(&mut self, proposal: Proposal) {
        self.told.insert(proposal.id.clone(), proposal);
    }

    /// Takes a state record; they must come in the order of their parts.
    pub(crate) fn put_back_state(&mut self, slice: &[u8]) {
        self.read.extend_from_slice(slice);
        self.parts += 1;
    }

    /// Puts the state in place when all its records are there.
    pub(crate) fn settle<E>(
        &mut self,
        decode: impl Fn(&[u8]) -> Result<(Option<BucketIndex>, State), E>,
    ) -> Result<(), E> {
        let bytes = std::mem::take(&mut self.read);
        if let (Some(settings), false) = (self.settings, bytes.is_empty()) {
            let (next, state) = decode(&bytes)?;
            // Of another number of counters: what is usual is learnt again, as after a change of settings.
            if let Ok(emerging) = Emerging::of_state(settings, state) {
                self.emerging = emerging;
                self.next = next;
            }
        }
        Ok(())
    }
}
