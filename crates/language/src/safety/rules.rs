//! From cues to findings: which events are asserted, which rules fire, which classes they name.
//!
//! Rules decide only what a reader would call certain; everything graded is left to the linear model. A rule has an
//! identifier that travels with the candidate, so a safety reviewer can see why a text was sent. Scope rules
//! (negation, history, indication) follow the window idea of NegEx (Chapman et al. 2001): a trigger reaches over at
//! most five words and never across a clause break.

use super::class::{Criteria, Criterion, SafetyClass, SeriousnessCue};
use super::lexicon::{Cue, Cues, Hit};
use super::patient;
use super::token::{BUT, Break, EARLIER, Token};

/// A text this short has no room to deny one event and tell another, in words.
const FEW_WORDS: usize = 10;
/// A text of at most so many words that names no event is plain: about a hundred characters.
const PLAIN_WORDS: usize = 16;
/// How far a negation reaches to the right, in words.
const NEGATION_REACH: u32 = 5;
/// How far "for my …", "history of …" reach to the right, in words.
const CONTEXT_REACH: u32 = 4;
/// How near a product must stand for a near-class cue to count, in words; reviews are short.
const NEAR_REACH: u32 = 25;

/// How far "might", "worried about" reach to the right, and "is gone" to the left, in words.
const HYPOTHETICAL_REACH: u32 = 8;
const RELIEF_REACH: u32 = 6;

const EVENTS: Cues = Cues::of(&[Cue::StrongEvent, Cue::Event, Cue::LayEvent]);
const PRODUCTS: Cues = Cues::of(&[Cue::Product, Cue::ProductName, Cue::HouseProduct]);
/// A product by its name.
const NAMED_PRODUCTS: Cues = Cues::of(&[Cue::ProductName, Cue::HouseProduct]);
const LINKS: Cues = Cues::of(&[Cue::Cause, Cue::Onset]);

/// How an event is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// "no side effects".
    Negated,
    /// "for my migraine", "helped with the nausea".
    Indication,
    /// "history of depression".
    History,
    /// "worried about a rash", "can it cause headaches?".
    Hypothetical,
    /// It happened.
    Asserted,
}

/// The cues of one text, with the standing of each event.
pub(crate) struct Reading<'t> {
    pub text: &'t str,
    pub tokens: &'t [Token],
    pub hits: &'t [Hit],
    /// One for every hit that is an event, in order: (index of the hit, standing).
    pub events: Vec<(u32, Standing)>,
    /// All cues of the text together.
    pub all: Cues,
    /// What stands together, for the rules and as features of the model.
    pub together: Together,
}

/// How the asserted events of a text stand to its products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Together {
    /// A word that by itself tells of harm is asserted.
    pub strong: bool,
    /// An asserted event near a product.
    pub beside: bool,
    /// An asserted event near a product and near a word that links them.
    pub linked: bool,
}

impl Together {
    /// As one number, for the model.
    pub(crate) fn code(self) -> u64 {
        u64::from(self.strong) | u64::from(self.beside) << 1 | u64::from(self.linked) << 2
    }
}

