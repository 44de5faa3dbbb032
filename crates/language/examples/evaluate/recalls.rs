//! Drug recalls: near-duplicate rows of one incident, and new themes against the known events.

use crate::data;
use crate::report::Report;
use auscult_language::emerging::{Emerging, EmergingTheme, Settings};
use auscult_language::near_duplicate::{self, By, NearDuplicates};
use auscult_language::stable_hash::hash_bytes;
use auscult_language::words::Words;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

struct Recall {
    event: String,
    firm: String,
    reason: String,
    report_day: i64,
}

pub fn run(folder: &Path, report: &mut Report) -> data::anyhow_lite::Result<()> {
    for path in data::files(folder, "fda_drug_recalls_") {
        let mut recalls: Vec<Recall> = data::rows(&path)?
            .iter()
            .filter_map(|row| {
                let cell = |name| data::cell(row, name).to_owned();
                Some(Recall {
                    event: cell("event_id"),
                    firm: cell("recalling_firm"),
                    reason: cell("reason_for_recall"),
                    report_day: day(data::cell(row, "report_date"))?,
                })
            })
            .collect();
        recalls.sort_by_key(|recall| recall.report_day);
        let set = data::name_of(&path);
        near_duplicates(&set, &recalls, report);
        new_themes(&set, &recalls, report);
    }
    Ok(())
}

fn near_duplicates(set: &str, recalls: &[Recall], report: &mut Report) {
    let families = |by_firm: bool| {
        let mut seen = NearDuplicates::new(near_duplicate::Settings {
            least_words: 2,
            across_authors: !by_firm,
            ..near_duplicate::Settings::default()
        });
        (0u64..)
            .zip(recalls)
            .map(|(id, recall)| {
                let by = by_firm.then(|| By {
                    author: hash_bytes(recall.firm.as_bytes()),
                    at: recall.report_day,
                });
                seen.observe_words(id, by, &Words::of(&recall.reason))
                    .unwrap_or(id)
            })
            .collect::<Vec<u64>>()
    };
    for (split, by_firm) in [("reason, firm as author", true), ("reason alone", false)] {
        let found = families(by_firm);
        let (recall, precision) = pairs(
            &recalls
                .iter()
                .map(|one| one.event.as_str())
                .collect::<Vec<_>>(),
            &found,
        );
        report.add(
            "near-duplicates, pairs of one event_id",
            set,
            split,
            format!("pair recall {recall:.3}, precision {precision:.3}"),
            "recall ≥ 0.95, precision ≥ 0.98 (I06, planted reposts)",
        );
        let without: Vec<usize> = (0..recalls.len())
            .filter(|at| !recalls[*at].firm.starts_with("Aidapak"))
            .collect();
        let (recall, precision) = pairs(
            &without
                .iter()
                .map(|at| recalls[*at].event.as_str())
                .collect::<Vec<_>>(),
            &without.iter().map(|at| found[*at]).collect::<Vec<_>>(),
        );
        report.add(
            "near-duplicates, pairs of one event_id",
            set,
            &format!("{split}; without Aidapak, whose two event_ids are one incident"),
            format!("pair recall {recall:.3}, precision {precision:.3}"),
            "recall ≥ 0.95, precision ≥ 0.98",
        );
        // The known single-firm bursts: how many families their rows fall into.
        let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        recalls
            .iter()
            .enumerate()
            .for_each(|(at, one)| rows.entry(&one.event).or_default().push(at));
        let mut largest: Vec<(&str, Vec<usize>)> = rows.into_iter().collect();
        largest.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        let shown: Vec<String> = largest
            .iter()
            .take(5)
            .map(|(_, rows)| {
                let families: BTreeSet<u64> = rows.iter().map(|at| found[*at]).collect();
                format!(
                    "{} {} rows → {}",
                    recalls[rows[0]].firm.split([',', ' ']).next().unwrap_or(""),
                    rows.len(),
                    families.len()
                )
            })
            .collect();
        report.add(
            "near-duplicates, largest incidents",
            set,
            split,
            format!("{} families", shown.join("; ")),
            "one or two each",
        );
    }
}

/// Share of the true pairs that were found, and of the found pairs that are true.
fn pairs(truth: &[&str], found: &[u64]) -> (f64, f64) {
    let choose = |counts: Vec<usize>| {
        counts
            .into_iter()
            .map(|count| count * count.saturating_sub(1) / 2)
            .sum::<usize>() as f64
    };
    let (mut by_truth, mut by_found, mut by_both) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (truth, found) in truth.iter().zip(found) {
        *by_truth.entry(truth).or_insert(0usize) += 1;
        *by_found.entry(found).or_insert(0usize) += 1;
        *by_both.entry((truth, found)).or_insert(0usize) += 1;
    }
    let both = choose(by_both.into_values().collect());
    (
        both / choose(by_truth.into_values().collect()).max(1.0),
        both / choose(by_found.into_values().collect()).max(1.0),
    )
}

