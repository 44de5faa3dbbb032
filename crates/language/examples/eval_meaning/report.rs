//! One table of figures.

/// One figure.
pub struct Figure {
    pub task: String,
    pub set: String,
    pub split: String,
    pub figure: String,
    pub target: String,
}

#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    pub tsv: bool,
}

impl Report {
    pub fn add(&mut self, task: &str, set: &str, split: &str, figure: String, target: &str) {
        let figure = Figure {
            task: task.into(),
            set: set.into(),
            split: split.into(),
            figure,
            target: target.into(),
        };
        eprintln!(
            "{} | {} | {} | {} | {}",
            figure.task, figure.set, figure.split, figure.figure, figure.target
        );
        self.figures.push(figure);
    }

    pub fn print(&self) {
        let rows = self
            .figures
            .iter()
            .map(|one| [&one.task, &one.set, &one.split, &one.figure, &one.target]);
        if self.tsv {
            rows.for_each(|row| println!("{}", row.map(String::as_str).join("\t")));
        } else {
            println!("| task | set | split | figure | target |\n| --- | --- | --- | --- | --- |");
            rows.for_each(|row| println!("| {} |", row.map(String::as_str).join(" | ")));
        }
    }
}

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

/// Precision, recall and F1 from true positives, false positives and false negatives.
#[derive(Default, Clone, Copy)]
pub struct Counts {
    pub hit: usize,
    pub extra: usize,
    pub missed: usize,
}

impl Counts {
    pub fn add(&mut self, found: bool, wanted: bool) {
        match (found, wanted) {
            (true, true) => self.hit += 1,
            (true, false) => self.extra += 1,
            (false, true) => self.missed += 1,
            (false, false) => {}
        }
    }

    pub fn f1(&self) -> f64 {
        let all = 2 * self.hit + self.extra + self.missed;
        if all == 0 {
            0.0
        } else {
            2.0 * self.hit as f64 / all as f64
        }
    }

    pub fn precision(&self) -> f64 {
        self.hit as f64 / (self.hit + self.extra).max(1) as f64
    }

    pub fn recall(&self) -> f64 {
        self.hit as f64 / (self.hit + self.missed).max(1) as f64
    }
}
