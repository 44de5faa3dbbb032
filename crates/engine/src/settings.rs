//! Settings of the engine: roles, topics, turns, listening, serving.
//!
//! What was written ([`EngineSettings`], readable from TOML, unknown keys refused) and what may run
//! ([`CheckedEngineSettings`]) are two types; [`EngineSettings::check`] reports every problem at once. No
//! rule behind it needs to ask twice.

mod portfolio;
mod secret;
mod sections;
mod topics;

pub use portfolio::{PortfolioField, PortfolioKey};
pub use secret::Secret;
pub use sections::{
    DeadLetterCap, LagSettings, ListenSettings, Partitions, RetentionSettings, SafetySettings,
    ServeSettings, TurnSettings,
};
pub use topics::Topics;

use auscult_core::settings::{Dimension, Problem, View};
use serde::Deserialize;

/// One part of the engine that this process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Feedback to mentions.
    Listen,
    /// Mentions to signals.
    Detect,
    /// Signals to people.
    Serve,
}

impl Role {
    /// Every role, in the order events pass them.
    pub const ALL: [Role; 3] = [Role::Listen, Role::Detect, Role::Serve];

    /// The word in settings and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Listen => "listen",
            Role::Detect => "detect",
            Role::Serve => "serve",
        }
    }

    /// The role spelled `text`, if any.
    #[must_use]
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Everything the engine needs to know.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSettings {
    /// Roles of this process; all by default.
    pub roles: Vec<Role>,
    /// Topic names.
    pub topics: Topics,
    /// Partition counts.
    pub partitions: Partitions,
    /// Size of turns.
    pub turn: TurnSettings,
    /// Listening.
    pub listen: ListenSettings,
    /// Watching over the hand-off of safety candidates; runs wherever Listen does.
    pub safety: SafetySettings,
    /// Serving.
    pub serve: ServeSettings,
    /// When a stage counts as behind.
    pub lag: LagSettings,
    /// How long records stay.
    pub retention: RetentionSettings,
}

impl Default for EngineSettings {
    fn default() -> EngineSettings {
        EngineSettings {
            roles: Role::ALL.to_vec(),
            topics: Topics::default(),
            partitions: Partitions::default(),
            turn: TurnSettings::default(),
            listen: ListenSettings::default(),
            safety: SafetySettings::default(),
            serve: ServeSettings::default(),
            lag: LagSettings::default(),
            retention: RetentionSettings::default(),
        }
    }
}

/// Most partitions of a topic.
pub const MAX_PARTITIONS: u32 = 1_024;
/// Most records of one turn.
pub const MAX_TURN_RECORDS: usize = 65_536;
/// Most threads a turn fans out over.
pub const MAX_THREADS: usize = 64;
/// Longest time setting, in seconds: 400 days.
pub const MAX_SECONDS: u64 = 400 * 24 * 3_600;
/// Longest retention, in days: a century.
pub const MAX_DAYS: u64 = 36_525;
/// Most extra fields a mention carries.
pub const MAX_EXTRA_FIELDS: u64 = 32;
/// Names of products at most.
pub const MAX_PRODUCTS: u64 = 10_000;
/// Letters and digits of a product's name at least: a shorter name would keep initials of people.
const LEAST_PRODUCT_LETTERS: usize = 3;
/// Whether `name` is long enough to be kept in texts.
pub(crate) fn is_product_name(name: &str) -> bool {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.count() >= LEAST_PRODUCT_LETTERS
}

/// Longest topic name Kafka takes.
pub const MAX_TOPIC_BYTES: usize = 249;

impl EngineSettings {
    /// Lets mentions carry every extra field that `views` cut by.
    pub fn carry_extra_fields_of(&mut self, views: &[View]) {
        for dimension in views.iter().flat_map(|view| &view.dimensions) {
            if let Dimension::Extra(key) = dimension
                && !self.listen.extra_fields.contains(key)
            {
                self.listen.extra_fields.push(key.clone());
            }
        }
    }

