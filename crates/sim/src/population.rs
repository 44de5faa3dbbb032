//! Who speaks, through which feed, and how often about what. Shares are made up, but in the order of magnitude of a mid-size
//! company's listening programme: professionals and patients about a third each, everybody else the rest.

use auscult_core::words::{Channel, Setting, Solicitation, SourceType, Stakeholder};

/// A kind of respondent.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Kind.
    pub stakeholder: Stakeholder,
    /// Share of all events.
    pub share: f64,
    /// People of the kind in one region.
    pub people: u32,
    /// Where they work or live.
    pub setting: Setting,
    /// Their feeds and how often each is used.
    pub feeds: &'static [(Feed, f64)],
    /// Themes they speak of more or less than others do.
    pub leanings: &'static [(&'static str, f64)],
    /// Their events at weekends, relative to a working day.
    pub weekend: f64,
}

/// A feed: system, type, channel, and whether somebody asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feed {
    /// System.
    pub system: &'static str,
    /// Source type.
    pub source: SourceType,
    /// Channel.
    pub channel: Channel,
    /// Whether somebody asked.
    pub solicitation: Solicitation,
    /// Whether answers carry a rating.
    pub rated: bool,
    /// Function that learns of it first.
    pub function: &'static str,
}

const fn feed(
    system: &'static str,
    source: SourceType,
    channel: Channel,
    solicitation: Solicitation,
    function: &'static str,
) -> Feed {
    Feed {
        system,
        source,
        channel,
        solicitation,
        rated: matches!(source, SourceType::Survey),
        function,
    }
}

const FIELD: Feed = feed(
    "crm",
    SourceType::FieldNote,
    Channel::FaceToFace,
    Solicitation::Unsolicited,
    "field",
);
const INQUIRY: Feed = feed(
    "medical-desk",
    SourceType::MedicalInquiry,
    Channel::Email,
    Solicitation::Unsolicited,
    "medical",
);
const SURVEY: Feed = feed(
    "survey-desk",
    SourceType::Survey,
    Channel::Web,
    Solicitation::Solicited,
    "insights",
);
const CONGRESS: Feed = feed(
    "congress-notes",
    SourceType::Congress,
    Channel::Event,
    Solicitation::Observed,
    "medical",
);
const SUPPORT: Feed = feed(
    "care-plus",
    SourceType::PatientSupport,
    Channel::Phone,
    Solicitation::Solicited,
    "patient_support",
);
const CALL: Feed = feed(
    "contact-centre",
    SourceType::Call,
    Channel::Phone,
    Solicitation::Unsolicited,
    "customer_service",
);
const PORTAL: Feed = feed(
    "portal",
    SourceType::Portal,
    Channel::Web,
    Solicitation::Unsolicited,
    "customer_service",
);
const SOCIAL: Feed = feed(
    "social-listening",
    SourceType::Social,
    Channel::Social,
    Solicitation::Observed,
    "insights",
);
const PAYER: Feed = feed(
    "access-crm",
    SourceType::PayerMeeting,
    Channel::FaceToFace,
    Solicitation::Solicited,
    "market_access",
);
const EMAIL: Feed = feed(
    "mailbox",
    SourceType::Email,
    Channel::Email,
    Solicitation::Unsolicited,
    "customer_service",
);

/// The feed through which reposts come.
pub const REPOSTS: Feed = SOCIAL;

