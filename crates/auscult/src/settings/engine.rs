//! `[engine]` and `[kafka]`.

use super::detect::{set, set_u32};
use super::reader::Section;
use auscult_engine::settings::{EngineSettings, Role, Secret};
use auscult_kafka::KafkaSettings;
use std::path::PathBuf;

/// Most milliseconds or seconds the reader takes; the engine's own check is narrower.
const MOST: u64 = 1 << 40;

/// Reads `[engine]` over its defaults.
pub fn read(section: &mut Section<'_>) -> EngineSettings {
    let mut settings = EngineSettings::default();
    set(
        &mut settings.roles,
        section.words("roles", "listen, detect, serve", Role::parse),
    );
    set(
        &mut settings.stop_within_seconds,
        section.whole("stop_within_seconds", MOST),
    );
    section.section("topics", |topics| {
        let names = &mut settings.topics;
        set(&mut names.feedback_hcp, topics.text("feedback_hcp"));
        set(&mut names.feedback_patient, topics.text("feedback_patient"));
        set(
            &mut names.feedback_ecosystem,
            topics.text("feedback_ecosystem"),
        );
        set(&mut names.sources, topics.texts("sources"));
        set(&mut names.mentions, topics.text("mentions"));
        set(&mut names.medical_requests, topics.text("medical_requests"));
        set(&mut names.medical_answers, topics.text("medical_answers"));
        set(
            &mut names.safety_candidates,
            topics.text("safety_candidates"),
        );
        set(&mut names.safety_acks, topics.text("safety_acks"));
        set(
            &mut names.safety_escalations,
            topics.text("safety_escalations"),
        );
        set(&mut names.series, topics.text("series"));
        set(&mut names.alerts, topics.text("alerts"));
        set(&mut names.alerts_medical, topics.text("alerts_medical"));
        set(&mut names.signals, topics.text("signals"));
        set(&mut names.dispositions, topics.text("dispositions"));
        set(&mut names.actions, topics.text("actions"));
        set(&mut names.outcomes, topics.text("outcomes"));
        set(&mut names.dead_letters, topics.text("dead_letters"));
        set(&mut names.state, topics.text("state"));
        set(&mut names.reference, topics.text("reference"));
    });
    section.section("partitions", |partitions| {
        set_u32(
            &mut settings.partitions.source,
            partitions.whole("source", u64::from(u32::MAX)),
        );
        set_u32(
            &mut settings.partitions.mentions,
            partitions.whole("mentions", u64::from(u32::MAX)),
        );
        set_u32(
            &mut settings.partitions.output,
            partitions.whole("output", u64::from(u32::MAX)),
        );
    });
    section.section("turn", |turn| {
        set(
            &mut settings.turn.least_records,
            turn.whole("least_records", MOST)
                .map(|value| value as usize),
        );
        set(
            &mut settings.turn.most_records,
            turn.whole("most_records", MOST).map(|value| value as usize),
        );
        set(
            &mut settings.turn.target_milliseconds,
            turn.whole("target_milliseconds", MOST),
        );
        set(
            &mut settings.turn.wait_milliseconds,
            turn.whole("wait_milliseconds", MOST),
        );
    });
    section.section("listen", |listen| {
        let own = &mut settings.listen;
        set(&mut own.threads, listen.whole("threads", MOST).map(|value| value as usize));
        set(&mut own.portfolio, listen.texts("portfolio"));
        set(&mut own.extra_fields, listen.texts("extra_fields"));
        set(&mut own.products, listen.texts("products"));
        set(&mut own.hidden_terms, listen.texts("hidden_terms"));
        let ids = listen.wholes("schema_ids", u64::from(u32::MAX));
        set(&mut own.schema_ids, ids.map(|ids| ids.into_iter().map(|id| id as u32).collect()));
        set(&mut own.schema_guids, schema_guids(listen));
        set_u32(&mut own.intake_hours, listen.whole("intake_hours", 24 * 365));
        set(&mut own.lateness_seconds, listen.whole("lateness_seconds", MOST));
        set(&mut own.idle_after_seconds, listen.whole("idle_after_seconds", MOST));
        set(&mut own.future_limit_seconds, listen.whole("future_limit_seconds", MOST));
        set(&mut own.backfill, listen.flag("backfill"));
        if let Some(tenant) = listen.text("default_tenant") {
            own.default_tenant = (!tenant.is_empty()).then_some(tenant);
        }
        if let Some(path) = listen.text("pseudonym_key_file") {
            match super::pseudonym_key(std::path::Path::new(&path)) {
                Ok((key, is_new)) => {
                    if is_new {
                        tracing::warn!(file = %path, "made a new pseudonym key: keep the file, without it people cannot be recognised as the same");
                    }
                    own.pseudonym_key = Some(key);
                }
                Err(error) => listen.problem("pseudonym_key_file", format!("{path}: {error}"), "name a file that can be read, or one that can be created"),
            }
        }
        if let Ok(key) = std::env::var("AUSCULT_PSEUDONYM_KEY") {
            own.pseudonym_key = Some(Secret::new(key));
        }
        listen.section("dead_letter_cap", |cap| {
            set(&mut own.dead_letter_cap.window_records, cap.whole("window_records", MOST).map(|value| value as usize));
            set(&mut own.dead_letter_cap.share, cap.number("share"));
        });
    });
    section.section("safety", |safety| {
        let own = &mut settings.safety;
        set_u32(
            &mut own.escalate_after_hours,
            safety.whole("escalate_after_hours", MOST),
        );
        set_u32(
            &mut own.remember_acks_days,
            safety.whole("remember_acks_days", MOST),
        );
    });
    section.section("serve", |serve| {
        set(
            &mut settings.serve.feed_silent_after_seconds,
            serve.whole("feed_silent_after_seconds", MOST),
        );
    });
    section.section("retention", |retention| {
        let own = &mut settings.retention;
        let most = u64::from(u32::MAX);
        set_u32(
            &mut own.feedback_days,
            retention.whole("feedback_days", most),
        );
        set_u32(
            &mut own.mentions_days,
            retention.whole("mentions_days", most),
        );
        set_u32(&mut own.series_days, retention.whole("series_days", most));
        set_u32(&mut own.outputs_days, retention.whole("outputs_days", most));
        set_u32(
            &mut own.dead_letters_days,
            retention.whole("dead_letters_days", most),
        );
        set(
            &mut own.clean_every_seconds,
            retention.whole("clean_every_seconds", MOST),
        );
    });
    section.section("lag", |lag| {
        set_u32(
            &mut settings.lag.warn_after_seconds,
            lag.whole("warn_after_seconds", MOST),
        );
        set_u32(
            &mut settings.lag.stall_after_seconds,
            lag.whole("stall_after_seconds", MOST),
        );
    });
    settings
}

