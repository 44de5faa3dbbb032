//! A broker, topics and settings for the binary, and what it wrote.

use crate::scratch::Scratch;
use auscult::settings::Settings;
use auscult_engine::log::{Append, Log, LogEvent, Outgoing, Record};
use auscult_kafka::Kafka;
use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything that must happen.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// `engine.stop_within_seconds` as it is when nothing is set.
const STOPS_WITHIN: Duration = Duration::from_secs(20);
/// What a busy machine may add to a promised time.
const LOOSELY: Duration = Duration::from_secs(10);

/// Where an output stands, its key and its value.
pub type Output = (String, Option<Vec<u8>>, Option<Vec<u8>>);

/// A cluster with the topics of one set of settings, and a folder for the binary.
pub struct World<'c> {
    pub cluster: &'c Cluster,
    pub scratch: Scratch,
    pub settings: Settings,
}

/// One broker for all tests of this binary. Those without a login may everything, users only what access lists allow:
/// `stranger` nothing.
pub fn cluster(what: &str) -> Option<&'static Cluster> {
    static CLUSTER: std::sync::OnceLock<Cluster> = std::sync::OnceLock::new();
    let kit = kit_or_skip(what)?;
    Some(CLUSTER.get_or_init(|| {
        let settings = ClusterSettings::one()
            .user("stranger", "stranger-secret")
            .user("auscult", "auscult-secret")
            .user("halfway", "halfway-secret")
            .oauth()
            .tls()
            .authorizer()
            // A killed instance's transaction is aborted within a second of its time-out.
            .property(
                "transaction.abort.timed.out.transaction.cleanup.interval.ms",
                "1000",
            );
        Cluster::start(kit, &settings).expect("a broker starts")
    }))
}

/// A world of its own: groups and topics are named after `name`, but for the source topics, which are `source`'s.
/// Two worlds on the same source are comparable to the byte: what cannot be read is known by its place.
pub fn world(what: &str, name: &str, source: &str, partitions: u32) -> Option<World<'static>> {
    let cluster = cluster(what)?;
    let text = settings_text(&cluster.bootstrap(), name, source, partitions);
    Some(world_of(cluster, text))
}

/// A world of these settings; its topics are made.
pub fn world_of(cluster: &Cluster, text: String) -> World<'_> {
    let scratch = Scratch::new();
    scratch.write("key", "k".repeat(64));
    scratch.write("settings.toml", &text);
    let made = scratch.run(&["topics", "apply", "--settings", "settings.toml"]);
    assert!(
        made.status.success(),
        "{}",
        crate::scratch::text(&made.stderr)
    );
    let overrides = auscult::settings::Overrides {
        pseudonym_key: Some(auscult_engine::settings::Secret::new("k".repeat(64))),
        ..auscult::settings::Overrides::default()
    };
    let text = text.replace("pseudonym_key_file = 'key'\n", "");
    let settings = auscult::settings::read(Path::new("test"), &text, &overrides).expect("sound");
    World {
        cluster,
        scratch,
        settings,
    }
}

/// Turns are kept small, so that there are many moments to be killed in.
pub fn settings_text(brokers: &str, name: &str, source: &str, partitions: u32) -> String {
    let topics: String = [
        "mentions",
        "medical_requests",
        "medical_answers",
        "safety_candidates",
        "safety_acks",
        "safety_escalations",
        "series",
        "alerts",
        "alerts_medical",
        "signals",
        "dispositions",
        "actions",
        "outcomes",
        "dead_letters",
        "state",
        "reference",
    ]
    .map(|topic| (topic, name))
    .into_iter()
    .chain(["feedback_hcp", "feedback_patient", "feedback_ecosystem"].map(|topic| (topic, source)))
    .map(|(topic, name)| format!("{topic} = '{name}.{topic}'\n"))
    .collect();
    let brokers = brokers.replace(',', "', '");
    format!(
        "[kafka]\nbrokers = ['{brokers}']\ngroup_prefix = '{name}'\nsession_timeout_seconds = 6\ntransaction_timeout_seconds = 5\n\
         [kafka.topics]\nreplication = 1\nleast_in_sync = 1\n\
         [web]\nbind = '127.0.0.1:0'\n\
         [store]\nview = 'view.sqlite'\n\
         [engine.turn]\nleast_records = 16\nmost_records = 64\n\
         [engine.listen]\npseudonym_key_file = 'key'\n\
         [engine.listen.dead_letter_cap]\nshare = 1.0\n\
         [engine.partitions]\nsource = {partitions}\nmentions = {partitions}\n\
         [engine.topics]\nsources = ['{source}.feedback_hcp', '{source}.feedback_patient', '{source}.feedback_ecosystem']\n{topics}"
    )
}

