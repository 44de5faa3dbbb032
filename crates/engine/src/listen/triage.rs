//! The first pair of ears: every text of an event goes past safety triage before anything else is asked.
//!
//! "Every text" means the content, and every unknown field of the source that holds words: a field note's
//! `nurse_comment` is as good a place for an adverse event as `content.text`. Where an event is too broken
//! to be read, its salvaged texts are judged instead (N12).

use crate::log::Record;
use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_core::words::Stakeholder;
use auscult_language::safety::{Criterion, SafetyAssessment, SafetyClass, Triage};
use auscult_wire::feedback::Respondent;
use auscult_wire::safety::{
    CandidateAwareness, CandidateClock, CandidateCriteria, CandidateEvent, CandidateProduct,
    CandidateTriage, TermSuggestion,
};
use auscult_wire::words as wire;
use auscult_wire::{
    Envelope, Feedback, FeedbackEvent, SafetyCandidate, candidate_id, salvage_text,
};
use std::borrow::Cow;

/// Name of the rules behind the due times.
const DEADLINE_RULES: &str = "default-2026.1";
/// A serious case is due this long after day 0 (GVP VI.B.7.1).
const SERIOUS_DUE: i64 = 15 * DAY;
/// A case that is not serious is due this long after day 0 (GVP VI.B.7.1).
const NON_SERIOUS_DUE: i64 = 90 * DAY;
/// Rule the engine adds: the text asserts an event in somebody, and the record around it says which product it
/// is about, or a seriousness cue stands beside it.
const CONTEXT_RULE: &str = "context-1";
/// Shortest unknown field worth reading: two short words and a space.
const LEAST_EXTRA_BYTES: usize = 8;
/// What stands for a tenant nobody could read.
pub const UNKNOWN_TENANT: &str = "unknown";

/// Triage and the rules of its clock.
pub struct SafetyDesk {
    triage: Triage,
    intake_hours: u32,
}

/// What the record around a text says.
#[derive(Debug, Clone, Copy, Default)]
struct Context {
    /// The event names the product it is about.
    product_is_known: bool,
}

impl Context {
    /// Makes a candidate of a text that triage, which sees the words alone, left out because they name no
    /// product: "she developed a rash and was taken to hospital" in a record about our product is a case. A
    /// missed one is worse than one to read in vain.
    fn weigh(self, assessment: &mut SafetyAssessment) {
        let criteria = &assessment.criteria;
        let somebody_had_an_event =
            criteria.event == Criterion::Found && criteria.patient != Criterion::Missing;
        let is_about_us = self.product_is_known || !assessment.seriousness.is_empty();
        if assessment.is_candidate || !somebody_had_an_event || !is_about_us {
            return;
        }
        assessment.is_candidate = true;
        assessment.score = assessment.score.max(assessment.threshold);
        assessment.classes.push(SafetyClass::AdverseEvent);
        assessment.rules_hit.push(CONTEXT_RULE);
    }
}

/// What triage found over all texts of one input.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The strongest assessment, with the classes, cues and rules of the others added.
    assessment: SafetyAssessment,
    /// The product in the reporter's words, empty if none.
    product_as_reported: String,
}

impl SafetyDesk {
    /// A desk whose intake must have a candidate within `intake_hours` of day 0.
    #[must_use]
    pub fn new(triage: Triage, intake_hours: u32) -> SafetyDesk {
        SafetyDesk {
            triage,
            intake_hours,
        }
    }

    /// Name and version of the triage, `name@version`.
    #[must_use]
    pub fn model(&self) -> &str {
        self.triage.model()
    }

    /// Judges every text of a readable event.
    #[must_use]
    pub fn judge_event(&self, data: &Feedback<'_>) -> Option<Finding> {
        let context = Context {
            product_is_known: !data.about.products.is_empty(),
        };
        let mut finding = self.judge(None, &data.content.text, true, context);
        for field in &data.extra.fields {
            let json = field.json.as_ref();
            if json.len() < LEAST_EXTRA_BYTES {
                continue;
            }
            match json.as_bytes().first() {
                Some(b'"') => {
                    let text: Cow<'_, str> = field.text().unwrap_or_default();
                    if text.contains(char::is_whitespace) || !text.is_ascii() {
                        finding = self.judge(finding, &text, false, context);
                    }
                }
                Some(b'{' | b'[') => {
                    finding = self.judge_all(finding, &salvage_text(json.as_bytes()), context)
                }
                _ => {}
            }
        }
        finding
    }

