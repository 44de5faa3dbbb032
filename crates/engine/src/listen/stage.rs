//! Listen as a stage: understand a batch, give it watermarks in order, encode it, write markers.

use super::cap::DeadLetterWindow;
use super::ear::{Ear, EarRules, Heard, Understanding};
use super::fan_out::FanOut;
use super::watermark::{TimeRules, Watermark};
use crate::log::{Commit, LogError, Outgoing, Position, Record, TopicPartition};
use crate::reference::ReferenceReading;
use crate::settings::CheckedEngineSettings;
use crate::telemetry::{Metrics, happening};
use crate::turn::{Assignment, Stage, StageError, Tick};
use auscult_core::input::Marker;
use auscult_core::time::{SECOND, Timestamp};
use auscult_language::themes::Taxonomy;
use auscult_wire::dead_letter::RefusedInput;
use auscult_wire::{
    DeadLetter, Encoded, WireError, encode_dead_letter, encode_marker, encode_medical_request,
    encode_mention, encode_safety_candidate,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stage's name.
const NAME: &str = "listen";

/// Records understood and not encoded yet. A whole turn of them would be some ten megabytes of new memory each turn,
/// which the processor's caches do not hold.
const IN_HAND: usize = 1_024;

/// What the stage needs to know beside its ear.
#[derive(Debug, Clone)]
struct ListenRules {
    /// Watermarks.
    time: TimeRules,
    /// Partitions of the mentions topic: markers go to each.
    mentions_partitions: u32,
    /// Source partitions over all topics and instances.
    source_partitions: u32,
    /// History is being loaded.
    backfill: bool,
    topics: OutputTopics,
}

/// Topic names, shared by every outgoing record.
#[derive(Debug, Clone)]
struct OutputTopics {
    mentions: Arc<str>,
    candidates: Arc<str>,
    requests: Arc<str>,
    dead_letters: Arc<str>,
}

impl ListenRules {
    /// The rules of checked settings.
    fn new(settings: &CheckedEngineSettings) -> ListenRules {
        let listen = &settings.listen;
        let milliseconds = |seconds: u64| {
            i64::try_from(seconds)
                .unwrap_or(i64::MAX)
                .saturating_mul(SECOND)
        };
        ListenRules {
            time: TimeRules {
                lateness: milliseconds(listen.lateness_seconds),
                idle_after: (listen.idle_after_seconds > 0)
                    .then(|| milliseconds(listen.idle_after_seconds)),
                future_limit: milliseconds(listen.future_limit_seconds),
            },
            mentions_partitions: settings.partitions.mentions,
            source_partitions: settings.source_partitions(),
            backfill: listen.backfill,
            topics: OutputTopics {
                mentions: settings.topics.mentions.as_str().into(),
                candidates: settings.topics.safety_candidates.as_str().into(),
                requests: settings.topics.medical_requests.as_str().into(),
                dead_letters: settings.topics.dead_letters.as_str().into(),
            },
        }
    }
}

/// One source partition that is ours.
#[derive(Debug)]
struct Source {
    position: Position,
    watermark: Watermark,
    dirty: bool,
    moved_by_clock: bool,
}

/// Counts of one turn, told when it is durable.
#[derive(Debug, Default)]
struct Tally {
    candidates_read: usize,
    candidates_broken: usize,
    requests: usize,
    redacted: BTreeMap<&'static str, usize>,
    set_aside: BTreeMap<&'static str, usize>,
}

/// Feedback to mentions.
pub struct ListenStage {
    ear: Arc<Ear>,
    rules: ListenRules,
    metrics: Arc<Metrics>,
    sources: BTreeMap<TopicPartition, Source>,
    window: DeadLetterWindow,
    threads: FanOut,
    outgoing: Vec<Outgoing>,
    tally: Tally,
    move_to: Option<Timestamp>,
    preparing: Option<Box<Preparing>>,
}

/// Reference data that are to be read first, and what an ear is made of then.
struct Preparing {
    reading: ReferenceReading,
    settings: CheckedEngineSettings,
    taxonomy: Taxonomy,
}

impl ListenStage {
    /// A stage with the shipped ears and `taxonomy`, holding no partition yet.
    #[must_use]
    pub fn standard(
        settings: &CheckedEngineSettings,
        taxonomy: Taxonomy,
        metrics: Arc<Metrics>,
    ) -> ListenStage {
        let ear = Ear::new(
            Understanding::standard(settings, taxonomy),
            EarRules::new(settings),
        );
        ListenStage::new(Arc::new(ear), settings, metrics)
    }

    /// A stage that listens with `ear` and holds no partition yet.
    #[must_use]
    pub fn new(
        ear: Arc<Ear>,
        settings: &CheckedEngineSettings,
        metrics: Arc<Metrics>,
    ) -> ListenStage {
        ListenStage {
            ear,
            rules: ListenRules::new(settings),
            metrics,
            sources: BTreeMap::new(),
            window: DeadLetterWindow::new(settings.listen.dead_letter_cap),
            threads: FanOut::new(settings.listen.threads),
            outgoing: Vec::new(),
            tally: Tally::default(),
            move_to: None,
            preparing: None,
        }
    }

    /// The stage of [`ListenStage::standard`], which begins when `reading` has come to its end and knows what it told.
    #[must_use]
    pub fn after_reference(
        settings: &CheckedEngineSettings,
        taxonomy: Taxonomy,
        metrics: Arc<Metrics>,
        reading: ReferenceReading,
    ) -> ListenStage {
        let mut stage = ListenStage::standard(settings, taxonomy.clone(), metrics);
        stage.preparing = Some(Box::new(Preparing {
            reading,
            settings: settings.clone(),
            taxonomy,
        }));
        stage
    }

    /// Moves every watermark on to `until` at the next tick: the end of a history that was loaded, so that its
    /// last buckets close.
    pub fn finish_history(&mut self, until: Timestamp) {
        self.move_to = Some(until);
    }

    /// The least watermark of the partitions held here.
    #[must_use]
    pub fn watermark(&self) -> Option<Timestamp> {
        self.sources
            .values()
            .map(|source| source.watermark.at())
            .min()
    }

    /// Watermarks in each partition's order: the only step that may not run in parallel.
    fn order(
        &mut self,
        record: &Record,
        heard: &mut Heard<'_>,
        now: Timestamp,
    ) -> Result<(), StageError> {
        let source = self.sources.get_mut(&record.at).ok_or_else(|| {
            StageError::Fatal(format!(
                "a record of {} came without its partition; this is a bug of the log adapter",
                record.at
            ))
        })?;
        source.watermark.heard(now);
        source.position = Position(record.offset + 1);
        source.dirty = true;
        if let Some(mention) = &mut heard.mention {
            mention.watermark = source
                .watermark
                .pass(mention.occurred_at, now, self.rules.time);
        }
        Ok(())
    }

    /// Understands `records`, puts them in order and encodes what comes of them.
    fn take(&mut self, ear: &Ear, records: &[Record], now: Timestamp) -> Result<(), StageError> {
        let mut heard = self.threads.map(records, |record| ear.hear(record, now));
        for (record, heard) in records.iter().zip(&mut heard) {
            self.order(record, heard, now)?;
            self.count(record, heard);
        }
        let pairs: Vec<(&Record, &Heard<'_>)> = records.iter().zip(&heard).collect();
        let topics = &self.rules.topics;
        let encoded = self
            .threads
            .map(&pairs, |(record, heard)| topics.encode(record, heard, now));
        self.outgoing.extend(encoded.into_iter().flatten());
        Ok(())
    }

    fn count(&mut self, record: &Record, heard: &Heard<'_>) {
        self.window.note(heard.refusal.is_some());
        if let Some(refusal) = &heard.refusal {
            let place = format!("{}@{}", record.at, record.offset);
            happening::DeadLettered {
                stage: NAME,
                code: refusal.code.as_str(),
                place: &place,
            }
            .emit(&self.metrics);
            self.tally.candidates_broken += usize::from(heard.candidate.is_some());
        } else {
            self.tally.candidates_read += usize::from(heard.candidate.is_some());
        }
        self.tally.requests += usize::from(heard.request.is_some());
        for class in &heard.redacted {
            *self.tally.redacted.entry(class.as_str()).or_default() += 1;
        }
        if let Some(kind) = heard.set_aside {
            *self.tally.set_aside.entry(kind.as_str()).or_default() += 1;
        }
    }

    /// Moves idle partitions on by the clock; while history is loaded, by the partitions that moved.
    fn move_idle(&mut self, tick: Tick) {
        let history_end = self
            .sources
            .values()
            .map(|source| source.watermark.at())
            .max();
        for source in self.sources.values_mut() {
            let target = match (self.move_to, self.rules.backfill) {
                (Some(until), _) => Some(until),
                (None, true) => history_end.filter(|_| tick.quiet),
                (None, false) => {
                    let idle = tick.drained && source.watermark.is_idle(tick.now, self.rules.time);
                    idle.then(|| tick.now.plus(-self.rules.time.lateness))
                }
            };
            if let Some(target) = target.filter(|target| *target > source.watermark.at()) {
                source.watermark.move_to(target);
                source.moved_by_clock = true;
            }
        }
        self.move_to = None;
    }

    /// A marker per new edge, into every mentions partition, after the turn's mentions.
    fn write_markers(&mut self) {
        for (partition, source) in &mut self.sources {
            let idle = std::mem::take(&mut source.moved_by_clock);
            let Some(edge) = source.watermark.take_new_edge() else {
                continue;
            };
            source.dirty = true;
            let marker = Marker {
                source_partition: partition.to_string(),
                watermark: edge,
                source_partitions: self.rules.source_partitions,
                backfill: self.rules.backfill,
            };
            happening::WatermarkMoved {
                partition,
                watermark: edge.0,
                idle,
            }
            .emit(&self.metrics);
            let encoded = encode_marker(&marker);
            for mentions in 0..self.rules.mentions_partitions {
                let mut record = outgoing(&self.rules.topics.mentions, encoded.clone());
                record.partition = Some(mentions);
                self.outgoing.push(record);
            }
        }
    }
}

impl Stage for ListenStage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&mut self) -> Result<bool, StageError> {
        let Some(preparing) = &mut self.preparing else {
            return Ok(true);
        };
        let told = |error: LogError| match error {
            LogError::Retry(reason) | LogError::Fenced(reason) => StageError::Retry(reason),
            LogError::Fatal(reason) => StageError::Fatal(reason),
        };
        if !preparing.reading.advance(&self.metrics).map_err(told)? {
            return Ok(false);
        }
        let names = preparing.reading.product_names().map_err(told)?;
        if let Some(done) = self.preparing.take()
            && !names.is_empty()
        {
            let Preparing {
                settings, taxonomy, ..
            } = *done;
            self.ear = Arc::new(Ear::new(
                Understanding::knowing(&settings, taxonomy, &names),
                EarRules::new(&settings),
            ));
        }
        Ok(true)
    }

    fn assigned(&mut self, assignment: Assignment, now: Timestamp) -> Result<(), StageError> {
        let Assignment {
            partition,
            position,
            metadata,
            ..
        } = assignment;
        let watermark = Watermark::restore(&metadata, now).map_err(|reason| {
            StageError::Fatal(format!("the position of {partition} cannot be read: {reason}; give this consumer group a name of its own"))
        })?;
        self.sources.insert(
            partition,
            Source {
                position,
                watermark,
                dirty: false,
                moved_by_clock: false,
            },
        );
        Ok(())
    }

    fn revoked(&mut self, partition: &TopicPartition) {
        self.sources.remove(partition);
    }

    fn fenced(&mut self) {
        self.sources.clear();
        self.outgoing.clear();
        self.tally = Tally::default();
    }

    fn apply(&mut self, records: &[Record], now: Timestamp) -> Result<(), StageError> {
        let ear = Arc::clone(&self.ear);
        self.threads
            .start()
            .map_err(|refused| StageError::Fatal(refused.to_string()))?;
        for part in records.chunks(IN_HAND) {
            self.take(&ear, part, now)?;
        }
        Ok(())
    }

    fn tick(&mut self, tick: Tick) {
        self.move_idle(tick);
        self.write_markers();
    }

    fn commit(&mut self) -> Result<Commit, StageError> {
        let positions = self.sources.iter_mut().filter_map(|(partition, source)| {
            let dirty = std::mem::take(&mut source.dirty);
            dirty.then(|| {
                (
                    partition.clone(),
                    source.position,
                    source.watermark.metadata(),
                )
            })
        });
        Ok(Commit {
            positions: positions.collect(),
            state: Vec::new(),
            outgoing: std::mem::take(&mut self.outgoing),
        })
    }

    /// The cap stops the stage only now, when dead letters and candidates of the turn are safe.
    fn committed(&mut self) -> Result<(), StageError> {
        let tally = std::mem::take(&mut self.tally);
        happening::SafetyCandidates {
            from_events: tally.candidates_read,
            from_broken_input: tally.candidates_broken,
        }
        .emit(&self.metrics);
        happening::MedicalRequests {
            count: tally.requests,
        }
        .emit(&self.metrics);
        for (class, count) in tally.redacted {
            happening::Redacted { class, count }.emit(&self.metrics);
        }
        for (kind, count) in tally.set_aside {
            happening::SetAside { kind, count }.emit(&self.metrics);
        }
        self.window
            .verdict()
            .map_or(Ok(()), |message| Err(StageError::Fatal(message)))
    }
}

