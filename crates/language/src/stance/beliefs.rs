//! Belief statements read from TOML, and the stance of a text toward each.

use super::{Stance, StanceHit};
use crate::words::{PhraseTable, Words};
use serde::Deserialize;
use std::ops::Range;
use std::sync::LazyLock;

/// Words between a negator and the phrase it turns.
const NEGATION_REACH: usize = 4;
/// Words between a negator and the doubt it denies: "nobody doubts".
const DOUBT_REACH: usize = 2;
/// A sentence this short leans on the one before: "Barely any."
const FEW_WORDS: usize = 4;

/// One belief statement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Belief {
    /// Id, such as `early-treatment`.
    pub id: String,
    /// The statement people support or oppose.
    pub statement: String,
    /// Version of the wording.
    pub version: String,
    /// Phrases of the subject: without one of them (or of a side) nothing is expressed.
    pub about: Vec<String>,
    /// Phrases that support the statement when said of the subject.
    pub supports: Vec<String>,
    /// Phrases that oppose it.
    pub opposes: Vec<String>,
}

/// What is wrong with a belief file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("beliefs {path}: {reason}; {remedy}")]
pub struct BeliefProblem {
    /// Where.
    pub path: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    #[serde(default)]
    beliefs: Vec<Belief>,
}

/// What a phrase means for a belief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    About,
    Supports,
    Opposes,
}

/// Words around the phrases that turn or weaken them, the same for every belief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attitude {
    Negates,
    Doubts,
    Agrees,
    Disagrees,
    /// Points back to the sentence before, as its first word.
    Points,
}

static ATTITUDES: LazyLock<PhraseTable<Attitude>> = LazyLock::new(|| {
    const TABLE: &[(Attitude, &str)] = &[
        (
            Attitude::Negates,
            "not|no|never|don't|doesn't|didn't|isn't|aren't|wasn't|won't|wouldn't|can't|cannot|couldn't|shouldn't|hardly|without|neither|nor|nothing|nobody|none|weren't|haven't|hasn't|kein|keine|nicht|pas|sin|non|não|niet|geen",
        ),
        (
            Attitude::Doubts,
            "not sure|unsure|uncertain|not certain|undecided|not convinced yet|don't know|do not know|not know|doubt|doubts|doubtful|sceptical|skeptical|wonder|wondering|on the fence|jury is out|jury is still out|remains to be seen|need more data|needs more data|need more evidence|more evidence|wait and see|we will see|we'll see|time will tell|waiting for|maybe|perhaps|possibly|might|unclear|hard to say|hard to tell|hard to judge|too early to|too soon to say|too soon to tell|open question|mixed feelings|of two minds|in two minds|depends|whether|who knows|can't say|cannot say|can't tell if|cannot tell yet|can't judge|cannot judge|either way|no idea|torn|back and forth|anybody's guess|anyone's guess|for and against|pros and cons|are mixed|is mixed|mixed results|mixed evidence|mixed data|conflicting|contradictory|inconclusive|debatable|controversial|under debate|nobody really knows|nobody knows|no one knows|no one really knows|hard to know|not clear|no clear answer|undetermined|yet to be shown|yet to be proven|still to be shown|ambivalent|can't decide|cannot decide|can't make up my mind|cannot make up my mind|haven't made up my mind|not made up my mind|don't have an opinion|no opinion|some days",
        ),
        (
            Attitude::Agrees,
            "i agree|we agree|agreed|fully agree|convinced that|i am convinced|i'm convinced|i believe|we believe|i support|in favour of|in favor of|believe in|makes sense|it is clear that|clearly|definitely|no doubt|without doubt|undoubtedly|of course",
        ),
        (
            Attitude::Disagrees,
            "disagree|i don't agree|i do not agree|not convinced|i reject|we reject|against|nonsense|overstated|overrated|myth|makes no sense|no evidence that|refuse to|don't believe|do not believe|don't think|do not think|doesn't mean|no way|not true that|wrong that|nobody believes",
        ),
        (Attitude::Points, "it|they|this|that|these|those"),
    ];
    PhraseTable::new(
        TABLE
            .iter()
            .flat_map(|(attitude, phrases)| phrases.split('|').map(|phrase| (phrase, *attitude))),
    )
});

