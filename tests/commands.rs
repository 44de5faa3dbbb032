//! Commands as people type them: what they print, and how they fail.

use crate::scratch::{Scratch, project, text};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

const MAP: &str = r#"
portfolio = ["tenant"]
[event]
tenant = "t"
system = "s"
source_type = "survey"
[columns]
feedback_id = "id"
occurred_at = "day"
text = ["words"]
product = "what"
"#;

fn history(scratch: &Scratch) -> std::path::PathBuf {
    let mut csv = String::from("id,day,words,what\n");
    let mut number = 0;
    for day in 0..60 {
        let today = if day == 50 { 60 } else { 10 };
        for _ in 0..today {
            number += 1;
            csv.push_str(&format!(
                "r{number},2024-{:02}-{:02},the app crashes again,alpha\n",
                1 + day / 28,
                1 + day % 28
            ));
        }
    }
    csv.push_str("broken,yesterday,words,alpha\n");
    scratch.write("history.csv", csv)
}

#[test]
fn replay_lists_the_surge_and_the_bad_row() {
    let scratch = Scratch::new();
    history(&scratch);
    scratch.write("map.toml", MAP);
    let output = scratch.run(&["replay", "history.csv", "--map", "map.toml"]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert!(
        out.contains("More mentions") && out.contains("2024-02-23"),
        "{out}"
    );
    assert!(out.contains("nobody was notified"), "{out}");
    assert!(
        err.contains("line 652") && err.contains("column day") && err.contains("yesterday"),
        "{err}"
    );
}

#[test]
fn replay_as_json_is_one_alert_a_line_and_the_same_every_time() {
    let scratch = Scratch::new();
    history(&scratch);
    scratch.write("map.toml", MAP);
    let first = scratch.run(&["replay", "history.csv", "--map", "map.toml", "--json"]);
    let second = scratch.run(&["replay", "history.csv", "--map", "map.toml", "--json"]);
    assert_eq!(first.stdout, second.stdout);
    for line in text(&first.stdout).lines() {
        let alert: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(alert["suppressed_by"][0], "backfill");
    }
    assert!(!first.stdout.is_empty());
}

#[test]
fn gzip_is_read_like_plain() {
    let scratch = Scratch::new();
    let plain = std::fs::read(history(&scratch)).expect("history");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&plain).expect("memory");
    scratch.write("history.csv.gz", packed.finish().expect("memory"));
    scratch.write("map.toml", MAP);
    let one = scratch.run(&["replay", "history.csv", "--map", "map.toml", "--json"]);
    let other = scratch.run(&["replay", "history.csv.gz", "--map", "map.toml", "--json"]);
    assert_eq!(one.stdout, other.stdout);
}

/// Each bad input: how it fails, and words the message must hold.
#[test]
fn bad_input_is_named_with_its_remedy_and_exit_code() {
    let scratch = Scratch::new();
    history(&scratch);
    scratch.write("map.toml", MAP);
    scratch.write("empty.csv", "");
    scratch.write("other.csv", "a,b\n1,2\n");
    scratch.write("wrong-map.toml", "[event]\ntenant = 3\n");
    scratch.write("settings.toml", "[detect]\nfalse_discovery_rate = 2\nsed = 1\n[[detect.views]]\nname = ''\ndimensions = ['planet']\n[web]\nbind = 'nowhere'\n[engine.listen]\nthreads = 'two'\n");
    scratch.write("not.toml", "= = =");
    scratch.write("corrupt.sqlite", vec![b'x'; 8192]);
    scratch.write(
        "corrupt.toml",
        "[store]\nlog = 'corrupt.sqlite'\n[web]\nbind = '127.0.0.1:0'\n",
    );
    scratch.write(
        "kafka.toml",
        "[kafka]\nbrokers = ['127.0.0.1:1']\n[web]\nbind = '127.0.0.1:0'\n",
    );
    let cases: [(&[&str], i32, &[&str]); 10] = [
        (
            &["replay", "none.csv", "--map", "map.toml"],
            4,
            &["none.csv", "check the name"],
        ),
        (
            &["replay", "empty.csv", "--map", "map.toml"],
            4,
            &["empty.csv is empty"],
        ),
        (
            &["replay", "other.csv", "--map", "map.toml"],
            4,
            &["no column id, day, what, words", "it has a, b"],
        ),
        (
            &["replay", "history.csv", "--map", "wrong-map.toml"],
            3,
            &["event.tenant", "event.system", "columns.feedback_id"],
        ),
        (
            &["replay", "history.csv", "--map", "none.toml"],
            3,
            &["none.toml", "deploy/maps/"],
        ),
        (
            &["check", "--settings", "settings.toml"],
            3,
            &[
                "false_discovery_rate",
                "did you mean seed?",
                "views[0].dimensions[0]",
                "web.bind",
                "engine.listen.threads",
            ],
        ),
        (
            &["check", "--settings", "not.toml"],
            3,
            &["not.toml", "TOML"],
        ),
        (
            &["run", "--settings", "corrupt.toml"],
            5,
            &["corrupt.sqlite"],
        ),
        (
            &["run", "--settings", "kafka.toml"],
            5,
            &["no broker of kafka.brokers", "127.0.0.1:1", "start one"],
        ),
        (
            &["simulate", "--scenario", "mars"],
            4,
            &["mars", "demo, small or null"],
        ),
    ];
    for (arguments, code, words) in cases {
        let output = scratch.run(arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        for word in words {
            assert!(
                told.contains(word),
                "{arguments:?} does not say {word:?}: {told}"
            );
        }
    }
}

#[test]
fn a_port_in_use_is_said_before_anything_starts() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let scratch = Scratch::new();
    scratch.write("settings.toml", format!("[web]\nbind = '{address}'\n"));
    let output = scratch.run(&["run", "--settings", "settings.toml"]);
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(&address));
}

