//! The engine's real stages over the simulated log: feed in, alerts out, judged by the checkers. A run with two members of
//! each stage under rough faults must say the same as one that ran straight, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use auscult_core::settings::DetectSettings;
use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_engine::clock::{Clock, ManualClock};
use auscult_engine::detect::DetectStage;
use auscult_engine::listen::ListenStage;
use auscult_engine::log::{Append, Outgoing, Record};
use auscult_engine::safety::SafetyStage;
use auscult_engine::settings::{CheckedEngineSettings, EngineSettings, Secret};
use auscult_engine::submit::SubmitDesk;
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Stage, Turn, TurnBounds};
use auscult_language::themes::Taxonomy;
use auscult_sim::checkers::{
    Conservation, check_revisions, check_unique_ids, leaked_identifiers, safety_recall,
};
use auscult_sim::memory_log::DEATH;
use auscult_sim::scorecard::raised_signals;
use auscult_sim::{
    FaultRates, Faults, Generator, MemoryBroker, MemoryLog, Scenario, Scorecard, Truth,
};

const SOURCE_PARTITIONS: u32 = 2;

struct World {
    settings: CheckedEngineSettings,
    broker: MemoryBroker,
    clock: Arc<ManualClock>,
    /// Seed of the faults; `None`: nothing goes wrong.
    faults: Option<u64>,
    lives: u64,
    deaths: u64,
}

impl World {
    fn new(start: Timestamp, faults: Option<u64>) -> World {
        let mut settings = EngineSettings::default();
        settings.partitions.source = SOURCE_PARTITIONS;
        settings.partitions.mentions = 2;
        settings.listen.pseudonym_key = Some(Secret::new("a key for tests, long enough to be one"));
        let settings = settings.check().unwrap();
        let topics = &settings.topics;
        let mut list: Vec<(&str, u32)> = topics
            .sources
            .iter()
            .map(|topic| (topic.as_str(), SOURCE_PARTITIONS))
            .collect();
        list.extend(topics.detected().into_iter().map(|topic| (topic, 2)));
        let outputs = [
            &topics.medical_requests,
            &topics.safety_candidates,
            &topics.safety_acks,
            &topics.safety_escalations,
            &topics.series,
            &topics.alerts,
            &topics.alerts_medical,
            &topics.signals,
            &topics.dead_letters,
            &topics.state,
        ];
        list.extend(outputs.map(|topic| (topic.as_str(), 1)));
        let broker = MemoryBroker::new(&list);
        World {
            settings,
            broker,
            clock: Arc::new(ManualClock::new(start)),
            faults,
            lives: 0,
            deaths: 0,
        }
    }

    fn turn<S: Stage>(
        &mut self,
        group: &str,
        topics: &[&str],
        stage: S,
        metrics: &Arc<Metrics>,
    ) -> Turn<MemoryLog, S> {
        self.lives += 1;
        let faults = self.faults.map_or(Faults::None, |seed| {
            Faults::seeded(FaultRates::rough(), seed * 100_000 + self.lives)
        });
        let bounds = TurnBounds {
            least_records: 8,
            most_records: 200,
            wait: Duration::ZERO,
            ..TurnBounds::default()
        };
        Turn::new(
            self.broker.join(group, topics, faults),
            stage,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(metrics),
            bounds,
        )
    }

    fn listen(&mut self) -> Turn<MemoryLog, ListenStage> {
        let metrics = Arc::new(Metrics::default());
        let stage =
            ListenStage::standard(&self.settings, Taxonomy::standard(), Arc::clone(&metrics));
        let sources: Vec<String> = self.settings.topics.sources.clone();
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        self.turn("listen", &sources, stage, &metrics)
    }

    fn detect(&mut self) -> Turn<MemoryLog, DetectStage> {
        let metrics = Arc::new(Metrics::default());
        let detect = Arc::new(DetectSettings::standard().check().unwrap());
        let stage = DetectStage::new(detect, &self.settings, Arc::clone(&metrics));
        let topics: Vec<String> = self
            .settings
            .topics
            .detected()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        self.turn("detect", &topics, stage, &metrics)
    }

    fn watch(&mut self) -> Turn<MemoryLog, SafetyStage> {
        let metrics = Arc::new(Metrics::default());
        let stage = SafetyStage::new(&self.settings, Arc::clone(&metrics));
        let topics = self.settings.topics.clone();
        self.turn("safety", &topics.watched(), stage, &metrics)
    }

