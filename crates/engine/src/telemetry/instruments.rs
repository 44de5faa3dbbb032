//! Making instruments: each is registered as it is made, and its name and labels are kept for whoever must know what
//! there is before anything was counted (alert rules are held against them).

use prometheus::core::Collector;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};
use std::collections::BTreeMap;

/// Upper bounds of the turn-duration histogram, in seconds.
const TURN_SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Names are constants checked by `names_follow_the_prometheus_rules`; a clash would be our own mistake.
const INVARIANT: &str = "metric names are valid and registered once";

/// A registry, and what is in it.
#[derive(Debug, Default)]
pub(super) struct Instruments {
    pub(super) registry: Registry,
    /// Label names by metric name.
    pub(super) labels: BTreeMap<String, Vec<String>>,
}

impl Instruments {
    pub(super) fn counter(&mut self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.register(IntCounterVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.register(GaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn int_gauge(&mut self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(TURN_SECONDS.to_vec());
        self.register(HistogramVec::new(options, labels))
    }

    fn register<C: Collector + Clone + 'static>(
        &mut self,
        made: Result<C, prometheus::Error>,
    ) -> C {
        let collector = made.expect(INVARIANT);
        self.registry
            .register(Box::new(collector.clone()))
            .expect(INVARIANT);
        for described in collector.desc() {
            let labels = described.variable_labels.clone();
            self.labels.insert(described.fq_name.clone(), labels);
        }
        collector
    }
}
