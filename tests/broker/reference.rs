//! Reference data on a real broker: read in full by each instance before it listens.

use crate::kafka::world::{World, world};
use crate::scratch::{project, text};
use auscult_core::time::Timestamp;
use auscult_engine::log::Outgoing;
use auscult_wire::{MentionRecord, ProductDescribed, encode_product};
use serde_json::Value;

fn product(world: &World<'_>, id: &str, names: &[&str]) -> Outgoing {
    let described = ProductDescribed {
        product_id: id.to_owned(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    let encoded = encode_product("acme", &described, Timestamp(0));
    Outgoing {
        topic: world.settings.engine.topics.reference.as_str().into(),
        partition: None,
        key: Some(encoded.key),
        headers: encoded.headers,
        value: encoded.value,
    }
}

/// The contract's example of feedback, saying something else.
fn feedback(world: &World<'_>, number: u32, text: &str) -> Outgoing {
    let path = project().join("schemas/examples/feedback.field-note.structured.json");
    let example = std::fs::read(&path).expect("the contract's example");
    let mut event: Value = serde_json::from_slice(&example).expect("JSON");
    event["id"] = format!("01928f3e-7c1a-7d42-9a51-0f6f6c2b{number:04x}").into();
    event["subject"] = format!("feedback/fn-{number}").into();
    event["data"]["feedback_id"] = format!("fn-{number}").into();
    event["data"]["content"]["text"] = text.into();
    Outgoing {
        topic: world.settings.engine.topics.feedback_hcp.as_str().into(),
        partition: Some(0),
        key: Some(format!("acme|desk|{number}").into_bytes()),
        headers: vec![(
            "content-type".to_owned(),
            b"application/cloudevents+json".to_vec(),
        )],
        value: Some(event.to_string().into_bytes()),
    }
}

/// Texts of the mentions, in order.
fn texts(world: &World<'_>) -> Vec<String> {
    world
        .read(&[&world.settings.engine.topics.mentions])
        .iter()
        .filter_map(|record| {
            let value = record.value.as_deref().unwrap_or_default();
            match auscult_wire::decode_mention_record(&record.headers, value) {
                Ok(MentionRecord::Mention(mention)) => Some(mention.text.into_owned()),
                Ok(MentionRecord::Marker(_)) => None,
                Err(error) => panic!("our own record: {error}"),
            }
        })
        .collect()
}

#[test]
fn products_of_the_reference_topic_are_known_before_the_first_event_is_heard() {
    let Some(world) = world("reference data", "reference", "reference", 1) else {
        return;
    };
    let said = "Dr Kowalczyk says it is better than Melindra, Anna agrees.";
    let mut described = vec![
        product(&world, "prd_1", &["Kowalczyk"]),
        product(&world, "prd_2", &["Anna"]),
    ];
    described.extend((0..1_500).map(|number| {
        product(
            &world,
            &format!("many_{number}"),
            &[&format!("Zorivance{number}")],
        )
    }));
    // What an older record and a tombstone say no more are people again.
    described.push(product(&world, "prd_1", &["Melindra"]));
    described.push(Outgoing {
        headers: Vec::new(),
        value: None,
        ..product(&world, "prd_2", &[])
    });
    world.append(described);
    // The event is there before the instance is: it waits until the last product was read.
    world.append(vec![feedback(&world, 1, said)]);
    world.work_off("listen");
    let known = "[NAME] says it is better than Melindra, [NAME] agrees.";
    assert_eq!(texts(&world), [known]);

    // The next instance knows what was changed meanwhile.
    world.append(vec![product(&world, "prd_2", &["Anna"])]);
    world.append(vec![feedback(&world, 2, said)]);
    world.work_off("listen");
    let also = "[NAME] says it is better than Melindra, Anna agrees.";
    assert_eq!(texts(&world), [known, also]);
}

/// `auscult reference` with these arguments: exit code, and what it printed and complained of.
fn reference(world: &World<'_>, arguments: &[&str]) -> (Option<i32>, String) {
    let mut all = vec!["reference"];
    all.extend(arguments);
    all.extend(["--settings", "settings.toml"]);
    let output = world.scratch.run(&all);
    (
        output.status.code(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

#[test]
fn products_are_put_listed_and_taken_out_by_command_and_the_next_instance_knows() {
    let Some(world) = world("products by command", "products", "products", 1) else {
        return;
    };
    assert_eq!(
        reference(&world, &["list"]),
        (Some(0), "no products\n".to_owned())
    );
    let put = |product: &str, names: &[&str]| {
        let mut arguments = vec!["put", product, "--tenant", "acme"];
        for name in names {
            arguments.extend(["--name", name]);
        }
        reference(&world, &arguments)
    };
    assert_eq!(put("prd_1", &["Kowalczyk"]).0, Some(0));
    assert_eq!(put("prd_2", &["Anna"]).0, Some(0));
    // The newest word on a product counts, whole.
    assert_eq!(put("prd_1", &["Melindra", "Kowalczyk"]).0, Some(0));
    let (code, told) = put("prd_3", &["AB"]);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("three letters"), "{told}");
    let (_, listed) = reference(&world, &["list"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(
        lines[1].contains("prd_1") && lines[1].contains("Melindra, Kowalczyk"),
        "{listed}"
    );
    assert!(
        lines[2].contains("prd_2") && lines[2].contains("acme"),
        "{listed}"
    );

    let said = "Dr Kowalczyk says it is better than Melindra, Anna agrees.";
    world.append(vec![feedback(&world, 1, said)]);
    world.work_off("listen");
    assert_eq!(reference(&world, &["remove", "prd_2"]).0, Some(0));
    let (code, told) = reference(&world, &["remove", "prd_2"]);
    assert_eq!(code, Some(4), "it is out already: {told}");
    world.append(vec![feedback(&world, 2, said)]);
    world.work_off("listen");
    assert_eq!(
        texts(&world),
        [
            said,
            "Dr Kowalczyk says it is better than Melindra, [NAME] agrees."
        ]
    );
}
