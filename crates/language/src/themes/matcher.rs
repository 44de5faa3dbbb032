//! All phrases of a taxonomy at once: closed phrases by the hashes of their words, open ones by their first letters.
//!
//! One Aho-Corasick automaton for everything was measured first: with 2,500 phrases its table is many megabytes and every byte of a
//! text is a cache miss, 3.5 µs a text. For the few hundred phrases whose last word may go on, an automaton of their own still cost
//! as much as all closed phrases together; both ways now ask a filter of a few kilobytes first, once a word.

use super::open_phrases::OpenPhrases;
use super::taxonomy::problem;
use super::written::{WrittenPattern, WrittenTheme};
use super::{TaxonomyProblem, ThemeHit};
use crate::words::{PhraseTable, Words, fold_phrase};
use regex::Regex;
use smallvec::SmallVec;
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
    closed: PhraseTable<Meaning>,
    open: OpenPhrases<Meaning>,
    patterns: Vec<Pattern>,
    phrases: usize,
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
    /// Builds the tables of sorted themes; entries with problems are left out.
    pub(super) fn build(themes: &[WrittenTheme]) -> (Matcher, Vec<TaxonomyProblem>) {
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
        let count = phrases
            .values()
            .flatten()
            .filter(|meaning| !matches!(meaning, Meaning::TakesBack(_)))
            .count();
        let (closed, open): (Vec<_>, Vec<_>) =
            phrases.into_iter().partition(|(key, _)| key.ends_with(' '));
        let closed = PhraseTable::new(closed.iter().flat_map(|(key, meanings)| {
            meanings.iter().map(move |meaning| (key.as_str(), *meaning))
        }));
        let open = OpenPhrases::new(
            open.into_iter()
                .map(|(key, meanings)| (key.trim_start().to_owned(), meanings)),
        );
        let matcher = Matcher {
            closed,
            open,
            patterns,
            phrases: count,
        };
        (matcher, problems)
    }

    pub(super) fn phrase_count(&self) -> usize {
        self.phrases
    }

    pub(super) fn find(&self, words: &Words) -> Vec<ThemeHit> {
        // Most texts find no more than this, and finding must not cost an allocation.
        let mut found: SmallVec<[Found; 16]> = SmallVec::new();
        let mut awake: SmallVec<[u16; 16]> = SmallVec::new();
        let mut take = |meaning: Meaning, start: usize, end: usize| match meaning {
            Meaning::Shows(theme) => found.push(Found {
                theme,
                start,
                end,
                takes_back: false,
            }),
            Meaning::TakesBack(theme) => found.push(Found {
                theme,
                start,
                end,
                takes_back: true,
            }),
            Meaning::Wakes(pattern) => awake.push(pattern),
        };
        let list = words.words();
        for at in 0..list.len() {
            self.closed
                .each_at(words, at, list.len(), |meaning, _, length| {
                    take(
                        meaning,
                        list[at].folded_start as usize,
                        list[at + length - 1].folded_end as usize,
                    )
                });
            let start = list[at].folded_start as usize;
            self.open.each_at(words.folded(), start, |meaning, end| {
                take(meaning, start, end)
            });
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
            gather(&mut found, words)
        }
    }
}

/// Joins what was found into hits: sorted by theme, spans in order and apart, nothing that was taken back.
fn gather(found: &mut [Found], words: &Words) -> Vec<ThemeHit> {
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

/// What is looked for: the folded phrase between spaces; an open phrase without the closing one.
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
