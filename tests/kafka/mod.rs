//! The built binary on a real broker: roles apart, killed with no warning, frozen, and rebuilt.

mod killed;
mod roles;
pub mod world;
