//! The log a service stands on.

use crate::pipeline::{DETECT_GROUP, LISTEN_GROUP, SAFETY_GROUP, SERVE_GROUP};
use crate::settings::Settings;
use auscult_engine::log::{Append, Log, LogError, Position, TopicPartition};
use auscult_engine::read_model::ViewWriter;
use auscult_engine::reference::ReferenceReading;
use auscult_engine::settings::Role;
use auscult_kafka::{Drained, Kafka, Membered};
use auscult_store::log::{EmbeddedLog, LogReader};
use auscult_store::view::View;
use std::time::Instant;

/// The embedded log in one file, or a Kafka cluster.
pub enum Backing {
    /// One SQLite file.
    Embedded(EmbeddedLog),
    /// Brokers.
    Kafka(OnKafka),
}

/// A Kafka cluster, and how far the stages of this process have come on it.
pub struct OnKafka {
    kafka: Kafka,
    /// One for each stage, in the order they feed each other.
    drained: Vec<Drained>,
    /// What is being waited for: the stage, and since when it must have been drained.
    waiting_for: Option<(usize, Instant)>,
}

impl Backing {
    /// Opens the file, or connects and holds the topics against the settings.
    ///
    /// # Errors
    /// See [`EmbeddedLog::open`] and [`Kafka::connect`].
    pub fn open(settings: &Settings) -> Result<Backing, LogError> {
        match &settings.kafka {
            None => {
                crate::topics::open_log(&settings.log_path, &settings.engine).map(Backing::Embedded)
            }
            Some(kafka) => Ok(Backing::Kafka(OnKafka {
                kafka: Kafka::connect(kafka, &crate::topics::on_kafka(&settings.engine))?,
                drained: Vec::new(),
                waiting_for: None,
            })),
        }
    }

    /// The log as the stage of `role` sees it.
    ///
    /// # Errors
    /// The log cannot be joined.
    pub fn consumer(
        &mut self,
        role: Role,
        settings: &Settings,
        view: &View,
    ) -> Result<Box<dyn Log>, LogError> {
        let engine = &settings.engine;
        match self {
            Backing::Embedded(log) => Ok(Box::new(match role {
                Role::Listen => log.consumer(LISTEN_GROUP, &crate::topics::sources(engine))?,
                Role::Detect => log.consumer(DETECT_GROUP, &engine.topics.detected())?,
                // The read model keeps its own positions: deleted, it is read again from the oldest record.
                Role::Serve => {
                    log.consumer_from(SERVE_GROUP, &engine.topics.served(), |partition| {
                        view_position(view, partition)
                            .map(|position| Some(position.unwrap_or_default()))
                    })?
                }
            })),
            Backing::Kafka(on) => {
                let consumer = match role {
                    Role::Listen => on.kafka.member(&Membered {
                        role: role.as_str(),
                        leading: &crate::topics::sources(engine),
                        following: &[],
                        state: None,
                    }),
                    Role::Detect => on.kafka.member(&Membered {
                        role: role.as_str(),
                        leading: &[&engine.topics.mentions],
                        following: &[&engine.topics.dispositions, &engine.topics.actions],
                        state: Some(&engine.topics.state),
                    }),
                    // Each instance has a read model of its own, so each reads everything.
                    Role::Serve => {
                        let view = view.clone();
                        on.kafka.reader(
                            role.as_str(),
                            &engine.topics.served(),
                            Box::new(move |partition| view_position(&view, partition)),
                        )
                    }
                };
                on.drained.push(consumer.drained());
                Ok(Box::new(consumer))
            }
        }
    }

    /// The log as the safety watch sees it, which runs beside Listen.
    ///
    /// # Errors
    /// The log cannot be joined.
    pub fn safety_consumer(&mut self, settings: &Settings) -> Result<Box<dyn Log>, LogError> {
        let topics = &settings.engine.topics;
        match self {
            Backing::Embedded(log) => Ok(Box::new(log.consumer(SAFETY_GROUP, &topics.watched())?)),
            Backing::Kafka(on) => {
                let consumer = on.kafka.member(&Membered {
                    role: "safety",
                    leading: &[&topics.safety_candidates],
                    following: &[&topics.safety_acks],
                    state: Some(&topics.state),
                });
                on.drained.push(consumer.drained());
                Ok(Box::new(consumer))
            }
        }
    }

    /// Reference data from their beginning, which Listen reads before it begins; `None`: there are none beside the
    /// settings.
    pub fn reference(&self, settings: &Settings) -> Option<ReferenceReading> {
        match self {
            Backing::Embedded(_) => None,
            Backing::Kafka(on) => {
                let topic = settings.engine.topics.reference.as_str();
                let reader = on
                    .kafka
                    .reader("reference", &[topic], Box::new(|_| Ok(None)));
                Some(ReferenceReading::new(Box::new(reader)))
            }
        }
    }

    /// Appends to the log.
    ///
    /// # Errors
    /// The producer cannot be made.
    pub fn appender(&self) -> Result<Box<dyn Append>, LogError> {
        Ok(match self {
            Backing::Embedded(log) => Box::new(log.appender()),
            Backing::Kafka(on) => Box::new(on.kafka.appender()?),
        })
    }

    /// The adapter's own counters, in the text format of Prometheus.
    pub fn metrics(&self) -> Box<dyn Fn() -> String + Send + Sync> {
        match self {
            Backing::Embedded(_) => Box::new(String::new),
            Backing::Kafka(on) => {
                let kafka = on.kafka.clone();
                Box::new(move || kafka.render_metrics())
            }
        }
    }

    /// Whether everything was worked off.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn is_drained(&mut self, settings: &Settings) -> Result<bool, LogError> {
        match self {
            Backing::Embedded(_) => embedded_is_drained(settings),
            Backing::Kafka(on) => Ok(on.is_drained()),
        }
    }
}

impl OnKafka {
    /// A stage is done when it was drained after the stage before it was seen to be.
    fn is_drained(&mut self) -> bool {
        let (mut stage, mut since) = self.waiting_for.unwrap_or((0, Instant::now()));
        while let Some(drained) = self.drained.get(stage) {
            if !drained.since(since) {
                break;
            }
            stage += 1;
            since = Instant::now();
        }
        self.waiting_for = Some((stage, since));
        stage >= self.drained.len()
    }
}

fn view_position(view: &View, partition: &TopicPartition) -> Result<Option<Position>, LogError> {
    view.position(partition)
        .map_err(|error| LogError::Fatal(error.to_string()))
}

fn embedded_is_drained(settings: &Settings) -> Result<bool, LogError> {
    let engine = &settings.engine;
    let reader = LogReader::open(&settings.log_path)?;
    let stages: [(Role, &str, Vec<&str>); 4] = [
        (Role::Listen, LISTEN_GROUP, crate::topics::sources(engine)),
        (Role::Listen, SAFETY_GROUP, engine.topics.watched()),
        (Role::Detect, DETECT_GROUP, engine.topics.detected()),
        (Role::Serve, SERVE_GROUP, engine.topics.served()),
    ];
    for (role, group, topics) in stages {
        if !engine.roles.contains(&role) {
            continue;
        }
        for topic in topics {
            for partition in reader.partitions(topic)? {
                let end = reader.end(&partition)?;
                if end > reader.committed(group, &partition)?.unwrap_or_default() {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}
