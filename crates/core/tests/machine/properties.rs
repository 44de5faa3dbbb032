//! Properties of the machine over arbitrary histories: mentions of few people about few things, corrections, copies,
//! stragglers, bursts, answers, and a watermark that moves by leaps.

use super::feed::{self, REGIONS, START, THEMES, marker};
use auscult_core::action::{Action, Target};
use auscult_core::disposition::Disposition;
use auscult_core::effect::{Effect, Rejection};
use auscult_core::input::Input;
use auscult_core::mention::{Mention, Signature};
use auscult_core::outcome::Outcome;
use auscult_core::partition::Partition;
use auscult_core::settings::{CheckedDetectSettings, DetectSettings, Floors, NewThemes};
use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_core::words::{
    ActionKind, ActionState, AlertChange, Cause, Decision, Direction, DispositionScope,
    OutcomeVerdict, Priority, SourceType,
};
use auscult_language::near_duplicate::LEAST_WORDS;
use auscult_language::words::Words;
use proptest::prelude::*;
use proptest::sample::Index;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// Somebody says something; the same feedback again is a correction, the same version a duplicate.
    Say(Saying),
    /// As many people say the same of one product and theme today.
    Burst(u8, Saying),
    /// The watermark moves.
    Pass(u8),
    /// A person answers one of the signals raised so far, if there are any.
    /// With, for a new trend, how many days from now it begins.
    Answer(Index, Decision, Option<i64>),
    /// An action is started on one of the signals raised so far, so many days ago, or cancelled.
    Act(Index, ActionState, u8),
    /// The turn is committed.
    Commit,
}

#[derive(Debug, Clone)]
struct Saying {
    feedback: u8,
    version: u8,
    days_ago: u8,
    hour: u8,
    product: usize,
    theme: usize,
    region: usize,
    person: u8,
    thread: Option<u8>,
    rating: Option<u16>,
    feeling: i16,
    words: Option<u8>,
}

