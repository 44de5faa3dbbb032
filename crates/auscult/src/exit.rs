//! Exit codes: one for each thing a script would do differently.

use std::process::ExitCode;

/// Shown under `--help`.
pub const HELP: &str = "Exit codes: 0 done; 1 unexpected failure; 2 wrong use; 3 settings; 4 input file; \
5 log or store; 6 address in use or not allowed; 7 refused by the service or the broker; \
8 topics are missing or not as the settings say; 9 a safety candidate is past its time without an acknowledgement";

/// A failure with its exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: anyhow::Error,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Settings or map.
    Settings = 3,
    /// Input file.
    Input = 4,
    /// Log or store.
    Store = 5,
    /// Address.
    Address = 6,
    /// The service or the broker said no.
    Refused = 7,
    /// Topics are missing or not as the settings say.
    Topics = 8,
    /// A safety candidate is past its time without an acknowledgement.
    Outstanding = 9,
}

impl Failure {
    /// A failure of `kind`.
    pub fn new(kind: Kind, error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            code: kind as u8,
            error: error.into(),
        }
    }

    /// Prints it and turns it into the exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("auscult: {self}");
        ExitCode::from(self.code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure { code: 1, error }
    }
}

/// Result of a command.
pub type Outcome = Result<(), Failure>;

/// Marks errors with their kind.
pub trait Marked<T> {
    /// The same, as a failure of `kind`.
    fn or_fail(self, kind: Kind) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> Marked<T> for Result<T, E> {
    fn or_fail(self, kind: Kind) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(kind, error))
    }
}
