//! What Listen does with one record: a pure function of the record and the moment.
//!
//! The order is the promise. Safety triage sees the raw text before the tenant, the time, consent or
//! anything else is looked at, so nothing can mute it; privacy comes next, and everything after it sees
//! redacted text only. Whatever is refused has been triaged already.

use super::rating::main_rating;
use super::triage::{SafetyDesk, tenant_of_broken};
use crate::log::Record;
use crate::settings::{CheckedEngineSettings, PortfolioKey, Secret};
use auscult_core::mention::{About, Mention, StanceTag, ThemeTag, Who};
use auscult_core::time::{SECOND, Timestamp};
use auscult_core::words::{FeedbackKind, Stakeholder, Stance, Tier};
use auscult_language::near_duplicate::{self, Signature};
use auscult_language::privacy::{PersonalDataClass, Pseudonymiser, Redactor};
use auscult_language::requests::{self, Request};
use auscult_language::safety::Triage;
use auscult_language::stance::BeliefSet;
use auscult_language::themes::Taxonomy;
use auscult_language::words::Words;
use auscult_language::{language_id, sentiment, speaker};
use auscult_wire::feedback::Source;
use auscult_wire::medical_request::request_id;
use auscult_wire::{
    ErrorCode, Feedback, FeedbackEvent, MedicalRequest, SafetyCandidate, SchemaRegistry, WireError,
    decode_feedback,
};
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

/// Longest value of an extra field that a view may cut by; longer ones are text, not dimensions.
pub const MAX_DIMENSION_BYTES: usize = 128;
/// Longest text that goes to medical information whole; of longer ones only the questions go.
const MAX_WHOLE_QUESTION_BYTES: usize = 2_048;

/// Rules of listening that come from settings.
#[derive(Debug, Clone)]
pub struct EarRules {
    /// What the portfolio key is made of.
    pub portfolio: PortfolioKey,
    /// Extra fields that views or the portfolio cut by; all others stay behind.
    pub extra_fields: Vec<String>,
    /// Tenant of events that name none.
    pub default_tenant: Option<String>,
    /// Events further ahead of the clock are quarantined, in milliseconds.
    pub future_limit: i64,
}

/// What the ear understands with. Each is built once and shared by all threads.
pub struct Understanding {
    /// Safety triage and its clock.
    pub desk: SafetyDesk,
    /// Placeholders for personal data.
    pub redactor: Redactor,
    /// Keyed pseudonyms for people.
    pub pseudonymiser: Pseudonymiser,
    /// Themes.
    pub taxonomy: Taxonomy,
    /// Belief statements, if the house has any.
    pub beliefs: Option<Arc<BeliefSet>>,
    /// Schemas of framed payloads.
    pub registry: SchemaRegistry,
}

impl Understanding {
    /// The shipped triage, redactor and schemas as checked settings say, with `taxonomy`.
    ///
    /// The pseudonym key is stretched to its length by BLAKE3's key derivation, so that any secret of enough
    /// random characters will do.
    #[must_use]
    pub fn standard(settings: &CheckedEngineSettings, taxonomy: Taxonomy) -> Understanding {
        Understanding::knowing(settings, taxonomy, &[])
    }

    /// As [`Understanding::standard`], with further names of products.
    #[must_use]
    pub fn knowing(
        settings: &CheckedEngineSettings,
        taxonomy: Taxonomy,
        further_products: &[String],
    ) -> Understanding {
        let listen = &settings.listen;
        let secret = listen.pseudonym_key.as_ref().map_or(&[][..], Secret::bytes);
        let products = || {
            let all = listen.products.iter().chain(further_products);
            all.map(String::as_str)
        };
        Understanding {
            desk: SafetyDesk::new(Triage::standard().knowing(products()), listen.intake_hours),
            redactor: redactor(settings, further_products),
            pseudonymiser: Pseudonymiser::new(&blake3::derive_key(PSEUDONYM_CONTEXT, secret)),
            taxonomy,
            beliefs: listen.beliefs.clone(),
            registry: SchemaRegistry::new(
                listen.schema_ids.iter().copied(),
                listen.schema_guids.iter().copied(),
            ),
        }
    }
}

/// The shipped redactor as checked settings say, with further names of products. Stored text that is read again is read by it, too.
#[must_use]
pub fn redactor(settings: &CheckedEngineSettings, further_products: &[String]) -> Redactor {
    let products = settings.listen.products.iter().chain(further_products);
    Redactor::standard()
        .keeping(products.map(String::as_str))
        .hiding(settings.own_terms().clone())
}

