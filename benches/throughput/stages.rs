//! Listen and Detect without any log between them: what understanding and counting cost, and nothing else.
//!
//! The threads are the service's: Listen fans a batch out over its own, Detect applies the last batch meanwhile, so
//! that neither waits for the other longer than for one batch.

use crate::feed::Encoded;
use anyhow::Result;
use auscult::settings::Settings;
use auscult_core::input::{Input, Marker};
use auscult_core::partition::Partition;
use auscult_core::settings::CheckedDetectSettings;
use auscult_core::time::{DAY, Timestamp};
use auscult_engine::listen::fan_out::FanOut;
use auscult_engine::listen::{Ear, EarRules, Heard, Understanding};
use auscult_engine::log::{Record, TopicPartition};
use auscult_language::themes::Taxonomy;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Builder;

/// Events in hand at once, as in Listen.
const BATCH: usize = 1_024;
/// Batches understood and not applied yet.
const AHEAD: usize = 4;

/// Decodes, understands and applies `records`; nothing is written anywhere.
pub fn run(settings: &Settings, records: &[Record], now: Timestamp) -> Result<()> {
    let engine = &settings.engine;
    let ear = Ear::new(
        Understanding::standard(engine, Taxonomy::standard()),
        EarRules::new(engine),
    );
    let mut threads = FanOut::new(engine.listen.threads);
    threads.start()?;
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Vec<Heard<'_>>>(AHEAD);
        let detect = Arc::new(settings.detect.clone());
        Builder::new()
            .name("detect".to_owned())
            .spawn_scoped(scope, move || apply(&detect, receiver))?;
        for batch in records.chunks(BATCH) {
            let heard = threads.map(batch, |record| ear.hear(record, now));
            sender
                .send(heard)
                .map_err(|_| anyhow::anyhow!("detecting stopped"))?;
        }
        Ok(())
    })
}

fn apply(detect: &Arc<CheckedDetectSettings>, receiver: Receiver<Vec<Heard<'_>>>) {
    let mut partition = Partition::new(Arc::clone(detect));
    let mut effects = Vec::new();
    let mut newest = Timestamp::MIN;
    for batch in receiver {
        for mut mention in batch.into_iter().filter_map(|heard| heard.mention) {
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
        // What a commit would write; making it is part of a turn.
        std::hint::black_box(partition.take_changes());
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