impl OutputTopics {
    /// Everything one record leads to. The candidate comes first: if a broker ever cuts a transaction's
    /// tail, it is not safety's.
    fn encode(&self, record: &Record, heard: &Heard<'_>, now: Timestamp) -> Vec<Outgoing> {
        let mut out = Vec::with_capacity(1);
        if let Some((tenant, candidate)) = heard.candidate.as_deref() {
            out.push(outgoing(
                &self.candidates,
                encode_safety_candidate(tenant, candidate),
            ));
        }
        if let Some((tenant, request)) = heard.request.as_deref() {
            out.push(outgoing(
                &self.requests,
                encode_medical_request(tenant, request),
            ));
        }
        if let Some(mention) = &heard.mention {
            out.push(outgoing(&self.mentions, encode_mention(mention)));
        }
        if let Some(refusal) = &heard.refusal {
            out.push(dead_letter(&self.dead_letters, record, refusal, now));
        }
        out
    }
}

/// A record for `topic`, partitioned by its key.
pub(crate) fn outgoing(topic: &Arc<str>, encoded: Encoded) -> Outgoing {
    Outgoing {
        topic: Arc::clone(topic),
        partition: None,
        key: Some(encoded.key),
        headers: encoded.headers,
        value: encoded.value,
    }
}

/// The dead letter of `record`, original bytes and all.
pub(crate) fn dead_letter(
    topic: &Arc<str>,
    record: &Record,
    refusal: &WireError,
    now: Timestamp,
) -> Outgoing {
    let input = RefusedInput {
        topic: &record.at.topic,
        partition: record.at.partition,
        offset: record.offset,
        key: record.key.as_deref(),
        headers: &record.headers,
        value: record.value.as_deref(),
    };
    outgoing(
        topic,
        encode_dead_letter(&DeadLetter::new(input, refusal, now)),
    )
}
