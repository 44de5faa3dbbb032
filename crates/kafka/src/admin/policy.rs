//! What topics there are to be, from settings.
//!
//! Everything that keeps a promise is written out per topic, so that `verify` can hold it against the broker: a topic
//! that another tool made with the broker's own defaults is a topic whose retention nobody chose.

use auscult_core::settings::Problem;
use auscult_engine::settings::CheckedEngineSettings;
use std::collections::BTreeMap;

const DAY_MILLISECONDS: u64 = 86_400_000;
/// An event may have 1 MiB, and a person's tools add headers around it.
const SOURCE_BYTES: u64 = 2 << 20;
/// A dead letter holds an original of [`SOURCE_BYTES`] in base64.
const OUTPUT_BYTES: u64 = 4 << 20;
/// A page of series, the largest state record, grows with live series.
const STATE_BYTES: u64 = 16 << 20;
/// Only closed segments are compacted: small ones keep the state topic, and so a restore, short.
const STATE_SEGMENT_BYTES: u64 = 64 << 20;

/// What a person wrote under `[kafka.topics]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPolicy {
    /// Copies of each partition.
    pub replication: u32,
    /// Copies that must have a record before it counts as written.
    pub least_in_sync: u32,
    /// How long records are kept, in days.
    pub retention_days: RetentionDays,
}

/// How long records of a topic are kept, in days. Compacted topics keep the newest record of a key for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each field is the topic of that name in the contract"
)]
pub struct RetentionDays {
    pub source: u32,
    pub mentions: u32,
    pub medical_requests: u32,
    pub safety_candidates: u32,
    pub safety_acks: u32,
    pub series: u32,
    pub alerts: u32,
    pub dispositions: u32,
    pub dead_letters: u32,
}

impl Default for TopicPolicy {
    fn default() -> TopicPolicy {
        TopicPolicy {
            replication: 3,
            least_in_sync: 2,
            retention_days: RetentionDays {
                source: 14,
                mentions: 400,
                medical_requests: 400,
                safety_candidates: 180,
                safety_acks: 180,
                series: 400,
                alerts: 400,
                dispositions: 3 * 365,
                dead_letters: 30,
            },
        }
    }
}

/// A policy that passed [`TopicPolicy::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedTopicPolicy(TopicPolicy);

impl RetentionDays {
    fn all(&self) -> [(&'static str, u32); 9] {
        [
            ("source", self.source),
            ("mentions", self.mentions),
            ("medical_requests", self.medical_requests),
            ("safety_candidates", self.safety_candidates),
            ("safety_acks", self.safety_acks),
            ("series", self.series),
            ("alerts", self.alerts),
            ("dispositions", self.dispositions),
            ("dead_letters", self.dead_letters),
        ]
    }
}

impl TopicPolicy {
    /// Checks everything; all problems at once.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<CheckedTopicPolicy, Vec<Problem>> {
        let mut problems = Vec::new();
        if self.replication == 0 || self.replication > 15 {
            problems.push(Problem::new(
                "kafka.topics.replication",
                format!("{} copies are none or too many", self.replication),
                "use 3, or 1 where there is one broker",
            ));
        }
        if self.least_in_sync == 0 || self.least_in_sync > self.replication {
            problems.push(Problem::new(
                "kafka.topics.least_in_sync",
                format!(
                    "{} of {} copies cannot be waited for",
                    self.least_in_sync, self.replication
                ),
                "use 2 of 3 copies, or 1 of 1",
            ));
        }
        for (name, days) in self.retention_days.all() {
            if days == 0 {
                problems.push(Problem::new(
                    format!("kafka.topics.retention_days.{name}"),
                    "records would be deleted at once",
                    "use at least 1 day",
                ));
            }
        }
        if problems.is_empty() {
            Ok(CheckedTopicPolicy(self))
        } else {
            Err(problems)
        }
    }
}

/// A topic as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
    /// Key of the setting the name comes from, for messages.
    pub setting: String,
    /// Partitions.
    pub partitions: u32,
    /// Copies of each.
    pub replication: u32,
    /// Topic configuration that is ours to say.
    pub configuration: BTreeMap<String, String>,
}

