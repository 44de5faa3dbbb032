//! Quotes in stored state, changed where they lie (N08).
//!
//! The journal and proposed themes keep redacted words of people. When a redaction rule is added, these must change too, or the
//! next alert says again what the rule hides; and nothing but words may change, or a restart counts something else. So this
//! works on records, one at a time, with the same readers and writers as the machine.

use crate::contribution::Quote;
use crate::journal::Chunk;
use crate::proposals::Proposal;
use crate::record::{RestoreError, decode, encode, split};

/// The record at `key` with its quotes as `change` has them; `None` if no quote changes or a record of its kind has none.
///
/// # Errors
/// [`RestoreError`] if a record with quotes cannot be read.
pub fn change_quotes(
    key: &[u8],
    value: &[u8],
    change: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<Option<Vec<u8>>, RestoreError> {
    match split(key) {
        Some((_, b'j', _)) => {
            let mut chunk: Chunk = decode(key, value)?;
            let quotes = chunk
                .contributions
                .iter_mut()
                .filter_map(|kept| kept.quote.as_mut());
            Ok(change_all(quotes, change).then(|| encode(&chunk)))
        }
        Some((_, b't', _)) => {
            let mut proposal: Proposal = decode(key, value)?;
            Ok(change_all(proposal.quotes.iter_mut(), change).then(|| encode(&proposal)))
        }
        _ => Ok(None),
    }
}

fn change_all<'q>(
    quotes: impl Iterator<Item = &'q mut Quote>,
    change: &mut dyn FnMut(&str) -> Option<String>,
) -> bool {
    let mut any = false;
    for quote in quotes {
        if let Some(text) = change(&quote.text) {
            quote.text = text.into();
            any = true;
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contribution::Contribution;
    use crate::time::Timestamp;

    fn contribution(quote: Option<&str>) -> Contribution {
        Contribution {
            feedback: 1,
            event: 2,
            recorded_at: Timestamp(3),
            occurred_at: Timestamp(4),
            watermark: Timestamp(5),
            removed_at: None,
            person: 6,
            thread: 0,
            voice: 0,
            feed: 7,
            sentiment: Some(-400),
            theme_sentiment: vec![Some(1), None],
            rating: None,
            values: vec![1, 2].into(),
            profile: 0,
            quote: quote.map(|text| Quote {
                feedback_id: "f-1".into(),
                text: text.into(),
                language: "en".into(),
            }),
        }
    }

    fn chunk(quotes: [Option<&str>; 3]) -> Chunk {
        Chunk {
            contributions: quotes.map(contribution).into(),
            removals: vec![(1, 2, Timestamp(3))],
        }
    }

    fn hide(text: &str) -> Option<String> {
        text.contains("heron")
            .then(|| text.replace("heron", "[IDENTIFIER]"))
    }

    #[test]
    fn a_journal_changes_in_its_quotes_alone() {
        let key = b"p/acme|DE\0j/\0\0\0\0\0\0\0\x01";
        let stored = encode(&chunk([Some("a heron"), None, Some("a pen")]));
        let changed = change_quotes(key, &stored, &mut hide).unwrap().unwrap();
        assert_eq!(
            changed,
            encode(&chunk([Some("a [IDENTIFIER]"), None, Some("a pen")]))
        );
        assert_eq!(change_quotes(key, &changed, &mut hide).unwrap(), None);
    }

    #[test]
    fn records_without_quotes_are_not_looked_into_and_damaged_ones_are_named() {
        assert_eq!(change_quotes(b"clock", b"heron", &mut hide).unwrap(), None);
        assert_eq!(
            change_quotes(b"p/acme|DE\0h/", b"heron", &mut hide).unwrap(),
            None
        );
        assert!(change_quotes(b"p/acme|DE\0j/12345678", b"\x01heron", &mut hide).is_err());
        let newer = change_quotes(b"p/acme|DE\0j/12345678", b"\x09", &mut hide);
        assert!(matches!(newer, Err(RestoreError::Newer { .. })));
    }
}
