//! What it takes to start a broker: a Java and Kafka's jars.
//!
//! The jars lie in `target/kafka/libs`, copied there by Maven once and again when `pom.xml` changes. Test processes
//! run at the same time: a file lock lets one of them fetch while the others wait.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const POM: &str = include_str!("../pom.xml");
const LEAST_JAVA: u32 = 17;

/// Why there can be no broker here. Each says what to install.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No `java` could be run.
    #[error("no Java ({0}): install a Java runtime of version {LEAST_JAVA} or later")]
    NoJava(String),
    /// A Java that Kafka 4 does not run on.
    #[error("Java {0} is too old for Kafka 4: install version {LEAST_JAVA} or later")]
    OldJava(u32),
    /// Jars are missing and there is no Maven to fetch them.
    #[error("no Maven ({0}): install Maven 3.8 or later; it fetches Kafka's jars once")]
    NoMaven(String),
    /// Maven could not fetch the jars.
    #[error("Maven could not fetch Kafka's jars (is there a way to Maven Central?): {0}")]
    NoJars(String),
}

/// A Java and the jars.
#[derive(Debug, Clone)]
pub struct Kit {
    /// The folder with the jars.
    pub jars: PathBuf,
}

impl Kit {
    /// Finds Java and the jars; fetches the jars when they are not there. Once per process.
    ///
    /// # Errors
    /// [`Unavailable`], with what to install.
    pub fn find() -> Result<&'static Kit, Unavailable> {
        static KIT: OnceLock<Result<Kit, Unavailable>> = OnceLock::new();
        KIT.get_or_init(|| {
            check_java()?;
            Ok(Kit {
                jars: jars(&target_folder().join("kafka"))?,
            })
        })
        .as_ref()
        .map_err(Clone::clone)
    }

    /// A command that runs one of Kafka's main classes.
    pub(crate) fn java(&self, options: &[String], main: &str) -> Command {
        let mut command = Command::new("java");
        command
            .args(options)
            .arg("-cp")
            .arg(self.jars.join("*"))
            .arg(main);
        command
    }
}

/// The kit, or one line that begins with `SKIPPED` and `None`. Where the variable `CI` says `true`, a missing kit is a
/// failure: there the tests are meant to run.
///
/// # Panics
/// When `CI=true` and something is missing.
#[expect(clippy::print_stdout, reason = "says why a test did nothing")]
pub fn kit_or_skip(what: &str) -> Option<&'static Kit> {
    match Kit::find() {
        Ok(kit) => Some(kit),
        Err(reason) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "CI=true and no broker for {what}: {reason}"
            );
            println!("SKIPPED: {what}: {reason}");
            None
        }
    }
}

/// `target` of the workspace.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    )
}

fn check_java() -> Result<(), Unavailable> {
    let output = Command::new("java")
        .arg("-version")
        .output()
        .map_err(|error| Unavailable::NoJava(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match java_version(&said) {
        Some(version) if version >= LEAST_JAVA => Ok(()),
        Some(version) => Err(Unavailable::OldJava(version)),
        None => Err(Unavailable::NoJava(format!(
            "`java -version` said {:?}",
            said.lines().next().unwrap_or_default()
        ))),
    }
}

/// The feature version in what `java -version` says: `version "17.0.15"`, and `"1.8.0"` for Java 8.
fn java_version(said: &str) -> Option<u32> {
    let quoted = said.split('"').nth(1)?;
    let mut numbers = quoted
        .split(|letter: char| !letter.is_ascii_digit())
        .map(str::parse::<u32>);
    match (numbers.next()?.ok()?, numbers.next()) {
        (1, Some(Ok(second))) => Some(second),
        (first, _) => Some(first),
    }
}

/// The folder of jars under `folder`, fetched if what is there is not what `pom.xml` asks for.
fn jars(folder: &Path) -> Result<PathBuf, Unavailable> {
    let failed = |error: std::io::Error| Unavailable::NoJars(error.to_string());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let folder = folder.canonicalize().map_err(failed)?;
    let lock = File::create(folder.join("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let jars = folder.join("libs");
    // Written last: a fetch that was broken off is begun anew.
    let complete = folder.join("libs.pom");
    if std::fs::read_to_string(&complete).is_ok_and(|pom| pom == POM) {
        return Ok(jars);
    }
    if jars.exists() {
        std::fs::remove_dir_all(&jars).map_err(failed)?;
    }
    fetch(&folder, &jars)?;
    std::fs::write(&complete, POM).map_err(failed)?;
    Ok(jars)
}

fn fetch(folder: &Path, jars: &Path) -> Result<(), Unavailable> {
    let pom = folder.join("pom.xml");
    std::fs::write(&pom, POM).map_err(|error| Unavailable::NoJars(error.to_string()))?;
    let output = Command::new("mvn")
        .args([
            "--batch-mode",
            "--quiet",
            "--no-transfer-progress",
            "--file",
        ])
        .arg(&pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-Djars={}", jars.display()))
        .output()
        .map_err(|error| Unavailable::NoMaven(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let errors: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("ERROR"))
        .take(3)
        .collect();
    Err(Unavailable::NoJars(errors.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_java_are_read() {
        assert_eq!(
            java_version("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime"),
            Some(17)
        );
        assert_eq!(java_version("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(java_version("java version \"1.8.0_402\""), Some(8));
        assert_eq!(java_version("openjdk version \"22-ea\""), Some(22));
        assert_eq!(java_version("bash: java: command not found"), None);
    }
}