/// The same statements and phrases.
impl PartialEq for BeliefSet {
    fn eq(&self, other: &BeliefSet) -> bool {
        self.beliefs == other.beliefs
    }
}

/// A checked set of beliefs.
#[derive(Debug, Clone)]
pub struct BeliefSet {
    beliefs: Vec<Belief>,
    phrases: PhraseTable<(u16, Side)>,
}

impl BeliefSet {
    /// Reads and checks beliefs.
    ///
    /// # Errors
    /// Every problem in the file, with its path, reason and remedy.
    pub fn from_toml(text: &str) -> Result<BeliefSet, Vec<BeliefProblem>> {
        let written: Written = toml::from_str(text)
            .map_err(|error| vec![problem("file", error.message(), "correct the TOML")])?;
        let mut problems = Vec::new();
        if written.format != 1 {
            problems.push(problem("format", "it is not known", "write format = 1"));
        }
        let mut phrases: Vec<(&str, (u16, Side))> = Vec::new();
        for (at, belief) in written.beliefs.iter().enumerate() {
            let path = format!("beliefs[{}]", belief.id);
            let Ok(index) = u16::try_from(at) else { break };
            for (name, list, side) in [
                ("about", &belief.about, Side::About),
                ("supports", &belief.supports, Side::Supports),
                ("opposes", &belief.opposes, Side::Opposes),
            ] {
                if list.is_empty() {
                    problems.push(problem(
                        &format!("{path}.{name}"),
                        "there is no phrase",
                        "add phrases people really use",
                    ));
                }
                phrases.extend(list.iter().map(|phrase| (phrase.as_str(), (index, side))));
            }
            if belief.statement.trim().is_empty() || belief.version.trim().is_empty() {
                problems.push(problem(
                    &path,
                    "statement or version is empty",
                    "fill them in: every stance carries them",
                ));
            }
            if written.beliefs[..at]
                .iter()
                .any(|other| other.id == belief.id)
            {
                problems.push(problem(
                    &path,
                    "the id is used twice",
                    "give each belief its own id",
                ));
            }
        }
        let phrases = PhraseTable::new(phrases);
        if problems.is_empty() {
            Ok(BeliefSet {
                beliefs: written.beliefs,
                phrases,
            })
        } else {
            Err(problems)
        }
    }

    /// Name and version of rules and statements together, as `name@version`. It changes with every wording and every phrase.
    #[must_use]
    pub fn version(&self) -> String {
        let mut written = blake3::Hasher::new();
        for belief in &self.beliefs {
            for text in [&belief.id, &belief.statement, &belief.version]
                .into_iter()
                .chain(&belief.about)
                .chain(&belief.supports)
                .chain(&belief.opposes)
            {
                written.update(text.as_bytes()).update(&[0]);
            }
            written.update(&[1]);
        }
        let mark = written.finalize().to_hex();
        format!("{}+beliefs.{}", super::VERSION, &mark[..8])
    }

    /// The beliefs, in the order of the file.
    #[must_use]
    pub fn beliefs(&self) -> &[Belief] {
        &self.beliefs
    }

    /// Stances a text expresses, one a belief, in the order of the beliefs.
    #[must_use]
    pub fn stances(&self, text: &str) -> Vec<StanceHit> {
        self.stances_words(&Words::of(text))
    }

