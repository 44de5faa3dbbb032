//! Settings: what a person wrote in TOML, and the checked values the parts are built from.
//!
//! The default file is complete, commented and embedded ([`DEFAULT_FILE`]), so it is the reference that
//! cannot lag; a test reads it and compares it with the built-in defaults.

mod calendars;
pub mod detect;
mod engine;
mod icalendar;
mod kafka_topics;
pub mod reader;

use auscult_core::settings::{CheckedDetectSettings, Problem};
use auscult_engine::settings::{CheckedEngineSettings, Role, Secret};
use auscult_kafka::admin::{CheckedTopicPolicy, TopicPolicy};
use auscult_language::stance::BeliefSet;
use auscult_web::settings::{CheckedWebSettings, WebSettings, WebToken};
use reader::Section;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Table;

/// The default settings, as shipped.
pub const DEFAULT_FILE: &str = include_str!("../../../../deploy/auscult.default.toml");

/// Everything checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Turns, topics, listening.
    pub engine: CheckedEngineSettings,
    /// Detecting.
    pub detect: CheckedDetectSettings,
    /// Pages and API.
    pub web: CheckedWebSettings,
    /// Where the embedded log lies; `None`: Kafka is configured.
    pub log_path: PathBuf,
    /// Where the read model lies.
    pub view_path: PathBuf,
    /// Theme taxonomy; `None`: the shipped one.
    pub taxonomy: Option<PathBuf>,
    /// Model of `auscult train themes` whose themes stand beside the taxonomy's; `None`: none.
    pub theme_model: Option<PathBuf>,
    /// Kafka, when `[kafka]` is written.
    pub kafka: Option<auscult_kafka::CheckedKafkaSettings>,
    /// How Kafka's topics are to be.
    pub kafka_topics: CheckedTopicPolicy,
}

/// Why settings could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file could not be read.
    #[error(
        "cannot read settings {path}: {reason}; name a file that exists, or leave --settings out for the defaults"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not TOML.
    #[error("settings {path} are not TOML: {reason}")]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        reason: String,
    },
    /// Everything that is wrong with it.
    #[error("{} {} in settings {path}:\n{}", problems.len(), if problems.len() == 1 { "problem" } else { "problems" }, listed(problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// All problems.
        problems: Vec<Problem>,
    },
}

fn listed(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What the command line adds to the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Roles to run.
    pub roles: Option<Vec<Role>>,
    /// Pseudonym key, when the file's key file is not to be read.
    pub pseudonym_key: Option<Secret>,
    /// Address to serve on.
    pub bind: Option<String>,
    /// History is loaded: notify nobody.
    pub backfill: bool,
}

impl Overrides {
    /// For commands that make no pseudonyms: no key file is read or made.
    #[must_use]
    pub fn without_key() -> Overrides {
        Overrides {
            pseudonym_key: Some(Secret::new("check-only".repeat(8))),
            ..Overrides::default()
        }
    }
}

/// Reads and checks a settings file; `None`: the defaults.
///
/// # Errors
/// See [`SettingsError`]; all problems at once.
pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Settings, SettingsError> {
    match path {
        None => read(Path::new("(built-in defaults)"), DEFAULT_FILE, overrides),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|error| SettingsError::Unreadable {
                    path: path.to_owned(),
                    reason: error.to_string(),
                })?;
            read(path, &text, overrides)
        }
    }
}

/// Checks settings text that stands for the file `path`.
///
/// # Errors
/// See [`SettingsError`].
pub fn read(path: &Path, text: &str, overrides: &Overrides) -> Result<Settings, SettingsError> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| SettingsError::NotToml {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    let mut problems = Vec::new();
    let written = Written::read(table, overrides, &mut problems);
    let engine = keep(written.engine.check(), &mut problems);
    let detect = keep(written.detect.check(), &mut problems);
    let web = keep(written.web.check(), &mut problems);
    let kafka = written
        .kafka
        .and_then(|kafka| keep(kafka.check(), &mut problems));
    let kafka_topics = keep(written.kafka_topics.check(), &mut problems);
    match (engine, detect, web, kafka_topics) {
        (Some(engine), Some(detect), Some(web), Some(kafka_topics)) if problems.is_empty() => {
            Ok(Settings {
                engine,
                detect,
                web,
                log_path: written.log_path,
                view_path: written.view_path,
                taxonomy: written.taxonomy,
                theme_model: written.theme_model,
                kafka,
                kafka_topics,
            })
        }
        _ => Err(SettingsError::Problems {
            path: path.to_owned(),
            problems,
        }),
    }
}

fn keep<T>(checked: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    checked
        .map_err(|mut found| problems.append(&mut found))
        .ok()
}

struct Written {
    engine: auscult_engine::settings::EngineSettings,
    detect: auscult_core::settings::DetectSettings,
    web: WebSettings,
    kafka: Option<auscult_kafka::KafkaSettings>,
    kafka_topics: TopicPolicy,
    log_path: PathBuf,
    view_path: PathBuf,
    taxonomy: Option<PathBuf>,
    theme_model: Option<PathBuf>,
}

