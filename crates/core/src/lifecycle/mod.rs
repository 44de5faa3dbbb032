//! From discoveries to alerts: who speaks, who attaches, what goes on, what is over, what is taken back.

mod normal;
mod raise;
mod revise;
mod span;
mod widths;

use crate::close::CloseResult;
use crate::compose::{self, Story};
use crate::discovery;
use crate::disposition::Disposition;
use crate::effect::Effect;
use crate::lattice::SeriesKey;
use crate::machine::Machine;
use crate::signal::{Pulse, Signal};
use crate::time::{BucketIndex, BucketWidth, DAY, Timestamp};
use crate::words::{AlertChange, Decision, Measure, StatusReason};
pub(crate) use normal::first_from;
use span::span_of;
pub(crate) use span::total;

/// A firing signal goes on while its series is at least this surprising; raising needs far more (A08).
const HOLD_OPEN_P_VALUE: f64 = 0.05;

impl Machine {
    /// Everything a regular close means for the signals.
    pub(crate) fn signals_at_close(&mut self, result: &CloseResult, effects: &mut Vec<Effect>) {
        let findings = self.findings(result);
        self.raise_or_attach(result, &findings, effects);
        self.advance_open_signals(result, effects);
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
                self.accept_level(&signal, None);
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
        let is_over = match disposition.decision {
            Decision::NewTrend => self.say_normal(signal, disposition.effective_from),
            _ => {
                self.take_normal_back(signal);
                false
            }
        };
        let change = if is_over {
            AlertChange::Resolved
        } else {
            AlertChange::Updated
        };
        self.tell_answer(signal, change, effects);
    }

    /// Sends what a person's word changed on a signal, with the numbers of the last bucket it rests on.
    pub(super) fn tell_answer(
        &mut self,
        signal: &mut Signal,
        change: AlertChange,
        effects: &mut Vec<Effect>,
    ) {
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
        let at = self.series.place_of(&signal.key)?;
        let track = self.series[at]
            .tracks
            .iter()
            .position(|track| track.measure == signal.measure)?;
        Some((at, track))
    }

    /// What a signal speaks about becomes the level: its own track, and those attached to it. `from`: see
    /// [`Track::accept_level`](crate::series::Track::accept_level).
    pub(super) fn accept_level(&mut self, signal: &Signal, from: Option<Timestamp>) {
        for (key, measure) in signal.tracks() {
            self.accept_level_of(&key, measure, from);
        }
    }

    fn accept_level_of(&mut self, key: &SeriesKey, measure: Measure, from: Option<Timestamp>) {
        let width = self.width_of(key);
        let plan = std::sync::Arc::clone(&self.plan);
        if let Some(track) = self.track_to_change(key, measure) {
            let bucket = track.ring.back().map_or(0, |closed| closed.bucket);
            let by_feeds =
                plan.settings.views[key.view as usize].exposure == crate::settings::Exposure::Feeds;
            let from = from.map(|from| first_from(width, from));
            track.accept_level(&plan.models[&width], bucket, by_feeds, from);
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
