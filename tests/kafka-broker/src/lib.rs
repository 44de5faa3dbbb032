//! Real Apache Kafka brokers, for tests and for people.
//!
//! Decision: the tests talk to the broker that production runs, started from its own jars (Maven copies them, pinned in
//! `pom.xml`) as processes of this machine. It beat containers (a daemon, rights and images that a bare machine does
//! not have) and librdkafka's mock cluster (which is only as right as its authors' idea of a broker; injected errors
//! are what it is good for).
//!
//! Waiting here is polling with a deadline, and a broker never outlives the process that started it: see [`Cluster`].
//!
//! ```no_run
//! use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
//!
//! let Some(kit) = kit_or_skip("what this test is about") else { return };
//! let cluster = Cluster::start(kit, &ClusterSettings::one()).expect("a broker");
//! println!("{}", cluster.bootstrap());
//! ```

mod broker;
mod cluster;
mod kit;
mod ports;
mod properties;
mod settings;
mod standing;
mod tls;

pub use broker::signal;
pub use cluster::{Cluster, StartError};
pub use kit::{Kit, Unavailable, kit_or_skip};
pub use settings::{ClusterSettings, User};
pub use standing::{Standing, down, up};
pub use tls::TlsFiles;
