//! `auscult impact`: did it help?

use crate::scratch::{Scratch, text};
use std::fmt::Write as _;

/// Sixty days of two regions with forty a day each; on day 30 both lose half of them, which is nobody's doing, and from day
/// 40 on, where something was done, the north has 0.6 of what it would have.
fn counts(scratch: &Scratch) {
    let mut csv = String::from("day,region,count\n");
    for day in 0..60 {
        let date = format!("2024-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
        let shared = if day >= 30 { 0.5 } else { 1.0 };
        let done = if day >= 40 { 0.6 } else { 1.0 };
        let noise = f64::from(day * 7 % 5) - 2.0;
        let north = (40.0 * shared * done + noise).round();
        let south = (40.0 * shared - noise).round();
        let _ = writeln!(csv, "{date},north,{north}\n{date},south,{south}");
    }
    scratch.write("counts.csv", csv);
}

fn outcome(output: &std::process::Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn a_comparison_takes_out_what_moved_both_and_the_verdict_follows_the_interval() {
    let scratch = Scratch::new();
    counts(&scratch);
    let of_counts = |more: &[&str]| {
        let mut all = vec![
            "impact",
            "counts.csv",
            "--bucket",
            "day",
            "--no-total",
            "--series",
            "region=north",
            "--on",
            "2024-02-13",
        ];
        all.extend(more);
        scratch.run(&all)
    };
    let compared = outcome(&of_counts(&["--against", "south", "--json"]));
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let (low, high) = (
        number(&compared["interval"][0]),
        number(&compared["interval"][1]),
    );
    assert!(low < -0.4 && -0.4 < high, "{compared}");
    assert!(high < -0.3, "a tight one: {compared}");
    assert_eq!(compared["method"], "did");
    assert_eq!(compared["verdict"], "improved");
    assert_eq!(
        compared["pre"],
        serde_json::json!(["2024-01-01", "2024-02-12"])
    );
    let alone = outcome(&of_counts(&["--json"]));
    assert!(
        number(&alone["estimate"]) < low,
        "alone, the fall of both is taken for its own: {alone}"
    );
    assert_eq!(
        alone["caveats"],
        serde_json::json!(["buckets_move_together", "no_comparison"])
    );
    let unwanted = outcome(&of_counts(&[
        "--against",
        "south",
        "--wanted",
        "up",
        "--json",
    ]));
    assert_eq!(unwanted["verdict"], "worse");

    let told = of_counts(&["--against", "south"]);
    let told = text(&told.stdout);
    for part in [
        "43 buckets, 2024-01-01 to 2024-02-12",
        "90 % interval",
        "difference in differences",
        "improved (less is better",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }

    let early = of_counts(&["--after", "3"]);
    assert_eq!(early.status.code(), Some(4));
    assert!(
        text(&early.stderr).contains("wait for more"),
        "{}",
        text(&early.stderr)
    );
    let nobody = of_counts(&["--against", "west"]);
    assert_eq!(nobody.status.code(), Some(4));
    assert!(text(&nobody.stderr).contains("south"));
    let itself = of_counts(&["--against", "north"]);
    assert_eq!(itself.status.code(), Some(4));
}

/// Runs `impact` on alpha in `feedback.csv`, as one JSON object; `portfolio`: the fields of its key, parted by quotes.
fn of_feedback(
    scratch: &Scratch,
    portfolio: &str,
    on: &str,
    more: &[&str],
) -> std::process::Output {
    scratch.write(
        "map.toml",
        format!(
            "portfolio = ['{portfolio}']\n[event]\ntenant = 't'\nsystem = 's'\nsource_type = 'survey'\n\
             [columns]\nfeedback_id = 'id'\noccurred_at = 'day'\ntext = ['words']\nproduct = 'what'\nregion = 'land'\n"
        ),
    );
    let mut all = vec![
        "impact",
        "feedback.csv",
        "--map",
        "map.toml",
        "--series",
        "alpha",
        "--on",
        on,
        "--json",
    ];
    all.extend(more);
    scratch.run(&all)
}

#[test]
fn feedback_gives_the_share_of_negative_items_too() {
    let scratch = Scratch::new();
    let mut csv = String::from("id,day,words,what,land\n");
    for day in 0..50 {
        let date = format!("2024-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
        for item in 0..20 {
            // Half are bad until day 30, one in ten after.
            let bad = if day < 30 { item < 10 } else { item < 2 };
            let words = if bad {
                "the app is terrible"
            } else {
                "the app is great"
            };
            let _ = writeln!(csv, "r{day}-{item},{date},{words},alpha,DE");
        }
    }
    scratch.write("feedback.csv", csv);
    let impact = |more: &[&str]| of_feedback(&scratch, "tenant", "2024-02-03", more);
    let share = outcome(&impact(&["--negative-share"]));
    let estimate = share["estimate"].as_f64().expect("a number");
    assert!((estimate + 0.8).abs() < 0.05, "from 0.5 to 0.1: {share}");
    assert_eq!(share["verdict"], "improved");
    let mentions = outcome(&impact(&[]));
    assert_eq!(mentions["verdict"], "no_change", "{mentions}");
}

#[test]
fn portfolios_are_told_apart_though_their_series_have_the_same_values() {
    let scratch = Scratch::new();
    let mut csv = String::from("id,day,words,what,land\n");
    for day in 0..40 {
        let date = format!("2024-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
        // What halves in one country stays as it is in the other.
        for (land, items) in [("DE", if day < 28 { 20 } else { 10 }), ("FR", 20)] {
            for item in 0..items {
                let _ = writeln!(
                    csv,
                    "{land}{day}-{item},{date},the app is slow,alpha,{land}"
                );
            }
        }
    }
    scratch.write("feedback.csv", csv);
    let impact = |more: &[&str]| of_feedback(&scratch, "tenant', 'region", "2024-02-01", more);
    let unnamed = impact(&[]);
    assert_eq!(unnamed.status.code(), Some(4));
    assert!(
        text(&unnamed.stderr).contains("portfolios t|DE, t|FR: name one"),
        "{}",
        text(&unnamed.stderr)
    );
    let halved = outcome(&impact(&["--portfolio", "t|DE"]));
    assert_eq!(halved["verdict"], "improved", "{halved}");
    let as_it_was = outcome(&impact(&["--portfolio", "t|FR"]));
    assert_eq!(as_it_was["verdict"], "no_change", "{as_it_was}");
    let nowhere = impact(&["--portfolio", "t|GB"]);
    assert!(
        text(&nowhere.stderr).contains("there are the views"),
        "{}",
        text(&nowhere.stderr)
    );
}
