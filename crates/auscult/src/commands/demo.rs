//! `auscult demo`: everything on this machine, nothing else needed.
//!
//! A seeded feed with planted changes: history first, at full speed and notifying nobody, then live at a visible
//! pace through the very service `auscult run` starts. At the end, what was raised is held against what was
//! planted. The clock is the simulation's, so the same seed tells the same story.

mod desk;
mod team;

use crate::cli::Demo;
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::pipeline::Pipeline;
use crate::service::Service;
use crate::settings::{self, Overrides, Settings};
use auscult_core::time::{BucketWidth, HOUR, Timestamp, words_for};
use auscult_engine::clock::ManualClock;
use auscult_engine::log::{Log, LogEvent, Outgoing, Record};
use auscult_language::themes::Taxonomy;
use auscult_sim::{GeneratedEvent, Generator, Scenario, Scorecard, Truth};
use auscult_wire::AlertData;
use desk::Desks;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use team::Team;

/// History events fed in at once.
const HISTORY_BATCH: usize = 4_096;
/// Simulated seconds a stage may be behind before the Ops page says so: two real seconds at the default pace.
const DEMO_LAG_SECONDS: u32 = 86_400;
/// Simulated hours after which the safety watch escalates: five real seconds at the default pace, so that a busy machine alone
/// does not make an escalation.
const DEMO_ESCALATE_HOURS: u32 = 60;
/// Live steps a second.
const STEPS_PER_SECOND: f64 = 10.0;
/// How long after the last event the live part waits for the last buckets to close.
const SETTLE: Duration = Duration::from_secs(3);

/// Runs the demo.
pub fn run(demo: &Demo) -> Outcome {
    let started = Instant::now();
    let (folder, _keep) = folder(demo)?;
    let settings = settings_for(demo, &folder, false)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    let listener = runtime.block_on(super::run::listener(&settings))?;
    let mut generator = Generator::new(Scenario::demo(), demo.seed);
    let live_from = generator.scenario().live_from();
    let mut next = load_history(demo, &folder, &mut generator, live_from)?;
    say(&format!(
        "history loaded in {:.1} s; live from {}\n",
        started.elapsed().as_secs_f64(),
        words_for(live_from, BucketWidth::Day)
    ));

    let clock = Arc::new(ManualClock::new(live_from));
    let stop = Arc::new(AtomicBool::new(false));
    runtime.block_on(super::run::stop_when_asked(&stop, None))?;
    let mut service = Service::start(
        &settings,
        Taxonomy::standard(),
        clock.clone(),
        Arc::clone(&stop),
    )
    .or_fail(Kind::Store)?;
    let app = service.app(&settings).or_fail(Kind::Store)?;
    let pages = listener.map(|listener| {
        runtime.spawn(auscult_web::serve(
            listener,
            app,
            super::run::stopped(Arc::clone(&stop)),
        ))
    });
    say(&format!(
        "\n  pages: http://{}\n  files: {}\n\n",
        settings.web.bind(),
        folder.display()
    ));

    let mut told = Told::new(&service, &settings, live_from)?;
    let desks = Desks::new(&service, &settings, live_from)?;
    let mut live = Live {
        desks,
        team: Team::new(&service, &settings)?,
        clock: &clock,
        service: &mut service,
        settings: &settings,
        stop: &stop,
        pace: demo.pace,
    };
    live.run(&mut generator, &mut next, &mut told)?;
    let mut team = live.team;
    let truth = generator.truth().clone();
    write_truth(&folder, &truth)?;
    told.listen(&mut team)?;
    team.listen()?;
    say(&comparison(&truth, &told.records));
    if !demo.exit && !stop.load(Ordering::SeqCst) {
        say(&format!(
            "The pages stay at http://{}; Ctrl-C ends.\n",
            settings.web.bind()
        ));
        runtime.block_on(super::run::stopped(Arc::clone(&stop)));
    }
    stop.store(true, Ordering::SeqCst);
    if let Some(pages) = pages {
        runtime
            .block_on(pages)
            .map_err(anyhow::Error::from)?
            .map_err(anyhow::Error::from)?;
    }
    service
        .shut_down()
        .map_err(|complaints| Failure::new(Kind::Store, anyhow::anyhow!(complaints)))
}

fn say(text: &str) {
    super::print(text);
}

/// The demo's folder; the second value removes a temporary one at the end.
fn folder(demo: &Demo) -> Result<(std::path::PathBuf, Option<tempfile::TempDir>), Failure> {
    let cannot = |path: &Path, error: std::io::Error| {
        Failure::new(
            Kind::Store,
            anyhow::anyhow!(
                "cannot make folder {}: {error}; name another with --folder",
                path.display()
            ),
        )
    };
    match &demo.folder {
        Some(path) => {
            std::fs::create_dir_all(path).map_err(|error| cannot(path, error))?;
            for name in [
                "log.sqlite",
                "log.sqlite-wal",
                "log.sqlite-shm",
                "view.sqlite",
                "view.sqlite-wal",
                "view.sqlite-shm",
            ] {
                match std::fs::remove_file(path.join(name)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(cannot(&path.join(name), error));
                    }
                    _ => {}
                }
            }
            Ok((path.clone(), None))
        }
        None => {
            let folder = tempfile::Builder::new()
                .prefix("auscult-demo-")
                .tempdir()
                .map_err(|error| cannot(&std::env::temp_dir(), error))?;
            Ok((folder.path().to_owned(), Some(folder)))
        }
    }
}

