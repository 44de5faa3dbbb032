//! A topic as it is, against the topic as it is to be.

use super::policy::TopicSpec;
use std::collections::BTreeMap;

/// A topic on the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTopic {
    /// Copies of each partition, by partition number.
    pub copies: Vec<u32>,
    /// Its whole configuration, defaults included.
    pub configuration: BTreeMap<String, String>,
}

/// One thing that is not as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `partitions`, `replication`, or the name of a topic configuration.
    pub what: String,
    /// As it is to be.
    pub wanted: String,
    /// As it is.
    pub found: String,
    /// What a person can do about it.
    pub remedy: String,
}

/// Everything about `found` that is not as `spec` says. Configuration that `spec` does not name is nobody's fault.
#[must_use]
pub fn differences(spec: &TopicSpec, found: &FoundTopic) -> Vec<Difference> {
    let mut all = Vec::new();
    all.extend(partitions(spec, found));
    all.extend(replication(spec, found));
    for (name, wanted) in &spec.configuration {
        let is = found.configuration.get(name);
        if is != Some(wanted) {
            all.push(Difference {
                what: name.clone(),
                wanted: wanted.clone(),
                found: is.cloned().unwrap_or_else(|| "not set".to_owned()),
                remedy: format!(
                    "kafka-configs.sh --alter --entity-type topics --entity-name {} --add-config {name}={wanted}, or change the settings",
                    spec.name
                ),
            });
        }
    }
    all
}

fn partitions(spec: &TopicSpec, found: &FoundTopic) -> Option<Difference> {
    let is = found.copies.len();
    (is != spec.partitions as usize).then(|| Difference {
        what: "partitions".to_owned(),
        wanted: spec.partitions.to_string(),
        found: is.to_string(),
        remedy: format!(
            "set engine.partitions to what is there; keys do not move when partitions are added, so a different count needs a new topic (name it in {})",
            spec.setting
        ),
    })
}

fn replication(spec: &TopicSpec, found: &FoundTopic) -> Option<Difference> {
    let mut counts: Vec<u32> = found
        .copies
        .iter()
        .copied()
        .filter(|copies| *copies != spec.replication)
        .collect();
    counts.sort_unstable();
    counts.dedup();
    let shown: Vec<String> = counts.iter().map(u32::to_string).collect();
    (!counts.is_empty()).then(|| Difference {
        what: "replication".to_owned(),
        wanted: spec.replication.to_string(),
        found: shown.join(" and "),
        remedy: "kafka-reassign-partitions.sh, or set kafka.topics.replication to what is there"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> TopicSpec {
        TopicSpec {
            name: "voc.state.v1".to_owned(),
            setting: "engine.topics.state".to_owned(),
            partitions: 2,
            replication: 3,
            configuration: BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]),
        }
    }

    fn found(copies: &[u32], policy: &str) -> FoundTopic {
        FoundTopic {
            copies: copies.to_vec(),
            configuration: BTreeMap::from([
                ("cleanup.policy".to_owned(), policy.to_owned()),
                ("retention.ms".to_owned(), "604800000".to_owned()),
            ]),
        }
    }

    #[test]
    fn a_right_topic_has_no_difference() {
        assert_eq!(differences(&spec(), &found(&[3, 3], "compact")), []);
    }

    #[test]
    fn every_difference_is_named_with_both_values() {
        let all = differences(&spec(), &found(&[3, 1, 2], "delete"));
        let told: Vec<(&str, &str, &str)> = all
            .iter()
            .map(|one| (one.what.as_str(), one.wanted.as_str(), one.found.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("partitions", "2", "3"),
                ("replication", "3", "1 and 2"),
                ("cleanup.policy", "compact", "delete"),
            ]
        );
    }
}
