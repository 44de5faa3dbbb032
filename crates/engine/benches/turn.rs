//! What one event costs in Listen and in Detect, without any log below: the budget is 10 µs an event for the
//! whole of Listen (architecture, speed table).
//!
//! Shapes: 500-byte events with about 100 characters of text, as in the end-to-end target; one in twenty is an
//! adverse event, one in twenty a medical question, one in twenty holds personal data, because those paths
//! cost more and a feed without them does not exist. Texts are fixed, so that two runs do the same work.

use auscult_core::settings::DetectSettings;
use auscult_core::time::{HOUR, Timestamp};
use auscult_engine::detect::DetectStage;
use auscult_engine::listen::{Ear, EarRules, ListenStage, Understanding};
use auscult_engine::log::{Headers, Outgoing, Position, Record, TopicPartition};
use auscult_engine::settings::{CheckedEngineSettings, EngineSettings, Secret, Topics};
use auscult_engine::submit::SubmitDesk;
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Assignment, Stage, Tick};
use auscult_language::themes::Taxonomy;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

/// 2026-05-04T00:00:00Z.
const START: Timestamp = Timestamp(1_777_852_800_000);
const EVENTS: usize = 4_000;

const TEXTS: [&str; 20] = [
    "The prior authorisation form asks for a test we cannot run here, and the payer takes weeks to answer.",
    "Delivery of the pens was late again this week; two patients had to wait and were not happy about it.",
    "Great webinar, the speaker explained the new data very well and answered all of our questions quickly.",
    "The app crashes when I try to enter my dose, please fix this soon, it is really annoying for everybody.",
    "I had terrible nausea and a rash after taking the tablets and had to go to hospital in the same night.",
    "Can it be given to patients with severe renal impairment, and at which dose should we start them off?",
    "The nurse hotline was friendly and solved the problem in five minutes, thank you very much for that.",
    "Our pharmacy has been out of stock since Monday and nobody can tell us when the next delivery arrives.",
    "Please call Dr. Anna Schmidt on +49 89 1234567 about the invoice, she is in the office until Thursday.",
    "The leaflet is too long and hard to read for older patients; larger print and pictures would help them.",
    "Reimbursement was refused twice by the insurer although all the documents had been sent in on time.",
    "The injection device is easier to use than the old one and my patients like the click at the end of it.",
    "Nobody from the company has visited our ward for months; we would like to have a training for new staff.",
    "Storage is a problem for us: the boxes are too big for the fridge in the ward and need to be unpacked.",
    "It works well for most of my patients and they tell me that they can sleep through the night again.",
    "The congress booth was crowded but the material was useful and I took some of it home to the practice.",
    "Switching from the competitor was smooth, the starter kit had everything in it that we needed that day.",
    "The price is too high for patients who pay themselves and many of them stop after the first few months.",
    "The new packaging looks like the old one of another product; our staff mixed them up twice last month.",
    "We were promised a callback by the medical team three weeks ago and have not heard anything since then.",
];

fn settings() -> CheckedEngineSettings {
    let mut settings = EngineSettings {
        topics: Topics::with_single_source("feedback.v1"),
        ..EngineSettings::default()
    };
    settings.listen.pseudonym_key = Some(Secret::new("a key for benches, long enough to be one"));
    settings.listen.default_tenant = Some("acme".to_owned());
    settings.check().expect("good settings")
}

fn records(settings: &CheckedEngineSettings) -> Vec<Record> {
    let desk = SubmitDesk::new(settings);
    let lines: Vec<String> = (0..EVENTS).map(line).collect();
    let submission = desk
        .feedback(
            "application/x-ndjson",
            &Headers::new(),
            lines.join("\n").as_bytes(),
            START,
        )
        .expect("a body");
    assert!(submission.refused.is_empty(), "{:?}", submission.refused);
    numbered(submission.outgoing, "feedback.v1")
}

