//! A checked taxonomy: reading, looking things up, tagging.

use super::learned::{LearnedProblem, LearnedThemes, learned_id};
use super::matcher::Matcher;
use super::trained::Model;
use super::written::{WrittenTaxonomy, WrittenTheme};
use super::{TaxonomyProblem, ThemeHit};
use crate::stable_hash;
use crate::words::Words;
use std::collections::BTreeMap;

/// The file shipped with the crate.
const STANDARD: &str = include_str!("../../resources/themes.default.toml");

/// A checked, versioned set of themes, ready to tag. Themes are held sorted by id, so that a
/// list of hits sorted by index is sorted by id.
#[derive(Debug, Clone)]
pub struct Taxonomy {
    name: String,
    version: String,
    themes: Vec<Theme>,
    matcher: Matcher,
    learned: Option<LearnedThemes>,
}

/// One theme of a taxonomy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Dotted id.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// What belongs here.
    pub about: String,
    /// Ids of earlier versions whose mentions now belong here.
    pub formerly: Vec<String>,
}

impl Theme {
    /// The part of the id before the first dot: `access` of `access.cost`.
    #[must_use]
    pub fn family(&self) -> &str {
        self.id.split('.').next().unwrap_or(&self.id)
    }
}

impl Taxonomy {
    /// The shipped taxonomy for pharma listening.
    ///
    /// # Panics
    /// Never in a tested build: a test reads the same embedded file.
    #[must_use]
    pub fn standard() -> Taxonomy {
        match Taxonomy::from_toml(STANDARD) {
            Ok(taxonomy) => taxonomy,
            Err(problems) => unreachable!("the embedded taxonomy is tested: {problems:?}"),
        }
    }

    /// Reads and checks a taxonomy.
    ///
    /// # Errors
    /// Every problem in the file, with its path, reason and remedy.
    pub fn from_toml(text: &str) -> Result<Taxonomy, Vec<TaxonomyProblem>> {
        let mut written: WrittenTaxonomy = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or_else(String::new, |span| {
                format!(
                    " (line {})",
                    text[..span.start.min(text.len())].matches('\n').count() + 1
                )
            });
            vec![problem(
                "file",
                format!("{}{place}", error.message()),
                "correct the TOML; the shipped themes.default.toml shows every key",
            )]
        })?;
        written.themes.sort_by(|a, b| a.id.cmp(&b.id));
        let mut problems = check(&written);
        let (matcher, matcher_problems) = Matcher::build(&written.themes);
        problems.extend(matcher_problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Taxonomy {
            name: written.name,
            version: written.version,
            themes: written.themes.into_iter().map(theme).collect(),
            matcher,
            learned: None,
        })
    }

    /// Themes of a text, sorted, no theme twice.
    #[must_use]
    pub fn tag(&self, text: &str) -> Vec<ThemeHit> {
        self.tag_words(&Words::of(text))
    }

    /// Themes of a text that has been read already.
    #[must_use]
    pub fn tag_words(&self, words: &Words) -> Vec<ThemeHit> {
        let curated = self.matcher.find(words);
        match &self.learned {
            None => curated,
            Some(learned) => learned.add_to(curated, words, self),
        }
    }

    /// The themes that phrases showed, by the index among curated themes: see [`Taxonomy::curated_id`].
    pub(super) fn curated(&self, words: &Words) -> Vec<ThemeHit> {
        self.matcher.find(words)
    }

    /// Id of a curated theme.
    pub(super) fn curated_id(&self, index: u16) -> &str {
        self.theme_id(match &self.learned {
            None => index,
            Some(learned) => learned.curated(index),
        })
    }

    /// This taxonomy with the labels of a trained model as themes of their own, `trained.<label>`, beside the curated ones. The
    /// version names the model too, so that every tag tells what it came from.
    ///
    /// # Errors
    /// The model was trained with another taxonomy, or a label makes an id that is taken.
    pub fn with_learned(mut self, model: Model) -> Result<Taxonomy, LearnedProblem> {
        let own = format!("{}@{}", self.name, self.version);
        if !model.taxonomy().is_empty() && model.taxonomy() != own {
            return Err(LearnedProblem::OtherTaxonomy {
                trained: model.taxonomy().to_owned(),
                own,
            });
        }
        let version = stable_hash::hash_bytes(&model.to_bytes()) >> 32;
        let curated: Vec<String> = self.themes.iter().map(|theme| theme.id.clone()).collect();
        let labels: Vec<String> = model
            .labels()
            .iter()
            .map(|label| learned_id(label))
            .collect();
        for (label, id) in model.labels().iter().zip(&labels) {
            if self.index_of(id).is_some() {
                return Err(LearnedProblem::TakenId { id: id.clone() });
            }
            self.themes.push(Theme {
                id: id.clone(),
                label: label.clone(),
                about: "Learned from labelled texts.".to_owned(),
                formerly: Vec::new(),
            });
            self.themes.sort_by(|a, b| a.id.cmp(&b.id));
        }
        self.version = format!("{}+trained.{version:08x}", self.version);
        let index = |id: &String| self.index_of(id).unwrap_or_default();
        self.learned = Some(LearnedThemes::new(
            model,
            curated.iter().map(index).collect(),
            labels.iter().map(index).collect(),
        ));
        Ok(self)
    }

    /// Id of the theme with this index; empty for an index of another taxonomy.
    #[must_use]
    pub fn theme_id(&self, index: u16) -> &str {
        self.themes
            .get(usize::from(index))
            .map_or("", |theme| theme.id.as_str())
    }

    /// Index of the theme with this id.
    #[must_use]
    pub fn index_of(&self, id: &str) -> Option<u16> {
        self.themes
            .binary_search_by(|theme| theme.id.as_str().cmp(id))
            .ok()
            .and_then(|at| u16::try_from(at).ok())
    }

    /// Name of the taxonomy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version of the content.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All themes, sorted by id.
    #[must_use]
    pub fn themes(&self) -> &[Theme] {
        &self.themes
    }

    /// Number of phrases and patterns.
    #[must_use]
    pub fn phrase_count(&self) -> usize {
        self.matcher.phrase_count()
    }

    /// Indices of the themes that hold what an earlier version called `id` (feature U06). One index is a
    /// rename or a merge, several are a split: series of `id` are restated by tagging again, never by splitting a
    /// count. A theme that still exists is its own successor.
    #[must_use]
    pub fn successors(&self, id: &str) -> Vec<u16> {
        let now = self
            .themes
            .iter()
            .enumerate()
            .filter(|(_, theme)| theme.id == id || theme.formerly.iter().any(|old| old == id));
        now.filter_map(|(at, _)| u16::try_from(at).ok()).collect()
    }
}

