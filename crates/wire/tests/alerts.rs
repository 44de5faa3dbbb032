//! From the core's alert to the outward message: projections, ids, order.

mod support;

use auscult_core::alert::*;
use auscult_core::time::{BucketWidth, DAY, Timestamp};
use auscult_core::words::*;
use auscult_wire::alert_data::People;
use auscult_wire::words::PeopleBand;
use auscult_wire::{AlertData, Projection, decode_alert, encode_alert};

fn alert() -> Alert {
    let day = |number: i64| Timestamp(number * DAY);
    Alert {
        change: AlertChange::Updated,
        tenant: "acme".into(),
        portfolio: "acme|DE".into(),
        signal_id: "al_9c41d0".into(),
        revision: 2,
        supersedes: Some(1),
        status: SignalStatus::Firing,
        status_reason: StatusReason::LateData,
        kind: SignalKind::VolumeUp,
        severity: Severity::Notable,
        title: "Prior authorisation, Bavaria".into(),
        why: "41 mentions against 17.2 expected.".into(),
        horizon: Horizon::Unknown,
        series: SeriesRef {
            id: "s_77ab".into(),
            view: "theme_region".into(),
            measure: Measure::Mentions,
            dimensions: vec![
                ("theme".into(), "access".into()),
                ("region".into(), "DE-BY".into()),
            ],
        },
        window: Window {
            start: day(20_000),
            end: day(20_007),
            width: BucketWidth::Week,
        },
        as_of: day(20_007),
        first_raised_at: day(20_006),
        observed: 41.0,
        expected: 17.2,
        interval: Interval {
            low: 9.0,
            high: 26.0,
            level: 0.9,
        },
        effect_absolute: 23.8,
        effect_relative: None,
        score_current: 74,
        score_initial: 69,
        p_value: 0.0002,
        q_value: 0.031,
        expected_false_per_30_days: 0.6,
        evidence: EvidenceSummary {
            grade: EvidenceGrade::Corroborated,
            people: 29,
            items: 41,
            channels: 3,
            effective_n: 24.6,
            top_person_share: 0.07,
            copies: 3,
            expert_share: 0.05,
        },
        caveats: vec![Caveat::LateData],
        drivers: vec![Driver {
            dimension: "setting".into(),
            value: "hospital".into(),
            share: 0.78,
        }],
        context: vec![ContextItem {
            kind: "series".into(),
            reference: "s_1".into(),
            label: "Germany".into(),
            start: day(20_000),
            end: day(20_007),
        }],
        examples: vec![Example {
            feedback_id: "fn-1".into(),
            quote: "a test we cannot run".into(),
            language: "en".into(),
            stance: "negative".into(),
        }],
        detector: DetectorRef {
            id: "default".into(),
            version: "1".into(),
            method: "negative_binomial".into(),
            config_hash: "b3:1c0f".into(),
        },
        baseline: BaselineRef {
            id: "b_1".into(),
            from: day(19_000),
            to: day(19_999),
            points: 80,
            season: "day_of_week".into(),
            calendars: vec!["de-by-holidays".into()],
        },
        models: vec!["themes:rules@12".into()],
        seed: 7,
        owner_team: "governance".into(),
        triage_due: day(20_009),
        suggested_checks: vec!["Compare regions".into()],
        labels: vec![("brand".into(), "alpha".into())],
        group_key: "acme/alpha".into(),
        incident_id: "inc_1".into(),
        suppressed_by: vec![],
        rank: 0.5,
        disposition: Some(Decision::Confirmed),
    }
}

fn decoded(alert: &Alert, projection: Projection) -> (String, AlertData, String) {
    let encoded = encode_alert(alert, projection);
    let value = encoded.value.clone().unwrap();
    let event = decode_alert(&encoded.headers, &value).unwrap();
    (
        event.envelope.id.into_owned(),
        event.data,
        String::from_utf8(value).unwrap(),
    )
}

#[test]
fn the_shared_projection_holds_no_quotes_and_people_only_in_bands() {
    let (_, shared, json) = decoded(&alert(), Projection::Shared);
    assert_eq!(
        shared.evidence.people,
        People::Banded(PeopleBand::TwentyFiveToFortyNine)
    );
    assert!(shared.evidence.banded && shared.examples.is_empty() && shared.belief.is_none());
    assert!(!json.contains("cannot run") && !json.contains("fn-1") && !json.contains("29"));
    let (_, medical, _) = decoded(&alert(), Projection::Medical);
    assert_eq!(medical.evidence.people, People::Exact(29));
    assert_eq!(medical.examples[0].quote, "a test we cannot run");
}

