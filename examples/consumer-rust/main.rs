//! Acts once on each revision of a signal, whatever happens in between.
//!
//! Made from the contract alone (`schemas/asyncapi.json`, `schemas/alert.v1.schema.json`): an alert is a CloudEvent in
//! binary mode. Its attributes are the headers `ce_…`, its body is JSON, and (signal id, revision) says which change it
//! tells of. The same revision can come twice: the broker hands a record out again when a consumer dies before it has
//! committed, and an operator may replay a topic. So what was done is kept in a file of this program's own, which is
//! read at the start; the offset is committed after the file is on disk.
//!
//! ```text
//! cargo run -p auscult-kafka --example alert_consumer -- BROKERS TOPIC GROUP FILE [--until-end]
//! ```
//!
//! Here the act *is* the line in the file. An act elsewhere needs an idempotency key there: take the event's `ce_id`, which
//! is the same whenever the same revision is sent.

#![expect(clippy::print_stdout, reason = "an example for people")]

use anyhow::{Context as _, bail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

const VERBS: [&str; 4] = ["raised", "updated", "resolved", "retracted"];

/// Which change of which signal.
type Revision = (String, u64);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic, group, file, rest @ ..] = arguments.as_slice() else {
        bail!("say BROKERS TOPIC GROUP FILE [--until-end]");
    };
    let until_end = rest.iter().any(|word| word == "--until-end");
    let mut acts = Acts::open(file)?;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        // Offsets are committed below, after the act.
        .set("enable.auto.commit", "false")
        // Turns are transactions: what an aborted one wrote is not for us.
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", until_end.to_string())
        .create()?;
    consumer.subscribe(&[topic])?;
    let mut ended = BTreeSet::new();
    loop {
        match consumer.poll(Duration::from_secs(1)) {
            None => {}
            Some(Ok(message)) => {
                ended.remove(&message.partition());
                if let Some(alert) = alert(&message)? {
                    acts.act(&alert)?;
                }
                consumer.commit_message(&message, CommitMode::Sync)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended.insert(partition);
                if ended.len() == consumer.assignment()?.count() {
                    return Ok(());
                }
            }
            Some(Err(error)) => return Err(error.into()),
        }
    }
}

/// The alert in a record; `None` for what is not known, which may come to a topic any day.
fn alert(message: &BorrowedMessage<'_>) -> anyhow::Result<Option<Value>> {
    let kind = message
        .headers()
        .and_then(|headers| headers.iter().find(|header| header.key == "ce_type"))
        .and_then(|header| header.value)
        .unwrap_or_default();
    let known = VERBS
        .iter()
        .any(|verb| kind == format!("io.auscult.alert.{verb}.v1").as_bytes());
    match message.payload() {
        Some(body) if known => serde_json::from_slice(body)
            .map(Some)
            .with_context(|| format!("offset {} is no JSON", message.offset())),
        _ => Ok(None),
    }
}

/// What was done, one line of JSON each.
struct Acts {
    file: File,
    done: BTreeSet<Revision>,
}

impl Acts {
    fn open(path: &str) -> anyhow::Result<Acts> {
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let whole = before.rfind('\n').map_or(0, |end| end + 1);
        let done = before[..whole]
            .lines()
            .map(|line| revision(&serde_json::from_str(line)?))
            .collect::<anyhow::Result<_>>()?;
        let file = File::options().create(true).append(true).open(path)?;
        // Half a line is what a crash left of an act whose offset was not committed.
        file.set_len(whole as u64)?;
        Ok(Acts { file, done })
    }

    fn act(&mut self, alert: &Value) -> anyhow::Result<()> {
        let revision = revision(alert)?;
        if self.done.contains(&revision) {
            return Ok(());
        }
        let line = serde_json::json!({
            "signal_id": revision.0,
            "revision": revision.1,
            "status": alert["status"],
            "title": alert["title"],
            "notify": alert["suppressed_by"].as_array().is_none_or(Vec::is_empty),
        });
        writeln!(self.file, "{line}")?;
        self.file.sync_data()?;
        println!("{line}");
        self.done.insert(revision);
        Ok(())
    }
}

fn revision(alert: &Value) -> anyhow::Result<Revision> {
    let signal = alert["signal_id"].as_str().context("signal_id")?;
    let revision = alert["revision"].as_u64().context("revision")?;
    Ok((signal.to_owned(), revision))
}
