//! `auscult lead-lag`: who comes first.

use crate::scratch::{Scratch, text};
use std::fmt::Write as _;

/// 200 days of three countries whose bursts are nobody's but their own, only that the south has the north's nine days later.
fn counts(scratch: &Scratch) {
    let mut state = 11_u64;
    let mut burst = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 15
    };
    let north: Vec<u64> = (0..209).map(|_| burst()).collect();
    let mut csv = String::from("day,country,count\n");
    for day in 0..200 {
        // The first months of 2024, a leap year.
        let (mut month, mut rest) = (0, day);
        while rest >= [31, 29, 31, 30, 31, 30, 31][month] {
            rest -= [31, 29, 31, 30, 31, 30, 31][month];
            month += 1;
        }
        let date = format!("2024-{:02}-{:02}", month + 1, rest + 1);
        let (leads, follows, alone) = (20 + north[day + 9], 20 + north[day], 20 + burst());
        let _ = writeln!(
            csv,
            "{date},north,{leads}\n{date},south,{follows}\n{date},west,{alone}"
        );
    }
    scratch.write("counts.csv", csv);
}

#[test]
fn the_planted_lead_is_found_and_nothing_else() {
    let scratch = Scratch::new();
    counts(&scratch);
    let run = |more: &[&str]| {
        let mut all = vec!["lead-lag", "counts.csv", "--bucket", "day"];
        all.extend(more);
        scratch.run(&all)
    };
    let output = run(&["--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["leads"], "north");
    assert_eq!(found[0]["follows"], "south");
    assert_eq!(found[0]["lag"], 9);
    assert_eq!(
        run(&["--json"]).stdout,
        output.stdout,
        "the same seed, the same answer"
    );

    let told = text(&run(&["--all", "--series", "north"]).stdout);
    assert!(
        told.contains("2 pairs of 3 series") && told.contains("west") && told.contains("1 found"),
        "{told}"
    );
    let short = run(&["--largest-lag", "90"]);
    assert_eq!(short.status.code(), Some(4));
    let nobody = run(&["--series", "east"]);
    assert!(text(&nobody.stderr).contains("there is no series"));
    let itself = run(&["--series", "north", "--with", "north"]);
    assert_eq!(itself.status.code(), Some(4));
}
