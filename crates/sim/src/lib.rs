//! The simulator: a seeded feed with planted truth, a log in memory with faults, and checkers that know nothing of the
//! implementation they judge.
//!
//! * [`generator`]: what people say, in the order it arrives, and [`truth`] about what was planted;
//! * [`memory_log`]: the engine's log in memory, with [`faults`] that a seed decides;
//! * [`checkers`]: conservation, exactly-once, gapless revisions, safety recall, leaks; [`scorecard`]: found against planted.

pub mod chance;
pub mod checkers;
pub mod emit;
pub mod faults;
pub mod generator;
pub mod memory_broker;
pub mod memory_log;
mod population;
mod rates;
pub mod scenario;
pub mod scorecard;
mod text;
pub mod truth;
mod utterance;

pub use emit::GeneratedEvent;
pub use faults::{CommitFault, FaultRates, Faults};
pub use generator::Generator;
pub use memory_broker::{MemoryBroker, Retention};
pub use memory_log::MemoryLog;
pub use scenario::Scenario;
pub use scorecard::Scorecard;
pub use truth::Truth;