    /// Judges what can be salvaged of an input that cannot be read.
    #[must_use]
    pub fn judge_broken(&self, value: &[u8]) -> Option<Finding> {
        self.judge_all(None, &salvage_text(value), Context::default())
    }

    fn judge_all(
        &self,
        finding: Option<Finding>,
        texts: &[String],
        context: Context,
    ) -> Option<Finding> {
        texts.iter().fold(finding, |finding, text| {
            self.judge(finding, text, false, context)
        })
    }

    /// Adds one text to what was found. Spans are kept only for the main text: they point into nothing else.
    fn judge(
        &self,
        finding: Option<Finding>,
        text: &str,
        is_main: bool,
        context: Context,
    ) -> Option<Finding> {
        if text.is_empty() {
            return finding;
        }
        let mut assessment = self.triage.assess(text);
        context.weigh(&mut assessment);
        if !assessment.is_candidate {
            return finding;
        }
        let product = assessment
            .product_as_reported
            .and_then(|(from, to)| text.get(from as usize..to as usize));
        let product_as_reported = product.unwrap_or_default().to_owned();
        if !is_main {
            assessment.event_spans.clear();
        }
        let new = Finding {
            assessment,
            product_as_reported,
        };
        Some(match finding {
            None => new,
            Some(known) => known.join(new),
        })
    }

    /// The candidate of a readable event.
    #[must_use]
    pub fn candidate(
        &self,
        event: &FeedbackEvent<'_>,
        finding: &Finding,
        tenant: &str,
        at: &Record,
        now: Timestamp,
    ) -> SafetyCandidate {
        let data = &event.data;
        // Day 0 is never later than the moment we hold it in our hands, whatever a wrong clock says.
        let day_zero = data.awareness.at.min(now);
        let verbatim = event
            .envelope
            .data_ref
            .as_deref()
            .map_or_else(|| log_reference(at), str::to_owned);
        let product = data
            .about
            .products
            .first()
            .map(|code| code.to_string())
            .unwrap_or_default();
        SafetyCandidate {
            candidate_id: candidate_id(tenant, &data.feedback_id),
            feedback_ids: vec![data.feedback_id.to_string()],
            awareness: CandidateAwareness {
                at: day_zero,
                by_function: data.awareness.by_function.to_string(),
                by_organisation: data.awareness.by_organisation.to_string(),
            },
            criteria: raise_criteria(finding.criteria(), data),
            product: CandidateProduct {
                code: product,
                as_reported: finding.product_as_reported.clone(),
            },
            reporter_type: reporter_type(&data.respondent),
            country: data.respondent.country.to_string(),
            language: data.content.language.to_string(),
            follow_up_allowed: data.consent.may_contact,
            verbatim_ref: verbatim,
            solicitation: Some(data.solicitation),
            source_type: Some(data.source.kind),
            ..self.bare_candidate(finding, day_zero)
        }
    }

    /// The candidate of an input too broken to be read: named by its place in the log.
    #[must_use]
    pub fn candidate_of_broken(
        &self,
        record: &Record,
        finding: &Finding,
        tenant: &str,
        now: Timestamp,
    ) -> SafetyCandidate {
        let place = log_place(record);
        SafetyCandidate {
            candidate_id: candidate_id(tenant, &place),
            feedback_ids: vec![place],
            verbatim_ref: log_reference(record),
            ..self.bare_candidate(finding, now)
        }
    }

