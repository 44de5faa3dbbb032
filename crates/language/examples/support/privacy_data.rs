//! The privacy corpus: the synthetic set, our own filled templates, and clinical and feedback sentences without names.

use std::path::Path;

use auscult_language::privacy::{Redactor, Tag, TaggerModel, train};

use super::{SpannedText, TermText};

const TEMPLATES: &str = include_str!("../../resources/privacy_templates.txt");
const NAMES: &str = include_str!("../../resources/privacy_names.txt");
const FILLINGS: usize = 24;
/// Folds of the cross-validation.
pub const FOLDS: u64 = 5;

/// A tagged text for training.
pub struct Tagged {
    pub fold: u64,
    pub text: String,
    pub spans: Vec<(Tag, usize, usize)>,
}

/// Everything.
pub struct Corpus {
    pub pii: Vec<SpannedText>,
    pub terms: Vec<(&'static str, TermText)>,
    pub tagged: Vec<Tagged>,
}

fn tag_of(entity: &str) -> Option<Tag> {
    match entity {
        "PERSON" => Some(Tag::Name),
        "ADDRESS" | "STREET_ADDRESS" | "ZIP_CODE" => Some(Tag::Address),
        "LOCATION" | "GPE" => Some(Tag::Place),
        "ORGANIZATION" => Some(Tag::Organisation),
        _ => None,
    }
}

impl Corpus {
    /// Reads every set that is in `folder`.
    pub fn read(folder: &Path) -> anyhow::Result<Corpus> {
        let mut corpus = Corpus {
            pii: Vec::new(),
            terms: Vec::new(),
            tagged: filled_templates(),
        };
        for path in super::files(folder, "pii_synthetic_") {
            corpus.pii.extend(super::pii(&super::contents(&path)?)?);
        }
        for path in super::files(folder, "phee_") {
            corpus.terms.extend(
                super::phee(&super::contents(&path)?)?
                    .into_iter()
                    .map(|(_, terms)| ("phee", terms)),
            );
        }
        for path in super::files(folder, "ade_sentences_") {
            corpus.terms.extend(
                super::ade_terms(&super::contents(&path)?)?
                    .into_iter()
                    .map(|terms| ("ade", terms)),
            );
        }
        for text in &corpus.pii {
            let spans = text
                .spans
                .iter()
                .filter_map(|(entity, start, end)| Some((tag_of(entity)?, *start, *end)))
                .collect();
            corpus.tagged.push(Tagged {
                fold: super::fold(&text.template, FOLDS),
                text: text.text.clone(),
                spans,
            });
        }
        for (_, term) in corpus.terms.iter().filter(|(set, _)| *set == "ade") {
            corpus.tagged.push(Tagged {
                fold: super::fold(&term.document, FOLDS),
                text: term.text.clone(),
                spans: Vec::new(),
            });
        }
        for path in super::files(folder, "nhs_feedback_") {
            for comment in super::feedback(&super::contents(&path)?)? {
                // Comments that may hold an unlabelled name or place teach nothing.
                if !capital_inside(&comment.text) {
                    corpus.tagged.push(Tagged {
                        fold: super::fold(&comment.document, FOLDS),
                        text: comment.text,
                        spans: Vec::new(),
                    });
                }
            }
        }
        Ok(corpus)
    }

    /// A model that has not seen `fold` (`FOLDS`: one that has seen everything).
    pub fn model_without(
        &self,
        base: &Redactor,
        fold: u64,
        settings: train::Settings,
    ) -> TaggerModel {
        let examples: Vec<train::Example> = self
            .tagged
            .iter()
            .filter(|tagged| tagged.fold != fold)
            .map(|tagged| base.example(&tagged.text, &tagged.spans))
            .collect();
        train::fit(&examples, settings)
    }
}

fn capital_inside(text: &str) -> bool {
    let mut starts = true;
    for word in text.split_whitespace() {
        let capital = word.chars().next().is_some_and(char::is_uppercase)
            && word.len() > 1
            && !word.starts_with("I'");
        if capital && !starts {
            return true;
        }
        starts = word.ends_with(['.', '!', '?']);
    }
    false
}

/// A seeded source of choices.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn of<'v>(&mut self, values: &[&'v str]) -> &'v str {
        values[self.below(values.len())]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + self.below(10) as u8))
            .collect()
    }
}