    /// Works everything off with all members taking turns; a member that dies is replaced by a fresh one.
    fn work_off<S: Stage>(
        &mut self,
        group: &str,
        members: &mut [Turn<MemoryLog, S>],
        fresh: fn(&mut World) -> Turn<MemoryLog, S>,
    ) {
        let mut quiet = 0;
        for pass in 0.. {
            assert!(pass < 20_000, "{group} does not come to an end");
            for member in members.iter_mut() {
                if let Err(stop) = member.run_once() {
                    assert!(stop.message.contains(DEATH), "{stop}");
                    self.deaths += 1;
                    *member = fresh(self);
                }
            }
            // Quiet turns in a row on every member: idle partitions have been moved on, too.
            quiet = if self.broker.uncommitted(group) == 0 {
                quiet + 1
            } else {
                0
            };
            if quiet > 12 {
                return;
            }
        }
    }

    fn topic(&self, topic: &str) -> Vec<Record> {
        self.broker.records(topic)
    }
}

/// Feeds the scenario in steps of arrival time, and gives the last buckets the days they need to close.
fn run(
    scenario: Scenario,
    seed: u64,
    faults: Option<u64>,
    members: usize,
    step: i64,
) -> (World, Truth, Conservation) {
    let end = scenario.end();
    let mut world = World::new(scenario.start, faults);
    let mut listen: Vec<_> = (0..members).map(|_| world.listen()).collect();
    let mut detect: Vec<_> = (0..members).map(|_| world.detect()).collect();
    let mut generator = Generator::new(scenario, seed);
    let mut events = generator.by_ref().peekable();
    let mut until = world.clock.now();
    while until < end.plus(8 * DAY) {
        until = until.plus(step);
        let mut batch = Vec::new();
        while let Some(event) = events.next_if(|event| event.arrives_at < until) {
            batch.push(Outgoing {
                topic: event.topic.into(),
                partition: None,
                key: Some(event.key),
                headers: event.headers,
                value: Some(event.value),
            });
        }
        world.broker.append(batch).unwrap();
        world.clock.advance_to(until);
        world.work_off("listen", &mut listen, World::listen);
        world.work_off("detect", &mut detect, World::detect);
    }
    drop(events);
    let mut sum = Conservation::default();
    for counters in detect
        .iter()
        .flat_map(|member| member.stage().machines())
        .map(|(_, partition)| partition.counters())
    {
        sum.read += counters.read;
        sum.applied += counters.applied;
        sum.duplicate += counters.duplicate;
        sum.late += counters.too_late;
        sum.rejected += counters.rejected;
    }
    (world, generator.truth().clone(), sum)
}

/// Alerts by signal and revision, as bytes.
fn alerts(records: &[Record]) -> BTreeMap<(String, u32), Vec<u8>> {
    records
        .iter()
        .map(|record| {
            let value = record.value.clone().unwrap();
            let data = auscult_wire::decode_alert(&record.headers, &value)
                .unwrap()
                .data;
            ((data.signal_id, data.revision), value)
        })
        .collect()
}

fn ids(records: &[Record]) -> Vec<Vec<u8>> {
    let id = |record: &Record| {
        record
            .headers
            .iter()
            .find(|(name, _)| name == "ce_id")
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let mut ids: Vec<Vec<u8>> = records.iter().map(id).collect();
    ids.sort();
    ids
}

#[test]
fn faults_and_more_members_change_no_alert() {
    let (straight, truth, sum) = run(Scenario::small(), 11, None, 1, 6 * HOUR);
    assert_eq!(sum.check(), Ok(()));
    let topics = straight.settings.topics.clone();
    let expected = alerts(&straight.topic(&topics.alerts));
    assert!(!expected.is_empty(), "the planted surge is found");
    assert_eq!(
        straight.topic(&topics.dead_letters).len(),
        truth.broken.len()
    );
    for faults in [1, 2, 3] {
        let (rough, _, rough_sum) = run(Scenario::small(), 11, Some(faults), 2, 6 * HOUR);
        assert!(rough.deaths > 10, "{} deaths", rough.deaths);
        for topic in [&topics.alerts, &topics.alerts_medical, &topics.dead_letters] {
            assert_eq!(
                check_unique_ids(&rough.topic(topic)),
                Ok(()),
                "{topic} under faults {faults}"
            );
        }
        // A feedback delivered twice or corrected tells of one candidate twice, under one id; what matters is that
        // faults add and lose none.
        let same = [
            &topics.safety_candidates,
            &topics.medical_requests,
            &topics.dead_letters,
        ];
        for topic in same {
            assert_eq!(
                ids(&rough.topic(topic)),
                ids(&straight.topic(topic)),
                "{topic} under faults {faults}"
            );
        }
        assert_eq!(check_revisions(&rough.topic(&topics.alerts)), Ok(()));
        assert_eq!(
            alerts(&rough.topic(&topics.alerts)),
            expected,
            "byte for byte under faults {faults}"
        );
        assert_eq!((rough_sum.check(), rough_sum.read), (Ok(()), sum.read));
    }
}

/// Candidates of which two in three are acknowledged, watched over by `members` under `faults`: ids of the escalations, and
/// how many members died. They come a few at a time, so that there are many commits to die in.
fn escalated(sent: &[Record], faults: Option<u64>, members: usize) -> (Vec<String>, u64) {
    let mut world = World::new(Scenario::small().start, faults);
    let topics = world.settings.topics.clone();
    let mut watch: Vec<_> = (0..members).map(|_| world.watch()).collect();
    for some in sent.chunks(2) {
        let again = some.iter().cloned().map(|record| Outgoing {
            topic: record.at.topic,
            partition: None,
            key: record.key,
            headers: record.headers,
            value: record.value,
        });
        world.broker.append(again.collect()).unwrap();
        world.work_off("safety", &mut watch, World::watch);
    }
    let desk = SubmitDesk::new(&world.settings);
    let acknowledged = candidate_ids(sent)
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % 3 != 0);
    for (_, id) in acknowledged {
        let json = format!(
            r#"{{"candidate_id":"{id}","decision":"accepted","case_ref":null,"actor":"u_9","at":"2026-05-04T10:00:00Z"}}"#
        );
        let ack = desk.acknowledgement("acme", &json).unwrap();
        world.broker.append(vec![ack]).unwrap();
        world.work_off("safety", &mut watch, World::watch);
    }
    for hours in [11, 12, 30] {
        let now = world.clock.now().plus(hours * HOUR);
        world.clock.advance_to(now);
        world.work_off("safety", &mut watch, World::watch);
    }
    let escalations = world.topic(&topics.safety_escalations);
    let mut ids: Vec<String> = escalations
        .iter()
        .map(|record| {
            let value = record.value.as_deref().unwrap_or_default();
            let event = auscult_wire::decode_safety_escalation(&record.headers, value);
            event.unwrap().data.candidate_id
        })
        .collect();
    ids.sort();
    (ids, world.deaths)
}

