//! Pages, JSON API, live updates and the metrics endpoint.
//!
//! Pages are rendered on the server and work without JavaScript; a small module of our own adds live
//! updates and keyboard triage where it is allowed to run. That beat a client-side application: nothing to
//! build, nothing fetched from elsewhere (air-gapped sites), a first byte as fast as one read of the
//! read model, and one place, [`view::project`], where it is decided what a role may see.
//!
//! This crate knows no Kafka, no SQLite and no detector. It reads through
//! [`ReadModel`](auscult_engine::read_model::ReadModel), writes through [`Submit`](ports::Submit), asks the
//! time of a [`Clock`](auscult_engine::clock::Clock), and is handed all three in an [`App`].

mod access;
mod actions;
mod answers;
mod api;
mod filter;
mod listener;
mod live;
mod pages;
pub mod ports;
mod problem;
pub mod roles;
mod security;
mod server;
pub mod settings;
mod state;
mod view;
mod words;

pub use ports::{App, Update};
pub use server::{router, serve};
pub use settings::{CheckedWebSettings, WebSettings};
