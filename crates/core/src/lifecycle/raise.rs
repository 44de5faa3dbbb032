//! Raising: which discoveries are findings, who speaks for a group of them, and what a new signal is.

use super::span::{span_of, total};
use crate::close::{CloseResult, Discovery};
use crate::contribution::Contribution;
use crate::discovery;
use crate::drill::{self, Candidate};
use crate::effect::Effect;
use crate::evidence::Window;
use crate::machine::Machine;
use crate::series::{Closed, Track};
use crate::settings::Floors;
use crate::signal::{Attached, Signal};
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use crate::words::{AlertChange, Measure, SignalKind, SignalStatus};

/// A theme without history needs this many people and sources before it alerts (B12).
const NEW_THEME_PEOPLE: u32 = 5;
const NEW_THEME_SOURCES: u32 = 2;

/// A discovery with everything needed to speak about it.
pub(super) struct Finding {
    pub(super) discovery: Discovery,
    pub(super) candidate: Candidate,
    /// Buckets of evidence, ending at the bucket judged.
    span: usize,
    /// Signal that already speaks: open on the same series, measure and direction, or resting on the same bucket.
    pub(super) open: Option<String>,
}

impl Machine {
    pub(super) fn findings(&self, result: &CloseResult) -> Vec<Finding> {
        let mut findings: Vec<Finding> = result
            .discoveries
            .iter()
            .filter_map(|discovery| self.finding(discovery, result))
            .collect();
        findings.sort_by(|left, right| left.candidate.id.cmp(&right.candidate.id));
        findings
    }

    fn finding(&self, discovery: &Discovery, result: &CloseResult) -> Option<Finding> {
        let series = &self.series[discovery.series];
        let track = &series.tracks[discovery.track];
        let closed = track.closed(result.bucket)?;
        let upward = closed.verdict.is_upward();
        let span = span_of(track, result.bucket, upward, result.threshold);
        if !self.passes_floors(track, closed, span) {
            return None;
        }
        if self.is_other_company(&series.key, track.measure, upward, span, result) {
            return None;
        }
        let total = total(track, result.bucket, span);
        let candidate = Candidate {
            series: discovery.series,
            key: series.key,
            track: discovery.track,
            upward,
            strength: total.strength().abs(),
            p_value: closed.verdict.p_value(),
            is_silent: total.observed == 0.0,
            span,
            counts_items: track.measure == Measure::Mentions,
            id: self.series_id(&series.key, track.measure),
        };
        let open = self
            .open_signal(&series.key, track.measure, upward)
            .or_else(|| self.told_at_another_width(&candidate, track.measure, result));
        Some(Finding {
            discovery: *discovery,
            span,
            candidate,
            open,
        })
    }

    pub(super) fn passes_floors(&self, track: &Track, closed: &Closed, span: usize) -> bool {
        let total = total(track, closed.bucket, span);
        let floors: &Floors = &self.plan.settings.floors;
        let (observed, expected) = match track.measure {
            Measure::Mentions => (total.observed, total.expected),
            // Shares and means do not add up over buckets: their averages are compared.
            _ => (
                total.observed / total.buckets.max(1.0),
                total.expected / total.buckets.max(1.0),
            ),
        };
        discovery::is_material(track.measure, observed, expected, total.items, floors)
    }

    /// Whether a shift of a share or a mean comes from who speaks rather than from what they say (B13, E12): within
    /// the groups that speak, less than half the floor is left of it.
    fn is_other_company(
        &self,
        key: &crate::lattice::SeriesKey,
        measure: Measure,
        upward: bool,
        span: usize,
        result: &CloseResult,
    ) -> bool {
        let floors = &self.plan.settings.floors;
        let floor = match measure {
            Measure::Mentions => return false,
            Measure::NegativeShare => floors.share,
            Measure::MeanRating => floors.rating,
        };
        let first = result.bucket - (span as BucketIndex - 1);
        let as_of = result.width.index(result.as_of.plus(-1));
        let window = self.window(key, measure, result.width, first..=result.bucket, as_of);
        let stakeholder = crate::evidence::slot_of(
            &self.plan.lattice,
            crate::words::StandardDimension::Stakeholder,
        );
        let value = |contribution: &&Contribution| {
            let value = match measure {
                Measure::MeanRating => i64::from(contribution.rating?),
                _ => {
                    let feeling =
                        crate::evidence::feeling_toward(contribution, key, &self.plan.lattice)?;
                    1000 * i64::from(feeling < crate::evidence::NEGATIVE_BELOW)
                }
            };
            let slots = crate::lattice::Slots::new(&contribution.values);
            let speaker = slots.get(stakeholder).first().copied();
            Some(((speaker, contribution.feed), value))
        };
        let before = window.before.iter().filter_map(value);
        let inside = window.inside.iter().filter_map(value);
        // Without a past in the journal nothing can be said about company.
        if window.before.is_empty() {
            return false;
        }
        crate::mix::change_within(before, inside).is_some_and(|thousandths| {
            let change = thousandths / 1000.0 * if upward { 1.0 } else { -1.0 };
            change < 0.5 * floor
        })
    }

