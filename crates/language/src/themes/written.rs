//! The taxonomy file as written, before anything is checked.

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTaxonomy {
    /// Version of the file's shape. Only 1 exists.
    pub format: u32,
    /// Name of the taxonomy, shown beside every tag.
    pub name: String,
    /// Version of the content.
    pub version: String,
    #[serde(default)]
    pub themes: Vec<WrittenTheme>,
}

/// One theme.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTheme {
    /// Dotted id, such as `access.prior_authorisation`.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// One sentence: what belongs here.
    #[serde(default)]
    pub about: String,
    /// Ids of earlier versions whose mentions now belong here (renames, splits, merges).
    #[serde(default)]
    pub formerly: Vec<String>,
    /// Phrases that show the theme. A closing `*` lets the last word go on: `particul*`.
    #[serde(default)]
    pub phrases: Vec<String>,
    /// Phrases that take back a phrase they cover: `at no cost` takes back `cost`.
    #[serde(default)]
    pub unless: Vec<String>,
    #[serde(default)]
    pub patterns: Vec<WrittenPattern>,
}

/// A regular expression over the folded text, tried only where `needs` occurs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPattern {
    /// A phrase without which the expression cannot match.
    pub needs: String,
    /// The expression, over folded text: lower case, single spaces, no marks but apostrophes.
    pub regex: String,
}
