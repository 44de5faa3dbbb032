//! Dimension values as small numbers.
//!
//! A number is handed out in order of arrival, so it differs between interleavings: numbers never leave the
//! machine and nothing visible is ordered by them.

use rustc_hash::FxHashMap;

/// Strings by number and numbers by string.
#[derive(Debug, Clone, Default)]
pub struct Interner {
    numbers: FxHashMap<Box<str>, u32>,
    strings: Vec<Box<str>>,
    saved: usize,
}

impl Interner {
    /// The number of `text`, given out now if it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.strings.len() as u32;
        self.strings.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }

    /// The number of `text`, if it was given one.
    #[must_use]
    pub fn number_of(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// The string behind `number`, which this interner gave out.
    #[must_use]
    pub fn text(&self, number: u32) -> &str {
        &self.strings[number as usize]
    }

    /// How many strings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.strings.len()
    }

    /// Whether nothing was interned yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.strings.is_empty()
    }

    /// Strings interned since the last call, with the number of the first; `None` if there are none.
    pub fn take_unsaved(&mut self) -> Option<(u32, Vec<&str>)> {
        let from = self.saved;
        self.saved = self.strings.len();
        (from < self.saved).then(|| {
            (
                from as u32,
                self.strings[from..].iter().map(AsRef::as_ref).collect(),
            )
        })
    }

    /// Puts strings back as they were saved. `first` must be the number of the first.
    pub fn put_back(&mut self, first: u32, strings: &[String]) -> bool {
        if first as usize != self.strings.len() {
            return false;
        }
        for text in strings {
            self.intern(text);
        }
        self.saved = self.strings.len();
        true
    }
}
