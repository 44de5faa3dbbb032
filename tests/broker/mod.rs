//! Operating on a real broker: topics, dead letters, consumers made from the contract alone, framings, reference data,
//! faults, quotas, identities and rights.

mod consumers;
mod dead_letters;
mod faults;
mod framing;
mod identity;
mod quota;
mod reference;
mod security;
mod tokens;
mod topics;
