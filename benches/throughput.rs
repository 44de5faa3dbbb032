//! End to end: events a second and peak memory, in memory and through the embedded log with durable commits.
//!
//! `make bench [EVENTS=1000000]`. Feedback is the real NHS file (AUSCULT_DATA, or ../shared/data), each row made into
//! as many events as it takes; without the file, the simulated feed. Listen and Detect run on a thread each, as in
//! the service. Everything is encoded before the clock starts; it stops when Detect has committed the last mention.
#![expect(clippy::print_stdout, reason = "a bench for people")]

#[path = "../crates/core/examples/close.rs"]
mod close;

use anyhow::{Context, Result};
use auscult::import::{event, map, rows};
use auscult::pipeline::{Broker, DETECT_GROUP, LISTEN_GROUP};
use auscult::settings::{self, Overrides, Settings};
use auscult::topics;
use auscult_core::input::{Input, Marker};
use auscult_core::partition::Partition;
use auscult_core::time::{DAY, Timestamp};
use auscult_engine::clock::ManualClock;
use auscult_engine::detect::DetectStage;
use auscult_engine::listen::{Ear, EarRules, ListenStage, Understanding};
use auscult_engine::log::{Append, Log, Outgoing, Record, TopicPartition};
use auscult_engine::settings::{Secret, Topics};
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Turn, Worker};
use auscult_language::themes::Taxonomy;
use auscult_store::log::LogReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const APPEND: usize = 20_000;
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Key and structured bytes of one event.
type Encoded = (Vec<u8>, Vec<u8>);

fn main() -> Result<()> {
    let wanted: usize = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let settings = bench_settings()?;
    let (source, events) = events(wanted)?;
    let bytes: usize = events.iter().map(|(_, value)| value.len()).sum();
    println!(
        "{} events from {source}, {} bytes each",
        events.len(),
        bytes / events.len().max(1)
    );
    println!(
        "{:<28} {:>12} {:>10} {:>14}",
        "path", "events/s", "seconds", "peak MiB (RSS)"
    );

    let seconds = without_a_log(&settings, &events);
    report("listen + detect, no log", events.len(), seconds);

    let memory = topics::memory_log(&settings.engine);
    let seconds = drive(&memory, &memory.clone(), &settings, &events, &|| {
        let group = |name: &str| memory.uncommitted(name);
        Ok(group(LISTEN_GROUP) + group(DETECT_GROUP))
    })?;
    report("log in memory", events.len(), seconds);
    drop(memory);

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log.sqlite");
    let log = topics::open_log(&path, &settings.engine)?;
    let appender = log.appender();
    let reader = LogReader::open(&path)?;
    let seconds = drive(&log, &appender, &settings, &events, &|| {
        embedded_left(&reader, &settings)
    })?;
    report("embedded log, durable", events.len(), seconds);
    drop(events);
    close::main();
    Ok(())
}