    fn open_signal(
        &self,
        key: &crate::lattice::SeriesKey,
        measure: Measure,
        upward: bool,
    ) -> Option<String> {
        self.signals
            .values()
            .find(|signal| {
                signal.is_open()
                    && signal.key == *key
                    && signal.measure == measure
                    && signal.upward == upward
            })
            .map(|signal| signal.id.clone())
    }

    pub(super) fn raise_or_attach(
        &mut self,
        result: &CloseResult,
        findings: &[Finding],
        effects: &mut Vec<Effect>,
    ) {
        if findings.is_empty() {
            return;
        }
        let candidates: Vec<Candidate> = findings
            .iter()
            .map(|finding| {
                let mut candidate = finding.candidate.clone();
                // A signal that already speaks goes on speaking: the others attach to it.
                if finding.open.is_some() {
                    candidate.strength += 1e9;
                }
                candidate
            })
            .collect();
        let groups = self.group(result, &candidates);
        let mut raised: Vec<Signal> = Vec::new();
        for group in groups {
            let speaker = &findings[group.speaker];
            let attached = group
                .attached
                .iter()
                .map(|&at| self.attachment(&findings[at], result.bucket))
                .collect::<Vec<_>>();
            match &speaker.open {
                Some(id) => {
                    let id = id.clone();
                    let own = self.attachment(speaker, result.bucket);
                    let is_other_width = self
                        .signals
                        .get(&id)
                        .is_some_and(|signal| signal.width != result.width);
                    let is_news = is_other_width && !self.has_attached(&id, &own);
                    let own = is_other_width.then_some(own);
                    self.attach(&id, attached.into_iter().chain(own).collect());
                    if is_news {
                        self.tell_width(&id, result, effects);
                    }
                }
                None => {
                    if let Some(signal) = self.new_signal(speaker, attached, result) {
                        raised.push(signal);
                    }
                }
            }
        }
        self.send_raised(raised, result, effects);
    }

    fn group(&self, result: &CloseResult, candidates: &[Candidate]) -> Vec<drill::Group> {
        let longest = candidates
            .iter()
            .map(|candidate| candidate.span)
            .max()
            .unwrap_or(1);
        let end = result.width.end(result.width.index(result.as_of.plus(-1)));
        let mut by_span: Vec<Vec<drill::Heard<'_>>> = vec![Vec::new()];
        let mut places: Vec<Option<u32>> = vec![None; self.journal.profile_bound()];
        for span in 1..=longest {
            let bucket = result.bucket - (span as BucketIndex - 1);
            let mut window = by_span[span - 1].clone();
            for contribution in self
                .journal
                .bucket(result.width, bucket)
                .filter(|contribution| contribution.counts_before(end))
            {
                let place = *places[contribution.profile as usize].get_or_insert_with(|| {
                    window.push((&contribution.values, 0));
                    window.len() as u32 - 1
                });
                window[place as usize].1 += 1;
            }
            by_span.push(window);
        }
        drill::group(
            candidates,
            &self.plan.lattice,
            &RecentWindows {
                machine: self,
                bucket: result.bucket,
                by_span,
            },
        )
    }

    fn attachment(&self, finding: &Finding, bucket: BucketIndex) -> Attached {
        let measure = self.series[finding.candidate.series].tracks[finding.candidate.track].measure;
        Attached {
            key: finding.candidate.key,
            measure,
            bucket,
        }
    }

    fn has_attached(&self, id: &str, item: &Attached) -> bool {
        let signal = self.signals.get(id);
        signal.is_some_and(|signal| {
            let mut attached = signal.attached.iter();
            attached.any(|known| known.key == item.key && known.measure == item.measure)
        })
    }

    fn attach(&mut self, id: &str, attached: Vec<Attached>) {
        let Some(signal) = self.signals.get_mut(id) else {
            return;
        };
        for item in attached {
            match signal
                .attached
                .iter_mut()
                .find(|known| known.key == item.key && known.measure == item.measure)
            {
                Some(known) => known.bucket = item.bucket,
                None => signal.attached.push(item),
            }
        }
        self.dirty.signals.insert(id.to_owned());
    }

