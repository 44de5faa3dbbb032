//! A proposal as an alert: every number once, and the sentence a person reads.

use super::{NEW_THEME_VIEW, Proposal};
use crate::alert::{
    Alert, BaselineRef, ContextItem, DetectorRef, EvidenceSummary, Example, Interval, SeriesRef,
    Window,
};
use crate::compose::DETECTOR_VERSION;
use crate::contribution::Quote;
use crate::effect::Effect;
use crate::evidence;
use crate::identity::outward_id;
use crate::machine::Machine;
use crate::time::{BucketIndex, DAY, Timestamp, words_for};
use crate::words::{
    AlertChange, Caveat, Decision, EvidenceGrade, Horizon, Measure, Severity, SignalKind,
    StatusReason,
};
use auscult_statistics::special::{normal_cdf, normal_quantile};

/// Proposals a bucket that nobody needed, in the two streams of decision 0028: 6 of drug recalls about no known event and 48
/// later facets of a crisis already proposed, in 551 buckets. By the p-values alone there would be far fewer: people talk of
/// many new things that are no event.
const FALSE_PER_BUCKET: f64 = 0.1;
/// Terms suggested for the taxonomy.
const SUGGESTED_TERMS: usize = 8;

impl Machine {
    /// Numbers, writes and sends one alert.
    pub(super) fn send_proposal(
        &mut self,
        proposal: &mut Proposal,
        change: AlertChange,
        reason: StatusReason,
        as_of: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let alert = self.proposal_alert(proposal, change, reason, as_of);
        proposal.revision += 1;
        self.counters.alerts += 1;
        self.proposals.changed.insert(proposal.id.clone());
        effects.push(Effect::Alert(Box::new(alert)));
    }