/// Every kind of respondent.
pub const GROUPS: [Group; 7] = [
    Group {
        stakeholder: Stakeholder::Hcp,
        share: 0.34,
        people: 260,
        setting: Setting::Hospital,
        feeds: &[
            (FIELD, 0.5),
            (INQUIRY, 0.25),
            (SURVEY, 0.15),
            (CONGRESS, 0.1),
        ],
        leanings: &[
            ("information.evidence", 3.0),
            ("access.prior_authorisation", 1.8),
            ("access.cost", 0.4),
            ("therapy.quality_of_life", 0.3),
        ],
        weekend: 0.2,
    },
    Group {
        stakeholder: Stakeholder::Patient,
        share: 0.32,
        people: 600,
        setting: Setting::Home,
        feeds: &[
            (SUPPORT, 0.4),
            (CALL, 0.2),
            (PORTAL, 0.15),
            (SURVEY, 0.15),
            (SOCIAL, 0.1),
        ],
        leanings: &[
            ("information.evidence", 0.1),
            ("therapy.quality_of_life", 2.0),
            ("product.device", 1.5),
        ],
        weekend: 0.75,
    },
    Group {
        stakeholder: Stakeholder::Pharmacist,
        share: 0.12,
        people: 120,
        setting: Setting::Pharmacy,
        feeds: &[(PORTAL, 0.5), (CALL, 0.3), (SURVEY, 0.2)],
        leanings: &[
            ("supply.shortage", 3.0),
            ("supply.storage", 2.5),
            ("information.evidence", 0.2),
        ],
        weekend: 0.4,
    },
    Group {
        stakeholder: Stakeholder::Caregiver,
        share: 0.08,
        people: 200,
        setting: Setting::Home,
        feeds: &[(CALL, 0.5), (SOCIAL, 0.5)],
        leanings: &[("information.evidence", 0.1), ("product.training", 2.0)],
        weekend: 0.9,
    },
    Group {
        stakeholder: Stakeholder::Payer,
        share: 0.05,
        people: 12,
        setting: Setting::Payer,
        feeds: &[(PAYER, 1.0)],
        leanings: &[
            ("access.cost", 4.0),
            ("access.coverage", 4.0),
            ("product.device", 0.1),
            ("service.contact", 0.1),
            ("service.staff_manner", 0.1),
        ],
        weekend: 0.05,
    },
    Group {
        stakeholder: Stakeholder::Advocate,
        share: 0.05,
        people: 20,
        setting: Setting::Other,
        feeds: &[(SOCIAL, 0.6), (EMAIL, 0.4)],
        leanings: &[("access.coverage", 2.0), ("access.cost", 2.0)],
        weekend: 0.6,
    },
    Group {
        stakeholder: Stakeholder::ProviderOrg,
        share: 0.04,
        people: 30,
        setting: Setting::Hospital,
        feeds: &[(EMAIL, 1.0)],
        leanings: &[("supply.shortage", 2.0), ("service.waiting", 2.0)],
        weekend: 0.1,
    },
];

/// A theme: how much of all talk it is, and how many of its mentions are negative and positive.
#[derive(Debug, Clone, Copy)]
pub struct ThemeRate {
    /// Theme id of the shipped taxonomy.
    pub id: &'static str,
    /// Weight among all themes.
    pub weight: f64,
    /// Share of negative mentions.
    pub negative: f64,
    /// Share of positive mentions.
    pub positive: f64,
}

const fn theme(id: &'static str, weight: f64, negative: f64, positive: f64) -> ThemeRate {
    ThemeRate {
        id,
        weight,
        negative,
        positive,
    }
}

/// Every theme people speak of.
pub const THEMES: [ThemeRate; 16] = [
    theme("access.cost", 8.0, 0.6, 0.15),
    theme("access.coverage", 7.0, 0.5, 0.2),
    theme("access.prior_authorisation", 7.0, 0.65, 0.15),
    theme("supply.shortage", 3.5, 0.7, 0.1),
    theme("supply.storage", 2.5, 0.45, 0.2),
    theme("product.device", 7.0, 0.45, 0.35),
    theme("product.administration", 8.0, 0.3, 0.4),
    theme("product.training", 5.0, 0.25, 0.5),
    theme("therapy.efficacy", 14.0, 0.25, 0.55),
    theme("therapy.switching", 6.0, 0.25, 0.25),
    theme("therapy.quality_of_life", 7.0, 0.2, 0.6),
    theme("information.need", 8.0, 0.35, 0.15),
    theme("information.evidence", 6.0, 0.25, 0.4),
    theme("service.contact", 6.0, 0.45, 0.35),
    theme("service.waiting", 5.0, 0.55, 0.2),
    theme("service.staff_manner", 4.0, 0.2, 0.65),
];

/// Specialties of professionals.
pub const SPECIALTIES: [&str; 5] = [
    "cardiology",
    "nephrology",
    "diabetology",
    "general_practice",
    "internal_medicine",
];

/// Organisations in one market.
pub const ORGANISATIONS: u32 = 24;