struct Vocabulary {
    given: Vec<String>,
    family: Vec<String>,
    place: Vec<String>,
    country: Vec<String>,
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

impl Vocabulary {
    fn new() -> Vocabulary {
        let european = |word: &str| word.chars().all(|letter| (letter as u32) < 0x500);
        let with = |flag: char| {
            NAMES
                .lines()
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.split_once(' '))
                .filter(|(word, flags)| {
                    flags.contains(flag) && european(word) && word.chars().count() >= 3
                })
                .map(|(word, _)| capitalised(word))
                .collect()
        };
        Vocabulary {
            given: with('g'),
            family: with('f'),
            place: with('p'),
            country: with('c'),
        }
    }

    fn pick<'v>(&'v self, list: &'v [String], chance: &mut Chance) -> &'v str {
        &list[chance.below(list.len())]
    }

    fn fill(&self, slot: &str, chance: &mut Chance) -> (String, Option<Tag>) {
        match slot {
            "first" => (self.pick(&self.given, chance).to_owned(), Some(Tag::Name)),
            "last" => (self.family_name(chance), Some(Tag::Name)),
            "full" => (self.full_name(chance), Some(Tag::Name)),
            "city" => (self.city(chance), Some(Tag::Place)),
            "country" => (
                self.pick(&self.country, chance).to_owned(),
                Some(Tag::Place),
            ),
            "street" => (self.street(chance), Some(Tag::Address)),
            "address" => (self.address(chance), Some(Tag::Address)),
            "zip" => (zip(chance), Some(Tag::Address)),
            "org" => (self.organisation(chance), Some(Tag::Organisation)),
            "phone" => (
                format!(
                    "0{} {} {}",
                    chance.digits(3),
                    chance.digits(3),
                    chance.digits(4)
                ),
                None,
            ),
            "card" => (chance.digits(16), None),
            "date" => (
                format!(
                    "{}/{}/{}",
                    1 + chance.below(28),
                    1 + chance.below(12),
                    1930 + chance.below(90)
                ),
                None,
            ),
            "pronoun" => (chance.of(&["she", "he", "they"]).to_owned(), None),
            _ => (String::new(), None),
        }
    }

    fn family_name(&self, chance: &mut Chance) -> String {
        let name = self.pick(&self.family, chance);
        match chance.below(14) {
            0 => format!(
                "{} {name}",
                chance.of(&["van", "van der", "de", "von", "dos", "El", "del", "bin"])
            ),
            1 => format!("{name}-{}", self.pick(&self.family, chance)),
            2 => format!("O'{name}"),
            _ => name.to_owned(),
        }
    }

    fn full_name(&self, chance: &mut Chance) -> String {
        let given = self.pick(&self.given, chance);
        let family = self.family_name(chance);
        match chance.below(8) {
            0 => format!(
                "{given} {}. {family}",
                char::from(b'A' + chance.below(26) as u8)
            ),
            1 => format!(
                "{given} {} {family}",
                char::from(b'A' + chance.below(26) as u8)
            ),
            2 => format!("{given} {} {family}", self.pick(&self.given, chance)),
            _ => format!("{given} {family}"),
        }
    }

    fn city(&self, chance: &mut Chance) -> String {
        let city = self.pick(&self.place, chance);
        match chance.below(12) {
            0 => city.to_uppercase(),
            1 => format!(
                "{} {city}",
                chance.of(&[
                    "San", "Port", "North", "Bad", "Sankt", "La", "Santa", "New", "El", "Le"
                ])
            ),
            2 => format!(
                "{city} {}",
                chance.of(&[
                    "am Main",
                    "de la Sierra",
                    "Hills",
                    "Bay",
                    "Di Sopra",
                    "sur Mer",
                    "Creek"
                ])
            ),
            _ => city.to_owned(),
        }
    }