fn line(number: usize) -> String {
    let at = auscult_wire::time::format(START.plus(number as i64 * HOUR / 40));
    let (product, region) = (
        ["alpha", "beta", "gamma"][number % 3],
        ["DE-BY", "DE-BE", "DE-NW", "DE-HH"][number % 4],
    );
    let respondent = ["hcp", "patient", "pharmacist", "payer"][number % 4];
    let text = TEXTS[number % TEXTS.len()];
    format!(
        r#"{{"feedback_id":"fn-{number}","kind":"feedback","source":{{"system":"crm","instance":"eu","type":"field_note"}},"channel":"phone","occurred_at":"{at}","awareness":{{"at":"{at}","by_function":"medical"}},"solicitation":"unsolicited","respondent":{{"ref":"p_{number}","type":"{respondent}","country":"DE","region":"{region}"}},"about":{{"products":["{product}"]}},"content":{{"format":"mixed","text":"{text}","language":"en","measures":[{{"code":"nps","value":7,"min":0,"max":10}}]}},"consent":{{"basis":"legitimate_interest"}},"privacy":{{"state":"raw"}}}}"#
    )
}

fn numbered(outgoing: Vec<Outgoing>, topic: &str) -> Vec<Record> {
    let at = TopicPartition {
        topic: topic.into(),
        partition: 0,
    };
    let kept = outgoing
        .into_iter()
        .filter(|record| record.topic.as_ref() == topic)
        .enumerate();
    kept.map(|(offset, out)| Record {
        at: at.clone(),
        offset: offset as u64,
        key: out.key,
        headers: out.headers,
        value: out.value,
    })
    .collect()
}

fn assigned(topic: &str) -> Assignment {
    let partition = TopicPartition {
        topic: topic.into(),
        partition: 0,
    };
    Assignment {
        partition,
        position: Position(0),
        metadata: String::new(),
        state: Vec::new(),
    }
}

fn listened(settings: &CheckedEngineSettings, records: &[Record]) -> Vec<Outgoing> {
    let now = START.plus(400 * HOUR);
    let mut stage =
        ListenStage::standard(settings, Taxonomy::standard(), Arc::new(Metrics::default()));
    stage
        .assigned(assigned("feedback.v1"), now)
        .expect("assigns");
    stage.apply(records, now).expect("applies");
    stage.tick(Tick {
        now,
        drained: false,
        quiet: false,
    });
    stage.commit().expect("commits").outgoing
}

fn listen(criterion: &mut Criterion) {
    let settings = settings();
    let records = records(&settings);
    let bytes: usize = records
        .iter()
        .map(|record| record.value.as_ref().map_or(0, Vec::len))
        .sum();
    assert!(
        (450..650).contains(&(bytes / EVENTS)),
        "events of {} bytes",
        bytes / EVENTS
    );
    let now = START.plus(400 * HOUR);
    let mut group = criterion.benchmark_group("listen");
    group
        .throughput(Throughput::Elements(EVENTS as u64))
        .sample_size(20);
    let ear = Ear::new(
        Understanding::standard(&settings, Taxonomy::standard()),
        EarRules::new(&settings),
    );
    group.bench_function("hear", |bencher| {
        bencher.iter(|| {
            records
                .iter()
                .map(|record| black_box(ear.hear(record, now)).redacted.len())
                .sum::<usize>()
        });
    });
    let mut stage = ListenStage::new(Arc::new(ear), &settings, Arc::new(Metrics::default()));
    stage
        .assigned(assigned("feedback.v1"), now)
        .expect("assigns");
    group.bench_function("stage", |bencher| {
        bencher.iter(|| {
            stage.apply(&records, now).expect("applies");
            stage.tick(Tick {
                now,
                drained: false,
                quiet: false,
            });
            black_box(stage.commit().expect("commits"))
        });
    });
    group.finish();
}

fn detect(criterion: &mut Criterion) {
    let settings = settings();
    let mentions = numbered(listened(&settings, &records(&settings)), "voc.mentions.v1");
    let detect = Arc::new(DetectSettings::standard().check().expect("good settings"));
    let mut group = criterion.benchmark_group("detect");
    group
        .throughput(Throughput::Elements(mentions.len() as u64))
        .sample_size(20);
    group.bench_function("stage", |bencher| {
        bencher.iter_with_setup(
            || {
                let mut stage =
                    DetectStage::new(Arc::clone(&detect), &settings, Arc::new(Metrics::default()));
                stage
                    .assigned(assigned("voc.mentions.v1"), START)
                    .expect("assigns");
                stage
            },
            |mut stage| {
                stage.apply(&mentions, START).expect("applies");
                black_box(stage.commit().expect("commits"))
            },
        );
    });
    group.finish();
}

criterion_group!(benches, listen, detect);
criterion_main!(benches);