/// Decode, understand and apply, on as many threads as Listen has, with nothing written anywhere.
fn without_a_log(settings: &Settings, events: &[Encoded]) -> f64 {
    let engine = &settings.engine;
    let ear = Ear::new(
        Understanding::standard(engine, Taxonomy::standard()),
        EarRules::new(engine),
    );
    let at = TopicPartition {
        topic: "bench".into(),
        partition: 0,
    };
    let records: Vec<Record> = events
        .iter()
        .map(|(key, value)| Record {
            at: at.clone(),
            offset: 0,
            key: Some(key.clone()),
            headers: Vec::new(),
            value: Some(value.clone()),
        })
        .collect();
    let now = Timestamp(20_000 * DAY);
    let threads = engine.listen.threads.max(1);
    let mut partition = Partition::new(Arc::new(settings.detect.clone()));
    let mut effects = Vec::new();
    let mut newest = Timestamp::MIN;
    let began = Instant::now();
    for chunk in records.chunks(APPEND) {
        let heard: Vec<_> = std::thread::scope(|scope| {
            let parts: Vec<_> = chunk
                .chunks(chunk.len().div_ceil(threads))
                .map(|part| {
                    scope.spawn(|| {
                        part.iter()
                            .map(|record| ear.hear(record, now))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            parts
                .into_iter()
                .flat_map(|part| part.join().unwrap_or_default())
                .collect()
        });
        for mut mention in heard.into_iter().filter_map(|heard| heard.mention) {
            mention.watermark = newest;
            newest = newest.max(mention.occurred_at.plus(-2 * DAY));
            partition.apply(&Input::Mention(&mention), &mut effects);
        }
        let marker = Marker {
            source_partition: "bench/0".to_owned(),
            watermark: newest,
            source_partitions: 1,
            backfill: true,
        };
        partition.apply(&Input::Marker(&marker), &mut effects);
        effects.clear();
    }
    began.elapsed().as_secs_f64()
}

fn bench_settings() -> Result<Settings> {
    let overrides = Overrides {
        pseudonym_key: Some(Secret::new("bench-only".repeat(8))),
        backfill: true,
        ..Overrides::default()
    };
    let mut settings = settings::load(None, &overrides)?;
    let mut engine = (*settings.engine).clone();
    engine.topics = Topics::with_single_source("feedback.bench.v1");
    engine.listen.lateness_seconds = 2 * 86_400;
    // As many as the machine has: Listen is where the time goes.
    engine.listen.threads = std::thread::available_parallelism().map_or(1, usize::from);
    engine.listen.dead_letter_cap.share = 1.0;
    settings.engine = engine
        .check()
        .map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    Ok(settings)
}

/// Keys and structured bytes in order of arrival, at least `wanted` of them.
fn events(wanted: usize) -> Result<(String, Vec<Encoded>)> {
    let folder = std::env::var_os("AUSCULT_DATA")
        .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let file = folder.join("nhs_feedback_neas_2021_2022.csv.gz");
    if !file.exists() {
        println!(
            "({} is not there: the simulated feed stands in)",
            file.display()
        );
        return simulated(wanted);
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
    let mut encoded = Vec::with_capacity(events.len() * copies);
    for event in &events {
        for copy in 0..copies {
            let mut event = event.clone();
            event.envelope.id = format!("{}-{copy}", event.envelope.id).into();
            event.data.feedback_id = format!("{}-{copy}", event.data.feedback_id).into();
            event.data.links.thread = None;
            event.data.respondent.reference = event
                .data
                .respondent
                .reference
                .map(|person| format!("{person}-{copy}").into());
            encoded.push((
                event.key(),
                auscult_wire::encode_feedback_structured(&event),
            ));
        }
    }
    Ok((file.display().to_string(), encoded))
}

fn simulated(wanted: usize) -> Result<(String, Vec<Encoded>)> {
    let mut encoded = Vec::with_capacity(wanted);
    let mut seed = 0;
    while encoded.len() < wanted {
        seed += 1;
        let feed = auscult_sim::Generator::new(auscult_sim::Scenario::demo(), seed);
        encoded.extend(
            feed.take(wanted - encoded.len())
                .map(|event| (event.key, event.value)),
        );
    }
    Ok(("the simulated feed".to_owned(), encoded))
}

/// Feeds everything and waits until Detect has committed it; the seconds it took.
fn drive<B: Broker>(
    broker: &B,
    appender: &dyn Append,
    settings: &Settings,
    events: &[Encoded],
    left: &dyn Fn() -> Result<u64>,
) -> Result<f64>
where
    B::Consumer: Log + 'static,
{
    let engine = &settings.engine;
    let metrics = Arc::new(Metrics::new(engine.lag.thresholds()));
    let clock = Arc::new(ManualClock::new(Timestamp(20_000 * DAY)));
    let stop = Arc::new(AtomicBool::new(false));
    let listen = ListenStage::standard(engine, Taxonomy::standard(), Arc::clone(&metrics));
    let listen = Turn::new(
        broker.consumer(LISTEN_GROUP, &topics::sources(engine))?,
        listen,
        clock.clone(),
        Arc::clone(&metrics),
        engine.turn.bounds(),
    );
    let detect = DetectStage::new(
        Arc::new(settings.detect.clone()),
        engine,
        Arc::clone(&metrics),
    );
    let detect = Turn::new(
        broker.consumer(DETECT_GROUP, &engine.topics.detected())?,
        detect,
        clock,
        Arc::clone(&metrics),
        engine.turn.bounds(),
    );

    let began = Instant::now();
    let workers = [
        Worker::spawn(listen, Arc::clone(&stop))?,
        Worker::spawn(detect, Arc::clone(&stop))?,
    ];
    let topic: Arc<str> = topics::sources(engine)[0].into();
    for chunk in events.chunks(APPEND) {
        let records = chunk
            .iter()
            .map(|(key, value)| Outgoing {
                topic: Arc::clone(&topic),
                partition: None,
                key: Some(key.clone()),
                headers: Vec::new(),
                value: Some(value.clone()),
            })
            .collect();
        appender.append(records)?;
    }
    while left()? > 0 {
        anyhow::ensure!(
            !stop.load(Ordering::SeqCst),
            "a stage stopped; run it with AUSCULT_LOG=info"
        );
        std::thread::sleep(LOOK_EVERY);
    }
    let seconds = began.elapsed().as_secs_f64();
    stop.store(true, Ordering::SeqCst);
    for worker in workers {
        let _ = worker.join();
    }
    Ok(seconds)
}

fn embedded_left(reader: &LogReader, settings: &Settings) -> Result<u64> {
    let engine = &settings.engine;
    let mut left = 0;
    for (group, topics) in [
        (LISTEN_GROUP, topics::sources(engine)),
        (DETECT_GROUP, engine.topics.detected()),
    ] {
        for topic in topics {
            for partition in reader.partitions(topic)? {
                left += reader.end(&partition)?.0
                    - reader.committed(group, &partition)?.unwrap_or_default().0;
            }
        }
    }
    Ok(left)
}

fn report(path: &str, events: usize, seconds: f64) {
    println!(
        "{path:<28} {:>12.0} {seconds:>10.2} {:>14}",
        events as f64 / seconds,
        peak_mebibytes()
    );
}

fn status_mebibytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kibibytes| kibibytes / 1024)
}

/// High-water mark of this process's resident set so far (Linux).
fn peak_mebibytes() -> String {
    status_mebibytes("VmHWM:").map_or("unknown".to_owned(), |mebibytes| mebibytes.to_string())
}
