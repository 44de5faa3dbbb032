//! Valences of words and phrases, read from a table of text.

use crate::stable_hash;
use crate::words::{Filter, Words, fold_phrase};
use rustc_hash::FxHashMap;

/// Longest phrase, in words.
pub(super) const LONGEST_PHRASE: usize = 4;

/// Words by which a text is known to be in a language the lexicon was made for.
const FUNCTION_WORDS: &[&str] = &[
    "the", "a", "an", "and", "is", "are", "was", "were", "it", "i", "my", "we", "our", "you",
    "your", "he", "she", "they", "to", "of", "in", "on", "for", "with", "this", "that", "have",
    "has", "had", "not", "be", "been", "from", "at", "by", "or", "as", "but", "if", "me", "what",
    "when", "how", "do", "did", "does", "so", "there", "would", "will", "can", "could", "just",
    "then", "than", "about", "who", "which", "some", "am", "us", "him", "her", "them", "no", "up",
    "out",
];

/// Whether a word is grammar only: it is never learned as a feeling.
pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains(&word)
}

/// Endings by their last letter, with what stands in their place in the base form.
type Endings = &'static [(&'static str, &'static str)];
const ENDINGS_S: Endings = &[
    ("ies", "y"),
    ("iness", "y"),
    ("es", ""),
    ("s", ""),
    ("'s", ""),
    ("ness", ""),
];
const ENDINGS_D: Endings = &[("ied", "y"), ("ed", ""), ("ed", "e")];
const ENDINGS_G: Endings = &[("ing", ""), ("ing", "e")];
const ENDINGS_Y: Endings = &[
    ("ily", "y"),
    ("ly", ""),
    ("ly", "le"),
    ("fully", ""),
    ("y", ""),
    ("y", "e"),
];
const ENDINGS_R: Endings = &[("ier", "y"), ("er", ""), ("er", "e")];
const ENDINGS_T: Endings = &[("iest", "y"), ("est", ""), ("est", "e"), ("ment", "")];
const ENDINGS_L: Endings = &[("ful", "")];

/// A lexicon of valences on the scale −4 … 4.
#[derive(Debug, Clone)]
pub struct Lexicon {
    version: String,
    entries: FxHashMap<u64, Entry>,
    /// Over the keys of `entries`.
    filter: Filter,
    values: Vec<f32>,
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// One more than the index in `values`; 0: the word only begins phrases or is a function word.
    value: u32,
    begins_phrase: bool,
    function: bool,
}

/// What the lexicon knows of one word.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// The word itself is listed: no guessing from its form.
    pub listed: bool,
    /// Its entry, if it carries feeling.
    pub entry: Option<u32>,
    /// A phrase begins with it.
    pub begins_phrase: bool,
}

/// A line of the lexicon table that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "sentiment lexicon line {line}: {reason}; write `word<tab>valence`, phrases with `_` between words, valence within -4 and 4"
)]
pub struct LexiconProblem {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl Lexicon {
    /// Reads a table: `# version: X` first, then `word<tab>valence` lines. Later lines win.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn from_text(text: &str) -> Result<Lexicon, LexiconProblem> {
        let mut rows = Vec::new();
        let mut version = String::from("unversioned");
        for (at, line) in text.lines().enumerate() {
            let problem = |reason: String| LexiconProblem {
                line: at + 1,
                reason,
            };
            if let Some(comment) = line.strip_prefix("# ") {
                if let Some(found) = comment.strip_prefix("version: ") {
                    found.trim().clone_into(&mut version);
                }
                continue;
            }
            if line.is_empty() || line == "#" {
                continue;
            }
            let (word, value) = line
                .split_once('\t')
                .ok_or_else(|| problem("no tab".into()))?;
            let value: f32 = value
                .trim()
                .parse()
                .map_err(|_| problem(format!("`{value}` is no number")))?;
            if !(-4.0..=4.0).contains(&value) {
                return Err(problem(format!("{value} is out of range")));
            }
            rows.push((word.to_owned(), value));
        }
        Ok(Lexicon::from_rows(version, rows))
    }