/// Events that are new themes in this kind of data: id, words by which a proposal is recognised, days of first and third visible incident.
const EVENTS: &[(&str, &[&str], &str, &str)] = &[
    (
        "fda-outside-laboratory-2013",
        &["laboratory", "contract testing"],
        "2013-09-18",
        "2013-09-25",
    ),
    (
        "fda-cepacia-2016",
        &["cepacia", "burkholderia"],
        "2016-10-05",
        "2016-11-30",
    ),
];

fn new_themes(set: &str, recalls: &[Recall], report: &mut Report) {
    // Weekly reports; people are firms, sources are firms too: a theme needs three of them.
    let settings = Settings {
        least_people: 3,
        least_sources: 3,
        half_life: 52.0,
        patience: 8,
        warm_up: 26,
        ..Settings::default()
    };
    let mut detector = Emerging::new(settings);
    let mut found: Vec<(i64, EmergingTheme)> = Vec::new();
    let mut seen = BTreeSet::new();
    let (mut bucket, mut buckets) = (i64::MIN, 0usize);
    for (id, recall) in (0u64..).zip(recalls) {
        let week = recall.report_day.div_euclid(7);
        if week != bucket {
            if bucket != i64::MIN {
                found.extend(
                    detector
                        .close_bucket(bucket)
                        .into_iter()
                        .map(|theme| (bucket, theme)),
                );
            }
            bucket = week;
            buckets += 1;
        }
        // One incident speaks once: later rows only repeat it.
        if seen.insert(&recall.event) {
            let firm = hash_bytes(recall.firm.as_bytes());
            detector.observe(week, &recall.reason, firm, firm, id);
        }
    }
    found.extend(
        detector
            .close_bucket(bucket)
            .into_iter()
            .map(|theme| (bucket, theme)),
    );
    let mut matched = BTreeSet::new();
    for (event, words, first, third) in EVENTS.iter().filter(|event| {
        recalls
            .first()
            .is_some_and(|one| Some(one.report_day) <= day(event.2))
            && recalls
                .last()
                .is_some_and(|one| Some(one.report_day) >= day(event.2))
    }) {
        let (first, third) = (day(first).unwrap_or(0), day(third).unwrap_or(0));
        let hit = found.iter().enumerate().find(|(_, (week, theme))| {
            (first - 90..first + 150).contains(&(week * 7 + 6))
                && theme
                    .terms
                    .iter()
                    .any(|term| words.iter().any(|word| term.contains(word)))
        });
        let text = match hit {
            Some((at, (week, theme))) => {
                matched.insert(at);
                let delay = week * 7 + 6 - third;
                format!(
                    "found as \"{}\", {delay} days after the third visible incident, {} firms, significance {:.1}",
                    theme.label, theme.people, theme.significance
                )
            }
            None => "not found".to_owned(),
        };
        report.add("new themes", set, event, text, "found");
    }
    let others = found.len() - matched.len();
    report.add(
        "new themes, other proposals",
        set,
        &format!("{buckets} weekly buckets"),
        format!(
            "{others} ({:.0} per 1,000 buckets)",
            1000.0 * others as f64 / buckets.max(1) as f64
        ),
        "few",
    );
    if std::env::args().any(|argument| argument == "--detail") {
        found.iter().for_each(|(week, theme)| {
            eprintln!(
                "  day {} people {} z {:.1} exp {:.2}: {} {:?}",
                date(week * 7 + 6),
                theme.people,
                theme.significance,
                theme.expected,
                theme.label,
                theme.terms.iter().take(6).collect::<Vec<_>>()
            )
        });
    }
}

/// Days since 1970 of `YYYY-MM-DD…` (Hinnant's civil calendar arithmetic).
pub fn day(text: &str) -> Option<i64> {
    let mut parts = text.get(..10)?.split('-').map(str::parse::<i64>);
    let (year, month, day) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// `YYYY-MM-DD` of a day since 1970.
pub fn date(days: i64) -> String {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (
        of_year - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
    );
    format!(
        "{}-{month:02}-{day:02}",
        year_of_era + era * 400 + i64::from(month <= 2)
    )
}
