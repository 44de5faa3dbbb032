//! What the adapter counts, beside the engine's own metrics: transactions, rebalances, restores, what is unread.

use prometheus::{
    Encoder as _, Gauge, GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Every instrument of the adapter. Labels are groups, topics and partitions: all from settings.
#[derive(Debug)]
pub(crate) struct Counters {
    registry: Registry,
    /// Transactions by group and end: `committed`, `retried`, `fenced`, `stopped`.
    pub transactions: IntCounterVec,
    /// Partitions by group and what happened: `assigned`, `revoked`.
    pub rebalanced: IntCounterVec,
    /// State records read while restoring, by partition.
    pub restored_records: IntCounterVec,
    /// Share of the running (or last) restore of a partition that is done, 0 to 1.
    pub restore_progress: GaugeVec,
    /// Seconds the last restore took.
    pub restore_seconds: Gauge,
    /// Records not read yet, by partition.
    pub unread_records: IntGaugeVec,
    /// Seconds between now and the time of the last record read, 0 when nothing is unread, by partition.
    pub seconds_behind: GaugeVec,
    /// Records that were deleted before this group read them.
    pub lost_records: IntCounterVec,
}

impl Counters {
    /// All instruments in a registry of their own.
    ///
    /// # Errors
    /// A name is used twice or not allowed, which a test holds against.
    pub fn new() -> Result<Counters, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let partition = ["group", "topic", "partition"];
        let transactions = counter(
            "auscult_kafka_transactions_total",
            "Transactions by group and how they ended.",
            &["group", "outcome"],
        )?;
        let rebalanced = counter(
            "auscult_kafka_rebalanced_partitions_total",
            "Partitions assigned and revoked.",
            &["group", "what"],
        )?;
        let restored_records = counter(
            "auscult_kafka_restored_records_total",
            "State records read while restoring.",
            &["topic", "partition"],
        )?;
        let restore_progress = gauge(
            "auscult_kafka_restore_progress",
            "Share of the running or last restore of a partition that is done.",
            &["topic", "partition"],
        )?;
        let seconds_behind = gauge(
            "auscult_kafka_seconds_behind",
            "Age of the last record read; 0 when nothing is unread.",
            &partition,
        )?;
        let lost_records = counter(
            "auscult_kafka_lost_records_total",
            "Offsets deleted by retention before this group read them.",
            &partition,
        )?;
        let unread_records = IntGaugeVec::new(
            Opts::new(
                "auscult_kafka_unread_records",
                "Offsets up to the last stable one that were not read yet; transaction markers are not counted once passed.",
            ),
            &partition,
        )?;
        registry.register(Box::new(unread_records.clone()))?;
        let restore_seconds = Gauge::new(
            "auscult_kafka_restore_seconds",
            "How long the last restore of a partition took.",
        )?;
        registry.register(Box::new(restore_seconds.clone()))?;
        Ok(Counters {
            registry,
            transactions,
            rebalanced,
            restored_records,
            restore_progress,
            restore_seconds,
            unread_records,
            seconds_behind,
            lost_records,
        })
    }

    /// Everything in the text format of Prometheus.
    pub fn render(&self) -> String {
        let mut bytes = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut bytes) {
            Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("# {error}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instrument_can_be_made_and_told() {
        let counters = Counters::new().expect("names are valid and different");
        counters
            .transactions
            .with_label_values(&["g", "committed"])
            .inc();
        assert!(
            counters
                .render()
                .contains("auscult_kafka_transactions_total{group=\"g\",outcome=\"committed\"} 1")
        );
    }
}
