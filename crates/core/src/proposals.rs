//! New themes: terms that rise against their own past are proposed to people as a theme (U05, B12).
//!
//! The series of the lattice need a theme before they can count it; this is for what has none yet. Once a theme bucket
//! is over, the texts that took effect in it go to [`auscult_language::emerging`], in an order fixed by event time, each
//! voice once (no reposts) and late ones not at all: a rise of days is not decided by stragglers. Proposing at the close
//! rather than on arrival makes it independent of interleaving, and the texts are the journal's quotes, so no
//! text is kept twice; what may not be quoted (safety candidates, medical questions) names no theme either.
//!
//! A proposal is a signal of kind `new_theme` without a series: raised once, answered like any signal. Accepting it
//! (`confirmed`, `new_trend`) sends a suggestion for the taxonomy; nothing is counted by a proposal alone. A proposal whose
//! texts an open signal already tells of is not raised.

use crate::alert::{
    Alert, BaselineRef, ContextItem, DetectorRef, EvidenceSummary, Example, Interval, SeriesRef,
    Window,
};
use crate::compose::DETECTOR_VERSION;
use crate::contribution::{Contribution, Quote};
use crate::disposition::Disposition;
use crate::effect::{Effect, Rejection};
use crate::evidence;
use crate::identity::{outward_id, short_hash};
use crate::lattice::Slots;
use crate::machine::{Machine, Plan};
use crate::time::{BucketIndex, BucketWidth, DAY, Timestamp};
use crate::words::{
    AlertChange, Caveat, Decision, EvidenceGrade, Horizon, Measure, Severity, SignalKind,
    SignalStatus, StandardDimension, StatusReason,
};
use auscult_language::emerging::{Emerging, EmergingTheme, Settings, State};
use auscult_language::words::Words;
use auscult_statistics::special::{normal_cdf, normal_quantile};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// View under which proposals are told and learnt.
pub const NEW_THEME_VIEW: &str = "new-themes";
/// Texts read of one bucket; of more, those with the smallest hashes. Half a percent of them is still a hundred people.
const MOST_TEXTS: usize = 20_000;
/// Counters of the baseline, as a logarithm: 32,768, at most 600 kB of state.
const COUNTERS_LOG2: u8 = 15;
/// Rising terms followed at once.
const TERMS_FOLLOWED: usize = 2_000;
/// Bytes of one state record; brokers take a megabyte.
const SLICE_BYTES: usize = 256 * 1024;
/// An unanswered proposal is over after this many times the patience.
const OVER_AFTER: BucketIndex = 4;
/// An answered or expired proposal still takes answers for this long.
const MEMORY: i64 = 90 * DAY;
/// Terms suggested for the taxonomy.
const SUGGESTED_TERMS: usize = 8;

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
    quotes: Vec<Quote>,
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

impl Machine {
    /// Closes every theme bucket that ends at or before `until` and proposes what rose in it.
    pub(crate) fn propose_until(
        &mut self,
        until: Timestamp,
        backfill: bool,
        effects: &mut Vec<Effect>,
    ) {
        if self.proposals.settings.is_none() {
            return;
        }
        let width = self.proposals.width;
        let Some(earliest) = self.journal.earliest().filter(|earliest| *earliest < until) else {
            return;
        };
        // What lies before the journal's first shelf can have no texts: those buckets are skipped, not walked.
        let mut bucket = self
            .proposals
            .next
            .map_or(width.index(earliest), |next| next);
        while width.end(bucket) <= until {
            self.read_bucket(bucket);
            let found = self.proposals.emerging.close_bucket(i64::from(bucket));
            for theme in found {
                self.raise_proposal(theme, bucket, backfill, effects);
            }
            self.end_old_proposals(bucket, effects);
            self.proposals.learnt = true;
            bucket += 1;
            self.proposals.next = Some(bucket);
        }
    }