impl EarRules {
    /// The rules of checked settings.
    #[must_use]
    pub fn new(settings: &CheckedEngineSettings) -> EarRules {
        let listen = &settings.listen;
        let portfolio = settings.portfolio().clone();
        let mut extra_fields = listen.extra_fields.clone();
        extra_fields.extend(portfolio.extra_fields().map(str::to_owned));
        let future = i64::try_from(listen.future_limit_seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(SECOND);
        EarRules {
            portfolio,
            extra_fields,
            default_tenant: listen.default_tenant.clone(),
            future_limit: future,
        }
    }
}

/// Names what the derived key is for (BLAKE3 key derivation); a change makes every pseudonym new.
const PSEUDONYM_CONTEXT: &str = "auscult 2026-11-22 person pseudonyms v1";

/// Everything needed to understand a record.
pub struct Ear {
    with: Understanding,
    rules: EarRules,
    models: Vec<String>,
}

thread_local! {
    /// Buffers of the text before, to be used again: two allocations fewer a text.
    static SPARE_WORDS: Cell<Words> = Cell::default();
}

/// What became of one record.
#[derive(Debug, Default)]
pub struct Heard<'h> {
    /// What was understood; its watermark is set later, in the partition's order.
    pub mention: Option<Mention<'h>>,
    /// Kind of a record that is no feedback and is set aside.
    pub set_aside: Option<FeedbackKind>,
    /// Why it was refused.
    pub refusal: Option<WireError>,
    /// What safety must see, with its tenant. Boxed, as the request is: both are rare and large.
    pub candidate: Option<Box<(String, SafetyCandidate)>>,
    /// A question for medical information, with its tenant.
    pub request: Option<Box<(String, MedicalRequest)>>,
    /// Classes of personal data replaced in the text.
    pub redacted: Vec<PersonalDataClass>,
}

impl Ear {
    /// An ear that understands with `with` and follows `rules`.
    #[must_use]
    pub fn new(with: Understanding, rules: EarRules) -> Ear {
        let mut models = vec![
            format!("language:{}", language_id::VERSION),
            format!("near_duplicate:{}", near_duplicate::VERSION),
            format!("privacy:{}", with.redactor.ruleset()),
            format!("requests:{}", requests::VERSION),
            format!("safety:{}", with.desk.model()),
            format!("sentiment:{}", sentiment::version()),
            format!("speaker:{}", speaker::VERSION),
            format!("topic:{}@{}", with.taxonomy.name(), with.taxonomy.version()),
        ];
        models.extend(
            with.beliefs
                .iter()
                .map(|beliefs| format!("stance:{}", beliefs.version())),
        );
        models.sort();
        Ear {
            with,
            rules,
            models,
        }
    }

    /// Understands one record at the moment `now`.
    #[must_use]
    pub fn hear<'h>(&'h self, record: &'h Record, now: Timestamp) -> Heard<'h> {
        let Some(value) = record.value.as_deref() else {
            let refusal = WireError::new(
                ErrorCode::EventEmpty,
                "",
                "a tombstone has no meaning on a feedback topic",
            );
            return Heard {
                refusal: Some(refusal),
                ..Heard::default()
            };
        };
        match decode_feedback(&record.headers, value, &self.with.registry) {
            Ok(event) => self.hear_event(record, event, now),
            Err(refusal) => self.hear_broken(record, value, refusal, now),
        }
    }