    /// Builds a lexicon of `(word or phrase, valence)` rows.
    #[must_use]
    pub fn from_rows(version: String, rows: Vec<(String, f32)>) -> Lexicon {
        let mut lexicon = Lexicon {
            version,
            entries: FxHashMap::default(),
            filter: Filter::of(0, []),
            values: Vec::new(),
            names: Vec::new(),
        };
        for word in FUNCTION_WORDS {
            lexicon
                .entries
                .entry(stable_hash::hash_bytes(word.as_bytes()))
                .or_default()
                .function = true;
        }
        for (name, value) in rows {
            let hash = hash_of_name(&name);
            if let Some(first) = first_word_of_phrase(&name) {
                lexicon.entries.entry(first).or_default().begins_phrase = true;
            }
            let next = u32::try_from(lexicon.values.len()).unwrap_or(u32::MAX - 1);
            let entry = lexicon.entries.entry(hash).or_default();
            if entry.value == 0 {
                entry.value = next + 1;
                lexicon.values.push(value);
                lexicon.names.push(name);
            } else {
                lexicon.values[entry.value as usize - 1] = value;
            }
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "bits set in any order are the same bits"
        )]
        let keys: Vec<u64> = lexicon.entries.keys().copied().collect();
        lexicon.filter = Filter::of(keys.len(), keys);
        lexicon
    }

    /// The table this lexicon can be read from again, sorted by word.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut rows: Vec<(&str, f32)> = self.rows().collect();
        rows.sort_by(|a, b| a.0.cmp(b.0));
        let mut text = format!("# version: {}\n", self.version);
        for (name, value) in rows {
            text.push_str(&format!("{name}\t{value:.2}\n"));
        }
        text
    }

    /// Name and version of this lexicon.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Number of words and phrases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Words and phrases with their valences.
    pub fn rows(&self) -> impl Iterator<Item = (&str, f32)> {
        self.names
            .iter()
            .map(String::as_str)
            .zip(self.values.iter().copied())
    }

    /// Whether there is no word in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Valence of an entry.
    #[inline]
    pub(super) fn value(&self, entry: u32) -> f32 {
        self.values[entry as usize]
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Whether any word belongs to a language the lexicon was made for.
    pub(super) fn knows_any(&self, words: &Words) -> bool {
        words
            .words()
            .iter()
            .any(|word| self.entry(word.hash).is_some_and(|entry| entry.function))
    }

    /// The entry of exactly this hash.
    #[inline]
    pub(super) fn exact(&self, hash: u64) -> Option<u32> {
        self.entry(hash)
            .and_then(|entry| entry.value.checked_sub(1))
    }

    #[inline]
    fn entry(&self, hash: u64) -> Option<&Entry> {
        if self.filter.may_hold(hash) {
            self.entries.get(&hash)
        } else {
            None
        }
    }

    /// What is known of a word of exactly this hash.
    #[inline]
    pub(super) fn known(&self, hash: u64) -> Known {
        match self.entry(hash) {
            None => Known::default(),
            // A function word is what it is, and so is a listed one; a word that only begins phrases may still be an inflection.
            Some(entry) => Known {
                listed: entry.function || entry.value > 0,
                entry: entry.value.checked_sub(1),
                begins_phrase: entry.begins_phrase,
            },
        }
    }

    /// The entry of a word: itself, else the base of its inflection, else its form without drawn-out letters.
    pub(super) fn look_up(&self, word: &str, hash: u64) -> Option<u32> {
        let known = self.known(hash);
        if known.listed {
            known.entry
        } else {
            self.by_form(word)
        }
    }

    /// The entry of the base of an inflected word, or of its form without drawn-out letters.
    pub(super) fn by_form(&self, word: &str) -> Option<u32> {
        if word.len() < 4 {
            return None;
        }
        self.by_inflection(word).or_else(|| {
            is_drawn_out(word)
                .then(|| {
                    [2, 1]
                        .iter()
                        .find_map(|kept| self.by_spelling(&shortened(word, *kept)))
                })
                .flatten()
        })
    }

    fn by_spelling(&self, word: &str) -> Option<u32> {
        self.exact(stable_hash::hash_bytes(word.as_bytes()))
            .or_else(|| self.by_inflection(word))
    }

    #[inline]
    fn by_inflection(&self, word: &str) -> Option<u32> {
        let endings = match word.as_bytes().last()? {
            b's' => ENDINGS_S,
            b'd' => ENDINGS_D,
            b'g' => ENDINGS_G,
            b'y' => ENDINGS_Y,
            b'r' => ENDINGS_R,
            b't' => ENDINGS_T,
            b'l' => ENDINGS_L,
            _ => return None,
        };
        for (ending, instead) in endings {
            if !ends_with(word, ending) {
                continue;
            }
            // The ending is whole characters, so its beginning is a boundary.
            let Some(stem) = word
                .get(..word.len() - ending.len())
                .filter(|stem| stem.len() >= 3)
            else {
                continue;
            };
            let hash = instead.bytes().fold(
                stem.bytes().fold(stable_hash::EMPTY, stable_hash::extend),
                stable_hash::extend,
            );
            if let Some(entry) = self.exact(stable_hash::spread(hash)) {
                return Some(entry);
            }
            // "stopped" from "stop".
            let bytes = stem.as_bytes();
            if instead.is_empty()
                && bytes.len() >= 4
                && bytes[bytes.len() - 1] == bytes[bytes.len() - 2]
                && let Some(entry) = self.exact(stable_hash::hash_bytes(&bytes[..bytes.len() - 1]))
            {
                return Some(entry);
            }
        }
        None
    }
}

