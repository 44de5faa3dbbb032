//! A body cut into items.

use crate::log::Headers;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One event of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'b> {
    /// Its place in the batch, or its line, from 0.
    pub index: usize,
    /// Headers for the log, when the form brings its own: binary mode, or a body nobody can cut.
    pub headers: Option<Headers>,
    /// Its bytes.
    pub bytes: &'b [u8],
}

/// Media types of JSON Lines in use.
const LINES_TYPES: [&str; 5] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/jsonlines",
];

/// Cuts a body. What cannot be cut is one item, with the content type it came with.
pub fn split<'b>(content_type: &str, headers: &Headers, body: &'b [u8]) -> Vec<Item<'b>> {
    if let Some(headers) = binary_headers(content_type, headers) {
        return vec![Item {
            index: 0,
            headers: Some(headers),
            bytes: body,
        }];
    }
    if LINES_TYPES.contains(&content_type) || is_lines(body) {
        return lines(body);
    }
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[')
        && let Ok(items) = serde_json::from_slice::<Vec<&RawValue>>(body)
    {
        let numbered = items.into_iter().enumerate();
        return numbered
            .map(|(index, raw)| Item {
                index,
                headers: None,
                bytes: raw.get().as_bytes(),
            })
            .collect();
    }
    // Cut short or not JSON at all: kept whole, with a content type under which Listen reads it the same way.
    let known_json = content_type.is_empty() || content_type.ends_with("json");
    let headers = (!known_json || first != Some(&b'{')).then(|| content_type_header(content_type));
    vec![Item {
        index: 0,
        headers,
        bytes: body,
    }]
}

fn content_type_header(content_type: &str) -> Headers {
    if content_type.is_empty() {
        Headers::new()
    } else {
        vec![("content-type".to_owned(), content_type.as_bytes().to_vec())]
    }
}

/// Binary mode over HTTP: `ce-*` headers, percent-encoded (CloudEvents HTTP binding 3.1.3.2).
fn binary_headers(content_type: &str, headers: &Headers) -> Option<Headers> {
    let attributes = headers.iter().filter_map(|(name, value)| {
        Some((
            format!("ce_{}", name.strip_prefix("ce-")?),
            percent_decoded(value),
        ))
    });
    let mut mapped: Headers = attributes.collect();
    if mapped.is_empty() {
        return None;
    }
    mapped.extend(content_type_header(content_type));
    Some(mapped)
}

fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let digit = |at: usize| value.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        match (value[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Several lines of which the first is a whole JSON object: JSON Lines, whatever the content type says.
fn is_lines(body: &[u8]) -> bool {
    let mut lines = body
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next());
    second.is_some()
        && first.starts_with(b"{")
        && serde_json::from_slice::<&RawValue>(first).is_ok()
}

fn lines(body: &[u8]) -> Vec<Item<'_>> {
    let numbered = body
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .enumerate();
    numbered
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, bytes)| Item {
            index,
            headers: None,
            bytes,
        })
        .collect()
}

/// Whether a JSON document claims to be a CloudEvent. Anything that is no object is left to the decoder.
pub fn is_event(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Probe<'b> {
        #[serde(borrow)]
        specversion: Option<&'b RawValue>,
        #[serde(borrow)]
        data: Option<&'b RawValue>,
    }
    serde_json::from_slice::<Probe<'_>>(bytes).map_or(true, |probe| {
        probe.specversion.is_some() || probe.data.is_some()
    })
}

/// `source.system` of a bare data object, when it is a word that may stand in a URI.
pub fn system_of(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Probe {
        source: Option<SourceProbe>,
    }
    #[derive(Deserialize)]
    struct SourceProbe {
        system: Option<String>,
    }
    let system = serde_json::from_slice::<Probe>(bytes)
        .ok()?
        .source?
        .system?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!system.is_empty() && system.len() <= 64 && system.bytes().all(allowed)).then_some(system)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces<'b>(content_type: &str, body: &'b str) -> Vec<&'b str> {
        let items = split(content_type, &Headers::new(), body.as_bytes());
        items
            .into_iter()
            .map(|item| std::str::from_utf8(item.bytes).expect("cut from text"))
            .collect()
    }

    #[test]
    fn cuts_batches_lines_and_single_events() {
        assert_eq!(
            pieces(
                "application/cloudevents-batch+json",
                r#"[{"a":1}, {"b":2}]"#
            ),
            [r#"{"a":1}"#, r#"{"b":2}"#]
        );
        assert_eq!(
            pieces("", "{\"a\":1}\n\n{\"b\":2}\n"),
            [r#"{"a":1}"#, r#"{"b":2}"#]
        );
        assert_eq!(
            pieces("application/json", "{\n \"a\":\n {}\n}"),
            ["{\n \"a\":\n {}\n}"]
        );
        assert_eq!(
            pieces("application/json", r#"[{"a":1}, {"b""#),
            [r#"[{"a":1}, {"b""#]
        );
    }

    #[test]
    fn binary_mode_attributes_are_percent_decoded() {
        let headers = vec![
            ("ce-subject".to_owned(), b"feedback/%C3%A4%2".to_vec()),
            ("accept".to_owned(), b"*".to_vec()),
        ];
        let items = split("application/json", &headers, b"{}");
        let expected = vec![
            ("ce_subject".to_owned(), "feedback/ä%2".as_bytes().to_vec()),
            ("content-type".to_owned(), b"application/json".to_vec()),
        ];
        assert_eq!(
            items,
            [Item {
                index: 0,
                headers: Some(expected),
                bytes: b"{}"
            }]
        );
    }

    proptest! {
        #[test]
        fn no_body_panics_and_none_is_lost(body in prop::collection::vec(any::<u8>(), 1..200), kind in 0_usize..3) {
            let content_type = ["", "application/json", "application/x-ndjson"][kind];
            let items = split(content_type, &Headers::new(), &body);
            let kept: usize = items.iter().map(|item| item.bytes.trim_ascii().len()).sum();
            let blank = body.iter().all(u8::is_ascii_whitespace);
            prop_assert!(blank || kept > 0);
            for item in items {
                let _ = (is_event(item.bytes), system_of(item.bytes));
            }
        }
    }
}
