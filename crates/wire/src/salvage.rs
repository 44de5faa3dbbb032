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
    "text", "comment", "comments", "verbatim", "note", "notes", "narrative", "body", "message", "quote", "description",
    "transcript", "content", "feedback", "answer", "question", "summary", "remark", "utterance", "subject_line",
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
    let mut rest = document;
    while let Some(open) = rest.find('"') {
        let (literal, after) = literal(&rest[open + 1..]);
        rest = after;
        if rest.trim_start().starts_with(':') {
            name = literal;
            continue;
        }
        let named = TEXT_NAMES.contains(&name.to_ascii_lowercase().as_str());
        if nesting < MAX_NESTING && literal.trim_start().starts_with(['{', '[']) && literal.contains('"') {
            collect(&literal, found, nesting + 1);
        } else if (named && literal.chars().any(char::is_alphabetic)) || speaks(&literal) {
            push_pieces(&literal, found);
        }
        if found.len() >= MAX_SALVAGED_TEXTS {
            return;
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
        if ahead.next().is_some_and(|(_, c)| c == '\\') && ahead.next().is_some_and(|(_, c)| c == 'u') {
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
        let Some(digit) = ahead.next().and_then(|(_, c)| c.to_digit(16)) else { break };
        value = value * 16 + digit;
        *characters = ahead;
    }
    value
}

/// Whether it looks like something a person said: at least three words, or a run of a script without spaces.
fn speaks(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2).take(3).count();
    words >= 3 || text.chars().filter(|c| c.is_alphabetic() && *c as u32 >= 0x0E00).take(4).count() >= 4
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
    text[..limit].rfind(char::is_whitespace).filter(|at| *at > 0).unwrap_or(limit)
}
