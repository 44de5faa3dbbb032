//! The service, on the embedded log or on Kafka: stages on threads, pages on tokio, one stop flag for all of it.
//!
//! Which log it is, is decided once, at the start. The stages take whatever implements the port; what the two
//! worlds do differently (how a stage joins, who appends, when everything is worked off) is [`Backing`].

mod backing;

pub use backing::Backing;

use crate::retention::Cleaner;
use crate::settings::Settings;
use crate::submit::Desk;
use auscult_engine::clock::Clock;
use auscult_engine::detect::DetectStage;
use auscult_engine::listen::ListenStage;
use auscult_engine::log::{Append, Log, LogError};
use auscult_engine::safety::SafetyStage;
use auscult_engine::serve::{Changed, ServeStage};
use auscult_engine::settings::Role;
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Running, Stage, Turn, Worker, WorkerEnd};
use auscult_language::themes::Taxonomy;
use auscult_store::view::View;
use auscult_web::ports::Update;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Live updates an open page may be behind before it is told to ask for everything.
const UPDATES: usize = 256;

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log or the read model.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The read model.
    #[error("{0}")]
    View(String),
    /// The operating system refused a thread.
    #[error("cannot start a thread: {0}; raise the limit of processes for this user")]
    Thread(#[from] std::io::Error),
}

/// A running service without its pages.
pub struct Service {
    backing: Backing,
    /// The read model.
    pub view: View,
    /// Holds the empty view of an instance that serves nothing.
    _own_folder: Option<tempfile::TempDir>,
    /// Tells pages that something changed.
    pub updates: tokio::sync::broadcast::Sender<Update>,
    /// Counters of all stages.
    pub metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    workers: Vec<Worker>,
    cleaner: Option<Cleaner>,
}

impl Service {
    /// Opens the files and starts the stages of the roles in `settings`, which run until `stop` is up.
    ///
    /// # Errors
    /// See [`StartError`]; nothing keeps running.
    pub fn start(
        settings: &Settings,
        taxonomy: Taxonomy,
        clock: Arc<dyn Clock>,
        stop: Arc<AtomicBool>,
    ) -> Result<Service, StartError> {
        let backing = Backing::open(settings)?;
        let (view, own_folder) = open_view(settings)?;
        let metrics = Arc::new(Metrics::new(settings.engine.lag.thresholds()));
        let (updates, _) = tokio::sync::broadcast::channel(UPDATES);
        let mut service = Service {
            backing,
            view,
            _own_folder: own_folder,
            updates,
            metrics,
            clock,
            stop,
            workers: Vec::new(),
            cleaner: None,
        };
        let started = service
            .start_stages(settings, taxonomy)
            .and_then(|()| service.start_cleaning(settings));
        match started {
            Ok(()) => Ok(service),
            Err(error) => {
                // Stages already running stop with the flag; what they ended with matters less than the cause.
                let _ = service.shut_down();
                Err(error)
            }
        }
    }

    fn start_stages(&mut self, settings: &Settings, taxonomy: Taxonomy) -> Result<(), StartError> {
        let engine = &settings.engine;
        if engine.roles.contains(&Role::Listen) {
            let metrics = Arc::clone(&self.metrics);
            let stage = match self.backing.reference(settings) {
                Some(reading) => ListenStage::after_reference(engine, taxonomy, metrics, reading),
                None => ListenStage::standard(engine, taxonomy, metrics),
            };
            self.spawn(Role::Listen, stage, settings)?;
            let watch = SafetyStage::new(engine, Arc::clone(&self.metrics));
            let consumer = self.backing.safety_consumer(settings)?;
            self.spawn_on(consumer, watch, settings)?;
        }
        if engine.roles.contains(&Role::Detect) {
            let stage = DetectStage::new(
                Arc::new(settings.detect.clone()),
                engine,
                Arc::clone(&self.metrics),
            );
            self.spawn(Role::Detect, stage, settings)?;
        }
        if engine.roles.contains(&Role::Serve) {
            let updates = self.updates.clone();
            let tell = Box::new(move |changed: &[Changed]| {
                for change in changed {
                    // Nobody listening is no error.
                    let _ = updates.send(update_of(change));
                }
            });
            let stage = ServeStage::new(self.view.clone(), engine, Arc::clone(&self.metrics), tell);
            self.spawn(Role::Serve, stage, settings)?;
        }
        Ok(())
    }

    /// Old records of the embedded log go by `engine.retention`; on Kafka the broker sees to that.
    fn start_cleaning(&mut self, settings: &Settings) -> Result<(), StartError> {
        if let Backing::Embedded(log) = &self.backing {
            let cleaner = Cleaner::start(
                log.clone(),
                settings.engine.clone(),
                Arc::clone(&self.metrics),
            )?;
            self.cleaner = Some(cleaner);
        }
        Ok(())
    }