/// Global ids of schemas.
fn schema_guids(listen: &mut Section<'_>) -> Option<Vec<uuid::Uuid>> {
    let texts = listen.texts("schema_guids")?;
    let mut guids = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        match uuid::Uuid::try_parse(text) {
            Ok(guid) => guids.push(guid),
            Err(error) => listen.problem(
                &format!("schema_guids[{at}]"),
                format!("{text:?} is no global id: {error}"),
                "copy it from the registry: 32 hexadecimal digits, with or without hyphens",
            ),
        }
    }
    Some(guids)
}

/// Reads `[kafka]`.
pub fn kafka(section: &mut Section<'_>) -> KafkaSettings {
    let mut settings = KafkaSettings::default();
    set(&mut settings.brokers, section.texts("brokers"));
    set(&mut settings.group_prefix, section.text("group_prefix"));
    set(&mut settings.instance, section.text("instance"));
    set(
        &mut settings.session_timeout_seconds,
        section.whole("session_timeout_seconds", MOST),
    );
    set(
        &mut settings.transaction_timeout_seconds,
        section.whole("transaction_timeout_seconds", MOST),
    );
    set(
        &mut settings.max_poll_interval_seconds,
        section.whole("max_poll_interval_seconds", MOST),
    );
    section.section("security", |security| {
        let own = &mut settings.security;
        set(&mut own.protocol, security.text("protocol"));
        set(&mut own.mechanism, security.text("mechanism"));
        set(&mut own.username, security.text("username"));
        set(&mut own.token_url, security.text("token_url"));
        set(&mut own.client_id, security.text("client_id"));
        set(&mut own.scope, security.text("scope"));
        let mut file = |key| security.text(key).map(PathBuf::from);
        own.ca_file = file("ca_file");
        own.certificate_file = file("certificate_file");
        own.key_file = file("key_file");
        own.key_password_file = file("key_password_file");
        own.password_file = file("password_file");
        own.token_file = file("token_file");
        own.client_secret_file = file("client_secret_file");
        own.token_ca_file = file("token_ca_file");
        for key in ["password", "key_password", "client_secret"] {
            if security.text(key).is_some() {
                security.problem(
                    key,
                    "secrets do not stand in this file, which is copied and shown",
                    format!(
                        "name a file with {key}_file, or set AUSCULT_KAFKA_{}",
                        key.to_uppercase()
                    ),
                );
            }
        }
    });
    for (property, value) in section.table("properties") {
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            _ => {
                section.problem(
                    &format!("properties.{property}"),
                    "it is neither a text nor a whole number nor true or false",
                    "quote the property's name if it has dots: \"client.rack\" = \"a\"",
                );
                continue;
            }
        };
        settings.properties.insert(property, text);
    }
    settings
}