    fn bare_candidate(&self, finding: &Finding, day_zero: Timestamp) -> SafetyCandidate {
        let assessment = &finding.assessment;
        let (model, version) = self
            .triage
            .model()
            .split_once('@')
            .unwrap_or((self.triage.model(), ""));
        SafetyCandidate {
            candidate_id: String::new(),
            feedback_ids: Vec::new(),
            revision: 1,
            classes: assessment
                .classes
                .iter()
                .filter_map(|class| wire::SafetyClass::parse(class.as_str()))
                .collect(),
            awareness: CandidateAwareness {
                at: day_zero,
                by_function: String::new(),
                by_organisation: String::new(),
            },
            clock: CandidateClock {
                intake_due: day_zero.plus(i64::from(self.intake_hours) * HOUR),
                serious_due: date(day_zero.plus(SERIOUS_DUE)),
                non_serious_due: date(day_zero.plus(NON_SERIOUS_DUE)),
                rules: DEADLINE_RULES.to_owned(),
            },
            criteria: finding.criteria(),
            event: CandidateEvent {
                verbatim_spans: assessment.event_spans.clone(),
                term_suggestion: TermSuggestion::default(),
            },
            product: CandidateProduct {
                code: String::new(),
                as_reported: finding.product_as_reported.clone(),
            },
            seriousness_cues: assessment
                .seriousness
                .iter()
                .filter_map(|cue| wire::SeriousnessCue::parse(cue.as_str()))
                .collect(),
            reporter_type: wire::ReporterType::Unknown,
            country: String::new(),
            language: String::new(),
            follow_up_allowed: false,
            verbatim_ref: String::new(),
            triage: CandidateTriage {
                score: f64::from(assessment.score),
                threshold: f64::from(assessment.threshold),
                model: model.to_owned(),
                version: version.to_owned(),
                rules_hit: assessment
                    .rules_hit
                    .iter()
                    .map(|rule| (*rule).to_owned())
                    .collect(),
            },
            possible_duplicates: Vec::new(),
            solicitation: None,
            source_type: None,
        }
    }
}

impl Finding {
    /// Both findings: the stronger one's numbers, everybody's classes, cues, rules and the better criteria.
    fn join(self, other: Finding) -> Finding {
        let (mut kept, added) = if other.assessment.score > self.assessment.score {
            (other, self)
        } else {
            (self, other)
        };
        let (into, from) = (&mut kept.assessment, added.assessment);
        unite(&mut into.classes, from.classes);
        unite(&mut into.seriousness, from.seriousness);
        unite(&mut into.rules_hit, from.rules_hit);
        into.event_spans.extend(from.event_spans);
        let best = |mine: &mut Criterion, theirs: Criterion| *mine = (*mine).max(theirs);
        best(&mut into.criteria.reporter, from.criteria.reporter);
        best(&mut into.criteria.patient, from.criteria.patient);
        best(&mut into.criteria.product, from.criteria.product);
        best(&mut into.criteria.event, from.criteria.event);
        if kept.product_as_reported.is_empty() {
            kept.product_as_reported = added.product_as_reported;
        }
        kept
    }

    fn criteria(&self) -> CandidateCriteria {
        let word = |criterion: Criterion| {
            wire::Criterion::parse(criterion.as_str()).unwrap_or(wire::Criterion::Missing)
        };
        let criteria = &self.assessment.criteria;
        CandidateCriteria {
            reporter: word(criteria.reporter),
            patient: word(criteria.patient),
            product: word(criteria.product),
            event: word(criteria.event),
        }
    }
}

fn unite<T: Ord>(into: &mut Vec<T>, from: Vec<T>) {
    into.extend(from);
    into.sort_unstable();
    into.dedup();
}

/// What the event says beside its text: a reporter with a reference, a product code.
fn raise_criteria(found: CandidateCriteria, data: &Feedback<'_>) -> CandidateCriteria {
    let raise = |known: bool, criterion: wire::Criterion| {
        if known {
            wire::Criterion::Found
        } else {
            criterion
        }
    };
    let reachable = data.respondent.reference.is_some() || data.consent.contact_vault.is_some();
    CandidateCriteria {
        reporter: raise(reachable, found.reporter),
        patient: raise(
            reachable && data.respondent.kind == Stakeholder::Patient,
            found.patient,
        ),
        product: raise(!data.about.products.is_empty(), found.product),
        event: found.event,
    }
}