/// Hash of a lexicon row's word, phrase, emoji or emoticon.
pub(super) fn hash_of_name(name: &str) -> u64 {
    let parts: Vec<&str> = parts_of(name);
    let hashes = parts.iter().map(|part| {
        let folded = fold_phrase(part);
        stable_hash::hash_bytes(if folded.is_empty() || is_emoticon(part) {
            part.as_bytes()
        } else {
            folded.as_bytes()
        })
    });
    hashes.reduce(stable_hash::pair).unwrap_or_default()
}

fn parts_of(name: &str) -> Vec<&str> {
    if is_emoticon(name) {
        vec![name]
    } else {
        name.split('_').filter(|part| !part.is_empty()).collect()
    }
}

fn first_word_of_phrase(name: &str) -> Option<u64> {
    let parts = parts_of(name);
    (parts.len() > 1).then(|| stable_hash::hash_bytes(fold_phrase(parts[0]).as_bytes()))
}

/// Spelled with marks rather than letters: `:d`, `<3`, `^_^`.
fn is_emoticon(name: &str) -> bool {
    name.chars()
        .any(|character| ":;=<>()[]^|/\\".contains(character))
}

/// As `str::ends_with`, from the back: most endings differ in the letter before the last, and a call to compare memory costs
/// more than that.
#[inline]
fn ends_with(word: &str, ending: &str) -> bool {
    word.len() >= ending.len()
        && word
            .bytes()
            .rev()
            .zip(ending.bytes().rev())
            .all(|(letter, wanted)| letter == wanted)
}

/// Whether a letter stands three times in a row.
fn is_drawn_out(word: &str) -> bool {
    word.as_bytes()
        .windows(3)
        .any(|run| run[0] == run[1] && run[1] == run[2])
}

/// `looooove` → `love`, `cooool` → `cool`: runs of more than `kept` letters are cut to `kept`.
fn shortened(word: &str, kept: usize) -> String {
    let mut short = String::with_capacity(word.len());
    let mut run = (None, 0);
    for character in word.chars() {
        run = if run.0 == Some(character) {
            (run.0, run.1 + 1)
        } else {
            (Some(character), 1)
        };
        if run.1 <= kept {
            short.push(character);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        Lexicon::from_text("# version: t@1\nlove\t3\nstop\t-1\nhappy\t2\n:)\t2\nno_problem\t1.5\n")
            .unwrap()
    }

    #[test]
    fn finds_inflections_and_drawn_out_words() {
        let lexicon = lexicon();
        let value = |word: &str| {
            lexicon
                .look_up(word, stable_hash::hash_bytes(word.as_bytes()))
                .map(|entry| lexicon.value(entry))
        };
        assert_eq!(value("loves"), Some(3.0));
        assert_eq!(value("stopped"), Some(-1.0));
        assert_eq!(value("happily"), Some(2.0));
        assert_eq!(value("looooove"), Some(3.0));
        assert_eq!(value("table"), None);
    }

    #[test]
    fn reads_what_it_writes_and_names_the_bad_line() {
        let lexicon = lexicon();
        assert_eq!(
            Lexicon::from_text(&lexicon.to_text()).unwrap().to_text(),
            lexicon.to_text()
        );
        assert_eq!(
            Lexicon::from_text("# version: t\nlove 3\n")
                .unwrap_err()
                .line,
            2
        );
        assert_eq!(Lexicon::from_text("a\t9\n").unwrap_err().line, 1);
    }

    #[test]
    fn the_shipped_lexicon_is_no_stub() {
        let shipped =
            Lexicon::from_text(include_str!("../../resources/sentiment.lexicon.tsv")).unwrap();
        assert!(shipped.len() > 1_000 && shipped.version().contains('@'));
    }
}
