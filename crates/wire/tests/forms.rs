//! Forms and framings: what reads alike, and what is refused with which code at which place.

mod support;

use auscult_wire::feedback::FeedbackEvent;
use auscult_wire::words::{Audience, DataClassification};
use auscult_wire::{
    DeadLetter, ErrorCode, Headers, RefusedInput, SchemaRegistry, WireError, decode_dead_letter,
    decode_feedback, encode_dead_letter, encode_feedback, encode_feedback_structured,
};
use serde_json::{Value, json};
use support::{as_record, examples};

fn example(name: &str) -> (Headers, Vec<u8>, Value) {
    let document = examples()
        .into_iter()
        .find(|(own, _)| own == name)
        .expect("example")
        .1;
    let (headers, value) = as_record(name, &document);
    (headers, value, document)
}

fn registry() -> SchemaRegistry {
    SchemaRegistry::new([7], [uuid::Uuid::from_u128(0xABCD)])
}

fn refusal(headers: &Headers, value: &[u8]) -> WireError {
    decode_feedback(headers, value, &registry()).expect_err("refused")
}

fn structured() -> Headers {
    vec![(
        "Content-Type".to_owned(),
        b"application/cloudevents+json".to_vec(),
    )]
}

#[test]
fn binary_and_structured_form_read_alike() {
    for name in ["field-note", "survey"] {
        let (binary_headers, binary, _) = example(&format!("feedback.{name}.binary.json"));
        let (structured_headers, document, _) =
            example(&format!("feedback.{name}.structured.json"));
        let registry = registry();
        let mut from_structured =
            decode_feedback(&structured_headers, &document, &registry).unwrap();
        from_structured.envelope.data_content_type = None; // in binary form the content type is a header
        assert_eq!(
            decode_feedback(&binary_headers, &binary, &registry).unwrap(),
            from_structured
        );
        let bare = Vec::new();
        let mut from_bare = decode_feedback(&bare, &document, &registry).unwrap();
        from_bare.envelope.data_content_type = None;
        assert_eq!(from_bare, from_structured);
    }
}

#[test]
fn both_written_forms_read_back() {
    let (headers, value, _) = example("feedback.social.structured.json");
    let registry = registry();
    let event = decode_feedback(&headers, &value, &registry).unwrap();
    let equal = |again: FeedbackEvent<'_>| {
        assert_eq!(again.data, event.data);
        assert_eq!(again.envelope.id, event.envelope.id);
        assert_eq!(again.envelope.recorded_time, event.envelope.recorded_time);
        assert_eq!(again.envelope.extensions, event.envelope.extensions);
    };
    let binary = encode_feedback(&event);
    assert_eq!(
        binary.key,
        event.envelope.partition_key.as_deref().unwrap().as_bytes()
    );
    let payload = binary.value.unwrap();
    equal(decode_feedback(&binary.headers, &payload, &registry).unwrap());
    let document = encode_feedback_structured(&event);
    equal(decode_feedback(&structured(), &document, &registry).unwrap());
}

#[test]
fn four_framings_read_alike_and_unknown_schemas_are_refused() {
    let (headers, json, _) = example("feedback.call.structured.json");
    let registry = registry();
    let plain = decode_feedback(&headers, &json, &registry).unwrap();
    let guid = 0xABCD_u128.to_be_bytes();
    let framed = |prefix: &[u8]| [prefix, &json].concat();
    let number = framed(&[0, 0, 0, 0, 7]);
    assert_eq!(
        decode_feedback(&headers, &number, &registry).unwrap(),
        plain
    );
    let prefixed = framed(&[&[1_u8][..], &guid].concat());
    assert_eq!(
        decode_feedback(&headers, &prefixed, &registry).unwrap(),
        plain
    );
    for id in [
        guid.to_vec(),
        [&[1_u8][..], &guid].concat(),
        uuid::Uuid::from_bytes(guid).to_string().into_bytes(),
    ] {
        let mut headers = headers.clone();
        headers.push(("__value_schema_id".to_owned(), id));
        assert_eq!(decode_feedback(&headers, &json, &registry).unwrap(), plain);
    }
    assert_eq!(
        refusal(&headers, &framed(&[0, 0, 0, 0, 8])).code,
        ErrorCode::SchemaUnknown
    );
    assert_eq!(
        refusal(&headers, &framed(&[&[1_u8][..], &[9; 16]].concat())).code,
        ErrorCode::SchemaUnknown
    );
    assert_eq!(refusal(&headers, &[0, 0]).code, ErrorCode::Framing);
    assert_eq!(
        refusal(&headers, &[2, 0, 0, 0, 7, b'{']).code,
        ErrorCode::Framing
    );
    let mut unknown = headers.clone();
    unknown.push(("__value_schema_id".to_owned(), vec![9; 16]));
    let refused = refusal(&unknown, &json);
    assert_eq!(
        (refused.code, refused.place.as_str()),
        (ErrorCode::SchemaUnknown, "__value_schema_id")
    );
}

