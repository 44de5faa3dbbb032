//! The binary: commands, settings, wiring.
fn main() {}