    /// Checks everything; all problems at once, each with its path and what to do.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<CheckedEngineSettings, Vec<Problem>> {
        let mut problems = Vec::new();
        if self.roles.is_empty() {
            problems.push(Problem::new(
                "engine.roles",
                "no role is named",
                "name listen, detect or serve",
            ));
        }
        self.check_topics(&mut problems);
        self.check_sources(&mut problems);
        self.check_numbers(&mut problems);
        let portfolio = PortfolioKey::parse(&self.listen.portfolio, &mut problems);
        if self.roles.contains(&Role::Listen) {
            match &self.listen.pseudonym_key {
                None => problems.push(Problem::new(
                    "engine.listen.pseudonym_key",
                    "no key is set",
                    format!("set at least {} random characters, such as the output of `openssl rand -hex 32`", Secret::LEAST_BYTES),
                )),
                Some(key) if key.bytes().len() < Secret::LEAST_BYTES => problems.push(Problem::new(
                    "engine.listen.pseudonym_key",
                    format!("{} bytes are too few to keep a secret", key.bytes().len()),
                    format!("set at least {} random characters", Secret::LEAST_BYTES),
                )),
                Some(_) => {}
            }
        }
        if problems.is_empty() {
            Ok(CheckedEngineSettings {
                written: self,
                portfolio,
            })
        } else {
            Err(problems)
        }
    }

    fn check_topics(&self, problems: &mut Vec<Problem>) {
        let topics = self.topics.all();
        for (index, (key, topic)) in topics.iter().enumerate() {
            let path = format!("engine.topics.{key}");
            let allowed =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if topic.is_empty() || topic.len() > MAX_TOPIC_BYTES || !topic.bytes().all(allowed) {
                problems.push(Problem::new(
                    &path,
                    format!("{topic:?} is no topic name"),
                    "use 1 to 249 letters, digits, dots and hyphens",
                ));
            }
            if let Some((other, _)) = topics[..index].iter().find(|(_, before)| before == topic) {
                problems.push(Problem::new(
                    &path,
                    format!("{topic:?} is already used by {other}"),
                    "give each its own topic: audience is a topic, not a filter",
                ));
            }
        }
    }

    fn check_sources(&self, problems: &mut Vec<Problem>) {
        for (key, topic) in self.topics.submitted() {
            if !self.topics.sources.iter().any(|source| source == topic) {
                problems.push(Problem::new(
                    format!("engine.topics.{key}"),
                    format!("{topic:?} is not among engine.topics.sources"),
                    "add it there, or submit to a topic that is",
                ));
            }
        }
    }

    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        let mut range = |path: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                problems.push(Problem::new(
                    format!("engine.{path}"),
                    format!("{value} is out of range"),
                    format!("choose {low} to {high}"),
                ));
            }
        };
        range(
            "partitions.source",
            self.partitions.source.into(),
            1,
            MAX_PARTITIONS.into(),
        );
        range(
            "partitions.mentions",
            self.partitions.mentions.into(),
            1,
            MAX_PARTITIONS.into(),
        );
        range(
            "partitions.output",
            self.partitions.output.into(),
            1,
            MAX_PARTITIONS.into(),
        );
        range(
            "turn.least_records",
            self.turn.least_records as u64,
            1,
            MAX_TURN_RECORDS as u64,
        );
        range(
            "turn.most_records",
            self.turn.most_records as u64,
            self.turn.least_records.max(1) as u64,
            MAX_TURN_RECORDS as u64,
        );
        range(
            "turn.target_milliseconds",
            self.turn.target_milliseconds,
            1,
            60_000,
        );
        range(
            "turn.wait_milliseconds",
            self.turn.wait_milliseconds,
            1,
            60_000,
        );
        range(
            "listen.threads",
            self.listen.threads as u64,
            1,
            MAX_THREADS as u64,
        );
        range(
            "listen.lateness_seconds",
            self.listen.lateness_seconds,
            0,
            MAX_SECONDS,
        );
        range(
            "listen.idle_after_seconds",
            self.listen.idle_after_seconds,
            0,
            MAX_SECONDS,
        );
        range(
            "listen.future_limit_seconds",
            self.listen.future_limit_seconds,
            0,
            MAX_SECONDS,
        );
        range(
            "listen.intake_hours",
            self.listen.intake_hours.into(),
            1,
            15 * 24,
        );
        range(
            "listen.extra_fields",
            self.listen.extra_fields.len() as u64,
            0,
            MAX_EXTRA_FIELDS,
        );
        range(
            "listen.products",
            self.listen.products.len() as u64,
            0,
            MAX_PRODUCTS,
        );
        range(
            "listen.dead_letter_cap.window_records",
            self.listen.dead_letter_cap.window_records as u64,
            10,
            1_000_000,
        );
        range(
            "safety.escalate_after_hours",
            self.safety.escalate_after_hours.into(),
            1,
            15 * 24,
        );
        range(
            "safety.remember_acks_days",
            self.safety.remember_acks_days.into(),
            1,
            10 * 365,
        );
        range(
            "serve.feed_silent_after_seconds",
            self.serve.feed_silent_after_seconds,
            60,
            MAX_SECONDS,
        );
        range(
            "lag.warn_after_seconds",
            self.lag.warn_after_seconds.into(),
            1,
            86_400,
        );
        range(
            "lag.stall_after_seconds",
            self.lag.stall_after_seconds.into(),
            1,
            86_400,
        );
        let retention = self.retention;
        for (name, days) in [
            ("feedback", retention.feedback_days),
            ("mentions", retention.mentions_days),
            ("series", retention.series_days),
            ("outputs", retention.outputs_days),
            ("dead_letters", retention.dead_letters_days),
        ] {
            range(&format!("retention.{name}_days"), days.into(), 0, MAX_DAYS);
        }
        range(
            "retention.clean_every_seconds",
            retention.clean_every_seconds,
            1,
            86_400,
        );
        let share = self.listen.dead_letter_cap.share;
        if !(share > 0.0 && share <= 1.0) {
            problems.push(Problem::new(
                "engine.listen.dead_letter_cap.share",
                format!("{share} is out of range"),
                "choose more than 0 and at most 1 (1: never stop)",
            ));
        }
        for (index, name) in self.listen.products.iter().enumerate() {
            if !is_product_name(name) {
                problems.push(Problem::new(
                    format!("engine.listen.products[{index}]"),
                    format!("`{name}` has fewer than {LEAST_PRODUCT_LETTERS} letters and digits"),
                    "write the name as people do, or leave it out: so short a name would keep initials of people in the text",
                ));
            }
        }
        if self
            .listen
            .default_tenant
            .as_deref()
            .is_some_and(|tenant| tenant.is_empty() || tenant.contains('|'))
        {
            problems.push(Problem::new(
                "engine.listen.default_tenant",
                "the tenant is empty or holds a `|`",
                "name a tenant without `|`, or leave the setting out",
            ));
        }
    }
}

