//! Reference data: what a compacted topic says about the world, read in full before a stage begins to work.
//!
//! One kind is known, products and their names, because Listen uses it: redaction never takes them and safety triage links
//! to them. Records of other kinds are left alone; a record that cannot be read is told and left out, because a name that
//! is missing must not stop safety triage of everything else. Why it is read once, at the start:
//! decision 0027.

use crate::log::{Log, LogError, LogEvent, Record};
use crate::settings::{MAX_PRODUCTS, is_product_name};
use crate::telemetry::{Metrics, happening};
use auscult_wire::decode_product;
use auscult_wire::reference::PRODUCT_KEY;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Records taken at once.
const TURN: usize = 1_000;
/// How long one step may wait for records.
const WAIT: Duration = Duration::from_millis(200);
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Reference data while they are read.
pub struct ReferenceReading {
    log: Box<dyn Log>,
    /// Names by key: the newest record of a key counts.
    products: BTreeMap<Vec<u8>, Vec<String>>,
    read: u64,
    told: Instant,
}

impl ReferenceReading {
    /// Reads `log`, a reader of the reference topic from its beginning.
    #[must_use]
    pub fn new(log: Box<dyn Log>) -> ReferenceReading {
        ReferenceReading {
            log,
            products: BTreeMap::new(),
            read: 0,
            told: Instant::now(),
        }
    }

    /// Reads on for one step; `true` when everything there is was read.
    ///
    /// # Errors
    /// See [`LogError`]; after [`LogError::Retry`] the same call goes on.
    pub fn advance(&mut self, metrics: &Metrics) -> Result<bool, LogError> {
        let wait = if self.log.unread() == Some(0) {
            Duration::ZERO
        } else {
            WAIT
        };
        let events = self.log.poll(TURN, wait)?;
        let is_quiet = events.is_empty();
        for event in events {
            if let LogEvent::Record(record) = event {
                self.read += 1;
                self.take(record, metrics);
            }
        }
        let unread = self.log.unread().unwrap_or(0);
        let is_complete = is_quiet && unread == 0;
        if is_complete || self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            happening::ReferenceRead {
                records: self.read,
                unread,
                products: self.products.len(),
                is_complete,
            }
            .emit(metrics);
        }
        Ok(is_complete)
    }

    fn take(&mut self, record: Record, metrics: &Metrics) {
        let Some(key) = record
            .key
            .filter(|key| key.starts_with(PRODUCT_KEY.as_bytes()))
        else {
            return;
        };
        let Some(value) = record.value else {
            self.products.remove(&key);
            return;
        };
        let place = format!("{}@{}", record.at, record.offset);
        let refused = |code: &str, reason: &str| {
            happening::ReferenceRefused {
                place: &place,
                code,
                reason,
            }
            .emit(metrics);
        };
        match decode_product(&record.headers, &value) {
            Ok(event) => {
                let mut names = event.data.names;
                names.retain(|name| {
                    let is_usable = is_product_name(name);
                    if !is_usable {
                        refused(
                            "NAME_TOO_SHORT",
                            "so short a name would keep initials of people in the text",
                        );
                    }
                    is_usable
                });
                self.products.insert(key, names);
            }
            // What was known before goes on: a name too many harms nobody.
            Err(error) => refused(error.code.as_str(), &error.to_string()),
        }
    }

    /// Every name of every product, once, in order.
    ///
    /// # Errors
    /// There are more than the settings may name.
    pub fn product_names(&self) -> Result<Vec<String>, LogError> {
        let names: BTreeSet<&String> = self.products.values().flatten().collect();
        if names.len() as u64 > MAX_PRODUCTS {
            return Err(LogError::Fatal(format!(
                "the reference topic names products in {} ways, and {MAX_PRODUCTS} are the most: take out what nobody says",
                names.len()
            )));
        }
        Ok(names.into_iter().cloned().collect())
    }
}
