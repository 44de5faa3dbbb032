//! The life of a proposal: raised once, answered, over, forgotten.

use super::{NEW_THEME_VIEW, Proposal};
use crate::contribution::Contribution;
use crate::disposition::Disposition;
use crate::effect::{Effect, Rejection};
use crate::identity::outward_id;
use crate::machine::Machine;
use crate::time::{BucketIndex, DAY};
use crate::words::{AlertChange, Decision, Measure, SignalStatus, StatusReason};
use auscult_language::emerging::EmergingTheme;

/// An unanswered proposal is over after this many times the patience.
const OVER_AFTER: BucketIndex = 4;
/// An answered or expired proposal still takes answers for this long.
const MEMORY: i64 = 90 * DAY;

impl Machine {
    /// Tells of a theme, unless that is done already.
    pub(super) fn raise_proposal(
        &mut self,
        theme: EmergingTheme,
        bucket: BucketIndex,
        backfill: bool,
        effects: &mut Vec<Effect>,
    ) {
        let width = self.proposals.width;
        let first_seen = BucketIndex::try_from(theme.first_seen).unwrap_or(bucket);
        let exemplars: Vec<&Contribution> = self.exemplars(&theme, first_seen, bucket);
        if self.is_already_told(&exemplars) {
            return;
        }
        let quotes = exemplars
            .iter()
            .filter_map(|exemplar| exemplar.quote.clone())
            .collect();
        let id = outward_id(
            "al_",
            &[
                &self.tenant,
                &self.portfolio,
                &self.plan.settings.detector,
                NEW_THEME_VIEW,
                &theme.id.to_string(),
            ],
        );
        if self.proposals.told.contains_key(&id) {
            return;
        }
        let as_of = width.end(bucket);
        let mut suppressed_by = Vec::new();
        if backfill {
            suppressed_by.push("backfill".to_owned());
        } else if !self.spend_attention(as_of) {
            suppressed_by.push("budget".to_owned());
        }
        let mut proposal = Proposal {
            id: id.clone(),
            theme: theme.id,
            label: theme.label,
            terms: theme.terms,
            first_seen,
            raised_in: bucket,
            people: theme.people,
            sources: theme.sources,
            expected: theme.expected,
            significance: theme.significance,
            stability: theme.stability,
            learnt: self.proposals.emerging.buckets(),
            followed: self.proposals.emerging.followed() as u32,
            quotes,
            revision: 0,
            status: SignalStatus::Firing,
            suppressed_by,
            decision: None,
            dispositions: Vec::new(),
        };
        self.send_proposal(
            &mut proposal,
            AlertChange::Raised,
            StatusReason::ThresholdCrossed,
            as_of,
            effects,
        );
        self.proposals.told.insert(id, proposal);
    }

    /// The items the detector chose to be read, as far as they still count, in its order.
    fn exemplars(
        &self,
        theme: &EmergingTheme,
        first_seen: BucketIndex,
        bucket: BucketIndex,
    ) -> Vec<&Contribution> {
        let width = self.proposals.width;
        let place = |contribution: &Contribution| {
            let id = contribution.feedback as u64;
            theme.exemplars.iter().position(|item| *item == id)
        };
        let end = width.end(bucket);
        let mut found: Vec<(usize, &Contribution)> = (first_seen..=bucket)
            .flat_map(|at| self.journal.bucket(width, at))
            .filter_map(|contribution| Some((place(contribution)?, contribution)))
            .filter(|(_, contribution)| contribution.counts_before(end))
            .collect();
        found.sort_by_key(|(at, contribution)| (*at, contribution.event));
        found
            .into_iter()
            .map(|(_, contribution)| contribution)
            .collect()
    }

    /// Whether an open signal of rising mentions of a theme tells of at least half of the texts. Signals without a theme
    /// (more mentions of a product, of everything) do not say what is new.
    fn is_already_told(&self, exemplars: &[&Contribution]) -> bool {
        let lattice = &self.plan.lattice;
        let telling = self.signals.values().filter(|signal| {
            signal.is_open()
                && signal.upward
                && signal.measure == Measure::Mentions
                && lattice
                    .value_of(&signal.key, lattice.theme_slot())
                    .is_some()
        });
        let mut telling = telling.map(|signal| {
            let inside = exemplars
                .iter()
                .filter(|exemplar| lattice.contains(&signal.key, &exemplar.values));
            inside.count()
        });
        !exemplars.is_empty() && telling.any(|inside| 2 * inside >= exemplars.len())
    }

    /// Ends what nobody answered and forgets what is long over.
    pub(super) fn end_old_proposals(&mut self, bucket: BucketIndex, effects: &mut Vec<Effect>) {
        let width = self.proposals.width;
        let patience = self.plan.settings.new_themes.patience_buckets as BucketIndex;
        let as_of = width.end(bucket);
        let ids: Vec<String> = self.proposals.told.keys().cloned().collect();
        for id in ids {
            let Some(mut proposal) = self.proposals.told.remove(&id) else {
                continue;
            };
            let age = bucket - proposal.raised_in;
            if proposal.status == SignalStatus::Firing && age >= OVER_AFTER * patience {
                proposal.status = SignalStatus::Resolved;
                self.send_proposal(
                    &mut proposal,
                    AlertChange::Resolved,
                    StatusReason::Recovered,
                    as_of,
                    effects,
                );
            }
            let is_kept = proposal.status == SignalStatus::Firing
                || width.end(proposal.raised_in).plus(MEMORY) > as_of;
            if is_kept {
                self.proposals.told.insert(id, proposal);
            } else {
                self.proposals.changed.insert(id);
            }
        }
    }

    /// A person's verdict on a proposal: accepted, dismissed, or a remark.
    pub(crate) fn answer_proposal(&mut self, disposition: &Disposition, effects: &mut Vec<Effect>) {
        let Some(mut proposal) = self.proposals.told.remove(&disposition.signal_id) else {
            return;
        };
        if proposal.dispositions.contains(&disposition.disposition_id) {
            effects.push(Effect::Rejected(Rejection::Duplicate));
        } else {
            if disposition.use_for_learning {
                self.learning
                    .answer(NEW_THEME_VIEW, proposal.decision, disposition.decision);
            }
            let id = disposition.disposition_id.clone();
            proposal.dispositions.push(id);
            proposal.decision = Some(disposition.decision);
            let ends = !matches!(
                disposition.decision,
                Decision::NotEnoughEvidence
                    | Decision::HandedToSafety
                    | Decision::HandedToMedicalInformation
            );
            let mut change = AlertChange::Updated;
            if ends && proposal.status == SignalStatus::Firing {
                proposal.status = SignalStatus::Resolved;
                change = AlertChange::Resolved;
            }
            let width = self.proposals.width;
            let next = self.proposals.next.unwrap_or(proposal.raised_in + 1);
            self.dirty.head = true;
            self.send_proposal(
                &mut proposal,
                change,
                StatusReason::Disposition,
                width.start(next),
                effects,
            );
        }
        self.proposals.told.insert(proposal.id.clone(), proposal);
    }
}
