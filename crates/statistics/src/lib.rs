//! Numbers to evidence: baselines, detectors, false-discovery control. Knows no world: no clock, no chance, no files.

#![warn(clippy::unwrap_used, clippy::iter_over_hash_type)]

pub mod count;
pub mod discovery;
pub mod disproportionality;
pub mod distribution;
pub mod elementary;
pub mod evidence;
pub mod impact;
pub mod judgement;
pub mod lead_lag;
pub mod learning;
pub mod mean;
pub mod record;
pub mod reference;
pub mod share;
pub mod special;