impl World<'_> {
    pub fn kafka(&self) -> Kafka {
        let kafka = self.settings.kafka.as_ref().expect("[kafka] is written");
        Kafka::connect(kafka, &auscult::topics::on_kafka(&self.settings.engine))
            .expect("connected, and the topics are as the settings say")
    }

    /// Puts the whole simulated feed into the source topics; how many events there are.
    pub fn fill(&self, seed: u64) -> usize {
        self.fill_some(seed, 0..usize::MAX)
    }

    /// Puts these events of the simulated feed, counted from 0, into the source topics; how many there are.
    pub fn fill_some(&self, seed: u64, which: std::ops::Range<usize>) -> usize {
        let topics = &self.settings.engine.topics;
        let appender = self.kafka().appender().expect("an appender");
        let records: Vec<Outgoing> =
            auscult_sim::Generator::new(auscult_sim::Scenario::small(), seed)
                .take(which.end)
                .skip(which.start)
                .map(|event| {
                    let topic = match event.topic {
                        "feedback.hcp.v1" => &topics.feedback_hcp,
                        "feedback.patient.v1" => &topics.feedback_patient,
                        _ => &topics.feedback_ecosystem,
                    };
                    Outgoing {
                        topic: topic.as_str().into(),
                        partition: None,
                        key: Some(event.key),
                        headers: event.headers,
                        value: Some(event.value),
                    }
                })
                .collect();
        for chunk in records.chunks(1_000) {
            appender.append(chunk.to_vec()).expect("appended");
        }
        records.len()
    }

    /// Puts records into a topic.
    pub fn append(&self, records: Vec<Outgoing>) {
        let appender = self.kafka().appender().expect("an appender");
        appender.append(records).expect("appended");
    }

    /// Starts an instance in this folder.
    pub fn start(&self, roles: &str) -> Instance {
        self.start_telling(roles, Stdio::null())
    }

    /// Starts an instance in this folder; its log goes to `log`.
    pub fn start_telling(&self, roles: &str, log: impl Into<Stdio>) -> Instance {
        let command =
            self.scratch
                .command(&["run", "--settings", "settings.toml", "--roles", roles]);
        Instance::start(command, log)
    }

    /// Runs roles until they have worked everything off.
    pub fn work_off(&self, roles: &str) {
        let output = self.scratch.run(&[
            "run",
            "--settings",
            "settings.toml",
            "--roles",
            roles,
            "--stdin",
            "--drain",
        ]);
        assert!(
            output.status.success(),
            "{}",
            crate::scratch::text(&output.stderr)
        );
    }

    /// Everything committed on `topics`.
    pub fn read(&self, topics: &[&str]) -> Vec<Record> {
        let mut reader = self.kafka().reader("look", topics, Box::new(|_| Ok(None)));
        let mut records = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while reader.unread() != Some(0) {
            assert!(
                Instant::now() < deadline,
                "{topics:?} were not read to their ends"
            );
            for event in reader
                .poll(8_192, Duration::from_millis(50))
                .unwrap_or_default()
            {
                if let LogEvent::Record(record) = event {
                    records.push(record);
                }
            }
        }
        records.sort_by(|left, right| (&left.at, left.offset).cmp(&(&right.at, right.offset)));
        records
    }

    /// What people and services act on, in an order that no interleaving changes: alerts and series keep their
    /// order within a key, the rest is a set.
    pub fn outputs(&self) -> Vec<Output> {
        let topics = &self.settings.engine.topics;
        let prefix = format!(
            "{}.",
            self.settings
                .kafka
                .as_ref()
                .map_or("", |kafka| kafka.group_prefix.as_str())
        );
        let read = self.read(&[
            &topics.mentions,
            &topics.alerts,
            &topics.alerts_medical,
            &topics.signals,
            &topics.series,
            &topics.safety_candidates,
            &topics.medical_requests,
        ]);
        let mut kept: Vec<_> = read
            .into_iter()
            .filter(|record| {
                // Markers depend on where turns ended.
                record.at.topic.as_ref() != topics.mentions
                    || matches!(
                        auscult_wire::decode_mention_record(
                            &record.headers,
                            record.value.as_deref().unwrap_or_default()
                        ),
                        Ok(auscult_wire::MentionRecord::Mention(_))
                    )
            })
            .map(|record| {
                // Day 0 of a candidate out of an unreadable event is when it was read.
                let timeless = record.at.topic.as_ref() != topics.safety_candidates;
                let topic = record.at.topic.replace(&prefix, "");
                (topic, record.key, record.value.filter(|_| timeless))
            })
            .collect();
        kept.sort_by(|left, right| {
            let ordered = left.0.starts_with("alerts") || left.0 == "series" || left.0 == "signals";
            (&left.0, &left.1).cmp(&(&right.0, &right.1)).then_with(|| {
                if ordered {
                    std::cmp::Ordering::Equal
                } else {
                    left.2.cmp(&right.2)
                }
            })
        });
        kept
    }

    /// Offsets committed by the groups of all roles, summed: how far the work has come.
    pub fn progress(&self, kafka: &Kafka) -> u64 {
        let topics = &self.settings.engine.topics;
        self.listened(kafka) + committed(kafka, "detect", &[&topics.mentions])
    }

    /// Offsets of the source topics that Listen has committed, summed.
    pub fn listened(&self, kafka: &Kafka) -> u64 {
        let sources = auscult::topics::sources(&self.settings.engine);
        committed(kafka, "listen", &sources)
    }
}