    fn read_bucket(&mut self, bucket: BucketIndex) {
        let width = self.proposals.width;
        let mut texts: Vec<&Contribution> = self
            .journal
            .bucket(width, bucket)
            .filter(|contribution| {
                contribution.quote.is_some()
                    && contribution.voice == 0
                    && contribution.arrival(width) == bucket
                    && contribution.counts_at(width, bucket)
            })
            .collect();
        texts.sort_unstable_by_key(|text| (text.feedback, text.event));
        texts.truncate(MOST_TEXTS);
        texts.sort_by_key(|text| (text.occurred_at, text.feedback, text.event));
        let channel_slot = self
            .plan
            .lattice
            .dimensions()
            .iter()
            .position(|kept| {
                *kept == crate::settings::Dimension::Standard(StandardDimension::Channel)
            })
            .unwrap_or(usize::MAX);
        let mut voices: FxHashSet<u64> = FxHashSet::default();
        let mut sources: BTreeMap<u32, u64> = BTreeMap::new();
        for text in texts {
            let Some(quote) = text.quote.as_ref().filter(|_| voices.insert(text.voice())) else {
                continue;
            };
            let source = Slots::new(&text.values)
                .get(channel_slot)
                .first()
                .copied()
                .unwrap_or(text.feed);
            // Numbers of names differ between interleavings, names do not.
            let source = *sources
                .entry(source)
                .or_insert_with(|| short_hash(&[self.interner.text(source)]));
            let person = if text.person == 0 {
                text.feedback as u64
            } else {
                text.person
            };
            self.proposals.emerging.observe_words(
                i64::from(bucket),
                &Words::of(&quote.text),
                person,
                source,
                text.feedback as u64,
            );
        }
    }

    fn raise_proposal(
        &mut self,
        theme: EmergingTheme,
        bucket: BucketIndex,
        backfill: bool,
        effects: &mut Vec<Effect>,
    ) {
        let width = self.proposals.width;
        let first_seen = BucketIndex::try_from(theme.first_seen).unwrap_or(bucket);
        let exemplars: Vec<&Contribution> = self.exemplars(&theme, first_seen, bucket);
        if self.is_already_told(&exemplars) {
            return;
        }
        let quotes = exemplars
            .iter()
            .filter_map(|exemplar| exemplar.quote.clone())
            .collect();
        let id = outward_id(
            "al_",
            &[
                &self.tenant,
                &self.portfolio,
                &self.plan.settings.detector,
                NEW_THEME_VIEW,
                &theme.id.to_string(),
            ],
        );
        if self.proposals.told.contains_key(&id) {
            return;
        }
        let as_of = width.end(bucket);
        let mut suppressed_by = Vec::new();
        if backfill {
            suppressed_by.push("backfill".to_owned());
        } else if !self.spend_attention(as_of) {
            suppressed_by.push("budget".to_owned());
        }
        let mut proposal = Proposal {
            id: id.clone(),
            theme: theme.id,
            label: theme.label,
            terms: theme.terms,
            first_seen,
            raised_in: bucket,
            people: theme.people,
            sources: theme.sources,
            expected: theme.expected,
            significance: theme.significance,
            stability: theme.stability,
            quotes,
            revision: 0,
            status: SignalStatus::Firing,
            suppressed_by,
            decision: None,
            dispositions: Vec::new(),
        };
        self.send_proposal(
            &mut proposal,
            AlertChange::Raised,
            StatusReason::ThresholdCrossed,
            as_of,
            effects,
        );
        self.proposals.told.insert(id, proposal);
    }

    /// The items the detector chose to be read, as far as they still count, in its order.
    fn exemplars(
        &self,
        theme: &EmergingTheme,
        first_seen: BucketIndex,
        bucket: BucketIndex,
    ) -> Vec<&Contribution> {
        let width = self.proposals.width;
        let known: BTreeMap<u64, &Contribution> = (first_seen..=bucket)
            .flat_map(|at| self.journal.bucket(width, at))
            .filter(|contribution| contribution.counts_at(width, bucket))
            .map(|contribution| (contribution.feedback as u64, contribution))
            .collect();
        let found = theme.exemplars.iter();
        found.filter_map(|item| known.get(item).copied()).collect()
    }

    /// Whether an open signal of rising mentions tells of at least half of the texts.
    fn is_already_told(&self, exemplars: &[&Contribution]) -> bool {
        let lattice = &self.plan.lattice;
        let telling = self.signals.values().filter(|signal| {
            signal.is_open() && signal.upward && signal.measure == Measure::Mentions
        });
        let mut telling = telling.map(|signal| {
            let inside = exemplars
                .iter()
                .filter(|exemplar| lattice.contains(&signal.key, &exemplar.values));
            inside.count()
        });
        !exemplars.is_empty() && telling.any(|inside| 2 * inside >= exemplars.len())
    }

