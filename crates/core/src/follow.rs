//! Following actions: what is kept of each, and the outcomes that closes bring.
//!
//! Decision: the detector itself, not the read model, estimates outcomes. It alone sees each bucket when it closes and when
//! late data restate it, it is replayed to the byte, and its word is on a topic for everybody
//! ([0043](../../../docs/decisions/0043-outcomes-by-the-detector.md)).

use crate::action::{Action, ActionRefusal};
use crate::close::ring_length;
use crate::effect::{Effect, Rejection};
use crate::identity::outward_id;
use crate::lattice::SeriesKey;
use crate::lifecycle::first_from;
use crate::machine::Machine;
use crate::outcome::{Around, Figures, Outcome, Seen, Tally, season, usual_buckets_after};
use crate::time::{BucketIndex, BucketWidth, DAY};
use crate::words::{
    ActionState, ComparisonKind, Measure, OutcomeCaveat, OutcomeMethod, OutcomeStage,
    OutcomeVerdict,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most actions a portfolio remembers.
pub const MAX_ACTIONS: usize = 10_000;

/// What is kept of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Followed {
    /// Its newest event.
    pub(crate) action: Action,
    /// Id of the event that started it; empty before.
    started_by: String,
    /// What happens to its target; `None`: it has not been started, or there is nothing to follow.
    course: Option<Course>,
    /// The last outcome sent.
    sent: Option<Outcome>,
}

/// The series of a started action around its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Course {
    key: SeriesKey,
    comparison: Option<SeriesKey>,
    width: BucketWidth,
    /// First bucket that begins at or after the start.
    first: BucketIndex,
    /// Last bucket planned.
    last: BucketIndex,
    /// Buckets around the start, ascending.
    seen: Vec<Seen>,
    /// A signal of this series lies before the start. Kept, because signals are forgotten sooner.
    holds_signal: bool,
    /// It was cancelled before its last planned bucket.
    is_cut: bool,
    /// Nothing can change any more.
    is_over: bool,
}

/// The actions of a machine.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    by_id: BTreeMap<String, Followed>,
    dirty: Vec<String>,
}

impl Actions {
    /// What changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<(String, &Followed)> {
        let mut ids = std::mem::take(&mut self.dirty);
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter()
            .filter_map(|id| self.by_id.get(&id).map(|followed| (id, followed)))
            .collect()
    }

    /// Puts one back from its record.
    pub(crate) fn put_back(&mut self, followed: Followed) {
        self.by_id
            .insert(followed.action.action_id.clone(), followed);
    }

    fn keep(&mut self, followed: Followed) {
        self.dirty.push(followed.action.action_id.clone());
        self.put_back(followed);
    }
}

impl Course {
    fn around(&self) -> Around<'_> {
        Around {
            width: self.width,
            first: self.first,
            seen: &self.seen,
            has_comparison: self.comparison.is_some(),
        }
    }

    /// First bucket looked at.
    fn earliest(&self) -> BucketIndex {
        self.seen.first().map_or(self.first, |seen| seen.bucket)
    }

    fn file(&mut self, seen: Seen) {
        let at = self.seen.partition_point(|it| it.bucket < seen.bucket);
        match self.seen.get_mut(at) {
            Some(held) if held.bucket == seen.bucket => *held = seen,
            _ => self.seen.insert(at, seen),
        }
    }
}

impl Machine {
    /// Takes in what people say about an action.
    pub(crate) fn apply_action(&mut self, action: &Action, effects: &mut Vec<Effect>) {
        let former = self.actions.by_id.get(&action.action_id);
        if let Err(refusal) = action.follows(former.map(|it| &it.action)) {
            effects.push(Effect::Rejected(match refusal {
                ActionRefusal::NotNewer => Rejection::Duplicate,
                _ => Rejection::ActionRefused,
            }));
            return;
        }
        if former.is_none() && self.actions.by_id.len() >= MAX_ACTIONS {
            effects.push(Effect::Rejected(Rejection::ActionLimit));
            return;
        }
        let begins = action.begins(former.map(|it| &it.action));
        let former = self.actions.by_id.remove(&action.action_id);
        let mut followed = match former {
            Some(former) => Followed {
                action: action.clone(),
                ..former
            },
            None => Followed {
                action: action.clone(),
                started_by: String::new(),
                course: None,
                sent: None,
            },
        };
        if begins {
            followed.started_by = action.event_id.clone();
            followed.course = self.course_of(action);
        }
        let told = match followed.course.as_ref().map(|course| course.width) {
            Some(width) => self
                .last_closed(width)
                .and_then(|last_closed| self.advance(&mut followed, last_closed)),
            None if !followed.started_by.is_empty() => self.without_series(&mut followed),
            None => None,
        };
        effects.extend(told.map(|outcome| Effect::Outcome(Box::new(outcome))));
        self.actions.keep(followed);
    }

