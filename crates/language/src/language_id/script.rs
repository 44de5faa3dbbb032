//! Which script most letters of a text are in.

/// A script, or the one language that is written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// Latin letters: dozens of languages.
    Latin,
    /// Cyrillic letters.
    Cyrillic,
    /// Arabic letters.
    Arabic,
    /// Devanagari.
    Devanagari,
    /// A script of one language among those we know.
    Of(&'static str),
}

/// The scripts a model must choose within.
pub(super) const SHARED: [Script; 4] = [
    Script::Latin,
    Script::Cyrillic,
    Script::Arabic,
    Script::Devanagari,
];

/// Letters looked at: enough to decide, and a bound on the cost of very long texts.
const LETTERS: usize = 400;

/// The script of most letters; `None` without letters.
pub(super) fn main_script(text: &str) -> Option<Script> {
    if text.is_ascii() {
        return text
            .bytes()
            .any(|byte| byte.is_ascii_lowercase())
            .then_some(Script::Latin);
    }
    let mut counts = [0usize; 17];
    let mut letters = 0;
    for character in text.chars() {
        let slot = match character {
            'a'..='z' => 0,
            '\0'..='\u{7f}' => continue,
            _ => match slot_of(character) {
                Some(slot) => slot,
                None => continue,
            },
        };
        counts[slot] += 1;
        letters += 1;
        if letters == LETTERS {
            break;
        }
    }
    let kana = counts[KANA];
    let han = counts[HAN];
    if kana + han > 0 && kana + han >= letters / 3 {
        // Japanese mixes kana and Han; Chinese has no kana.
        return Some(Script::Of(if kana * 10 > kana + han { "ja" } else { "zh" }));
    }
    let (slot, most) = counts
        .iter()
        .enumerate()
        .max_by_key(|(slot, count)| (**count, usize::MAX - slot))?;
    (*most > 0).then(|| SCRIPTS[slot])
}

const KANA: usize = 4;
const HAN: usize = 5;
const SCRIPTS: [Script; 17] = [
    Script::Latin,
    Script::Cyrillic,
    Script::Arabic,
    Script::Devanagari,
    Script::Of("ja"),
    Script::Of("zh"),
    Script::Of("ko"),
    Script::Of("el"),
    Script::Of("he"),
    Script::Of("th"),
    Script::Of("hy"),
    Script::Of("ka"),
    Script::Of("bn"),
    Script::Of("pa"),
    Script::Of("gu"),
    Script::Of("ta"),
    Script::Of("te"),
];

fn slot_of(character: char) -> Option<usize> {
    Some(match character as u32 {
        0xc0..=0x24f | 0x1e00..=0x1eff => 0,
        0x400..=0x52f => 1,
        0x600..=0x6ff | 0x750..=0x77f | 0xfb50..=0xfdff | 0xfe70..=0xfeff => 2,
        0x900..=0x97f => 3,
        0x3040..=0x30ff => KANA,
        0x3400..=0x4dbf | 0x4e00..=0x9fff => HAN,
        0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7af => 6,
        0x370..=0x3ff | 0x1f00..=0x1fff => 7,
        0x590..=0x5ff => 8,
        0xe00..=0xe7f => 9,
        0x530..=0x58f => 10,
        0x10a0..=0x10ff => 11,
        0x980..=0x9ff => 12,
        0xa00..=0xa7f => 13,
        0xa80..=0xaff => 14,
        0xb80..=0xbff => 15,
        0xc00..=0xc7f => 16,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_letters_decide() {
        assert_eq!(main_script("das ist ein α test"), Some(Script::Latin));
        assert_eq!(main_script("薬局では"), Some(Script::Of("ja")));
        assert_eq!(main_script("药房说"), Some(Script::Of("zh")));
        assert_eq!(main_script("123 !"), None);
    }
}
