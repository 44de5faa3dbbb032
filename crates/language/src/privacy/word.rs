//! Words and signs of a text, with what the lists and the letters say of each: the tagger's input.

/// What lists say of a word, one bit each.
pub(crate) mod list {
    /// A given name somewhere.
    pub(crate) const GIVEN: u16 = 1;
    /// A family name somewhere.
    pub(crate) const FAMILY: u16 = 2;
    /// A town.
    pub(crate) const PLACE: u16 = 4;
    /// A country.
    pub(crate) const COUNTRY: u16 = 8;
    /// An everyday word.
    pub(crate) const COMMON: u16 = 16;
    /// A drug, a disease or another term that must stay.
    pub(crate) const TERM: u16 = 32;
    /// "Mr", "Dr", "nurse".
    pub(crate) const HONORIFIC: u16 = 64;
    /// "van", "de", "bin".
    pub(crate) const PARTICLE: u16 = 128;
    /// "Street", "rue", "Apt".
    pub(crate) const STREET: u16 = 256;
    /// "Ltd", "Hospital", "Group".
    pub(crate) const ORGANISATION: u16 = 512;
    /// "disease", "syndrome": what stands before it is an eponym.
    pub(crate) const EPONYM_HEAD: u16 = 1024;
    /// "mother", "friend", "named": a person is near.
    pub(crate) const PERSON_CUE: u16 = 2048;
}

/// Letters of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Shape {
    /// `word`
    Lower,
    /// `Word`
    Capital,
    /// `WORD`
    Upper,
    /// `McWord`, `wOrd`
    Mixed,
    /// `W`
    Initial,
    /// `1234`
    Digits,
    /// `B12`
    Code,
    /// `,`
    Sign,
}

/// One word or sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub start: u32,
    pub end: u32,
    /// Of the lower-cased word.
    pub hash: u64,
    pub lists: u16,
    pub shape: Shape,
    /// Characters, at most 15.
    pub length: u8,
    /// First word of a sentence or a line.
    pub first: bool,
    /// A line break stands before it.
    pub breaks_line: bool,
    /// A blank stands before it.
    pub blank_before: bool,
    /// Part of a name that is never taken.
    pub kept: bool,
}

impl Word {
    pub(crate) fn is(&self, lists: u16) -> bool {
        self.lists & lists != 0
    }

    pub(crate) fn capitalised(&self) -> bool {
        matches!(
            self.shape,
            Shape::Capital | Shape::Upper | Shape::Mixed | Shape::Initial
        )
    }
}

/// Word lists by hash of the lower-cased word: an open table of one `u32` a word, 20 bits of the hash to tell words apart
/// and 12 bits of lists. A hash map from `u64` takes four times the memory, and this look-up, once a word, is bound by the
/// cache. Two words that meet in slot and check (once in a million look-ups of unknown words) share their lists.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    slots: Vec<u32>,
    used: usize,
}

impl Default for Lists {
    fn default() -> Lists {
        Lists {
            slots: vec![0; SLOTS],
            used: 0,
        }
    }
}

/// Slots of the table, a power of two: the shipped lists fill half of it.
const SLOTS: usize = 1 << 18;
/// Low bits of a slot: the lists.
const LIST_BITS: u32 = 12;

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

pub(crate) fn step(state: u64, letter: u32) -> u64 {
    (state ^ u64::from(letter)).wrapping_mul(0x0000_0100_0000_01b3)
}

pub(crate) fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// The hash of a word as a text would give it.
pub(crate) fn hash_of(word: &str) -> u64 {
    mix(word
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|letter| !is_apostrophe(*letter))
        .fold(FNV_OFFSET, |state, letter| step(state, letter as u32)))
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | '‘')
}

impl Lists {
    /// Reads the shipped lists: `name flags` lines, plain word lines, and tables of our own words.
    pub(crate) fn new(names: &str, common: &str, terms: &[&str], tables: &[(u16, &str)]) -> Lists {
        let mut lists = Lists::default();
        let content = |line: &&str| !line.starts_with('#') && !line.is_empty();
        for line in names.lines().filter(content) {
            let Some((word, flags)) = line.split_once(' ') else {
                continue;
            };
            let bits = flags.chars().fold(0, |bits, flag| bits | flag_bit(flag));
            lists.add(word, bits);
        }
        for word in common.lines().filter(content) {
            lists.add(word, list::COMMON);
        }
        for word in terms.iter().flat_map(|terms| terms.lines()).filter(content) {
            lists.add(word, list::TERM);
        }
        for (flag, words) in tables {
            for word in words.split_whitespace() {
                lists.add(word, *flag);
            }
        }
        lists
    }

    fn add(&mut self, word: &str, bits: u16) {
        // Beyond three quarters the chains grow long; the shipped lists stay far below (a test holds them to it).
        debug_assert!(
            self.used < SLOTS / 4 * 3,
            "the word lists outgrow their table: raise SLOTS"
        );
        let hash = hash_of(word);
        let slot = self.slot(hash);
        self.used += usize::from(self.slots[slot] == 0);
        self.slots[slot] = check(hash) | (self.slots[slot] & LIST_MASK) | u32::from(bits);
    }

