//! `auscult check`: every problem of a settings file or a map, at once.

use crate::backtest::unit;
use crate::cli::Check;
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::import::map;
use crate::settings::{self, Overrides};
use auscult_core::settings::DetectSettings;
use std::path::Path;

/// Checks what was named and says that it is sound, or everything that is wrong.
pub fn run(check: &Check) -> Outcome {
    if check.print_defaults {
        super::print(settings::DEFAULT_FILE);
        return Ok(());
    }
    let settings = settings::load(check.settings.as_deref(), &Overrides::without_key())
        .or_fail(Kind::Settings)?;
    if settings.taxonomy.is_some() || settings.theme_model.is_some() {
        super::themes(
            settings.taxonomy.as_deref(),
            settings.theme_model.as_deref(),
        )?;
    }
    let name = check
        .settings
        .as_ref()
        .map_or("built-in defaults".to_owned(), |path| {
            path.display().to_string()
        });
    super::print(&format!(
        "{name}: sound ({} views, detector {})\n",
        settings.detect.views.len(),
        settings.detect.detector
    ));
    if let Some(path) = &check.tests {
        run_tests(path, &settings.detect)?;
    }
    if let Some(path) = &check.map {
        let map = super::read_map(path)?;
        if let Some(detect) = map.detect {
            detect.check().map_err(|problems| {
                Failure::new(Kind::Settings, super::problems(path, &problems))
            })?;
        }
        super::taxonomy(map.taxonomy.as_deref())?;
        super::print(&format!(
            "{}: sound ({} columns)\n",
            path.display(),
            map::ColumnMap::named_columns(&map.columns).len()
        ));
    }
    Ok(())
}

/// Runs the tests of a file with `settings`; every one that fails is named with what was seen instead.
fn run_tests(path: &Path, settings: &DetectSettings) -> Outcome {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Kind::Settings,
            anyhow::anyhow!(
                "cannot read tests {}: {error}; see docs/detector-tests.md",
                path.display()
            ),
        )
    })?;
    let tests = unit::read(&text)
        .map_err(|found| Failure::new(Kind::Settings, super::problems(path, &found)))?;
    let mut failed = Vec::new();
    for test in &tests {
        let wrong = test.run(settings);
        super::print(&format!(
            "{} {}\n",
            if wrong.is_empty() { "ok    " } else { "FAILED" },
            test.name
        ));
        failed.extend(
            wrong
                .into_iter()
                .map(|reason| format!("  {}: {reason}", test.name)),
        );
    }
    if failed.is_empty() {
        super::print(&format!(
            "{}: {} tests passed\n",
            path.display(),
            tests.len()
        ));
        return Ok(());
    }
    Err(Failure::new(
        Kind::Settings,
        anyhow::anyhow!(
            "of the expectations of {}, {} not met:\n{}\ncorrect the settings, or the test if it asks for the wrong thing",
            path.display(),
            failed.len(),
            failed.join("\n")
        ),
    ))
}
