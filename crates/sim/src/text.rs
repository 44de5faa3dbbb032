//! What people say: sentences from the grammar file, filled in.

use std::collections::BTreeMap;

use auscult_core::words::Stakeholder;
use serde::Deserialize;

use crate::chance::Chance;

/// How somebody feels about what they speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeling {
    /// Not content.
    Negative,
    /// Neither.
    Neutral,
    /// Content.
    Positive,
}

/// The grammar file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grammar {
    #[expect(dead_code, reason = "names the file's version for whoever reads it")]
    version: String,
    slots: BTreeMap<String, Vec<String>>,
    frames: BTreeMap<String, Vec<String>>,
    themes: Vec<ThemeSentences>,
    adverse_events: BTreeMap<String, Vec<String>>,
    identifiers: BTreeMap<String, Vec<String>>,
    names: Names,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeSentences {
    id: String,
    negative: Vec<String>,
    positive: Vec<String>,
    neutral: Vec<String>,
    de: Option<LocalSentences>,
    fr: Option<LocalSentences>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LocalSentences {
    #[serde(default)]
    negative: Vec<String>,
    #[serde(default)]
    positive: Vec<String>,
    #[serde(default)]
    neutral: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    first: Vec<String>,
    last: Vec<String>,
}

/// A text and its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Words.
    pub text: String,
    /// ISO 639-1 code.
    pub language: &'static str,
}

impl Grammar {
    /// The shipped grammar.
    #[must_use]
    pub fn shipped() -> Grammar {
        // Part of the program text, read by every test: a mistake in it cannot reach a user.
        toml::from_str(include_str!("../resources/grammar.toml"))
            .expect("the shipped grammar is valid")
    }

    /// Something a person of `stakeholder` says about `theme` and `product`, in `local` language where the grammar
    /// has a sentence and chance will have it with probability `local_share`.
    pub fn say(
        &self,
        chance: &mut Chance,
        speaker: Stakeholder,
        theme: &str,
        feeling: Feeling,
        product: &str,
        local: (&'static str, f64),
    ) -> Said {
        let Some(sentences) = self.themes.iter().find(|own| own.id == theme) else {
            return Said {
                text: format!("About {product}."),
                language: "en",
            };
        };
        if local.0 != "en"
            && chance.happens(local.1)
            && let Some(own) = sentences
                .local(local.0)
                .map(|own| own.of(feeling))
                .filter(|own| !own.is_empty())
        {
            let sentence = chance.pick(own).clone();
            return Said {
                text: self.fill(chance, &sentence, product),
                language: local.0,
            };
        }
        let sentence = chance.pick(sentences.of(feeling)).clone();
        let frames = &self.frames[frame_of(speaker)];
        let frame = chance.pick(frames).replace("{theme}", &sentence);
        Said {
            text: self.fill(chance, &frame, product),
            language: "en",
        }
    }

    /// Something that tells of an adverse event.
    pub fn adverse_event(
        &self,
        chance: &mut Chance,
        product: &str,
        local: (&'static str, f64),
    ) -> Said {
        let language = if chance.happens(local.1) {
            local.0
        } else {
            "en"
        };
        let sentence = chance.pick(&self.adverse_events[language]).clone();
        Said {
            text: self.fill(chance, &sentence, product),
            language,
        }
    }

    /// A sentence with an identifier in it: kind, identifier, sentence.
    pub fn identifier(&self, chance: &mut Chance, country: &str) -> (&'static str, String, String) {
        let kind = *chance.pick(&["name", "email", "phone", "birth_date"]);
        let (first, last) = (
            chance.pick(&self.names.first).clone(),
            chance.pick(&self.names.last).clone(),
        );
        let identifier = match kind {
            "name" => format!("{first} {last}"),
            "email" => format!(
                "{}.{}@mail.example",
                first.to_lowercase(),
                last.to_lowercase()
            ),
            "phone" => phone(chance, country),
            _ => format!(
                "{:02}.{:02}.{}",
                1 + chance.below(28),
                1 + chance.below(12),
                1930 + chance.below(70)
            ),
        };
        let sentence = chance
            .pick(&self.identifiers[kind])
            .replace("{identifier}", &identifier);
        (kind, identifier, sentence)
    }

    fn fill(&self, chance: &mut Chance, sentence: &str, product: &str) -> String {
        let name = capitalised(product);
        let mut text = sentence.replace("{product}", &name);
        for (slot, words) in &self.slots {
            let marker = format!("{{{slot}}}");
            if text.contains(&marker) {
                text = text.replace(&marker, chance.pick(words.as_slice()).as_str());
            }
        }
        // A slot may open a sentence.
        text = text.split_inclusive(". ").map(capitalised).collect();
        text
    }
}

impl ThemeSentences {
    fn of(&self, feeling: Feeling) -> &[String] {
        match feeling {
            Feeling::Negative => &self.negative,
            Feeling::Neutral => &self.neutral,
            Feeling::Positive => &self.positive,
        }
    }

    fn local(&self, language: &str) -> Option<&LocalSentences> {
        match language {
            "de" => self.de.as_ref(),
            "fr" => self.fr.as_ref(),
            _ => None,
        }
    }
}

impl LocalSentences {
    fn of(&self, feeling: Feeling) -> &[String] {
        match feeling {
            Feeling::Negative => &self.negative,
            Feeling::Neutral => &self.neutral,
            Feeling::Positive => &self.positive,
        }
    }
}

fn frame_of(speaker: Stakeholder) -> &'static str {
    match speaker {
        Stakeholder::Hcp => "hcp",
        Stakeholder::Caregiver => "caregiver",
        Stakeholder::Pharmacist => "pharmacist",
        Stakeholder::Payer => "payer",
        Stakeholder::Advocate => "advocate",
        Stakeholder::ProviderOrg => "provider_org",
        _ => "patient",
    }
}

/// Numbers from the ranges set aside for fiction or plainly unassignable, in the country's form.
fn phone(chance: &mut Chance, country: &str) -> String {
    let digits = chance.below(1_000);
    match country {
        "DE" => format!("+49 30 23125 {digits:03}"),
        "FR" => format!("+33 1 99 00 {:02} {:02}", digits / 100, digits % 100),
        "GB" => format!("+44 20 7946 0{digits:03}"),
        _ => format!("(212) 555-01{:02}", digits % 100),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
