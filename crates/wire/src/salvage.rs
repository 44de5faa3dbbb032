//! Human text out of an event that cannot be read (N12).
//!
//! Safety triage must see the words even when the event around them is broken: cut short, of the wrong shape, in
//! the wrong encoding. No parser that needs a whole document can do that, so this one only looks for string
//! literals, byte by byte, and keeps those that look like something a person said.

/// Most bytes looked at. The dead letter keeps the original, so nothing is lost beyond it, only unread.
pub const MAX_SALVAGE_BYTES: usize = 16 << 20;
/// Most texts handed back.
pub const MAX_SALVAGED_TEXTS: usize = 256;
/// Longest text handed back in one piece, in bytes; longer ones come in pieces cut at white space.
pub const MAX_SALVAGED_PIECE_BYTES: usize = 64 << 10;

/// Names under which sources put what a person said, in lower case.
const TEXT_NAMES: [&str; 20] = [
    "text",
    "comment",
    "comments",
    "verbatim",
    "note",
    "notes",
    "narrative",
    "body",
    "message",
    "quote",
    "description",
    "transcript",
    "content",
    "feedback",
    "answer",
    "question",
    "summary",
    "remark",
    "utterance",
    "subject_line",
];

/// Texts of a broken event, in order. Never panics; bounded by the constants above.
#[must_use]
pub fn salvage_text(value: &[u8]) -> Vec<String> {
    let lossy = String::from_utf8_lossy(&value[..value.len().min(MAX_SALVAGE_BYTES)]);
    let mut found = Vec::new();
    collect(&lossy, &mut found, 0);
    if found.is_empty() && !lossy.contains('"') && speaks(&lossy) {
        push_pieces(&lossy, &mut found);
    }
    found
}

/// JSON inside a JSON string is looked into this many times.
const MAX_NESTING: u32 = 2;

fn collect(document: &str, found: &mut Vec<String>, nesting: u32) {
    let mut name = String::new();
    let mut in_list = false;
    let mut rest = document;
    while let Some(open) = rest.find('"') {
        if let Some(bracket) = rest[..open].rfind(['[', ']']) {
            in_list = rest[bracket..].starts_with('[');
        }
        let (literal, after) = literal(&rest[open + 1..]);
        rest = after;
        if rest.trim_start().starts_with(':') {
            name = literal;
            continue;
        }
        let named = TEXT_NAMES.contains(&name.to_ascii_lowercase().as_str());
        if nesting < MAX_NESTING
            && literal.trim_start().starts_with(['{', '['])
            && literal.contains('"')
        {
            collect(&literal, found, nesting + 1);
        } else if (named && literal.chars().any(char::is_alphabetic)) || speaks(&literal) {
            push_pieces(&literal, found);
        }
        if found.len() >= MAX_SALVAGED_TEXTS {
            return;
        }
        if !in_list {
            name.clear();
        }
    }
}

/// The literal that begins at the start of `text`, unescaped, and what follows its closing quote. A literal that
/// the end of the document cuts off is a literal.
fn literal(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (out, &text[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'u')) => out.push(unicode_escape(&mut characters)),
                Some((_, 'n' | 'r' | 't')) => out.push(' '),
                Some((_, other)) => out.push(other),
                None => {}
            },
            _ => out.push(character),
        }
    }
    (out, "")
}

