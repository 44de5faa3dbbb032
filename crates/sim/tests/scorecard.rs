//! The judge judges right: cases worked out by hand.

use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::SignalKind;
use auscult_sim::Truth;
use auscult_sim::checkers::Conservation;
use auscult_sim::scorecard::{RaisedSignal, Scorecard};
use auscult_sim::truth::{PlantedKind, PlantedSignal};

fn day(number: i64) -> Timestamp {
    Timestamp(number * DAY)
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn truth() -> Truth {
    let planted = |name: &str, kind, dimensions: &[(&str, &str)], onset, end| PlantedSignal {
        name: name.to_owned(),
        kind,
        portfolio: "acme|DE".to_owned(),
        dimensions: pairs(dimensions),
        onset: day(onset),
        end: day(end),
        size: 10.0,
    };
    Truth {
        live_from: day(100),
        to: day(114),
        signals: vec![
            planted(
                "surge",
                PlantedKind::Surge,
                &[("product", "alpha"), ("theme", "access.cost")],
                103,
                106,
            ),
            planted(
                "silence",
                PlantedKind::Silence,
                &[("stakeholder", "pharmacist")],
                108,
                112,
            ),
        ],
        ..Truth::default()
    }
}

fn raised(id: &str, kind: SignalKind, dimensions: &[(&str, &str)], at: i64) -> RaisedSignal {
    RaisedSignal {
        signal_id: id.to_owned(),
        portfolio: "acme|DE".to_owned(),
        kind,
        title: id.to_owned(),
        dimensions: pairs(dimensions),
        raised_at: day(at),
        window_start: day(at - 1),
        notified: true,
        retracted: false,
    }
}

#[test]
fn found_delay_side_effects_and_false_signals_are_told_apart() {
    let up = SignalKind::VolumeUp;
    let signals = [
        raised("parent", up, &[("product", "alpha")], 105),
        raised(
            "exact",
            up,
            &[("product", "alpha"), ("theme", "access.cost")],
            104,
        ),
        raised("side", up, &[("stakeholder", "hcp")], 104),
        raised(
            "other product",
            up,
            &[("product", "beta"), ("theme", "access.cost")],
            104,
        ),
        raised(
            "wrong direction",
            SignalKind::VolumeDown,
            &[("product", "alpha")],
            105,
        ),
        raised("before", up, &[("product", "alpha")], 102),
        raised("long after", up, &[("product", "alpha")], 113),
        RaisedSignal {
            portfolio: "acme|FR".to_owned(),
            ..raised("elsewhere", up, &[("product", "alpha")], 104)
        },
        RaisedSignal {
            notified: false,
            ..raised("muted", up, &[("product", "gamma")], 104)
        },
        RaisedSignal {
            retracted: true,
            ..raised("taken back", up, &[("product", "gamma")], 104)
        },
        raised("in the history", up, &[("product", "gamma")], 90),
        raised("after the run", up, &[("product", "gamma")], 115),
    ];
    let card = Scorecard::compare(&truth(), &signals);
    assert_eq!((card.found(), card.rows[0].signals), (1, 2));
    assert_eq!(
        card.rows[0]
            .first
            .as_ref()
            .map(|signal| signal.signal_id.as_str()),
        Some("exact")
    );
    assert_eq!(card.rows[0].delay_days, Some(1.0));
    assert_eq!(card.rows[1].delay_days, None);
    assert_eq!(
        card.side_effects
            .iter()
            .map(|signal| signal.signal_id.as_str())
            .collect::<Vec<_>>(),
        ["side"]
    );
    let wrong: Vec<&str> = card
        .false_signals
        .iter()
        .map(|signal| signal.signal_id.as_str())
        .collect();
    assert_eq!(
        wrong,
        [
            "other product",
            "wrong direction",
            "before",
            "long after",
            "elsewhere"
        ]
    );
    assert!((card.false_per_week() - 2.5).abs() < 1e-12);
    let table = card.to_string();
    assert!(
        table.contains("missed") && table.contains("1.0 d") && table.contains("1 of 2 found"),
        "{table}"
    );
}

#[test]
fn conservation_says_what_does_not_add_up() {
    let sum = Conservation {
        read: 10,
        applied: 6,
        duplicate: 2,
        late: 1,
        rejected: 1,
    };
    assert_eq!(sum.check(), Ok(()));
    let lost = Conservation { applied: 5, ..sum };
    assert!(
        lost.check()
            .unwrap_err()
            .contains("10 records were read and 9")
    );
}