    /// Stances of a text that has been read already.
    #[must_use]
    pub fn stances_words(&self, words: &Words) -> Vec<StanceHit> {
        let mut votes: Vec<Option<Votes>> = vec![None; self.beliefs.len()];
        let list = words.words();
        let mut first = 0;
        let mut before: Vec<u16> = Vec::new();
        while first < list.len() {
            let mut end = first + 1;
            while end < list.len() && !list[end].before.ends_sentence() {
                end += 1;
            }
            before = self.read_sentence(words, first..end, &before, &mut votes);
            first = end;
        }
        let hit = |(belief, votes): (usize, Votes)| {
            Some(StanceHit {
                belief: u16::try_from(belief).ok()?,
                stance: votes.decide()?,
                span: votes.span,
            })
        };
        votes
            .into_iter()
            .enumerate()
            .filter_map(|(belief, votes)| hit((belief, votes?)))
            .collect()
    }

    /// Reads one sentence; gives the beliefs it is about, to which the next may lean back ("I doubt it.", "Barely any.").
    fn read_sentence(
        &self,
        words: &Words,
        range: Range<usize>,
        before: &[u16],
        votes: &mut [Option<Votes>],
    ) -> Vec<u16> {
        let attitudes = Attitudes::of(words, &range);
        let phrases = self.phrases_in(words, &range);
        let leans = attitudes.any()
            || range.len() <= FEW_WORDS
            || ATTITUDES
                .word(words.words()[range.start].hash)
                .contains(&Attitude::Points);
        let asked = words
            .gap_after(range.end - 1)
            .has(crate::words::Gap::QUESTION);
        let mut concerned = Vec::new();
        for (number, vote) in (0_u16..).zip(votes) {
            let own = |said: &&Said<(u16, Side)>| said.meaning.0 == number;
            let is_named = phrases
                .iter()
                .filter(own)
                .any(|said| said.meaning.1 == Side::About);
            let is_meant = is_named || leans && before.contains(&number);
            if !is_meant {
                continue;
            }
            concerned.push(number);
            let sides = sides_taken(phrases.iter().filter(own));
            let list = words.words();
            let vote = vote.get_or_insert_with(|| {
                Votes::new((list[range.start].start, list[range.end - 1].end))
            });
            vote.take(words, range.start, &sides, &attitudes, asked);
        }
        concerned
    }

    /// Phrases of all beliefs, those within a longer one of the same belief's sides left out.
    fn phrases_in(&self, words: &Words, range: &Range<usize>) -> Vec<Said<(u16, Side)>> {
        let mut phrases = Vec::new();
        for at in range.clone() {
            self.phrases
                .each_at(words, at, range.end, |meaning, _, length| {
                    phrases.push(Said {
                        meaning,
                        at,
                        length,
                    });
                });
        }
        phrases
    }
}

/// A phrase found: where, and how many words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said<M> {
    meaning: M,
    at: usize,
    length: usize,
}

impl<M> Said<M> {
    fn end(&self) -> usize {
        self.at + self.length
    }

    fn is_within<N>(&self, other: &Said<N>) -> bool {
        other.at <= self.at && self.end() <= other.end() && other.length > self.length
    }
}

/// Phrases for and against one belief: of overlapping ones the longest, so that "no loss of control" counts once.
fn sides_taken<'s>(phrases: impl Iterator<Item = &'s Said<(u16, Side)>>) -> Vec<Said<bool>> {
    let mut sides: Vec<Said<bool>> = phrases
        .filter(|said| said.meaning.1 != Side::About)
        .map(|said| Said {
            meaning: said.meaning.1 == Side::Supports,
            at: said.at,
            length: said.length,
        })
        .collect();
    let all = sides.clone();
    sides.retain(|side| !all.iter().any(|other| side.is_within(other)));
    sides.sort_by_key(|side| (side.at, std::cmp::Reverse(side.length)));
    let mut end = 0;
    sides.retain(|side| {
        let is_first = side.at >= end;
        if is_first {
            end = side.end();
        }
        is_first
    });
    sides
}

