//! On a real broker of this machine, in one run and on the same source topic: bare rdkafka, listen, detect, the whole;
//! then the delay from a produced event to its readable mention at half the peak, and the restore of a million
//! state records.
//!
//! `make bench-kafka [EVENTS=300000]`. The broker is a process of this machine and shares its cores with what is
//! measured, as the targets say.
#![expect(clippy::print_stdout, reason = "a bench for people")]

use anyhow::{Context, Result, ensure};
use auscult::import::{event, map, rows};
use auscult::settings::{self, Overrides, Settings};
use auscult_engine::clock::SystemClock;
use auscult_engine::detect::DetectStage;
use auscult_engine::listen::ListenStage;
use auscult_engine::log::{Append, Commit, Log, LogEvent, Outgoing, StateRecord, TopicPartition};
use auscult_engine::settings::{Secret, Topics};
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Stage, Turn, Worker};
use auscult_kafka::admin::{self, Admin, TopicPolicy, TopicState};
use auscult_kafka::{Drained, Kafka, KafkaConsumer, KafkaSettings, Membered};
use auscult_language::themes::Taxonomy;
use auscult_test_broker::{Cluster, ClusterSettings, Kit};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SOURCE: &str = "bench.feedback";
const PARTITIONS: u32 = 2;
const PER_TRANSACTION: usize = 8_192;
const STATE_RECORDS: u32 = 1_000_000;
const STATE_BYTES: usize = 200;
const DELAY_SECONDS: u64 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(5);

type Encoded = (Vec<u8>, Vec<u8>);

fn main() -> Result<()> {
    let wanted: usize = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(300_000);
    let kit = Kit::find()?;
    let cluster = Cluster::start(kit, &ClusterSettings::one().for_speed())?;
    let brokers = cluster.bootstrap();
    let (source, events) = events(wanted)?;
    let bytes: usize = events.iter().map(|(_, value)| value.len()).sum();
    println!(
        "{} events from {source}, {} bytes each, {PARTITIONS} partitions",
        events.len(),
        bytes / events.len().max(1)
    );
    // Stages apart, then together: the second must not find what the first wrote.
    let apart = settings_for(&brokers, "apart")?;
    let whole = settings_for(&brokers, "whole")?;
    for settings in [&apart, &whole] {
        make_topics(settings)?;
    }
    let kafka = connect(&apart)?;
    fill(&kafka, &events)?;

    println!(
        "{:<32} {:>10} {:>9} {:>8}",
        "path", "events/s", "seconds", "of bare"
    );
    let bare = bare(&brokers, events.len())?;
    row("bare rdkafka, no work", events.len(), bare, bare);
    let seconds = run(vec![listen(&kafka, &apart)])?;
    row("listen", events.len(), seconds, bare);
    let seconds = run(vec![detect(&kafka, &apart)])?;
    row("detect", events.len(), seconds, bare);
    let kafka = connect(&whole)?;
    let both = run(vec![listen(&kafka, &whole), detect(&kafka, &whole)])?;
    row("whole", events.len(), both, bare);
    println!("whole / bare = {:.2} (target 0.35)", bare / both);

    let rate = events.len() as f64 / both / 2.0;
    delay(&kafka, &whole, &events, rate)?;
    restore(&kafka)?;
    Ok(())
}

fn settings_for(brokers: &str, name: &str) -> Result<Settings> {
    let overrides = Overrides {
        pseudonym_key: Some(Secret::new("bench-only".repeat(8))),
        backfill: true,
        ..Overrides::default()
    };
    let mut settings = settings::load(None, &overrides)?;
    let mut engine = (*settings.engine).clone();
    let own = |topic: &str| format!("bench.{name}.{topic}");
    let contract = Topics::with_single_source(SOURCE);
    engine.topics = Topics {
        mentions: own("mentions"),
        medical_requests: own("requests"),
        medical_answers: own("answers"),
        safety_candidates: own("candidates"),
        safety_acks: own("acks"),
        safety_escalations: own("escalations"),
        series: own("series"),
        alerts: own("alerts"),
        alerts_medical: own("alerts-medical"),
        signals: own("signals"),
        dispositions: own("dispositions"),
        actions: own("actions"),
        outcomes: own("outcomes"),
        dead_letters: own("dead-letters"),
        state: own("state"),
        reference: own("reference"),
        ..contract
    };
    engine.partitions.source = PARTITIONS;
    engine.partitions.mentions = PARTITIONS;
    engine.listen.lateness_seconds = 2 * 86_400;
    engine.listen.threads = std::thread::available_parallelism().map_or(1, usize::from);
    engine.listen.dead_letter_cap.share = 1.0;
    let problems = |found: Vec<_>| anyhow::anyhow!("{found:?}");
    settings.engine = engine.check().map_err(problems)?;
    let kafka = KafkaSettings {
        brokers: vec![brokers.to_owned()],
        group_prefix: format!("bench-{name}"),
        ..KafkaSettings::default()
    };
    settings.kafka = Some(
        kafka
            .check()
            .map_err(|found| anyhow::anyhow!("{found:?}"))?,
    );
    Ok(settings)
}