/// Every topic the service uses, in the contract's order.
///
/// `voc.state.v1`, dispositions and actions have the partition count of mentions: what belongs to one machine lies in partitions
/// of one number.
#[must_use]
pub fn specs(engine: &CheckedEngineSettings, policy: &CheckedTopicPolicy) -> Vec<TopicSpec> {
    let TopicPolicy {
        retention_days: days,
        ..
    } = &policy.0;
    let (topics, partitions) = (&engine.topics, engine.partitions);
    let kept = |setting: &str, name: &str, partitions: u32, days: u32, bytes: u64| {
        let retention = (u64::from(days) * DAY_MILLISECONDS).to_string();
        let own = [
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", retention),
            // A limit in bytes would delete what the days still promise.
            ("retention.bytes", "-1".to_owned()),
            ("max.message.bytes", bytes.to_string()),
        ];
        spec(policy, setting, name, partitions, own)
    };
    let compacted = |setting: &str, name: &str, partitions: u32, bytes: u64| {
        let own = [
            ("cleanup.policy", "compact".to_owned()),
            ("max.message.bytes", bytes.to_string()),
            ("segment.bytes", STATE_SEGMENT_BYTES.to_string()),
            ("min.cleanable.dirty.ratio", "0.2".to_owned()),
        ];
        spec(policy, setting, name, partitions, own)
    };
    let mut all: Vec<TopicSpec> = topics
        .sources
        .iter()
        .enumerate()
        .map(|(at, name)| {
            kept(
                &format!("sources[{at}]"),
                name,
                partitions.source,
                days.source,
                SOURCE_BYTES,
            )
        })
        .collect();
    let output = |setting, name, days| kept(setting, name, partitions.output, days, OUTPUT_BYTES);
    let machine =
        |setting, name, days| kept(setting, name, partitions.mentions, days, OUTPUT_BYTES);
    all.extend([
        machine("mentions", &topics.mentions, days.mentions),
        output(
            "medical_requests",
            &topics.medical_requests,
            days.medical_requests,
        ),
        output(
            "medical_answers",
            &topics.medical_answers,
            days.medical_requests,
        ),
        output(
            "safety_candidates",
            &topics.safety_candidates,
            days.safety_candidates,
        ),
        output("safety_acks", &topics.safety_acks, days.safety_acks),
        output(
            "safety_escalations",
            &topics.safety_escalations,
            days.safety_acks,
        ),
        output("series", &topics.series, days.series),
        output("alerts", &topics.alerts, days.alerts),
        output("alerts_medical", &topics.alerts_medical, days.alerts),
        compacted("signals", &topics.signals, partitions.output, OUTPUT_BYTES),
        machine("dispositions", &topics.dispositions, days.dispositions),
        machine("actions", &topics.actions, days.dispositions),
        output("outcomes", &topics.outcomes, days.dispositions),
        output("dead_letters", &topics.dead_letters, days.dead_letters),
        compacted("state", &topics.state, partitions.mentions, STATE_BYTES),
        compacted("reference", &topics.reference, 1, OUTPUT_BYTES),
    ]);
    all
}

fn spec<const N: usize>(
    policy: &CheckedTopicPolicy,
    setting: &str,
    name: &str,
    partitions: u32,
    own: [(&str, String); N],
) -> TopicSpec {
    let mut configuration: BTreeMap<String, String> = own
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    configuration.insert(
        "min.insync.replicas".to_owned(),
        policy.0.least_in_sync.to_string(),
    );
    TopicSpec {
        name: name.to_owned(),
        setting: format!("engine.topics.{setting}"),
        partitions,
        replication: policy.0.replication,
        configuration,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_engine::settings::{EngineSettings, Secret};

    fn all() -> Vec<TopicSpec> {
        let mut engine = EngineSettings::default();
        engine.listen.pseudonym_key = Some(Secret::new("k".repeat(64)));
        engine.partitions.mentions = 6;
        let policy = TopicPolicy::default().check().expect("sound defaults");
        specs(&engine.check().expect("sound settings"), &policy)
    }

    #[test]
    fn the_state_topic_is_compacted_and_as_wide_as_mentions() {
        let all = all();
        let of = |name: &str| {
            all.iter()
                .find(|spec| spec.name == name)
                .expect("in the list")
        };
        assert_eq!(of("voc.state.v1").partitions, 6);
        assert_eq!(of("voc.mentions.v1").partitions, 6);
        assert_eq!(of("voc.dispositions.v1").partitions, 6);
        assert_eq!(of("voc.alerts.v1").partitions, 1);
        assert_eq!(
            of("voc.state.v1").configuration["cleanup.policy"],
            "compact"
        );
        assert_eq!(
            of("voc.dead-letters.v1").configuration["retention.ms"],
            "2592000000"
        );
        let mut names: Vec<&str> = all.iter().map(|spec| spec.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len(), "each once");
    }

    #[test]
    fn impossible_policies_are_refused_with_their_settings() {
        let policy = TopicPolicy {
            replication: 1,
            least_in_sync: 2,
            retention_days: RetentionDays {
                alerts: 0,
                ..TopicPolicy::default().retention_days
            },
        };
        let told: Vec<String> = policy
            .check()
            .expect_err("two mistakes")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("kafka.topics.least_in_sync"));
        assert!(told[1].contains("kafka.topics.retention_days.alerts"));
    }
}
