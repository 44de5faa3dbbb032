//! The binary's parts: commands, settings, wiring. A library only so that the throughput bench drives the very
//! pipeline the commands drive.

pub mod backtest;
pub mod cli;
pub mod commands;
pub mod exit;
pub mod health;
pub mod history;
pub mod import;
pub mod pairs;
pub mod pipeline;
pub mod retention;
pub mod service;
pub mod settings;
pub mod stopping;
pub mod submit;
pub mod table;
pub mod topics;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Records are made on one thread and dropped on another, millions a minute, which the system's allocator does slowly:
/// on the day it came in, `make bench` rose from 41,000 to 51,000 events/s through the embedded log.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command line.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    start_logging(cli.log_json, &cli.command);
    let outcome = match cli.command {
        Command::Check(check) => commands::check::run(&check),
        Command::Dispose(dispose) => commands::dispose::run(&dispose),
        Command::Actions(actions) => commands::actions::run(&actions),
        Command::Replay(replay) => commands::replay::run(&replay),
        Command::Demo(demo) => commands::demo::run(&demo),
        Command::Run(run) => commands::run::run(&run),
        Command::Backtest(backtest) => commands::backtest::run(&backtest),
        Command::Explain(explain) => commands::explain::run(&explain),
        Command::Impact(impact) => commands::impact::run(&impact),
        Command::Disproportionality(pairs) => commands::disproportionality::run(&pairs),
        Command::LeadLag(pairs) => commands::lead_lag::run(&pairs),
        Command::Train(train) => commands::train::run(&train),
        Command::Simulate(simulate) => commands::simulate::run(&simulate),
        Command::Safety(safety) => commands::safety::run(&safety),
        Command::Requests(requests) => commands::requests::run(&requests),
        Command::DeadLetters(letters) => commands::dead_letters::run(&letters),
        Command::Redact(redact) => commands::redact::run(&redact),
        Command::Topics(topics) => commands::topics::run(&topics),
        Command::Reference(reference) => commands::reference::run(&reference),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Logs go to standard error, so that standard output stays for results. Commands that print for people log
/// warnings only, unless `AUSCULT_LOG` says otherwise.
fn start_logging(json: bool, command: &Command) {
    let usual = match command {
        Command::Run(_) => "info",
        // A demo plants broken events by the dozen and counts them on the Ops page; a replay counts them at its end.
        Command::Demo(_)
        | Command::Replay(_)
        | Command::Backtest(_)
        | Command::Explain(_)
        | Command::Impact(_)
        | Command::LeadLag(_) => "error",
        _ => "warn",
    };
    let filter = EnvFilter::try_from_env("AUSCULT_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if json {
        builder.json().init();
    } else {
        builder.with_target(false).init();
    }
}
