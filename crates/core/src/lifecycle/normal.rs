//! The new normal: said, waited for, begun, and taken back (B06, decision 0040).
//!
//! The last answer to a signal counts. While it is "new trend", what people saw is the normal from the date they named, or
//! from now; any other answer puts the former baselines back. A date to come starts the baselines anew in the first bucket
//! that begins then, *before* that bucket is judged: nobody knows the level of what has not happened yet, so taking the
//! buckets before it for the level, or judging it by them, would both be wrong.

use crate::effect::Effect;
use crate::lattice::SeriesKey;
use crate::machine::Machine;
use crate::series::Track;
use crate::settings::View;
use crate::signal::{FormerBaseline, Signal};
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use crate::words::{AlertChange, Measure, SignalStatus};
use std::sync::Arc;

/// First bucket that begins at or after `from`.
pub(crate) fn first_from(width: BucketWidth, from: Timestamp) -> BucketIndex {
    let bucket = width.index(from);
    bucket + BucketIndex::from(width.start(bucket) < from)
}

impl Machine {
    /// People say that what they see is the new normal; whether the signal is over with that.
    pub(super) fn say_normal(&mut self, signal: &mut Signal, from: Option<Timestamp>) -> bool {
        let next = self
            .clocks
            .iter()
            .find(|clock| clock.width == signal.width)
            .and_then(|clock| clock.next);
        signal.normal_from =
            from.filter(|&from| next.is_some_and(|next| first_from(signal.width, from) >= next));
        if signal.normal_from.is_some() || !signal.is_open() {
            return false;
        }
        self.keep_former(signal);
        self.accept_level(signal, from);
        signal.status = SignalStatus::Resolved;
        true
    }

    /// People take their word back: a new normal to come does not, and the former baselines are put back.
    pub(super) fn take_normal_back(&mut self, signal: &mut Signal) {
        signal.normal_from = None;
        for former in std::mem::take(&mut signal.former) {
            let view = self.plan.settings.views.get(former.key.view as usize);
            let method = view.and_then(View::reference_method).map(str::to_owned);
            // What we dumped we can read; a series that was forgotten since has nothing to be put back.
            let Ok(state) =
                crate::record::restore_state(former.measure, method.as_deref(), &former.state)
            else {
                continue;
            };
            if let Some(track) = self.track_to_change(&former.key, former.measure) {
                track.state = state;
            }
        }
    }

    /// Begins what people said to be the normal from this bucket on, and resolves their signals.
    pub(crate) fn begin_new_normals(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        effects: &mut Vec<Effect>,
    ) {
        let due: Vec<String> = self
            .signals
            .values()
            .filter(|signal| {
                let from = signal.normal_from.map(|from| first_from(width, from));
                signal.width == width && from.is_some_and(|from| from <= bucket)
            })
            .map(|signal| signal.id.clone())
            .collect();
        for id in due {
            let Some(mut signal) = self.signals.remove(&id) else {
                continue;
            };
            signal.normal_from = None;
            self.keep_former(&mut signal);
            let tracks: Vec<_> = signal.tracks().collect();
            for (key, measure) in tracks {
                self.start_anew(&key, measure, bucket);
            }
            if signal.is_open() {
                signal.status = SignalStatus::Resolved;
                self.tell_answer(&mut signal, AlertChange::Resolved, effects);
            }
            self.dirty.signals.insert(id.clone());
            self.signals.insert(id, signal);
        }
    }

    /// Keeps the baselines of a signal's tracks, for the day on which people take their word back.
    fn keep_former(&mut self, signal: &mut Signal) {
        let kept = signal.tracks().filter_map(|(key, measure)| {
            let series = &self.series[self.series.place_of(&key)?];
            let track = series
                .tracks
                .iter()
                .find(|track| track.measure == measure)?;
            Some(FormerBaseline {
                key,
                measure,
                state: crate::record::dump_state(&track.state),
            })
        });
        let kept = kept.collect();
        signal.former = kept;
    }

    fn start_anew(&mut self, key: &SeriesKey, measure: Measure, bucket: BucketIndex) {
        let plan = Arc::clone(&self.plan);
        let view = &plan.settings.views[key.view as usize];
        let models = &plan.models[&view.width];
        let fresh = view
            .reference_method()
            .filter(|_| measure == Measure::Mentions)
            .and_then(|name| Track::start_reference(models, name, bucket, 0))
            .unwrap_or_else(|| Track::start(measure, models, 0, 1.0));
        if let Some(track) = self.track_to_change(key, measure) {
            track.state = fresh.state;
        }
    }

    pub(super) fn track_to_change(
        &mut self,
        key: &SeriesKey,
        measure: Measure,
    ) -> Option<&mut Track> {
        let at = self.series.place_of(key)?;
        let series = &mut self.series[at];
        self.dirty
            .pages
            .insert(crate::record::page_of(series.stable));
        series
            .tracks
            .iter_mut()
            .find(|track| track.measure == measure)
    }
}