fn candidate_ids(records: &[Record]) -> BTreeSet<String> {
    let id = |record: &Record| {
        let value = record.value.as_deref().unwrap_or_default();
        let event = auscult_wire::decode_safety_candidate(&record.headers, value);
        event.unwrap().data.candidate_id
    };
    records.iter().map(id).collect()
}

#[test]
fn faults_and_more_members_change_no_escalation() {
    let (world, _, _) = run(Scenario::small(), 11, None, 1, DAY);
    let sent = world.topic(&world.settings.topics.safety_candidates);
    let candidates = candidate_ids(&sent).len();
    assert!(candidates >= 6, "{candidates} candidates");
    let (expected, _) = escalated(&sent, None, 1);
    assert_eq!(expected.len(), candidates.div_ceil(3));
    let mut deaths = 0;
    for faults in 1..=6 {
        let (found, died) = escalated(&sent, Some(faults), 2);
        assert_eq!(found, expected, "each once, under faults {faults}");
        deaths += died;
    }
    assert!(deaths > 0, "nobody died: this proves little");
}

/// Prints how the shipped settings fare on the demo; the bounds only catch a collapse, they are no claim of quality.
#[test]
#[expect(
    clippy::print_stdout,
    reason = "the table is what the test is read for"
)]
fn the_demo_is_listened_to() {
    let (world, truth, sum) = run(Scenario::demo(), 42, None, 1, DAY);
    let topics = &world.settings.topics;
    assert_eq!(sum.check(), Ok(()));
    let shared = world.topic(&topics.alerts);
    assert_eq!(check_unique_ids(&shared), Ok(()));
    assert_eq!(check_revisions(&shared), Ok(()));
    let card = Scorecard::compare(&truth, &raised_signals(&shared).unwrap());
    let recall = safety_recall(&truth, &world.topic(&topics.safety_candidates));
    let leaks = leaked_identifiers(&truth, &world.topic(&topics.mentions));
    println!("{card}");
    let mut kinds = BTreeMap::new();
    card.false_signals
        .iter()
        .for_each(|signal| *kinds.entry(signal.kind).or_insert(0) += 1);
    println!("false signals by kind: {kinds:?}");
    for signal in card.false_signals.iter().take(12) {
        println!(
            "  false: {} {:?} {} {}",
            signal.portfolio,
            signal.kind,
            (signal.raised_at.0 - truth.live_from.0) / DAY,
            signal.title
        );
    }
    println!(
        "adverse events: {} of {} found, {} other candidates, missed {:?}",
        recall.found,
        recall.planted,
        recall.others,
        recall.missed.len()
    );
    println!(
        "identifiers: {} of {} still stand: {:?}",
        leaks.len(),
        truth.identifiers.len(),
        leaks.iter().take(5).collect::<Vec<_>>()
    );
    assert!(card.found() >= 4, "{card}");
    assert!(recall.found * 10 >= recall.planted * 8);
    assert_eq!(world.topic(&topics.dead_letters).len(), truth.broken.len());
}