fn saying() -> impl Strategy<Value = Saying> {
    let when = (
        0_u8..80,
        0_u8..3,
        prop_oneof![6 => Just(0_u8), 1 => 1_u8..8],
        0_u8..24,
    );
    let what = (0_usize..2, 0_usize..2, 0_usize..2);
    let who = (0_u8..30, prop::option::weighted(0.1, 0_u8..4));
    let how = (
        prop::option::of(0_u16..=1000),
        -900_i16..900,
        prop::option::weighted(0.3, 0_u8..3),
    );
    (when, what, who, how).prop_map(|(when, what, who, how)| Saying {
        feedback: when.0,
        version: when.1,
        days_ago: when.2,
        hour: when.3,
        product: what.0,
        theme: what.1,
        region: what.2,
        person: who.0,
        thread: who.1,
        rating: how.0,
        feeling: how.1,
        words: how.2,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let decision = prop::sample::select(vec![
        Decision::Confirmed,
        Decision::FalseAlarm,
        Decision::NewTrend,
    ]);
    prop_oneof![
        8 => saying().prop_map(Step::Say),
        2 => (5_u8..60, saying()).prop_map(|(people, saying)| Step::Burst(people, saying)),
        6 => (1_u8..4).prop_map(Step::Pass),
        1 => (any::<Index>(), decision, prop::option::of(-3_i64..5))
            .prop_map(|(which, decision, from)| Step::Answer(which, decision, from)),
        1 => (any::<Index>(), prop::sample::select(vec![ActionState::Started, ActionState::Cancelled]), 0_u8..6)
            .prop_map(|(which, state, days_ago)| Step::Act(which, state, days_ago)),
        3 => Just(Step::Commit),
    ]
}

/// Short memories and low floors, so that a short history holds everything.
fn settings() -> Arc<CheckedDetectSettings> {
    let written = DetectSettings {
        restatement_horizon: 5 * DAY,
        cold_start_buckets: 3,
        near_duplicates_remembered: 12,
        new_themes: NewThemes {
            least_people: 3,
            least_sources: 1,
            warm_up_buckets: 1,
            half_life_buckets: 3,
            patience_buckets: 2,
            most_texts: 40,
        },
        floors: Floors {
            items: 2,
            absolute: 2.0,
            ..DetectSettings::standard().floors
        },
        ..DetectSettings::standard()
    };
    Arc::new(written.check().expect("sound settings"))
}

impl Saying {
    /// As said on `day`, by the `copy`-th of those who say it.
    fn mention(&self, day: i64, copy: u8, watermark: Timestamp) -> Mention<'static> {
        // The look of a mention only; nothing random is left of it.
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let (product, theme) = (["alpha", "beta"][self.product], THEMES[self.theme]);
        let mut mention = feed::mention(0, 0, &mut random, product, theme, REGIONS[self.region]);
        let feedback = format!("f-{}-{copy}", self.feedback);
        mention.event_id = format!("{feedback}-{}", self.version).into();
        mention.feedback_id = feedback.into();
        let day = day - i64::from(self.days_ago);
        mention.occurred_at = START.plus(day * DAY + i64::from(self.hour) * HOUR + i64::from(copy));
        mention.recorded_at = mention.occurred_at.plus(i64::from(self.version) * HOUR);
        mention.watermark = watermark;
        mention.who.person = Some(format!("p-{}-{copy}", self.person).into());
        mention.thread = self.thread.map(|thread| format!("t-{thread}").into());
        mention.rating = self.rating;
        mention.sentiment = Some(self.feeling);
        if let Some(words) = self.words {
            let text: String = (0..12).map(|at| format!("word{words}x{at} ")).collect();
            mention.signature = Signature::of(&Words::of(&text), LEAST_WORDS, false);
            mention.text = text.into();
            mention.who.source = SourceType::Social;
        }
        mention
    }
}

/// A partition with what a log would hold of it.
struct Run {
    partition: Partition,
    stored: BTreeMap<Vec<u8>, Vec<u8>>,
    effects: Vec<Effect>,
    day: i64,
    /// How often each mention is offered.
    times: usize,
    /// Whether the process dies after every commit.
    dies: bool,
}

impl Run {
    fn of(steps: &[Step], times: usize, dies: bool) -> Run {
        let mut run = Run {
            partition: Partition::new(settings()),
            stored: BTreeMap::new(),
            effects: Vec::new(),
            day: 0,
            times,
            dies,
        };
        for step in steps {
            run.step(step);
        }
        run.step(&Step::Pass(9));
        run.step(&Step::Commit);
        run
    }

    /// Two hours of lateness, as elsewhere.
    fn watermark(&self) -> Timestamp {
        START.plus(self.day * DAY - 2 * HOUR)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Say(saying) => self.say(saying, 0),
            Step::Burst(people, saying) => {
                for copy in 0..*people {
                    self.say(saying, copy);
                }
            }
            Step::Pass(days) => {
                self.day += i64::from(*days);
                let passed = marker(0, 1, self.watermark());
                self.partition
                    .apply(&Input::Marker(&passed), &mut self.effects);
            }
            Step::Answer(which, decision, from) => self.answer(*which, *decision, *from),
            Step::Act(which, state, days_ago) => self.act(*which, *state, *days_ago),
            Step::Commit => self.commit(),
        }
    }

    fn say(&mut self, saying: &Saying, copy: u8) {
        let mention = saying.mention(self.day, copy, self.watermark());
        for _ in 0..self.times {
            self.partition
                .apply(&Input::Mention(&mention), &mut self.effects);
        }
    }

    fn answer(&mut self, which: Index, decision: Decision, from: Option<i64>) {
        let raised: Vec<_> = feed::alerts(&self.effects);
        if raised.is_empty() {
            return;
        }
        let alert = which.get(&raised);
        let disposition = Disposition {
            disposition_id: format!("d-{}-{}", alert.signal_id, decision.as_str()),
            portfolio: alert.portfolio.clone(),
            signal_id: alert.signal_id.clone(),
            revision_seen: alert.revision,
            decision,
            cause: Cause::Supply,
            comment: String::new(),
            priority: Priority::Normal,
            actor: "u_1".into(),
            actor_function: "insights".into(),
            decided_at: self.watermark(),
            effective_from: from.map(|days| self.watermark().plus(days * DAY)),
            scope: DispositionScope::ThisAlert,
            use_for_learning: true,
        };
        self.partition
            .apply(&Input::Disposition(&disposition), &mut self.effects);
    }

    fn act(&mut self, which: Index, state: ActionState, days_ago: u8) {
        let raised: Vec<_> = feed::alerts(&self.effects);
        if raised.is_empty() {
            return;
        }
        let alert = which.get(&raised);
        let action = Action {
            event_id: format!("e-{}-{}", alert.signal_id, state.as_str()),
            action_id: format!("a-{}", alert.signal_id),
            portfolio: alert.portfolio.clone(),
            signal_ids: vec![alert.signal_id.clone()],
            incident_id: alert.incident_id.clone(),
            state,
            owner: "u_1".into(),
            due: "2026-06-30".into(),
            kind: ActionKind::ServiceFix,
            hypothesis: "It helps.".into(),
            target: Some(Target {
                measure: alert.series.measure,
                series_id: alert.series.id.clone(),
                direction: Direction::Down,
                expected_effect: -0.3,
                smallest_relevant_effect: -0.1,
                buckets_after: Some(4),
                value_dimension: None,
            }),
            comparison: None,
            started_at: Some(self.watermark().plus(-i64::from(days_ago) * DAY)),
            review: None,
            actor: "u_1".into(),
            // Later than whatever was said of it before, in every order of what was said.
            recorded_at: self.watermark().plus(self.effects.len() as i64),
        };
        self.partition
            .apply(&Input::Action(&action), &mut self.effects);
    }

    fn commit(&mut self) {
        for (key, value) in self.partition.take_changes() {
            match value {
                Some(value) => self.stored.insert(key, value),
                None => self.stored.remove(&key),
            };
        }
        if self.dies {
            let records = self.stored.clone().into_iter().collect();
            self.partition = Partition::restore(settings(), records).expect("it restores");
        }
    }

    /// Effects but for refusals.
    fn said(&self) -> Vec<&Effect> {
        let refused = |effect: &&Effect| !matches!(effect, Effect::Rejected(_));
        self.effects.iter().filter(refused).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// `restore ∘ dump` is the identity: whoever dies after every commit says the same, and leaves as many records.
    #[test]
    fn dying_changes_nothing(steps in prop::collection::vec(step(), 1..90)) {
        let (lived, died) = (Run::of(&steps, 1, false), Run::of(&steps, 1, true));
        let differ = lived.effects.iter().zip(&died.effects).find(|(one, other)| one != other);
        prop_assert!(differ.is_none(), "{:?}", differ);
        prop_assert_eq!(lived.effects.len(), died.effects.len());
        // Numbers of chunks may differ: those after the last that is stored are given out again.
        prop_assert_eq!(lived.stored.len(), died.stored.len());
        prop_assert_eq!(lived.partition.counters(), died.partition.counters());
    }

    /// Duplicates are idempotent, and everything read is accounted for.
    #[test]
    fn everything_twice_is_once(steps in prop::collection::vec(step(), 1..90)) {
        let (once, twice) = (Run::of(&steps, 1, true), Run::of(&steps, 2, true));
        prop_assert!(once.said() == twice.said(), "what was said differs");
        let (first, second) = (once.partition.counters(), twice.partition.counters());
        prop_assert_eq!(first.applied, second.applied);
        prop_assert_eq!(second.read, 2 * first.read);
        for counters in [first, second] {
            let told = counters.applied + counters.duplicate + counters.too_late + counters.rejected;
            prop_assert_eq!(counters.read, told);
        }
        let refused = twice.effects.iter().filter(|effect| {
            matches!(effect, Effect::Rejected(Rejection::Duplicate | Rejection::TooLate))
        });
        prop_assert!(refused.count() as u64 >= second.duplicate + second.too_late);
    }

    /// Outcomes of an action grow by one, say what was promised at the start, and hold sound numbers.
    #[test]
    fn outcomes_follow_one_another(steps in prop::collection::vec(step(), 1..90)) {
        let run = Run::of(&steps, 1, true);
        let mut last: BTreeMap<&str, &Outcome> = BTreeMap::new();
        for effect in &run.effects {
            let Effect::Outcome(outcome) = effect else {
                continue;
            };
            let before = last.insert(&outcome.action_id, outcome);
            prop_assert_eq!(outcome.revision, before.map_or(0, |it| it.revision) + 1);
            prop_assert_eq!(before.map_or(&outcome.target, |it| &it.target), &outcome.target);
            let figures = &outcome.figures;
            prop_assert!(before.is_none_or(|it| (&it.figures, it.stage, &it.review) != (figures, outcome.stage, &outcome.review)));
            if let Some(estimate) = figures.estimate {
                prop_assert!(estimate.low <= estimate.effect && estimate.effect <= estimate.high);
                prop_assert!(estimate.low >= -1.0 && estimate.high.is_finite());
            } else {
                prop_assert_eq!(figures.verdict, OutcomeVerdict::Inconclusive);
                prop_assert!(!figures.caveats.is_empty(), "the reason is told");
            }
        }
    }

    /// A signal's life: raised once, revisions from one without gaps, nothing after it was taken back, sound numbers.
    #[test]
    fn signals_live_in_order(steps in prop::collection::vec(step(), 1..90)) {
        let run = Run::of(&steps, 1, false);
        let mut revisions: BTreeMap<&str, u32> = BTreeMap::new();
        let mut taken_back: BTreeSet<&str> = BTreeSet::new();
        for alert in feed::alerts(&run.effects) {
            let id = alert.signal_id.as_str();
            let before = revisions.insert(id, alert.revision);
            prop_assert_eq!(alert.revision, before.unwrap_or(0) + 1, "{} {:?}", id, alert.change);
            prop_assert_eq!(before.is_none(), alert.change == AlertChange::Raised);
            let is_answer = alert.disposition.is_some();
            prop_assert!(!taken_back.contains(id) || is_answer, "{} after its end", id);
            if alert.change == AlertChange::Retracted {
                taken_back.insert(id);
            }
            prop_assert!((0.0..=1.0).contains(&alert.p_value), "{}", alert.p_value);
            prop_assert!(alert.expected.is_finite() && alert.observed.is_finite());
        }
    }
}