    /// Follows every action whose series is judged at `width`, up to `bucket`.
    pub(crate) fn follow_actions(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        effects: &mut Vec<Effect>,
    ) {
        let is_due = |followed: &Followed| {
            let course = followed.course.as_ref();
            course.is_some_and(|course| course.width == width && !course.is_over)
        };
        let due = self.actions.by_id.iter().filter(|(_, it)| is_due(it));
        let due: Vec<String> = due.map(|(id, _)| id.clone()).collect();
        for id in due {
            if let Some(mut followed) = self.actions.by_id.remove(&id) {
                let told = self.advance(&mut followed, bucket);
                effects.extend(told.map(|outcome| Effect::Outcome(Box::new(outcome))));
                self.actions.keep(followed);
            }
        }
    }

    /// Looks again at the buckets up to `last_closed`; an outcome if they come to something that was not said yet.
    fn advance(&self, followed: &mut Followed, last_closed: BucketIndex) -> Option<Outcome> {
        let target = followed.action.target.as_ref()?;
        let course = followed.course.as_mut()?;
        let is_stopped = followed.action.state == ActionState::Cancelled;
        if !course.is_over {
            self.look_again(course, target.measure, last_closed);
            course.holds_signal |= self.has_signal_before(course, target.measure);
            if is_stopped && last_closed < course.last {
                course.last = last_closed;
                course.is_cut = true;
            }
            let kept = self.kept_buckets(course.width);
            course.is_over = is_stopped || last_closed - kept >= course.last;
        }
        let reached = last_closed.min(course.last);
        let is_final = last_closed >= course.last;
        let mut figures = course.around().figures(target, reached);
        // Before the end an estimate of whole seasons is told; that there is none yet is not.
        let has_a_season = reached + 1 - course.first >= season(course.width);
        if !is_final && (figures.estimate.is_none() || !has_a_season) {
            return None;
        }
        let caveats = self.caveats(&followed.action, target.measure, course, reached);
        figures.caveats.extend(caveats);
        let stage = if is_final {
            OutcomeStage::Final
        } else {
            OutcomeStage::Interim
        };
        self.next_outcome(followed, stage, figures)
    }

    /// The outcome of an action whose series is not there, or has a measure nothing is estimated of.
    fn without_series(&self, followed: &mut Followed) -> Option<Outcome> {
        let target = followed.action.target.as_ref()?;
        let figures = Figures {
            method: OutcomeMethod::InterruptedSeries,
            before: None,
            after: None,
            estimate: None,
            verdict: OutcomeVerdict::Inconclusive,
            caveats: vec![if is_estimated(target.measure) {
                OutcomeCaveat::SeriesUnknown
            } else {
                OutcomeCaveat::MeasureNotEstimated
            }],
            items: 0,
        };
        self.next_outcome(followed, OutcomeStage::Final, figures)
    }

    /// The outcome with the next revision, unless the last one said the same.
    fn next_outcome(
        &self,
        followed: &mut Followed,
        stage: OutcomeStage,
        mut figures: Figures,
    ) -> Option<Outcome> {
        figures.caveats.sort_unstable();
        figures.caveats.dedup();
        let Followed {
            action,
            started_by,
            course,
            sent,
        } = followed;
        let compared = course.as_ref().is_some_and(|it| it.comparison.is_some());
        let comparison = action.comparison.as_ref().filter(|_| compared);
        let mut next = Outcome {
            tenant: self.tenant.clone(),
            portfolio: self.portfolio.clone(),
            outcome_id: outward_id("o_", &[&self.portfolio, &action.action_id]),
            revision: sent.as_ref().map_or(1, |sent| sent.revision),
            action_id: action.action_id.clone(),
            signal_ids: action.signal_ids.clone(),
            incident_id: action.incident_id.clone(),
            stage,
            caused_by: started_by.clone(),
            target: action.target.clone()?,
            comparison_series_id: comparison.map(|it| it.series_id.clone()),
            figures,
            review: action.review.clone(),
            as_of: sent.as_ref().map_or(self.closed_until(), |sent| sent.as_of),
        };
        if sent.as_ref() == Some(&next) {
            return None;
        }
        if sent.is_some() {
            next.revision += 1;
            next.as_of = self.closed_until();
        }
        *sent = Some(next.clone());
        Some(next)
    }

    /// Where a started action's series are; `None` if its own is not there or nothing is estimated of its measure.
    fn course_of(&self, action: &Action) -> Option<Course> {
        let target = action.target.as_ref()?;
        if !is_estimated(target.measure) {
            return None;
        }
        let key = self.series_named(&target.series_id, target.measure, &action.signal_ids)?;
        let width = self.width_of(&key);
        let first = first_from(width, action.started_at?);
        let planned = target.buckets_after.unwrap_or(usual_buckets_after(width));
        let comparison = action.comparison.as_ref().and_then(|comparison| {
            let other = self.series_named(&comparison.series_id, target.measure, &[])?;
            (other != key && self.width_of(&other) == width).then_some(other)
        });
        Some(Course {
            key,
            comparison,
            width,
            first,
            last: first.saturating_add(planned as BucketIndex) - 1,
            seen: Vec::new(),
            holds_signal: false,
            is_cut: false,
            is_over: false,
        })
    }

