//! Judging the feeds before the series: a feed without a word is no data for what lives on it (I10).

use super::cells::Cells;
use super::context;
use crate::effect::{Effect, SeriesPoint};
use crate::feeds::{Feed, NO_DATA_PROBABILITY};
use crate::machine::Machine;
use crate::series::{Cell, Series};
use crate::time::{BucketIndex, BucketWidth};
use crate::words::Measure;
use auscult_statistics::count::{BucketContext, Prior};

/// Name of the view under which feeds publish their points.
pub const FEED_VIEW: &str = "feed";

impl Machine {
    pub(super) fn judge_feeds(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        cells: &Cells,
        effects: &mut Vec<Effect>,
    ) {
        let models = &self.plan.models[&width];
        for &(number, _, at) in &cells.feeds {
            let stable = crate::identity::short_hash(&[self.interner.text(number)]);
            self.feeds.entry((width, number)).or_insert_with(|| Feed {
                number,
                stable,
                baseline: models.count().start(&Prior::vague()),
                first_bucket: bucket,
                last_event: at,
                mentions: 0,
                is_down: false,
            });
        }
        let for_all = |at: BucketIndex| {
            let holidays = self.plan.holidays(width, at);
            holidays.iter().any(|only| only.is_none())
        };
        let holiday = for_all(bucket);
        let context = BucketContext {
            holiday,
            after_holiday: !holiday && for_all(bucket - 1),
            ..context(width, bucket, 1.0)
        };
        let mut points = Vec::new();
        for ((feed_width, number), feed) in &mut self.feeds {
            if *feed_width != width {
                continue;
            }
            let seen = cells.feeds.iter().find(|(feed, ..)| feed == number);
            let items = seen.map_or(0, |(_, items, _)| *items);
            let forecast = models.count().forecast(&feed.baseline, &context);
            let silence = models.count().judge(&forecast, 0.0).p_lower;
            feed.is_down = items == 0 && silence < NO_DATA_PROBABILITY;
            models.count().step(
                &mut feed.baseline,
                &context,
                (!feed.is_down).then_some(u64::from(items)),
            );
            feed.mentions += u64::from(items);
            if let Some((_, _, at)) = seen {
                feed.last_event = feed.last_event.max(*at);
            }
            let name = self.interner.text(*number);
            let (low, high) = models
                .count()
                .interval(&forecast, self.plan.settings.interval_level);
            points.push(SeriesPoint {
                tenant: self.tenant.clone(),
                portfolio: self.portfolio.clone(),
                series_id: crate::identity::outward_id("f_", &[&self.portfolio, name]),
                view: FEED_VIEW.to_owned(),
                measure: Measure::Mentions,
                dimensions: vec![("feed".to_owned(), name.to_owned())],
                start: width.start(bucket),
                width,
                revision: 1,
                observed: (!feed.is_down).then_some(f64::from(items)),
                items,
                expected: forecast.mean,
                low,
                high,
                p_value: 1.0,
                discovered: false,
            });
        }
        points.sort_by(|left, right| left.dimensions.cmp(&right.dimensions));
        effects.extend(points.into_iter().map(Effect::SeriesPoint));
    }
}

pub(super) fn note_activity(
    series: &mut Series,
    bucket: BucketIndex,
    cell: Option<&Cell>,
    is_held: bool,
    stable_of: &dyn Fn(u32) -> u64,
    worth: &dyn Fn(u32, u32) -> u32,
) {
    if cell.is_some() {
        series.last_active = bucket;
    }
    // While a feed it lives on is down, what it usually brings stays as it was: else a long outage would
    // pass for a habit, and what the others bring for a fall.
    if is_held {
        return;
    }
    series.feeds.decay();
    let Some(cell) = cell else {
        return;
    };
    // Largest first: with more feeds than places, who stays must not depend on who came first.
    let mut feeds: Vec<(u64, u32)> = cell
        .feeds
        .iter()
        .map(|&(number, items)| (stable_of(number), worth(number, items)))
        .collect();
    feeds.sort_by_key(|&(feed, items)| (std::cmp::Reverse(items), feed));
    for (feed, items) in feeds {
        series.feeds.add(feed, items);
    }
}