/// What turns or weakens what is said in a sentence.
#[derive(Debug, Default)]
struct Attitudes {
    doubts: Vec<Said<()>>,
    /// Agreement, and doubt that is denied.
    agrees: u32,
    disagrees: Vec<Said<()>>,
}

impl Attitudes {
    fn of(words: &Words, range: &Range<usize>) -> Attitudes {
        let mut found: Vec<Said<Attitude>> = Vec::new();
        for at in range.clone() {
            ATTITUDES.each_at(words, at, range.end, |meaning, _, length| {
                found.push(Said {
                    meaning,
                    at,
                    length,
                });
            });
        }
        let spoken = |said: &&Said<Attitude>| {
            !matches!(said.meaning, Attitude::Negates | Attitude::Points)
                && !found.iter().any(|other| {
                    !matches!(other.meaning, Attitude::Negates | Attitude::Points)
                        && said.is_within(other)
                })
        };
        let mut attitudes = Attitudes::default();
        for said in found.iter().filter(spoken) {
            let negated = |reach: usize| is_negated(words, range.start, said.at, reach);
            let place = Said {
                meaning: (),
                at: said.at,
                length: said.length,
            };
            match said.meaning {
                Attitude::Doubts if negated(DOUBT_REACH) => attitudes.agrees += 1,
                Attitude::Doubts => attitudes.doubts.push(place),
                Attitude::Agrees if !negated(NEGATION_REACH) => attitudes.agrees += 1,
                Attitude::Agrees | Attitude::Disagrees => attitudes.disagrees.push(place),
                Attitude::Negates | Attitude::Points => {}
            }
        }
        attitudes
    }

    fn any(&self) -> bool {
        self.agrees > 0 || !self.doubts.is_empty() || !self.disagrees.is_empty()
    }
}

#[derive(Debug, Clone, Copy)]
struct Votes {
    supports: u32,
    opposes: u32,
    doubts: u32,
    span: (u32, u32),
}

impl Votes {
    fn new(span: (u32, u32)) -> Votes {
        Votes {
            supports: 0,
            opposes: 0,
            doubts: 0,
            span,
        }
    }

    /// Takes a sentence in. A question takes no side: asked about a side it is doubt, else it only asks.
    fn take(
        &mut self,
        words: &Words,
        start: usize,
        sides: &[Said<bool>],
        attitudes: &Attitudes,
        asked: bool,
    ) {
        // "Wait and see" is doubt, but a side where the belief's own phrases say so.
        let doubts = attitudes.doubts.iter();
        let own = doubts.filter(|said| !sides.iter().any(|side| within(said, side)));
        self.doubts += own.count() as u32;
        if asked {
            self.doubts += u32::from(!sides.is_empty());
            return;
        }
        for side in sides {
            // "I don't think it works": disagreement before a side turns it, however far off; within it, it is part of it.
            let turns = attitudes
                .disagrees
                .iter()
                .filter(|said| said.at < side.at && !sides.iter().any(|other| within(said, other)));
            let is_turned =
                (turns.count() % 2 == 1) ^ is_negated(words, start, side.at, NEGATION_REACH);
            if side.meaning ^ is_turned {
                self.supports += 1;
            } else {
                self.opposes += 1;
            }
        }
        if sides.is_empty() {
            // Said of the subject alone, agreement and disagreement speak for themselves.
            self.supports += attitudes.agrees;
            self.opposes += attitudes.disagrees.len() as u32;
        }
    }

    /// Doubt outweighs a side; both sides at once is doubt too.
    fn decide(self) -> Option<Stance> {
        match (self.supports, self.opposes, self.doubts) {
            (0, 0, 0) => None,
            (_, _, doubts) if doubts > 0 => Some(Stance::Unsure),
            (supports, opposes, _) if supports > opposes => Some(Stance::Supports),
            (supports, opposes, _) if opposes > supports => Some(Stance::Opposes),
            _ => Some(Stance::Unsure),
        }
    }
}

