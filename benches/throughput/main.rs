//! End to end: events a second, processor time an event and peak memory, in memory and through the embedded log.
//!
//! `make bench [EVENTS=1000000]`; `cargo run --release --example throughput -- EVENTS [SHAPE] [PATH]` for one row.
//! Feedback is the real NHS file (AUSCULT_DATA, or ../shared/data), each row made into as many events as it takes;
//! without the file, the simulated feed. Threads are the service's. Everything is encoded before the clock starts; it
//! stops when Detect has taken in, and where there is a log committed, the last mention.
#![expect(clippy::print_stdout, reason = "a bench for people")]

#[path = "../../crates/core/examples/close.rs"]
mod close;
mod feed;
mod listen;
mod process;
mod stages;

use anyhow::Result;
use auscult::pipeline::{Broker, DETECT_GROUP, LISTEN_GROUP};
use auscult::settings::{self, Overrides, Settings};
use auscult::topics;
use auscult_core::time::{DAY, Timestamp};
use auscult_engine::clock::ManualClock;
use auscult_engine::detect::DetectStage;
use auscult_engine::listen::ListenStage;
use auscult_engine::log::{Append, Log, Outgoing};
use auscult_engine::settings::{Secret, Topics};
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Turn, Worker};
use auscult_language::themes::Taxonomy;
use auscult_store::log::LogReader;
use feed::{Encoded, Shape};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const EVENTS: usize = 1_000_000;
const APPEND: usize = 20_000;
/// Runs of each path; the quickest counts, the slowest stands beside it.
const RUNS: usize = 3;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// After every event's own time.
const NOW: Timestamp = Timestamp(20_000 * DAY);

const PATHS: [&str; 5] = ["listen", "stages", "memory", "embedded", "closes"];

fn main() -> Result<()> {
    let mut wanted = EVENTS;
    let (mut shapes, mut paths) = (Vec::new(), Vec::new());
    for argument in std::env::args().skip(1) {
        let shape = [Shape::Compact, Shape::WholeFile]
            .into_iter()
            .find(|shape| shape.word() == argument);
        let path = PATHS.into_iter().find(|path| *path == argument);
        match (argument.parse(), shape, path) {
            (Ok(number), _, _) => wanted = number,
            (_, Some(shape), _) => shapes.push(shape),
            (_, _, Some(path)) => paths.push(path),
            _ => anyhow::bail!(
                "{argument:?} is no number of events, no shape (compact, whole-file) and no path ({})",
                PATHS.join(", ")
            ),
        }
    }
    if shapes.is_empty() {
        shapes = vec![Shape::Compact, Shape::WholeFile];
    }
    let wants = |path: &str| paths.is_empty() || paths.contains(&path);
    if ["listen", "stages", "memory", "embedded"]
        .into_iter()
        .any(wants)
    {
        let settings = bench_settings()?;
        for shape in shapes {
            throughput(shape, wanted, &settings, &wants)?;
        }
    }
    if paths == ["closes"] {
        close::main();
    } else if wants("closes") {
        // In a process of its own that gives free pages back at once: what is resident is what series hold.
        let status = std::process::Command::new(std::env::current_exe()?)
            .arg("closes")
            .env("MIMALLOC_PURGE_DELAY", "0")
            .status()?;
        anyhow::ensure!(status.success(), "the bench of closes ended with {status}");
    }
    Ok(())
}

