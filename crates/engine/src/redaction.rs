//! Stored text read again by the redactor of today (N08).
//!
//! Redaction is a pure function of text and ruleset, and placeholders survive it, so what was redacted yesterday can be redacted
//! again when a rule is added. Words are all that changes: a mention keeps its event, its moment, its themes, its feeling and
//! what its repeats are found by, so that no count and no alert depends on when a rule came. What changes is changed where it
//! lies, with a later `recordedtime`; the other way, a correction appended behind it, would leave the words in the log and in the
//! detector's journal, which is what the rule was added against ([decision 0033](../../../docs/decisions/0033-stored-text-is-redacted-in-place.md)).

use crate::log::{Headers, Record};
use auscult_core::contribution::{MAX_QUOTE_CHARACTERS, quoted};
use auscult_core::mention::Mention;
use auscult_core::time::Timestamp;
use auscult_language::privacy::{Finding, Redactor};
use auscult_wire::mention::{RECORDED_TIME, encode_rewritten_mention};
use auscult_wire::strings::change_members;
use auscult_wire::{MentionRecord, WireError, decode_mention_record};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Members of outward JSON that hold people's words: quotes of alerts, questions to medical information.
const TEXT_MEMBERS: [&str; 2] = ["quote", "question"];

/// Passes over one text at most.
const PASSES_MAX: usize = 4;

/// What was found in stored texts: never the words themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Texts that had to change.
    pub texts: u64,
    /// Pieces of personal data in them, by class.
    pub classes: BTreeMap<&'static str, u64>,
    /// Values that views cut by in which something would be hidden: they name series and stay.
    pub values_left: u64,
}

impl Tally {
    fn count(&mut self, findings: &[Finding]) {
        self.texts += 1;
        for finding in findings {
            *self.classes.entry(finding.class.as_str()).or_default() += 1;
        }
    }
}

/// Reads stored text again.
pub struct Rereader {
    redactor: Redactor,
    rewritten_at: Timestamp,
    /// Quotes that were cut, as they stand and as they will: what is to be hidden may lie across the cut.
    cut_quotes: FxHashMap<String, String>,
}

impl Rereader {
    /// A reader with the rules of `redactor`; what it changes is as known at `rewritten_at`.
    #[must_use]
    pub fn new(redactor: Redactor, rewritten_at: Timestamp) -> Rereader {
        Rereader {
            redactor,
            rewritten_at,
            cut_quotes: FxHashMap::default(),
        }
    }

    /// Looks at a stored mention before anything is changed, for the sake of quotes cut from it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn learn(&mut self, record: &Record) -> Result<(), WireError> {
        let Some(mention) = mention_of(record)? else {
            return Ok(());
        };
        if mention
            .text
            .trim()
            .chars()
            .nth(MAX_QUOTE_CHARACTERS)
            .is_none()
        {
            return Ok(());
        }
        let Some((text, _)) = self.settle(&mention.text, &mut []) else {
            return Ok(());
        };
        let (before, after) = (quoted(&mention.text), quoted(&text));
        if before != after {
            self.cut_quotes.insert(before, after);
        }
        Ok(())
    }

    /// A stored mention as it is to be; `None`: as it is, or a marker.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn mention(
        &self,
        record: &Record,
        tally: &mut Tally,
    ) -> Result<Option<(Headers, Vec<u8>)>, WireError> {
        let Some(mut mention) = mention_of(record)? else {
            return Ok(None);
        };
        let hidden = |value: &str| !self.redactor.find_in_label(value).is_empty();
        tally.values_left += mention
            .extra
            .iter()
            .filter(|(_, value)| hidden(value))
            .count() as u64;
        let mut spans: Vec<(u32, u32)> = mention
            .themes
            .iter()
            .flat_map(|tag| tag.spans.iter().copied())
            .collect();
        let Some((text, findings)) = self.settle(&mention.text, &mut spans) else {
            return Ok(None);
        };
        tally.count(&findings);
        let stored = mention.themes.iter_mut().flat_map(|tag| &mut tag.spans);
        stored.zip(spans).for_each(|(span, moved)| *span = moved);
        mention.text = Cow::Owned(text);
        self.name_ruleset(&mut mention);
        let encoded = encode_rewritten_mention(&mention, self.recorded_after(record, &mention));
        Ok(encoded.value.map(|value| (encoded.headers, value)))
    }

    /// The text redacted until nothing is found any more: what was found in one pass may show the tagger another name in the
    /// next, and a run after this one must find nothing to do. `None`: nothing is found.
    fn settle(&self, text: &str, spans: &mut [(u32, u32)]) -> Option<(String, Vec<Finding>)> {
        let mut settled: Option<(String, Vec<Finding>)> = None;
        for _ in 0..PASSES_MAX {
            let current = settled.as_ref().map_or(text, |(text, _)| text);
            let redacted = self.redactor.redact(current);
            if redacted.findings.is_empty() {
                break;
            }
            for span in spans.iter_mut() {
                *span = redacted.moved(*span);
            }
            let mut findings = redacted.findings;
            let text = redacted.text.into_owned();
            if let Some((_, before)) = settled.take() {
                findings.extend(before);
            }
            settled = Some((text, findings));
        }
        settled
    }

    fn name_ruleset(&self, mention: &mut Mention<'_>) {
        mention
            .models
            .retain(|model| !model.starts_with("privacy:"));
        mention
            .models
            .push(Cow::Owned(format!("privacy:{}", self.redactor.ruleset())));
        mention.models.sort_unstable();
    }

    /// `recordedtime` grows, whatever the clock says.
    fn recorded_after(&self, record: &Record, mention: &Mention<'_>) -> Timestamp {
        let former = record
            .headers
            .iter()
            .find(|(name, _)| name == RECORDED_TIME)
            .and_then(|(_, value)| auscult_wire::time::parse(std::str::from_utf8(value).ok()?).ok())
            .unwrap_or(mention.recorded_at);
        self.rewritten_at.max(former.plus(1))
    }

    /// A quote as it is to be; `None`: as it is.
    pub fn quote(&self, text: &str, tally: &mut Tally) -> Option<String> {
        if let Some(cut) = self.cut_quotes.get(text) {
            tally.count(&self.redactor.find(text));
            return Some(cut.clone());
        }
        let (text, findings) = self.settle(text, &mut [])?;
        tally.count(&findings);
        Some(text)
    }

    /// Outward JSON (an alert, a medical request) with its quotes and questions as they are to be; `None`: as it is.
    pub fn document(&self, json: &str, tally: &mut Tally) -> Option<String> {
        change_members(json, &TEXT_MEMBERS, &mut |text| self.quote(text, tally))
    }
}