    /// The slot that holds this word, or the empty one where it would go.
    #[inline]
    fn slot(&self, hash: u64) -> usize {
        let mut slot = hash as usize & (SLOTS - 1);
        while self.slots[slot] != 0 && self.slots[slot] & !LIST_MASK != check(hash) {
            slot = (slot + 1) & (SLOTS - 1);
        }
        slot
    }

    #[inline]
    pub(crate) fn get(&self, hash: u64) -> u16 {
        (self.slots[self.slot(hash)] & LIST_MASK) as u16
    }
}

const LIST_MASK: u32 = (1 << LIST_BITS) - 1;

/// The upper bits of a slot: never zero, so that an empty slot is told apart.
#[inline]
fn check(hash: u64) -> u32 {
    ((hash >> 40) as u32 | 1) << LIST_BITS
}

fn flag_bit(flag: char) -> u16 {
    match flag {
        'g' => list::GIVEN,
        'f' => list::FAMILY,
        'p' => list::PLACE,
        'c' => list::COUNTRY,
        _ => 0,
    }
}

/// Splits a text into words and signs. Apostrophes stay inside words; hyphens, digits beside letters do not part them.
pub(crate) fn words(text: &str, lists: &Lists, limit: usize) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::with_capacity((text.len() / 4 + 4).min(limit));
    let bytes = text.as_bytes();
    let mut position = 0;
    let (mut first, mut breaks_line, mut blank) = (true, false, true);
    while position < bytes.len() && words.len() < limit {
        let byte = bytes[position];
        if byte == b' ' {
            blank = true;
            position += 1;
            continue;
        }
        if byte.is_ascii_whitespace() {
            breaks_line |= byte == b'\n';
            first |= byte == b'\n';
            blank = true;
            position += 1;
            continue;
        }
        let word = if COUNTED[usize::from(byte)] != 0 || byte >= 0x80 {
            read_word(text, position)
        } else {
            sign(position, byte)
        };
        position = word.end as usize;
        let is_sign = word.shape == Shape::Sign;
        words.push(Word {
            first,
            breaks_line,
            blank_before: blank,
            ..word
        });
        let ends_sentence = is_sign && matches!(byte, b'.' | b'!' | b'?' | b':' | b'"' | b'>');
        first = is_sign && (first || ends_sentence);
        (breaks_line, blank) = (false, false);
    }
    look_up(&mut words, lists);
    words
}

/// Adds what the lists say. In a loop of its own, because the table is larger than the near cache: here the look-ups of all
/// words run side by side.
fn look_up(words: &mut [Word], lists: &Lists) {
    for word in words.iter_mut().filter(|word| word.shape != Shape::Sign) {
        word.lists = lists.get(word.hash);
    }
}

fn sign(start: usize, byte: u8) -> Word {
    Word {
        start: start as u32,
        end: start as u32 + 1,
        hash: mix(step(FNV_OFFSET, u32::from(byte))),
        lists: list::COMMON,
        shape: Shape::Sign,
        length: 1,
        first: false,
        breaks_line: false,
        blank_before: false,
        kept: false,
    }
}

/// Letter counts that make a shape, 21 bits each: lower-case, capitals, digits.
#[derive(Debug, Clone, Copy)]
struct Letters {
    counts: u64,
    first_upper: bool,
}

const LOWER: u64 = 1;
const UPPER: u64 = 1 << 21;
const DIGIT: u64 = 1 << 42;

/// What an ASCII byte counts as; 0 for all that is no letter and no digit.
const COUNTED: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            _ => 0,
        };
        byte += 1;
    }
    table
};

impl Letters {
    #[inline]
    fn shape(self) -> Shape {
        // Nearly all words: small letters only.
        if self.counts < UPPER {
            return Shape::Lower;
        }
        let part = |unit: u64| (self.counts / unit) & ((1 << 21) - 1);
        match (part(UPPER), part(LOWER), part(DIGIT)) {
            (0, 0, _) => Shape::Digits,
            (_, _, 1..) => Shape::Code,
            (0, _, 0) => Shape::Lower,
            (1, 0, 0) => Shape::Initial,
            (_, 0, 0) => Shape::Upper,
            (1, _, 0) if self.first_upper => Shape::Capital,
            _ => Shape::Mixed,
        }
    }
}

/// A word while it is read.
struct Reader {
    state: u64,
    letters: Letters,
    count: u32,
}

impl Reader {
    #[inline]
    fn take(&mut self, counted: u64, folded: u32) {
        self.letters.first_upper |= self.count == 0 && counted == UPPER;
        self.letters.counts += counted;
        self.state = step(self.state, folded);
        self.count += 1;
    }
}

