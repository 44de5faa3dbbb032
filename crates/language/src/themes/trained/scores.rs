//! Figures of a multi-label judgement.

/// Counts of one label.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelScore {
    /// The label.
    pub name: String,
    /// Texts that have it and were given it.
    pub right: usize,
    /// Texts that were given it wrongly.
    pub extra: usize,
    /// Texts that have it and were not given it.
    pub missed: usize,
}

#[expect(clippy::cast_precision_loss, reason = "counts of texts")]
impl LabelScore {
    /// Takes one text in.
    pub fn add(&mut self, found: bool, wanted: bool) {
        match (found, wanted) {
            (true, true) => self.right += 1,
            (true, false) => self.extra += 1,
            (false, true) => self.missed += 1,
            (false, false) => {}
        }
    }

    /// Share of what was given that was right.
    #[must_use]
    pub fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.extra).max(1) as f64
    }

    /// Share of what there was that was found.
    #[must_use]
    pub fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed).max(1) as f64
    }

    /// Harmonic mean of both; 0 where there was nothing.
    #[must_use]
    pub fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (2 * self.right + self.extra + self.missed).max(1) as f64
    }
}

/// Scores of all labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scores {
    /// One a label, in the order of the model.
    pub labels: Vec<LabelScore>,
}

impl Scores {
    /// Nothing judged yet.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Scores {
        Scores {
            labels: names
                .into_iter()
                .map(|name| LabelScore {
                    name: name.to_owned(),
                    ..LabelScore::default()
                })
                .collect(),
        }
    }

    /// Mean F1 of the labels: every label counts the same.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a few labels")]
    pub fn macro_f1(&self) -> f64 {
        self.labels.iter().map(LabelScore::f1).sum::<f64>() / self.labels.len().max(1) as f64
    }

    /// F1 of all decisions together: every text counts the same.
    #[must_use]
    pub fn micro_f1(&self) -> f64 {
        let sum = |of: fn(&LabelScore) -> usize| self.labels.iter().map(of).sum();
        LabelScore {
            name: String::new(),
            right: sum(|one| one.right),
            extra: sum(|one| one.extra),
            missed: sum(|one| one.missed),
        }
        .f1()
    }
}
