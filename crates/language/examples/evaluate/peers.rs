//! Figures that other programs print: peers on the same sets, by the scripts under `benches/peers`, where a Python that has them is there;
//! and new themes through the machine, which this crate cannot see.

use crate::report::Report;
use std::path::Path;
use std::process::Command;

/// Where `make peers` puts its Python.
const PYTHON: &str = "target/peers/bin/python";
const SCRIPTS: [&str; 3] = ["vader.py", "lingua.py", "presidio_side_by_side.py"];

/// Runs the scripts and takes their lines over.
pub fn run(python: Option<&str>, folder: &Path, report: &mut Report) -> Result<(), String> {
    let python = python.unwrap_or(PYTHON);
    if !Path::new(python).exists() {
        eprintln!("skipped peers: no {python}; run `make peers` for VADER, lingua and Presidio");
        return Ok(());
    }
    for script in SCRIPTS {
        let mut command = Command::new(python);
        command
            .arg(Path::new("benches/peers").join(script))
            .arg(folder)
            .arg("--tsv");
        take_over(&mut command, "peer: ", report)?;
    }
    Ok(())
}

/// Examples of the machine's crate that print figures of their own: what the detector finds on the product's path.
const MACHINE: [(&str, &str); 2] = [
    ("crisis_themes", "crisis_tweets_"),
    ("recall_themes", "fda_drug_recalls_"),
];

/// Runs those examples, where they are built beside this program (`make eval` does that).
pub fn run_machine(folder: &Path, report: &mut Report) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    for (example, prefix) in MACHINE {
        let program = own.with_file_name(example);
        if !program.exists() {
            eprintln!(
                "skipped {example}: not built; run `cargo build --release -p auscult-core --example {example}`"
            );
            continue;
        }
        for path in crate::data::files(folder, prefix) {
            let mut command = Command::new(&program);
            command.arg(path).arg("--tsv");
            take_over(&mut command, "", report)?;
        }
    }
    Ok(())
}

/// Takes over the lines a program prints: task, set, split, figure, target, parted by tabs.
fn take_over(command: &mut Command, kind: &str, report: &mut Report) -> Result<(), String> {
    let name = format!("{command:?}");
    let output = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().last().unwrap_or("no word why");
        eprintln!("skipped {name}: {last}");
        return Ok(());
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        if let [task, set, split, figure, target] = cells.as_slice() {
            report.add(
                &format!("{kind}{task}"),
                set,
                split,
                (*figure).to_owned(),
                target,
            );
        }
    }
    Ok(())
}
