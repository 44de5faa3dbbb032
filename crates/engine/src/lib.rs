//! The engine: turns, and the ports they run against.
//!
//! A turn polls at most so many records or waits at most so long, decodes each, applies them in order and
//! commits once, all or nothing. Everything below a port (Kafka, SQLite, the simulator) is an adapter;
//! adapters never see each other.

pub mod clock;
pub mod dead_letters;
pub mod detect;
pub mod listen;
pub mod log;
pub mod read_model;
pub mod reference;
pub mod safety;
pub mod serve;
pub mod settings;
pub mod submit;
pub mod telemetry;
pub mod turn;
