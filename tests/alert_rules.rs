//! Alert rules name metrics that exist, with labels those metrics have: a rule over a name that was changed never fires.

use auscult_engine::telemetry::Metrics;
use std::collections::BTreeSet;

const RULES: &str = include_str!("../deploy/prometheus/rules.yml");
const RUNBOOK: &str = include_str!("../docs/runbooks/safety-hand-off.md");

/// A metric as it is named in a text, and the labels it is asked by.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    metric: String,
    labels: Vec<String>,
}

/// Every `auscult_…` of `text`, with the labels between the braces behind it.
fn named(text: &str) -> Vec<Named> {
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    text.match_indices("auscult_")
        .map(|(at, _)| {
            let rest = &text[at..];
            let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
            let matchers = rest[end..].strip_prefix('{');
            let matchers = matchers.and_then(|inner| inner.split_once('}'));
            let labels = matchers.map_or(Vec::new(), |(inner, _)| labels_of(inner));
            Named {
                metric: rest[..end].to_owned(),
                labels,
            }
        })
        .collect()
}

/// Names before `=` or `=~`, outside of quotes.
fn labels_of(matchers: &str) -> Vec<String> {
    let mut outside = String::new();
    for (number, part) in matchers.split('"').enumerate() {
        if number % 2 == 0 {
            outside.push_str(part);
        }
    }
    outside
        .split(',')
        .filter_map(|matcher| matcher.split_once('='))
        .map(|(label, _)| label.trim_end_matches('!').trim().to_owned())
        .collect()
}

#[test]
fn rules_and_runbook_name_metrics_and_labels_that_exist() {
    let metrics = Metrics::default();
    let known = metrics.instruments();
    for (text, least) in [(RULES, 15), (RUNBOOK, 7)] {
        let found = named(text);
        assert!(found.len() >= least, "{} are named", found.len());
        for one in found {
            let labels = known
                .get(&one.metric)
                .unwrap_or_else(|| panic!("there is no metric {}", one.metric));
            for label in &one.labels {
                assert!(
                    labels.contains(label),
                    "{} has no label {label}",
                    one.metric
                );
            }
        }
    }
}

#[test]
fn every_rule_has_an_expression_a_severity_and_a_summary() {
    let rules: Vec<&str> = RULES.split("- alert: ").skip(1).collect();
    assert!(rules.len() >= 10);
    let mut names = BTreeSet::new();
    for rule in rules {
        let name = rule.lines().next().unwrap_or_default();
        assert!(names.insert(name), "{name} twice");
        for part in ["expr: ", "severity: ", "summary: ", "auscult_"] {
            assert!(rule.contains(part), "{name} has no {part}");
        }
        let severity = rule.contains("{severity: page}") || rule.contains("{severity: ticket}");
        assert!(severity, "{name} wakes somebody or waits");
        if let Some(path) = rule.split("runbook: ").nth(1) {
            let path = path.split(['#', '\n']).next().unwrap_or_default();
            let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            assert!(file.is_file(), "{name}: {path} is not there");
        }
    }
}

#[test]
fn names_and_labels_are_found_in_an_expression() {
    let found = named(r#"sum(increase(auscult_a_total{by="clock,x",kind!="y"}[2h])) > auscult_b"#);
    let expected = [
        Named {
            metric: "auscult_a_total".to_owned(),
            labels: vec!["by".to_owned(), "kind".to_owned()],
        },
        Named {
            metric: "auscult_b".to_owned(),
            labels: Vec::new(),
        },
    ];
    assert_eq!(found, expected);
}