#[test]
fn batches_are_refused_by_content_type_and_by_shape() {
    let batch = vec![(
        "content-type".to_owned(),
        b"application/cloudevents-batch+json".to_vec(),
    )];
    assert_eq!(refusal(&batch, b"[]").code, ErrorCode::CeBatch);
    assert_eq!(refusal(&Vec::new(), b"  [{}]").code, ErrorCode::CeBatch);
}

/// One case: a change of the structured example, and the code and place it must be refused with.
type Case = (fn(&mut Value), ErrorCode, &'static str);

#[test]
fn each_mistake_has_its_code_and_place() {
    let cases: [Case; 19] = [
        (
            |event| event["specversion"] = "0.3".into(),
            ErrorCode::CeVersion,
            "/specversion",
        ),
        (
            |event| drop(event.as_object_mut().unwrap().remove("specversion")),
            ErrorCode::CeMissingAttribute,
            "/specversion",
        ),
        (
            |event| event["id"] = "".into(),
            ErrorCode::CeMissingAttribute,
            "/id",
        ),
        (
            |event| event["id"] = json!({"no": 1}),
            ErrorCode::JsonType,
            "/id",
        ),
        (
            |event| event["time"] = "soon".into(),
            ErrorCode::TimeInvalid,
            "/time",
        ),
        (
            |event| event["dataclassification"] = "secret".into(),
            ErrorCode::EnumUnknown,
            "/dataclassification",
        ),
        (
            |event| event["datacontenttype"] = "text/xml".into(),
            ErrorCode::CeContentType,
            "/datacontenttype",
        ),
        (
            |event| event["type"] = "io.auscult.alert.raised.v1".into(),
            ErrorCode::TypeUnknown,
            "/type",
        ),
        (
            |event| drop(event.as_object_mut().unwrap().remove("data")),
            ErrorCode::FieldMissing,
            "/data",
        ),
        (
            |event| event["data"] = "text".into(),
            ErrorCode::JsonType,
            "/data",
        ),
        (
            |event| event["data"]["respondent"]["type"] = "nurse".into(),
            ErrorCode::EnumUnknown,
            "/data/respondent/type",
        ),
        (
            |event| event["data"]["respondent"] = Value::Null,
            ErrorCode::JsonType,
            "/data/respondent",
        ),
        (
            |event| event["data"]["about"]["products"][0] = 7.into(),
            ErrorCode::JsonType,
            "/data/about/products/0",
        ),
        (
            |event| event["data"]["occurred_at"] = 1_777_885_920.into(),
            ErrorCode::JsonType,
            "/data/occurred_at",
        ),
        (
            |event| event["data"]["occurred_at"] = "2226-05-04T09:12:00Z".into(),
            ErrorCode::TimeOutOfRange,
            "/data/occurred_at",
        ),
        (
            |event| event["data"]["feedback_id"] = "".into(),
            ErrorCode::FieldMissing,
            "/data/feedback_id",
        ),
        (
            |event| event["data"]["exposure"]["invited"] = (-1).into(),
            ErrorCode::NumberOutOfRange,
            "/data/exposure/invited",
        ),
        (
            |event| event["data"]["content"]["text"] = "a".repeat(65_537).into(),
            ErrorCode::TextTooLong,
            "/data/content/text",
        ),
        (
            |event| event["data"]["about"]["products"] = vec!["x"; 1_001].into(),
            ErrorCode::ListTooLong,
            "/data/about/products",
        ),
    ];
    let (headers, _, document) = example("feedback.field-note.structured.json");
    for (change, code, place) in cases {
        let mut broken = document.clone();
        change(&mut broken);
        let refused = refusal(&headers, broken.to_string().as_bytes());
        assert_eq!(
            (refused.code, refused.place.as_str()),
            (code, place),
            "{refused}"
        );
    }
}

#[test]
fn bytes_that_are_no_document_are_refused() {
    let (headers, json, _) = example("feedback.field-note.structured.json");
    assert_eq!(
        refusal(&headers, &json[..json.len() / 2]).code,
        ErrorCode::JsonSyntax
    );
    assert_eq!(refusal(&headers, b"").code, ErrorCode::EventEmpty);
    assert_eq!(refusal(&headers, &[b'{', 0xFF, b'}']).code, ErrorCode::Utf8);
    assert_eq!(
        refusal(&headers, &vec![b' '; 10 << 20]).code,
        ErrorCode::EventTooLarge
    );
    assert_eq!(
        refusal(&headers, "[".repeat(200_000).as_bytes()).code,
        ErrorCode::JsonType
    );
    let twice =
        String::from_utf8(json)
            .unwrap()
            .replacen("\"kind\"", "\"kind\":\"feedback\",\"kind\"", 1);
    assert_eq!(
        refusal(&headers, twice.as_bytes()).code,
        ErrorCode::FieldTwice
    );
}

/// Reasons are logged and shown, so they may not repeat what a customer wrote.
#[test]
fn reasons_hold_no_customer_text() {
    let (headers, _, document) = example("feedback.field-note.structured.json");
    let secret = "Mrs Miller, born 3 May 1950, fainted";
    let mut places = Vec::new();
    for pointer in [
        "/data/kind",
        "/data/about/journey",
        "/data/content/measures",
        "/data/canary",
        "/data/occurred_at",
        "/time",
        "/data/exposure/invited",
    ] {
        let mut broken = document.clone();
        *broken.pointer_mut(pointer).unwrap() = secret.into();
        let refused = refusal(&headers, broken.to_string().as_bytes());
        assert!(!refused.to_string().contains("Miller"), "{refused}");
        places.push(refused.place);
    }
    assert!(places.contains(&"/data/about/journey".to_owned()));
}

/// N21: what a consumer may not hold it refuses; an event that does not say counts as restricted.
#[test]
fn a_consumer_refuses_what_it_may_not_hold() {
    let (headers, value, _) = example("feedback.field-note.structured.json");
    let registry = registry();
    let mut envelope = decode_feedback(&headers, &value, &registry)
        .unwrap()
        .envelope;
    let commercial = |envelope: &auscult_wire::Envelope<'_>| {
        envelope.check_holdable(DataClassification::Confidential, &[Audience::Shared])
    };
    assert_eq!(
        commercial(&envelope).unwrap_err().place,
        "dataclassification"
    );
    envelope.classification = None;
    assert_eq!(
        commercial(&envelope).unwrap_err().code,
        ErrorCode::ClassificationRefused
    );
    envelope.classification = Some(DataClassification::Confidential);
    assert_eq!(commercial(&envelope).unwrap_err().place, "vocaudience");
    envelope.audience = Some(Audience::Shared);
    assert_eq!(commercial(&envelope), Ok(()));
}

