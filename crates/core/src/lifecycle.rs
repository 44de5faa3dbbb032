//! From discoveries to alerts: who speaks, who attaches, what goes on, what is over, what is taken back.

use crate::close::{CloseResult, Discovery};
use crate::compose::{self, Story};
use crate::contribution::Contribution;
use crate::discovery;
use crate::disposition::Disposition;
use crate::drill::{self, Candidate};
use crate::effect::Effect;
use crate::machine::Machine;
use crate::restate::Restated;
use crate::series::{Closed, Track, Verdict};
use crate::settings::Floors;
use crate::signal::{Attached, MATERIAL_CHANGE, Pulse, Signal};
use crate::time::{BucketIndex, BucketWidth, DAY};
use crate::words::{AlertChange, Decision, Measure, SignalKind, SignalStatus, StatusReason};

/// A firing signal goes on while its series is at least this surprising; raising needs far more (A08).
const HOLD_OPEN_P_VALUE: f64 = 0.05;
/// A theme without history needs this many people and sources before it alerts (B12).
const NEW_THEME_PEOPLE: u32 = 5;
const NEW_THEME_SOURCES: u32 = 2;
/// Most buckets one piece of evidence spans.
const MAX_EVIDENCE_BUCKETS: usize = 14;

/// A discovery with everything needed to speak about it.
struct Finding {
    discovery: Discovery,
    candidate: Candidate,
    /// Buckets of evidence, ending at the bucket judged.
    span: usize,
    /// Signal already open on the same series, measure and direction.
    open: Option<String>,
}

impl Machine {
    /// Everything a regular close means for the signals.
    pub(crate) fn signals_at_close(&mut self, result: &CloseResult, effects: &mut Vec<Effect>) {
        let findings = self.findings(result);
        self.raise_or_attach(result, &findings, effects);
        self.advance_open_signals(result, effects);
    }

    /// Everything a restated bucket means for the signals.
    pub(crate) fn signals_after_restatement(
        &mut self,
        result: &CloseResult,
        changed: &[Restated],
        effects: &mut Vec<Effect>,
    ) {
        let touched: Vec<(String, bool, bool)> = self
            .signals
            .values()
            .filter(|signal| {
                signal.width == result.width
                    && signal.fired.contains(&result.bucket)
                    && signal.status != SignalStatus::Retracted
            })
            .filter_map(|signal| {
                let (at, track) = self.track_of(signal)?;
                let restated = changed
                    .iter()
                    .find(|restated| restated.series == at && restated.track == track)?;
                let closed = self.series[at].tracks[track].closed(result.bucket)?;
                let holds = closed.discovered
                    && closed.verdict.is_upward() == signal.upward
                    && self.passes_floors(&self.series[at].tracks[track], closed, 1);
                Some((signal.id.clone(), holds, restated.fell))
            })
            .collect();
        for (id, holds, fell) in touched {
            let reason = if fell {
                StatusReason::DuplicateRemoved
            } else {
                StatusReason::LateData
            };
            self.revise(
                &id,
                holds,
                &CloseResult {
                    reason,
                    discoveries: result.discoveries.clone(),
                    ..*result
                },
                effects,
            );
        }
        let findings = self.findings(result);
        let findings: Vec<Finding> = findings
            .into_iter()
            .filter(|finding| !self.is_covered(finding, result.bucket))
            .collect();
        self.raise_or_attach(result, &findings, effects);
    }

    fn is_covered(&self, finding: &Finding, bucket: BucketIndex) -> bool {
        let measure = self.series[finding.candidate.series].tracks[finding.candidate.track].measure;
        self.signals.values().any(|signal| {
            let own = signal.key == finding.candidate.key
                && signal.measure == measure
                && signal.fired.contains(&bucket);
            let attached = signal.attached.iter().any(|attached| {
                attached.key == finding.candidate.key
                    && attached.measure == measure
                    && attached.bucket == bucket
            });
            own || attached
        })
    }

    fn revise(&mut self, id: &str, holds: bool, result: &CloseResult, effects: &mut Vec<Effect>) {
        let Some(mut signal) = self.signals.remove(id) else {
            return;
        };
        let nothing_left = !holds && signal.take_back(result.bucket);
        if !nothing_left
            && !signal.is_open()
            && !self.is_material_restatement(&signal, result.bucket)
        {
            self.signals.insert(signal.id.clone(), signal);
            return;
        }
        let change = if nothing_left {
            signal.status = SignalStatus::Retracted;
            AlertChange::Retracted
        } else {
            AlertChange::Updated
        };
        self.send(&mut signal, change, result, result.bucket, effects);
        self.signals.insert(signal.id.clone(), signal);
    }

    /// Whether a restated bucket of a signal that is over changed so much that people should hear of it.
    fn is_material_restatement(&self, signal: &Signal, bucket: BucketIndex) -> bool {
        let closed = self
            .track_of(signal)
            .and_then(|(at, track)| self.series[at].tracks[track].closed(bucket));
        closed.is_some_and(|closed| {
            let effect = closed.verdict.observed.unwrap_or(0.0) - closed.verdict.expected;
            (effect - signal.effect_last).abs() >= MATERIAL_CHANGE * signal.effect_last.abs()
        })
    }