impl<'t> Reading<'t> {
    pub(crate) fn new(text: &'t str, tokens: &'t [Token], hits: &'t [Hit]) -> Reading<'t> {
        let all = Cues(hits.iter().fold(0, |bits, hit| bits | hit.cues.0));
        let mut events = Vec::new();
        if all.meets(EVENTS) {
            for (index, hit) in hits.iter().enumerate() {
                if hit.cues.meets(EVENTS) {
                    events.push((index as u32, standing(tokens, hits, hit)));
                }
            }
        }
        let mut reading = Reading {
            text,
            tokens,
            hits,
            events,
            all,
            together: Together::default(),
        };
        reading.together = reading.stand_together();
        reading
    }

    /// Somebody speaks of themself or to somebody: patient language, not the language of articles.
    pub(crate) fn is_lay(&self) -> bool {
        self.all.has(Cue::Lay)
    }

    fn stand_together(&self) -> Together {
        let mut found = Together::default();
        let (products, links) = (self.all.meets(PRODUCTS), self.all.meets(LINKS));
        for hit in self.asserted() {
            found.strong |= hit.cues.has(Cue::StrongEvent);
            let beside = products && !found.linked && self.near(hit, PRODUCTS, NEAR_REACH);
            found.linked |= beside && links && self.near(hit, LINKS, NEAR_REACH);
            found.beside |= beside;
        }
        found
    }

    fn asserted(&self) -> impl Iterator<Item = &Hit> {
        self.events
            .iter()
            .filter(|(_, standing)| *standing == Standing::Asserted)
            .map(|(index, _)| &self.hits[*index as usize])
    }

    /// Every event spoken of is denied, feared, past or what the product is for, by somebody who speaks of themself or
    /// in a few words. (In articles the scope rules err too often to be believed.)
    pub(crate) fn is_denied(&self) -> bool {
        if self.events.is_empty() || self.asserted().next().is_some() {
            return false;
        }
        // "Anyone else get hives? I have had them for a week": a question beside a statement denies nothing.
        let asks = |index: u32| asked(self.tokens, &self.hits[index as usize]);
        let mixed = self.tokens.iter().any(|token| !token.in_question)
            && self.events.iter().any(|(index, _)| asks(*index));
        let flatly = self
            .events
            .iter()
            .all(|(_, standing)| *standing == Standing::Negated);
        (self.is_lay() && !mixed) || (flatly && self.tokens.len() <= FEW_WORDS)
    }

    /// A short text without a word for any event: nothing of an article's length or terms, in which harm could be told in words
    /// we do not know. It is judged like patient language.
    pub(crate) fn is_plain(&self) -> bool {
        self.events.is_empty() && self.tokens.len() <= PLAIN_WORDS
    }

    /// Whether a product is spoken of outside a question.
    fn product_told(&self) -> bool {
        self.hits
            .iter()
            .any(|hit| hit.cues.meets(PRODUCTS) && !asked(self.tokens, hit))
    }

    /// Byte span of a hit.
    fn span(&self, hit: &Hit) -> (u32, u32) {
        (
            self.tokens[hit.first as usize].start,
            self.tokens[hit.last as usize].end,
        )
    }

    /// Whether any hit with one of `cues` stands within `reach` words of `hit` and is not `hit` itself.
    fn near(&self, hit: &Hit, cues: Cues, reach: u32) -> bool {
        self.hits.iter().any(|other| {
            other.cues.meets(cues) && !overlap(other, hit) && distance(other, hit) <= reach
        })
    }

    /// Whether a hit with `cue` is there that no negation or condition turns round.
    fn holds(&self, cue: Cue) -> bool {
        self.all.has(cue)
            && self.hits.iter().any(|hit| {
                hit.cues.has(cue)
                    && !negated(self.tokens, self.hits, hit)
                    && !asked(self.tokens, hit)
            })
    }
}

fn overlap(left: &Hit, right: &Hit) -> bool {
    left.first <= right.last && right.first <= left.last
}

fn distance(left: &Hit, right: &Hit) -> u32 {
    if left.last < right.first {
        right.first - left.last
    } else {
        left.first.saturating_sub(right.last)
    }
}

/// Whether `trigger` reaches `hit` from the left: at most `reach` words before it, no clause break between.
fn reaches(tokens: &[Token], trigger: &Hit, hit: &Hit, reach: u32) -> bool {
    trigger.last < hit.first
        && hit.first - trigger.last <= reach
        && tokens[trigger.last as usize + 1..=hit.first as usize]
            .iter()
            .all(|token| token.before == Break::None && token.hash != BUT)
}

fn asked(tokens: &[Token], hit: &Hit) -> bool {
    tokens[hit.first as usize].in_question
}

fn negated(tokens: &[Token], hits: &[Hit], hit: &Hit) -> bool {
    hits.iter().any(|other| {
        other.cues.has(Cue::Negation)
            && !overlap(other, hit)
            && reaches(tokens, other, hit, NEGATION_REACH)
    })
}

/// "I never had hives before starting it": "before" right after the event.
fn of_earlier(tokens: &[Token], hit: &Hit) -> bool {
    let after = &tokens[hit.last as usize + 1..];
    after
        .iter()
        .take(3)
        .take_while(|token| token.before == Break::None)
        .any(|token| EARLIER.contains(&token.hash))
}

/// How far before "for" the taking may be told, in words.
const TAKING_REACH: u32 = 6;

/// "takes naproxen for gout": the words right after "for" are what it is for.
fn taken_for(tokens: &[Token], hits: &[Hit], hit: &Hit) -> bool {
    hits.iter().any(|link| {
        link.cues.has(Cue::For)
            && reaches(tokens, link, hit, 2)
            && hits.iter().any(|taking| {
                taking.cues.has(Cue::Taking) && reaches(tokens, taking, link, TAKING_REACH)
            })
    })
}

/// "my migraine is so much better": relief to the right, and nobody stopped the product.
fn relieved(tokens: &[Token], hits: &[Hit], hit: &Hit) -> bool {
    !hits.iter().any(|other| other.cues.has(Cue::Dechallenge))
        && hits.iter().any(|other| {
            other.cues.has(Cue::Relief)
                && !overlap(other, hit)
                && reaches(tokens, hit, other, RELIEF_REACH)
                && !negated(tokens, hits, other)
        })
}

fn standing(tokens: &[Token], hits: &[Hit], hit: &Hit) -> Standing {
    let from_left = |cue: Cue, reach: u32| {
        hits.iter().any(|other| {
            other.cues.has(cue) && !overlap(other, hit) && reaches(tokens, other, hit, reach)
        })
    };
    if from_left(Cue::Negation, NEGATION_REACH) && !of_earlier(tokens, hit) {
        return Standing::Negated;
    }
    if from_left(Cue::Indication, CONTEXT_REACH)
        || relieved(tokens, hits, hit)
        || taken_for(tokens, hits, hit)
    {
        return Standing::Indication;
    }
    if from_left(Cue::History, CONTEXT_REACH) {
        return Standing::History;
    }
    if asked(tokens, hit) || from_left(Cue::Hypothetical, HYPOTHETICAL_REACH) {
        return Standing::Hypothetical;
    }
    Standing::Asserted
}

/// What the rules say of a text: fired rules with their strength, and the classes.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub rules: Vec<&'static str>,
    pub classes: Vec<SafetyClass>,
    pub strength: f32,
}

