//! The filter of the list of signals, as a query string says it. Pages and API share it, so a link from one
//! reads the same in the other.

use crate::problem::Problem;
use auscult_core::words::{SignalStatus, StandardDimension};
use auscult_engine::read_model::SignalFilter;

/// Most signals of one page of the list (the store's bound).
pub(crate) const MAX_LIMIT: u32 = 500;

/// Label keys beside the standard dimensions.
const MORE_LABELS: [&str; 4] = ["brand", "segment", "kind", "severity"];

/// Reads the pairs of a query string. Empty values mean "any". `default_status` applies when none is given.
pub(crate) fn parse(
    pairs: &[(String, String)],
    default_status: Option<SignalStatus>,
    default_limit: u32,
) -> Result<SignalFilter, Problem> {
    let mut filter = SignalFilter {
        status: default_status.map(|status| status.as_str().to_owned()),
        limit: default_limit,
        ..SignalFilter::default()
    };
    for (key, value) in pairs {
        if value.is_empty() {
            continue;
        }
        match key.as_str() {
            "status" => filter.status = status(value)?,
            "portfolio" => filter.portfolio = Some(value.clone()),
            "suppressed" => {
                filter.include_suppressed = choice("suppressed", value, "include", "exclude")?
            }
            "offset" => filter.offset = number("offset", value, 1_000_000)?,
            "limit" => filter.limit = number("limit", value, MAX_LIMIT)?.max(1),
            other => match label(other) {
                Some(label) => filter.labels.push((label.to_owned(), value.clone())),
                None => return Err(unknown(other)),
            },
        }
    }
    Ok(filter)
}

/// The query string of `filter` at another offset.
pub(crate) fn query(filter: &SignalFilter, offset: u32) -> String {
    let mut pairs = vec![(
        "status".to_owned(),
        filter.status.clone().unwrap_or_else(|| "all".to_owned()),
    )];
    pairs.extend(
        filter
            .portfolio
            .iter()
            .map(|portfolio| ("portfolio".to_owned(), portfolio.clone())),
    );
    pairs.extend(filter.labels.iter().map(|(key, value)| {
        (
            if label(key) == Some(key) {
                key.clone()
            } else {
                format!("label.{key}")
            },
            value.clone(),
        )
    }));
    if filter.include_suppressed {
        pairs.push(("suppressed".to_owned(), "include".to_owned()));
    }
    pairs.push(("limit".to_owned(), filter.limit.to_string()));
    pairs.push(("offset".to_owned(), offset.to_string()));
    pairs
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn label(key: &str) -> Option<&str> {
    let known = StandardDimension::parse(key).is_some() || MORE_LABELS.contains(&key);
    if known {
        Some(key)
    } else {
        key.strip_prefix("label.").filter(|label| !label.is_empty())
    }
}

fn status(value: &str) -> Result<Option<String>, Problem> {
    match value {
        "all" => Ok(None),
        _ if SignalStatus::parse(value).is_some() => Ok(Some(value.to_owned())),
        _ => Err(bad(
            "status",
            value,
            "choose firing, resolved, retracted or all",
        )),
    }
}

fn choice(key: &str, value: &str, yes: &str, no: &str) -> Result<bool, Problem> {
    match value {
        _ if value == yes => Ok(true),
        _ if value == no => Ok(false),
        _ => Err(bad(key, value, &format!("choose {yes} or {no}"))),
    }
}

/// A whole number of a query string, at most `most`.
pub(crate) fn number(key: &str, value: &str, most: u32) -> Result<u32, Problem> {
    value
        .parse::<u32>()
        .ok()
        .filter(|number| *number <= most)
        .ok_or_else(|| {
            bad(
                key,
                value,
                &format!("write a whole number from 0 to {most}"),
            )
        })
}

/// A parameter that cannot be read, and what to write instead.
pub(crate) fn bad(key: &str, value: &str, remedy: &str) -> Problem {
    Problem::bad_request(
        "bad_query",
        format!("{key}={value:?} cannot be read"),
        format!("query parameter {key}"),
        remedy,
    )
}

/// A parameter nobody reads would be a filter silently not applied.
pub(crate) fn unknown(key: &str) -> Problem {
    let dimensions = StandardDimension::ALL
        .iter()
        .map(|dimension| dimension.as_str())
        .chain(MORE_LABELS);
    Problem::bad_request(
        "unknown_query_parameter",
        format!("There is no query parameter {key:?}"),
        format!("query parameter {key}"),
        format!(
            "use status, portfolio, suppressed, limit, offset, label.<key>, or one of: {}",
            dimensions.collect::<Vec<_>>().join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_read_is_written_again() {
        let given = pairs(&[
            ("status", "all"),
            ("brand", "alpha & beta"),
            ("label.extra.ward", "3"),
            ("suppressed", "include"),
            ("region", ""),
            ("limit", "20"),
        ]);
        let filter = parse(&given, Some(SignalStatus::Firing), 25).unwrap();
        assert_eq!(filter.status, None);
        assert_eq!(
            filter.labels,
            pairs(&[("brand", "alpha & beta"), ("extra.ward", "3")])
        );
        assert_eq!(
            query(&filter, 20),
            "status=all&brand=alpha%20%26%20beta&label.extra.ward=3&suppressed=include&limit=20&offset=20"
        );
    }

    #[test]
    fn what_nobody_reads_is_refused() {
        for wrong in [
            ("colour", "red"),
            ("status", "burning"),
            ("limit", "9999"),
            ("offset", "-1"),
            ("suppressed", "yes"),
            ("label.", "x"),
        ] {
            assert!(parse(&pairs(&[wrong]), None, 25).is_err(), "{wrong:?}");
        }
    }
}
