//! The words a safety candidate is made of.
//!
//! Exactly the words of the contract (`voc.safety.candidates.v1`), so that `as_str` is what travels and `parse`
//! is its inverse. Free strings were the alternative; a closed enum lets the compiler find every place that must
//! know a new class.

/// What a text may be telling the safety desk about. Serialised by [`SafetyClass::as_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SafetyClass {
    /// An untoward medical occurrence in somebody who was given a product.
    AdverseEvent,
    /// The product, its container or its device is not as it should be.
    ProductComplaint,
    /// The product does not do what it is given for.
    LackOfEffect,
    /// Used outside the authorised product information, on purpose.
    OffLabelUse,
    /// Used on purpose and not as prescribed.
    Misuse,
    /// Excessive use on purpose, for its effect on the mind.
    Abuse,
    /// More than the recommended dose.
    Overdose,
    /// An unintended failure in prescribing, dispensing or giving.
    MedicationError,
    /// Exposure at work, such as a needle-stick.
    OccupationalExposure,
    /// Use in pregnancy, at conception or while breastfeeding.
    PregnancyOrLactation,
    /// Suspected passing on of an infection by the product.
    Transmission,
    /// A product that may be counterfeit.
    FalsifiedProduct,
}

impl SafetyClass {
    /// Every class, in the contract's order.
    pub const ALL: [SafetyClass; 12] = [
        SafetyClass::AdverseEvent,
        SafetyClass::ProductComplaint,
        SafetyClass::LackOfEffect,
        SafetyClass::OffLabelUse,
        SafetyClass::Misuse,
        SafetyClass::Abuse,
        SafetyClass::Overdose,
        SafetyClass::MedicationError,
        SafetyClass::OccupationalExposure,
        SafetyClass::PregnancyOrLactation,
        SafetyClass::Transmission,
        SafetyClass::FalsifiedProduct,
    ];

    /// The contract's word for this class.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            SafetyClass::AdverseEvent => "adverse_event",
            SafetyClass::ProductComplaint => "product_complaint",
            SafetyClass::LackOfEffect => "lack_of_effect",
            SafetyClass::OffLabelUse => "off_label_use",
            SafetyClass::Misuse => "misuse",
            SafetyClass::Abuse => "abuse",
            SafetyClass::Overdose => "overdose",
            SafetyClass::MedicationError => "medication_error",
            SafetyClass::OccupationalExposure => "occupational_exposure",
            SafetyClass::PregnancyOrLactation => "pregnancy_or_lactation",
            SafetyClass::Transmission => "transmission",
            SafetyClass::FalsifiedProduct => "falsified_product",
        }
    }

    /// The class a contract word names; `None` for any other word.
    #[must_use]
    pub fn parse(word: &str) -> Option<SafetyClass> {
        SafetyClass::ALL
            .into_iter()
            .find(|class| class.as_str() == word)
    }
}

/// A hint that the case may be serious (E2B(R3) E.i.3.2 a–f). A hint only: we never decide seriousness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeriousnessCue {
    /// Somebody died.
    Death,
    /// Life was in danger.
    LifeThreatening,
    /// Taken into hospital, or kept there longer.
    Hospitalisation,
    /// Lasting or significant disability.
    Disability,
    /// A birth defect.
    CongenitalAnomaly,
    /// Important for other medical reasons, such as anaphylaxis or a seizure.
    MedicallyImportant,
}

impl SeriousnessCue {
    /// Every cue, in the contract's order.
    pub const ALL: [SeriousnessCue; 6] = [
        SeriousnessCue::Death,
        SeriousnessCue::LifeThreatening,
        SeriousnessCue::Hospitalisation,
        SeriousnessCue::Disability,
        SeriousnessCue::CongenitalAnomaly,
        SeriousnessCue::MedicallyImportant,
    ];

    /// The contract's word for this cue.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            SeriousnessCue::Death => "death",
            SeriousnessCue::LifeThreatening => "life_threatening",
            SeriousnessCue::Hospitalisation => "hospitalisation",
            SeriousnessCue::Disability => "disability",
            SeriousnessCue::CongenitalAnomaly => "congenital_anomaly",
            SeriousnessCue::MedicallyImportant => "medically_important",
        }
    }

    /// The cue a contract word names; `None` for any other word.
    #[must_use]
    pub fn parse(word: &str) -> Option<SeriousnessCue> {
        SeriousnessCue::ALL
            .into_iter()
            .find(|cue| cue.as_str() == word)
    }
}

/// Whether one of the four minimum criteria of a valid case can be read from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Criterion {
    /// Nothing in the text speaks of it: ask for it.
    #[default]
    Missing,
    /// Spoken of without what identifies it ("the tablets", "some patients", a negated event).
    Partial,
    /// There, in a form an intake desk can use.
    Found,
}

impl Criterion {
    /// The contract's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Criterion::Missing => "missing",
            Criterion::Partial => "partial",
            Criterion::Found => "found",
        }
    }

    /// The criterion state a contract word names; `None` for any other word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Criterion> {
        [Criterion::Missing, Criterion::Partial, Criterion::Found]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// The four minimum criteria of a valid individual case (GVP VI.B.2), as far as the text alone shows them.
/// The engine knows more (the source names the reporter, the event its product) and may raise them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Criteria {
    /// Somebody who reports: the text speaks in the first person or names a profession.
    pub reporter: Criterion,
    /// One identifiable patient: age, sex, family tie, or the speaker.
    pub patient: Criterion,
    /// A suspected product: by name, or as "the tablets" (partial).
    pub product: Criterion,
    /// An event: asserted, or only denied, feared or asked about (partial).
    pub event: Criterion,
}

/// What triage found in one text. Spans are byte offsets into the text given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SafetyAssessment {
    /// Whether the text must go to the safety desk.
    pub is_candidate: bool,
    /// How strongly, in `[0, 1]`: the larger of the linear model's probability and the strongest rule.
    pub score: f32,
    /// The score at and above which a text is a candidate.
    pub threshold: f32,
    /// What it may be, in the contract's order, without repeats. Empty exactly when not a candidate.
    pub classes: Vec<SafetyClass>,
    /// The identifiers of the rules that fired, in a fixed order. May be non-empty without a candidate.
    pub rules_hit: Vec<&'static str>,
    /// Where events are asserted: byte spans, in order.
    pub event_spans: Vec<(u32, u32)>,
    /// The four minimum criteria.
    pub criteria: Criteria,
    /// Seriousness cues, in the contract's order, without repeats.
    pub seriousness: Vec<SeriousnessCue>,
    /// The first product as the reporter wrote it: byte span.
    pub product_as_reported: Option<(u32, u32)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_parse_back() {
        for class in SafetyClass::ALL {
            assert_eq!(SafetyClass::parse(class.as_str()), Some(class));
        }
        for cue in SeriousnessCue::ALL {
            assert_eq!(SeriousnessCue::parse(cue.as_str()), Some(cue));
        }
        assert_eq!(SafetyClass::parse("adverse event"), None);
        assert_eq!(Criterion::parse("partial"), Some(Criterion::Partial));
    }
}