fn settings_for(demo: &Demo, folder: &Path, backfill: bool) -> Result<Settings, Failure> {
    let overrides = Overrides {
        pseudonym_key: Some(super::run::throwaway_key("demo")),
        bind: Some(demo.bind.clone()),
        backfill,
        ..Overrides::default()
    };
    let mut settings = settings::load(None, &overrides).or_fail(Kind::Settings)?;
    let mut engine = (*settings.engine).clone();
    // Hours of simulated time pass in a second: what counts as behind is set accordingly.
    engine.lag.warn_after_seconds = DEMO_LAG_SECONDS;
    engine.lag.stall_after_seconds = DEMO_LAG_SECONDS;
    engine.safety.escalate_after_hours = DEMO_ESCALATE_HOURS;
    let products = Scenario::demo().products;
    engine.listen.products = products
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    settings.engine = engine.check().map_err(|found| {
        Failure::new(Kind::Settings, super::problems(Path::new("(demo)"), &found))
    })?;
    settings.log_path = folder.join("log.sqlite");
    settings.view_path = folder.join("view.sqlite");
    Ok(settings)
}

/// Loads everything that arrives before `live_from`; hands back the first live event.
fn load_history(
    demo: &Demo,
    folder: &Path,
    generator: &mut Generator,
    live_from: Timestamp,
) -> Result<Option<GeneratedEvent>, Failure> {
    let settings = settings_for(demo, folder, true)?;
    let log = crate::topics::open_log(&settings.log_path, &settings.engine).or_fail(Kind::Store)?;
    let appender = Box::new(log.appender());
    let detect = Arc::new(settings.detect.clone());
    let start = generator.scenario().start;
    let mut pipeline = Pipeline::new(
        &log,
        appender,
        &settings.engine,
        detect,
        Taxonomy::standard(),
        &[],
        start,
    )
    .or_fail(Kind::Store)?;
    let mut batch = Vec::new();
    let (mut now, mut loaded) = (start, 0usize);
    let mut first_live = None;
    for event in generator.by_ref() {
        if event.arrives_at >= live_from {
            first_live = Some(event);
            break;
        }
        now = event.arrives_at;
        loaded += 1;
        batch.push(record(event));
        if batch.len() >= HISTORY_BATCH {
            pipeline
                .feed_records(std::mem::take(&mut batch), now)
                .or_fail(Kind::Store)?;
        }
    }
    pipeline.feed_records(batch, now).or_fail(Kind::Store)?;
    say(&format!("{loaded} events of history: "));
    Ok(first_live)
}

fn record(event: GeneratedEvent) -> Outgoing {
    Outgoing {
        topic: event.topic.into(),
        partition: None,
        key: Some(event.key),
        headers: event.headers,
        value: Some(event.value),
    }
}

/// The live part.
struct Live<'a> {
    desks: Desks,
    team: Team,
    clock: &'a ManualClock,
    service: &'a mut Service,
    settings: &'a Settings,
    stop: &'a AtomicBool,
    pace: f64,
}

impl Live<'_> {
    /// Feeds events as simulated time passes, until the feed ends or somebody stops it.
    fn run(
        &mut self,
        generator: &mut Generator,
        next: &mut Option<GeneratedEvent>,
        told: &mut Told,
    ) -> Outcome {
        let from = generator.scenario().live_from();
        let last = generator
            .scenario()
            .end()
            .plus(BucketWidth::Day.milliseconds());
        let began = Instant::now();
        let appender = self.service.appender().or_fail(Kind::Store)?;
        while !self.stop.load(Ordering::SeqCst) {
            let passed = began.elapsed().as_secs_f64() * self.pace * HOUR as f64;
            let now = from.plus(passed as i64).min(last);
            let mut batch = Vec::new();
            while let Some(event) = next.take_if(|event| event.arrives_at <= now) {
                batch.push(record(event));
                *next = generator.next();
            }
            self.clock.advance_to(now);
            if !batch.is_empty() {
                appender.append(batch).or_fail(Kind::Store)?;
            }
            self.desks.work(now, appender.as_ref())?;
            told.listen(&mut self.team)?;
            self.team.work(now, appender.as_ref())?;
            // What would come still later never comes: waiting days for it would show every feed as silent.
            if now >= last {
                break;
            }
            std::thread::sleep(Duration::from_secs_f64(1.0 / STEPS_PER_SECOND));
        }
        let settled = Instant::now();
        while settled.elapsed() < SETTLE
            && !self.stop.load(Ordering::SeqCst)
            && !self
                .service
                .is_drained(self.settings)
                .or_fail(Kind::Store)?
        {
            std::thread::sleep(Duration::from_secs_f64(1.0 / STEPS_PER_SECOND));
        }
        Ok(())
    }
}