fn mention_of(record: &Record) -> Result<Option<Mention<'_>>, WireError> {
    let Some(value) = record.value.as_deref() else {
        return Ok(None);
    };
    Ok(match decode_mention_record(&record.headers, value)? {
        MentionRecord::Mention(mention) => Some(mention),
        MentionRecord::Marker(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::TopicPartition;
    use auscult_language::privacy::OwnTerms;
    use auscult_wire::mention::MENTION_UNDERSTOOD;

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    fn stored(text: &str) -> Record {
        let json = format!(
            r#"{{"tenant":"acme","portfolio":"acme|DE","feedback_id":"f-1","occurred_at":"2026-05-04T09:12:00Z","recorded_at":"2026-05-04T18:40:11Z","feed":"crm/eu/call","source":"call","stakeholder":"hcp","text":{},"themes":[{{"theme":"access.price","sentiment":-600,"spans":[[22,29]]}}],"sentiment":-400,"extra":{{"site":"ward heron"}},"models":["privacy:old@1","topic:t@1"]}}"#,
            serde_json::Value::from(text)
        );
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        Record {
            at: TopicPartition {
                topic: "voc.mentions.v1".into(),
                partition: 0,
            },
            offset: 7,
            key: Some(b"acme|DE".to_vec()),
            headers: vec![
                header("ce_type", MENTION_UNDERSTOOD),
                header("ce_id", "e-1"),
                header("ce_source", "/sources/crm"),
            ],
            value: Some(json.into_bytes()),
        }
    }

    fn rereader(at: Timestamp) -> Rereader {
        let own = OwnTerms::new(["blue heron", "heron"]).unwrap();
        Rereader::new(Redactor::standard().hiding(own), at)
    }

    #[test]
    fn a_mention_keeps_what_was_understood_and_says_by_which_rules_it_was_redacted() {
        let record = stored("The blue heron pen is far too dear.");
        let mut tally = Tally::default();
        let reread = rereader(NOON);
        let (headers, value) = reread.mention(&record, &mut tally).unwrap().unwrap();
        assert_eq!(
            (
                tally.texts,
                tally.classes["other_identifier"],
                tally.values_left
            ),
            (1, 1, 1)
        );
        let rewritten = Record {
            headers,
            value: Some(value),
            ..record.clone()
        };
        let (was, is) = (
            mention_of(&record).unwrap().unwrap(),
            mention_of(&rewritten).unwrap().unwrap(),
        );
        assert_eq!(is.text, "The [IDENTIFIER] pen is far too dear.");
        let (from, to) = is.themes[0].spans[0];
        assert_eq!(&is.text[from as usize..to as usize], "far too");
        assert_eq!(is.models.len(), 2);
        assert!(is.models[0].starts_with("privacy:") && is.models[0].contains("+terms."));
        let mut same = is.clone();
        same.text.clone_from(&was.text);
        same.models.clone_from(&was.models);
        same.themes.clone_from(&was.themes);
        assert_eq!(same, was);
        assert!(
            reread
                .mention(&rewritten, &mut Tally::default())
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn recordedtime_grows_even_when_the_clock_went_back() {
        let recorded = |record: &Record| {
            let header = record
                .headers
                .iter()
                .find(|(name, _)| name == RECORDED_TIME);
            auscult_wire::time::parse(std::str::from_utf8(&header.unwrap().1).unwrap()).unwrap()
        };
        let rewrite = |record: &Record, at: Timestamp| {
            let (headers, value) = rereader(at)
                .mention(record, &mut Tally::default())
                .unwrap()
                .unwrap();
            Record {
                headers,
                value: Some(value),
                ..record.clone()
            }
        };
        let once = rewrite(&stored("The heron pen is far too dear, we say."), NOON);
        assert_eq!(recorded(&once), NOON);
        let mut again = stored("The heron pen is far too dear, we say.");
        again.headers.extend(
            once.headers
                .iter()
                .filter(|(name, _)| name == RECORDED_TIME)
                .cloned(),
        );
        assert_eq!(recorded(&rewrite(&again, Timestamp(1_000))), NOON.plus(1));
    }

    #[test]
    fn what_lies_across_the_cut_of_a_quote_is_hidden_too() {
        let text = format!(
            "{}we all saw blue heron.",
            "the pen is late again and ".repeat(10)
        );
        let cut = quoted(&text);
        assert!(cut.ends_with(" blue hero…"), "{cut}");
        let mut reread = rereader(NOON);
        assert_eq!(reread.quote(&cut, &mut Tally::default()), None);
        reread.learn(&stored(&text)).unwrap();
        let hidden = reread.quote(&cut, &mut Tally::default()).unwrap();
        assert!(!hidden.contains("blue"), "{hidden}");
    }
}
