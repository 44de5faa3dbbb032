//! Rules of the repository, as tests.

use crate::scratch::project;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Who may depend on whom (ARCHITECTURE.md): each crate and all of ours it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("auscult-statistics", &[]),
    ("auscult-language", &[]),
    ("auscult-core", &["auscult-statistics", "auscult-language"]),
    ("auscult-wire", &["auscult-core"]),
    (
        "auscult-engine",
        &[
            "auscult-core",
            "auscult-wire",
            "auscult-language",
            "auscult-statistics",
        ],
    ),
    (
        "auscult-kafka",
        &["auscult-core", "auscult-wire", "auscult-engine"],
    ),
    (
        "auscult-store",
        &["auscult-core", "auscult-wire", "auscult-engine"],
    ),
    (
        "auscult-web",
        &["auscult-core", "auscult-wire", "auscult-engine"],
    ),
    (
        "auscult-sim",
        &["auscult-core", "auscult-wire", "auscult-engine"],
    ),
];

/// Outside crates that only one of ours may name.
const WRAPPED: &[(&str, &str)] = &[
    ("rdkafka", "auscult-kafka"),
    ("rusqlite", "auscult-store"),
    ("axum", "auscult-web"),
];

/// What the pure crates must never see.
const WORLD: &[&str] = &[
    "tokio", "rusqlite", "rdkafka", "axum", "tracing", "rand", "jiff", "chrono", "ureq",
];
const PURE: &[&str] = &["auscult-statistics", "auscult-language", "auscult-core"];

#[test]
fn the_walls_stand() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(project())
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let mut wrong = Vec::new();
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let normal = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == cargo_metadata::DependencyKind::Normal);
        for dependency in normal {
            let wanted = dependency.name.as_str();
            if let Some(allowed) = arrows.get(name)
                && wanted.starts_with("auscult-")
                && !allowed.contains(&wanted)
            {
                wrong.push(format!("{name} → {wanted}"));
            }
            if WRAPPED
                .iter()
                .any(|(outside, owner)| *outside == wanted && *owner != name)
            {
                wrong.push(format!("{name} → {wanted}: only its own crate may name it"));
            }
            if PURE.contains(&name) && WORLD.contains(&wanted) {
                wrong.push(format!("{name} → {wanted}: the pure crates know no world"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows against the architecture: {wrong:#?}"
    );
    let ours: BTreeSet<&str> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    for (name, _) in ARROWS {
        assert!(
            ours.contains(name),
            "{name} is in the list of arrows and not in the workspace"
        );
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for folder in ["crates", "tests", "benches"] {
        sources(&project().join(folder), &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            (
                path.clone(),
                std::fs::read_to_string(&path).expect("sources are UTF-8"),
            )
        })
        .collect()
}

#[test]
fn no_source_file_grows_beyond_reading() {
    const MOST_LINES: usize = 1_000;
    let long: Vec<String> = all_sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > MOST_LINES)
        .map(|(path, text)| format!("{}: {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "look for a second noun inside: {long:#?}");
}

#[test]
fn nothing_is_left_open_or_switched_off() {
    let banned = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
    ];
    let found: Vec<String> = all_sources()
        .iter()
        .flat_map(|(path, text)| {
            text.lines()
                .enumerate()
                .filter(|(_, line)| banned.iter().any(|word| line.contains(word)))
                .map(|(number, line)| format!("{}:{}: {}", path.display(), number + 1, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_architecture_page_stays_readable() {
    let page = std::fs::read_to_string(project().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    assert!(
        page.lines().count() <= 250,
        "{} lines",
        page.lines().count()
    );
}