/// A reader of `topic` beside the service, in a group of its own.
fn consumer(
    service: &Service,
    group: &str,
    topic: &str,
) -> Result<auscult_store::log::Consumer, Failure> {
    let log = service.embedded().ok_or_else(|| {
        Failure::new(
            Kind::Store,
            anyhow::anyhow!("the demo runs on the embedded log only"),
        )
    })?;
    log.consumer(group, &[topic]).or_fail(Kind::Store)
}

/// Alerts as they come.
struct Told {
    consumer: auscult_store::log::Consumer,
    records: Vec<Record>,
    live_from: Timestamp,
}

impl Told {
    fn new(service: &Service, settings: &Settings, live_from: Timestamp) -> Result<Told, Failure> {
        let consumer = consumer(service, "demo", &settings.engine.topics.alerts)?;
        Ok(Told {
            consumer,
            records: Vec::new(),
            live_from,
        })
    }

    fn listen(&mut self, team: &mut Team) -> Outcome {
        loop {
            let events = self
                .consumer
                .poll(1_024, Duration::ZERO)
                .or_fail(Kind::Store)?;
            if events.is_empty() {
                return Ok(());
            }
            for event in events {
                if let LogEvent::Record(record) = event {
                    self.tell(&record, team);
                    self.records.push(record);
                }
            }
        }
    }

    fn tell(&self, record: &Record, team: &mut Team) {
        let Ok(event) = auscult_wire::decode_alert(
            &record.headers,
            record.value.as_deref().unwrap_or_default(),
        ) else {
            return;
        };
        let alert: &AlertData = &event.data;
        if alert.first_raised_at < self.live_from || !alert.suppressed_by.is_empty() {
            return;
        }
        let kind = event.envelope.kind.rsplit('.').nth(1).unwrap_or_default();
        let severity = event
            .envelope
            .severity
            .map_or("", |severity| severity.as_str());
        let key = record
            .key
            .as_deref()
            .map(String::from_utf8_lossy)
            .unwrap_or_default();
        let market = key.split('|').nth(1).unwrap_or_default().to_owned();
        if let Some((portfolio, _)) = key.rsplit_once('|') {
            team.hear(portfolio, alert);
        }
        say(&format!(
            "{}  {market:<3} {kind:<9} {severity:<8} {}\n",
            words_for(alert.as_of, BucketWidth::Hour),
            alert.title
        ));
        if alert.revision == 1 {
            say(&format!("                       {}\n", alert.why));
        }
    }
}

fn write_truth(folder: &Path, truth: &Truth) -> Outcome {
    let text = serde_json::to_vec_pretty(truth).or_fail(Kind::Store)?;
    let path = folder.join("truth.json");
    std::fs::write(&path, text).map_err(|error| {
        Failure::new(
            Kind::Store,
            anyhow::anyhow!("cannot write {}: {error}", path.display()),
        )
    })
}

/// What was raised against what was planted.
fn comparison(truth: &Truth, alerts: &[Record]) -> String {
    let raised = match auscult_sim::scorecard::raised_signals(alerts) {
        Ok(raised) => raised,
        Err(error) => return format!("alerts cannot be compared: {error}\n"),
    };
    let card = Scorecard::compare(truth, &raised);
    let mut rows = vec![
        ["planted", "what", "onset", "found", "delay", "first signal"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in &card.rows {
        let dimensions: Vec<&str> = row
            .planted
            .dimensions
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        rows.push(vec![
            row.planted.name.clone(),
            dimensions.join(" · "),
            words_for(row.planted.onset, BucketWidth::Day),
            if row.first.is_some() { "yes" } else { "no" }.to_owned(),
            row.delay_days
                .map_or(String::new(), |days| format!("{days:.1} d")),
            row.first
                .as_ref()
                .map_or(String::new(), |signal| signal.title.clone()),
        ]);
    }
    let mut text = format!(
        "\nPlanted against found\n\n{}",
        crate::table::aligned(&rows)
    );
    text.push_str(&format!(
        "\n{} of {} planted changes found; {} further signals at the same time and place; {} false ({:.1} a week over {} portfolios).\n",
        card.found(),
        card.rows.len(),
        card.side_effects.len(),
        card.false_signals.len(),
        card.false_per_week(),
        raised.iter().map(|signal| &signal.portfolio).collect::<std::collections::BTreeSet<_>>().len(),
    ));
    for signal in &card.false_signals {
        text.push_str(&format!(
            "  false: {} {} ({})\n",
            words_for(signal.window_start, BucketWidth::Day),
            signal.title,
            signal.portfolio
        ));
    }
    text
}
