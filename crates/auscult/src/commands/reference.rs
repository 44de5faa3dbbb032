//! `auscult reference`: products and their names on the reference topic, written, listed and taken out.
//!
//! A product is put as a whole: its names are the ones given, whatever was there before. Adding to what is there was the
//! other choice; two people adding at once would each take away what the other wrote.

use crate::cli::{Reference, ReferenceCommand};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::settings::{self, Overrides, Settings};
use crate::table;
use auscult_engine::clock::{Clock, SystemClock};
use auscult_engine::log::{Append, Log, LogError, LogEvent, Outgoing, Record};
use auscult_engine::settings::is_product_name;
use auscult_kafka::Kafka;
use auscult_wire::reference::{PRODUCT_KEY, product_key};
use auscult_wire::{ProductDescribed, decode_product, encode_product};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Records taken at once.
const TURN: usize = 1_000;
/// How long one look may wait for records.
const WAIT: Duration = Duration::from_millis(100);
/// Longest wait for the topic's end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest code of a product, in bytes.
const PRODUCT_BYTES_MAX: usize = 200;

/// Puts, lists or removes.
pub fn run(reference: &Reference) -> Outcome {
    let overrides = Overrides {
        pseudonym_key: Some(super::run::throwaway_key("reference")),
        ..Overrides::default()
    };
    let settings =
        settings::load(reference.settings.as_deref(), &overrides).or_fail(Kind::Settings)?;
    let kafka = connect(&settings)?;
    let topic = settings.engine.topics.reference.as_str();
    match &reference.command {
        ReferenceCommand::List => list(&kafka, topic),
        ReferenceCommand::Put {
            product,
            names,
            tenant,
        } => put(
            &kafka,
            topic,
            product,
            names,
            &tenant_of(tenant.as_ref(), &settings)?,
        ),
        ReferenceCommand::Remove { product } => remove(&kafka, topic, product),
    }
}

fn connect(settings: &Settings) -> Result<Kafka, Failure> {
    let Some(kafka) = &settings.kafka else {
        return Err(Failure::new(
            Kind::Settings,
            anyhow::anyhow!(
                "there is no [kafka] in the settings, so there is no reference topic: on the embedded log name products in engine.listen.products"
            ),
        ));
    };
    let topics = crate::topics::on_kafka(&settings.engine);
    let wanted: Vec<(String, u32)> = topics
        .into_iter()
        .filter(|(name, _)| *name == settings.engine.topics.reference)
        .collect();
    Kafka::connect(kafka, &wanted).or_fail(Kind::Store)
}

fn tenant_of(named: Option<&String>, settings: &Settings) -> Result<String, Failure> {
    named
        .or(settings.engine.listen.default_tenant.as_ref())
        .cloned()
        .ok_or_else(|| {
            wrong(
                "no tenant is named: give --tenant, or set engine.listen.default_tenant".to_owned(),
            )
        })
}

fn wrong(what: String) -> Failure {
    Failure::new(Kind::Input, anyhow::anyhow!(what))
}

fn put(kafka: &Kafka, topic: &str, product: &str, names: &[String], tenant: &str) -> Outcome {
    let described = described(product, names).map_err(wrong)?;
    let encoded = encode_product(tenant, &described, SystemClock.now());
    append(
        kafka,
        Outgoing {
            topic: topic.into(),
            partition: None,
            key: Some(encoded.key),
            headers: encoded.headers,
            value: encoded.value,
        },
    )?;
    super::print(&format!(
        "{product}: {}; instances started from now on know it\n",
        described.names.join(", ")
    ));
    Ok(())
}

/// The product as it is written, or what is wrong with it.
fn described(product: &str, names: &[String]) -> Result<ProductDescribed, String> {
    if product.is_empty()
        || product.len() > PRODUCT_BYTES_MAX
        || product
            .chars()
            .any(|letter| letter.is_control() || letter == '|')
    {
        return Err(format!(
            "{product:?} is no code of a product: use 1 to {PRODUCT_BYTES_MAX} bytes without a vertical bar"
        ));
    }
    let mut kept: Vec<String> = Vec::new();
    for name in names.iter().map(|name| name.trim()) {
        if !is_product_name(name) {
            return Err(format!(
                "{name:?} has fewer than three letters or digits: so short a name would keep initials of people in the text"
            ));
        }
        if !kept.iter().any(|before| before == name) {
            kept.push(name.to_owned());
        }
    }
    Ok(ProductDescribed {
        product_id: product.to_owned(),
        names: kept,
    })
}

