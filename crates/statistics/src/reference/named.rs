//! The reference methods by the names people write in settings and on the command line.

use super::{
    BayesSettings, CusumSettings, EarsSettings, EarsVariant, FarringtonFlexibleSettings,
    FarringtonOriginalSettings, GlrFamily, GlrSettings, ReferenceMethod, RkiSettings,
    SettingRefused, ThresholdMethod,
};

/// Every name [`named`] knows, in the order tables list them.
pub const NAMES: [&str; 12] = [
    "farrington_flexible_nb_plug_in",
    "farrington_flexible_upper_mean",
    "farrington_flexible_delta",
    "farrington",
    "ears_c1",
    "ears_c2",
    "ears_c3",
    "cusum",
    "glr_poisson",
    "glr_negative_binomial",
    "bayes",
    "rki",
];

/// The method called `name`, with the settings R's surveillance starts from.
///
/// # Errors
/// A default setting was refused, which a test excludes; `Ok(None)` where no method has that name.
pub fn named(name: &str) -> Result<Option<Box<dyn ReferenceMethod>>, SettingRefused> {
    let flexible = |threshold| FarringtonFlexibleSettings {
        threshold,
        ..FarringtonFlexibleSettings::default()
    };
    Ok(Some(match name {
        "farrington_flexible_nb_plug_in" => {
            Box::new(flexible(ThresholdMethod::NegativeBinomialPlugIn).check()?)
        }
        "farrington_flexible_upper_mean" => Box::new(flexible(ThresholdMethod::UpperMean).check()?),
        "farrington_flexible_delta" => Box::new(flexible(ThresholdMethod::Delta).check()?),
        "farrington" => Box::new(FarringtonOriginalSettings::default().check()?),
        "ears_c1" => Box::new(EarsSettings::usual(EarsVariant::C1).check()?),
        "ears_c2" => Box::new(EarsSettings::usual(EarsVariant::C2).check()?),
        "ears_c3" => Box::new(EarsSettings::usual(EarsVariant::C3).check()?),
        "cusum" => Box::new(CusumSettings::default().check()?),
        "glr_poisson" => Box::new(GlrSettings::usual(GlrFamily::Poisson).check()?),
        "glr_negative_binomial" => {
            Box::new(GlrSettings::usual(GlrFamily::NegativeBinomial).check()?)
        }
        "bayes" => Box::new(BayesSettings::default().check()?),
        "rki" => Box::new(RkiSettings::default().check()?),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_gives_the_method_of_that_name_and_no_other_does() {
        for name in NAMES {
            let method = named(name).expect("defaults are sound").expect(name);
            assert_eq!(method.name(), name);
        }
        assert!(named("farington").expect("no setting is read").is_none());
    }
}