    fn new_signal(
        &self,
        finding: &Finding,
        attached: Vec<Attached>,
        result: &CloseResult,
    ) -> Option<Signal> {
        let series = &self.series[finding.candidate.series];
        let track = &series.tracks[finding.candidate.track];
        let upward = finding.candidate.upward;
        let first = result.bucket - (finding.span as BucketIndex - 1);
        let kind = kind_of(
            track,
            series.born_late
                && result.bucket - series.born
                    < self.plan.settings.cold_start_buckets as BucketIndex,
            finding,
            upward,
        );
        if kind == SignalKind::NewTheme && !self.is_corroborated(&series.key, result, first) {
            return None;
        }
        let direction = if upward { "up" } else { "down" };
        let start = result.width.start(first).0.to_string();
        let id = crate::identity::outward_id(
            "al_",
            &[
                &self.tenant,
                &self.plan.settings.detector,
                &finding.candidate.id,
                direction,
                &start,
            ],
        );
        if self.signals.contains_key(&id) {
            return None;
        }
        let mut suppressed_by = Vec::new();
        if result.backfill {
            suppressed_by.push("backfill".to_owned());
        }
        if finding.discovery.cold_start {
            suppressed_by.push("cold_start".to_owned());
        }
        Some(Signal {
            incident_id: self
                .incident_of(&finding.candidate, result)
                .unwrap_or_else(|| crate::identity::outward_id("inc_", &[&id])),
            id,
            key: series.key,
            measure: track.measure,
            upward,
            kind,
            width: result.width,
            fired: vec![result.bucket],
            revision: 0,
            status: SignalStatus::Firing,
            first_raised_at: result.as_of,
            quiet_buckets: 0,
            score_initial: discovery::score(finding.candidate.p_value),
            score_last: 0,
            effect_last: 0.0,
            suppressed_by,
            decision: None,
            dispositions: Vec::new(),
            attached,
            normal_from: None,
            former: Vec::new(),
        })
    }

    /// The incident of an open signal about the same thing in the same direction (E08).
    fn incident_of(&self, candidate: &Candidate, result: &CloseResult) -> Option<String> {
        self.signals
            .values()
            .filter(|signal| {
                signal.is_open()
                    && signal.width == result.width
                    && signal.upward == candidate.upward
            })
            .filter(|signal| drill::compatible(&signal.key, &candidate.key, &self.plan.lattice))
            .map(|signal| (signal.first_raised_at, &signal.incident_id))
            .min()
            .map(|(_, incident)| incident.clone())
    }

    fn is_corroborated(
        &self,
        key: &crate::lattice::SeriesKey,
        result: &CloseResult,
        first: BucketIndex,
    ) -> bool {
        let as_of = result.width.index(result.as_of.plus(-1));
        let window = Window {
            key: *key,
            measure: Measure::Mentions,
            inside: self.contributions_of(key, result.width, first..=result.bucket, as_of),
            before: Vec::new(),
        };
        let evidence = crate::evidence::summarise(&window, &self.plan.lattice, &self.interner);
        evidence.independent_people() >= NEW_THEME_PEOPLE && evidence.channels >= NEW_THEME_SOURCES
    }

    fn send_raised(
        &mut self,
        raised: Vec<Signal>,
        result: &CloseResult,
        effects: &mut Vec<Effect>,
    ) {
        // Who gets the day's attention is decided by rank, not by the order of discovery (A10).
        let mut ranked: Vec<(f64, Signal)> = raised
            .into_iter()
            .map(|signal| {
                (
                    f64::from(signal.score_initial)
                        * self.learning.precision(self.view_name(&signal.key)),
                    signal,
                )
            })
            .collect();
        ranked.sort_by(|left, right| {
            right
                .0
                .total_cmp(&left.0)
                .then_with(|| left.1.id.cmp(&right.1.id))
        });
        for (_, mut signal) in ranked {
            if signal.suppressed_by.is_empty() && !self.spend_attention(result.as_of) {
                signal.suppressed_by.push("budget".to_owned());
            }
            self.send(
                &mut signal,
                AlertChange::Raised,
                result,
                result.bucket,
                effects,
            );
            self.signals.insert(signal.id.clone(), signal);
        }
    }

    pub(crate) fn spend_attention(&mut self, as_of: Timestamp) -> bool {
        let today = BucketWidth::Day.index(as_of);
        if self.budget.0 != today {
            self.budget = (today, 0);
        }
        if self.budget.1 >= self.plan.settings.attention_budget_per_day {
            return false;
        }
        self.budget.1 += 1;
        true
    }
}

/// Windows that end at the bucket judged.
struct RecentWindows<'a> {
    machine: &'a Machine,
    bucket: BucketIndex,
    by_span: Vec<Vec<drill::Heard<'a>>>,
}

impl drill::Windows for RecentWindows<'_> {
    fn contributions(&self, span: usize) -> &[drill::Heard<'_>] {
        &self.by_span[span]
    }

    fn sums(&self, candidate: &Candidate, span: usize) -> drill::WindowSums {
        let sum = total(
            &self.machine.series[candidate.series].tracks[candidate.track],
            self.bucket,
            span,
        );
        drill::WindowSums {
            observed: sum.observed,
            expected: sum.expected,
            variance: sum.variance,
        }
    }
}

fn kind_of(track: &Track, is_new: bool, finding: &Finding, upward: bool) -> SignalKind {
    match track.measure {
        Measure::Mentions if upward && is_new => SignalKind::NewTheme,
        Measure::Mentions if upward => SignalKind::VolumeUp,
        Measure::Mentions if finding.candidate.is_silent => SignalKind::Silence,
        Measure::Mentions => SignalKind::VolumeDown,
        Measure::NegativeShare => SignalKind::SentimentShift,
        Measure::MeanRating => SignalKind::ScoreShift,
    }
}
