//! The badge on every page: up to when the figures are true, and whether they should be newer.

use crate::ports::PartState;
use crate::state::Surroundings;
use crate::words::{duration, time};
use auscult_core::time::Timestamp;
use maud::{Markup, html};

/// How fresh, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// As new as it can be.
    Fresh,
    /// Older than it should be, or a part is late.
    Behind,
    /// A part does not work.
    Failing,
    /// Nothing was seen yet.
    Empty,
}

impl Level {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Level::Fresh => "fresh",
            Level::Behind => "behind",
            Level::Failing => "failing",
            Level::Empty => "no_data",
        }
    }

    /// Word and shape; the colour only repeats them.
    fn label(self) -> &'static str {
        match self {
            Level::Fresh => "● Fresh",
            Level::Behind => "◆ Behind",
            Level::Failing => "▲ Failing",
            Level::Empty => "○ No data yet",
        }
    }
}

/// The badge.
#[derive(Debug, Clone)]
pub(crate) struct Freshness {
    pub level: Level,
    /// Why it is so.
    pub words: String,
    newest: Option<Timestamp>,
}

impl Freshness {
    /// Worst news first: a failing part, a late part, silent feeds, old data.
    pub(crate) fn of(around: &Surroundings, behind_after: i64) -> Freshness {
        let newest = around.overview.newest_bucket_end;
        let worst = around
            .health
            .parts
            .iter()
            .max_by_key(|part| part.state)
            .filter(|part| part.state != PartState::Ok);
        let silent = around
            .overview
            .feeds
            .iter()
            .filter(|feed| feed.state != "ok")
            .count();
        let age = newest.map(|newest| around.now.0.saturating_sub(newest.0));
        let (level, words) = match (worst, age) {
            (Some(part), _) if part.state == PartState::Failed => {
                (Level::Failing, format!("{}: {}", part.name, part.detail))
            }
            (Some(part), _) => (Level::Behind, format!("{}: {}", part.name, part.detail)),
            (None, None) => (Level::Empty, "no period has been closed yet".to_owned()),
            (None, Some(age)) if age > behind_after => (
                Level::Behind,
                format!("the newest closed period ended {} ago", duration(age)),
            ),
            (None, Some(_)) if silent > 0 => (
                Level::Behind,
                format!(
                    "{silent} of {} feeds deliver nothing",
                    around.overview.feeds.len()
                ),
            ),
            (None, Some(_)) => (Level::Fresh, "all feeds deliver".to_owned()),
        };
        Freshness {
            level,
            words,
            newest,
        }
    }

    pub(super) fn badge(&self) -> Markup {
        html! {
            p.freshness data-level=(self.level.as_str()) data-live="freshness" {
                strong { (self.level.label()) }
                @if let Some(newest) = self.newest { span { "Figures up to " (time(newest)) } }
                span { (self.words) }
            }
        }
    }
}
