//! One integration binary: turns, Listen, and the stages together, over a log in memory with faults.

mod listen;
mod pipeline;
mod reference;
mod safety;
mod support;
mod turn;