fn connect(settings: &Settings) -> Result<Kafka> {
    let kafka = settings.kafka.as_ref().context("[kafka]")?;
    Ok(Kafka::connect(
        kafka,
        &auscult::topics::on_kafka(&settings.engine),
    )?)
}

/// Makes topics with the tool people use.
fn make_topics(settings: &Settings) -> Result<()> {
    let kafka = settings.kafka.as_ref().context("[kafka]")?;
    let policy = TopicPolicy {
        replication: 1,
        least_in_sync: 1,
        ..TopicPolicy::default()
    };
    let policy = policy
        .check()
        .map_err(|found| anyhow::anyhow!("{found:?}"))?;
    let admin = Admin::new(kafka)?;
    let compared = admin.compare(&admin::specs(&settings.engine, &policy))?;
    let missing: Vec<_> = compared
        .iter()
        .filter(|one| one.state == TopicState::Missing)
        .map(|one| &one.spec)
        .collect();
    admin.create(&missing)?;
    Ok(())
}

fn fill(kafka: &Kafka, events: &[Encoded]) -> Result<()> {
    let appender = kafka.appender()?;
    for chunk in events.chunks(20_000) {
        appender.append(chunk.iter().map(outgoing).collect())?;
    }
    Ok(())
}

fn outgoing((key, value): &Encoded) -> Outgoing {
    Outgoing {
        topic: SOURCE.into(),
        partition: None,
        key: Some(key.clone()),
        headers: Vec::new(),
        value: Some(value.clone()),
    }
}

fn bare(brokers: &str, records: usize) -> Result<f64> {
    let program = std::env::current_exe()?.with_file_name("pass_through");
    let output = Command::new(&program)
        .args([brokers, SOURCE, "bench.apart.requests"])
        .args([records.to_string(), PER_TRANSACTION.to_string()])
        .output()
        .with_context(|| format!("{}: make bench-kafka builds it", program.display()))?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}

/// A stage that has not begun, and how to see that it is done.
struct Prepared {
    begin: Box<dyn FnOnce(Arc<AtomicBool>) -> Result<Worker>>,
    drained: Drained,
}

fn prepared(
    consumer: KafkaConsumer,
    stage: impl Stage + 'static,
    settings: &Settings,
    metrics: Arc<Metrics>,
) -> Prepared {
    let drained = consumer.drained();
    let bounds = settings.engine.turn.bounds();
    let begin = Box::new(move |stop| {
        let turn = Turn::new(consumer, stage, Arc::new(SystemClock), metrics, bounds);
        Ok(Worker::spawn(turn, stop)?)
    });
    Prepared { begin, drained }
}

fn listen(kafka: &Kafka, settings: &Settings) -> Prepared {
    let consumer = kafka.member(&Membered {
        role: "listen",
        leading: &[SOURCE],
        following: &[],
        state: None,
    });
    let metrics = Arc::new(Metrics::new(settings.engine.lag.thresholds()));
    let stage = ListenStage::standard(&settings.engine, Taxonomy::standard(), Arc::clone(&metrics));
    prepared(consumer, stage, settings, metrics)
}

