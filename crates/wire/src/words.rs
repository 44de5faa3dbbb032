//! Closed vocabularies of the boundary: those of the core, and the few that only the boundary has.

use auscult_core::words as core_words;

/// A closed list of words with one spelling each.
pub trait Word: Copy + PartialEq + std::fmt::Debug + 'static {
    /// Name of the vocabulary, as schemas and error messages call it.
    const NAME: &'static str;
    /// Every word.
    const ALL: &'static [Self];
    /// The word as written.
    fn word(self) -> &'static str;
    /// The variant spelled exactly `text`.
    fn from_word(text: &str) -> Option<Self>;
}

macro_rules! core_vocabularies {
    ($($name:ident),+ $(,)?) => {$(
        impl Word for core_words::$name {
            const NAME: &'static str = stringify!($name);
            const ALL: &'static [Self] = core_words::$name::ALL;
            fn word(self) -> &'static str { self.as_str() }
            fn from_word(text: &str) -> Option<Self> { core_words::$name::parse(text) }
        }
    )+};
}

core_vocabularies!(
    SourceType,
    Channel,
    Stakeholder,
    Tier,
    Setting,
    FeedbackKind,
    Solicitation,
    ContentFormat,
    Origin,
    ConsentBasis,
    PrivacyState,
    Stance,
    Decision,
    Cause,
    Priority,
    DispositionScope,
    ActionState,
    ActionKind,
    Direction,
    ComparisonKind,
    ValueDimension,
    OutcomeMethod,
    OutcomeStage,
    OutcomeVerdict,
    OutcomeCaveat,
    NextStep,
    SignalKind,
    SignalStatus,
    StatusReason,
    AlertChange,
    Horizon,
    Severity,
    EvidenceGrade,
    Caveat,
    Measure,
);

macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = concat!("`", $text, "`")] $variant),+ }

        impl $name {
            /// Every word, in the order of the contract.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word as written on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// The variant spelled exactly `text`, if any.
            #[must_use]
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }

        impl Word for $name {
            const NAME: &'static str = stringify!($name);
            const ALL: &'static [Self] = $name::ALL;
            fn word(self) -> &'static str { self.as_str() }
            fn from_word(text: &str) -> Option<Self> { $name::parse(text) }
        }
    };
}

vocabulary! {
    /// How closely data must be held, from open to closest.
    DataClassification { Public = "public", Internal = "internal", Confidential = "confidential", Restricted = "restricted" }
}

vocabulary! {
    /// What kind of personal data an event may hold.
    DataCategory { Phi = "phi", SpecialCategory = "special-category", SensitivePii = "sensitive-pii", NonPii = "non-pii" }
}

vocabulary! {
    /// Who a topic is for.
    Audience { Shared = "shared", Medical = "medical", Safety = "safety", Ops = "ops" }
}

vocabulary! {
    /// What safety triage may have found.
    SafetyClass {
        AdverseEvent = "adverse_event", ProductComplaint = "product_complaint", LackOfEffect = "lack_of_effect",
        OffLabelUse = "off_label_use", Misuse = "misuse", Abuse = "abuse", Overdose = "overdose",
        MedicationError = "medication_error", OccupationalExposure = "occupational_exposure",
        PregnancyOrLactation = "pregnancy_or_lactation", Transmission = "transmission",
        FalsifiedProduct = "falsified_product",
    }
}

vocabulary! {
    /// How much of one of the four minimum criteria was found.
    Criterion { Found = "found", Partial = "partial", Missing = "missing" }
}

vocabulary! {
    /// Words that hint at seriousness; a hint, never a judgement.
    SeriousnessCue {
        Death = "death", LifeThreatening = "life_threatening", Hospitalisation = "hospitalisation",
        Disability = "disability", CongenitalAnomaly = "congenital_anomaly",
        MedicallyImportant = "medically_important",
    }
}

vocabulary! {
    /// Who reports, in the words of E2B C.2.r.4.
    ReporterType {
        Physician = "physician", Pharmacist = "pharmacist", OtherHcp = "other_hcp", Consumer = "consumer",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What safety intake answered.
    AckDecision {
        Accepted = "accepted", NotACase = "not_a_case", Duplicate = "duplicate",
        NeedsInformation = "needs_information",
    }
}

vocabulary! {
    /// Why a safety candidate was escalated.
    EscalationReason { NotAcknowledged = "not_acknowledged" }
}

vocabulary! {
    /// What medical information did with a question. `needs_information` leaves it open.
    RequestDecision {
        Answered = "answered", Duplicate = "duplicate", NotARequest = "not_a_request",
        NeedsInformation = "needs_information",
    }
}

impl AckDecision {
    /// Whether intake is done with the candidate; `needs_information` says that it was taken in and is still open.
    #[must_use]
    pub const fn closes(self) -> bool {
        !matches!(self, AckDecision::NeedsInformation)
    }
}

impl RequestDecision {
    /// Whether medical information is done with the question.
    #[must_use]
    pub const fn closes(self) -> bool {
        !matches!(self, RequestDecision::NeedsInformation)
    }
}

vocabulary! {
    /// Number of people, banded so that nobody in a small group can be told.
    PeopleBand { BelowFive = "<5", FiveToNine = "5-9", TenToTwentyFour = "10-24", TwentyFiveToFortyNine = "25-49", FiftyOrMore = "50+" }
}

impl PeopleBand {
    /// The band that holds `people`.
    #[must_use]
    pub fn of(people: u32) -> PeopleBand {
        match people {
            0..=4 => PeopleBand::BelowFive,
            5..=9 => PeopleBand::FiveToNine,
            10..=24 => PeopleBand::TenToTwentyFour,
            25..=49 => PeopleBand::TwentyFiveToFortyNine,
            _ => PeopleBand::FiftyOrMore,
        }
    }
}