    fn hear_broken<'h>(
        &self,
        record: &Record,
        value: &[u8],
        refusal: WireError,
        now: Timestamp,
    ) -> Heard<'h> {
        let candidate = self.with.desk.judge_broken(value).map(|finding| {
            let tenant = tenant_of_broken(record, self.rules.default_tenant.as_deref());
            let candidate = self
                .with
                .desk
                .candidate_of_broken(record, &finding, &tenant, now);
            Box::new((tenant, candidate))
        });
        Heard {
            candidate,
            refusal: Some(refusal),
            ..Heard::default()
        }
    }

    fn hear_event<'h>(
        &'h self,
        record: &'h Record,
        event: FeedbackEvent<'h>,
        now: Timestamp,
    ) -> Heard<'h> {
        let finding = self.with.desk.judge_event(&event.data);
        let named = event
            .envelope
            .tenant()
            .or(self.rules.default_tenant.as_deref())
            .map(str::to_owned);
        let candidate = finding.map(|finding| {
            let tenant = named
                .clone()
                .unwrap_or_else(|| super::triage::UNKNOWN_TENANT.to_owned());
            let candidate = self
                .with
                .desk
                .candidate(&event, &finding, &tenant, record, now);
            Box::new((tenant, candidate))
        });
        let mut heard = Heard {
            candidate,
            ..Heard::default()
        };
        match named {
            None => {
                heard.refusal = Some(WireError::new(
                    ErrorCode::TenantUnknown,
                    "tenantid",
                    "the event names no tenant and no default is set",
                ))
            }
            Some(_) if self.is_in_future(event.data.occurred_at, now) => {
                heard.refusal = Some(self.future_refusal(&event.data, now))
            }
            Some(_) if event.data.kind != FeedbackKind::Feedback => {
                heard.set_aside = Some(event.data.kind)
            }
            Some(tenant) => self.understand(event, tenant, now, &mut heard),
        }
        heard
    }

    fn is_in_future(&self, at: Timestamp, now: Timestamp) -> bool {
        at > now.plus(self.rules.future_limit)
    }

    fn future_refusal(&self, data: &Feedback<'_>, now: Timestamp) -> WireError {
        let ahead = data.occurred_at.0.saturating_sub(now.0) / 60_000;
        let limit = self.rules.future_limit / 60_000;
        WireError::new(
            ErrorCode::TimeInFuture,
            "/occurred_at",
            format!("{ahead} minutes ahead of the clock, at most {limit} are allowed"),
        )
    }

    /// From here on there is no raw text: `text` is redacted.
    fn understand<'h>(
        &'h self,
        event: FeedbackEvent<'h>,
        tenant: String,
        now: Timestamp,
        heard: &mut Heard<'h>,
    ) {
        let recorded_at = event.recorded_at().min(now.plus(self.rules.future_limit));
        let feed = feed(&event.data.source);
        let extra = self.extra(&event.data);
        let FeedbackEvent { envelope, data } = event;
        let text = self.redact(data.content.text, &mut heard.redacted);
        let mut words = SPARE_WORDS.take();
        words.read(&text);
        let hits = self.with.taxonomy.tag_words(&words);
        let feeling = sentiment::feeling_of_words(&text, &words, &hits);
        let stances = self.stances(&words);
        let questions: Vec<Request> = requests::find_words(&words)
            .into_iter()
            .filter(|request| request.medical)
            .collect();
        let themes = hits
            .into_iter()
            .zip(feeling.toward)
            .map(|(hit, sentiment)| ThemeTag {
                theme: Cow::Borrowed(self.with.taxonomy.theme_id(hit.theme)),
                sentiment,
                spans: hit.spans,
            });
        let language = known_language(data.content.language, &words);
        let stakeholder = known_stakeholder(data.respondent.kind, &words);
        let (journey, stage) = data
            .about
            .journey
            .map_or_else(Default::default, |journey| (journey.id, journey.stage));
        let respondent = data.respondent;
        let mut mention = Mention {
            portfolio: Cow::Borrowed(""),
            event_source: envelope.source,
            event_id: envelope.id,
            feedback_id: data.feedback_id,
            occurred_at: data.occurred_at,
            recorded_at,
            watermark: Timestamp::MIN,
            feed: Cow::Owned(feed),
            who: Who {
                person: respondent.reference.map(|reference| {
                    self.with
                        .pseudonymiser
                        .pseudonym(&tenant, &reference)
                        .into()
                }),
                stakeholder,
                tier: respondent.tier.unwrap_or(Tier::NotApplicable),
                specialty: respondent.specialty,
                setting: respondent.setting,
                organisation: respondent.organisation,
                country: respondent.country,
                region: respondent.region,
                channel: data.channel,
                source: data.source.kind,
            },
            about: About {
                products: sorted(data.about.products),
                indications: sorted(data.about.indications),
                journey,
                stage,
            },
            text,
            language,
            themes: themes.collect(),
            stances,
            sentiment: feeling.overall,
            rating: main_rating(&data.content.measures),
            thread: data.links.thread.or(data.links.duplicate_of),
            signature: Signature::of(&words, near_duplicate::LEAST_WORDS, false),
            safety_candidate: heard.candidate.is_some(),
            medical_request: !questions.is_empty(),
            canary: data.canary,
            extra,
            models: self
                .models
                .iter()
                .map(|model| Cow::Borrowed(model.as_str()))
                .collect(),
            tenant: Cow::Owned(tenant),
        };
        SPARE_WORDS.set(words);
        mention.portfolio = Cow::Owned(self.rules.portfolio.of(&mention));
        if mention.medical_request {
            let contact = data.consent.contact_vault.map(Cow::into_owned);
            let request = medical_request(
                &mention,
                &questions,
                data.awareness.at.min(now),
                data.consent.may_contact,
                contact,
            );
            heard.request = Some(Box::new((mention.tenant.to_string(), request)));
            withhold_text(&mut mention);
        }
        heard.mention = Some(mention);
    }

    /// What the text says of the house's beliefs, by belief.
    fn stances(&self, words: &Words) -> Vec<StanceTag<'_>> {
        let Some(beliefs) = &self.with.beliefs else {
            return Vec::new();
        };
        let mut stances: Vec<StanceTag<'_>> = beliefs
            .stances_words(words)
            .into_iter()
            .filter_map(|hit| {
                Some(StanceTag {
                    belief: Cow::Borrowed(beliefs.beliefs()[usize::from(hit.belief)].id.as_str()),
                    stance: Stance::parse(hit.stance.as_str())?,
                })
            })
            .collect();
        stances.sort_by(|left, right| left.belief.cmp(&right.belief));
        stances
    }

    /// Redacted text; borrowed from the record when there was nothing to hide and nothing escaped.
    fn redact<'h>(&self, text: Cow<'h, str>, classes: &mut Vec<PersonalDataClass>) -> Cow<'h, str> {
        match text {
            Cow::Borrowed(text) => {
                let redacted = self.with.redactor.redact(text);
                classes.extend(redacted.findings.iter().map(|finding| finding.class));
                redacted.text
            }
            Cow::Owned(text) => {
                let redacted = self.with.redactor.redact(&text);
                classes.extend(redacted.findings.iter().map(|finding| finding.class));
                match redacted.text {
                    Cow::Owned(hidden) => Cow::Owned(hidden),
                    Cow::Borrowed(_) => Cow::Owned(text),
                }
            }
        }
    }

    /// Extra fields somebody cuts by. They are redacted too: a free-text field named by mistake must not
    /// carry a name past Listen.
    fn extra<'h>(&self, data: &Feedback<'h>) -> Vec<(Cow<'h, str>, Cow<'h, str>)> {
        if self.rules.extra_fields.is_empty() {
            return Vec::new();
        }
        let wanted = data.extra.fields.iter().filter(|field| {
            self.rules
                .extra_fields
                .iter()
                .any(|name| *name == field.name)
        });
        let mut pairs: Vec<(Cow<'h, str>, Cow<'h, str>)> = wanted
            .filter_map(|field| {
                let value = field.text()?;
                let value = self.with.redactor.redact_label(&value).text;
                (value.len() <= MAX_DIMENSION_BYTES)
                    .then(|| (field.name.clone(), Cow::Owned(value.into_owned())))
            })
            .collect();
        pairs.sort();
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        pairs
    }
}

