//! A redaction rule added later: stored words change, counts and alerts do not (N08).

use crate::process::{fill_with, outputs, settings_of, work_off};
use crate::scratch::{Scratch, text};
use auscult_engine::log::{Log, LogEvent, Record};
use auscult_store::log::EmbeddedLog;
use std::collections::BTreeMap;
use std::time::Duration;

/// All roles: the read model keeps quotes, too.
const SETTINGS: &str = "[engine.listen]\npseudonym_key_file = 'key'\n[engine.listen.dead_letter_cap]\nshare = 1.0\n[web]\nbind = '127.0.0.1:0'\n";

/// Share of the feed that is worked off before the rule comes: enough for alerts with quotes.
const SHARE_BEFORE: f64 = 0.95;

fn of<'r>(records: &'r [Record], topic: &str) -> Vec<&'r Record> {
    records
        .iter()
        .filter(|record| record.at.topic.as_ref() == topic)
        .collect()
}

fn value(record: &Record) -> String {
    text(record.value.as_deref().unwrap_or_default())
}

/// The word of seven letters and more that the quotes of alerts use most and that is no name of a theme or a place.
fn quoted_word(alerts: &[&Record], shared: &[&Record]) -> String {
    let names: String = shared
        .iter()
        .map(|record| value(record).to_lowercase())
        .collect();
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    for alert in alerts {
        let json: serde_json::Value =
            serde_json::from_str(&value(alert)).expect("an alert is JSON");
        let examples = json["data"]["examples"]
            .as_array()
            .or(json["examples"].as_array());
        for example in examples.into_iter().flatten() {
            let quote = example["quote"].as_str().unwrap_or_default().to_lowercase();
            for word in quote.split(|letter: char| !letter.is_ascii_alphabetic()) {
                if word.len() >= 7 {
                    *words.entry(word.to_owned()).or_default() += 1;
                }
            }
        }
    }
    words
        .into_iter()
        .filter(|(word, _)| !names.contains(word.as_str()))
        .max_by_key(|(_, count)| *count)
        .map(|(word, _)| word)
        .expect("an alert with a quote, or this test shows nothing")
}

/// Places of the detector's journal in which `word` stands.
fn in_memory(scratch: &Scratch, settings: &auscult::settings::Settings, word: &str) -> usize {
    let log = auscult::topics::open_log(&scratch.path("auscult.log.sqlite"), &settings.engine)
        .expect("the log opens");
    let topics = settings.engine.topics.detected();
    let mut consumer = log
        .consumer(auscult::pipeline::DETECT_GROUP, &topics)
        .expect("a consumer");
    let events = consumer
        .poll(usize::MAX, Duration::ZERO)
        .expect("assignments");
    let mut found = 0;
    for event in events {
        if let LogEvent::Assigned { partition, .. } = event {
            consumer
                .restore(&partition, &mut |record| {
                    if !record.key.windows(3).any(|part| part == b"\0j/") {
                        return;
                    }
                    let bytes = record.value.unwrap_or_default().to_ascii_lowercase();
                    found += bytes
                        .windows(word.len())
                        .filter(|part| *part == word.as_bytes())
                        .count();
                })
                .expect("state");
        }
    }
    found
}

fn has_word(haystack: &str, word: &str) -> bool {
    haystack
        .to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .any(|part| part == word)
}

/// Quotes in which `word` stands, in the read model as a file: nothing of it may be left between its pages either.
fn in_view_file(scratch: &Scratch, word: &str) -> usize {
    let bytes = std::fs::read(scratch.path("auscult.view.sqlite"))
        .expect("a view")
        .to_ascii_lowercase();
    let alone = |at: usize| {
        let around = [at.checked_sub(1), Some(at + word.len())];
        around.into_iter().flatten().all(|at| {
            bytes
                .get(at)
                .is_none_or(|byte| !byte.is_ascii_alphanumeric())
        })
    };
    bytes
        .windows(word.len())
        .enumerate()
        .filter(|(at, part)| *part == word.as_bytes() && alone(*at))
        .count()
}

