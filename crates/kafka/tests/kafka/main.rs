//! The adapter against real brokers, and against librdkafka's mock cluster for errors that must be injected.

mod broken;
mod contract;
mod groups;
mod mock;
mod support;
