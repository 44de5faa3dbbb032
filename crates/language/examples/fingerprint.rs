//! What every room says of every line of a folder's files, as one number a room: two builds that agree print the same.
//!
//! `cargo run --release -p auscult-language --example fingerprint -- DATA_DIR`. For work on speed that must not change an
//! answer: the lines of the labelled sets are in 75 languages and hold tweets, articles, forms, numbers and names.

#![expect(clippy::print_stdout, reason = "a program that reports")]

use auscult_language::near_duplicate::{LEAST_WORDS, Signature};
use auscult_language::privacy::Redactor;
use auscult_language::safety::Triage;
use auscult_language::stable_hash;
use auscult_language::themes::Taxonomy;
use auscult_language::words::Words;
use auscult_language::{language_id, requests, sentiment, speaker};
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Lines of one file: the largest hold a quarter of a million rows of codes.
const LINES: usize = 20_000;

struct Rooms {
    triage: Triage,
    redactor: Redactor,
    taxonomy: Taxonomy,
    prints: BTreeMap<&'static str, u64>,
    texts: usize,
}

impl Rooms {
    fn note(&mut self, room: &'static str, answer: &impl Debug) {
        let hash = stable_hash::hash_bytes(format!("{answer:?}").as_bytes());
        let print = self.prints.entry(room).or_default();
        *print = stable_hash::pair(*print, hash);
    }

    fn take(&mut self, text: &str) {
        self.texts += 1;
        self.note("safety", &self.triage.assess(text));
        let redacted = self.redactor.redact(text);
        self.note("privacy", &redacted);
        let words = Words::of(&redacted.text);
        let hits = self.taxonomy.tag_words(&words);
        let feeling = sentiment::score_words(&redacted.text, &words, &hits);
        let plain = sentiment::feeling_of_words(&redacted.text, &words, &hits);
        assert_eq!(
            (plain.overall, &plain.toward),
            (feeling.overall, &feeling.toward)
        );
        self.note("themes", &hits);
        self.note("sentiment", &feeling);
        self.note("requests", &requests::find_words(&words));
        let language = language_id::identify_words(&words);
        assert_eq!(language.code, language_id::code_of_words(&words), "{text}");
        self.note("language id", &language);
        self.note("speaker", &speaker::guess_words(&words));
        for numbers_matter in [false, true] {
            self.note(
                "signature",
                &Signature::of(&words, LEAST_WORDS, numbers_matter),
            );
        }
    }
}

fn lines(path: &Path) -> anyhow::Result<impl Iterator<Item = String>> {
    let file = File::open(path)?;
    let bytes: Box<dyn Read> = if path.extension().is_some_and(|end| end == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let lines = BufReader::new(bytes).split(b'\n').take(LINES);
    Ok(lines
        .map_while(Result::ok)
        .map(|line| String::from_utf8_lossy(&line).into_owned()))
}

fn main() -> anyhow::Result<()> {
    let folder = std::env::args()
        .nth(1)
        .ok_or_else(|| anyhow::anyhow!("usage: fingerprint DATA_DIR"))?;
    let mut rooms = Rooms {
        triage: Triage::standard().knowing(["Zorivance Pen", "Humira"]),
        redactor: Redactor::standard().keeping(["Zorivance Pen", "Humira"]),
        taxonomy: Taxonomy::standard(),
        prints: BTreeMap::new(),
        texts: 0,
    };
    let mut paths: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "gz"))
        .collect();
    paths.sort();
    for path in &paths {
        for line in lines(path)? {
            rooms.take(&line);
            // The longest cell by itself: mostly the text, without the row's codes around it.
            if let Some(cell) = line.split([',', '"']).max_by_key(|cell| cell.len()) {
                rooms.take(cell);
            }
        }
    }
    println!("{} texts of {} files", rooms.texts, paths.len());
    for (room, print) in &rooms.prints {
        println!("{room:<12} {print:016x}");
    }
    Ok(())
}