    fn proposal_alert(
        &self,
        proposal: &Proposal,
        change: AlertChange,
        reason: StatusReason,
        as_of: Timestamp,
    ) -> Alert {
        let width = self.proposals.width;
        let settings = &self.plan.settings;
        let (observed, expected) = (
            f64::from(proposal.people),
            (f64::from(proposal.expected) * 10.0).round() / 10.0,
        );
        let deviation = (observed - f64::from(proposal.expected))
            / f64::from(proposal.significance).max(f64::MIN_POSITIVE);
        let half = normal_quantile(0.5 + settings.interval_level / 2.0) * deviation;
        let p_value = (2.0 * normal_cdf(-f64::from(proposal.significance))).min(1.0);
        let score = crate::discovery::score(p_value);
        let mut evidence = EvidenceSummary {
            grade: EvidenceGrade::Anecdotal,
            people: proposal.people,
            items: proposal.people,
            copies: 0,
            channels: proposal.sources,
            effective_n: observed,
            top_person_share: 1.0 / observed.max(1.0),
            expert_share: 0.0,
        };
        evidence.grade = evidence::grade(&evidence);
        let severity = match evidence.grade {
            EvidenceGrade::Anecdotal => Severity::Watch,
            _ => Severity::Notable,
        };
        let first_raised_at = width.end(proposal.raised_in);
        let mut labels = vec![
            ("kind".to_owned(), SignalKind::NewTheme.as_str().to_owned()),
            ("severity".to_owned(), severity.as_str().to_lowercase()),
            ("view".to_owned(), NEW_THEME_VIEW.to_owned()),
        ];
        labels.sort();
        let theme_id = format!("t_{:016x}", proposal.theme);
        Alert {
            change,
            tenant: self.tenant.clone(),
            portfolio: self.portfolio.clone(),
            signal_id: proposal.id.clone(),
            revision: proposal.revision + 1,
            supersedes: (proposal.revision > 0).then_some(proposal.revision),
            status: proposal.status,
            status_reason: reason,
            kind: SignalKind::NewTheme,
            severity,
            title: format!("New theme proposed: {}", proposal.label),
            why: format!(
                "{} mentions on {} since {} against {} expected, each person counted once. Its words stand together in {} % of their texts.",
                proposal.people,
                counted(proposal.sources, "channel"),
                words_for(width.start(proposal.first_seen), width),
                expected,
                (proposal.stability * 100.0).round()
            ),
            horizon: Horizon::Unknown,
            series: SeriesRef {
                id: theme_id.clone(),
                view: NEW_THEME_VIEW.to_owned(),
                measure: Measure::Mentions,
                dimensions: vec![("emergent_topic".to_owned(), proposal.label.clone())],
            },
            window: Window {
                start: width.start(proposal.first_seen),
                end: width.end(proposal.raised_in),
                width,
            },
            as_of,
            first_raised_at,
            observed,
            expected,
            interval: Interval {
                low: (expected - half).max(0.0),
                high: expected + half,
                level: settings.interval_level,
            },
            effect_absolute: observed - expected,
            effect_relative: (expected > 0.0).then(|| observed / expected - 1.0),
            score_current: score,
            score_initial: score,
            p_value,
            // Bonferroni over the terms followed.
            q_value: (p_value * f64::from(proposal.followed.max(1))).min(1.0),
            expected_false_per_30_days: 30.0 * DAY as f64 / width.milliseconds() as f64
                * FALSE_PER_BUCKET,
            caveats: if proposal.sources < 2 {
                vec![Caveat::LowCoverage]
            } else {
                Vec::new()
            },
            evidence,
            drivers: Vec::new(),
            context: vec![self.suggestion(proposal, &theme_id)],
            examples: proposal.quotes.iter().map(example).collect(),
            detector: DetectorRef {
                id: settings.detector.clone(),
                version: DETECTOR_VERSION.to_owned(),
                method: "emerging_terms".to_owned(),
                config_hash: self.plan.config_hash.clone(),
            },
            baseline: BaselineRef {
                id: outward_id("b_", &[&proposal.id]),
                from: width.start(proposal.raised_in - proposal.learnt as BucketIndex),
                to: width.start(proposal.first_seen),
                points: proposal.learnt,
                season: "none".to_owned(),
                calendars: Vec::new(),
            },
            models: Vec::new(),
            seed: settings.seed,
            owner_team: "governance".to_owned(),
            triage_due: first_raised_at.plus(7 * DAY),
            suggested_checks: [
                "Read the quotes: is it one subject?",
                "Confirm it to have it suggested for the taxonomy, or dismiss it",
            ]
            .map(str::to_owned)
            .to_vec(),
            labels,
            group_key: format!("{}/{NEW_THEME_VIEW}", self.tenant),
            incident_id: outward_id("inc_", &[&proposal.id]),
            suppressed_by: proposal.suppressed_by.clone(),
            rank: f64::from(score) / 100.0 * self.learning.precision(NEW_THEME_VIEW) * 0.8,
            disposition: proposal.decision,
        }
    }

    /// What to write into the taxonomy: offered from the start, called accepted once a person has said so.
    fn suggestion(&self, proposal: &Proposal, theme_id: &str) -> ContextItem {
        let width = self.proposals.width;
        let is_accepted = matches!(
            proposal.decision,
            Some(Decision::Confirmed | Decision::NewTrend)
        );
        let terms: Vec<String> = proposal
            .terms
            .iter()
            .take(SUGGESTED_TERMS)
            .map(|term| format!("{:?}", term.trim_start_matches('#')))
            .collect();
        ContextItem {
            kind: if is_accepted {
                "taxonomy_accepted"
            } else {
                "taxonomy_suggestion"
            }
            .to_owned(),
            reference: theme_id.to_owned(),
            label: format!("phrases = [{}]", terms.join(", ")),
            start: width.start(proposal.first_seen),
            end: width.end(proposal.raised_in),
        }
    }
}

fn example(quote: &Quote) -> Example {
    Example {
        feedback_id: quote.feedback_id.to_string(),
        quote: quote.text.to_string(),
        language: quote.language.to_string(),
        stance: "neutral".to_owned(),
    }
}

fn counted(number: u32, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
