//! What reading and writing one event costs. Budget: 150,000 events a second through listen and detect on one machine
//! leaves about 1.5 µs for each reading, with a feedback event of 500 bytes and a mention of the same feedback.
//!
//! On Linux what is measured is processor time of this thread, not wall time, so that a busy machine tells the same figure.
#![allow(
    missing_docs,
    reason = "criterion's macros declare undocumented functions"
)]

use std::hint::black_box;
use std::time::Duration;

use auscult_wire::{
    Headers, SchemaRegistry, decode_feedback, decode_mention, encode_feedback, encode_mention,
    salvage_text,
};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const FEEDBACK: &str = r#"{"feedback_id":"fn-88213","kind":"feedback","source":{"system":"crm","instance":"eu","type":"field_note"},"channel":"face_to_face","occurred_at":"2026-05-04T09:12:00Z","awareness":{"at":"2026-05-04T09:12:00Z"},"solicitation":"unsolicited","respondent":{"type":"hcp","country":"DE"},"content":{"format":"text","text":"The prior authorisation form asks for a test we cannot run here, and nobody answers the phone.","language":"en"},"consent":{"basis":"consent"},"privacy":{"state":"raw"}}"#;

const MENTION: &str = r#"{"tenant":"acme","portfolio":"acme|DE","feedback_id":"fn-88213","occurred_at":"2026-05-04T09:12:00Z","recorded_at":"2026-05-04T18:40:11Z","watermark":"2026-05-04T06:00:00Z","feed":"crm/eu/field_note","source":"field_note","person":"k1_5f02ab","stakeholder":"hcp","country":"DE","channel":"face_to_face","products":["prd_alpha"],"text":"The prior authorisation form asks for a test we cannot run here, and nobody answers the phone.","language":"en","themes":[{"theme":"access.prior_auth","sentiment":-600,"spans":[[4,28]]}],"sentiment":-400,"models":["themes:rules@12"]}"#;

fn headers(kind: &str) -> Headers {
    [
        ("ce_specversion", "1.0"),
        ("ce_id", "01928f3e-7c1a-7d42-9a51-0f6f6c2b9e10"),
        ("ce_source", "/tenants/acme/sources/field-notes-eu"),
        ("ce_type", kind),
        ("ce_time", "2026-05-04T09:12:00Z"),
        ("ce_recordedtime", "2026-05-04T18:40:11Z"),
        ("ce_tenantid", "acme"),
        ("ce_dataclassification", "restricted"),
        ("content-type", "application/json"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .to_vec()
}

fn wire(criterion: &mut Criterion<ProcessorTime>) {
    let registry = SchemaRegistry::default();
    let feedback_headers = headers("io.auscult.feedback.received.v1");
    let mention_headers = headers("io.auscult.mention.understood.v1");
    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Elements(1));
    group.bench_function(
        format!("decode_feedback_{}_bytes", FEEDBACK.len()),
        |bencher| {
            bencher.iter(|| {
                decode_feedback(
                    black_box(&feedback_headers),
                    black_box(FEEDBACK.as_bytes()),
                    &registry,
                )
                .expect("valid")
            });
        },
    );
    group.bench_function(
        format!("decode_mention_{}_bytes", MENTION.len()),
        |bencher| {
            bencher.iter(|| {
                decode_mention(black_box(&mention_headers), black_box(MENTION.as_bytes()))
                    .expect("valid")
            });
        },
    );
    let event = decode_feedback(&feedback_headers, FEEDBACK.as_bytes(), &registry).expect("valid");
    group.bench_function("encode_feedback", |bencher| {
        bencher.iter(|| encode_feedback(black_box(&event)))
    });
    let mention = decode_mention(&mention_headers, MENTION.as_bytes()).expect("valid");
    group.bench_function("encode_mention", |bencher| {
        bencher.iter(|| encode_mention(black_box(&mention)))
    });
    group.bench_function("salvage_text", |bencher| {
        bencher.iter(|| salvage_text(black_box(&FEEDBACK.as_bytes()[..400])))
    });
    group.finish();
}

/// Processor time of the measuring thread in nanoseconds, as the kernel counts it.
struct ProcessorTime(WallTime);

impl ProcessorTime {
    fn now() -> u64 {
        let counted = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        counted
            .split(' ')
            .next()
            .and_then(|nanoseconds| nanoseconds.parse().ok())
            .unwrap_or(0)
    }
}

impl Measurement for ProcessorTime {
    type Intermediate = u64;
    type Value = Duration;

    fn start(&self) -> u64 {
        ProcessorTime::now()
    }
    fn end(&self, start: u64) -> Duration {
        Duration::from_nanos(ProcessorTime::now().saturating_sub(start).max(1))
    }
    fn add(&self, left: &Duration, right: &Duration) -> Duration {
        *left + *right
    }
    fn zero(&self) -> Duration {
        Duration::ZERO
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        self.0.formatter()
    }
}

criterion_group!(name = benches; config = Criterion::default().with_measurement(ProcessorTime(WallTime)); targets = wire);
criterion_main!(benches);