    fn street(&self, chance: &mut Chance) -> String {
        let name = if chance.below(2) == 0 {
            self.pick(&self.family, chance)
        } else {
            self.pick(&self.place, chance)
        };
        let number = 1 + chance.below(400);
        match chance.below(12) {
            0..=2 => format!(
                "{number} {name} {}",
                chance.of(&[
                    "Street", "Road", "Avenue", "Lane", "Drive", "St", "Rd", "Crescent", "Close",
                    "Way", "Hill"
                ])
            ),
            3 => format!(
                "{name} {}",
                chance.of(&["Street", "Road", "Avenue", "Pass", "Row", "Coves", "Park"])
            ),
            4 => format!(
                "{name}{} {number}",
                chance.of(&[
                    "straße", "strasse", "weg", "gatan", "vej", "straat", "laan", "tie", "gata",
                    "katu", "platz"
                ])
            ),
            5 => format!(
                "{} {name} {number}",
                chance.of(&[
                    "Rua", "Via", "Calle", "ul.", "Avenida", "Piazza", "Strada", "Camino"
                ])
            ),
            6 => format!(
                "{number} {} {name}",
                chance.of(&[
                    "rue",
                    "rue de",
                    "Rue de la",
                    "avenue",
                    "Chemin de",
                    "boulevard"
                ])
            ),
            7 => format!(
                "{name} {} {number}.",
                chance.of(&["u.", "utca", "út", "tér"])
            ),
            8 => format!("{name} {number}"),
            9 => format!("{number} {name} {}", 1 + chance.below(300)),
            10 => format!(
                "{} {} {number}",
                capitalised(name),
                self.pick(&self.family, chance)
            ),
            _ => format!("{} {name} {}", chance.digits(5), chance.below(300)),
        }
    }

    fn address(&self, chance: &mut Chance) -> String {
        let street = self.street(chance);
        let unit = format!(
            "{} {}",
            chance.of(&["Apt.", "Suite", "Flat", "Unit", "Apartment", "Room"]),
            chance.below(900)
        );
        let city = self.pick(&self.place, chance);
        match chance.below(9) {
            0 => format!("{street}, {unit}, {city} {}", zip(chance)),
            1 => format!("{street}\n{unit}\n{city}"),
            2 => format!(
                "{street} {unit}\n {city}\n {} {}",
                self.pick(&self.country, chance),
                zip(chance)
            ),
            3 => format!(
                "{} Box {}\n{} {} {}",
                chance.of(&["PSC 12,", "Unit 34", "CMR 402"]),
                chance.digits(4),
                chance.of(&["APO", "FPO", "DPO"]),
                chance.of(&["AE", "AP", "AA"]),
                chance.digits(5)
            ),
            4 => format!("{street}, {city}"),
            5 => format!("{street} {unit}"),
            6 => format!(
                "{street}\n{city}, {} {}",
                chance.of(&["CA", "NY", "TX", "SH", "RS", "ON", "NSW"]),
                chance.digits(5)
            ),
            _ => street,
        }
    }

    fn organisation(&self, chance: &mut Chance) -> String {
        let name = self.pick(&self.family, chance);
        match chance.below(6) {
            0 => format!(
                "{name} {}",
                chance.of(&[
                    "Ltd", "Inc", "Group", "PLC", "GmbH", "and Sons", "Pharma", "LLC"
                ])
            ),
            1 => format!(
                "{name}, {} and {}",
                self.pick(&self.family, chance),
                self.pick(&self.family, chance)
            ),
            2 => format!("{name}-{}", self.pick(&self.family, chance)),
            3 => format!(
                "{} {}",
                chance.of(&[
                    "Open", "Blue", "Health", "Data", "Green", "Rapid", "Solar", "Clear", "Smart"
                ]),
                chance.of(&[
                    "Insights", "Works", "Market", "Care", "Signal", "Finance", "Network", "Lists"
                ])
            ),
            4 => format!(
                "{}{}",
                chance.of(&["Medi", "Vita", "Bio", "Info", "Cardio", "Uni", "Trans"]),
                chance.of(&["cast", "lytics", "plan", "union", "path", "hub"])
            ),
            _ => format!(
                "{} {}",
                chance.of(&["Royal", "St Mary's", "City", "General", "University"]),
                chance.of(&["Hospital", "Infirmary", "Medical Centre", "Pharmacy"])
            ),
        }
    }
}

