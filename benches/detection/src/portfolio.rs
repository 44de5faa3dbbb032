//! False-discovery control over all series of a panel in each bucket.

use auscult_statistics::discovery::benjamini_hochberg;

use crate::measures::Judged;

/// What Benjamini–Hochberg realises at a set q.
#[derive(Clone, Copy, Debug)]
pub struct Realised {
    /// Share of discoveries outside an outbreak.
    pub false_share: f64,
    /// The same, without the three buckets after an outbreak's end, where evidence over time still holds it.
    pub false_share_beyond_aftermath: f64,
    /// Share of outbreaks with a discovery from start to end.
    pub detected: f64,
}

/// Runs the procedure bucket by bucket over the series with outbreaks.
pub fn realised(judged: &Judged, q: f64) -> Realised {
    let buckets = judged.scored.first().map_or(0, |scored| scored.struck.len());
    let (mut discoveries, mut false_ones, mut aftermath) = (0_usize, 0_usize, 0_usize);
    let mut found = vec![false; judged.series.len()];
    for bucket in 0..buckets {
        let p: Vec<f64> = judged.scored.iter().map(|scored| f64::from(-scored.struck[bucket]).exp()).collect();
        let outcome = benjamini_hochberg(&p, q);
        for (place, series) in judged.series.iter().enumerate() {
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
