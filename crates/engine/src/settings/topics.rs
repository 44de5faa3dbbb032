//! Topic names.

use serde::Deserialize;

/// Topic names, the contract's by default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is the topic of that name in the contract")]
pub struct Topics {
    /// Where feedback of HCPs and pharmacists is submitted.
    pub feedback_hcp: String,
    /// Where feedback of patients and caregivers is submitted.
    pub feedback_patient: String,
    /// Where everybody else's feedback, and what cannot be read, is submitted.
    pub feedback_ecosystem: String,
    /// Further source topics Listen reads, beside the three above.
    pub more_sources: Vec<String>,
    pub mentions: String,
    pub medical_requests: String,
    pub safety_candidates: String,
    pub safety_acks: String,
    pub series: String,
    pub alerts: String,
    pub alerts_medical: String,
    pub signals: String,
    pub dispositions: String,
    pub dead_letters: String,
    pub state: String,
}

impl Default for Topics {
    fn default() -> Topics {
        let name = |text: &str| text.to_owned();
        Topics {
            feedback_hcp: name("feedback.hcp.v1"),
            feedback_patient: name("feedback.patient.v1"),
            feedback_ecosystem: name("feedback.ecosystem.v1"),
            more_sources: Vec::new(),
            mentions: name("voc.mentions.v1"),
            medical_requests: name("voc.medical.requests.v1"),
            safety_candidates: name("voc.safety.candidates.v1"),
            safety_acks: name("voc.safety.acks.v1"),
            series: name("voc.series.v1"),
            alerts: name("voc.alerts.v1"),
            alerts_medical: name("voc.alerts.medical.v1"),
            signals: name("voc.signals.v1"),
            dispositions: name("voc.dispositions.v1"),
            dead_letters: name("voc.dead-letters.v1"),
            state: name("voc.state.v1"),
        }
    }
}

impl Topics {
    /// Topics Listen reads.
    #[must_use]
    pub fn sources(&self) -> Vec<&str> {
        let own = [&self.feedback_hcp, &self.feedback_patient, &self.feedback_ecosystem];
        own.into_iter().chain(&self.more_sources).map(String::as_str).collect()
    }

    /// Topics Detect reads, mentions first. They have the same partition count and are assigned together.
    #[must_use]
    pub fn detected(&self) -> Vec<&str> {
        vec![&self.mentions, &self.dispositions]
    }

    /// Topics Serve reads. Alerts come from the medical projection: pages decide what each audience sees.
    #[must_use]
    pub fn served(&self) -> Vec<&str> {
        vec![
            &self.alerts_medical,
            &self.series,
            &self.safety_candidates,
            &self.safety_acks,
            &self.dead_letters,
            &self.dispositions,
            &self.mentions,
        ]
    }

    /// Every topic with the key of its setting.
    pub(super) fn all(&self) -> Vec<(String, &str)> {
        let named = [
            ("feedback_hcp", &self.feedback_hcp),
            ("feedback_patient", &self.feedback_patient),
            ("feedback_ecosystem", &self.feedback_ecosystem),
            ("mentions", &self.mentions),
            ("medical_requests", &self.medical_requests),
            ("safety_candidates", &self.safety_candidates),
            ("safety_acks", &self.safety_acks),
            ("series", &self.series),
            ("alerts", &self.alerts),
            ("alerts_medical", &self.alerts_medical),
            ("signals", &self.signals),
            ("dispositions", &self.dispositions),
            ("dead_letters", &self.dead_letters),
            ("state", &self.state),
        ];
        let more = self.more_sources.iter().enumerate().map(|(index, topic)| (format!("more_sources[{index}]"), topic.as_str()));
        named.into_iter().map(|(key, topic)| (key.to_owned(), topic.as_str())).chain(more).collect()
    }
}
