//! `auscult disproportionality`: which themes belong to a product.

use crate::scratch::{Scratch, text};
use std::fmt::Write as _;

/// Ten products with thirty cases each, all themes alike, but for one: alpha is named with rash twenty times.
fn cases(scratch: &Scratch) {
    let themes = ["pain", "rash", "cost", "pen", "sleep"];
    let mut csv = String::from("case,product,theme\n");
    for product in 0..10 {
        for number in 0..30 {
            let theme = if product == 0 && number < 20 {
                "rash"
            } else {
                themes[(number + product) % 5]
            };
            let _ = writeln!(csv, "{product}-{number},p{product},{theme}");
        }
    }
    csv.push_str("x,p1,\n");
    scratch.write("cases.csv", csv);
}

#[test]
fn the_planted_pair_stands_first_and_alone() {
    let scratch = Scratch::new();
    cases(&scratch);
    let run = |more: &[&str]| {
        let mut all = vec!["disproportionality", "cases.csv", "--case", "case"];
        all.extend(more);
        scratch.run(&all)
    };
    let output = run(&[]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(out.contains("300 cases"), "{out}");
    assert!(out.contains("1 stand out"), "{out}");
    assert!(
        text(&output.stderr).contains("line 302: theme is empty"),
        "{}",
        text(&output.stderr)
    );
    let first = out.lines().nth(3).unwrap_or_default();
    assert!(first.contains("p0") && first.contains("rash"), "{out}");

    let output = run(&["--json", "--only-product", "P0", "--only-theme", "rash"]);
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 1);
    // 22 of 30 cases against 54 of 270: 20 in place of one theme each, and 2 of the other ten.
    assert_eq!(lines[0]["cases"], 22);
    let ratio = lines[0]["prr"][0].as_f64().expect("a ratio");
    assert!((ratio - (22.0 / 30.0) / (54.0 / 270.0)).abs() < 1e-9);
    assert_eq!(lines[0]["stands_out"], true);

    let output = run(&["--theme", "what"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text(&output.stderr).contains("no column what"),
        "{}",
        text(&output.stderr)
    );
}