#[test]
fn bands_have_the_edges_of_the_contract() {
    let bands =
        [0, 4, 5, 9, 10, 24, 25, 49, 50, 9_999].map(|people| PeopleBand::of(people).as_str());
    assert_eq!(
        bands,
        [
            "<5", "<5", "5-9", "5-9", "10-24", "10-24", "25-49", "25-49", "50+", "50+"
        ]
    );
}

#[test]
fn bytes_and_ids_are_deterministic_and_differ_by_signal_revision_and_projection() {
    let first = alert();
    assert_eq!(
        encode_alert(&first, Projection::Shared),
        encode_alert(&first, Projection::Shared)
    );
    let mut later = alert();
    later.revision = 3;
    let mut other = alert();
    other.signal_id = "al_2".into();
    let ids = [
        decoded(&first, Projection::Shared).0,
        decoded(&first, Projection::Medical).0,
        decoded(&later, Projection::Shared).0,
        decoded(&other, Projection::Shared).0,
    ];
    let unique: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
    // Computed apart, with Python's hashlib. Pinned: consumers keep ids of what they have seen, so the recipe may never change.
    assert_eq!(ids[0], "e809e807-ba59-580c-8f20-cf6c85c80b7d");
}

#[test]
fn attributes_say_what_the_contract_says() {
    let encoded = encode_alert(&alert(), Projection::Shared);
    let header = |name: &str| {
        encoded
            .headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| String::from_utf8(value.clone()).unwrap())
            .unwrap_or_default()
    };
    assert_eq!(encoded.key, b"acme|DE|al_9c41d0");
    for (name, value) in [
        ("ce_specversion", "1.0"),
        ("ce_type", "io.auscult.alert.updated.v1"),
        ("ce_source", "/tenants/acme/detectors/default"),
        ("ce_subject", "signal/al_9c41d0"),
        ("ce_sequence", "0000000002"),
        ("ce_correlationid", "inc_1"),
        ("ce_severitytext", "NOTABLE"),
        ("ce_severitynumber", "13"),
        ("ce_dataclassification", "confidential"),
        ("ce_datacategory", "non-pii"),
        ("ce_vocaudience", "shared"),
        ("ce_tenantid", "acme"),
        ("ce_partitionkey", "acme|DE|al_9c41d0"),
        ("ce_recordedtime", "2024-10-11T00:00:00Z"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(header(name), value, "{name}");
    }
    for (name, _) in &encoded.headers {
        let attribute = name.strip_prefix("ce_").unwrap_or("");
        assert!(
            attribute.len() <= 20
                && attribute
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
            "{name}"
        );
    }
}

/// A proposed theme has no series: its words travel as a dimension and as a suggestion for the taxonomy.
#[test]
fn a_proposed_theme_is_written_and_read_again() {
    let proposal = Alert {
        change: AlertChange::Raised,
        revision: 1,
        supersedes: None,
        status_reason: StatusReason::ThresholdCrossed,
        kind: SignalKind::NewTheme,
        title: "New theme proposed: rubber stopper, crumbled".into(),
        series: SeriesRef {
            id: "t_00000000000000ff".into(),
            view: "new-themes".into(),
            measure: Measure::Mentions,
            dimensions: vec![("emergent_topic".into(), "rubber stopper, crumbled".into())],
        },
        context: vec![ContextItem {
            kind: "taxonomy_suggestion".into(),
            reference: "t_00000000000000ff".into(),
            label: "phrases = [\"rubber stopper\", \"crumbled\"]".into(),
            start: Timestamp(20_000 * DAY),
            end: Timestamp(20_003 * DAY),
        }],
        ..alert()
    };
    for projection in [Projection::Shared, Projection::Medical] {
        let (_, data, value) = decoded(&proposal, projection);
        let written: serde_json::Value = serde_json::from_str(&value).expect("JSON");
        assert_eq!(written["kind"], "new_theme");
        assert_eq!(written["series"]["view"], "new-themes");
        assert!(value.contains("rubber stopper, crumbled"), "{value}");
        assert!(value.contains("taxonomy_suggestion"), "{value}");
        assert_eq!(data.kind.as_str(), "new_theme");
    }
}