fn remove(kafka: &Kafka, topic: &str, product: &str) -> Outcome {
    let key = product_key(product).into_bytes();
    if !products(&everything(kafka, topic).or_fail(Kind::Store)?).contains_key(&key) {
        return Err(wrong(format!(
            "{topic} knows no product {product:?}; see `auscult reference list`"
        )));
    }
    append(
        kafka,
        Outgoing {
            topic: topic.into(),
            partition: None,
            key: Some(key),
            headers: Vec::new(),
            value: None,
        },
    )?;
    super::print(&format!(
        "{product}: taken out; instances started from now on do not know it\n"
    ));
    Ok(())
}

fn append(kafka: &Kafka, record: Outgoing) -> Outcome {
    let appender = kafka.appender().or_fail(Kind::Store)?;
    appender.append(vec![record]).map(drop).or_fail(Kind::Store)
}

fn list(kafka: &Kafka, topic: &str) -> Outcome {
    let records = everything(kafka, topic).or_fail(Kind::Store)?;
    let newest = products(&records);
    if newest.is_empty() {
        super::print("no products\n");
        return Ok(());
    }
    let mut rows = vec![
        ["product", "names", "tenant", "put at"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(newest.iter().map(|(key, record)| row(key, record)));
    super::print(&table::aligned(&rows));
    Ok(())
}

fn row(key: &[u8], record: &Record) -> Vec<String> {
    let value = record.value.as_deref().unwrap_or_default();
    match decode_product(&record.headers, value) {
        Ok(event) => vec![
            event.data.product_id,
            event.data.names.join(", "),
            event.envelope.tenant_id.unwrap_or_default().into_owned(),
            event
                .envelope
                .time
                .map_or(String::new(), auscult_wire::time::format),
        ],
        // Listen leaves it out and says so; whoever lists has to see it, too.
        Err(error) => vec![
            String::from_utf8_lossy(key)
                .trim_start_matches(PRODUCT_KEY)
                .to_owned(),
            format!("cannot be read, and is left out: {error}"),
            String::new(),
            String::new(),
        ],
    }
}

/// Every record of the topic, in order.
fn everything(kafka: &Kafka, topic: &str) -> Result<Vec<Record>, LogError> {
    let mut reader = kafka.reader("reference-list", &[topic], Box::new(|_| Ok(None)));
    let deadline = Instant::now() + PATIENCE;
    let mut records = Vec::new();
    loop {
        let polled = reader.poll(TURN, WAIT);
        let is_late = Instant::now() >= deadline;
        let events = match polled {
            Ok(events) => events,
            // A topic made a moment ago has no leader yet.
            Err(LogError::Retry(_)) if !is_late => {
                std::thread::sleep(WAIT);
                continue;
            }
            Err(error) => return Err(error),
        };
        let is_quiet = events.is_empty();
        records.extend(events.into_iter().filter_map(|event| match event {
            LogEvent::Record(record) => Some(record),
            LogEvent::Assigned { .. } | LogEvent::Revoked(_) => None,
        }));
        if is_quiet && reader.unread() == Some(0) {
            return Ok(records);
        }
        if is_late {
            return Err(LogError::Retry(format!(
                "{topic} was not read to its end within {} s",
                PATIENCE.as_secs()
            )));
        }
    }
}

/// The newest record of each product, without those taken out.
fn products(records: &[Record]) -> BTreeMap<Vec<u8>, &Record> {
    let mut newest = BTreeMap::new();
    for record in records {
        let Some(key) = record
            .key
            .as_ref()
            .filter(|key| key.starts_with(PRODUCT_KEY.as_bytes()))
        else {
            continue;
        };
        if record.value.is_some() {
            newest.insert(key.clone(), record);
        } else {
            newest.remove(key);
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_checked_before_it_is_written() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let product = described("prd_1", &names(&["Alpha Pen", " alphamab ", "Alpha Pen"]));
        assert_eq!(product.expect("good").names, ["Alpha Pen", "alphamab"]);
        assert!(described("prd_1", &names(&["AB"])).is_err());
        assert!(described("a|b", &names(&["Alpha"])).is_err());
        assert!(described("", &names(&["Alpha"])).is_err());
    }
}
