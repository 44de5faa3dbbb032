//! placeholder

pub mod discovery;
pub mod disproportionality;
pub mod distribution;
pub mod learning;
pub mod reference;