/// Four hexadecimal digits, and a second group when the first is the high half of a pair.
fn unicode_escape(characters: &mut std::str::CharIndices<'_>) -> char {
    let high = hex_digits(characters);
    if (0xD800..0xDC00).contains(&high) {
        let mut ahead = characters.clone();
        if ahead.next().is_some_and(|(_, c)| c == '\\')
            && ahead.next().is_some_and(|(_, c)| c == 'u')
        {
            let low = hex_digits(&mut ahead);
            if (0xDC00..0xE000).contains(&low) {
                *characters = ahead;
                let pair = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn hex_digits(characters: &mut std::str::CharIndices<'_>) -> u32 {
    let mut value = 0;
    for _ in 0..4 {
        let mut ahead = characters.clone();
        let Some(digit) = ahead.next().and_then(|(_, c)| c.to_digit(16)) else {
            break;
        };
        value = value * 16 + digit;
        *characters = ahead;
    }
    value
}

/// Whether it looks like something a person said: at least three words, or a run of a script without spaces.
fn speaks(text: &str) -> bool {
    let words = text
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2)
        .take(3)
        .count();
    words >= 3
        || text
            .chars()
            .filter(|c| c.is_alphabetic() && *c as u32 >= 0x0E00)
            .take(4)
            .count()
            >= 4
}

fn push_pieces(text: &str, found: &mut Vec<String>) {
    let mut rest = text.trim();
    while !rest.is_empty() && found.len() < MAX_SALVAGED_TEXTS {
        let cut = piece_end(rest);
        found.push(rest[..cut].to_owned());
        rest = rest[cut..].trim_start();
    }
}

fn piece_end(text: &str) -> usize {
    if text.len() <= MAX_SALVAGED_PIECE_BYTES {
        return text.len();
    }
    let limit = text.floor_char_boundary(MAX_SALVAGED_PIECE_BYTES);
    text[..limit]
        .rfind(char::is_whitespace)
        .filter(|at| *at > 0)
        .unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Nach der zweiten Spritze kam ich ins Krankenhaus";

    #[test]
    fn text_of_an_event_cut_short_is_found() {
        let event = format!(
            r#"{{"feedback_id":"c-1","content":{{"format":"text","text":"{TEXT}","language":"de"}},"consent":{{}}}}"#
        );
        let end = event.find("Krankenhaus").unwrap() + 6;
        for cut in [end, event.len() - 20] {
            let found = salvage_text(&event.as_bytes()[..cut]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with("Nach der zweiten Spritze kam ich ins Kranke"));
        }
    }

    #[test]
    fn names_and_codes_are_not_taken_for_text() {
        let event = br#"{"id":"01928f3e","source":"/tenants/acme","type":"io.auscult.feedback.received.v1","time":"2026-05-04T09:12:00Z","comment":"Hospitalised"}"#;
        assert_eq!(salvage_text(event), ["Hospitalised"]);
    }

    #[test]
    fn text_inside_quoted_json_is_found_with_its_escapes() {
        let inner = r#"{\"note\":\"severe rash \\u00e0 gauche and fever\"}"#;
        let event = format!(r#"{{"payload":"{inner}""#);
        assert_eq!(
            salvage_text(event.as_bytes()),
            ["severe rash à gauche and fever"]
        );
    }

    #[test]
    fn text_that_is_no_json_and_text_in_latin_1_are_found() {
        assert_eq!(
            salvage_text(b"patient fainted after the dose"),
            ["patient fainted after the dose"]
        );
        let found = salvage_text(b"{\"text\":\"fi\xe8vre et vertiges depuis hier\"}");
        assert!(found[0].contains("vertiges depuis hier"));
    }

    #[test]
    fn scripts_without_spaces_speak() {
        assert_eq!(
            salvage_text("{\"x\":\"注射の後で倒れました\"".as_bytes()),
            ["注射の後で倒れました"]
        );
    }

    #[test]
    fn ten_megabytes_come_in_bounded_pieces_and_nothing_is_lost() {
        let text = "rash ".repeat(2 << 20);
        let found = salvage_text(format!("{{\"text\":\"{text}\"").as_bytes());
        assert!(
            found.len() <= MAX_SALVAGED_TEXTS
                && found
                    .iter()
                    .all(|piece| piece.len() <= MAX_SALVAGED_PIECE_BYTES)
        );
        assert_eq!(
            found
                .iter()
                .map(|piece| piece.matches("rash").count())
                .sum::<usize>(),
            2 << 20
        );
    }
}