    fn findings(&self, result: &CloseResult) -> Vec<Finding> {
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
        let total = total(track, result.bucket, span);
        let open = self.open_signal(&series.key, track.measure, upward);
        Some(Finding {
            discovery: *discovery,
            span,
            candidate: Candidate {
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
            },
            open,
        })
    }

    fn passes_floors(&self, track: &Track, closed: &Closed, span: usize) -> bool {
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

    fn raise_or_attach(
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
                    self.attach(&id, attached);
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
        let as_of = result.width.index(result.as_of.plus(-1));
        let mut by_span: Vec<Vec<&Contribution>> = vec![Vec::new()];
        for span in 1..=longest {
            let bucket = result.bucket - (span as BucketIndex - 1);
            let mut window = by_span[span - 1].clone();
            window.extend(
                self.journal
                    .bucket(result.width, bucket)
                    .filter(|contribution| contribution.counts_at(result.width, as_of)),
            );
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
        let window = self.window(
            key,
            Measure::Mentions,
            result.width,
            first..=result.bucket,
            result.width.index(result.as_of.plus(-1)),
        );
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
            if signal.suppressed_by.is_empty() && !self.spend_attention(result) {
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

    fn spend_attention(&mut self, result: &CloseResult) -> bool {
        let today = BucketWidth::Day.index(result.as_of);
        if self.budget.0 != today {
            self.budget = (today, 0);
        }
        if self.budget.1 >= self.plan.settings.attention_budget_per_day {
            return false;
        }
        self.budget.1 += 1;
        true
    }

    fn advance_open_signals(&mut self, result: &CloseResult, effects: &mut Vec<Effect>) {
        let open: Vec<String> = self
            .signals
            .values()
            .filter(|signal| {
                signal.is_open()
                    && signal.width == result.width
                    && signal.fired.last() != Some(&result.bucket)
            })
            .map(|signal| signal.id.clone())
            .collect();
        for id in open {
            let Some(mut signal) = self.signals.remove(&id) else {
                continue;
            };
            let pulse = self.pulse(&signal, result);
            let change = signal.advance(
                result.bucket,
                pulse,
                self.plan.settings.resolve_after_buckets,
            );
            if signal.is_open() && signal.has_become_normal(result.bucket) {
                // What has lasted this long is the level: the next buckets are compared with it, and the signal
                // resolves by itself (B06, S14).
                self.accept_level(&signal);
            }
            self.dirty.signals.insert(id.clone());
            if let Some(change) = change {
                // A growing signal shows the bucket that grew; one that is over, the last it rested on.
                let last = if change == AlertChange::Updated {
                    result.bucket
                } else {
                    signal.fired.last().copied().unwrap_or(result.bucket)
                };
                self.send(&mut signal, change, result, last, effects);
            }
            self.signals.insert(id, signal);
        }
    }

    fn pulse(&self, signal: &Signal, result: &CloseResult) -> Option<Pulse> {
        let (at, track) = self.track_of(signal)?;
        let closed = self.series[at].tracks[track].closed(result.bucket)?;
        let observed = closed.verdict.observed?;
        let (upper, lower) = closed.verdict.p_bucket;
        let side = if signal.upward { upper } else { lower };
        Some(Pulse {
            still_firing: side <= HOLD_OPEN_P_VALUE,
            crossed: closed.discovered && closed.verdict.is_upward() == signal.upward,
            score: discovery::score(closed.verdict.p_value()),
            effect: observed - closed.verdict.expected,
        })
    }

    /// Numbers, writes and sends one alert. `last`: the last bucket of its evidence.
    fn send(
        &mut self,
        signal: &mut Signal,
        change: AlertChange,
        result: &CloseResult,
        last: BucketIndex,
        effects: &mut Vec<Effect>,
    ) {
        let Some((at, track)) = self.track_of(signal) else {
            return;
        };
        let span = span_of(
            &self.series[at].tracks[track],
            last,
            signal.upward,
            result.threshold,
        );
        let reason = match (change, result.reason) {
            (AlertChange::Resolved, StatusReason::ThresholdCrossed) => StatusReason::Recovered,
            (_, reason) => reason,
        };
        let q_value = result
            .discoveries
            .iter()
            .find(|discovery| discovery.series == at && discovery.track == track)
            .map_or(1.0, |discovery| discovery.q_value);
        let story = Story {
            change,
            reason,
            series: at,
            track,
            last,
            span,
            q_value,
            threshold: result.threshold,
            judged: result.judged,
            as_of: result.as_of,
        };
        let alert = compose::alert(self, signal, &story);
        signal.next_revision(alert.score_current, alert.effect_absolute);
        self.counters.alerts += 1;
        self.dirty.signals.insert(signal.id.clone());
        effects.push(Effect::Alert(Box::new(alert)));
    }

    /// A person's verdict: learnt, put on the signal, and told to everybody.
    pub(crate) fn answer(
        &mut self,
        signal: &mut Signal,
        disposition: &Disposition,
        effects: &mut Vec<Effect>,
    ) {
        signal.dispositions.push(disposition.disposition_id.clone());
        if disposition.use_for_learning {
            let view = self.view_name(&signal.key).to_owned();
            self.learning
                .answer(&view, signal.decision, disposition.decision);
        }
        signal.decision = Some(disposition.decision);
        let mut change = AlertChange::Updated;
        if disposition.decision == Decision::NewTrend && signal.is_open() {
            signal.status = SignalStatus::Resolved;
            change = AlertChange::Resolved;
            self.accept_level(signal);
        }
        let Some(last) = signal.fired.last().copied() else {
            return;
        };
        let as_of = self
            .clocks
            .iter()
            .find(|clock| clock.width == signal.width)
            .and_then(|clock| clock.next)
            .unwrap_or(last + 1);
        let result = CloseResult {
            width: signal.width,
            bucket: last,
            discoveries: Vec::new(),
            threshold: self
                .thresholds
                .get(&(signal.width, last))
                .copied()
                .unwrap_or(self.plan.settings.false_discovery_rate),
            judged: self.series.len(),
            reason: StatusReason::Disposition,
            as_of: signal.width.start(as_of),
            backfill: false,
        };
        let still_has_numbers = self
            .track_of(signal)
            .is_some_and(|(at, track)| self.series[at].tracks[track].closed(last).is_some());
        // A bucket that has left the horizon: the verdict is learnt, but there are no numbers left to send.
        if still_has_numbers {
            self.send(signal, change, &result, last, effects);
        }
    }

    /// Where the series and the track of a signal are, if the series is live.
    fn track_of(&self, signal: &Signal) -> Option<(usize, usize)> {
        let at = self.series_of(&signal.key)?;
        let track = self.series[at]
            .tracks
            .iter()
            .position(|track| track.measure == signal.measure)?;
        Some((at, track))
    }

    fn accept_level(&mut self, signal: &Signal) {
        let Some(at) = self.series_of(&signal.key) else {
            return;
        };
        let plan = std::sync::Arc::clone(&self.plan);
        self.dirty
            .pages
            .insert(crate::record::page_of(self.series[at].stable));
        if let Some(track) = self.series[at]
            .tracks
            .iter_mut()
            .find(|track| track.measure == signal.measure)
        {
            let bucket = track.ring.back().map_or(0, |closed| closed.bucket);
            track.accept_level(&plan.models[&signal.width], bucket);
        }
    }

    /// Contributions inside and before a window of one series.
    pub(crate) fn window(
        &self,
        key: &crate::lattice::SeriesKey,
        measure: Measure,
        width: BucketWidth,
        buckets: std::ops::RangeInclusive<BucketIndex>,
        as_of: BucketIndex,
    ) -> crate::evidence::Window<'_> {
        let reach = (self.plan.settings.restatement_horizon.max(14 * DAY) / width.milliseconds())
            .max(1) as BucketIndex;
        let before = buckets.start() - reach..=buckets.start() - 1;
        crate::evidence::Window {
            key: *key,
            measure,
            before: self.contributions_of(key, width, before, as_of),
            inside: self.contributions_of(key, width, buckets, as_of),
        }
    }
}

/// Windows that end at the bucket judged.
struct RecentWindows<'a> {
    machine: &'a Machine,
    bucket: BucketIndex,
    by_span: Vec<Vec<&'a Contribution>>,
}

impl drill::Windows for RecentWindows<'_> {
    fn contributions(&self, span: usize) -> &[&Contribution] {
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

/// Sums over the last `span` buckets up to `last`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Total {
    pub(crate) observed: f64,
    pub(crate) expected: f64,
    pub(crate) variance: f64,
    pub(crate) items: u32,
    pub(crate) buckets: f64,
}

impl Total {
    fn strength(&self) -> f64 {
        (self.observed - self.expected) / self.variance.max(1e-12).sqrt()
    }
}

pub(crate) fn total(track: &Track, last: BucketIndex, span: usize) -> Total {
    let mut sum = Total::default();
    for closed in track
        .ring
        .iter()
        .filter(|closed| closed.bucket <= last && closed.bucket > last - span as BucketIndex)
    {
        let Some(observed) = closed.verdict.observed else {
            continue;
        };
        sum.observed += observed;
        sum.expected += closed.verdict.expected;
        sum.variance += closed.verdict.deviation * closed.verdict.deviation;
        sum.items += closed.verdict.items;
        sum.buckets += 1.0;
    }
    sum
}

/// How many buckets up to `last` carry the change.
pub(crate) fn span_of(track: &Track, last: BucketIndex, upward: bool, threshold: f64) -> usize {
    let Some(closed) = track.closed(last) else {
        return 1;
    };
    if closed.verdict.p_bucket_value() <= threshold {
        return 1;
    }
    let recent: Vec<Verdict> = track
        .ring
        .iter()
        .filter(|closed| {
            closed.bucket <= last && closed.bucket > last - MAX_EVIDENCE_BUCKETS as BucketIndex
        })
        .map(|closed| closed.verdict)
        .collect();
    discovery::evidence_buckets(&recent, upward)
}