    fn end_old_proposals(&mut self, bucket: BucketIndex, effects: &mut Vec<Effect>) {
        let width = self.proposals.width;
        let patience = self.plan.settings.new_themes.patience_buckets as BucketIndex;
        let as_of = width.end(bucket);
        let ids: Vec<String> = self.proposals.told.keys().cloned().collect();
        for id in ids {
            let Some(mut proposal) = self.proposals.told.remove(&id) else {
                continue;
            };
            let age = bucket - proposal.raised_in;
            if proposal.status == SignalStatus::Firing && age >= OVER_AFTER * patience {
                proposal.status = SignalStatus::Resolved;
                self.send_proposal(
                    &mut proposal,
                    AlertChange::Resolved,
                    StatusReason::Recovered,
                    as_of,
                    effects,
                );
            }
            let is_kept = proposal.status == SignalStatus::Firing
                || width.end(proposal.raised_in).plus(MEMORY) > as_of;
            if is_kept {
                self.proposals.told.insert(id, proposal);
            } else {
                self.proposals.changed.insert(id);
            }
        }
    }

    /// A person's verdict on a proposal: accepted, dismissed, or a remark.
    pub(crate) fn answer_proposal(&mut self, disposition: &Disposition, effects: &mut Vec<Effect>) {
        let Some(mut proposal) = self.proposals.told.remove(&disposition.signal_id) else {
            return;
        };
        if proposal.dispositions.contains(&disposition.disposition_id) {
            effects.push(Effect::Rejected(Rejection::Duplicate));
        } else {
            if disposition.use_for_learning {
                self.learning
                    .answer(NEW_THEME_VIEW, proposal.decision, disposition.decision);
            }
            let id = disposition.disposition_id.clone();
            proposal.dispositions.push(id);
            proposal.decision = Some(disposition.decision);
            let ends = !matches!(
                disposition.decision,
                Decision::NotEnoughEvidence
                    | Decision::HandedToSafety
                    | Decision::HandedToMedicalInformation
            );
            let mut change = AlertChange::Updated;
            if ends && proposal.status == SignalStatus::Firing {
                proposal.status = SignalStatus::Resolved;
                change = AlertChange::Resolved;
            }
            let width = self.proposals.width;
            let next = self.proposals.next.unwrap_or(proposal.raised_in + 1);
            self.dirty.head = true;
            self.send_proposal(
                &mut proposal,
                change,
                StatusReason::Disposition,
                width.start(next),
                effects,
            );
        }
        self.proposals.told.insert(proposal.id.clone(), proposal);
    }

    fn send_proposal(
        &mut self,
        proposal: &mut Proposal,
        change: AlertChange,
        reason: StatusReason,
        as_of: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let alert = self.proposal_alert(proposal, change, reason, as_of);
        proposal.revision += 1;
        self.counters.alerts += 1;
        self.proposals.changed.insert(proposal.id.clone());
        effects.push(Effect::Alert(Box::new(alert)));
    }

