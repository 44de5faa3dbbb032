//! The built binary and the repository's own rules.

mod actions;
mod alert_rules;
mod broker;
mod browser;
mod commands;
mod desks;
mod disproportionality;
mod impact;
mod kafka;
mod lead_lag;
mod process;
mod redaction;
mod scratch;
mod tidy;