/// N01: a hundred mutated events make a hundred dead letters, each byte-identical to its input.
#[test]
fn dead_letters_keep_the_original_bytes() {
    let (headers, json, _) = example("feedback.field-note.binary.json");
    let mut refused = 0;
    for offset in 0..100_u64 {
        let mut broken = json.clone();
        broken.truncate(json.len() - 1 - offset as usize * 3);
        broken.push(0xF0 | offset as u8);
        let error = refusal(&headers, &broken);
        let input = RefusedInput {
            topic: "feedback.hcp.v1",
            partition: 3,
            offset,
            key: Some(b"k"),
            headers: &headers,
            value: Some(&broken),
        };
        let letter = DeadLetter::new(
            input,
            &error,
            auscult_core::time::Timestamp(1_777_885_920_000),
        );
        let encoded = encode_dead_letter(&letter);
        let value = encoded.value.unwrap();
        let read = decode_dead_letter(&encoded.headers, &value).unwrap();
        assert_eq!(read.data, letter);
        assert_eq!(
            read.envelope.trace_parent.as_deref(),
            Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        );
        assert_eq!(
            (
                read.data.topic.as_str(),
                read.data.partition,
                read.data.offset
            ),
            ("feedback.hcp.v1", 3, offset)
        );
        let (key, replay_headers, bytes) = read.data.to_replay();
        assert_eq!(
            (key.as_deref(), bytes.as_deref()),
            (Some(&b"k"[..]), Some(&broken[..]))
        );
        assert_eq!(replay_headers[..headers.len()], headers);
        assert_eq!(
            replay_headers[headers.len()],
            ("auscult-replays".to_owned(), b"1".to_vec())
        );
        refused += 1;
    }
    assert_eq!(refused, 100);
}