/// `system/instance/type`.
fn feed(source: &Source<'_>) -> String {
    [
        source.system.as_ref(),
        source.instance.as_ref(),
        source.kind.as_str(),
    ]
    .join("/")
}

fn sorted<'h>(mut codes: Vec<Cow<'h, str>>) -> Vec<Cow<'h, str>> {
    codes.sort();
    codes.dedup();
    codes
}

/// The language the source declares; where it says nothing, the one the words are in.
fn known_language<'h>(declared: Cow<'h, str>, words: &Words) -> Cow<'h, str> {
    if declared.is_empty() {
        Cow::Borrowed(language_id::code_of_words(words))
    } else {
        declared
    }
}

/// Who speaks, as the source says; where it does not know, a guess from the words, which may stay `unknown`.
fn known_stakeholder(declared: Stakeholder, words: &Words) -> Stakeholder {
    match declared {
        Stakeholder::Unknown => Stakeholder::parse(speaker::guess_words(words).stakeholder)
            .unwrap_or(Stakeholder::Unknown),
        known => known,
    }
}

/// N19: of a medical question the commercial topics carry that there was one, never its words.
fn withhold_text(mention: &mut Mention<'_>) {
    mention.text = Cow::Borrowed("");
    mention.signature = None;
    for tag in &mut mention.themes {
        tag.spans.clear();
    }
}

fn medical_request(
    mention: &Mention<'_>,
    questions: &[Request],
    received_at: Timestamp,
    may_contact: bool,
    contact_vault: Option<String>,
) -> MedicalRequest {
    let owned = |codes: &[Cow<'_, str>]| codes.iter().map(|code| code.to_string()).collect();
    let question = if mention.text.len() <= MAX_WHOLE_QUESTION_BYTES {
        mention.text.to_string()
    } else {
        let sentences: Vec<&str> = questions
            .iter()
            .filter_map(|found| {
                mention
                    .text
                    .get(found.span.0 as usize..found.span.1 as usize)
            })
            .collect();
        sentences.join(" … ")
    };
    MedicalRequest {
        request_id: request_id(&mention.tenant, &mention.feedback_id),
        feedback_id: mention.feedback_id.to_string(),
        received_at,
        question,
        language: mention.language.to_string(),
        products: owned(&mention.about.products),
        indications: owned(&mention.about.indications),
        themes: mention
            .themes
            .iter()
            .map(|tag| tag.theme.to_string())
            .collect(),
        asked_by: mention.who.stakeholder,
        country: mention.who.country.to_string(),
        source_type: mention.who.source,
        may_contact,
        contact_vault,
        rules_hit: vec![requests::VERSION.to_owned()],
    }
}
