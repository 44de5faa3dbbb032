//! Feedback to feed the stages with, and the settings they run under.

use auscult_core::time::Timestamp;
use auscult_engine::clock::{Clock, ManualClock};
use auscult_engine::detect::DetectStage;
use auscult_engine::listen::ListenStage;
use auscult_engine::log::{Append, Headers, Record};
use auscult_engine::settings::{CheckedEngineSettings, EngineSettings, Secret, Topics};
use auscult_engine::submit::SubmitDesk;
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Turn, TurnBounds};
use auscult_language::themes::Taxonomy;
use std::sync::Arc;

use super::{Broker, TestLog};

/// 2026-05-04T00:00:00Z, a Monday.
pub const START: Timestamp = Timestamp(1_777_852_800_000);

/// Settings with one source topic of two partitions and two mentions partitions.
pub fn settings(change: impl FnOnce(&mut EngineSettings)) -> CheckedEngineSettings {
    let mut settings = EngineSettings {
        topics: Topics::with_single_source("feedback.v1"),
        ..EngineSettings::default()
    };
    settings.partitions.source = 2;
    settings.partitions.mentions = 2;
    settings.listen.pseudonym_key = Some(Secret::new("a key for tests, long enough to be one"));
    settings.listen.default_tenant = Some("acme".to_owned());
    change(&mut settings);
    settings
        .check()
        .expect("the settings of the tests are good")
}

pub fn broker(settings: &CheckedEngineSettings) -> Broker {
    let topics = &settings.topics;
    let mut list: Vec<(&str, u32)> = topics
        .sources
        .iter()
        .map(|topic| (topic.as_str(), settings.partitions.source))
        .collect();
    list.extend(
        topics
            .detected()
            .into_iter()
            .map(|topic| (topic, settings.partitions.mentions)),
    );
    Broker::new(&list)
}

/// One feedback data object.
pub struct Said<'t> {
    pub id: &'t str,
    pub at: Timestamp,
    pub text: &'t str,
    pub respondent: &'t str,
    pub product: &'t str,
}

impl Default for Said<'_> {
    fn default() -> Self {
        Said {
            id: "fb-1",
            at: START,
            text: "The delivery of the pens was late again this week.",
            respondent: "hcp",
            product: "alpha",
        }
    }
}

impl Said<'_> {
    pub fn json(&self) -> String {
        let at = auscult_wire::time::format(self.at);
        serde_json::json!({
            "feedback_id": self.id, "kind": "feedback",
            "source": {"system": "crm", "instance": "eu", "type": "field_note"},
            "channel": "face_to_face", "occurred_at": at, "awareness": {"at": at, "by_function": "medical", "by_organisation": "company"},
            "solicitation": "unsolicited",
            "respondent": {"ref": format!("person {}", self.id), "type": self.respondent, "country": "DE", "region": "DE-BY"},
            "about": {"products": [self.product]},
            "content": {"format": "text", "text": self.text, "language": "en"},
            "consent": {"basis": "legitimate_interest"}, "privacy": {"state": "raw"},
        })
        .to_string()
    }
}

/// A broker, a clock and the two stages' settings: everything a test drives.
pub struct House {
    pub settings: CheckedEngineSettings,
    pub broker: Broker,
    pub clock: Arc<ManualClock>,
    pub metrics: Arc<Metrics>,
}

impl House {
    pub fn new(change: impl FnOnce(&mut EngineSettings)) -> House {
        let settings = settings(change);
        let broker = broker(&settings);
        let clock = Arc::new(ManualClock::new(START));
        House {
            settings,
            broker,
            clock,
            metrics: Arc::new(Metrics::default()),
        }
    }

    pub fn submit(&self, body: &str) {
        self.submit_bytes(body.as_bytes());
    }

    pub fn submit_bytes(&self, body: &[u8]) {
        let desk = SubmitDesk::new(&self.settings);
        let submission = desk
            .feedback("", &Headers::new(), body, self.clock.now())
            .expect("a body");
        self.broker.append(submission.outgoing).expect("appends");
    }

    pub fn listen(&self) -> Turn<TestLog, ListenStage> {
        let stage = ListenStage::standard(
            &self.settings,
            Taxonomy::standard(),
            Arc::clone(&self.metrics),
        );
        let sources: Vec<&str> = self
            .settings
            .topics
            .sources
            .iter()
            .map(String::as_str)
            .collect();
        self.turn(self.broker.handle("listen", &sources), stage)
    }

    pub fn detect(
        &self,
        detect: auscult_core::settings::DetectSettings,
    ) -> Turn<TestLog, DetectStage> {
        let detect = Arc::new(detect.check().expect("good settings"));
        let stage = DetectStage::new(detect, &self.settings, Arc::clone(&self.metrics));
        self.turn(
            self.broker
                .handle("detect", &self.settings.topics.detected()),
            stage,
        )
    }

    pub fn turn<S: auscult_engine::turn::Stage>(&self, log: TestLog, stage: S) -> Turn<TestLog, S> {
        let bounds = TurnBounds {
            least_records: 3,
            most_records: 50,
            ..TurnBounds::default()
        };
        Turn::new(
            log,
            stage,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(&self.metrics),
            bounds,
        )
    }

    /// Records of a topic, by the setting that names it.
    pub fn topic(&self, name: impl Fn(&Topics) -> &String) -> Vec<Record> {
        self.broker.all(name(&self.settings.topics))
    }
}
