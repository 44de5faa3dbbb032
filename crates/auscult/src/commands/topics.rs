//! `auscult topics`: what topics there are to be, making the missing ones, holding the broker's against the settings.
//!
//! An existing topic is never changed (see `auscult_kafka::admin`). A difference is exit code 8, so that a deployment
//! script can stop on it.

use crate::cli::{TopicCommand, Topics};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::settings::{self, Overrides, Settings};
use crate::table;
use auscult_kafka::admin::{Admin, AdminError, Compared, Difference, TopicSpec, TopicState};
use serde_json::{Value, json};

/// Plans, applies or verifies.
pub fn run(topics: &Topics) -> Outcome {
    let overrides = Overrides {
        pseudonym_key: Some(super::run::throwaway_key("topics")),
        ..Overrides::default()
    };
    let settings =
        settings::load(topics.settings.as_deref(), &overrides).or_fail(Kind::Settings)?;
    let admin = connect(&settings)?;
    let specs = auscult_kafka::admin::specs(&settings.engine, &settings.kafka_topics);
    let before = admin.compare(&specs).or_fail(Kind::Store)?;
    enough_brokers(&admin, &before, topics.command)?;
    let rows = match topics.command {
        TopicCommand::Plan => reported(&before, "to be made"),
        TopicCommand::Verify => reported(&before, "missing"),
        TopicCommand::Apply => {
            let missing: Vec<&TopicSpec> = missing(&before).collect();
            admin.create(&missing).map_err(refused)?;
            reported(&before, "made")
        }
    };
    super::print(&if topics.json {
        as_json(&rows)
    } else {
        as_table(&rows)
    });
    verdict(topics.command, &before)
}

fn connect(settings: &Settings) -> Result<Admin, Failure> {
    let Some(kafka) = &settings.kafka else {
        return Err(Failure::new(
            Kind::Settings,
            anyhow::anyhow!(
                "there is no [kafka] in the settings, so there are no topics to make: the embedded log makes its own; write [kafka] with brokers = [\"host:9092\"]"
            ),
        ));
    };
    Admin::new(kafka).map_err(refused)
}

fn refused(error: AdminError) -> Failure {
    let kind = match &error {
        AdminError::NotMade { .. } | AdminError::Refused(_) => Kind::Refused,
        AdminError::Unreachable { .. } => Kind::Store,
        AdminError::Settings(_) => Kind::Settings,
    };
    Failure::new(kind, error)
}

fn missing(compared: &[Compared]) -> impl Iterator<Item = &TopicSpec> {
    compared
        .iter()
        .filter(|one| one.state == TopicState::Missing)
        .map(|one| &one.spec)
}

/// Before anything is made: half of the topics on too few brokers help nobody.
fn enough_brokers(admin: &Admin, compared: &[Compared], command: TopicCommand) -> Outcome {
    let wanted = missing(compared).map(|spec| spec.replication).max();
    let (Some(wanted), TopicCommand::Plan | TopicCommand::Apply) = (wanted, command) else {
        return Ok(());
    };
    let brokers = admin.brokers().or_fail(Kind::Store)?;
    if brokers >= wanted as usize {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Settings,
        anyhow::anyhow!(
            "kafka.topics.replication asks for {wanted} copies and there {} {brokers} {}: nothing was made; set kafka.topics.replication and kafka.topics.least_in_sync to 1 for a single broker, or add brokers",
            if brokers == 1 { "is" } else { "are" },
            if brokers == 1 { "broker" } else { "brokers" },
        ),
    ))
}

/// One topic of the report.
struct Row<'a> {
    spec: &'a TopicSpec,
    state: &'static str,
    differences: &'a [Difference],
}

fn reported<'a>(compared: &'a [Compared], missing: &'static str) -> Vec<Row<'a>> {
    compared
        .iter()
        .map(|one| {
            let (state, differences): (_, &[Difference]) = match &one.state {
                TopicState::Missing => (missing, &[]),
                TopicState::Right => ("right", &[]),
                TopicState::Different(all) => ("different", all),
            };
            Row {
                spec: &one.spec,
                state,
                differences,
            }
        })
        .collect()
}

fn as_table(rows: &[Row<'_>]) -> String {
    let mut cells = vec![
        ["topic", "partitions", "copies", "cleanup", "kept", "state"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in rows {
        cells.push(vec![
            row.spec.name.clone(),
            row.spec.partitions.to_string(),
            row.spec.replication.to_string(),
            row.spec.configuration["cleanup.policy"].clone(),
            kept(row.spec),
            row.state.to_owned(),
        ]);
    }
    let mut text = table::aligned(&cells);
    for row in rows {
        for difference in row.differences {
            text.push_str(&format!(
                "\n{}: {} is {}, the settings say {}\n  to mend it: {}\n",
                row.spec.name,
                difference.what,
                difference.found,
                difference.wanted,
                difference.remedy
            ));
        }
    }
    text
}

fn kept(spec: &TopicSpec) -> String {
    const DAY_MILLISECONDS: u64 = 86_400_000;
    spec.configuration
        .get("retention.ms")
        .and_then(|milliseconds| milliseconds.parse::<u64>().ok())
        .map_or_else(
            || "newest of a key".to_owned(),
            |milliseconds| format!("{} days", milliseconds / DAY_MILLISECONDS),
        )
}

fn as_json(rows: &[Row<'_>]) -> String {
    let topics: Vec<Value> = rows
        .iter()
        .map(|row| {
            let differences: Vec<Value> = row
                .differences
                .iter()
                .map(|one| {
                    json!({"what": one.what, "wanted": one.wanted, "found": one.found, "remedy": one.remedy})
                })
                .collect();
            json!({
                "name": row.spec.name,
                "setting": row.spec.setting,
                "state": row.state,
                "partitions": row.spec.partitions,
                "replication": row.spec.replication,
                "configuration": row.spec.configuration,
                "differences": differences,
            })
        })
        .collect();
    format!("{}\n", json!({ "topics": topics }))
}

/// A difference is a failure whatever was asked for; a missing topic only where it was to be there.
fn verdict(command: TopicCommand, compared: &[Compared]) -> Outcome {
    let different = compared
        .iter()
        .filter(|one| matches!(one.state, TopicState::Different(_)))
        .count();
    let missing = match command {
        TopicCommand::Verify => missing(compared).count(),
        TopicCommand::Plan | TopicCommand::Apply => 0,
    };
    if different == 0 && missing == 0 {
        return Ok(());
    }
    let mut told = Vec::new();
    if different > 0 {
        told.push(format!(
            "{different} of {} topics are not as the settings say, and none was changed",
            compared.len()
        ));
    }
    if missing > 0 {
        told.push(format!(
            "{missing} of {} topics are missing: `auscult topics apply` makes them",
            compared.len()
        ));
    }
    Err(Failure::new(Kind::Topics, anyhow::anyhow!(told.join("; "))))
}