impl Verdict {
    fn fire(&mut self, rule: &'static str, class: SafetyClass, strength: f32) {
        self.rules.push(rule);
        if !self.classes.contains(&class) {
            self.classes.push(class);
        }
        self.strength = self.strength.max(strength);
    }
}

/// Cues that name their class by themselves, with the rule that says so.
const DIRECT: [(Cue, &str, SafetyClass); 10] = [
    (
        Cue::LackOfEffect,
        "lack-of-effect-1",
        SafetyClass::LackOfEffect,
    ),
    (Cue::OffLabelUse, "off-label-1", SafetyClass::OffLabelUse),
    (Cue::Misuse, "misuse-1", SafetyClass::Misuse),
    (Cue::Abuse, "abuse-1", SafetyClass::Abuse),
    (Cue::Overdose, "overdose-1", SafetyClass::Overdose),
    (
        Cue::MedicationError,
        "medication-error-1",
        SafetyClass::MedicationError,
    ),
    (
        Cue::OccupationalExposure,
        "occupational-1",
        SafetyClass::OccupationalExposure,
    ),
    (
        Cue::Transmission,
        "transmission-1",
        SafetyClass::Transmission,
    ),
    (
        Cue::FalsifiedProduct,
        "falsified-1",
        SafetyClass::FalsifiedProduct,
    ),
    (
        Cue::PregnancyOrLactation,
        "pregnancy-1",
        SafetyClass::PregnancyOrLactation,
    ),
];

/// Runs every rule.
pub(crate) fn judge(reading: &Reading<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    adverse_event(reading, &mut verdict);
    for (cue, rule, class) in DIRECT {
        let needs_product = cue == Cue::PregnancyOrLactation || cue == Cue::Abuse;
        // "Is breastfeeding fine? I had the infusion yesterday." tells of an exposure although it asks.
        let told = reading.holds(cue)
            || (cue == Cue::PregnancyOrLactation && reading.is_lay() && reading.product_told());
        if reading.all.has(cue) && (!needs_product || reading.all.meets(PRODUCTS)) && told {
            verdict.fire(rule, class, 0.9);
        }
    }
    near_class(
        reading,
        &mut verdict,
        Cue::LackOfEffectNear,
        PRODUCTS,
        ("lack-of-effect-2", SafetyClass::LackOfEffect),
    );
    near_class(
        reading,
        &mut verdict,
        Cue::MisuseNear,
        PRODUCTS,
        ("misuse-2", SafetyClass::Misuse),
    );
    near_class(
        reading,
        &mut verdict,
        Cue::Defect,
        Cues::of(&[Cue::Device]),
        ("defect-1", SafetyClass::ProductComplaint),
    );
    verdict.classes.sort_unstable();
    verdict
}

