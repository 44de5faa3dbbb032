//! False-discovery control: which of many p-values to act on.
//!
//! Decision: at each close of a bucket the whole portfolio is judged together with Benjamini–Hochberg
//! (weighted down the lattice), and the online procedures (LORD++, SAFFRON, ADDIS) are kept for streams
//! of decisions that cannot wait for each other. It beat family-wise control (Bonferroni, Holm), which on
//! a thousand series costs most of the power, and beat a fixed p threshold, under which the number of
//! false alerts grows with the number of series listened to.
//!
//! All procedures are deterministic: equal p-values get equal answers, whatever their order, and a p-value
//! that is not a number counts as 1 (no evidence), so that one broken series can neither raise an alert
//! nor silence its neighbours.

mod benjamini_hochberg;
mod online;

pub use benjamini_hochberg::{
    BenjaminiHochberg, DiscoveryError, benjamini_hochberg, weighted_benjamini_hochberg,
};

pub use online::{
    OnlineDecision, OnlineDiscovery, OnlineProcedure, OnlineRecordError, OnlineSettings,
    OnlineSettingsError, REJECTIONS_KEPT,
};

/// A p-value made safe: not a number becomes 1, everything else is held in [0, 1].
pub(crate) fn sane_p_value(p_value: f64) -> f64 {
    if p_value.is_nan() {
        1.0
    } else {
        p_value.clamp(0.0, 1.0)
    }
}