/// Hashes of the first two and three letters and of the last two and three. Asked for by the tagger, for the few words it
/// scores.
pub(crate) fn affixes(word: &str) -> [u32; 4] {
    let (mut state, mut count) = (FNV_OFFSET, 0);
    let (mut heads, mut last) = ([0_u32; 2], [0_u32; 3]);
    for letter in word.chars().filter(|letter| !is_apostrophe(*letter)) {
        let folded = fold(letter) as u32;
        count += 1;
        if count <= 3 {
            state = step(state, folded);
            if count >= 2 {
                heads[count - 2] = mix(state) as u32;
            }
        }
        last = [last[1], last[2], folded];
    }
    let tail = |letters: &[u32]| {
        mix(letters
            .iter()
            .fold(FNV_OFFSET, |state, letter| step(state, *letter))) as u32
    };
    [heads[0], heads[1], tail(&last[1..]), tail(&last)]
}

#[inline]
fn fold(letter: char) -> char {
    if letter.is_ascii() {
        letter.to_ascii_lowercase()
    } else {
        letter.to_lowercase().next().unwrap_or(letter)
    }
}

#[inline]
fn read_word(text: &str, start: usize) -> Word {
    let bytes = text.as_bytes();
    let (mut state, mut counts, mut end) = (FNV_OFFSET, 0, start);
    // Nearly every letter is ASCII: no decoding for those. The bit that parts capitals from small letters is set in digits.
    while let Some(byte) = bytes.get(end) {
        let counted = COUNTED[usize::from(*byte)];
        if counted == 0 {
            break;
        }
        counts += counted;
        state = step(state, u32::from(byte | 0x20));
        end += 1;
    }
    let mut reader = Reader {
        state,
        letters: Letters {
            counts,
            first_upper: COUNTED[usize::from(bytes[start])] == UPPER,
        },
        count: (end - start) as u32,
    };
    if bytes
        .get(end)
        .is_some_and(|byte| *byte >= 0x80 || *byte == b'\'')
    {
        end = read_rest(text, end, &mut reader);
    }
    if end == start {
        // A sign beyond ASCII, such as a curly quote.
        let length = text[start..].chars().next().map_or(1, char::len_utf8);
        return Word {
            end: (start + length) as u32,
            ..sign(start, b'"')
        };
    }
    Word {
        start: start as u32,
        end: end as u32,
        hash: mix(reader.state),
        lists: 0,
        shape: reader.letters.shape(),
        length: reader.count.min(15) as u8,
        first: false,
        breaks_line: false,
        blank_before: false,
        kept: false,
    }
}

/// The general case: letters beyond ASCII, and apostrophes that join. Gives the end of the word.
fn read_rest(text: &str, from: usize, reader: &mut Reader) -> usize {
    let (mut position, mut end) = (from, from);
    while let Some(letter) = text[position..].chars().next() {
        let next = position + letter.len_utf8();
        if is_apostrophe(letter) {
            let joins = reader.count > 0
                && text[next..].chars().next().is_some_and(char::is_alphabetic)
                && !possessive(&text[next..]);
            if !joins {
                break;
            }
            position = next;
            continue;
        }
        let counted = if letter.is_ascii() {
            COUNTED[letter as usize]
        } else if letter.is_uppercase() {
            UPPER
        } else if letter.is_alphanumeric() || is_mark(letter) {
            LOWER
        } else {
            0
        };
        if counted == 0 {
            break;
        }
        reader.take(counted, fold(letter) as u32);
        position = next;
        end = next;
    }
    end
}

/// Combining marks and joiners inside words of other scripts.
fn is_mark(letter: char) -> bool {
    matches!(letter as u32, 0x300..=0x36f | 0x900..=0xdff | 0xe00..=0xe7f | 0x200c | 0x200d)
}

/// "'s" at the end of a word: "Anna's" is the word "Anna" and a rest.
fn possessive(rest: &str) -> bool {
    let mut letters = rest.chars();
    matches!(letters.next(), Some('s' | 'S')) && !letters.next().is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_shapes_and_lists() {
        let lists = Lists::new("anna g\n", "the\n", &["humira"], &[(list::HONORIFIC, "dr")]);
        let text = "Dr. Anna's “O’Brien”\nMcX the Humira 12 B12 Šárka";
        let words = words(text, &lists, 100);
        let seen: Vec<(&str, Shape)> = words
            .iter()
            .map(|word| (&text[word.start as usize..word.end as usize], word.shape))
            .collect();
        assert!(
            seen.contains(&("Anna", Shape::Capital))
                && seen.contains(&("O’Brien", Shape::Mixed))
                && seen.contains(&("Šárka", Shape::Capital))
        );
        assert!(seen.contains(&("12", Shape::Digits)) && seen.contains(&("B12", Shape::Code)));
        let by = |wanted: &str| {
            words
                .iter()
                .find(|word| &text[word.start as usize..word.end as usize] == wanted)
                .unwrap()
        };
        assert!(
            by("Anna").is(list::GIVEN)
                && by("Dr").is(list::HONORIFIC)
                && by("Humira").is(list::TERM)
        );
        assert!(by("McX").breaks_line && by("McX").first && !by("the").first);
    }
}
