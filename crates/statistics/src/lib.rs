//! placeholder

pub mod discovery;
pub mod distribution;
pub mod learning;
pub mod reference;
