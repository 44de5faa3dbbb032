//! Series points: what a close says about its series, whether or not anything was found.

use super::CloseResult;
use crate::effect::{Effect, SeriesPoint};
use crate::lattice::SeriesKey;
use crate::machine::Machine;
use crate::series::{Closed, Series, Track};
use crate::words::Measure;

/// A series point is published when something was seen or at least this much was expected.
const MIN_EXPECTED_TO_PUBLISH: f64 = 1.0;

impl Machine {
    pub(super) fn publish(&self, result: &CloseResult, effects: &mut Vec<Effect>) {
        let mut points: Vec<(u64, usize, SeriesPoint)> = Vec::new();
        for series in self.series.iter() {
            if self.plan.settings.views[series.key.view as usize].width != result.width {
                continue;
            }
            for (at, track) in series.tracks.iter().enumerate() {
                let Some(closed) = track
                    .ring
                    .back()
                    .filter(|closed| closed.bucket == result.bucket)
                else {
                    continue;
                };
                let was_seen = closed
                    .verdict
                    .observed
                    .is_some_and(|observed| observed > 0.0);
                if was_seen
                    || closed.verdict.expected >= MIN_EXPECTED_TO_PUBLISH
                    || closed.discovered
                {
                    points.push((series.stable, at, self.point(series, track, closed)));
                }
            }
        }
        points.sort_by_key(|point| (point.0, point.1));
        effects.extend(
            points
                .into_iter()
                .map(|(_, _, point)| Effect::SeriesPoint(point)),
        );
    }

    pub(crate) fn point(&self, series: &Series, track: &Track, closed: &Closed) -> SeriesPoint {
        let width = self.plan.settings.views[series.key.view as usize].width;
        let (low, high) = Track::band(
            &self.plan.models[&width],
            closed,
            self.plan.settings.interval_level,
        );
        SeriesPoint {
            tenant: self.tenant.clone(),
            portfolio: self.portfolio.clone(),
            series_id: self.series_id(&series.key, track.measure),
            view: self.view_name(&series.key).to_owned(),
            measure: track.measure,
            dimensions: self.plan.lattice.named(&series.key, &self.interner),
            start: width.start(closed.bucket),
            width,
            revision: closed.revision,
            observed: closed.verdict.observed,
            items: closed.verdict.items,
            expected: closed.verdict.expected,
            low,
            high,
            p_value: closed.verdict.p_value(),
            discovered: closed.discovered,
        }
    }

    /// Outward id of a series.
    pub(crate) fn series_id(&self, key: &SeriesKey, measure: Measure) -> String {
        let named = self.plan.lattice.named(key, &self.interner);
        let mut parts = vec![
            self.portfolio.as_str(),
            self.view_name(key),
            measure.as_str(),
        ];
        for (dimension, value) in &named {
            parts.push(dimension);
            parts.push(value);
        }
        crate::identity::outward_id("s_", &parts)
    }
}
