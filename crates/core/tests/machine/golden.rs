//! Golden cases: files that say what is fed in and which alerts must come out, each run straight, crashed and restored
//! after every turn, and re-interleaved.
//!
//! `AUSCULT_BLESS=1 cargo test -p auscult-core --test machine golden` writes the expectations anew; read the difference.

#![expect(clippy::disallowed_methods, reason = "the cases are files")]

use crate::feed::{self, Feed, Order, START, Surge, alerts, run};
use auscult_core::alert::Alert;
use auscult_core::disposition::Disposition;
use auscult_core::effect::Effect;
use auscult_core::input::Input;
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::settings::{CheckedDetectSettings, DetectSettings};
use auscult_core::time::{DAY, Timestamp, civil_date};
use auscult_core::words::{AlertChange, Cause, Decision, DispositionScope, Priority};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One file of `tests/golden`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What must hold, in a sentence.
    about: String,
    seed: u64,
    days: i64,
    per_day: u32,
    edits: Vec<Edit>,
    /// Answer given to the newest signal raised before that day.
    #[serde(default)]
    answer: Option<Answer>,
    /// Alerts that would notify somebody or belong to a signal that did.
    expected: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    day: i64,
    decision: Decision,
}

/// A change of the quiet feed. Days are counted from the feed's first.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Edit {
    /// More of one product and theme in one region.
    Surge {
        from: i64,
        days: i64,
        extra: u32,
        product: String,
        theme: String,
        region: String,
    },
    /// Of this product's mentions of this theme only one in `keep_one_in` stays; 0: none.
    Thin {
        from: i64,
        days: i64,
        product: String,
        theme: String,
        keep_one_in: usize,
    },
    /// One mention in three comes from a second feed, which stops.
    LoseFeed { from: i64 },
    /// A burst that happened on one day and arrives on another.
    Late {
        happened: i64,
        arrives: i64,
        items: u64,
        product: String,
        theme: String,
        region: String,
    },
    /// That burst is corrected away: it was about something else.
    Correct { arrives: i64 },
    /// Everything of these days is sent twice.
    Twice { from: i64, days: i64 },
    /// People say something of their own, without a theme, spread over so many channels.
    Subject {
        from: i64,
        days: i64,
        people_a_day: u64,
        channels: usize,
        text: String,
    },
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn settings() -> Arc<CheckedDetectSettings> {
    let mut written = DetectSettings::standard();
    written.new_themes.least_people = 8;
    Arc::new(written.check().expect("sound"))
}

/// A mention and the day on which it arrives, if that is not the day it happened.
type Arrival = (Timestamp, Mention<'static>);

impl Case {
    fn partitions(&self) -> Vec<Vec<Mention<'static>>> {
        let surges: Vec<Surge> = self.edits.iter().filter_map(Edit::surge).collect();
        let base = Feed {
            days: self.days,
            per_day: self.per_day,
            partitions: 3,
            surges,
            seed: self.seed,
        };
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ 0x5eed);
        let mut partitions = Vec::new();
        for (number, mentions) in base.mentions().into_iter().enumerate() {
            let mut arrivals: Vec<Arrival> = mentions
                .into_iter()
                .map(|mention| (mention.occurred_at, mention))
                .collect();
            let mut late = Vec::new();
            for edit in &self.edits {
                edit.apply(number, &mut arrivals, &mut late, &mut random);
            }
            arrivals.sort_by_key(|(at, _)| *at);
            let mut mentions: Vec<Mention<'static>> =
                arrivals.into_iter().map(|(_, mention)| mention).collect();
            feed::stamp(&mut mentions);
            partitions.push(mentions);
        }
        partitions
    }

    /// All alerts, by one way of running.
    fn run(&self, order: &Order, crash: bool) -> (Vec<Alert>, Partition) {
        let partitions = self.partitions();
        let mut stored: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut at_turn = |mut machine: Partition| {
            if !crash {
                return machine;
            }
            for (key, value) in machine.take_changes() {
                match value {
                    Some(value) => stored.insert(key, value),
                    None => stored.remove(&key),
                };
            }
            Partition::restore(settings(), stored.clone().into_iter().collect()).expect("restores")
        };
        let until = self
            .answer
            .as_ref()
            .map(|answer| START.plus(answer.day * DAY));
        let (before, after) = split(&partitions, until);
        let (mut machine, mut effects) =
            run(&before, order, Partition::new(settings()), &mut at_turn);
        if let Some(answer) = &self.answer {
            let id = alerts(&effects)
                .into_iter()
                .rfind(|alert| alert.change == AlertChange::Raised)
                .expect("something was raised before the answer")
                .signal_id
                .clone();
            machine.apply(
                &Input::Disposition(&disposition(id, answer.decision)),
                &mut effects,
            );
            machine = at_turn(machine);
            let (last, more) = run(&after, order, machine, &mut at_turn);
            machine = last;
            effects.extend(more);
        }
        let found = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Alert(alert) => Some((**alert).clone()),
                _ => None,
            })
            .collect();
        (found, machine)
    }
}

