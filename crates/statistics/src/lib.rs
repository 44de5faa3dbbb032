//! placeholder

pub mod discovery;
pub mod disproportionality;
pub mod distribution;
pub mod impact;
pub mod lead_lag;
pub mod learning;
pub mod reference;