fn theme(written: WrittenTheme) -> Theme {
    Theme {
        id: written.id,
        label: written.label,
        about: written.about,
        formerly: written.formerly,
    }
}

pub(super) fn problem(
    path: impl Into<String>,
    reason: impl Into<String>,
    remedy: impl Into<String>,
) -> TaxonomyProblem {
    TaxonomyProblem {
        path: path.into(),
        reason: reason.into(),
        remedy: remedy.into(),
    }
}

fn check(written: &WrittenTaxonomy) -> Vec<TaxonomyProblem> {
    let mut problems = Vec::new();
    if written.format != 1 {
        problems.push(problem(
            "format",
            format!("format {} is not known", written.format),
            "write format = 1",
        ));
    }
    for (path, value) in [("name", &written.name), ("version", &written.version)] {
        if value.trim().is_empty() {
            problems.push(problem(
                path,
                "it is empty",
                "every tag carries the taxonomy's name and version: fill it in",
            ));
        }
    }
    if written.themes.is_empty() {
        problems.push(problem(
            "themes",
            "there is none",
            "add at least one [[themes]] table",
        ));
    }
    if written.themes.len() > usize::from(u16::MAX) {
        problems.push(problem("themes", "more than 65,535", "split the taxonomy"));
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for theme in &written.themes {
        let path = format!("themes[{}]", theme.id);
        if !is_theme_id(&theme.id) {
            problems.push(problem(
                format!("{path}.id"),
                "not a dotted lower-case id",
                "write it like `access.prior_authorisation`",
            ));
        }
        if theme.label.trim().is_empty() {
            problems.push(problem(
                format!("{path}.label"),
                "it is empty",
                "give the name people should read",
            ));
        }
        if theme.phrases.is_empty() && theme.patterns.is_empty() {
            problems.push(problem(
                &path,
                "it has neither phrases nor patterns",
                "add phrases, or remove the theme",
            ));
        }
        *seen.entry(&theme.id).or_default() += 1;
    }
    let twice = seen.into_iter().filter(|(_, times)| *times > 1);
    problems.extend(twice.map(|(id, times)| {
        problem(
            format!("themes[{id}]"),
            format!("the id is used {times} times"),
            "give each theme its own id",
        )
    }));
    problems
}

fn is_theme_id(id: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.chars().all(|character| {
                character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
            })
    };
    !id.is_empty() && id.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        format = 1
        name = "small"
        version = "1"
        [[themes]]
        id = "supply.shortage"
        label = "Shortage"
        formerly = ["supply"]
        phrases = ["out of stock", "short*"]
        unless = ["in short"]
        [[themes]]
        id = "access.cost"
        label = "Cost"
        phrases = ["cost", "co-pay"]
        unless = ["at no cost"]
        patterns = [{ needs = "percent", regex = '\d+ percent (dearer|more)' }]
    "#;

    fn ids(taxonomy: &Taxonomy, text: &str) -> Vec<String> {
        taxonomy
            .tag(text)
            .iter()
            .map(|hit| taxonomy.theme_id(hit.theme).to_owned())
            .collect()
    }

    #[test]
    fn tags_several_themes_with_their_places() {
        let taxonomy = Taxonomy::from_toml(SMALL).unwrap();
        let text = "My Co-pay doubled and it is OUT-OF-STOCK again; 20 percent more.";
        let hits = taxonomy.tag(text);
        assert_eq!(
            hits.iter()
                .map(|hit| taxonomy.theme_id(hit.theme))
                .collect::<Vec<_>>(),
            ["access.cost", "supply.shortage"]
        );
        let spans: Vec<&str> = hits
            .iter()
            .flat_map(|hit| {
                hit.spans
                    .iter()
                    .map(|(from, to)| &text[*from as usize..*to as usize])
            })
            .collect();
        assert_eq!(spans, ["Co-pay", "20 percent more", "OUT-OF-STOCK"]);
    }

    #[test]
    fn whole_words_only_and_unless_takes_back() {
        let taxonomy = Taxonomy::from_toml(SMALL).unwrap();
        assert!(ids(&taxonomy, "Costa Rica, accost").is_empty());
        assert!(ids(&taxonomy, "it came at no cost, in short: good").is_empty());
        assert_eq!(
            ids(&taxonomy, "at no cost to me, but the cost to the clinic"),
            ["access.cost"]
        );
        assert_eq!(ids(&taxonomy, "another shortage"), ["supply.shortage"]);
    }

    #[test]
    fn reports_every_problem_at_once() {
        let text = "format = 2\nname = \"\"\nversion = \"1\"\n[[themes]]\nid = \"Bad Id\"\nlabel = \"x\"\nphrases = [\"a*b\", \"\"]\n[[themes]]\nid = \"a\"\nlabel = \"\"\npatterns = [{ needs = \"x\", regex = \"(\" }]";
        let problems = Taxonomy::from_toml(text).unwrap_err();
        assert!(problems.len() >= 7, "{problems:#?}");
        assert!(
            Taxonomy::from_toml("format = [").unwrap_err()[0]
                .reason
                .contains("line 1")
        );
    }

    #[test]
    fn the_standard_taxonomy_reads_and_is_rich() {
        let taxonomy = Taxonomy::standard();
        assert!(
            taxonomy.themes().len() >= 30 && taxonomy.phrase_count() >= 500,
            "{} themes, {} phrases",
            taxonomy.themes().len(),
            taxonomy.phrase_count()
        );
        assert_eq!(
            ids(&taxonomy, "They want a prior authorisation again."),
            ["access.prior_authorisation"]
        );
    }

    #[test]
    fn the_recall_taxonomy_reads_and_tags() {
        let taxonomy =
            Taxonomy::from_toml(include_str!("../../../../deploy/taxonomies/recalls.toml"))
                .unwrap();
        let found = ids(
            &taxonomy,
            "Lack of Assurance of Sterility: B. cepacia was found by a contract laboratory",
        );
        assert_eq!(
            found,
            [
                "manufacturing.outside_laboratory",
                "microbial.burkholderia_cepacia",
                "sterility.assurance"
            ]
        );
    }

    #[test]
    fn successors_follow_renames_and_splits() {
        let taxonomy = Taxonomy::from_toml(SMALL).unwrap();
        assert_eq!(taxonomy.successors("supply"), [1]);
        assert_eq!(taxonomy.successors("access.cost"), [0]);
        assert!(taxonomy.successors("unheard").is_empty());
    }
}
