//! What `make bench-kafka` compares with: bare rdkafka, consume → produce with transactions, and no work at all.
//!
//! `pass_through BROKERS FROM TO RECORDS PER_TRANSACTION` copies RECORDS records and prints the seconds it took. It
//! knows nothing of this project: one consumer, one transactional producer, librdkafka's defaults but for what
//! exactly-once needs.
#![expect(clippy::print_stdout, reason = "a program for a bench")]

use rdkafka::consumer::{BaseConsumer, Consumer as _, DefaultConsumerContext};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{ClientConfig, Offset};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, from, to, records, per_transaction] = arguments.as_slice() else {
        return Err("pass_through BROKERS FROM TO RECORDS PER_TRANSACTION".into());
    };
    let (records, per_transaction): (usize, usize) = (records.parse()?, per_transaction.parse()?);
    let consumer: BaseConsumer<DefaultConsumerContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", format!("pass-through-{}", std::process::id()))
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()?;
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set(
            "transactional.id",
            format!("pass-through-{}", std::process::id()),
        )
        .set("queue.buffering.max.messages", "500000")
        .set("linger.ms", "1")
        .set("compression.type", "lz4")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    consumer.subscribe(&[from])?;
    let mut began = None;
    let mut copied = 0;
    while copied < records {
        let mut positions: BTreeMap<i32, i64> = BTreeMap::new();
        let mut sent = 0;
        while sent < per_transaction && copied + sent < records {
            let wait = Duration::from_millis(if sent == 0 { 1_000 } else { 0 });
            let Some(message) = consumer.poll(wait) else {
                if sent > 0 {
                    break;
                }
                continue;
            };
            let message = message?;
            // Joining the group is not what is measured.
            began.get_or_insert_with(Instant::now);
            if sent == 0 {
                producer.begin_transaction()?;
            }
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(to);
            record.key = message.key();
            record.payload = message.payload();
            producer.send(record).map_err(|(error, _)| error)?;
            positions.insert(message.partition(), message.offset() + 1);
            sent += 1;
        }
        let mut list = TopicPartitionList::new();
        for (partition, position) in positions {
            list.add_partition_offset(from, partition, Offset::Offset(position))?;
        }
        let group = consumer.group_metadata().ok_or("the group is gone")?;
        producer.send_offsets_to_transaction(&list, &group, PATIENCE)?;
        // Without this rdkafka's flush waits for its whole interval of 100 ms, which would flatter us.
        while producer.in_flight_count() > 0 {
            std::thread::sleep(Duration::from_micros(200));
        }
        producer.commit_transaction(PATIENCE)?;
        copied += sent;
    }
    println!(
        "{}",
        began.map_or(0.0, |began: Instant| began.elapsed().as_secs_f64())
    );
    Ok(())
}