/// One table: every wanted path for events of one shape.
fn throughput(
    shape: Shape,
    wanted: usize,
    settings: &Settings,
    wants: &dyn Fn(&str) -> bool,
) -> Result<()> {
    let feed = shape.feed(wanted)?;
    let events = feed.events;
    let bytes: usize = events.iter().map(|(_, value)| value.len()).sum();
    println!(
        "\n{}: {} events from {}, {} bytes each{}",
        shape.word(),
        events.len(),
        feed.name,
        bytes / events.len().max(1),
        feed.characters
            .map_or(String::new(), |mean| format!(", {mean} characters of text")),
    );
    println!(
        "{:<26} {:>10} {:>9} {:>14} {:>10} {:>17}",
        "path", "events/s", "seconds", "CPU µs/event", "peak MiB", "slowest, events/s"
    );
    let quickest = |path, run: &mut dyn FnMut() -> Result<Cost>| quickest(path, events.len(), run);
    if wants("listen") {
        let ear = listen::ear(settings);
        let records = stages::records(&events);
        let mut fingerprint = 0;
        quickest("listen alone, one thread", &mut || {
            measure(|| {
                fingerprint = listen::alone(&ear, &records, NOW);
                Ok(())
            })
        })?;
        println!("{:<26} {fingerprint:016x}", "  all it wrote");
    }
    if wants("stages") {
        let records = stages::records(&events);
        quickest("listen + detect, no log", &mut || {
            measure(|| stages::run(settings, &records, NOW))
        })?;
    }
    if wants("memory") {
        quickest("log in memory", &mut || {
            let memory = topics::memory_log(&settings.engine);
            let group = |name: &str| memory.uncommitted(name);
            let left = || Ok(group(LISTEN_GROUP) + group(DETECT_GROUP));
            measure(|| drive(&memory, &memory.clone(), settings, &events, &left))
        })?;
    }
    if wants("embedded") {
        quickest("embedded log, durable", &mut || {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("log.sqlite");
            let log = topics::open_log(&path, &settings.engine)?;
            let appender = log.appender();
            let reader = LogReader::open(&path)?;
            let left = || embedded_left(&reader, settings);
            measure(|| drive(&log, &appender, settings, &events, &left))
        })?;
    }
    Ok(())
}

/// What one run cost.
struct Cost {
    elapsed: Duration,
    processor: Option<Duration>,
    peak_mebibytes: Option<u64>,
}

fn measure(work: impl FnOnce() -> Result<()>) -> Result<Cost> {
    process::forget_peak();
    let (began, spent) = (Instant::now(), process::processor_time());
    work()?;
    let elapsed = began.elapsed();
    let processor = process::processor_time().zip(spent);
    Ok(Cost {
        elapsed,
        processor: processor.map(|(after, before)| after.saturating_sub(before)),
        peak_mebibytes: process::peak_mebibytes(),
    })
}

/// Does it [`RUNS`] times and prints the quickest: what slows a run down on a shared machine is never the program alone.
fn quickest(path: &str, events: usize, run: &mut dyn FnMut() -> Result<Cost>) -> Result<()> {
    let mut costs = (0..RUNS).map(|_| run()).collect::<Result<Vec<Cost>>>()?;
    costs.sort_by_key(|cost| cost.elapsed);
    let [best, .., worst] = costs.as_slice() else {
        anyhow::bail!("fewer than two runs");
    };
    let rate = |cost: &Cost| events as f64 / cost.elapsed.as_secs_f64();
    let an_event = |spent: Duration| format!("{:.2}", spent.as_secs_f64() * 1e6 / events as f64);
    println!(
        "{path:<26} {:>10.0} {:>9.2} {:>14} {:>10} {:>17.0}",
        rate(best),
        best.elapsed.as_secs_f64(),
        best.processor.map_or("unknown".to_owned(), an_event),
        best.peak_mebibytes
            .map_or("unknown".to_owned(), |peak| peak.to_string()),
        rate(worst),
    );
    Ok(())
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

/// Feeds everything and waits until Detect has committed it.
fn drive<B: Broker>(
    broker: &B,
    appender: &dyn Append,
    settings: &Settings,
    events: &[Encoded],
    left: &dyn Fn() -> Result<u64>,
) -> Result<()>
where
    B::Consumer: Log + 'static,
{
    let engine = &settings.engine;
    let metrics = Arc::new(Metrics::new(engine.lag.thresholds()));
    let clock = Arc::new(ManualClock::new(NOW));
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
    stop.store(true, Ordering::SeqCst);
    for worker in workers {
        let _ = worker.join();
    }
    Ok(())
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