impl Written {
    fn read(table: Table, overrides: &Overrides, problems: &mut Vec<Problem>) -> Written {
        let has_kafka = table.contains_key("kafka");
        let mut file = Section::new("", table, problems);
        let mut engine = file.section("engine", engine::read);
        let detect = file.section("detect", detect::read);
        let mut web = file.section("web", web);
        let (log_path, view_path) = file.section("store", |store| {
            let log = store
                .text("log")
                .unwrap_or_else(|| "auscult.log.sqlite".to_owned());
            let view = store
                .text("view")
                .unwrap_or_else(|| "auscult.view.sqlite".to_owned());
            (PathBuf::from(log), PathBuf::from(view))
        });
        let (taxonomy, theme_model, beliefs) = file.section("language", |language| {
            let beliefs = language
                .text("beliefs")
                .and_then(|path| beliefs(language, &path));
            (
                language.text("taxonomy"),
                language.text("theme_model"),
                beliefs,
            )
        });
        engine.listen.beliefs = beliefs.map(Arc::new);
        let (kafka, kafka_topics) = file.section("kafka", |section| {
            (engine::kafka(section), kafka_topics::read(section))
        });
        file.finish();
        engine.listen.backfill |= overrides.backfill;
        keep_extra_fields(&mut engine.listen.extra_fields, &detect);
        if let Some(roles) = &overrides.roles {
            engine.roles.clone_from(roles);
        }
        if let Some(key) = &overrides.pseudonym_key {
            engine.listen.pseudonym_key = Some(key.clone());
        }
        if let Some(bind) = &overrides.bind {
            web.bind.clone_from(bind);
        }
        Written {
            engine,
            detect,
            web,
            kafka: has_kafka.then_some(kafka),
            kafka_topics,
            log_path,
            view_path,
            taxonomy: taxonomy.map(PathBuf::from),
            theme_model: theme_model.map(PathBuf::from),
        }
    }
}

/// The belief statements of a file.
fn beliefs(language: &mut Section<'_>, path: &str) -> Option<BeliefSet> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let remedy = "name a file that can be read, such as deploy/beliefs.example.toml";
            language.problem("beliefs", format!("{path}: {error}"), remedy);
            return None;
        }
    };
    match BeliefSet::from_toml(&text) {
        Ok(beliefs) => Some(beliefs),
        Err(found) => {
            for problem in found {
                let reason = format!("{path}: {}: {}", problem.path, problem.reason);
                language.problem("beliefs", reason, problem.remedy);
            }
            None
        }
    }
}

/// Views that cut by `extra.<key>` need mentions to keep that field.
pub fn keep_extra_fields(kept: &mut Vec<String>, detect: &auscult_core::settings::DetectSettings) {
    for dimension in detect.views.iter().flat_map(|view| &view.dimensions) {
        if let auscult_core::settings::Dimension::Extra(key) = dimension
            && !kept.contains(key)
        {
            kept.push(key.clone());
        }
    }
}

fn web(section: &mut Section<'_>) -> WebSettings {
    let mut settings = WebSettings::default();
    detect::set(&mut settings.bind, section.text("bind"));
    detect::set(&mut settings.public_hosts, section.texts("public_hosts"));
    detect::set(&mut settings.behind_tls, section.flag("behind_tls"));
    detect::set_u32(
        &mut settings.behind_after_hours,
        section.whole("behind_after_hours", 100_000),
    );
    if let Some(tables) = section.tables("tokens") {
        settings.tokens = tables
            .into_iter()
            .enumerate()
            .map(|(at, table)| {
                section.nested(&format!("tokens[{at}]"), table, |token| WebToken {
                    role: token.text("role").unwrap_or_default(),
                    actor: token.text("actor").unwrap_or_default(),
                    token: token.text("token").unwrap_or_default(),
                })
            })
            .collect();
    }
    settings
}

/// Reads the pseudonym key of `path`, making a new one when the file is not there; says whether it did.
///
/// # Errors
/// The file cannot be read or written.
pub fn pseudonym_key(path: &Path) -> std::io::Result<(Secret, bool)> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((Secret::new(text.trim().to_owned()), false)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = fresh_key()?;
            write_private(path, &key)?;
            Ok((Secret::new(key), true))
        }
        Err(error) => Err(error),
    }
}

fn fresh_key() -> std::io::Result<String> {
    use std::io::Read;
    let mut bytes = [0u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_key() -> Overrides {
        Overrides {
            pseudonym_key: Some(Secret::new("k".repeat(64))),
            ..Overrides::default()
        }
    }

    #[test]
    fn the_default_file_says_what_the_code_defaults_to() {
        let written = read(Path::new("default"), DEFAULT_FILE, &with_key())
            .expect("the default file is sound");
        let empty = read(Path::new("empty"), "", &with_key()).expect("no settings are sound");
        assert_eq!(written.engine, empty.engine);
        assert_eq!(written.detect, empty.detect);
        assert_eq!(
            (written.log_path, written.view_path),
            (empty.log_path, empty.view_path)
        );
    }

    #[test]
    fn all_problems_come_at_once_with_their_paths() {
        let text = "[detect]\nfalse_discovery_rate = 2\nsed = 1\n[[detect.views]]\nname = ''\ndimensions = ['planet']\nmethod = 'farington'\n[web]\nbind = 'nowhere'\n[engine.listen]\nthreads = 'two'\n";
        let error = read(Path::new("six.toml"), text, &with_key()).expect_err("six mistakes");
        let told = error.to_string();
        for path in [
            "detect.false_discovery_rate",
            "detect.sed",
            "detect.views[0].dimensions[0]",
            "detect.views[0].method",
            "web.bind",
            "engine.listen.threads",
        ] {
            assert!(told.contains(path), "{path} is missing in:\n{told}");
        }
    }
}
