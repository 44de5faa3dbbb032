//! The built binary on a real broker: roles apart, killed with no warning, frozen, stopped while its broker is away, and rebuilt.

mod killed;
mod roles;
mod stopped;
pub mod world;
