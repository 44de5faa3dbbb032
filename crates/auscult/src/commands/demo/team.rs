//! The demo's listening team: acts on the first signals, and waits to see whether it helped.
//!
//! It is no part of the product. What it does changes nothing in the feed, so an honest outcome is that nothing came of it, or
//! that a level which was acted on because it was high fell by itself; the page Impact says which.

use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::service::Service;
use crate::settings::Settings;
use auscult_core::identity::outward_id;
use auscult_core::time::{BucketWidth, DAY, HOUR, Timestamp, words_for};
use auscult_core::words::{ActionKind, ActionState, Direction, Measure};
use auscult_engine::log::{Append, Log, LogEvent, Outgoing};
use auscult_wire::action::TargetData;
use auscult_wire::{ActionData, AlertData, OutcomeData, decode_outcome, encode_action};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Signals acted on.
const MOST_ACTIONS: usize = 3;
/// How long the team thinks before it acts.
const THINKS: i64 = 12 * HOUR;
/// Days an outcome is measured over: two whole weeks, so that the live part shows a final one.
const DAYS_AFTER: u32 = 14;

/// An action that is to begin.
struct Planned {
    at: Timestamp,
    portfolio: String,
    action: ActionData,
}

/// The team: what it has decided, and what it has heard of it.
pub struct Team {
    actions: Arc<str>,
    outcomes: auscult_store::log::Consumer,
    planned: Vec<Planned>,
    /// What each action is about, for the lines that are printed.
    titles: BTreeMap<String, String>,
}

impl Team {
    /// A team that has decided nothing yet.
    pub fn new(service: &Service, settings: &Settings) -> Result<Team, Failure> {
        let topics = &settings.engine.topics;
        Ok(Team {
            actions: topics.actions.as_str().into(),
            outcomes: super::consumer(service, "demo-team", &topics.outcomes)?,
            planned: Vec::new(),
            titles: BTreeMap::new(),
        })
    }

    /// Hears of a signal that was just raised, in its portfolio.
    pub fn hear(&mut self, portfolio: &str, alert: &AlertData) {
        let can_be_measured = alert.series.measure != Measure::MeanRating
            && BucketWidth::of_iso(&alert.window.bucket) == Some(BucketWidth::Day);
        if alert.revision != 1 || self.titles.len() >= MOST_ACTIONS || !can_be_measured {
            return;
        }
        let at = alert.as_of.plus(THINKS);
        let action = action(alert, at);
        self.titles
            .insert(action.action_id.clone(), alert.title.clone());
        self.planned.push(Planned {
            at,
            portfolio: portfolio.to_owned(),
            action,
        });
    }

    /// Begins what is due at `now`, and tells what came of what was begun.
    pub fn work(&mut self, now: Timestamp, appender: &dyn Append) -> Outcome {
        let is_due = |planned: &Planned| planned.at <= now;
        let (due, later) = std::mem::take(&mut self.planned)
            .into_iter()
            .partition::<Vec<_>, _>(is_due);
        self.planned = later;
        let records: Vec<Outgoing> = due
            .iter()
            .map(|planned| {
                let tenant = planned.portfolio.split('|').next().unwrap_or_default();
                let encoded = encode_action(tenant, &planned.portfolio, &planned.action);
                Outgoing {
                    topic: Arc::clone(&self.actions),
                    partition: None,
                    key: Some(encoded.key),
                    headers: encoded.headers,
                    value: encoded.value,
                }
            })
            .collect();
        if !records.is_empty() {
            appender.append(records).or_fail(Kind::Store)?;
        }
        for planned in &due {
            let title = self.title(&planned.action.action_id);
            self.tell(planned.at, "action", "started", title);
        }
        self.listen()
    }

    /// Tells every outcome that has come.
    pub fn listen(&mut self) -> Outcome {
        let events = self
            .outcomes
            .poll(1_024, Duration::ZERO)
            .or_fail(Kind::Store)?;
        for event in events {
            let LogEvent::Record(record) = event else {
                continue;
            };
            let value = record.value.as_deref().unwrap_or_default();
            if let Ok(event) = decode_outcome(&record.headers, value) {
                let outcome = &event.data;
                let words = format!("{} {}", self.title(&outcome.action_id), came_to(outcome));
                self.tell(outcome.as_of, "outcome", outcome.stage.as_str(), &words);
            }
        }
        Ok(())
    }

    fn title(&self, action_id: &str) -> &str {
        self.titles.get(action_id).map_or("", String::as_str)
    }

    fn tell(&self, at: Timestamp, what: &str, stage: &str, words: &str) {
        super::say(&format!(
            "{}      {what:<9} {stage:<8} {words}\n",
            words_for(at, BucketWidth::Hour)
        ));
    }
}

/// What the team does about a signal: the series is to go back by a third.
fn action(alert: &AlertData, at: Timestamp) -> ActionData {
    let falls = alert.observed > alert.expected;
    let sign = if falls { -1.0 } else { 1.0 };
    ActionData {
        action_id: outward_id("a_", &["demo", &alert.signal_id]),
        portfolio: String::new(),
        signal_ids: vec![alert.signal_id.clone()],
        incident_id: alert.incident_id.clone(),
        state: ActionState::Started,
        owner: "demo-team".to_owned(),
        due: auscult_wire::time::format(at.plus(30 * DAY))[..10].to_owned(),
        kind: ActionKind::ServiceFix,
        hypothesis: format!(
            "What people say of {} has a cause we can remove.",
            alert.title
        ),
        target: Some(TargetData {
            measure: alert.series.measure,
            series_id: alert.series.id.clone(),
            direction: if falls {
                Direction::Down
            } else {
                Direction::Up
            },
            expected_effect: sign * 0.3,
            smallest_relevant_effect: sign * 0.1,
            buckets_after: Some(DAYS_AFTER),
            value_dimension: None,
        }),
        comparison: None,
        approvals: Vec::new(),
        told_back: None,
        started_at: Some(at),
        review: None,
        actor: "demo-team".to_owned(),
        recorded_at: Some(at),
    }
}

fn came_to(outcome: &OutcomeData) -> String {
    let verdict = outcome.verdict.as_str().replace('_', " ");
    match (outcome.estimate, &outcome.interval) {
        (Some(estimate), Some(interval)) => format!(
            "{verdict}: {:+.0} % ({:+.0} to {:+.0})",
            100.0 * estimate,
            100.0 * interval.low,
            100.0 * interval.high
        ),
        _ => verdict,
    }
}
