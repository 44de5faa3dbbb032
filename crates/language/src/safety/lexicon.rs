//! The safety lexicon: words and phrases by kind of cue, looked up by the hashes a [`Token`] already carries.
//!
//! An Aho–Corasick automaton over all entries was the alternative; with the words hashed anyway for the linear
//! model, a word look-up and a short phrase comparison costs a third of it, and respects word boundaries for free.

use rustc_hash::FxHashMap;

use super::token::{PREFIX_BYTES, Token, hash_prefix, hash_word, tokenise};
use crate::words::Filter;

/// One kind of cue. The order is the bit order of [`Cues`] and, for the linear model, part of the feature identity:
/// append, never reorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Cue {
    StrongEvent,
    Event,
    LayEvent,
    Product,
    Device,
    ProductName,
    Cause,
    Onset,
    Negation,
    Hypothetical,
    History,
    Indication,
    PatientSpecific,
    PatientGeneric,
    Reporter,
    Death,
    LifeThreatening,
    Hospitalisation,
    Disability,
    CongenitalAnomaly,
    MedicallyImportant,
    LackOfEffectNear,
    LackOfEffect,
    OffLabelUse,
    MisuseNear,
    Misuse,
    Abuse,
    Overdose,
    MedicationError,
    OccupationalExposure,
    PregnancyOrLactation,
    Transmission,
    FalsifiedProduct,
    Defect,
    Lay,
    Relief,
    Dechallenge,
    For,
    Taking,
    HouseProduct,
}

impl Cue {
    pub(crate) const ALL: [(Cue, &'static str); 40] = [
        (Cue::StrongEvent, "strong_event"),
        (Cue::Event, "event"),
        (Cue::LayEvent, "lay_event"),
        (Cue::Product, "product"),
        (Cue::Device, "device"),
        (Cue::ProductName, "product_name"),
        (Cue::Cause, "cause"),
        (Cue::Onset, "onset"),
        (Cue::Negation, "negation"),
        (Cue::Hypothetical, "hypothetical"),
        (Cue::History, "history"),
        (Cue::Indication, "indication"),
        (Cue::PatientSpecific, "patient_specific"),
        (Cue::PatientGeneric, "patient_generic"),
        (Cue::Reporter, "reporter"),
        (Cue::Death, "death"),
        (Cue::LifeThreatening, "life_threatening"),
        (Cue::Hospitalisation, "hospitalisation"),
        (Cue::Disability, "disability"),
        (Cue::CongenitalAnomaly, "congenital_anomaly"),
        (Cue::MedicallyImportant, "medically_important"),
        (Cue::LackOfEffectNear, "lack_of_effect_near"),
        (Cue::LackOfEffect, "lack_of_effect"),
        (Cue::OffLabelUse, "off_label_use"),
        (Cue::MisuseNear, "misuse_near"),
        (Cue::Misuse, "misuse"),
        (Cue::Abuse, "abuse"),
        (Cue::Overdose, "overdose"),
        (Cue::MedicationError, "medication_error"),
        (Cue::OccupationalExposure, "occupational_exposure"),
        (Cue::PregnancyOrLactation, "pregnancy_or_lactation"),
        (Cue::Transmission, "transmission"),
        (Cue::FalsifiedProduct, "falsified_product"),
        (Cue::Defect, "defect"),
        (Cue::Lay, "lay"),
        (Cue::Relief, "relief"),
        (Cue::Dechallenge, "dechallenge"),
        (Cue::For, "for_what"),
        (Cue::Taking, "taking"),
        (Cue::HouseProduct, "house_product"),
    ];
}

/// A set of cues, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cues(pub u64);

impl Cues {
    pub(crate) const fn of(cues: &[Cue]) -> Cues {
        let mut bits = 0;
        let mut index = 0;
        while index < cues.len() {
            bits |= 1 << cues[index] as u8;
            index += 1;
        }
        Cues(bits)
    }

    pub(crate) const fn meets(self, other: Cues) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn has(self, cue: Cue) -> bool {
        self.0 & (1 << cue as u8) != 0
    }
}

/// An entry found in a text: which cues, and the words `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub cues: Cues,
    pub first: u32,
    pub last: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Word(u64),
    Prefix { slot: u8, hash: u32 },
}

impl Part {
    fn of(word: &str) -> Part {
        match word.strip_suffix('*') {
            Some(stem) => Part::Prefix {
                slot: (stem.len() - PREFIX_BYTES.start()) as u8,
                hash: hash_prefix(stem.as_bytes()),
            },
            None => Part::Word(hash_word(word)),
        }
    }

