//! The built binary and the repository's own rules.

mod alert_rules;
mod broker;
mod browser;
mod commands;
mod desks;
mod kafka;
mod process;
mod scratch;
mod tidy;
