//! The built binary and the repository's own rules.

mod browser;
mod commands;
mod process;
mod scratch;
mod tidy;