    #[inline]
    fn matches(self, token: &Token) -> bool {
        match self {
            Part::Word(hash) => token.hash == hash,
            Part::Prefix { slot, hash } => token.prefixes[usize::from(slot)] == hash,
        }
    }
}

#[derive(Debug, Clone)]
struct Phrase {
    rest: Vec<Part>,
    cues: Cues,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    alone: Cues,
    phrases: Vec<Phrase>,
}

/// Why the lexicon text cannot be used. It is a shipped resource: the remedy is to correct the file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LexiconError {
    /// The file is not TOML of the documented shape.
    #[error("the safety lexicon is not TOML tables with a `words` text each: {0}")]
    Shape(String),
    /// A table name is not a known kind of cue.
    #[error("the safety lexicon has a table [{0}] that is no kind of cue: rename or remove it")]
    UnknownTable(String),
    /// An entry cannot be matched.
    #[error("the safety lexicon entry `{entry}` in [{table}] is unusable: {reason}")]
    Entry {
        /// The table it stands in.
        table: String,
        /// The entry as written.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Words, stems and phrases with their cues, ready for look-up.
#[derive(Debug, Clone)]
pub(crate) struct Lexicon {
    words: FxHashMap<u64, u32>,
    stems: FxHashMap<u64, u32>,
    entries: Vec<Entry>,
    word_filter: Filter,
    stem_filter: Filter,
    /// Over the first three bytes of all stems.
    stem_head_filter: Filter,
    /// Sorted by the last byte.
    endings: Vec<(usize, u64, Cues)>,
    /// Where the endings with each last byte begin; one more for the end.
    endings_from: [u8; 257],
}

/// Words of a product's name that are read.
const NAME_WORDS: usize = 8;

/// Endings of medical words: an unknown word that ends so is an event or a product.
const EVENT_ENDINGS: [&str; 34] = [
    "itis",
    "aemia",
    "emia",
    "opathy",
    "algia",
    "rrhoea",
    "rrhea",
    "penia",
    "toxicity",
    "uria",
    "plegia",
    "oedema",
    "edema",
    "cytosis",
    "rrhage",
    "spasm",
    "megaly",
    "oedem",
    "stenia",
    "pnoea",
    "pnea",
    "cardia",
    "tension",
    "phagia",
    "plasia",
    "ectasia",
    "lysis",
    "paresis",
    "aesthesia",
    "sclerosis",
    "necrosis",
    "fibrosis",
    "thrombosis",
    "keratosis",
];

const PRODUCT_ENDINGS: [&str; 36] = [
    "mab",
    "tinib",
    "ciclib",
    "pril",
    "sartan",
    "statin",
    "cillin",
    "azole",
    "olol",
    "gliptin",
    "gliflozin",
    "glutide",
    "parin",
    "xaban",
    "triptan",
    "oxetine",
    "azepam",
    "azolam",
    "barbital",
    "caine",
    "cycline",
    "floxacin",
    "mycin",
    "prazole",
    "tidine",
    "setron",
    "vir",
    "platin",
    "rubicin",
    "taxel",
    "sone",
    "solone",
    "dipine",
    "zosin",
    "thiazide",
    "cept",
];

fn tail_of(ending: &str) -> (usize, u64) {
    let bytes = &ending.as_bytes()[ending.len().saturating_sub(8)..];
    (
        bytes.len(),
        bytes
            .iter()
            .fold(0, |tail, byte| (tail << 8) | u64::from(*byte)),
    )
}

/// Hash of the first three bytes of the stem an entry begins with, if it begins with one.
fn stem_head(entry: &str) -> Option<u64> {
    let stem = entry.split_whitespace().next()?.strip_suffix('*')?;
    let head = stem.as_bytes().get(..*PREFIX_BYTES.start())?;
    Some(u64::from(hash_prefix(head)))
}

/// Slot and stem hash in one key.
const fn stem_key(slot: usize, hash: u32) -> u64 {
    (hash as u64) << 8 | slot as u64
}

impl Lexicon {
    /// Reads the lexicon file and the list of product names (one lower-case word a line, `#` starts a comment).
    pub(crate) fn parse(tables: &str, product_names: &str) -> Result<Lexicon, LexiconError> {
        let parsed: toml::Table = tables
            .parse()
            .map_err(|error: toml::de::Error| LexiconError::Shape(error.to_string()))?;
        let mut lexicon = Lexicon {
            words: FxHashMap::default(),
            stems: FxHashMap::default(),
            entries: Vec::new(),
            word_filter: Filter::of(0, []),
            stem_filter: Filter::of(0, []),
            stem_head_filter: Filter::of(0, []),
            endings: Vec::new(),
            endings_from: [0; 257],
        };
        let mut stem_heads = Vec::new();
        for (table, value) in &parsed {
            let cue = Cue::ALL
                .iter()
                .find(|(_, name)| name == table)
                .ok_or_else(|| LexiconError::UnknownTable(table.clone()))?
                .0;
            let words = value
                .get("words")
                .and_then(toml::Value::as_str)
                .ok_or_else(|| LexiconError::Shape(format!("[{table}] has no words")))?;
            for entry in words
                .split(';')
                .map(str::trim)
                .filter(|entry| !entry.is_empty())
            {
                lexicon
                    .add(entry, Cues::of(&[cue]))
                    .map_err(|reason| LexiconError::Entry {
                        table: table.clone(),
                        entry: entry.to_owned(),
                        reason,
                    })?;
                stem_heads.extend(stem_head(entry));
            }
        }
        for name in product_names
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            lexicon
                .add(name, Cues::of(&[Cue::ProductName]))
                .map_err(|reason| LexiconError::Entry {
                    table: "product names".to_owned(),
                    entry: name.to_owned(),
                    reason,
                })?;
            stem_heads.extend(stem_head(name));
        }
        for (endings, cue) in [
            (EVENT_ENDINGS.as_slice(), Cue::Event),
            (PRODUCT_ENDINGS.as_slice(), Cue::ProductName),
        ] {
            for ending in endings {
                let (length, tail) = tail_of(ending);
                lexicon.endings.push((length, tail, Cues::of(&[cue])));
            }
        }
        lexicon.endings.sort_by_key(|(_, tail, _)| *tail & 0xff);
        lexicon.index(stem_heads);
        Ok(lexicon)
    }

    /// Builds what only saves look-ups.
    fn index(&mut self, stem_heads: Vec<u64>) {
        #[expect(
            clippy::disallowed_methods,
            reason = "bits set in any order are the same bits"
        )]
        let (words, stems): (Vec<u64>, Vec<u64>) = (
            self.words.keys().copied().collect(),
            self.stems.keys().map(|key| key >> 8).collect(),
        );
        self.word_filter = Filter::of(words.len(), words);
        self.stem_filter = Filter::of(stems.len(), stems);
        self.stem_head_filter = Filter::of(stem_heads.len(), stem_heads);
        for (last, from) in (0..).zip(&mut self.endings_from) {
            *from = self
                .endings
                .partition_point(|(_, tail, _)| *tail & 0xff < last) as u8;
        }
    }

    /// Adds names of products, in any spelling: split as texts are.
    pub(crate) fn add_product_names<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            let tokens = tokenise(name, NAME_WORDS);
            let mut parts = tokens.iter().map(|token| Part::Word(token.hash));
            let Some(Part::Word(first)) = parts.next() else {
                continue;
            };
            self.insert(
                Part::Word(first),
                parts.collect(),
                Cues::of(&[Cue::HouseProduct]),
            );
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "bits set in any order are the same bits"
        )]
        let words: Vec<u64> = self.words.keys().copied().collect();
        self.word_filter = Filter::of(words.len(), words);
    }

    fn add(&mut self, entry: &str, cues: Cues) -> Result<(), &'static str> {
        let mut parts = Vec::new();
        for word in entry.split_whitespace() {
            let stem = word.strip_suffix('*').unwrap_or(word);
            if word.ends_with('*') && !PREFIX_BYTES.contains(&stem.len()) {
                return Err("a stem before * must have 3 to 12 bytes");
            }
            if stem.is_empty()
                || stem
                    .chars()
                    .any(|letter| letter.is_ascii_uppercase() || !letter.is_alphanumeric())
            {
                return Err(
                    "words are lower-case letters and digits, with at most one * at the end",
                );
            }
            parts.push(Part::of(word));
        }
        let rest = parts.split_off(1);
        self.insert(parts[0], rest, cues);
        Ok(())
    }

    fn insert(&mut self, first: Part, rest: Vec<Part>, cues: Cues) {
        let index = match first {
            Part::Word(hash) => *self
                .words
                .entry(hash)
                .or_insert_with(|| push_default(&mut self.entries)),
            Part::Prefix { slot, hash } => *self
                .stems
                .entry(stem_key(usize::from(slot), hash))
                .or_insert_with(|| push_default(&mut self.entries)),
        };
        let target = &mut self.entries[index as usize];
        if rest.is_empty() {
            target.alone.0 |= cues.0;
        } else if let Some(same) = target.phrases.iter_mut().find(|phrase| phrase.rest == rest) {
            same.cues.0 |= cues.0;
        } else {
            target.phrases.push(Phrase { rest, cues });
        }
    }

    /// Every entry found in `tokens`, in order of the first word; phrases do not cross a sentence break.
    pub(crate) fn find(&self, tokens: &[Token], hits: &mut Vec<Hit>) {
        for (index, token) in tokens.iter().enumerate() {
            let before = hits.len();
            if self.word_filter.may_hold(token.hash)
                && let Some(entry) = self.words.get(&token.hash)
            {
                self.take(*entry, index, tokens, hits);
            }
            let may_begin_stem = self.stem_head_filter.may_hold(u64::from(token.prefixes[0]));
            for (slot, prefix) in token.prefixes.iter().enumerate() {
                if !may_begin_stem || *prefix == 0 {
                    break;
                }
                if self.stem_filter.may_hold(u64::from(*prefix))
                    && let Some(entry) = self.stems.get(&stem_key(slot, *prefix))
                {
                    self.take(*entry, index, tokens, hits);
                }
            }
            if token.length >= 6 && hits.len() == before {
                self.take_ending(token, index, hits);
            }
        }
    }

    fn take(&self, entry: u32, index: usize, tokens: &[Token], hits: &mut Vec<Hit>) {
        let entry = &self.entries[entry as usize];
        if entry.alone.0 != 0 {
            hits.push(Hit {
                cues: entry.alone,
                first: index as u32,
                last: index as u32,
            });
        }
        for phrase in &entry.phrases {
            let rest = &tokens[index + 1..];
            let fits = rest.len() >= phrase.rest.len()
                && phrase.rest.iter().zip(rest).all(|(part, token)| {
                    part.matches(token) && token.before != super::token::Break::Sentence
                });
            if fits {
                hits.push(Hit {
                    cues: phrase.cues,
                    first: index as u32,
                    last: (index + phrase.rest.len()) as u32,
                });
            }
        }
    }

    #[inline]
    fn take_ending(&self, token: &Token, index: usize, hits: &mut Vec<Hit>) {
        let last = (token.tail & 0xff) as usize;
        let (from, to) = (self.endings_from[last], self.endings_from[last + 1]);
        for (length, tail, cues) in &self.endings[usize::from(from)..usize::from(to)] {
            let mask = if *length == 8 {
                u64::MAX
            } else {
                (1 << (8 * length)) - 1
            };
            if token.tail & mask == *tail && usize::from(token.length) > *length + 1 {
                hits.push(Hit {
                    cues: *cues,
                    first: index as u32,
                    last: index as u32,
                });
                return;
            }
        }
    }
}

