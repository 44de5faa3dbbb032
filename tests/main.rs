//! The built binary and the repository's own rules.

mod broker;
mod browser;
mod commands;
mod kafka;
mod process;
mod redaction;
mod scratch;
mod tidy;
