//! The text that settings are hashed from.
//!
//! Stored state is only good for the settings it was made with, so their hash guards it. A release that adds a setting must
//! still find the state that was made without it: what came later is left out of the text while it is unset. That is why
//! these two are written by hand, where a derived `Debug` would tell every field.

use crate::settings::{DetectSettings, View};
use std::fmt;

impl fmt::Debug for DetectSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = formatter.debug_struct("DetectSettings");
        text.field("detector", &self.detector)
            .field("seed", &self.seed)
            .field("views", &self.views)
            .field("restatement_horizon", &self.restatement_horizon)
            .field("cold_start_buckets", &self.cold_start_buckets)
            .field("floors", &self.floors)
            .field("false_discovery_rate", &self.false_discovery_rate)
            .field("interval_level", &self.interval_level)
            .field("resolve_after_buckets", &self.resolve_after_buckets)
            .field("holidays", &self.holidays)
            .field("renames", &self.renames)
            .field("splits", &self.splits)
            .field("series_limit", &self.series_limit)
            .field("attention_budget_per_day", &self.attention_budget_per_day)
            .field(
                "near_duplicates_remembered",
                &self.near_duplicates_remembered,
            )
            .field("new_themes", &self.new_themes)
            .field("repost_sources", &self.repost_sources);
        if !self.calendars.is_empty() {
            text.field("calendars", &self.calendars);
        }
        text.finish()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = formatter.debug_struct("View");
        text.field("name", &self.name)
            .field("dimensions", &self.dimensions)
            .field("measures", &self.measures)
            .field("width", &self.width)
            .field("exposure", &self.exposure);
        if let Some(method) = self.reference_method() {
            text.field("method", &method);
        }
        text.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::identity::outward_id;

    #[test]
    fn settings_that_are_not_used_do_not_change_the_hash() {
        // What release 0.1.0 made of the standard settings before calendars existed: whoever stored state with it keeps it.
        let text = format!("{:?}", DetectSettings::standard());
        assert_eq!(outward_id("cfg_", &[&text]), "cfg_805305fc18209d9c");
    }

    #[test]
    fn settings_that_are_used_do() {
        let mut settings = DetectSettings::standard();
        settings.calendars.push(Calendar {
            name: "holidays".into(),
            days_before: 0,
            days_after: 0,
            entries: Vec::new(),
        });
        let plain = format!("{:?}", DetectSettings::standard());
        assert_ne!(format!("{settings:?}"), plain);
        let mut settings = DetectSettings::standard();
        settings.views[0].method = Some("ears_c1".into());
        assert_ne!(format!("{settings:?}"), plain);
        settings.views[0].method = Some(crate::series::DEFAULT_METHOD.into());
        assert_eq!(format!("{settings:?}"), plain);
    }
}