    fn proposal_alert(
        &self,
        proposal: &Proposal,
        change: AlertChange,
        reason: StatusReason,
        as_of: Timestamp,
    ) -> Alert {
        let width = self.proposals.width;
        let settings = &self.plan.settings;
        let (observed, expected) = (
            f64::from(proposal.people),
            (f64::from(proposal.expected) * 10.0).round() / 10.0,
        );
        let deviation = (observed - f64::from(proposal.expected))
            / f64::from(proposal.significance).max(f64::MIN_POSITIVE);
        let half = normal_quantile(0.5 + settings.interval_level / 2.0) * deviation;
        let p_value = (2.0 * normal_cdf(-f64::from(proposal.significance))).min(1.0);
        let score = crate::discovery::score(p_value);
        let mut evidence = EvidenceSummary {
            grade: EvidenceGrade::Anecdotal,
            people: proposal.people,
            items: proposal.people,
            copies: 0,
            channels: proposal.sources,
            effective_n: observed,
            top_person_share: 1.0 / observed.max(1.0),
            expert_share: 0.0,
        };
        evidence.grade = evidence::grade(&evidence);
        let severity = match evidence.grade {
            EvidenceGrade::Anecdotal => Severity::Watch,
            _ => Severity::Notable,
        };
        let first_raised_at = width.end(proposal.raised_in);
        let mut labels = vec![
            ("kind".to_owned(), SignalKind::NewTheme.as_str().to_owned()),
            ("severity".to_owned(), severity.as_str().to_lowercase()),
            ("view".to_owned(), NEW_THEME_VIEW.to_owned()),
        ];
        labels.sort();
        let theme_id = format!("t_{:016x}", proposal.theme);
        Alert {
            change,
            tenant: self.tenant.clone(),
            portfolio: self.portfolio.clone(),
            signal_id: proposal.id.clone(),
            revision: proposal.revision + 1,
            supersedes: (proposal.revision > 0).then_some(proposal.revision),
            status: proposal.status,
            status_reason: reason,
            kind: SignalKind::NewTheme,
            severity,
            title: format!("New theme proposed: {}", proposal.label),
            why: format!(
                "{} people on {} said it since {}, {} were expected. The terms overlap in {}% of their texts.",
                proposal.people,
                counted(proposal.sources, "channel"),
                crate::time::words_for(width.start(proposal.first_seen), width),
                expected,
                (proposal.stability * 100.0).round()
            ),
            horizon: Horizon::Unknown,
            series: SeriesRef {
                id: theme_id.clone(),
                view: NEW_THEME_VIEW.to_owned(),
                measure: Measure::Mentions,
                dimensions: vec![("emergent_topic".to_owned(), proposal.label.clone())],
            },
            window: Window {
                start: width.start(proposal.first_seen),
                end: width.end(proposal.raised_in),
                width,
            },
            as_of,
            first_raised_at,
            observed,
            expected,
            interval: Interval {
                low: (expected - half).max(0.0),
                high: expected + half,
                level: settings.interval_level,
            },
            effect_absolute: observed - expected,
            effect_relative: (expected > 0.0).then(|| observed / expected - 1.0),
            score_current: score,
            score_initial: score,
            p_value,
            q_value: p_value,
            // Proposals have no false-discovery control of their own: how many are false is measured, not promised.
            expected_false_per_30_days: 0.0,
            caveats: if proposal.sources < 2 {
                vec![Caveat::LowCoverage]
            } else {
                Vec::new()
            },
            evidence,
            drivers: Vec::new(),
            context: vec![self.suggestion(proposal, &theme_id)],
            examples: proposal.quotes.iter().map(example).collect(),
            detector: DetectorRef {
                id: settings.detector.clone(),
                version: DETECTOR_VERSION.to_owned(),
                method: "emerging_terms".to_owned(),
                config_hash: self.plan.config_hash.clone(),
            },
            baseline: BaselineRef {
                id: outward_id("b_", &[&proposal.id]),
                from: width.start(proposal.first_seen),
                to: width.start(proposal.first_seen),
                points: 0,
                season: "none".to_owned(),
            },
            models: Vec::new(),
            seed: settings.seed,
            owner_team: "governance".to_owned(),
            triage_due: first_raised_at.plus(7 * DAY),
            suggested_checks: [
                "Read the quotes: is it one subject?",
                "Confirm it to have it suggested for the taxonomy, or dismiss it",
            ]
            .map(str::to_owned)
            .to_vec(),
            labels,
            group_key: format!("{}/{NEW_THEME_VIEW}", self.tenant),
            incident_id: outward_id("inc_", &[&proposal.id]),
            suppressed_by: proposal.suppressed_by.clone(),
            rank: f64::from(score) / 100.0 * self.learning.precision(NEW_THEME_VIEW) * 0.8,
            disposition: proposal.decision,
        }
    }

    /// What to write into the taxonomy: offered from the start, called accepted once a person has said so.
    fn suggestion(&self, proposal: &Proposal, theme_id: &str) -> ContextItem {
        let width = self.proposals.width;
        let is_accepted = matches!(
            proposal.decision,
            Some(Decision::Confirmed | Decision::NewTrend)
        );
        let terms: Vec<String> = proposal
            .terms
            .iter()
            .take(SUGGESTED_TERMS)
            .map(|term| format!("{:?}", term.trim_start_matches('#')))
            .collect();
        ContextItem {
            kind: if is_accepted {
                "taxonomy_accepted"
            } else {
                "taxonomy_suggestion"
            }
            .to_owned(),
            reference: theme_id.to_owned(),
            label: format!("phrases = [{}]", terms.join(", ")),
            start: width.start(proposal.first_seen),
            end: width.end(proposal.raised_in),
        }
    }
}

fn example(quote: &Quote) -> Example {
    Example {
        feedback_id: quote.feedback_id.to_string(),
        quote: quote.text.to_string(),
        language: quote.language.to_string(),
        stance: "neutral".to_owned(),
    }
}

fn counted(number: u32, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
