//! What people do about signals, and what they say beforehand that it is to change.
//!
//! Decision: each event of an action is the whole of it, and rules between two of them ([`Action::follows`]) hold what was
//! promised: a target is frozen when its action starts, and nothing goes back. A log of changes to single fields would have
//! made each reader put an action together, each in its own way
//! ([0043](../../../docs/decisions/0043-outcomes-by-the-detector.md)).

use crate::time::Timestamp;
use crate::words::{
    ActionKind, ActionState, ComparisonKind, Direction, Measure, NextStep, ValueDimension,
};
use serde::{Deserialize, Serialize};

/// Longest hypothesis or learning, in bytes.
pub const MAX_ACTION_TEXT_BYTES: usize = 4_096;
/// Most buckets an outcome is measured over: more than a year of days.
pub const MAX_BUCKETS_AFTER: u32 = 400;
/// Most signals of one action.
pub const MAX_ACTION_SIGNALS: usize = 100;

/// An action, as it travels through the log. Each event of an action is the whole of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Id of the event that says so.
    pub event_id: String,
    /// Id of the action.
    pub action_id: String,
    /// Portfolio of its signals.
    pub portfolio: String,
    /// Signals it is about.
    pub signal_ids: Vec<String>,
    /// Incident they belong to.
    pub incident_id: String,
    /// Where it stands.
    pub state: ActionState,
    /// Who answers for it, by reference.
    pub owner: String,
    /// Day it is due, `YYYY-MM-DD`.
    pub due: String,
    /// What is done.
    pub kind: ActionKind,
    /// Why it should help; of no action, the reason.
    pub hypothesis: String,
    /// What is to change.
    pub target: Option<Target>,
    /// What it is compared with.
    pub comparison: Option<Comparison>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// What people made of its outcome.
    pub review: Option<Review>,
    /// Who says so, by reference.
    pub actor: String,
    /// When this was said; a later one replaces an earlier one.
    pub recorded_at: Timestamp,
}

/// What is to change, said beforehand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// What is measured.
    pub measure: Measure,
    /// The series.
    pub series_id: String,
    /// Which way is better.
    pub direction: Direction,
    /// Relative change expected: −0.3 is 30 % less.
    pub expected_effect: f64,
    /// Smallest relative change that matters, signed as the expected one.
    pub smallest_relevant_effect: f64,
    /// Buckets its outcome is measured over; `None`: as many as are usual at the width of the series.
    pub buckets_after: Option<u32>,
    /// What it is to be worth to customers.
    pub value_dimension: Option<ValueDimension>,
}

/// A series that nothing is done about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// What sets it apart.
    pub kind: ComparisonKind,
    /// The series; empty: none.
    pub series_id: String,
}

/// What people made of an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// What was learnt.
    pub learning: String,
    /// What is done next.
    pub next: NextStep,
    /// Who says so; not the owner.
    pub reviewed_by: String,
}

/// Why an action's event is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActionRefusal {
    /// It is not newer than what is known.
    #[error("an event of this action that is as new or newer is known")]
    NotNewer,
    /// It was done or cancelled.
    #[error("the action is {0}: only a review can follow, record a new action instead")]
    Over(ActionState),
    /// It would go back.
    #[error("the action is {from} and cannot become {to}")]
    Backwards {
        /// What it is.
        from: ActionState,
        /// What it would become.
        to: ActionState,
    },
    /// It was never started.
    #[error("the action was never started, so it cannot be done: start it first, or cancel it")]
    NeverStarted,
    /// Doing nothing has no beginning.
    #[error("no_action cannot be started: record it as done, with the reason as its hypothesis")]
    NothingToStart,
    /// Kind, owner, target, comparison or start differ from what they were at the start.
    #[error(
        "kind, owner, target, comparison and start are frozen since the action was started: leave them as they were"
    )]
    Frozen,
    /// The owner would be the only judge of the own work.
    #[error("the owner of an action cannot review its outcome: somebody else must")]
    OwnReview,
}