fn committed(kafka: &Kafka, role: &str, topics: &[&str]) -> u64 {
    kafka
        .committed(role, topics)
        .unwrap_or_default()
        .iter()
        .map(|(_, position)| position.0)
        .sum()
}

/// A running binary; killed when dropped.
pub struct Instance(Child);

impl Instance {
    /// Runs `command`; its log goes to `log`.
    pub fn start(mut command: std::process::Command, log: impl Into<Stdio>) -> Instance {
        let child = command.stdout(Stdio::null()).stderr(log).spawn();
        Instance(child.expect("the binary starts"))
    }

    pub fn signal(&self, name: &str) {
        auscult_test_broker::signal(self.0.id(), name).expect("it runs");
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("reaped");
    }

    /// Asks it to stop, and waits until it has, in order.
    pub fn stop(self) {
        assert_eq!(self.stop_within(STOPS_WITHIN), Some(0), "an end in order");
    }

    /// Asks it to stop, and waits until it has, which its settings promise `within`; its exit code.
    pub fn stop_within(mut self, within: Duration) -> Option<i32> {
        self.signal("TERM");
        let deadline = Instant::now() + within + LOOSELY;
        loop {
            if let Some(status) = self.0.try_wait().expect("ours") {
                return status.code();
            }
            assert!(
                Instant::now() < deadline,
                "it ends within {within:?} when asked"
            );
            pause(Duration::from_millis(20));
        }
    }

    pub fn runs(&mut self) -> bool {
        self.0.try_wait().expect("ours").is_none()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Between two looks.
pub fn pause(time: Duration) {
    std::thread::park_timeout(time);
}