/// The reporter in E2B's words. An HCP of a known specialty is taken for a physician, any other for another
/// health professional; safety intake corrects what a source leaves open.
fn reporter_type(respondent: &Respondent<'_>) -> wire::ReporterType {
    match respondent.kind {
        Stakeholder::Hcp
            if respondent.specialty.is_empty()
                || respondent.specialty.to_ascii_lowercase().contains("nurs") =>
        {
            wire::ReporterType::OtherHcp
        }
        Stakeholder::Hcp => wire::ReporterType::Physician,
        Stakeholder::Pharmacist => wire::ReporterType::Pharmacist,
        Stakeholder::Patient | Stakeholder::Caregiver | Stakeholder::Advocate => {
            wire::ReporterType::Consumer
        }
        _ => wire::ReporterType::Unknown,
    }
}

/// The tenant of an input that cannot be read: its headers', else the default, else `unknown`.
#[must_use]
pub fn tenant_of_broken(record: &Record, default: Option<&str>) -> String {
    let header = |name: &str| {
        record
            .headers
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    let envelope = Envelope {
        tenant_id: header("ce_tenantid").map(Cow::Borrowed),
        source: header("ce_source").unwrap_or_default().into(),
        ..Envelope::default()
    };
    envelope
        .tenant()
        .or(default)
        .unwrap_or(UNKNOWN_TENANT)
        .to_owned()
}

/// `topic/partition/offset`.
fn log_place(record: &Record) -> String {
    format!("{}/{}", record.at, record.offset)
}

/// Where the original words are while the source topic keeps them.
fn log_reference(record: &Record) -> String {
    format!("log:{}", log_place(record))
}

fn date(at: Timestamp) -> String {
    let mut text = auscult_wire::time::format(at);
    text.truncate("2026-05-04".len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_language::safety::SeriousnessCue;

    #[test]
    fn every_word_of_triage_is_a_word_of_the_wire() {
        for class in SafetyClass::ALL {
            assert!(
                wire::SafetyClass::parse(class.as_str()).is_some(),
                "{}",
                class.as_str()
            );
        }
        for cue in SeriousnessCue::ALL {
            assert!(
                wire::SeriousnessCue::parse(cue.as_str()).is_some(),
                "{}",
                cue.as_str()
            );
        }
        for criterion in [Criterion::Missing, Criterion::Partial, Criterion::Found] {
            assert!(
                wire::Criterion::parse(criterion.as_str()).is_some(),
                "{}",
                criterion.as_str()
            );
        }
    }

    #[test]
    fn due_dates_are_dates() {
        assert_eq!(date(Timestamp(0)), "1970-01-01");
    }

    /// Found by an end-to-end test: the words alone name no product a lexicon could know.
    #[test]
    fn the_record_around_a_text_counts() {
        let desk = SafetyDesk::new(Triage::standard(), 24);
        let rash =
            "She developed a severe rash and was taken to hospital two days after starting Alpha.";
        assert!(
            desk.judge(
                None,
                rash,
                true,
                Context {
                    product_is_known: true
                }
            )
            .is_some()
        );
        assert!(
            desk.judge(None, rash, true, Context::default()).is_some(),
            "hospital is a seriousness cue"
        );
        let form = "The form asks for a test we cannot run here.";
        assert!(
            desk.judge(
                None,
                form,
                true,
                Context {
                    product_is_known: true
                }
            )
            .is_none()
        );
    }

    #[test]
    fn several_texts_make_one_finding() {
        let desk = SafetyDesk::new(Triage::standard(), 24);
        let rash = "My mother got a severe rash and was taken to hospital after the second tablet.";
        let pregnant = "I am pregnant and still taking the tablets.";
        let both = desk
            .judge_broken(
                format!(r#"{{"text": "{rash}", "note": "{pregnant}", "broken""#).as_bytes(),
            )
            .expect("a finding");
        let one = desk
            .judge_broken(format!(r#"{{"text": "{rash}""#).as_bytes())
            .expect("a finding");
        assert!(
            both.assessment.classes.len() > one.assessment.classes.len(),
            "{:?}",
            both.assessment.classes
        );
        assert!(both.assessment.score >= one.assessment.score);
    }
}
