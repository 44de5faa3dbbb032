//! Plain words with numbers: how figures, times and the contract's words read on a page.

use auscult_core::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};
use maud::{Markup, html};

/// A number as people write it: no decimals that say nothing, at most one above 1, three figures below.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let decimals = match value.abs() {
        size if size >= 1_000.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    thousands(if text == "-0" { "0" } else { &text })
}

fn thousands(text: &str) -> String {
    let (sign, rest) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("\u{2212}", rest));
    let (whole, fraction) = rest
        .split_once('.')
        .map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && whole.len() > 4 && (whole.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{grouped}.{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}

/// A value of a measure: shares as percent, ratings on their 0 to 1 scale, the rest as numbers.
pub(crate) fn value(measure: &str, value: f64) -> String {
    match measure {
        "negative_share" => percent(value),
        _ => number(value),
    }
}

/// A share in 0 … 1 as percent.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "unknown".to_owned();
    }
    let percent = share * 100.0;
    if percent != 0.0 && percent.abs() < 1.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// `1 signal`, `3 signals`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        number(count as f64),
        if count == 1 { one } else { many }
    )
}

/// What a measure counts, after a number.
pub(crate) fn measure(measure: &str) -> &str {
    match measure {
        "mentions" => "mentions",
        "negative_share" => "negative mentions, as a share",
        "mean_rating" => "mean rating, 0 to 1",
        other => other,
    }
}

/// The contract's word with spaces and a capital: `field_note` becomes `Field note`.
pub(crate) fn plain(word: &str) -> String {
    let spaced = word.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// What a kind of signal means.
pub(crate) fn kind(kind: &str) -> String {
    let words = match kind {
        "volume_up" => "More than expected",
        "volume_down" => "Fewer than expected",
        "silence" => "Fell silent",
        "sentiment_shift" => "Feeling changed",
        "score_shift" => "Rating changed",
        "new_theme" => "New theme",
        "belief_shift" => "Belief moved",
        "geo_cluster" => "Regional cluster",
        "lead_lag" => "One setting leads another",
        "overload" => "Contact overload",
        "blind_spot" => "Blind spot",
        "request_backlog" => "Requests pile up",
        other => return plain(other),
    };
    words.to_owned()
}

/// One line of help on a caveat.
pub(crate) fn caveat(word: &str) -> &'static str {
    match word {
        "late_data" => "Late feedback changed these numbers after they were first shown.",
        "partial_bucket" => "The newest period is not over; its number will still grow.",
        "imputed" => "Part of the history was missing and has been filled in.",
        "translated" => "Some of the text was translated before it was understood.",
        "mix_shift" => "Who speaks has changed as well; part of the change may come from that.",
        "cold_start" => "This series is young; what to expect is not well known yet.",
        "entity_change" => {
            "A product, organisation or territory changed its name or shape in the window."
        }
        "low_coverage" => "We hear only a small part of the people concerned.",
        "calendar_overlap" => "A holiday, congress or campaign falls into the window.",
        _ => "Read these numbers with care.",
    }
}

/// What a grade of evidence means.
pub(crate) fn grade(word: &str) -> &'static str {
    match word {
        "anecdotal" => "Anecdotal: too few or too similar voices to act on alone.",
        "emerging" => "Emerging: several people say it; look for a second source.",
        "corroborated" => "Corroborated: different people over different channels say it.",
        _ => "The grade is not one this page knows.",
    }
}

/// A decision as a button says it.
pub(crate) fn decision(word: &str) -> String {
    match word {
        "confirmed" => "Confirmed".to_owned(),
        "expected" => "Expected".to_owned(),
        "new_trend" => "New trend".to_owned(),
        "false_alarm" => "False alarm".to_owned(),
        "handed_to_safety" => "Hand to safety".to_owned(),
        "handed_to_medical_information" => "Hand to medical information".to_owned(),
        other => plain(other),
    }
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    stamp(at).map_or_else(
        || "unknown".to_owned(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// Reads RFC 3339, or a bare date as its midnight.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let date = text.parse::<jiff::civil::Date>().ok()?;
        date.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|at| at.timestamp())
    })?;
    Some(Timestamp(at.as_millisecond()))
}

fn stamp(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(at.0).ok()
}

/// A moment for people and machines, in UTC.
pub(crate) fn time(at: Timestamp) -> Markup {
    match stamp(at) {
        Some(moment) => {
            html! { time datetime=(rfc3339(at)) { (moment.strftime("%-d %b %Y, %H:%M")) " UTC" } }
        }
        None => html! { "unknown" },
    }
}

/// A day, when the moment is midnight; the full moment otherwise.
pub(crate) fn day(at: Timestamp) -> Markup {
    match stamp(at) {
        Some(moment) if at.0.rem_euclid(DAY) == 0 => {
            html! { time datetime=(rfc3339(at)) { (moment.strftime("%-d %b %Y")) } }
        }
        _ => time(at),
    }
}

/// A day in a few letters for an axis.
pub(crate) fn axis_day(at: Timestamp, hourly: bool) -> String {
    let format = if hourly { "%-d %b %H:%M" } else { "%-d %b" };
    stamp(at)
        .map(|at| at.strftime(format).to_string())
        .unwrap_or_default()
}

/// A length of time in its largest fitting unit: `4 min`, `6 h`, `3 days`.
pub(crate) fn duration(milliseconds: i64) -> String {
    let size = milliseconds.saturating_abs();
    match size {
        _ if size < SECOND => format!("{size} ms"),
        _ if size < MINUTE => format!("{} s", size / SECOND),
        _ if size < HOUR => format!("{} min", size / MINUTE),
        _ if size < 2 * DAY => format!("{} h", size / HOUR),
        _ => format!("{} days", size / DAY),
    }
}

/// How far away a moment is: `6 h ago`, `in 3 days`.
pub(crate) fn away(at: Timestamp, now: Timestamp) -> String {
    let difference = at.0.saturating_sub(now.0);
    if difference.saturating_abs() < SECOND {
        "now".to_owned()
    } else if difference < 0 {
        format!("{} ago", duration(difference))
    } else {
        format!("in {}", duration(difference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_plainly() {
        for (value, text) in [
            (41.0, "41"),
            (17.2, "17.2"),
            (0.031, "0.031"),
            (-3.5, "−3.5"),
            (1234.0, "1234"),
            (12_345.6, "12\u{202f}346"),
            (0.0, "0"),
            (2.0, "2"),
            (100.0, "100"),
            (-0.0, "0"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(f64::NAN), "unknown");
    }

    #[test]
    fn times_round_trip_and_dates_are_midnights() {
        let at = parse_time("2026-05-25T00:03:00Z").unwrap();
        assert_eq!(rfc3339(at), "2026-05-25T00:03:00Z");
        assert_eq!(
            rfc3339(parse_time("2026-05-25").unwrap()),
            "2026-05-25T00:00:00Z"
        );
        assert_eq!(
            time(at).into_string(),
            "<time datetime=\"2026-05-25T00:03:00Z\">25 May 2026, 00:03 UTC</time>"
        );
        assert!(parse_time("yesterday").is_none());
    }

    #[test]
    fn distances_in_words() {
        let now = Timestamp(10 * DAY);
        assert_eq!(away(Timestamp(10 * DAY - 6 * HOUR), now), "6 h ago");
        assert_eq!(away(Timestamp(13 * DAY), now), "in 3 days");
    }
}
