//! Themes: what a text is about, several at once.
//!
//! A curated, versioned taxonomy in TOML decides (feature U04): a person must be able to read why a
//! text was counted and to change it. All phrases of all themes are looked for at once in the folded text
//! ([`crate::words`]), so a thousand phrases cost about as much as ten. Regular expressions
//! exist for the few things phrases cannot say, each behind a literal it needs (`needs`), because twelve
//! patterns tried on every text cost more than all the rest of Listen. A trained model ([`trained`]) can stand beside the taxonomy
//! where labels exist; it was not made the default because its decisions cannot be edited.

mod learned;
mod matcher;
mod open_phrases;
mod taxonomy;
pub mod trained;
mod written;

pub use learned::LearnedProblem;
pub use taxonomy::{Taxonomy, Theme};

/// One theme found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeHit {
    /// Index of the theme in its taxonomy: see [`Taxonomy::theme_id`].
    pub theme: u16,
    /// Byte ranges of the text that showed it, in order, none overlapping another. Never empty.
    pub spans: Vec<(u32, u32)>,
}

/// One thing wrong in a taxonomy file. All of them are reported at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("taxonomy {path}: {reason}; {remedy}")]
pub struct TaxonomyProblem {
    /// Where: `themes[3].phrases[1]`.
    pub path: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}
