//! Arguments of the commands that ask the running service: how it is reached, the safety desk, medical requests.

use clap::{Args, Subcommand};

/// How the running service is reached.
#[derive(Debug, Args)]
pub struct ServerArguments {
    /// Address of the running service.
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Bearer token, if the service has any.
    #[arg(long, global = true, env = "AUSCULT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// The running service, and the role it is asked in.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address.
    pub server: String,
    /// Bearer token, if the service has any.
    pub token: Option<String>,
    role: Option<&'static str>,
}

impl ServerArguments {
    /// The service, asked in `role` where it runs without tokens; `None`: in its default role.
    #[must_use]
    pub fn of(&self, role: Option<&'static str>) -> Server {
        Server {
            server: self.server.clone(),
            token: self.token.clone(),
            role,
        }
    }
}

impl Server {
    /// The role to ask for; a token decides the role by itself.
    #[must_use]
    pub fn role_header(&self) -> Option<&'static str> {
        self.role.filter(|_| self.token.is_none())
    }
}

/// `auscult safety`
#[derive(Debug, Args)]
pub struct Safety {
    /// What to do.
    #[command(subcommand)]
    pub command: SafetyCommand,
    /// The running service.
    #[command(flatten)]
    pub server: ServerArguments,
}

/// What to do at the safety desk.
#[derive(Debug, Subcommand)]
pub enum SafetyCommand {
    /// Say that safety intake has a candidate; twice is once.
    Acknowledge {
        /// Candidate id.
        candidate: String,
        /// accepted, not_a_case, duplicate, needs_information.
        #[arg(long, default_value = "accepted")]
        decision: String,
        /// Case in the safety database.
        #[arg(long)]
        case_ref: Option<String>,
    },
    /// Hold what was handed over against what was acknowledged, by UTC day of awareness. Exit code 9 when a candidate is
    /// past its time without an acknowledgement.
    Reconcile {
        /// This day alone: 2026-05-04. Default: the last 7 days and every earlier day with something outstanding.
        #[arg(long)]
        day: Option<String>,
        /// Print the service's JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `auscult requests`
#[derive(Debug, Args)]
pub struct Requests {
    /// What to do.
    #[command(subcommand)]
    pub command: RequestCommand,
    /// The running service.
    #[command(flatten)]
    pub server: ServerArguments,
}

/// What to do with medical requests.
#[derive(Debug, Subcommand)]
pub enum RequestCommand {
    /// List them, the oldest first.
    List {
        /// open, answered or all.
        #[arg(long, default_value = "open")]
        state: String,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print the service's JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say what was done with one.
    Answer {
        /// Request id.
        request: String,
        /// answered, duplicate, not_a_request, needs_information.
        #[arg(long, default_value = "answered")]
        decision: String,
        /// Where the answer lies in the medical information system.
        #[arg(long)]
        answer_ref: Option<String>,
    },
}
