//! Topic names.

use serde::Deserialize;

/// Topic names, the contract's by default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each field is the topic of that name in the contract"
)]
pub struct Topics {
    /// Where feedback of HCPs and pharmacists is submitted.
    pub feedback_hcp: String,
    /// Where feedback of patients and caregivers is submitted.
    pub feedback_patient: String,
    /// Where everybody else's feedback, and what cannot be read, is submitted.
    pub feedback_ecosystem: String,
    /// Topics Listen reads; the three above must be among them, or what is submitted would never be heard. A
    /// source topic that stays empty holds every bucket open until its idle time has passed.
    pub sources: Vec<String>,
    pub mentions: String,
    pub medical_requests: String,
    pub medical_answers: String,
    pub safety_candidates: String,
    pub safety_acks: String,
    pub safety_escalations: String,
    pub series: String,
    pub alerts: String,
    pub alerts_medical: String,
    pub signals: String,
    pub dispositions: String,
    pub actions: String,
    pub outcomes: String,
    pub dead_letters: String,
    pub state: String,
    pub reference: String,
}

impl Default for Topics {
    fn default() -> Topics {
        let name = |text: &str| text.to_owned();
        Topics {
            feedback_hcp: name("feedback.hcp.v1"),
            feedback_patient: name("feedback.patient.v1"),
            feedback_ecosystem: name("feedback.ecosystem.v1"),
            sources: vec![
                name("feedback.hcp.v1"),
                name("feedback.patient.v1"),
                name("feedback.ecosystem.v1"),
            ],
            mentions: name("voc.mentions.v1"),
            medical_requests: name("voc.medical.requests.v1"),
            medical_answers: name("voc.medical.answers.v1"),
            safety_candidates: name("voc.safety.candidates.v1"),
            safety_acks: name("voc.safety.acks.v1"),
            safety_escalations: name("voc.safety.escalations.v1"),
            series: name("voc.series.v1"),
            alerts: name("voc.alerts.v1"),
            alerts_medical: name("voc.alerts.medical.v1"),
            signals: name("voc.signals.v1"),
            dispositions: name("voc.dispositions.v1"),
            actions: name("voc.actions.v1"),
            outcomes: name("voc.outcomes.v1"),
            dead_letters: name("voc.dead-letters.v1"),
            state: name("voc.state.v1"),
            reference: name("voc.reference.v1"),
        }
    }
}

impl Topics {
    /// The contract's topics, but with one source topic that takes all feedback: for replays and small feeds.
    #[must_use]
    pub fn with_single_source(topic: &str) -> Topics {
        Topics {
            feedback_hcp: topic.to_owned(),
            feedback_patient: topic.to_owned(),
            feedback_ecosystem: topic.to_owned(),
            sources: vec![topic.to_owned()],
            ..Topics::default()
        }
    }

    /// The topics feedback is submitted to, with the keys of their settings.
    pub(super) fn submitted(&self) -> [(&'static str, &str); 3] {
        [
            ("feedback_hcp", &self.feedback_hcp),
            ("feedback_patient", &self.feedback_patient),
            ("feedback_ecosystem", &self.feedback_ecosystem),
        ]
    }

    /// Topics Detect reads, mentions first. They have the same partition count and are assigned together.
    #[must_use]
    pub fn detected(&self) -> Vec<&str> {
        vec![&self.mentions, &self.dispositions, &self.actions]
    }

    /// Topics the safety watch reads, candidates first. They have the same partition count and are assigned together.
    #[must_use]
    pub fn watched(&self) -> Vec<&str> {
        vec![&self.safety_candidates, &self.safety_acks]
    }

    /// Topics Serve reads. Alerts come from the medical projection: pages decide what each audience sees.
    #[must_use]
    pub fn served(&self) -> Vec<&str> {
        vec![
            &self.alerts_medical,
            &self.series,
            &self.safety_candidates,
            &self.safety_acks,
            &self.safety_escalations,
            &self.medical_requests,
            &self.medical_answers,
            &self.dead_letters,
            &self.dispositions,
            &self.actions,
            &self.outcomes,
            &self.mentions,
        ]
    }

    /// Every topic once, with the key of its setting.
    pub(super) fn all(&self) -> Vec<(String, &str)> {
        let named = [
            ("mentions", &self.mentions),
            ("medical_requests", &self.medical_requests),
            ("medical_answers", &self.medical_answers),
            ("safety_candidates", &self.safety_candidates),
            ("safety_acks", &self.safety_acks),
            ("safety_escalations", &self.safety_escalations),
            ("series", &self.series),
            ("alerts", &self.alerts),
            ("alerts_medical", &self.alerts_medical),
            ("signals", &self.signals),
            ("dispositions", &self.dispositions),
            ("actions", &self.actions),
            ("outcomes", &self.outcomes),
            ("dead_letters", &self.dead_letters),
            ("state", &self.state),
            ("reference", &self.reference),
        ];
        let sources = self
            .sources
            .iter()
            .enumerate()
            .map(|(index, topic)| (format!("sources[{index}]"), topic.as_str()));
        sources
            .chain(
                named
                    .into_iter()
                    .map(|(key, topic)| (key.to_owned(), topic.as_str())),
            )
            .collect()
    }
}
