//! Operating on a real broker: topics, dead letters, consumers made from the contract alone, faults.

mod consumers;
mod dead_letters;
mod faults;
mod topics;
