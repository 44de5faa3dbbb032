//! The machine: mentions, markers and answers in; signals out. One per portfolio, pure and total.
//!
//! Applying a mention only files it in the [`journal`](crate::journal). All judging happens when the watermark
//! passes the end of a bucket ([`close`](crate::close)), in an order fixed by event time, so nothing a machine
//! says depends on how source partitions interleaved. What must survive a crash is listed in
//! [`record`](crate::record).

use crate::close::ring_length;
use crate::contribution::Contribution;
use crate::disposition::Disposition;
use crate::effect::{Effect, Rejection};
use crate::feeds::Feed;
use crate::follow::Actions;
use crate::identity::short_hash;
use crate::interner::Interner;
use crate::journal::{Journal, Outcome};
use crate::lattice::{Lattice, SeriesKey};
use crate::learn::Learning;
use crate::mention::Mention;
use crate::proposals::Proposals;
use crate::repeats::{Repeats, Text};
use crate::series::{LiveSeries, Models};
use crate::settings::{CheckedDetectSettings, DetectSettings, View};
use crate::signal::Signal;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What became of everything applied. Conservation: `read = applied + duplicate + late + rejected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Mentions offered.
    pub read: u64,
    /// Mentions that count, late ones included.
    pub applied: u64,
    /// Seen before, or older than what is known.
    pub duplicate: u64,
    /// Older than the restatement horizon.
    pub too_late: u64,
    /// Refused otherwise (canaries).
    pub rejected: u64,
    /// Of the applied: those that came after their bucket's time and restated it.
    pub restating: u64,
    /// Buckets closed.
    pub buckets_closed: u64,
    /// Verdicts made.
    pub verdicts: u64,
    /// Alerts sent.
    pub alerts: u64,
    /// Series that could not be kept because of the limit.
    pub series_refused: u64,
}

/// Clock of one bucket width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WidthClock {
    pub(crate) width: BucketWidth,
    /// First bucket ever closed; `None` before.
    pub(crate) first: Option<BucketIndex>,
    /// Next bucket to close; `None` before the first mention.
    pub(crate) next: Option<BucketIndex>,
}

/// What is fixed by the settings and shared by all machines.
#[derive(Debug)]
pub struct Plan {
    /// The settings.
    pub settings: CheckedDetectSettings,
    /// Hash of the settings, on every alert.
    pub config_hash: String,
    /// Hash of the settings stored state depends on as a whole: calendars are guarded by what was judged with them.
    pub(crate) state_hash: String,
    pub(crate) lattice: Lattice,
    pub(crate) models: BTreeMap<BucketWidth, Models>,
    pub(crate) finest: BucketWidth,
}

impl Plan {
    /// Prepares everything that depends on settings alone.
    #[must_use]
    pub fn new(settings: CheckedDetectSettings) -> Plan {
        let widths: BTreeSet<BucketWidth> = settings.views.iter().map(|view| view.width).collect();
        let hash = |of: &DetectSettings| crate::identity::outward_id("cfg_", &[&format!("{of:?}")]);
        Plan {
            config_hash: hash(&settings),
            state_hash: hash(&DetectSettings {
                calendars: Vec::new(),
                ..(*settings).clone()
            }),
            lattice: Lattice::new(&settings),
            models: widths
                .iter()
                .map(|&width| {
                    let views = settings.views.iter().filter(|view| view.width == width);
                    let names = views.filter_map(View::reference_method);
                    let restated = ring_length(width, settings.restatement_horizon);
                    (width, Models::with_methods(width, names, restated))
                })
                .collect(),
            // Checked settings have at least one view.
            finest: widths.first().copied().unwrap_or(BucketWidth::Day),
            settings,
        }
    }

    /// Calendars that name this bucket's day a holiday, each with the slot and the value it is for.
    pub(crate) fn holidays(
        &self,
        width: BucketWidth,
        bucket: BucketIndex,
    ) -> Vec<Option<(usize, &str)>> {
        if !matches!(width, BucketWidth::Hour | BucketWidth::Day) {
            return Vec::new();
        }
        let day = BucketWidth::Day.index(width.start(bucket));
        self.settings
            .holidays
            .iter()
            .filter(|holidays| holidays.days.contains(&day))
            .map(|holidays| holidays.only.as_ref())
            .chain(crate::calendar::holidays(&self.settings, day))
            .map(|only| {
                only.map(|(dimension, value)| {
                    let slots = self.lattice.dimensions();
                    let slot = slots.iter().position(|kept| kept == dimension);
                    (slot.unwrap_or(usize::MAX), value.as_str())
                })
            })
            .collect()
    }

    pub(crate) fn widths(&self) -> impl Iterator<Item = BucketWidth> {
        self.models.keys().copied()
    }
}

/// The detector's memory of one portfolio.
#[derive(Debug)]
pub struct Machine {
    pub(crate) plan: Arc<Plan>,
    pub(crate) tenant: String,
    pub(crate) portfolio: String,
    pub(crate) interner: Interner,
    pub(crate) journal: Journal,
    pub(crate) repeats: Repeats,
    pub(crate) proposals: Proposals,
    pub(crate) series: LiveSeries,
    pub(crate) feeds: BTreeMap<(BucketWidth, u32), Feed>,
    pub(crate) clocks: Vec<WidthClock>,
    /// Line each closed bucket was judged by, within the horizon.
    pub(crate) thresholds: BTreeMap<(BucketWidth, BucketIndex), f64>,
    /// (width, bucket in whose close it takes effect, bucket to restate).
    pub(crate) restatements: BTreeSet<(BucketWidth, BucketIndex, BucketIndex)>,
    pub(crate) signals: BTreeMap<String, Signal>,
    pub(crate) learning: Learning,
    pub(crate) actions: Actions,
    pub(crate) counters: Counters,
    /// Day and notifications sent on it.
    pub(crate) budget: (BucketIndex, u32),
    pub(crate) pruned_before: Timestamp,
    pub(crate) dirty: Dirty,
}

/// What changed since the last commit.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    pub(crate) head: bool,
    pub(crate) pages: BTreeSet<u8>,
    pub(crate) signals: BTreeSet<String>,
    pub(crate) all_series: bool,
}

impl Machine {
    /// A machine that has heard nothing yet.
    #[must_use]
    pub fn new(plan: Arc<Plan>, tenant: &str, portfolio: &str) -> Machine {
        let clocks = plan
            .widths()
            .map(|width| WidthClock {
                width,
                first: None,
                next: None,
            })
            .collect();
        Machine {
            journal: Journal::new(plan.finest),
            repeats: Repeats::new(plan.settings.near_duplicates_remembered),
            proposals: Proposals::new(&plan),
            plan,
            tenant: tenant.to_owned(),
            portfolio: portfolio.to_owned(),
            interner: Interner::default(),
            series: LiveSeries::default(),
            feeds: BTreeMap::new(),
            clocks,
            thresholds: BTreeMap::new(),
            restatements: BTreeSet::new(),
            signals: BTreeMap::new(),
            learning: Learning::default(),
            actions: Actions::default(),
            counters: Counters::default(),
            budget: (0, 0),
            pruned_before: Timestamp::MIN,
            dirty: Dirty {
                head: true,
                ..Dirty::default()
            },
        }
    }

    /// What became of everything applied so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Live series.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Mentions remembered: those within the restatement horizon.
    #[must_use]
    pub fn mentions_remembered(&self) -> usize {
        self.journal.len()
    }

    /// Answers so far per view.
    #[must_use]
    pub fn learning(&self) -> &Learning {
        &self.learning
    }

    /// Files a mention.
    pub(crate) fn apply_mention(&mut self, mention: &Mention<'_>, effects: &mut Vec<Effect>) {
        self.counters.read += 1;
        self.dirty.head = true;
        if mention.canary {
            self.counters.rejected += 1;
            effects.push(Effect::Rejected(Rejection::Canary));
            return;
        }
        let oldest = mention
            .watermark
            .plus(-self.plan.settings.restatement_horizon);
        // The machine's own line never lies above the mention's: see `close/forget.rs`. A mention with no
        // watermark (the first of its partition) is held to the machine's line.
        if self
            .plan
            .finest
            .end(self.plan.finest.index(mention.occurred_at))
            <= oldest.max(self.pruned_before)
        {
            self.counters.too_late += 1;
            effects.push(Effect::Rejected(Rejection::TooLate));
            return;
        }
        let contribution = Contribution::of(mention, &self.plan.lattice, &mut self.interner);
        let (occurred_at, watermark) = (contribution.occurred_at, contribution.watermark);
        let arrivals: SmallVec<[(BucketWidth, BucketIndex, BucketIndex); 4]> = self
            .plan
            .widths()
            .map(|width| {
                (
                    width,
                    contribution.arrival(width),
                    contribution.bucket(width),
                )
            })
            .collect();
        let text = self.text_of(mention, &contribution);
        match self.journal.offer(contribution) {
            Outcome::Duplicate => {
                self.counters.duplicate += 1;
                effects.push(Effect::Rejected(Rejection::Duplicate));
                return;
            }
            Outcome::Applied { replaced } => {
                self.counters.applied += 1;
                if let Some(replaced_at) = replaced {
                    self.schedule_removal(replaced_at, watermark);
                }
            }
        }
        if let Some(text) = text {
            self.repeats.file(text, &self.journal);
        }
        let mut is_late = false;
        for (width, arrival, bucket) in arrivals {
            is_late |= self.schedule(width, arrival, bucket);
        }
        self.counters.restating += u64::from(is_late);
        for clock in &mut self.clocks {
            // Before the first close the earliest mention decides where time begins.
            if clock.first.is_none() {
                let bucket = clock.width.index(occurred_at);
                clock.next = Some(clock.next.map_or(bucket, |next| next.min(bucket)));
            }
        }
    }

    /// What repeats of a mention are found by. What takes effect before the latest close counts nowhere, so it needs
    /// no link either.
    fn text_of(&self, mention: &Mention<'_>, contribution: &Contribution) -> Option<Text> {
        let signature = mention.signature.as_ref()?;
        let effect = contribution.occurred_at.max(contribution.watermark);
        let is_public = self
            .plan
            .settings
            .repost_sources
            .contains(&mention.who.source);
        // Reports of organisations (a regulator's list, say) have no person: there the organisation speaks.
        let organisation =
            is_public && mention.who.person.is_none() && !mention.who.organisation.is_empty();
        let author = if organisation {
            short_hash(&[&mention.tenant, &mention.who.organisation])
        } else {
            contribution.person
        };
        (effect >= self.closed_until()).then(|| Text {
            feedback: contribution.feedback,
            version: contribution.version(),
            effect,
            occurred_at: contribution.occurred_at,
            author,
            thread: contribution.thread,
            is_public,
            signature: signature.clone(),
        })
    }

    /// End of the latest bucket closed, of any width.
    pub(crate) fn closed_until(&self) -> Timestamp {
        let closed = self.clocks.iter().filter(|clock| clock.first.is_some());
        closed
            .filter_map(|clock| Some(clock.width.start(clock.next?)))
            .max()
            .unwrap_or(Timestamp::MIN)
    }

    /// Whether `bucket` must be restated at the close of `arrival`.
    fn schedule(&mut self, width: BucketWidth, arrival: BucketIndex, bucket: BucketIndex) -> bool {
        if arrival > bucket {
            self.restatements.insert((width, arrival, bucket));
        }
        arrival > bucket
    }

    fn schedule_removal(&mut self, replaced_at: Timestamp, watermark: Timestamp) {
        let widths: Vec<BucketWidth> = self.plan.widths().collect();
        for width in widths {
            self.schedule(
                width,
                width.index(replaced_at.max(watermark)),
                width.index(replaced_at),
            );
        }
    }

    /// Takes a person's verdict in.
    pub(crate) fn apply_disposition(
        &mut self,
        disposition: &Disposition,
        effects: &mut Vec<Effect>,
    ) {
        let Some(mut signal) = self.signals.remove(&disposition.signal_id) else {
            if self.proposals.told.contains_key(&disposition.signal_id) {
                self.answer_proposal(disposition, effects);
                return;
            }
            effects.push(Effect::Rejected(Rejection::UnknownSignal));
            return;
        };
        if signal.dispositions.contains(&disposition.disposition_id) {
            effects.push(Effect::Rejected(Rejection::Duplicate));
        } else {
            self.answer(&mut signal, disposition, effects);
            self.dirty.signals.insert(signal.id.clone());
            self.dirty.head = true;
        }
        self.signals.insert(signal.id.clone(), signal);
    }

    /// Settings' view of a series.
    pub(crate) fn view_name(&self, key: &SeriesKey) -> &str {
        &self.plan.settings.views[key.view as usize].name
    }
}
