//! Disproportionality: is a theme named with a product more often than with the others?
//!
//! Decision: the raw ratios (PRR, ROR) with intervals for people who know them, and two shrunk measures for
//! ranking: the information component and the empirical-Bayes geometric mean. Raw ratios put chance pairs of
//! one or two mentions on top; shrinkage pulls them to 1 by as much as the rest of the table says. All of them
//! work without any history.
//!
//! Sources: Evans, Waller and Davis 2001 (PRR); van Puijenbroek and others 2002 (ROR); Bate and others 1998
//! and Norén, Hopstadius and Bate 2013 (information component); DuMouchel 1999 (EBGM).

mod four_fold;
mod gamma_poisson;
mod information_component;
mod maximise;

pub use four_fold::{FourFold, FourFoldError, Ratio};
pub use gamma_poisson::{
    EmpiricalBayes, GammaPoissonError, GammaPoissonMixture, ObservedExpected, ZeroCells, squash,
};
pub use information_component::InformationComponent;