fn redact(scratch: &Scratch, arguments: &[&str]) -> String {
    let mut all = vec!["redact", "--settings", "later.toml"];
    all.extend(arguments);
    let output = scratch.run(&all);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_rule_added_later_changes_stored_words_and_no_count() {
    let straight = Scratch::new();
    let settings = settings_of(&straight);
    straight.write("settings.toml", SETTINGS);
    fill_with(&straight, &settings, 0.0, 1.0);
    work_off(&straight);
    let expected = outputs(&straight, &settings);

    let scratch = Scratch::new();
    settings_of(&scratch);
    scratch.write("settings.toml", SETTINGS);
    fill_with(&scratch, &settings, 0.0, SHARE_BEFORE);
    work_off(&scratch);
    let topics = &settings.engine.topics;
    let before = outputs(&scratch, &settings);
    let shared = [of(&before, &topics.alerts), of(&before, &topics.series)].concat();
    let word = quoted_word(&of(&before, &topics.alerts_medical), &shared);
    let later = SETTINGS.replace(
        "[engine.listen]\n",
        &format!("[engine.listen]\nhidden_terms = ['{word}']\n"),
    );
    scratch.write("later.toml", later);
    let said = |records: &[Record], topic: &str| {
        of(records, topic)
            .iter()
            .filter(|record| has_word(&value(record), &word))
            .count()
    };
    assert!(said(&before, &topics.mentions) > 0 && said(&before, &topics.alerts_medical) > 0);
    assert!(in_memory(&scratch, &settings, &word) > 0);
    assert!(in_view_file(&scratch, &word) > 0);

    // Looking changes nothing and tells no words.
    let dry = redact(&scratch, &["--dry-run"]);
    assert!(
        dry.contains("would change") && dry.contains("other_identifier") && !has_word(&dry, &word),
        "{dry}"
    );
    assert_eq!(outputs(&scratch, &settings), before);

    let told = redact(&scratch, &[]);
    assert!(
        told.contains("texts changed") && !has_word(&told, &word),
        "{told}"
    );
    let after = outputs(&scratch, &settings);
    assert_eq!(said(&after, &topics.mentions), 0);
    assert_eq!(said(&after, &topics.alerts_medical), 0);
    assert_eq!(said(&after, &topics.medical_requests), 0);
    assert_eq!(in_memory(&scratch, &settings, &word), 0);
    assert_eq!(in_view_file(&scratch, &word), 0);
    only_words_changed(&before, &after, topics, &word);

    // A second time there is nothing to do.
    assert!(redact(&scratch, &[]).contains("\n0 texts changed"));
    assert_eq!(outputs(&scratch, &settings), after);

    // The service goes on as if nothing had been.
    fill_with(&scratch, &settings, SHARE_BEFORE, 1.0);
    work_off(&scratch);
    let found = outputs(&scratch, &settings);
    for topic in [&topics.alerts, &topics.series] {
        let told = |records: &[Record]| -> Vec<_> {
            let of_topic = of(records, topic);
            of_topic
                .iter()
                .map(|record| (record.at.clone(), record.key.clone(), record.value.clone()))
                .collect()
        };
        let (found, expected) = (told(&found), told(&expected));
        assert!(!expected.is_empty());
        assert_eq!(found, expected, "{topic}");
    }
}

/// Record for record: mentions keep all but text, spans, ruleset and `recordedtime`; alerts keep all but their quotes.
fn only_words_changed(
    before: &[Record],
    after: &[Record],
    topics: &auscult_engine::settings::Topics,
    word: &str,
) {
    assert_eq!(before.len(), after.len());
    let (mut rewritten, mut with_word) = (0, 0);
    for (old, new) in before.iter().zip(after) {
        assert_eq!(
            (&old.at, old.offset, &old.key),
            (&new.at, new.offset, &new.key)
        );
        if old == new {
            continue;
        }
        if old.at.topic.as_ref() == topics.mentions {
            let read = |record: &'_ Record| {
                let bytes = record.value.clone().expect("a mention");
                let json: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
                json
            };
            let (was, is) = (read(old), read(new));
            with_word += usize::from(has_word(was["text"].as_str().expect("a text"), word));
            let models = is["models"].to_string();
            assert!(models.contains("+terms."), "{models}");
            let recorded = new
                .headers
                .iter()
                .find(|(name, _)| name == "ce_recordedtime")
                .map(|(_, value)| text(value))
                .expect("a rewritten mention says when");
            assert!(recorded.as_str() > was["recorded_at"].as_str().expect("a moment"));
            for kept in [
                "feedback_id",
                "occurred_at",
                "recorded_at",
                "watermark",
                "sentiment",
                "signature",
                "person",
            ] {
                assert_eq!(was[kept], is[kept], "{kept}");
            }
            rewritten += 1;
        } else {
            assert_eq!(old.headers, new.headers);
            assert_eq!(without_words(old), without_words(new));
        }
    }
    assert!(rewritten > 0 && with_word > 0);
}

/// A process that is killed on the way is no loss: the same command finishes the work.
#[test]
fn the_service_and_the_command_exclude_each_other() {
    let scratch = Scratch::new();
    let settings = settings_of(&scratch);
    scratch.write("later.toml", SETTINGS);
    let _held: EmbeddedLog =
        auscult::topics::open_log(&scratch.path("auscult.log.sqlite"), &settings.engine)
            .expect("a log");
    let output = scratch.run(&["redact", "--settings", "later.toml"]);
    assert!(!output.status.success());
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains("open for writing already"),
        "{complaint}"
    );
}

/// The document with nothing in its quotes and questions.
fn without_words(record: &Record) -> serde_json::Value {
    fn empty(json: &mut serde_json::Value) {
        match json {
            serde_json::Value::Object(members) => {
                for (name, member) in members {
                    if ["quote", "question"].contains(&name.as_str()) {
                        *member = serde_json::Value::Null;
                    } else {
                        empty(member);
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(empty),
            _ => {}
        }
    }
    let mut json = serde_json::from_str(&value(record)).expect("JSON");
    empty(&mut json);
    json
}
