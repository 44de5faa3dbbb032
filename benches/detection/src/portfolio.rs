//! False-discovery control over all series of a panel in each bucket.

use auscult_statistics::discovery::benjamini_hochberg;

use crate::measures::{Judged, Replicates};

/// What Benjamini–Hochberg realises at a set q.
#[derive(Clone, Copy, Debug)]
pub struct Realised {
    /// Share of discoveries outside an outbreak.
    pub false_share: f64,
    /// The same, not counting the three buckets after an outbreak's end as false.
    pub false_share_beyond_aftermath: f64,
    /// Share of outbreaks with a discovery from start to end.
    pub detected: f64,
}

/// Runs the procedure bucket by bucket over the reported series with outbreaks.
pub fn realised(judged: &Judged, q: f64, which: Replicates) -> Realised {
    let members: Vec<_> = judged
        .series
        .iter()
        .zip(&judged.scored)
        .filter(|(series, _)| which.reports(series))
        .collect();
    let buckets = members.first().map_or(0, |(_, scored)| scored.struck.len());
    let (mut discoveries, mut false_ones, mut aftermath) = (0_usize, 0_usize, 0_usize);
    let mut found = vec![false; members.len()];
    for bucket in 0..buckets {
        let p: Vec<f64> = members
            .iter()
            .map(|(_, scored)| f64::from(-scored.struck[bucket]).exp())
            .collect();
        let outcome = benjamini_hochberg(&p, q);
        for (place, (series, _)) in members.iter().enumerate() {
            if !outcome.rejected[place] {
                continue;
            }
            discoveries += 1;
            let at = bucket + judged.first;
            if (series.outbreak.start..=series.outbreak.end).contains(&at) {
                found[place] = true;
            } else {
                false_ones += 1;
                aftermath += usize::from(at > series.outbreak.end && at <= series.outbreak.end + 3);
            }
        }
    }
    Realised {
        false_share: false_ones as f64 / discoveries.max(1) as f64,
        false_share_beyond_aftermath: (false_ones - aftermath) as f64 / discoveries.max(1) as f64,
        detected: found.iter().filter(|found| **found).count() as f64 / found.len().max(1) as f64,
    }
}