/// Settings that passed [`EngineSettings::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedEngineSettings {
    written: EngineSettings,
    portfolio: PortfolioKey,
}

impl CheckedEngineSettings {
    /// What the portfolio key is made of.
    #[must_use]
    pub fn portfolio(&self) -> &PortfolioKey {
        &self.portfolio
    }

    /// How many source partitions there are in all: what a marker tells the detector to wait for.
    #[must_use]
    pub fn source_partitions(&self) -> u32 {
        self.partitions.source * self.topics.sources.len() as u32
    }
}

impl std::ops::Deref for CheckedEngineSettings {
    type Target = EngineSettings;
    fn deref(&self) -> &EngineSettings {
        &self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usable() -> EngineSettings {
        let mut settings = EngineSettings::default();
        settings.listen.pseudonym_key = Some(Secret::new("0123456789abcdef0123456789abcdef"));
        settings
    }

    #[test]
    fn defaults_need_only_a_key() {
        let problems = EngineSettings::default()
            .check()
            .expect_err("a key is missing");
        assert_eq!(
            problems
                .iter()
                .map(|problem| problem.path.as_str())
                .collect::<Vec<_>>(),
            ["engine.listen.pseudonym_key"]
        );
        let checked = usable().check().expect("usable");
        assert_eq!(checked.source_partitions(), 3);
    }

    #[test]
    fn six_mistakes_are_six_problems() {
        let mut settings = usable();
        settings.roles.clear();
        settings.topics.alerts = "voc mentions".to_owned();
        settings.topics.signals = settings.topics.mentions.clone();
        settings.turn.most_records = 1;
        settings.listen.portfolio = vec!["tenant".to_owned(), "planet".to_owned()];
        settings.listen.products = vec!["Alpha Pen".to_owned(), "B.".to_owned()];
        let problems = settings.check().expect_err("six mistakes");
        let paths: Vec<&str> = problems
            .iter()
            .map(|problem| problem.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "engine.roles",
                "engine.topics.alerts",
                "engine.topics.signals",
                "engine.turn.most_records",
                "engine.listen.products[1]",
                "engine.listen.portfolio[1]"
            ]
        );
    }

    #[test]
    fn a_key_never_shows_in_debug_output() {
        let shown = format!("{:?}", usable());
        assert!(!shown.contains("0123456789abcdef"), "{shown}");
    }
}