/// What happened before `until`, and the rest, per partition.
fn split(
    partitions: &[Vec<Mention<'static>>],
    until: Option<Timestamp>,
) -> (Vec<Vec<Mention<'static>>>, Vec<Vec<Mention<'static>>>) {
    let Some(until) = until else {
        return (partitions.to_vec(), Vec::new());
    };
    partitions
        .iter()
        .map(|mentions| {
            mentions
                .iter()
                .cloned()
                .partition::<Vec<_>, _>(|mention| mention.occurred_at < until)
        })
        .unzip()
}

fn disposition(signal_id: String, decision: Decision) -> Disposition {
    Disposition {
        disposition_id: "d_golden".into(),
        portfolio: "acme|DE".into(),
        signal_id,
        revision_seen: 1,
        decision,
        cause: Cause::Supply,
        comment: String::new(),
        priority: Priority::Normal,
        actor: "u_1".into(),
        actor_function: "insights".into(),
        decided_at: Timestamp(0),
        effective_from: None,
        scope: DispositionScope::ThisAlert,
        use_for_learning: true,
    }
}

impl Edit {
    fn surge(&self) -> Option<Surge> {
        let Edit::Surge {
            from,
            days,
            extra,
            product,
            theme,
            region,
        } = self
        else {
            return None;
        };
        Some(Surge {
            from_day: *from,
            days: *days,
            extra_per_day: *extra,
            product: product.clone().leak(),
            theme: theme.clone().leak(),
            region: region.clone().leak(),
        })
    }

    fn apply(
        &self,
        partition: usize,
        arrivals: &mut Vec<Arrival>,
        late: &mut Vec<Mention<'static>>,
        random: &mut ChaCha8Rng,
    ) {
        let span = |from: i64, days: i64| START.plus(from * DAY)..START.plus((from + days) * DAY);
        match self {
            Edit::Surge { .. } => {}
            Edit::Thin {
                from,
                days,
                product,
                theme,
                keep_one_in,
            } => {
                let span = span(*from, *days);
                let mut number = 0_usize;
                arrivals.retain(|(_, mention)| {
                    let touched = span.contains(&mention.occurred_at)
                        && mention.about.products[0] == *product
                        && mention.themes[0].theme == *theme;
                    number += usize::from(touched);
                    !touched || (*keep_one_in > 0 && number.is_multiple_of(*keep_one_in))
                });
            }
            Edit::LoseFeed { from } => {
                for (_, mention) in arrivals.iter_mut().step_by(3) {
                    mention.feed = "social/x/social".into();
                    mention.who.region = "east".into();
                }
                let end = START.plus(from * DAY);
                arrivals.retain(|(_, mention)| {
                    mention.feed != "social/x/social" || mention.occurred_at < end
                });
            }
            Edit::Late {
                happened,
                arrives,
                items,
                product,
                theme,
                region,
            } if partition == 0 => {
                for number in 0..*items {
                    let mention =
                        feed::mention(900_000 + number, *happened, random, product, theme, region);
                    arrivals.push((START.plus(arrives * DAY), mention.clone()));
                    late.push(mention);
                }
            }
            Edit::Correct { arrives } if partition == 0 => {
                for mention in late.iter() {
                    let mut corrected = mention.clone();
                    corrected.event_id = format!("{}-corrected", mention.event_id).into();
                    corrected.recorded_at = mention.recorded_at.plus(10 * DAY);
                    corrected.about.products = vec!["gamma".into()];
                    corrected.themes[0].theme =
                        format!("other.{}", random.random_range(0..40)).into();
                    corrected.who.region = "".into();
                    arrivals.push((START.plus(arrives * DAY), corrected));
                }
            }
            Edit::Subject {
                from,
                days,
                people_a_day,
                channels,
                text,
            } if partition == 0 => {
                for day in *from..*from + *days {
                    let said = feed::subject(day, *people_a_day, *channels, text, random);
                    arrivals.extend(said.into_iter().map(|one| (one.occurred_at, one)));
                }
            }
            Edit::Late { .. } | Edit::Correct { .. } | Edit::Subject { .. } => {}
            Edit::Twice { from, days } => {
                let span = span(*from, *days);
                let again: Vec<Arrival> = arrivals
                    .iter()
                    .filter(|(_, mention)| span.contains(&mention.occurred_at))
                    .cloned()
                    .collect();
                arrivals.extend(again);
            }
        }
    }
}

fn day(at: Timestamp) -> String {
    let (year, month, day) = civil_date(at);
    format!("{year}-{month:02}-{day:02}")
}

/// One alert in a line: what a reader of a difference needs.
fn line(alert: &Alert) -> String {
    let values: Vec<&str> = alert
        .series
        .dimensions
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    let quiet = match alert.suppressed_by.as_slice() {
        [] => String::new(),
        reasons => format!(", not told: {}", reasons.join("+")),
    };
    format!(
        "{} r{} {}: {} {} {} [{}], {} on {}, {:.3} against {:.3}{quiet}",
        day(alert.as_of),
        alert.revision,
        alert.change,
        alert.kind,
        alert.series.measure,
        alert.series.view,
        values.join(" · "),
        alert.status_reason,
        day(alert.window.start),
        alert.observed,
        alert.expected,
    )
}

#[test]
fn golden_cases_hold_straight_crashed_and_re_interleaved() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("tests/golden exists")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    assert!(files.len() >= 8, "golden cases are missing: {files:?}");
    let mut wrong = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).expect("readable");
        let mut case: Case =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (straight, machine) = case.run(&Order::RoundRobin(50), false);
        let (crashed, _) = case.run(&Order::RoundRobin(50), true);
        let (interleaved, _) = case.run(&Order::Random(case.seed), false);
        assert_eq!(
            crashed, straight,
            "{name}: crashed and restored after every turn"
        );
        assert_eq!(interleaved, straight, "{name}: re-interleaved");
        let counters = machine.counters();
        assert_eq!(
            counters.read,
            counters.applied + counters.duplicate + counters.too_late + counters.rejected,
            "{name}: conservation"
        );
        let lines: Vec<String> = straight.iter().map(line).collect();
        if std::env::var_os("AUSCULT_BLESS").is_some() {
            case.expected = lines;
            let mut text = serde_json::to_string_pretty(&case).expect("serialises");
            text.push('\n');
            std::fs::write(&path, text).expect("writable");
        } else if lines != case.expected {
            wrong.push(format!(
                "{name}:\n  expected {:#?}\n  got {lines:#?}",
                case.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
