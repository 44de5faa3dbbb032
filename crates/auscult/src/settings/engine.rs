//! `[engine]` and `[kafka]`.

use super::detect::{set, set_u32};
use super::reader::Section;
use auscult_engine::settings::{EngineSettings, Role, Secret};
use auscult_kafka::KafkaSettings;

/// Most milliseconds or seconds the reader takes; the engine's own check is narrower.
const MOST: u64 = 1 << 40;

/// Reads `[engine]` over its defaults.
pub fn read(section: &mut Section<'_>) -> EngineSettings {
    let mut settings = EngineSettings::default();
    set(
        &mut settings.roles,
        section.words("roles", "listen, detect, serve", Role::parse),
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
        set(
            &mut names.safety_candidates,
            topics.text("safety_candidates"),
        );
        set(&mut names.safety_acks, topics.text("safety_acks"));
        set(&mut names.series, topics.text("series"));
        set(&mut names.alerts, topics.text("alerts"));
        set(&mut names.alerts_medical, topics.text("alerts_medical"));
        set(&mut names.signals, topics.text("signals"));
        set(&mut names.dispositions, topics.text("dispositions"));
        set(&mut names.dead_letters, topics.text("dead_letters"));
        set(&mut names.state, topics.text("state"));
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
    section.section("serve", |serve| {
        set(
            &mut settings.serve.feed_silent_after_seconds,
            serve.whole("feed_silent_after_seconds", MOST),
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

/// Reads `[kafka]`.
pub fn kafka(section: &mut Section<'_>) -> KafkaSettings {
    let mut settings = KafkaSettings::default();
    set(&mut settings.brokers, section.texts("brokers"));
    set(&mut settings.group_prefix, section.text("group_prefix"));
    settings
}