fn push_default(entries: &mut Vec<Entry>) -> u32 {
    entries.push(Entry::default());
    (entries.len() - 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lexicon: &Lexicon, text: &str) -> Vec<(u64, u32, u32)> {
        let mut hits = Vec::new();
        lexicon.find(&tokenise(text, 1000), &mut hits);
        hits.iter()
            .map(|hit| (hit.cues.0, hit.first, hit.last))
            .collect()
    }

    #[test]
    fn words_stems_phrases_and_endings_are_found() {
        let lexicon = Lexicon::parse(
            "[event]\nwords = \"nause*; side pain; rash\"\n[negation]\nwords=\"no\"",
            "humira\n",
        )
        .unwrap();
        let event = Cues::of(&[Cue::Event]).0;
        let product = Cues::of(&[Cue::ProductName]).0;
        assert_eq!(
            found(&lexicon, "Nauseated, no side pain"),
            [
                (event, 0, 0),
                (Cues::of(&[Cue::Negation]).0, 1, 1),
                (event, 2, 3)
            ]
        );
        assert_eq!(found(&lexicon, "side. Pain"), []);
        assert_eq!(
            found(&lexicon, "Humira and abcdximab, tonsillitis"),
            [(product, 0, 0), (product, 2, 2), (event, 3, 3)]
        );
    }

    #[test]
    fn a_bad_file_is_refused_with_its_place() {
        assert_eq!(
            Lexicon::parse("[nonsense]\nwords=\"a\"", "").unwrap_err(),
            LexiconError::UnknownTable("nonsense".to_owned())
        );
        let error = Lexicon::parse("[event]\nwords=\"ab*\"", "").unwrap_err();
        assert!(error.to_string().contains("`ab*` in [event]"), "{error}");
        assert!(matches!(
            Lexicon::parse("[event]\nwords=\"Rash\"", "").unwrap_err(),
            LexiconError::Entry { .. }
        ));
    }
}
