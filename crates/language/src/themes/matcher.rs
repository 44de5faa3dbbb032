//! One automaton for all phrases of a taxonomy.

use super::taxonomy::problem;
use super::written::{WrittenPattern, WrittenTheme};
use super::{TaxonomyProblem, ThemeHit};
use crate::words::{Words, fold_phrase};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::Regex;
use std::collections::BTreeMap;

/// What a matched phrase means for one theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Shows theme `.0`.
    Shows(u16),
    /// Takes back what it covers of theme `.0`.
    TakesBack(u16),
    /// Lets pattern `.0` be tried.
    Wakes(u16),
}

#[derive(Debug, Clone)]
struct Pattern {
    theme: u16,
    regex: Regex,
}

#[derive(Debug, Clone)]
pub(super) struct Matcher {
    automaton: AhoCorasick,
    /// Meanings of each phrase of the automaton: one phrase may serve several themes.
    meanings: Vec<Vec<Meaning>>,
    patterns: Vec<Pattern>,
}

/// A byte range of the folded text that shows (or takes back) a theme.
#[derive(Debug, Clone, Copy)]
struct Found {
    theme: u16,
    start: usize,
    end: usize,
    takes_back: bool,
}

impl Matcher {
    /// Builds the automaton of sorted themes; `None` when the problems leave nothing to build from.
    pub(super) fn build(themes: &[WrittenTheme]) -> (Option<Matcher>, Vec<TaxonomyProblem>) {
        let mut phrases: BTreeMap<String, Vec<Meaning>> = BTreeMap::new();
        let mut patterns = Vec::new();
        let mut problems = Vec::new();
        for (at, theme) in themes.iter().enumerate() {
            let Ok(index) = u16::try_from(at) else { break };
            let lists = [
                ("phrases", &theme.phrases, Meaning::Shows(index)),
                ("unless", &theme.unless, Meaning::TakesBack(index)),
            ];
            for (list, written, meaning) in lists {
                for (place, phrase) in written.iter().enumerate() {
                    match key_of(phrase) {
                        Ok(key) => phrases.entry(key).or_default().push(meaning),
                        Err((reason, remedy)) => problems.push(problem(
                            format!("themes[{}].{list}[{place}]", theme.id),
                            reason,
                            remedy,
                        )),
                    }
                }
            }
            for (place, written) in theme.patterns.iter().enumerate() {
                let Ok(number) = u16::try_from(patterns.len()) else {
                    break;
                };
                match read_pattern(written, index) {
                    Ok((key, pattern)) => {
                        phrases.entry(key).or_default().push(Meaning::Wakes(number));
                        patterns.push(pattern);
                    }
                    Err((reason, remedy)) => problems.push(problem(
                        format!("themes[{}].patterns[{place}]", theme.id),
                        reason,
                        remedy,
                    )),
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(phrases.keys());
        match automaton {
            Ok(automaton) => (
                Some(Matcher {
                    automaton,
                    meanings: phrases.into_values().collect(),
                    patterns,
                }),
                problems,
            ),
            Err(error) => {
                problems.push(problem(
                    "themes",
                    format!("the phrases make no automaton: {error}"),
                    "use fewer or shorter phrases",
                ));
                (None, problems)
            }
        }
    }

    pub(super) fn phrase_count(&self) -> usize {
        self.meanings
            .iter()
            .flatten()
            .filter(|meaning| !matches!(meaning, Meaning::TakesBack(_)))
            .count()
    }

    pub(super) fn find(&self, words: &Words) -> Vec<ThemeHit> {
        let mut found: Vec<Found> = Vec::new();
        let mut awake: Vec<u16> = Vec::new();
        for phrase in self.automaton.find_overlapping_iter(words.folded()) {
            for meaning in &self.meanings[phrase.pattern().as_usize()] {
                let (theme, takes_back) = match *meaning {
                    Meaning::Shows(theme) => (theme, false),
                    Meaning::TakesBack(theme) => (theme, true),
                    Meaning::Wakes(pattern) => {
                        awake.push(pattern);
                        continue;
                    }
                };
                found.push(Found {
                    theme,
                    start: phrase.start() + 1,
                    end: phrase.end() - 1,
                    takes_back,
                });
            }
        }
        awake.sort_unstable();
        awake.dedup();
        for pattern in awake.iter().map(|at| &self.patterns[usize::from(*at)]) {
            found.extend(
                pattern
                    .regex
                    .find_iter(words.folded())
                    .filter(|hit| !hit.is_empty())
                    .map(|hit| Found {
                        theme: pattern.theme,
                        start: hit.start(),
                        end: hit.end(),
                        takes_back: false,
                    }),
            );
        }
        if found.is_empty() {
            Vec::new()
        } else {
            gather(found, words)
        }
    }
}

/// Joins what was found into hits: sorted by theme, spans in order and apart, nothing that was taken back.
fn gather(mut found: Vec<Found>, words: &Words) -> Vec<ThemeHit> {
    found.sort_unstable_by_key(|hit| (hit.theme, hit.start, hit.end));
    let mut hits: Vec<ThemeHit> = Vec::new();
    for hit in found.iter().filter(|hit| !hit.takes_back) {
        let taken_back = found.iter().any(|other| {
            other.takes_back
                && other.theme == hit.theme
                && other.start <= hit.start
                && hit.end <= other.end
        });
        if taken_back {
            continue;
        }
        let Some(span) = original_span(words, hit) else {
            continue;
        };
        match hits.last_mut() {
            Some(last) if last.theme == hit.theme => match last.spans.last_mut() {
                Some(before) if span.0 <= before.1 => before.1 = before.1.max(span.1),
                _ => last.spans.push(span),
            },
            _ => hits.push(ThemeHit {
                theme: hit.theme,
                spans: vec![span],
            }),
        }
    }
    hits
}

/// Byte range in the original text; a range that ends inside a word goes on to its end.
fn original_span(words: &Words, hit: &Found) -> Option<(u32, u32)> {
    let first = words.words().get(words.index_at_folded(hit.start))?;
    let last = words
        .words()
        .get(words.index_at_folded(hit.end.saturating_sub(1)))?;
    Some((first.start, last.end.max(first.end)))
}

/// What the automaton looks for: the folded phrase between spaces; an open phrase without the closing one.
///
/// An open phrase's key ends in a letter; [`Matcher::find`] cuts one byte off every match, which
/// [`original_span`] makes good by going on to the end of the word.
fn key_of(phrase: &str) -> Result<String, (String, &'static str)> {
    let (body, open) = match phrase.strip_suffix('*') {
        Some(body) => (body, true),
        None => (phrase, false),
    };
    if body.contains('*') {
        return Err((
            format!("`{phrase}` has a `*` that is not at the end"),
            "only a closing `*` is known; write out the other forms",
        ));
    }
    let folded = fold_phrase(body);
    if folded.is_empty() {
        return Err((
            format!("`{phrase}` holds no word"),
            "write the phrase, or remove the entry",
        ));
    }
    if open && folded.chars().count() < 3 {
        return Err((
            format!("`{phrase}` is too short to stay open"),
            "give at least three letters before the `*`",
        ));
    }
    Ok(if open {
        format!(" {folded}")
    } else {
        format!(" {folded} ")
    })
}

fn read_pattern(
    written: &WrittenPattern,
    theme: u16,
) -> Result<(String, Pattern), (String, &'static str)> {
    let key = key_of(&written.needs)?;
    let regex = Regex::new(&written.regex).map_err(|error| {
        let last = error
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .trim()
            .to_owned();
        (
            format!("`{}` is not a regular expression: {last}", written.regex),
            "correct it; the syntax is that of the regex crate",
        )
    })?;
    Ok((key, Pattern { theme, regex }))
}