fn within(said: &Said<()>, side: &Said<bool>) -> bool {
    side.at <= said.at && said.end() <= side.end()
}

fn is_negated(words: &Words, start: usize, at: usize, reach: usize) -> bool {
    let list = words.words();
    let from = at.saturating_sub(reach).max(start);
    let negators = (from..at)
        .rev()
        .take_while(|index| !list[index + 1].before.ends_clause())
        .filter(|index| {
            ATTITUDES
                .word(list[*index].hash)
                .contains(&Attitude::Negates)
        });
    negators.count() % 2 == 1
}

fn problem(path: &str, reason: &str, remedy: &str) -> BeliefProblem {
    BeliefProblem {
        path: path.into(),
        reason: reason.into(),
        remedy: remedy.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Confusion;
    use super::*;

    const BELIEFS: &str = r#"
        format = 1
        [[beliefs]]
        id = "early-treatment"
        statement = "Starting treatment early gives better outcomes."
        version = "2"
        about = ["early treatment", "treat early", "start early", "starting early", "early start", "treating early"]
        supports = ["better outcomes", "pays off", "is best", "works best", "prevents damage", "should be standard", "important"]
        opposes = ["overtreatment", "too aggressive", "no benefit", "makes no difference", "can wait", "unnecessary"]
    "#;

    fn stance(text: &str) -> Stance {
        BeliefSet::from_toml(BELIEFS)
            .unwrap()
            .stances(text)
            .first()
            .map_or(Stance::NotExpressed, |hit| hit.stance)
    }

    #[test]
    fn doubt_within_a_phrase_of_one_side_is_that_side() {
        let set = BELIEFS.replace("\"can wait\"", "\"rather wait and see\"");
        let beliefs = BeliefSet::from_toml(&set).unwrap();
        let stance = |text| beliefs.stances(text).first().map(|hit| hit.stance);
        assert_eq!(
            stance("With early treatment I would rather wait and see."),
            Some(Stance::Opposes)
        );
        assert_eq!(
            stance("With early treatment we wait and see."),
            Some(Stance::Unsure)
        );
    }

    #[test]
    fn stances_agree_with_people_on_a_small_set() {
        use Stance::{NotExpressed, Opposes, Supports, Unsure};
        let labelled = [
            (
                Supports,
                "Early treatment prevents damage, I see it every week.",
            ),
            (Supports, "I agree that we should treat early."),
            (Supports, "For me an early start pays off."),
            (Supports, "Starting early does not mean overtreatment."),
            (Opposes, "Treating early is overtreatment for most of them."),
            (Opposes, "Early treatment is not important at that age."),
            (Opposes, "I disagree, early treatment is too aggressive."),
            (Opposes, "I am against starting early."),
            (Unsure, "I am not sure early treatment pays off."),
            (Unsure, "Does early treatment really give better outcomes?"),
            (Unsure, "They say start early. I doubt it."),
            (Unsure, "Whether to treat early remains to be seen."),
            (
                NotExpressed,
                "The rep was friendly and the brochure was important.",
            ),
            (
                NotExpressed,
                "We discussed early treatment at the congress.",
            ),
            (NotExpressed, "The delivery came early."),
        ];
        let mut confusion = Confusion::default();
        for (truth, text) in labelled {
            confusion.add(truth, stance(text));
        }
        // Feature U07 asks for kappa 0.6 with a human; this small set is the author's own, so ask for more.
        assert!(
            confusion.kappa() >= 0.8,
            "{confusion:?} kappa {}",
            confusion.kappa()
        );
    }

    #[test]
    fn reports_every_problem() {
        let problems = BeliefSet::from_toml("format = 2\n[[beliefs]]\nid=\"a\"\nstatement=\"\"\nversion=\"1\"\nabout=[]\nsupports=[]\nopposes=[]").unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:?}");
    }
}
