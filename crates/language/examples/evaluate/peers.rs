//! Peers on the same sets, by the scripts under `benches/peers`, where a Python that has them is there.

use crate::report::Report;
use std::path::Path;
use std::process::Command;

/// Where `make peers` puts its Python.
const PYTHON: &str = "target/peers/bin/python";
const SCRIPTS: [&str; 3] = ["vader.py", "lingua.py", "presidio_side_by_side.py"];

/// Runs the scripts and takes their lines over: task, set, split, figure, target, parted by tabs.
pub fn run(python: Option<&str>, folder: &Path, report: &mut Report) -> Result<(), String> {
    let python = python.unwrap_or(PYTHON);
    if !Path::new(python).exists() {
        eprintln!("skipped peers: no {python}; run `make peers` for VADER, lingua and Presidio");
        return Ok(());
    }
    for script in SCRIPTS {
        let output = Command::new(python)
            .arg(Path::new("benches/peers").join(script))
            .arg(folder)
            .arg("--tsv")
            .output()
            .map_err(|error| format!("{python}: {error}"))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let last = complaint.lines().last().unwrap_or("no word why");
            eprintln!("skipped peer {script}: {last}");
            continue;
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let cells: Vec<&str> = line.split('\t').collect();
            if let [task, set, split, figure, target] = cells.as_slice() {
                report.add(
                    &format!("peer: {task}"),
                    set,
                    split,
                    (*figure).to_owned(),
                    target,
                );
            }
        }
    }
    Ok(())
}