    /// Runs `stage` over the log on a thread of its own.
    fn spawn(
        &mut self,
        role: Role,
        stage: impl Stage + 'static,
        settings: &Settings,
    ) -> Result<(), StartError> {
        let consumer = self.backing.consumer(role, settings, &self.view)?;
        self.spawn_on(consumer, stage, settings)
    }

    fn spawn_on(
        &mut self,
        consumer: Box<dyn Log>,
        stage: impl Stage + 'static,
        settings: &Settings,
    ) -> Result<(), StartError> {
        let (clock, metrics) = (Arc::clone(&self.clock), Arc::clone(&self.metrics));
        let turn = Turn::new(
            consumer,
            stage,
            clock,
            metrics,
            settings.engine.turn.bounds(),
        );
        self.workers
            .push(Worker::spawn(turn, Arc::clone(&self.stop))?);
        Ok(())
    }

    /// The embedded log, when that is what the service stands on.
    pub fn embedded(&self) -> Option<&auscult_store::log::EmbeddedLog> {
        match &self.backing {
            Backing::Embedded(log) => Some(log),
            Backing::Kafka(_) => None,
        }
    }

    /// Appends to the service's log.
    ///
    /// # Errors
    /// The log cannot be written to.
    pub fn appender(&self) -> Result<Box<dyn Append>, LogError> {
        self.backing.appender()
    }

    /// Everything pages need.
    ///
    /// # Errors
    /// The log cannot be written to.
    pub fn app(&self, settings: &Settings) -> Result<auscult_web::App, LogError> {
        let (metrics, clock) = (Arc::clone(&self.metrics), Arc::clone(&self.clock));
        let adapter = self.backing.metrics();
        Ok(auscult_web::App {
            read: Arc::new(self.view.clone()),
            submit: Arc::new(Desk::new(
                settings,
                self.backing.appender()?,
                self.view.clone(),
                Arc::clone(&self.clock),
            )),
            clock: Arc::clone(&self.clock),
            metrics: Arc::new(move || {
                let engine = metrics
                    .render(clock.now())
                    .unwrap_or_else(|error| format!("# {error}\n"));
                engine + &adapter()
            }),
            health: Arc::new(crate::health::Parts::new(
                Arc::clone(&self.metrics),
                Arc::clone(&self.clock),
                Arc::clone(&self.stop),
                Box::new(self.view.clone()),
            )),
            updates: self.updates.clone(),
            settings: settings.web.clone(),
        })
    }

    /// The stages that were started, to be looked at while they end.
    pub fn running(&self) -> Vec<Running> {
        self.workers.iter().map(Worker::running).collect()
    }

    /// Stops the stages after their current turn and says how they ended.
    ///
    /// # Errors
    /// What a person must act on, from every stage that stopped by itself.
    pub fn shut_down(mut self) -> Result<(), String> {
        self.stop.store(true, Ordering::SeqCst);
        let mut complaints = Vec::new();
        for worker in self.workers.drain(..) {
            let stage = worker.stage();
            match worker.join() {
                WorkerEnd::Asked => {}
                WorkerEnd::Stopped(stop) => complaints.push(stop.to_string()),
                WorkerEnd::Panicked(message) => complaints.push(format!(
                    "{stage} panicked: {message}; this is our mistake, please report it"
                )),
            }
        }
        if let Some(Err(complaint)) = self.cleaner.take().map(Cleaner::stop) {
            complaints.push(complaint);
        }
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(complaints.join("\n"))
        }
    }

    /// Whether every stage of this process has committed everything there is to read, in the order the stages feed
    /// each other. On Kafka that is: everything this instance holds, as of the first time it was asked.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn is_drained(&mut self, settings: &Settings) -> Result<bool, LogError> {
        self.backing.is_drained(settings)
    }
}

/// The read model, which one process has open at a time. An instance that does not serve has none to show, so that it
/// takes nobody's file: several may run in one folder.
fn open_view(settings: &Settings) -> Result<(View, Option<tempfile::TempDir>), StartError> {
    let told = |trouble: auscult_store::Trouble| StartError::View(trouble.to_string());
    if settings.engine.roles.contains(&Role::Serve) {
        return Ok((View::open(&settings.view_path).map_err(told)?, None));
    }
    let folder = tempfile::tempdir().map_err(|error| {
        StartError::View(format!(
            "cannot make a temporary folder: {error}; set TMPDIR to a folder that can be written to"
        ))
    })?;
    let view = View::open(&folder.path().join("empty.sqlite")).map_err(told)?;
    Ok((view, Some(folder)))
}

fn update_of(change: &Changed) -> Update {
    match change {
        Changed::Signal(signal_id) => Update::Signal {
            signal_id: signal_id.clone(),
        },
        Changed::Safety(candidate_id) => Update::Safety {
            candidate_id: candidate_id.clone(),
        },
        Changed::Request(request_id) => Update::Request {
            request_id: request_id.clone(),
        },
        Changed::Action(action_id) => Update::Action {
            action_id: action_id.clone(),
        },
        Changed::Operations => Update::Operations,
    }
}
