//! A rating on any scale as thousandths between worst and best.

use auscult_wire::feedback::RatingMeasure;

/// The first measure that states its scale and lies on it, mapped to 0 (worst) … 1000 (best).
///
/// Measures without a scale are not guessed at: 4 may be the best or the middle. Values outside the scale
/// are a source's mistake and are left out rather than clamped, because a clamped 999 would be read as
/// perfect satisfaction.
#[must_use]
pub fn main_rating(measures: &[RatingMeasure<'_>]) -> Option<u16> {
    measures.iter().find_map(|measure| {
        let (least, greatest) = (measure.least?, measure.greatest?);
        let share = (measure.value - least) / (greatest - least);
        (0.0..=1.0)
            .contains(&share)
            .then(|| (share * 1_000.0).round() as u16)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(value: f64, least: Option<f64>, greatest: Option<f64>) -> RatingMeasure<'static> {
        RatingMeasure {
            code: "q".into(),
            value,
            least,
            greatest,
        }
    }

    #[test]
    fn maps_scales_and_skips_what_has_none() {
        assert_eq!(
            main_rating(&[measure(4.0, Some(1.0), Some(5.0))]),
            Some(750)
        );
        assert_eq!(
            main_rating(&[
                measure(4.0, None, Some(5.0)),
                measure(-1.0, Some(-1.0), Some(1.0))
            ]),
            Some(0)
        );
        assert_eq!(main_rating(&[measure(11.0, Some(0.0), Some(10.0))]), None);
        assert_eq!(
            main_rating(&[measure(f64::NAN, Some(0.0), Some(10.0))]),
            None
        );
        assert_eq!(main_rating(&[]), None);
    }
}
