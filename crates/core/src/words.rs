//! Closed vocabularies. Each word here is the contract's word; adding one is a schema change.

/// Declares an enum whose variants have one fixed spelling on the wire.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] #[doc = concat!("`", $text, "`")] $variant),+ }

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

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

vocabulary! {
    /// Where a feedback event came from.
    SourceType {
        Survey = "survey", FieldNote = "field_note", MedicalInquiry = "medical_inquiry", Call = "call",
        Email = "email", Chat = "chat", Portal = "portal", AdvisoryBoard = "advisory_board",
        Congress = "congress", Social = "social", PatientSupport = "patient_support",
        PayerMeeting = "payer_meeting", MarketResearch = "market_research",
        RegulatorLetter = "regulator_letter", LiteratureComment = "literature_comment", Other = "other",
    }
}

vocabulary! {
    /// How the words reached us.
    Channel {
        FaceToFace = "face_to_face", Remote = "remote", Phone = "phone", Email = "email", Web = "web",
        App = "app", Social = "social", Event = "event", Post = "post",
    }
}

vocabulary! {
    /// Who speaks.
    Stakeholder {
        Hcp = "hcp", Patient = "patient", Caregiver = "caregiver", Pharmacist = "pharmacist",
        Payer = "payer", ProviderOrg = "provider_org", Supplier = "supplier", Distributor = "distributor",
        Advocate = "advocate", Regulator = "regulator", Unknown = "unknown",
    }
}

vocabulary! {
    /// Reach of an expert; `na` for everybody else.
    Tier {
        NationalExpert = "national_expert", RegionalExpert = "regional_expert",
        LocalExpert = "local_expert", Community = "community", NotApplicable = "na",
    }
}

vocabulary! {
    /// Place of care or work of the respondent.
    Setting {
        Hospital = "hospital", Clinic = "clinic", CommunityPractice = "community_practice",
        Pharmacy = "pharmacy", Payer = "payer", Home = "home", Regulator = "regulator",
        Supplier = "supplier", Other = "other",
    }
}

vocabulary! {
    /// What kind of record a feedback event is.
    FeedbackKind { Feedback = "feedback", Contact = "contact", OrgEvent = "org_event", Preference = "preference" }
}

vocabulary! {
    /// Whether somebody asked.
    Solicitation { Solicited = "solicited", Unsolicited = "unsolicited", Observed = "observed" }
}

vocabulary! {
    /// Shape of the content.
    ContentFormat { Text = "text", Rating = "rating", Choice = "choice", Mixed = "mixed" }
}

vocabulary! {
    /// How the text came to be text.
    Origin { Typed = "typed", Dictated = "dictated", Asr = "asr", Ocr = "ocr", Translated = "translated" }
}

