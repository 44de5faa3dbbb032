//! `[kafka.topics]`.

use super::detect::set_u32;
use super::reader::Section;
use auscult_kafka::admin::TopicPolicy;

/// Most days a topic may be asked to keep records: a century.
const MOST_DAYS: u64 = 36_500;

/// Reads it over its defaults.
pub fn read(section: &mut Section<'_>) -> TopicPolicy {
    let mut policy = TopicPolicy::default();
    section.section("topics", |topics| {
        set_u32(&mut policy.replication, topics.whole("replication", 100));
        set_u32(
            &mut policy.least_in_sync,
            topics.whole("least_in_sync", 100),
        );
        topics.section("retention_days", |days| {
            let kept = &mut policy.retention_days;
            set_u32(&mut kept.source, days.whole("source", MOST_DAYS));
            set_u32(&mut kept.mentions, days.whole("mentions", MOST_DAYS));
            set_u32(
                &mut kept.medical_requests,
                days.whole("medical_requests", MOST_DAYS),
            );
            set_u32(
                &mut kept.safety_candidates,
                days.whole("safety_candidates", MOST_DAYS),
            );
            set_u32(&mut kept.safety_acks, days.whole("safety_acks", MOST_DAYS));
            set_u32(&mut kept.series, days.whole("series", MOST_DAYS));
            set_u32(&mut kept.alerts, days.whole("alerts", MOST_DAYS));
            set_u32(
                &mut kept.dispositions,
                days.whole("dispositions", MOST_DAYS),
            );
            set_u32(
                &mut kept.dead_letters,
                days.whole("dead_letters", MOST_DAYS),
            );
        });
    });
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_says_what_the_code_defaults_to() {
        let commented = crate::settings::DEFAULT_FILE
            .lines()
            .skip_while(|line| *line != "# [kafka.topics]")
            .take_while(|line| *line != "# [kafka.security]");
        let text: String = commented
            .map(|line| format!("{}\n", line.trim_start_matches("# ").replace("kafka.", "")))
            .filter(|line| line.contains(" = ") || line.starts_with('['))
            .collect();
        let table = text.parse().expect("TOML");
        let mut problems = Vec::new();
        let mut section = Section::new("kafka", table, &mut problems);
        let policy = read(&mut section);
        section.finish();
        assert_eq!(problems, []);
        assert_eq!(policy, TopicPolicy::default());
        assert_eq!(
            text.lines().count(),
            13,
            "two tables and all of their settings: {text}"
        );
    }
}