    /// The series of an outward id, looked for among the signals first.
    fn series_named(
        &self,
        series_id: &str,
        measure: Measure,
        signal_ids: &[String],
    ) -> Option<SeriesKey> {
        let of_signals = signal_ids
            .iter()
            .filter_map(|id| self.signals.get(id))
            .flat_map(|signal| signal.tracks())
            .filter(|(_, of)| *of == measure)
            .map(|(key, _)| key);
        let live = self.series.iter().filter(|series| {
            let mut tracks = series.tracks.iter();
            tracks.any(|track| track.measure == measure)
        });
        of_signals
            .chain(live.map(|series| series.key))
            .find(|key| self.series_id(key, measure) == series_id)
    }

    /// Reads again every bucket around the start that late data may have changed.
    fn look_again(&self, course: &mut Course, measure: Measure, last_closed: BucketIndex) {
        let oldest = last_closed - self.kept_buckets(course.width) + 1;
        let born = self.first_bucket(course.width).unwrap_or(last_closed);
        for bucket in oldest.max(born)..=last_closed.min(course.last) {
            let tally = |key: &SeriesKey| self.tally(key, measure, course.width, bucket);
            let seen = Seen {
                bucket,
                acted_on: tally(&course.key),
                comparison: course.comparison.as_ref().and_then(tally),
            };
            course.file(seen);
        }
    }

    /// What a series counted in a closed bucket within the horizon. One that is not remembered was silent.
    fn tally(
        &self,
        key: &SeriesKey,
        measure: Measure,
        width: BucketWidth,
        bucket: BucketIndex,
    ) -> Option<Tally> {
        let live = self.series.place_of(key).map(|at| &self.series[at]);
        let mut tracks = live.into_iter().flat_map(|series| &series.tracks);
        let closed = tracks
            .find(|track| track.measure == measure)
            .and_then(|track| track.closed(bucket));
        let (observed, items) = match closed {
            Some(closed) => (closed.verdict.observed?, closed.verdict.items),
            None => (0.0, 0),
        };
        match measure {
            Measure::Mentions => Some(Tally {
                count: items,
                exposure: (width.end(bucket).0 - width.start(bucket).0) as f64 / DAY as f64,
            }),
            Measure::NegativeShare => (items > 0).then(|| Tally {
                count: (observed * f64::from(items)).round() as u32,
                exposure: f64::from(items),
            }),
            Measure::MeanRating => None,
        }
    }

    /// Caveats that only the machine knows.
    fn caveats(
        &self,
        action: &Action,
        measure: Measure,
        course: &Course,
        reached: BucketIndex,
    ) -> Vec<OutcomeCaveat> {
        let width = course.width;
        let (start, end) = (width.start(course.earliest()), width.end(reached));
        let wants_comparison = action.comparison.as_ref().is_some_and(|comparison| {
            comparison.kind != ComparisonKind::None && !comparison.series_id.is_empty()
        });
        let other_action = self.actions.by_id.values().any(|other| {
            let same = other.action.target.as_ref().map(|it| it.measure) == Some(measure);
            other.course.as_ref().is_some_and(|other| {
                same && other.key == course.key
                    && other.first <= course.last
                    && course.first <= other.last
            })
        });
        let calendar = !self.calendar_context(&course.key, start, end).is_empty();
        [
            (
                OutcomeCaveat::ComparisonUnknown,
                wants_comparison && course.comparison.is_none(),
            ),
            (OutcomeCaveat::CalendarOverlap, calendar),
            (OutcomeCaveat::SignalInBaseline, course.holds_signal),
            (OutcomeCaveat::OtherAction, other_action),
            (OutcomeCaveat::StoppedEarly, course.is_cut),
        ]
        .into_iter()
        .filter_map(|(caveat, holds)| holds.then_some(caveat))
        .collect()
    }

    /// Whether a signal rests on a bucket before the start: a level that was acted on because it stood out goes back by
    /// itself.
    fn has_signal_before(&self, course: &Course, measure: Measure) -> bool {
        let before = course.earliest()..course.first;
        self.signals.values().any(|signal| {
            let mut fired = signal.fired.iter();
            signal.key == course.key
                && signal.measure == measure
                && fired.any(|at| before.contains(at))
        })
    }

    fn last_closed(&self, width: BucketWidth) -> Option<BucketIndex> {
        let mut clocks = self.clocks.iter();
        let clock = clocks.find(|clock| clock.width == width && clock.first.is_some())?;
        clock.next.map(|next| next - 1)
    }

    fn kept_buckets(&self, width: BucketWidth) -> BucketIndex {
        ring_length(width, self.plan.settings.restatement_horizon) as BucketIndex
    }
}

fn is_estimated(measure: Measure) -> bool {
    measure != Measure::MeanRating
}