impl Action {
    /// What an action in this state must say and does not: the places of the contract's fields. Nothing can be started
    /// before somebody answers for it and has said what it is to change, by how much, and until when (L06).
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        let mut need = |place: &'static str, is_there: bool| {
            if !is_there {
                missing.push(place);
            }
        };
        need("action_id", !self.action_id.is_empty());
        need("signal_ids", !self.signal_ids.is_empty());
        if self.kind == ActionKind::NoAction {
            need("hypothesis", !self.hypothesis.is_empty());
        } else if matches!(self.state, ActionState::Started | ActionState::Done) {
            need("owner", !self.owner.is_empty());
            need("due", !self.due.is_empty());
            need("hypothesis", !self.hypothesis.is_empty());
            need("target", self.target.is_some());
            if let Some(target) = &self.target {
                need("target/series_id", !target.series_id.is_empty());
                need("target/expected_effect", target.expected_effect != 0.0);
            }
            need("started_at", self.started_at.is_some());
        }
        need("actor", !self.actor.is_empty());
        missing
    }

    /// Whether this may be the next event of the action `former` is the newest of.
    ///
    /// # Errors
    /// [`ActionRefusal`].
    pub fn follows(&self, former: Option<&Action>) -> Result<(), ActionRefusal> {
        let nothing = self.kind == ActionKind::NoAction;
        if nothing && self.state == ActionState::Started {
            return Err(ActionRefusal::NothingToStart);
        }
        let by_owner = |review: &Review| review.reviewed_by == self.owner;
        if self.review.as_ref().is_some_and(by_owner) {
            return Err(ActionRefusal::OwnReview);
        }
        let Some(former) = former else {
            return if self.state == ActionState::Done && !nothing {
                Err(ActionRefusal::NeverStarted)
            } else {
                Ok(())
            };
        };
        if self.recorded_at <= former.recorded_at {
            return Err(ActionRefusal::NotNewer);
        }
        let is_over = matches!(former.state, ActionState::Done | ActionState::Cancelled);
        if is_over && self.state != former.state {
            return Err(ActionRefusal::Over(former.state));
        }
        if !is_over && self.state < former.state {
            return Err(ActionRefusal::Backwards {
                from: former.state,
                to: self.state,
            });
        }
        if former.state >= ActionState::Started && !self.keeps_plan_of(former) {
            return Err(ActionRefusal::Frozen);
        }
        if self.state == ActionState::Done && former.state < ActionState::Started && !nothing {
            return Err(ActionRefusal::NeverStarted);
        }
        Ok(())
    }

    /// Whether it begins with this event. A proposal may name its start beforehand: naming it begins nothing.
    #[must_use]
    pub fn begins(&self, former: Option<&Action>) -> bool {
        self.state == ActionState::Started
            && former.is_none_or(|former| former.state < ActionState::Started)
    }

    fn keeps_plan_of(&self, former: &Action) -> bool {
        self.kind == former.kind
            && self.target == former.target
            && self.comparison == former.comparison
            && self.started_at == former.started_at
            && self.owner == former.owner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(state: ActionState, recorded_at: i64) -> Action {
        Action {
            event_id: format!("event-{recorded_at}"),
            action_id: "a_1".into(),
            portfolio: "acme|DE".into(),
            signal_ids: vec!["al_1".into()],
            incident_id: "inc_1".into(),
            state,
            owner: "u_1".into(),
            due: "2026-06-30".into(),
            kind: ActionKind::AccessSupport,
            hypothesis: "A guide lowers the burden.".into(),
            target: Some(Target {
                measure: Measure::Mentions,
                series_id: "s_1".into(),
                direction: Direction::Down,
                expected_effect: -0.3,
                smallest_relevant_effect: -0.1,
                buckets_after: None,
                value_dimension: None,
            }),
            comparison: None,
            started_at: Some(Timestamp(1_000)),
            review: None,
            actor: "u_1".into(),
            recorded_at: Timestamp(recorded_at),
        }
    }

    #[test]
    fn it_cannot_start_before_it_is_said_what_it_is_to_change() {
        assert_eq!(action(ActionState::Started, 1).missing(), [""; 0]);
        let vague = Action {
            owner: String::new(),
            due: String::new(),
            hypothesis: String::new(),
            target: None,
            started_at: None,
            ..action(ActionState::Started, 1)
        };
        let all = ["owner", "due", "hypothesis", "target", "started_at"];
        assert_eq!(vague.missing(), all);
        let idea = Action {
            state: ActionState::Proposed,
            ..vague
        };
        assert_eq!(idea.missing(), [""; 0], "an idea may be vague");
        let unnamed = Action {
            kind: ActionKind::NoAction,
            ..idea
        };
        assert_eq!(
            unnamed.missing(),
            ["hypothesis"],
            "no action needs a reason"
        );
    }

    #[test]
    fn it_moves_forward_only_and_what_was_promised_is_frozen() {
        use ActionState::{Approved, Cancelled, Done, Proposed, Started};
        let from = |state| action(state, 1);
        let to = |state| action(state, 2);
        for (first, second) in [
            (Proposed, Started),
            (Approved, Cancelled),
            (Started, Started),
            (Started, Done),
            (Started, Cancelled),
            (Done, Done),
        ] {
            assert_eq!(to(second).follows(Some(&from(first))), Ok(()));
        }
        assert_eq!(to(Started).follows(None), Ok(()));
        assert!(to(Started).begins(None) && to(Started).begins(Some(&from(Approved))));
        assert!(!to(Started).begins(Some(&from(Started))));
        assert!(
            !to(Cancelled).begins(Some(&from(Proposed))),
            "its start was only planned"
        );
        let refused = |next: Action, former: Option<&Action>| next.follows(former).unwrap_err();
        assert_eq!(refused(to(Done), None), ActionRefusal::NeverStarted);
        assert_eq!(
            refused(to(Done), Some(&from(Approved))),
            ActionRefusal::NeverStarted
        );
        assert_eq!(
            refused(to(Proposed), Some(&from(Started))),
            ActionRefusal::Backwards {
                from: Started,
                to: Proposed
            }
        );
        assert_eq!(
            refused(to(Started), Some(&from(Cancelled))),
            ActionRefusal::Over(Cancelled)
        );
        assert_eq!(
            refused(from(Started), Some(&from(Started))),
            ActionRefusal::NotNewer
        );
        let mut softer = to(Done);
        softer.target.as_mut().unwrap().expected_effect = -0.01;
        assert_eq!(
            refused(softer, Some(&from(Started))),
            ActionRefusal::Frozen,
            "S4: a measure changed after the start is refused"
        );
    }

    #[test]
    fn nobody_is_the_only_judge_of_the_own_work() {
        let reviewed = |by: &str| Action {
            review: Some(Review {
                learning: "It was used by few.".into(),
                next: NextStep::Adjust,
                reviewed_by: by.into(),
            }),
            ..action(ActionState::Done, 2)
        };
        let started = action(ActionState::Started, 1);
        assert_eq!(
            reviewed("u_1").follows(Some(&started)),
            Err(ActionRefusal::OwnReview)
        );
        assert_eq!(reviewed("u_70").follows(Some(&started)), Ok(()));
    }
}
