//! Reference data: the newest of each key, tombstones, and what cannot be used.

use crate::support::Broker;
use auscult_core::time::Timestamp;
use auscult_engine::log::{Append, Outgoing};
use auscult_engine::reference::ReferenceReading;
use auscult_engine::telemetry::Metrics;
use auscult_wire::{ProductDescribed, encode_product};

const TOPIC: &str = "voc.reference.v1";

fn product(id: &str, names: &[&str]) -> Outgoing {
    let described = ProductDescribed {
        product_id: id.to_owned(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    let encoded = encode_product("acme", &described, Timestamp(0));
    Outgoing {
        topic: TOPIC.into(),
        partition: Some(0),
        key: Some(encoded.key),
        headers: encoded.headers,
        value: encoded.value,
    }
}

#[test]
fn the_newest_of_each_product_counts_and_what_cannot_be_used_is_counted() {
    let broker = Broker::new(&[(TOPIC, 1)]);
    let many: Vec<Outgoing> = (0..2_500)
        .map(|number| product(&format!("prd_{number}"), &[&format!("Name{number}")]))
        .collect();
    broker.append(many).expect("appended");
    let later = vec![
        product("prd_7", &["Seventh", "Sept", "B."]),
        Outgoing {
            value: None,
            headers: Vec::new(),
            ..product("prd_8", &[])
        },
        Outgoing {
            value: Some(b"no JSON".to_vec()),
            ..product("prd_9", &[])
        },
        Outgoing {
            key: Some(b"calendar|de".to_vec()),
            ..product("other", &["Not of ours"])
        },
    ];
    broker.append(later).expect("appended");

    let metrics = Metrics::default();
    let log = broker.handle("reference", &[TOPIC]);
    let mut reading = ReferenceReading::new(Box::new(log));
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(steps < 100, "it comes to an end");
        match reading.advance(&metrics) {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(
        steps > 3,
        "not all at once: the stage can be stopped meanwhile"
    );
    let names = reading.product_names().expect("not too many");
    assert_eq!(names.len(), 2_500);
    for known in ["Seventh", "Sept", "Name6", "Name9", "Name2499"] {
        assert!(names.iter().any(|name| name == known), "{known}");
    }
    for gone in ["Name7", "Name8", "B.", "Not of ours"] {
        assert!(names.iter().all(|name| name != gone), "{gone}");
    }
    let told = metrics.render(Timestamp(0)).expect("rendered");
    for line in [
        r#"auscult_reference_entries{kind="product"} 2499"#,
        "auscult_reference_unread_records 0",
        r#"auscult_reference_refused_total{code="NAME_TOO_SHORT"} 1"#,
        r#"auscult_reference_refused_total{code="JSON_SYNTAX"} 1"#,
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
}
