//! `auscult lead-lag`: which series foretell others.
//!
//! Decision: the series compared are what the default detector did not expect, in its own standard deviations: a season or a level that two
//! series share is no lead. The tests, the permutations and the control over all pairs are those of `auscult_statistics::lead_lag`.

use super::asked;
use super::backtest::detect_settings;
use crate::backtest::default;
use crate::backtest::panel::{Panel, PanelSeries};
use crate::cli::{History, LeadLag as Asked};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::table;
use auscult_core::settings::DetectSettings;
use auscult_core::words::Measure;
use auscult_statistics::lead_lag::{LeadLag, LeadLagSettings, SeriesPair, find_lead_lags};
use std::fmt::Write as _;

/// More pairs than this take minutes, and leave each so little of the error rate that short series find nothing.
const MOST_PAIRS: usize = 300;
/// Fewest permutations of a pair.
const FEWEST_PERMUTATIONS: usize = 999;

/// Two series of a panel, and what was found between them.
struct Tested<'a> {
    first: &'a PanelSeries,
    second: &'a PanelSeries,
    found: LeadLag,
}

/// Tests and prints.
pub fn run(asked: &Asked) -> Outcome {
    let settings = detect_settings(asked.history.settings.as_deref())?;
    // A sum moves with its parts.
    let history = History {
        no_total: true,
        ..asked.history.clone()
    };
    let file = asked.file.as_deref();
    let panels = asked::panels(file, &history, &asked.of, Measure::Mentions)?;
    let panel = asked::only(panels, "there are")?
        .ok_or_else(|| asked::wrong("nothing was counted: there is no series".to_owned()))?;
    let pairs = pairs_of(&panel, asked)?;
    let deviations = deviations(&panel, &settings);
    let given: Vec<SeriesPair<'_>> = pairs
        .iter()
        .map(|(first, second)| SeriesPair {
            first: &deviations[*first],
            second: &deviations[*second],
        })
        .collect();
    // One pair alone must be able to pass the line of all of them.
    let enough = (2.0 * given.len() as f64 / asked.q.clamp(1e-3, 1.0)) as usize;
    let found = find_lead_lags(
        &given,
        &LeadLagSettings {
            largest_lag: asked.largest_lag,
            permutations: asked
                .permutations
                .unwrap_or(enough.max(FEWEST_PERMUTATIONS)),
            seed: asked.seed,
            q: asked.q,
        },
    )
    .or_fail(Kind::Input)?;
    let mut tested: Vec<Tested<'_>> = pairs
        .iter()
        .zip(found)
        .map(|((first, second), found)| Tested {
            first: &panel.series[*first],
            second: &panel.series[*second],
            found,
        })
        .collect();
    tested.sort_by(|left, right| {
        let strength = |one: &Tested<'_>| (one.found.adjusted, -one.found.correlation.abs());
        let ((one, two), (three, four)) = (strength(left), strength(right));
        one.total_cmp(&three).then(two.total_cmp(&four))
    });
    let all = tested.len();
    tested.retain(|one| asked.all || one.found.found);
    super::print(&if asked.json {
        lines(&tested)
    } else {
        described(&tested, all, &panel, asked)
    });
    Ok(())
}

/// Places of the series to compare: those asked for, or every two.
fn pairs_of(panel: &Panel, asked: &Asked) -> Result<Vec<(usize, usize)>, Failure> {
    let all = 0..panel.series.len();
    let pairs: Vec<(usize, usize)> = match (&asked.series, &asked.with) {
        (Some(first), Some(second)) => {
            vec![(asked::place(panel, first)?, asked::place(panel, second)?)]
        }
        (Some(one), None) | (None, Some(one)) => {
            let one = asked::place(panel, one)?;
            all.filter(|other| *other != one)
                .map(|other| (one, other))
                .collect()
        }
        (None, None) => all
            .clone()
            .flat_map(|first| {
                all.clone()
                    .skip(first + 1)
                    .map(move |second| (first, second))
            })
            .collect(),
    };
    if pairs.is_empty() || pairs.iter().any(|(first, second)| first == second) {
        return Err(asked::wrong(
            "there is only one series, or it was named twice: a lead needs two".to_owned(),
        ));
    }
    if pairs.len() > MOST_PAIRS {
        return Err(asked::wrong(format!(
            "{} series make {} pairs, more than {MOST_PAIRS}: name one with --series, or cut the file by fewer columns with --by",
            panel.series.len(),
            pairs.len()
        )));
    }
    Ok(pairs)
}

/// What the detector did not expect, in its standard deviations; 0 where it had nothing to compare.
fn deviations(panel: &Panel, settings: &DetectSettings) -> Vec<Vec<f64>> {
    let mut deviations = vec![vec![0.0; panel.buckets]; panel.series.len()];
    let cold_start = settings.cold_start_buckets;
    default::run(panel, settings, None, |at, place, decision| {
        let verdict = &decision.verdict;
        if let Some(observed) = verdict.observed
            && decision.learnt > cold_start
            && verdict.deviation > 0.0
        {
            deviations[at][place] = (observed - verdict.expected) / verdict.deviation;
        }
    });
    deviations
}

impl Tested<'_> {
    /// Who leads, who follows, by how many buckets.
    fn order(&self) -> (String, String, u64) {
        let (first, second) = (self.first.name(), self.second.name());
        let by = self.found.lag.unsigned_abs();
        if self.found.lag < 0 {
            (second, first, by)
        } else {
            (first, second, by)
        }
    }
}

fn described(tested: &[Tested<'_>], all: usize, panel: &Panel, asked: &Asked) -> String {
    let mut text = format!(
        "{all} pairs of {} series over {} buckets ({}), lags up to {}: {} found at a false-discovery rate of {}\n",
        panel.series.len(),
        panel.buckets,
        panel.width.iso(),
        asked.largest_lag,
        tested.iter().filter(|one| one.found.found).count(),
        asked.q,
    );
    if tested.is_empty() {
        return text;
    }
    let header = ["leads", "follows", "by", "correlation", "p", "q", "found"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for one in tested {
        let (leads, follows, by) = one.order();
        rows.push(vec![
            leads,
            follows,
            match by {
                0 => "together".to_owned(),
                by => by.to_string(),
            },
            format!("{:+.2}", one.found.correlation),
            format!("{:.1e}", one.found.p_value),
            format!("{:.1e}", one.found.adjusted),
            if one.found.found { "yes" } else { "no" }.to_owned(),
        ]);
    }
    let _ = write!(text, "\n{}", table::aligned(&rows));
    text.push_str("\nwhat comes first need not be the cause: a third series may drive both\n");
    text
}

fn lines(tested: &[Tested<'_>]) -> String {
    let mut text = String::new();
    for one in tested {
        let (leads, follows, by) = one.order();
        let line = serde_json::json!({
            "leads": leads,
            "follows": follows,
            "lag": by,
            "correlation": one.found.correlation,
            "p_value": one.found.p_value,
            "q_value": one.found.adjusted,
            "found": one.found.found,
        });
        let _ = writeln!(text, "{line}");
    }
    text
}
