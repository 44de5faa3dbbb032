//! Listen and Detect without any log between them: what understanding and counting cost, and nothing else.
//!
//! The threads are the service's: Listen fans a batch out over its own, Detect applies the last batch meanwhile, so
//! that neither waits for the other longer than for one batch.

use crate::feed::Encoded;
use anyhow::Result;
use auscult::settings::Settings;
use auscult_core::input::{Input, Marker};
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::settings::CheckedDetectSettings;
use auscult_core::time::{DAY, Timestamp};
use auscult_engine::listen::{Ear, EarRules, Understanding};
use auscult_engine::log::{Record, TopicPartition};
use auscult_language::themes::Taxonomy;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Builder;

/// Events in hand at once: as many as a full turn of the service.
const BATCH: usize = 8_192;
/// Batches understood and not applied yet.
const AHEAD: usize = 2;

/// Decodes, understands and applies `records`; nothing is written anywhere.
pub fn run(settings: &Settings, records: &[Record], now: Timestamp) -> Result<()> {
    let engine = &settings.engine;
    let ear = Ear::new(
        Understanding::standard(engine, Taxonomy::standard()),
        EarRules::new(engine),
    );
    let threads = engine.listen.threads.max(1);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Vec<Mention<'_>>>(AHEAD);
        let detect = Arc::new(settings.detect.clone());
        named("detect").spawn_scoped(scope, move || apply(&detect, receiver))?;
        for batch in records.chunks(BATCH) {
            let parts: Vec<Vec<Mention<'_>>> = std::thread::scope(|inner| -> Result<_> {
                let parts: Vec<_> = batch
                    .chunks(batch.len().div_ceil(threads))
                    .map(|part| {
                        let ear = &ear;
                        named("listen").spawn_scoped(inner, move || {
                            part.iter()
                                .filter_map(|record| ear.hear(record, now).mention)
                                .collect()
                        })
                    })
                    .collect::<Result<_, _>>()?;
                parts
                    .into_iter()
                    .map(|part| {
                        part.join()
                            .map_err(|_| anyhow::anyhow!("listening panicked"))
                    })
                    .collect::<Result<_>>()
            })?;
            for part in parts {
                sender
                    .send(part)
                    .map_err(|_| anyhow::anyhow!("detecting stopped"))?;
            }
        }
        Ok(())
    })
}

/// A thread whose work a profile can tell apart.
fn named(name: &str) -> Builder {
    Builder::new().name(name.to_owned())
}

fn apply(detect: &Arc<CheckedDetectSettings>, receiver: Receiver<Vec<Mention<'_>>>) {
    let mut partition = Partition::new(Arc::clone(detect));
    let mut effects = Vec::new();
    let mut newest = Timestamp::MIN;
    for mentions in receiver {
        for mut mention in mentions {
            mention.watermark = newest;
            newest = newest.max(mention.occurred_at.plus(-2 * DAY));
            partition.apply(&Input::Mention(&mention), &mut effects);
        }
        let marker = Marker {
            source_partition: "bench/0".to_owned(),
            watermark: newest,
            source_partitions: 1,
            backfill: true,
        };
        partition.apply(&Input::Marker(&marker), &mut effects);
        effects.clear();
    }
}

/// The events as the log would hand them over.
pub fn records(events: &[Encoded]) -> Vec<Record> {
    let at = TopicPartition {
        topic: "bench".into(),
        partition: 0,
    };
    events
        .iter()
        .enumerate()
        .map(|(offset, (key, value))| Record {
            at: at.clone(),
            offset: offset as u64,
            key: Some(key.clone()),
            headers: Vec::new(),
            value: Some(value.clone()),
        })
        .collect()
}
