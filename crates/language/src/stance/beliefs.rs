//! Belief statements read from TOML, and the stance of a text toward each.

use super::{Stance, StanceHit};
use crate::words::{PhraseTable, Words};
use serde::Deserialize;
use std::ops::Range;
use std::sync::LazyLock;

/// Words between a negator and the phrase it turns.
const NEGATION_REACH: usize = 4;

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
}

static ATTITUDES: LazyLock<PhraseTable<Attitude>> = LazyLock::new(|| {
    const TABLE: &[(Attitude, &str)] = &[
        (
            Attitude::Negates,
            "not|no|never|don't|doesn't|didn't|isn't|aren't|wasn't|won't|wouldn't|can't|cannot|couldn't|shouldn't|hardly|without|neither|nor|nothing|kein|keine|nicht|pas|sin|non|não|niet|geen",
        ),
        (
            Attitude::Doubts,
            "not sure|unsure|uncertain|not certain|undecided|not convinced yet|don't know|do not know|doubt|doubts|doubtful|sceptical|skeptical|wonder|wondering|on the fence|jury is out|remains to be seen|need more data|needs more data|more evidence|wait and see|waiting for|maybe|perhaps|possibly|might|unclear|hard to say|too early to|open question|mixed feelings|of two minds|depends",
        ),
        (
            Attitude::Agrees,
            "i agree|we agree|agreed|fully agree|convinced that|i am convinced|i'm convinced|i believe|we believe|i support|in favour of|in favor of|believe in|makes sense|it is clear that|clearly|definitely|no doubt|without doubt|undoubtedly|of course",
        ),
        (
            Attitude::Disagrees,
            "disagree|i don't agree|i do not agree|don't believe|do not believe|not convinced|i reject|we reject|against|nonsense|overstated|overrated|myth|makes no sense|no reason to|no evidence|refuse to",
        ),
    ];
    PhraseTable::new(
        TABLE
            .iter()
            .flat_map(|(attitude, phrases)| phrases.split('|').map(|phrase| (phrase, *attitude))),
    )
});

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

    /// Reads one sentence; gives the beliefs it is about, to which the next may lean back ("I doubt it.").
    fn read_sentence(
        &self,
        words: &Words,
        range: Range<usize>,
        before: &[u16],
        votes: &mut [Option<Votes>],
    ) -> Vec<u16> {
        let list = words.words();
        let mut about: Vec<u16> = Vec::new();
        let mut sides: Vec<(u16, bool)> = Vec::new();
        let (mut doubts, mut agrees, mut disagrees) = (0u32, 0u32, 0u32);
        for at in range.clone() {
            self.phrases
                .each_at(words, at, range.end, |(belief, side), _, _| {
                    about.push(belief);
                    if side != Side::About {
                        sides.push((
                            belief,
                            (side == Side::Supports) ^ is_negated(words, range.start, at),
                        ));
                    }
                });
            ATTITUDES.each_at(words, at, range.end, |attitude, _, _| match attitude {
                Attitude::Doubts => doubts += 1,
                Attitude::Disagrees => disagrees += 1,
                Attitude::Agrees if !is_negated(words, range.start, at) => agrees += 1,
                Attitude::Agrees => disagrees += 1,
                Attitude::Negates => {}
            });
        }
        let asked = words
            .gap_after(range.end - 1)
            .has(crate::words::Gap::QUESTION);
        let leaning = about.is_empty() && doubts + agrees + disagrees > 0;
        let concerned: Vec<u16> = if leaning {
            before.to_vec()
        } else {
            about.clone()
        };
        for belief in &concerned {
            let vote = votes[usize::from(*belief)].get_or_insert_with(|| {
                Votes::new((list[range.start].start, list[range.end - 1].end))
            });
            vote.doubts += doubts + u32::from(asked);
            let said = |wanted: bool| {
                u32::try_from(
                    sides
                        .iter()
                        .filter(|(other, supports)| other == belief && *supports == wanted)
                        .count(),
                )
                .unwrap_or(0)
            };
            // Agreement and disagreement turn what was said; said of the subject alone, they speak for themselves.
            let turned = disagrees > 0;
            let (for_it, against_it) = if turned {
                (said(false), said(true))
            } else {
                (said(true), said(false))
            };
            vote.supports += for_it + u32::from(for_it + against_it == 0) * agrees;
            vote.opposes += against_it + u32::from(for_it + against_it == 0) * disagrees;
        }
        if leaning { concerned } else { about }
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

fn is_negated(words: &Words, start: usize, at: usize) -> bool {
    let list = words.words();
    let from = at.saturating_sub(NEGATION_REACH).max(start);
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