fn zip(chance: &mut Chance) -> String {
    match chance.below(4) {
        0 => chance.digits(4),
        1 => format!("{} {}", chance.digits(3), chance.digits(2)),
        _ => chance.digits(5),
    }
}

/// Our templates, filled with a seeded choice; some wholly in lower case, some names in capitals.
pub fn filled_templates() -> Vec<Tagged> {
    let vocabulary = Vocabulary::new();
    let mut chance = Chance(11);
    let mut filled = Vec::new();
    for line in TEMPLATES
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        for _ in 0..FILLINGS {
            let (mut text, mut spans) = (String::new(), Vec::new());
            let template = line.replace("\\n", "\n");
            let mut rest = template.as_str();
            let shout = chance.below(25) == 0;
            while let Some(open) = rest.find('{') {
                text.push_str(&rest[..open]);
                let close = rest[open..]
                    .find('}')
                    .map_or(rest.len(), |offset| open + offset);
                let (value, tag) = vocabulary.fill(&rest[open + 1..close], &mut chance);
                let start = text.len();
                text.push_str(&if shout { value.to_uppercase() } else { value });
                spans.extend(tag.map(|tag| (tag, start, text.len())));
                rest = &rest[(close + 1).min(rest.len())..];
            }
            text.push_str(rest);
            if chance.below(8) == 0 {
                let lower = text.to_lowercase();
                if lower.len() == text.len() {
                    text = lower;
                }
            }
            filled.push(Tagged {
                fold: u64::MAX,
                text,
                spans,
            });
        }
    }
    filled
}

/// How many spans of one kind there are, and how many are wholly hidden or hidden under the right class.
#[derive(Debug, Default, Clone)]
pub struct Recall {
    pub spans: usize,
    pub hidden: usize,
    pub missed: Vec<String>,
}

/// Whether every letter and digit of the span is inside findings.
pub fn hidden(
    text: &str,
    start: usize,
    end: usize,
    findings: &[auscult_language::privacy::Finding],
) -> bool {
    text[start..end]
        .char_indices()
        .filter(|(_, letter)| letter.is_alphanumeric())
        .all(|(offset, _)| {
            let at = (start + offset) as u32;
            findings
                .iter()
                .any(|finding| (finding.start..finding.end).contains(&at))
        })
}

/// Words of terms, and how many of them were hidden.
#[derive(Debug, Default, Clone)]
pub struct TermLoss {
    pub words: usize,
    pub hidden: usize,
    pub lost: Vec<String>,
}

/// Counts the words of the terms that matter (drugs, effects, treated disorders) and those hidden.
pub fn term_loss(term: &TermText, redactor: &Redactor, loss: &mut TermLoss) {
    let findings = redactor.find(&term.text);
    let mut counted: Vec<usize> = Vec::new();
    for (kind, start, end) in &term.terms {
        if !matches!(
            kind.as_str(),
            "Drug"
                | "Effect"
                | "Treat-Disorder"
                | "Sub-Disorder"
                | "Treatment"
                | "Combination.Drug"
        ) {
            continue;
        }
        let mut from = *start;
        for word in term.text[*start..*end].split(|letter: char| !letter.is_alphanumeric()) {
            let at = from;
            from += word.len()
                + term.text[at + word.len()..]
                    .chars()
                    .next()
                    .map_or(0, char::len_utf8);
            if word.is_empty() || counted.contains(&at) {
                continue;
            }
            counted.push(at);
            loss.words += 1;
            if findings.iter().any(|finding| {
                (finding.start as usize) < at + word.len() && at < finding.end as usize
            }) {
                loss.hidden += 1;
                loss.lost.push(word.to_owned());
            }
        }
    }
}