fn adverse_event(reading: &Reading<'_>, verdict: &mut Verdict) {
    let Together {
        strong,
        beside,
        linked,
    } = reading.together;
    if strong {
        verdict.fire("event-1", SafetyClass::AdverseEvent, 0.9);
    }
    // In articles nearly every sentence has a drug and a disease: there only the model can tell. A speaker who puts
    // both in one breath is heard.
    let strength = if reading.is_lay() { 0.8 } else { 0.0 };
    if linked {
        verdict.fire("event-2", SafetyClass::AdverseEvent, strength);
    } else if beside {
        verdict.fire("event-3", SafetyClass::AdverseEvent, 0.0);
    }
}

fn near_class(
    reading: &Reading<'_>,
    verdict: &mut Verdict,
    cue: Cue,
    near: Cues,
    (rule, class): (&'static str, SafetyClass),
) {
    if !reading.all.has(cue) || !reading.all.meets(near) {
        return;
    }
    let fits = |hit: &&Hit| {
        hit.cues.has(cue)
            && !asked(reading.tokens, hit)
            && !negated(reading.tokens, reading.hits, hit)
            && reading.near(hit, near, 8)
    };
    if reading.hits.iter().any(|hit| fits(&hit)) {
        verdict.fire(rule, class, 0.7);
    }
}

const SERIOUS: [(Cue, SeriousnessCue); 6] = [
    (Cue::Death, SeriousnessCue::Death),
    (Cue::LifeThreatening, SeriousnessCue::LifeThreatening),
    (Cue::Hospitalisation, SeriousnessCue::Hospitalisation),
    (Cue::Disability, SeriousnessCue::Disability),
    (Cue::CongenitalAnomaly, SeriousnessCue::CongenitalAnomaly),
    (Cue::MedicallyImportant, SeriousnessCue::MedicallyImportant),
];

/// The seriousness cues that nothing negates, in the contract's order.
pub(crate) fn seriousness(reading: &Reading<'_>) -> Vec<SeriousnessCue> {
    let mut found = Vec::new();
    for (cue, seriousness) in SERIOUS {
        if reading.holds(cue) {
            found.push(seriousness);
        }
    }
    found
}

/// The four minimum criteria as far as the text shows them.
pub(crate) fn criteria(reading: &Reading<'_>) -> Criteria {
    let either = |found: bool, partial: bool| match (found, partial) {
        (true, _) => Criterion::Found,
        (false, true) => Criterion::Partial,
        (false, false) => Criterion::Missing,
    };
    Criteria {
        reporter: either(reading.all.has(Cue::Reporter), false),
        patient: patient::patient(
            reading.text,
            reading.tokens,
            reading.hits,
            !reading.events.is_empty(),
        ),
        product: either(
            reading.all.meets(NAMED_PRODUCTS),
            reading.all.has(Cue::Product),
        ),
        event: either(
            reading.asserted().next().is_some(),
            !reading.events.is_empty(),
        ),
    }
}

/// Spans of the asserted events, in order, overlapping ones joined.
pub(crate) fn event_spans(reading: &Reading<'_>) -> Vec<(u32, u32)> {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for hit in reading.asserted() {
        let (start, end) = reading.span(hit);
        match spans.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => spans.push((start, end)),
        }
    }
    spans
}

/// The first named product, or else the first generic one.
pub(crate) fn product_as_reported(reading: &Reading<'_>) -> Option<(u32, u32)> {
    let first = |cues: Cues| {
        reading
            .hits
            .iter()
            .find(|hit| hit.cues.meets(cues))
            .map(|hit| reading.span(hit))
    };
    first(NAMED_PRODUCTS).or_else(|| first(Cues::of(&[Cue::Product])))
}