fn detect(kafka: &Kafka, settings: &Settings) -> Prepared {
    let topics = &settings.engine.topics;
    let consumer = kafka.member(&Membered {
        role: "detect",
        leading: &[&topics.mentions],
        following: &[&topics.dispositions, &topics.actions],
        state: Some(&topics.state),
    });
    let metrics = Arc::new(Metrics::new(settings.engine.lag.thresholds()));
    let stage = DetectStage::new(
        Arc::new(settings.detect.clone()),
        &settings.engine,
        Arc::clone(&metrics),
    );
    prepared(consumer, stage, settings, metrics)
}

/// Runs stages until the last has worked off what the one before it had written; the seconds it took, joining the
/// groups (about as long as one broker delays a first rebalance) included.
fn run(stages: Vec<Prepared>) -> Result<f64> {
    let began = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let (mut workers, mut ends) = (Vec::new(), Vec::new());
    for stage in stages {
        workers.push((stage.begin)(Arc::clone(&stop))?);
        ends.push(stage.drained);
    }
    let mut since = began;
    for end in ends {
        while !end.since(since) {
            ensure!(!stop.load(Ordering::SeqCst), "a stage stopped");
            std::thread::sleep(LOOK_EVERY);
        }
        since = Instant::now();
    }
    let seconds = began.elapsed().as_secs_f64();
    stop.store(true, Ordering::SeqCst);
    for worker in workers {
        // How it ended was asked for.
        let _ = worker.join();
    }
    Ok(seconds)
}

fn row(path: &str, events: usize, seconds: f64, bare: f64) {
    println!(
        "{path:<32} {:>10.0} {seconds:>9.2} {:>8.2}",
        events as f64 / seconds,
        bare / seconds
    );
}

