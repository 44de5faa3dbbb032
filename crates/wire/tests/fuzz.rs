//! Whatever the bytes, readers return; and whatever they accept, they can write and read again.

mod support;

use auscult_wire::{Headers, SchemaRegistry, decode_feedback, encode_feedback, salvage_text};
use proptest::prelude::*;
use support::{as_record, examples, reread, type_and_data};

const TYPES: [&str; 15] = [
    "io.auscult.feedback.received.v1",
    "io.auscult.mention.understood.v1",
    "io.auscult.marker.advanced.v1",
    "io.auscult.series.measured.v1",
    "io.auscult.alert.dispositioned.v1",
    "io.auscult.signal.missed.v1",
    "io.auscult.action.recorded.v1",
    "io.auscult.outcome.estimated.v1",
    "io.auscult.safety.candidate.raised.v1",
    "io.auscult.safety.candidate.acknowledged.v1",
    "io.auscult.medical.request.received.v1",
    "io.auscult.medical.request.answered.v1",
    "io.auscult.safety.candidate.escalated.v1",
    "io.auscult.input.refused.v1",
    "io.auscult.alert.raised.v1",
];

fn read_everywhere(headers: &Headers, value: &[u8]) {
    let registry = SchemaRegistry::default();
    if let Ok(event) = decode_feedback(headers, value, &registry) {
        let encoded = encode_feedback(&event);
        let payload = encoded.value.expect("data");
        let again = decode_feedback(&encoded.headers, &payload, &registry)
            .expect("what is written is read");
        assert_eq!(again.data, event.data);
    }
    let _ = auscult_wire::decode_mention_record(headers, value);
    let _ = auscult_wire::decode_alert(headers, value);
    let _ = auscult_wire::decode_series_point(headers, value);
    let _ = auscult_wire::decode_disposition(headers, value);
    let _ = auscult_wire::decode_missed_signal(headers, value);
    let _ = auscult_wire::decode_action(headers, value);
    let _ = auscult_wire::decode_outcome(headers, value);
    let _ = auscult_wire::decode_safety_candidate(headers, value);
    let _ = auscult_wire::decode_safety_ack(headers, value);
    let _ = auscult_wire::decode_medical_request(headers, value);
    let _ = auscult_wire::decode_medical_answer(headers, value);
    let _ = auscult_wire::decode_safety_escalation(headers, value);
    let _ = auscult_wire::decode_product(headers, value);
    let _ = auscult_wire::decode_dead_letter(headers, value);
    let _ = salvage_text(value);
}

fn binary_headers(kind: &str) -> Headers {
    [
        ("ce_specversion", "1.0"),
        ("ce_id", "1"),
        ("ce_source", "/tenants/acme/sources/s"),
        ("ce_type", kind),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(value in proptest::collection::vec(any::<u8>(), 0..400), kind in 0..TYPES.len()) {
        read_everywhere(&Vec::new(), &value);
        read_everywhere(&binary_headers(TYPES[kind]), &value);
    }

    #[test]
    fn arbitrary_headers_are_read_or_refused(
        headers in proptest::collection::vec(("(ce_)?[a-z\\-]{0,12}", proptest::collection::vec(any::<u8>(), 0..20)), 0..8),
    ) {
        read_everywhere(&headers, b"{\"specversion\":\"1.0\"}");
    }

    /// Examples with bytes changed, inserted, removed or cut off.
    #[test]
    fn mutated_events_are_read_or_refused(
        pick in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let examples = examples();
        let (name, document) = &examples[pick.index(examples.len())];
        let (headers, mut value) = as_record(name, document);
        for (place, byte, edit) in edits {
            if value.is_empty() { break; }
            let at = place.index(value.len());
            match edit {
                0 => value[at] = byte,
                1 => value.insert(at, byte),
                2 => drop(value.remove(at)),
                _ => value.truncate(at.max(value.len() / 2)),
            }
        }
        read_everywhere(&headers, &value);
        let kind = type_and_data(name, document).0;
        if !kind.contains("mention") && !kind.contains("marker") {
            let _ = reread(&kind, &headers, &value);
        }
    }

    /// Any string, with quotes, escapes and every plane of Unicode, comes back as it was.
    #[test]
    fn any_text_comes_back(text in "\\PC{0,200}", extra in "\\PC{1,20}") {
        let examples = examples();
        let (_, document) = examples.iter().find(|(name, _)| name == "feedback.social.structured.json").expect("example");
        let mut document = document.clone();
        document["data"]["content"]["text"] = text.clone().into();
        document["data"]["zz_unknown"] = extra.clone().into();
        let value = document.to_string().into_bytes();
        let registry = SchemaRegistry::default();
        let headers = Vec::new();
        let event = decode_feedback(&headers, &value, &registry).expect("valid");
        prop_assert_eq!(event.data.content.text.as_ref(), text.as_str());
        let encoded = encode_feedback(&event);
        let payload = encoded.value.expect("data");
        let again = decode_feedback(&encoded.headers, &payload, &registry).expect("valid");
        prop_assert_eq!(again.data.content.text.as_ref(), text.as_str());
        let kept = again.data.extra.text("zz_unknown").map(std::borrow::Cow::into_owned);
        prop_assert_eq!(kept, Some(extra));
    }
}
