//! One table of figures.

use std::path::Path;
use std::time::Instant;

/// One figure.
pub struct Figure {
    pub task: String,
    pub set: String,
    pub split: String,
    pub figure: String,
    pub target: String,
    /// Seconds since the figure before.
    pub seconds: f64,
}

pub struct Report {
    figures: Vec<Figure>,
    pub tsv: bool,
    last: Instant,
}

impl Default for Report {
    #[expect(clippy::disallowed_methods, reason = "a program that measures time")]
    fn default() -> Report {
        Report {
            figures: Vec::new(),
            tsv: false,
            last: Instant::now(),
        }
    }
}

const HEAD: [&str; 6] = ["task", "set", "split", "figure", "target", "seconds"];

impl Report {
    pub fn add(&mut self, task: &str, set: &str, split: &str, figure: String, target: &str) {
        let figure = Figure {
            task: task.into(),
            set: set.into(),
            split: split.into(),
            figure,
            target: target.into(),
            seconds: self.lap(),
        };
        eprintln!(
            "{} | {} | {} | {} | {}",
            figure.task, figure.set, figure.split, figure.figure, figure.target
        );
        self.figures.push(figure);
    }

    /// Seconds since the last figure. The work of several figures shows at the first of them.
    #[expect(clippy::disallowed_methods, reason = "a program that measures time")]
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let seconds = now.duration_since(self.last).as_secs_f64();
        self.last = now;
        seconds
    }

    fn rows(&self) -> impl Iterator<Item = [String; 6]> {
        self.figures.iter().map(|one| {
            [
                one.task.clone(),
                one.set.clone(),
                one.split.clone(),
                one.figure.clone(),
                one.target.clone(),
                format!("{:.1}", one.seconds),
            ]
        })
    }

    fn markdown(&self) -> String {
        let line = |cells: [&str; 6]| {
            format!(
                "| {} |\n",
                cells.map(|cell| cell.replace('|', "/")).join(" | ")
            )
        };
        let mut table = line(HEAD);
        table.push_str("| --- | --- | --- | --- | --- | ---: |\n");
        for row in self.rows() {
            table.push_str(&line(row.each_ref().map(String::as_str)));
        }
        table
    }

    pub fn print(&self) {
        if self.tsv {
            println!("{}", HEAD.join("\t"));
            self.rows().for_each(|row| println!("{}", row.join("\t")));
        } else {
            print!("{}", self.markdown());
        }
    }

    /// Writes the table with what a reader must know of it.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        std::fs::write(path, format!("{PREFACE}{}", self.markdown()))
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

const PREFACE: &str = "# Evaluation of the language rooms

Written by `make eval`; do not edit. `make eval TEST=DIR` judges another folder of the same shapes with the shipped models and
rules, nothing trained, and prints its table without writing it here. Tasks find their files by prefix; a set that is not there
is named on the error output and left out. Lines of peers are there when `make peers` was run before: they come from the scripts
under `benches/peers`, on the same sets.

*Split* says what the judged texts have to do with the training: cross-validated models never saw the document, template,
respondent or review they judge; \"shipped\" on a set that was trained on is no measure of anything new and is shown for comparison
only. *Seconds* is the wall time since the line before, training included, on the machine that wrote this. All times are
upper bounds: other work on the machine only ever lengthens them (`--example speed` measures in short slices for that reason).

";

/// Pearson's correlation.
pub fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (mx, my) = (
        pairs.iter().map(|p| p.0).sum::<f64>() / n,
        pairs.iter().map(|p| p.1).sum::<f64>() / n,
    );
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xy += (x - mx) * (y - my);
        xx += (x - mx).powi(2);
        yy += (y - my).powi(2);
    }
    xy / (xx * yy).sqrt()
}
