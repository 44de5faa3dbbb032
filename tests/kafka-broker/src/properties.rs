//! `server.properties` of one broker.

use crate::settings::ClusterSettings;
use crate::tls::TlsFiles;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Ports of one broker: the controller's, and one per client listener.
#[derive(Debug)]
pub struct Ports {
    pub controller: u16,
    pub listeners: Vec<(&'static str, u16)>,
}

/// All of it, ready to be written. `at` is the broker's place in `ports`; its node id is one more.
pub fn server_properties(
    settings: &ClusterSettings,
    ports: &[Ports],
    at: usize,
    data: &Path,
    tls: Option<&TlsFiles>,
) -> String {
    let mut all = basic(ports, at, data);
    all.extend(security(settings, tls));
    all.extend(settings.properties.clone());
    let mut text = String::new();
    for (name, value) in all {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

fn pairs<const N: usize>(of: [(&str, String); N]) -> BTreeMap<String, String> {
    of.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn basic(ports: &[Ports], at: usize, data: &Path) -> BTreeMap<String, String> {
    let mine = &ports[at];
    let addresses: Vec<String> = mine
        .listeners
        .iter()
        .map(|(name, port)| format!("{name}://127.0.0.1:{port}"))
        .collect();
    let voters: Vec<String> = ports
        .iter()
        .enumerate()
        .map(|(node, ports)| format!("{}@127.0.0.1:{}", node + 1, ports.controller))
        .collect();
    let copies = ports.len().min(3).to_string();
    let least_copies = if ports.len() >= 3 { "2" } else { "1" }.to_owned();
    let few = "4".to_owned();
    pairs([
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", (at + 1).to_string()),
        ("controller.quorum.voters", voters.join(",")),
        (
            "listeners",
            format!(
                "{},CONTROLLER://127.0.0.1:{}",
                addresses.join(","),
                mine.controller
            ),
        ),
        ("advertised.listeners", addresses.join(",")),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,MTLS:SSL,SASLTLS:SASL_SSL"
                .to_owned(),
        ),
        ("inter.broker.listener.name", "PLAINTEXT".to_owned()),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("log.dirs", data.display().to_string()),
        // A misspelt topic is to be an error, in tests as in production.
        ("auto.create.topics.enable", "false".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        // Tests of lost members need not wait for Kafka's usual six seconds.
        ("group.min.session.timeout.ms", "1000".to_owned()),
        ("offsets.topic.num.partitions", few.clone()),
        ("offsets.topic.replication.factor", copies.clone()),
        ("transaction.state.log.num.partitions", few.clone()),
        ("transaction.state.log.replication.factor", copies.clone()),
        ("transaction.state.log.min.isr", least_copies),
        ("share.coordinator.state.topic.num.partitions", few),
        (
            "share.coordinator.state.topic.replication.factor",
            copies.clone(),
        ),
        ("share.coordinator.state.topic.min.isr", "1".to_owned()),
        ("default.replication.factor", copies),
        // The defaults are for big machines.
        ("num.network.threads", "2".to_owned()),
        ("num.io.threads", "4".to_owned()),
        ("background.threads", "2".to_owned()),
        ("log.cleaner.dedupe.buffer.size", "33554432".to_owned()),
        ("log.cleaner.backoff.ms", "500".to_owned()),
        // A killed broker is fenced, and its next life let in, when its session is over.
        ("broker.session.timeout.ms", "6000".to_owned()),
        ("broker.heartbeat.interval.ms", "500".to_owned()),
    ])
}

fn security(settings: &ClusterSettings, tls: Option<&TlsFiles>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    if settings.authorizer {
        all.extend(pairs([
            (
                "authorizer.class.name",
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
            ),
            ("super.users", "User:ANONYMOUS".to_owned()),
            ("allow.everyone.if.no.acl.found", "false".to_owned()),
        ]));
    }
    if settings.sasl() {
        all.extend(sasl(settings, "sasl"));
    }
    if settings.sasl() && settings.tls {
        all.extend(sasl(settings, "sasltls"));
    }
    if let Some(tls) = tls {
        for listener in ["tls", "mtls", "sasltls"] {
            let name = |property: &str| format!("listener.name.{listener}.ssl.{property}");
            let client = if listener == "mtls" {
                "required"
            } else {
                "none"
            };
            all.extend([
                (name("client.auth"), client.to_owned()),
                (
                    name("keystore.location"),
                    tls.brokers_pem.display().to_string(),
                ),
                (name("keystore.type"), "PEM".to_owned()),
                (
                    name("truststore.location"),
                    tls.authority_pem.display().to_string(),
                ),
                (name("truststore.type"), "PEM".to_owned()),
            ]);
        }
    }
    all
}

fn sasl(settings: &ClusterSettings, listener: &str) -> BTreeMap<String, String> {
    let mut mechanisms = Vec::new();
    let mut all = BTreeMap::new();
    if !settings.users.is_empty() {
        mechanisms.extend(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]);
        let users: String = settings
            .users
            .iter()
            .map(|user| format!(" user_{}=\"{}\"", user.name, user.password))
            .collect();
        all.insert(
            format!("listener.name.{listener}.plain.sasl.jaas.config"),
            format!("org.apache.kafka.common.security.plain.PlainLoginModule required{users};"),
        );
        for mechanism in ["scram-sha-256", "scram-sha-512"] {
            all.insert(
                format!("listener.name.{listener}.{mechanism}.sasl.jaas.config"),
                "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned(),
            );
        }
    }
    if settings.oauth {
        mechanisms.push("OAUTHBEARER");
        let name = |property: &str| format!("listener.name.{listener}.oauthbearer.{property}");
        all.insert(
            name("sasl.jaas.config"),
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";"
                .to_owned(),
        );
    }
    all.insert(
        format!("listener.name.{listener}.sasl.enabled.mechanisms"),
        mechanisms.join(","),
    );
    all
}