#[test]
fn the_same_seed_gives_the_same_feed() {
    let scratch = Scratch::new();
    let one = scratch.run(&["simulate", "--scenario", "small", "--truth", "truth.json"]);
    let other = scratch.run(&["simulate", "--scenario", "small"]);
    let third = scratch.run(&["simulate", "--scenario", "small", "--seed", "8"]);
    assert_eq!(one.stdout, other.stdout);
    assert_ne!(one.stdout, third.stdout);
    let truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scratch.path("truth.json")).expect("truth"))
            .expect("JSON");
    assert!(
        truth["signals"]
            .as_array()
            .is_some_and(|signals| !signals.is_empty())
    );
}

#[test]
fn shipped_settings_and_maps_are_sound() {
    let scratch = Scratch::new();
    let deploy = project().join("deploy");
    for map in [
        "nhs_feedback_neas_2021_2022.toml",
        "fda_drug_recalls_2012_2017.toml",
    ] {
        let map = deploy.join("maps").join(map);
        let settings = deploy.join("auscult.default.toml");
        let output = scratch.run(&[
            "check",
            "--settings",
            &settings.display().to_string(),
            "--map",
            &map.display().to_string(),
        ]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

/// Feedback on standard input, dead letters looked at and sent through again.
#[test]
fn beliefs_and_hidden_terms_are_checked_with_everything_else() {
    let scratch = Scratch::new();
    let shipped = project().join("deploy/beliefs.example.toml");
    let sound = format!(
        "[language]\nbeliefs = '{}'\n[engine.listen]\nhidden_terms = ['TR-####']\n",
        shipped.display()
    );
    scratch.write("sound.toml", sound);
    let output = scratch.run(&["check", "--settings", "sound.toml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    scratch.write("beliefs.toml", "format = 1\n[[beliefs]]\nid = 'a'\nstatement = 'b'\nversion = '1'\nabout = []\nsupports = ['c']\nopposes = ['d']\n");
    scratch.write("wrong.toml", "[language]\nbeliefs = 'beliefs.toml'\n[engine.listen]\nhidden_terms = ['ok-name', 'x', '[NAME]']\n");
    let output = scratch.run(&["check", "--settings", "wrong.toml"]);
    let complaint = text(&output.stderr);
    assert!(!output.status.success());
    for place in [
        "language.beliefs",
        "beliefs[a].about",
        "engine.listen.hidden_terms[1]",
        "engine.listen.hidden_terms[2]",
    ] {
        assert!(complaint.contains(place), "{place}: {complaint}");
    }
    scratch.write("missing.toml", "[language]\nbeliefs = 'nowhere.toml'\n");
    let output = scratch.run(&["check", "--settings", "missing.toml"]);
    assert!(
        text(&output.stderr).contains("nowhere.toml"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_line_of_a_slow_pipe_is_taken_at_once_and_a_stop_does_not_wait_for_the_next() {
    let scratch = Scratch::new();
    scratch.write(
        "settings.toml",
        "[engine]\nroles = ['listen']\n[engine.listen]\ndefault_tenant = 'acme'\n",
    );
    let mut child = scratch
        .command(&["run", "--settings", "settings.toml", "--stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("piped");
    input
        .write_all(b"{\"this is\": \"no event\"}\n")
        .expect("the service reads");
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let listed = scratch.run(&["dead-letters", "--settings", "settings.toml", "list"]);
        if listed.status.success() && text(&listed.stdout).lines().count() == 2 {
            break;
        }
        assert!(Instant::now() < deadline, "{}", text(&listed.stderr));
    }
    auscult_test_broker::signal(child.id(), "TERM").expect("it runs");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0), "an end in order: {status}");
    drop(input);
}

#[test]
fn standard_input_feeds_the_service_and_dead_letters_are_kept() {
    let scratch = Scratch::new();
    scratch.write(
        "settings.toml",
        "[engine]\nroles = ['listen', 'detect']\n[engine.listen]\ndefault_tenant = 'acme'\n",
    );
    let feed = scratch.run(&["simulate", "--scenario", "small"]);
    let lines: Vec<&[u8]> = feed.stdout.split(|byte| *byte == b'\n').take(400).collect();
    let mut child = scratch
        .command(&["run", "--settings", "settings.toml", "--stdin", "--drain"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("piped");
    input
        .write_all(&lines.join(&b'\n'))
        .expect("the service reads");
    input
        .write_all(b"\n{\"this is\": \"no event\"}\n")
        .expect("the service reads");
    drop(input);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let listed = scratch.run(&["dead-letters", "--settings", "settings.toml", "list"]);
    let table = text(&listed.stdout);
    assert!(
        listed.status.success() && table.lines().count() >= 2,
        "{table}{}",
        text(&listed.stderr)
    );
    let id = table
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().next())
        .expect("an id")
        .to_owned();
    let shown = scratch.run(&["dead-letters", "--settings", "settings.toml", "show", &id]);
    assert!(
        text(&shown.stdout).contains("original, "),
        "{}",
        text(&shown.stderr)
    );
    let dry = scratch.run(&[
        "dead-letters",
        "--settings",
        "settings.toml",
        "replay",
        "--dry-run",
    ]);
    assert!(
        text(&dry.stdout).contains("would be sent"),
        "{}",
        text(&dry.stderr)
    );
}

/// Sixty days of two series, ten mentions a day; on day 50 the first has sixty.
fn counts(scratch: &Scratch) {
    let mut csv = String::from("day,what,count\n");
    for day in 0..60 {
        let date = format!("2024-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
        let count = if day == 50 { 60 } else { 9 + day % 3 };
        csv.push_str(&format!(
            "{date},alpha,{count}\n{date},beta,{}\n",
            9 + (day + 1) % 3
        ));
    }
    scratch.write("counts.csv", csv);
}

#[test]
fn backtest_lists_what_would_have_alerted_judges_it_and_writes_it_down() {
    let scratch = Scratch::new();
    counts(&scratch);
    scratch.write("truth.csv", "start,end,what\n2024-02-23,2024-02-23,alpha\n");
    let output = scratch.run(&[
        "backtest",
        "counts.csv",
        "--bucket",
        "day",
        "--no-total",
        "--method",
        "default,ears_c1,farrington",
        "--truth",
        "truth.csv",
        "--csv",
        "out.csv",
        "--html",
        "out.html",
    ]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{err}");
    let row = |name: &str| -> Vec<String> {
        out.lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name}: {out}"))
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    // method, alerts, alerts a week, left out, outbreaks, POD, …
    assert_eq!(row("default")[4..6], ["1", "1.000"], "{out}");
    assert_eq!(row("ears_c1")[4..6], ["1", "1.000"], "{out}");
    assert_eq!(
        row("farrington ")[3],
        "2",
        "too short for five years: {out}"
    );
    assert!(
        out.contains("needs") && out.contains("earlier buckets"),
        "{out}"
    );
    assert!(
        out.lines().any(|line| line.starts_with("2024-02-23")
            && line.contains("default")
            && line.contains("alpha")),
        "{out}"
    );
    let csv = std::fs::read_to_string(scratch.path("out.csv")).expect("the CSV was written");
    assert!(
        csv.contains("mentions,alpha,2024-02-23,default,60,"),
        "{csv}"
    );
    let html = std::fs::read_to_string(scratch.path("out.html")).expect("the page was written");
    assert!(
        html.contains("<svg") && !html.contains("http"),
        "the page needs nothing else"
    );
}

#[test]
fn backtest_of_feedback_says_what_replay_says() {
    let scratch = Scratch::new();
    history(&scratch);
    scratch.write("map.toml", MAP);
    let output = scratch.run(&["backtest", "history.csv", "--map", "map.toml"]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        out.lines()
            .any(|line| line.starts_with("2024-02-23") && line.contains("product-theme, mentions")),
        "{out}"
    );
    // A settings file is tried out in place of what the map says: nothing is large enough for these floors.
    scratch.write("deaf.toml", "[detect.floors]\nitems = 1000\n");
    let output = scratch.run(&[
        "backtest",
        "history.csv",
        "--map",
        "map.toml",
        "--settings",
        "deaf.toml",
    ]);
    assert!(
        text(&output.stdout).contains("Nothing would have alerted"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn explain_shows_the_numbers_of_one_decision() {
    let scratch = Scratch::new();
    counts(&scratch);
    let explain = |arguments: &[&str]| {
        let mut all = vec!["explain", "counts.csv", "--bucket", "day"];
        all.extend(arguments);
        scratch.run(&all)
    };
    let output = explain(&[
        "--series",
        "what=alpha",
        "--at",
        "2024-02-23",
        "--method",
        "ears_c1",
    ]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in [
        "observed",
        "60",
        "dispersion",
        "p combined, upper",
        "line",
        "raised here",
        "ears_c1: expected",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let output = explain(&["--series", "gamma", "--at", "2024-02-23"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text(&output.stderr).contains("alpha"),
        "{}",
        text(&output.stderr)
    );
    let output = explain(&["--series", "alpha", "--at", "soon"]);
    assert_eq!(output.status.code(), Some(4));
    history(&scratch);
    scratch.write("map.toml", MAP);
    let output = scratch.run(&[
        "explain",
        "history.csv",
        "--map",
        "map.toml",
        "--series",
        "product=alpha,digital.experience",
        "--at",
        "2024-02-23",
    ]);
    let out = text(&output.stdout);
    assert!(
        out.contains("More mentions") && out.contains("buckets learnt"),
        "{out} {}",
        text(&output.stderr)
    );
}

#[test]
fn backtest_names_what_is_wrong_with_its_remedy_and_exit_code() {
    let scratch = Scratch::new();
    counts(&scratch);
    for (arguments, code, told) in [
        (
            vec!["backtest", "counts.csv", "--method", "farington"],
            3,
            "farrington",
        ),
        (
            vec!["backtest", "counts.csv", "--value", "cout"],
            4,
            "count",
        ),
        (
            vec!["backtest", "counts.csv", "--bucket", "fortnight"],
            3,
            "week",
        ),
        (
            vec!["backtest", "counts.csv", "--measure", "stars"],
            3,
            "mean_rating",
        ),
        (
            vec!["backtest", "counts.csv", "--truth", "counts.csv"],
            4,
            "start",
        ),
        (vec!["backtest", "nothing.csv"], 4, "nothing.csv"),
        (
            vec!["explain", "--series", "alpha", "--at", "2024-02-23"],
            5,
            "--settings",
        ),
    ] {
        let output = scratch.run(&arguments);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {err}");
        assert!(err.contains(told), "{arguments:?}: {err}");
    }
}

#[test]
fn detector_tests_pass_and_fail_with_what_was_seen() {
    let scratch = Scratch::new();
    let tests = "[[tests]]\nname = 'a tenfold day'\n[tests.series]\na = '10x40 100'\n[[tests.expect]]\nseries = 'a'\nat = '2024-02-10'\nalert = 'up'\n";
    scratch.write("tests.toml", tests);
    let output = scratch.run(&["check", "--tests", "tests.toml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("1 tests passed"));
    scratch.write("deaf.toml", "[detect.floors]\nitems = 1000\n");
    let output = scratch.run(&["check", "--settings", "deaf.toml", "--tests", "tests.toml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("expected an alert up"),
        "{}",
        text(&output.stderr)
    );
}
