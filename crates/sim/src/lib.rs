//! The simulator: a seeded feed with planted truth, a log in memory with faults, and checkers that know nothing of the
//! implementation they judge.
//!
//! * [`generator`]: what people say, in the order it arrives, and [`truth`] about what was planted;
//! * [`memory_log`]: the engine's log in memory, with [`faults`] that a seed decides;
//! * [`checkers`]: conservation, exactly-once, gapless revisions, and found against planted.

mod chance;
pub mod emit;
pub mod generator;
mod population;
mod rates;
pub mod scenario;
mod text;
pub mod truth;
mod utterance;

pub use emit::GeneratedEvent;
pub use generator::Generator;
pub use scenario::Scenario;
pub use truth::Truth;