/// Produces at `rate` events a second while the whole runs, and reads mentions as they become readable.
fn delay(kafka: &Kafka, settings: &Settings, events: &[Encoded], rate: f64) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut workers = Vec::new();
    for stage in [listen(kafka, settings), detect(kafka, settings)] {
        workers.push((stage.begin)(Arc::clone(&stop))?);
    }
    let mut reader = at_the_end(kafka, &settings.engine.topics.mentions)?;
    let appender = kafka.appender()?;
    let (sent_by, sent) = std::sync::mpsc::channel::<(String, Instant)>();
    let per_batch = ((rate / 100.0).ceil() as usize).max(2);
    let feed: Vec<Encoded> = events
        .iter()
        .cycle()
        .take((rate as usize) * DELAY_SECONDS as usize)
        .cloned()
        .collect();
    let producing = std::thread::spawn(move || -> Result<()> {
        let began = Instant::now();
        for (number, batch) in feed.chunks(per_batch).enumerate() {
            let due = began + Duration::from_secs_f64((number * per_batch) as f64 / rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let mut records = Vec::new();
            let mut ids = Vec::new();
            for (at, (key, value)) in batch.iter().enumerate() {
                let id = format!("delay-{number}-{at}");
                records.push(outgoing(&(key.clone(), with_id(value, &id)?)));
                ids.push(id);
            }
            let produced = Instant::now();
            appender.append(records)?;
            for id in ids {
                sent_by.send((id, produced))?;
            }
        }
        Ok(())
    });
    let mut produced: HashMap<String, Instant> = HashMap::new();
    let mut read: HashMap<String, Instant> = HashMap::new();
    let deadline = Instant::now() + Duration::from_secs(DELAY_SECONDS * 2);
    while Instant::now() < deadline && (!producing.is_finished() || read.len() < produced.len()) {
        for polled in reader.poll(8_192, Duration::from_millis(10))? {
            let LogEvent::Record(record) = polled else {
                continue;
            };
            let now = Instant::now();
            let value = record.value.as_deref().unwrap_or_default();
            if let Ok(auscult_wire::MentionRecord::Mention(mention)) =
                auscult_wire::decode_mention_record(&record.headers, value)
            {
                read.insert(mention.feedback_id.to_string(), now);
            }
        }
        produced.extend(sent.try_iter());
    }
    stop.store(true, Ordering::SeqCst);
    for worker in workers {
        let _ = worker.join();
    }
    match producing.join() {
        Ok(result) => result?,
        Err(_) => anyhow::bail!("the producing thread panicked"),
    }
    produced.extend(sent.try_iter());
    let mut delays: Vec<f64> = produced
        .iter()
        .filter_map(|(id, at)| Some(read.get(id)?.duration_since(*at).as_secs_f64() * 1_000.0))
        .collect();
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| {
        delays
            .get(((delays.len() as f64 * share) as usize).min(delays.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    };
    println!(
        "produced → mention readable at {rate:.0} events/s: p50 {:.0} ms, p99 {:.0} ms (target 500), {} of {} read",
        at(0.5),
        at(0.99),
        delays.len(),
        produced.len()
    );
    Ok(())
}

/// A reader that stands at the end of `topic`.
fn at_the_end(kafka: &Kafka, topic: &str) -> Result<KafkaConsumer> {
    let mut reader = kafka.reader("delay", &[topic], Box::new(|_| Ok(None)));
    while reader.unread() != Some(0) {
        reader.poll(8_192, Duration::from_millis(10))?;
    }
    Ok(reader)
}

fn with_id(value: &[u8], id: &str) -> Result<Vec<u8>> {
    let mut event: serde_json::Value = serde_json::from_slice(value)?;
    event["id"] = id.into();
    event["data"]["feedback_id"] = id.into();
    Ok(serde_json::to_vec(&event)?)
}

fn restore(kafka: &Kafka) -> Result<()> {
    let topics = ["bench.apart.acks", "bench.apart.state"];
    let mut log = kafka.member(&Membered {
        role: "restore",
        leading: &[topics[0]],
        following: &[],
        state: Some(topics[1]),
    });
    let at = TopicPartition {
        topic: topics[0].into(),
        partition: 0,
    };
    while !log
        .poll(1, Duration::from_millis(100))?
        .iter()
        .any(|event| matches!(event, LogEvent::Assigned { .. }))
    {}
    let numbers: Vec<u32> = (0..STATE_RECORDS).collect();
    for chunk in numbers.chunks(20_000) {
        let records = chunk
            .iter()
            .map(|number| StateRecord {
                key: format!("record-{number:09}").into_bytes(),
                value: Some(number.to_le_bytes().repeat(STATE_BYTES / 4)),
            })
            .collect();
        log.commit(Commit {
            state: vec![(at.clone(), records)],
            ..Commit::default()
        })?;
    }
    let began = Instant::now();
    let mut restored = 0;
    log.restore(&at, &mut |_| restored += 1)?;
    println!(
        "restore of {restored} state records of {STATE_BYTES} bytes: {:.1} s (target 20)",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Keys and structured bytes in order of arrival, at least `wanted` of them: the real NHS file, or the simulated feed.
fn events(wanted: usize) -> Result<(String, Vec<Encoded>)> {
    let folder = std::env::var_os("AUSCULT_DATA")
        .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let file = folder.join("nhs_feedback_neas_2021_2022.csv.gz");
    let mut encoded = Vec::with_capacity(wanted);
    if !file.exists() {
        let mut seed = 0;
        while encoded.len() < wanted {
            seed += 1;
            let feed = auscult_sim::Generator::new(auscult_sim::Scenario::demo(), seed);
            encoded.extend(
                feed.take(wanted - encoded.len())
                    .map(|event| (event.key, event.value)),
            );
        }
        return Ok(("the simulated feed".to_owned(), encoded));
    }
    let map_path = Path::new("deploy/maps/nhs_feedback_neas_2021_2022.toml");
    let text = std::fs::read_to_string(map_path).context("run it from the project's root")?;
    let columns = map::read(&text, Path::new("deploy/maps"))
        .map_err(|problems| anyhow::anyhow!("{problems:?}"))?
        .columns;
    let mut events: Vec<_> = rows::open(&file, &columns.named_columns())?
        .filter_map(|(_, row)| event::of_row(&row.ok()?, &columns).ok())
        .collect();
    events.sort_by_key(|event| event.data.occurred_at);
    let copies = wanted.div_ceil(events.len().max(1)).max(1);
    for event in &events {
        for copy in 0..copies {
            let mut event = event.clone();
            event.envelope.id = format!("{}-{copy}", event.envelope.id).into();
            event.data.feedback_id = format!("{}-{copy}", event.data.feedback_id).into();
            event.data.links.thread = None;
            encoded.push((
                event.key(),
                auscult_wire::encode_feedback_structured(&event),
            ));
        }
    }
    Ok((file.display().to_string(), encoded))
}
