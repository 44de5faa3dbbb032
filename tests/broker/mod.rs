//! Operating on a real broker: topics, dead letters, consumers made from the contract alone, faults.

mod topics;

use crate::scratch::Scratch;
use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
use std::sync::OnceLock;

/// One broker for all of these tests; nothing is allowed on it but to those without a login.
pub fn cluster(what: &str) -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let kit = kit_or_skip(what)?;
    Some(CLUSTER.get_or_init(|| {
        let settings = ClusterSettings::one()
            .user("stranger", "stranger-secret")
            .authorizer();
        Cluster::start(kit, &settings).expect("a broker starts")
    }))
}

/// Names of the contract's topics, each with `name` before it.
pub const TOPICS: [&str; 12] = [
    "mentions",
    "medical_requests",
    "safety_candidates",
    "safety_acks",
    "series",
    "alerts",
    "alerts_medical",
    "signals",
    "dispositions",
    "dead_letters",
    "state",
    "feedback_hcp",
];

/// Settings for a set of topics of their own on `brokers`.
pub fn settings_text(brokers: &str, name: &str, more: &str) -> String {
    let topics: String = TOPICS
        .iter()
        .map(|topic| format!("{topic} = '{name}.{}'\n", topic.replace('_', "-")))
        .collect();
    let source = format!("{name}.feedback-hcp");
    format!(
        "[kafka]\nbrokers = ['{brokers}']\ngroup_prefix = '{name}'\n\
         [kafka.topics]\nreplication = 1\nleast_in_sync = 1\n\
         [engine.topics]\n{topics}feedback_patient = '{source}'\nfeedback_ecosystem = '{source}'\nsources = ['{source}']\n\
         [engine.listen]\npseudonym_key_file = 'key'\n{more}"
    )
}

/// A folder with `settings.toml` for a set of topics of their own.
pub fn scratch(cluster: &Cluster, name: &str, more: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("key", "k".repeat(64));
    scratch.write(
        "settings.toml",
        settings_text(&cluster.bootstrap(), name, more),
    );
    scratch
}
