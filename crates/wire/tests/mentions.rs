//! Mentions and markers survive the log, borrowed where they can be, and what cannot be relied on is refused.

use std::borrow::Cow;

use auscult_core::input::Marker;
use auscult_core::mention::{About, Mention, Signature, StanceTag, ThemeTag, Who};
use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::{Setting, SourceType, Stakeholder, Stance, Tier};
use auscult_wire::{
    ErrorCode, MentionRecord, decode_mention, decode_mention_record, encode_marker, encode_mention,
};

fn mention() -> Mention<'static> {
    Mention {
        tenant: "acme".into(),
        portfolio: "acme|DE".into(),
        event_source: "/tenants/acme/sources/crm".into(),
        event_id: "01928f3e-7c1a-7d42-9a51-0f6f6c2b9e10".into(),
        feedback_id: "fn-1".into(),
        occurred_at: Timestamp(20_000 * DAY + 1),
        recorded_at: Timestamp(20_001 * DAY),
        watermark: Timestamp::MIN,
        feed: "crm/eu/field_note".into(),
        who: Who {
            person: Some("k1_ab".into()),
            stakeholder: Stakeholder::Hcp,
            tier: Tier::NotApplicable,
            specialty: "cardiology".into(),
            setting: Some(Setting::Hospital),
            organisation: "".into(),
            country: "DE".into(),
            region: "DE-BY".into(),
            channel: None,
            source: SourceType::FieldNote,
        },
        about: About {
            products: vec!["alpha".into(), "beta".into()],
            ..About::default()
        },
        text: "Zu teuer \"für\" uns".into(),
        language: "de".into(),
        themes: vec![ThemeTag {
            theme: "access.price".into(),
            sentiment: Some(-500),
            spans: vec![(0, 8)],
        }],
        stances: vec![StanceTag {
            belief: "early-treatment".into(),
            stance: Stance::Opposes,
        }],
        sentiment: Some(-400),
        rating: Some(0),
        thread: None,
        signature: None,
        safety_candidate: false,
        medical_request: true,
        canary: false,
        extra: vec![("service".into(), "111".into())],
        models: vec!["themes:rules@1".into()],
    }
}

#[test]
fn a_mention_survives_the_log() {
    let mention = mention();
    let encoded = encode_mention(&mention);
    assert_eq!(encoded.key, b"acme|DE");
    let value = encoded.value.unwrap();
    assert_eq!(decode_mention(&encoded.headers, &value).unwrap(), mention);
}

#[test]
fn text_without_escapes_is_borrowed() {
    let mut plain = mention();
    plain.text = "too dear for us".into();
    let encoded = encode_mention(&plain);
    let value = encoded.value.unwrap();
    let read = decode_mention(&encoded.headers, &value).unwrap();
    assert!(matches!(read.text, Cow::Borrowed(_)));
    assert!(matches!(read.who.person, Some(Cow::Borrowed(_))));
    assert!(matches!(read.about.products[0], Cow::Borrowed(_)));
}

#[test]
fn a_marker_before_any_event_survives_the_log() {
    for watermark in [Timestamp::MIN, Timestamp(20_000 * DAY)] {
        let marker = Marker {
            source_partition: "feedback.hcp.v1/3".into(),
            watermark,
            source_partitions: 12,
            backfill: true,
        };
        let encoded = encode_marker(&marker);
        let value = encoded.value.unwrap();
        assert_eq!(
            decode_mention_record(&encoded.headers, &value),
            Ok(MentionRecord::Marker(marker))
        );
    }
}

#[test]
fn unsorted_lists_of_a_foreign_writer_are_put_in_order() {
    let mut foreign = mention();
    foreign.about.products = vec!["beta".into(), "alpha".into(), "beta".into()];
    let encoded = encode_mention(&foreign);
    let value = encoded.value.unwrap();
    assert_eq!(
        decode_mention(&encoded.headers, &value)
            .unwrap()
            .about
            .products,
        ["alpha", "beta"]
    );
}

#[test]
fn spans_that_cannot_be_cut_are_refused() {
    for spans in [vec![(0, 99)], vec![(0, 12)]] {
        let mut broken = mention();
        broken.themes[0].spans = spans; // byte 12 lies inside the ü
        let encoded = encode_mention(&broken);
        let value = encoded.value.unwrap();
        let refusal = decode_mention(&encoded.headers, &value).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.place.as_str()),
            (ErrorCode::NumberOutOfRange, "/themes/0/spans")
        );
    }
}

/// A signature survives the log; one of another version is left out, a broken one refused.
#[test]
fn signatures_are_read_by_version() {
    let mut signed = mention();
    let bytes: Vec<u8> = (0..128).collect();
    signed.signature = Signature::from_bytes(&bytes);
    assert!(signed.signature.is_some());
    let encoded = encode_mention(&signed);
    let value = String::from_utf8(encoded.value.unwrap()).unwrap();
    let read =
        |value: &str| decode_mention(&encoded.headers, value.as_bytes()).map(|read| read.signature);
    assert_eq!(read(&value), Ok(signed.signature.clone()));
    assert_eq!(read(&value.replace("\"2.AAEC", "\"1.AAEC")), Ok(None));
    for broken in [
        value.replace("\"2.AAEC", "\"2.%%%%"),
        value.replace("\"2.AAEC", "\"2."),
        value.replace("\"2.AAEC", "\"AAEC"),
    ] {
        let refused = read(&broken).unwrap_err();
        assert_eq!(
            (refused.code, refused.place.as_ref()),
            (ErrorCode::NumberOutOfRange, "/signature")
        );
    }
}
