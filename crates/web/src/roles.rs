//! Who may open what. One table, asked by pages and API alike.
//!
//! A right that is missing removes the thing: menu entry, field, route. A role never sees a locked box
//! with hints in it.

/// A role a visitor acts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Insights analyst: triages signals.
    Analyst,
    /// Medical affairs.
    Medical,
    /// Commercial brand lead.
    Brand,
    /// Pharmacovigilance intake.
    Safety,
    /// Operations.
    Ops,
    /// A system that delivers feedback and sees nothing.
    Source,
}

/// Something a role may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Open pages at all.
    Pages,
    /// Read signals: figures, drivers, evidence.
    ReadSignals,
    /// Read quotes, comments and exact small counts of people.
    ReadText,
    /// Answer signals.
    Decide,
    /// Read and acknowledge safety candidates.
    Safety,
    /// Read and answer medical requests.
    MedicalRequests,
    /// Read feeds, dead letters and health.
    Operations,
    /// Post feedback.
    SubmitFeedback,
}

impl Right {
    /// What a visitor without it is told.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Right::Pages => "opening pages",
            Right::ReadSignals => "reading signals",
            Right::ReadText => "reading quotes",
            Right::Decide => "answering signals",
            Right::Safety => "the safety desk",
            Right::MedicalRequests => "the list of medical requests",
            Right::Operations => "the operations page",
            Right::SubmitFeedback => "posting feedback",
        }
    }
}

impl Role {
    /// Every role a person may act in, in the order of the demo switch.
    pub const PEOPLE: [Role; 5] = [
        Role::Analyst,
        Role::Medical,
        Role::Brand,
        Role::Safety,
        Role::Ops,
    ];
    /// Every role.
    pub const ALL: [Role; 6] = [
        Role::Analyst,
        Role::Medical,
        Role::Brand,
        Role::Safety,
        Role::Ops,
        Role::Source,
    ];

    /// The word in settings, cookies and headers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Analyst => "analyst",
            Role::Medical => "medical",
            Role::Brand => "brand",
            Role::Safety => "safety",
            Role::Ops => "ops",
            Role::Source => "source",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Role::Analyst => "Insights analyst",
            Role::Medical => "Medical",
            Role::Brand => "Brand lead",
            Role::Safety => "Safety",
            Role::Ops => "Operations",
            Role::Source => "Feedback source",
        }
    }

    /// The function written into answers.
    #[must_use]
    pub fn function(self) -> &'static str {
        match self {
            Role::Analyst => "insights",
            other => other.as_str(),
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// All words, for messages.
    #[must_use]
    pub fn names() -> String {
        Role::ALL.map(Role::as_str).join(", ")
    }

    /// Whether the role has `right`.
    #[must_use]
    pub fn has(self, right: Right) -> bool {
        use Right::{
            Decide, MedicalRequests, Operations, Pages, ReadSignals, ReadText, Safety,
            SubmitFeedback,
        };
        match self {
            Role::Analyst => matches!(right, Pages | ReadSignals | ReadText | Decide),
            Role::Medical => matches!(
                right,
                Pages | ReadSignals | ReadText | Decide | MedicalRequests
            ),
            Role::Brand => matches!(right, Pages | ReadSignals | Decide),
            Role::Safety => matches!(right, Pages | Safety),
            Role::Ops => matches!(right, Pages | ReadSignals | Operations | SubmitFeedback),
            Role::Source => matches!(right, SubmitFeedback),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_between_safety_and_the_rest_stands() {
        for role in Role::ALL {
            assert_eq!(role.has(Right::Safety), role == Role::Safety);
            assert_eq!(role.has(Right::MedicalRequests), role == Role::Medical);
            assert!(!(role.has(Right::Safety) && role.has(Right::ReadSignals)));
        }
        assert!(!Role::Brand.has(Right::ReadText) && !Role::Ops.has(Right::ReadText));
    }

    #[test]
    fn words_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Analyst"), None);
    }
}