vocabulary! {
    /// Legal basis under which the feedback may be used.
    ConsentBasis {
        Consent = "consent", LegitimateInterest = "legitimate_interest",
        LegalObligation = "legal_obligation", Contract = "contract", PublicSource = "public_source",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Whether personal data are still in the text.
    PrivacyState { Raw = "raw", Redacted = "redacted", Aggregated = "aggregated" }
}

vocabulary! {
    /// What a text says of a belief statement. Nothing said is no word: the mention then has no such entry.
    Stance { Supports = "supports", Opposes = "opposes", Unsure = "unsure" }
}

vocabulary! {
    /// A person's verdict on a signal.
    Decision {
        Confirmed = "confirmed", Expected = "expected", NewTrend = "new_trend", FalseAlarm = "false_alarm",
        Duplicate = "duplicate", NotEnoughEvidence = "not_enough_evidence",
        HandedToSafety = "handed_to_safety",
        HandedToMedicalInformation = "handed_to_medical_information",
    }
}

vocabulary! {
    /// What lay behind a signal, as far as the person knows.
    Cause {
        Campaign = "campaign", ContentChange = "content_change", Congress = "congress",
        LabelChange = "label_change", Guideline = "guideline",
        FormularyOrPolicy = "formulary_or_policy", Supply = "supply", Competitor = "competitor",
        OrganisationChange = "organisation_change", SeasonOrHoliday = "season_or_holiday",
        DataError = "data_error", DetectorError = "detector_error", Unknown = "unknown", Other = "other",
    }
}

vocabulary! {
    /// What kind of event a calendar names.
    CalendarKind {
        Holiday = "holiday", Congress = "congress", Launch = "launch", LabelChange = "label_change",
        Campaign = "campaign", Guideline = "guideline",
    }
}

vocabulary! {
    /// How soon somebody should act.
    Priority { Low = "low", Normal = "normal", High = "high" }
}

vocabulary! {
    /// How far a verdict reaches.
    DispositionScope { ThisAlert = "this_alert", Series = "series", Topic = "topic" }
}

vocabulary! {
    /// Where an action stands.
    ActionState {
        Proposed = "proposed", Approved = "approved", Started = "started", Done = "done",
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// What is done about signals.
    ActionKind {
        ContentChange = "content_change", ChannelChange = "channel_change",
        ContactReduction = "contact_reduction", ServiceFix = "service_fix",
        AccessSupport = "access_support", Education = "education",
        ResearchFollowUp = "research_follow_up", ProductFeedback = "product_feedback",
        NoAction = "no_action",
    }
}

vocabulary! {
    /// Which way a measure is wanted to go.
    Direction { Up = "up", Down = "down" }
}

vocabulary! {
    /// What an action is compared with.
    ComparisonKind { None = "none", Segment = "segment", Region = "region" }
}

vocabulary! {
    /// What an action is to be worth to customers. There is no word for sales.
    ValueDimension {
        Ease = "ease", Usefulness = "usefulness", TimeToAnswer = "time_to_answer", Answered = "answered",
        RepeatContact = "repeat_contact", NeedServed = "need_served", Understanding = "understanding",
    }
}

vocabulary! {
    /// How an outcome was estimated: interrupted series (`its`), difference in differences (`did`), or otherwise.
    OutcomeMethod {
        InterruptedSeries = "its", DifferenceInDifferences = "did", PrePost = "pre_post",
        Randomised = "randomised", Qualitative = "qualitative",
    }
}

vocabulary! {
    /// Whether all of the buckets that were planned have been seen.
    OutcomeStage { Interim = "interim", Final = "final" }
}

vocabulary! {
    /// What came of an action.
    OutcomeVerdict {
        Improved = "improved", NoChange = "no_change", Worse = "worse", Inconclusive = "inconclusive",
    }
}

vocabulary! {
    /// A reason to read an outcome with care, or why there is no estimate.
    OutcomeCaveat {
        FewCounts = "few_counts", BucketsMoveTogether = "buckets_move_together",
        NoComparison = "no_comparison", ComparisonUnknown = "comparison_unknown",
        CalendarOverlap = "calendar_overlap", SignalInBaseline = "signal_in_baseline",
        OtherAction = "other_action", BucketsMissing = "buckets_missing", StoppedEarly = "stopped_early",
        TooFewBuckets = "too_few_buckets", NothingCounted = "nothing_counted",
        NotSettled = "not_settled", SeriesUnknown = "series_unknown",
        MeasureNotEstimated = "measure_not_estimated",
    }
}

vocabulary! {
    /// What people do after an outcome.
    NextStep { Keep = "keep", Adjust = "adjust", Stop = "stop", Repeat = "repeat" }
}

vocabulary! {
    /// What kind of change a signal is.
    SignalKind {
        VolumeUp = "volume_up", VolumeDown = "volume_down", Silence = "silence",
        SentimentShift = "sentiment_shift", ScoreShift = "score_shift", NewTheme = "new_theme",
        BeliefShift = "belief_shift", GeoCluster = "geo_cluster", LeadLag = "lead_lag",
        Overload = "overload", Fragmentation = "fragmentation", BlindSpot = "blind_spot",
        RequestBacklog = "request_backlog",
    }
}

vocabulary! {
    /// Where a signal stands in its life cycle.
    SignalStatus { Firing = "firing", Resolved = "resolved", Retracted = "retracted" }
}

vocabulary! {
    /// Why an alert was sent.
    StatusReason {
        ThresholdCrossed = "threshold_crossed", LateData = "late_data",
        DuplicateRemoved = "duplicate_removed", CalendarAdded = "calendar_added",
        EntityChange = "entity_change", Recovered = "recovered", Disposition = "disposition",
    }
}

vocabulary! {
    /// Which of the four alert events this is.
    AlertChange { Raised = "raised", Updated = "updated", Resolved = "resolved", Retracted = "retracted" }
}

vocabulary! {
    /// How long the change seems to last.
    Horizon { Acute = "acute", Structural = "structural", Unknown = "unknown" }
}

vocabulary! {
    /// How loud an alert is. Numbers are OpenTelemetry's severity numbers.
    Severity { Watch = "WATCH", Notable = "NOTABLE", Major = "MAJOR", Critical = "CRITICAL" }
}

impl Severity {
    /// OpenTelemetry severity number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Severity::Watch => 9,
            Severity::Notable => 13,
            Severity::Major => 17,
            Severity::Critical => 21,
        }
    }
}

vocabulary! {
    /// How much a signal's evidence can carry (product idea S1).
    EvidenceGrade { Anecdotal = "anecdotal", Emerging = "emerging", Corroborated = "corroborated" }
}

vocabulary! {
    /// A reason to read a number with care.
    Caveat {
        LateData = "late_data", PartialBucket = "partial_bucket", Imputed = "imputed",
        Translated = "translated", MixShift = "mix_shift", ColdStart = "cold_start",
        EntityChange = "entity_change", LowCoverage = "low_coverage",
        CalendarOverlap = "calendar_overlap",
    }
}

vocabulary! {
    /// What is measured over a series.
    Measure { Mentions = "mentions", NegativeShare = "negative_share", MeanRating = "mean_rating" }
}

vocabulary! {
    /// A dimension a view can be cut by. `extra.<key>` dimensions are [`crate::settings::Dimension::Extra`].
    StandardDimension {
        Product = "product", Theme = "theme", Stakeholder = "stakeholder", Tier = "tier",
        Specialty = "specialty", Setting = "setting", Organisation = "organisation", Country = "country",
        Region = "region", Channel = "channel", Source = "source", Journey = "journey", Stage = "stage",
        Indication = "indication", Language = "language", Stance = "stance",
    }
}
