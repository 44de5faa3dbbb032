//! A producer's quota on a real broker: being slowed down is no fault. Nothing is lost, doubled, given up or restarted.

use crate::broker::faults::{letters_hold, noise};
use crate::kafka::world::{PATIENCE, pause, settings_text, world_of};
use auscult_engine::log::Outgoing;
use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
use std::time::{Duration, Instant};

/// Bytes a second that the instance may write.
const QUOTA: u64 = 256 << 10;
/// Seconds over which a broker takes the mean: so much may come at once (ten full samples of one second).
const AT_ONCE_SECONDS: u64 = 10;
/// Inputs, and their size. Small turns, so that a broker's pause stays shorter than a transaction may take.
const INPUTS: u64 = 1_024;
const INPUT_BYTES: usize = 4 << 10;
const CONFIGURE: &str = "kafka.admin.ConfigCommand";

#[test]
fn a_producer_that_is_throttled_goes_on_slowly_and_loses_nothing() {
    let Some(kit) = kit_or_skip("a producer quota") else {
        return;
    };
    // A broker of its own: the quota is for all clients.
    let cluster = Cluster::start(kit, &ClusterSettings::one()).expect("a broker");
    // As an operator sets it where there is a quota: a turn must fit into a transaction also when the machine is busy.
    let text = settings_text(&cluster.bootstrap(), "quota", "quota", 1).replace(
        "transaction_timeout_seconds = 5",
        "transaction_timeout_seconds = 60",
    );
    assert!(text.contains("transaction_timeout_seconds = 60"));
    let world = world_of(&cluster, text);
    let topics = &world.settings.engine.topics;
    let inputs: Vec<Vec<u8>> = (0..INPUTS)
        .map(|number| noise(number, INPUT_BYTES))
        .collect();
    for some in inputs.chunks(64) {
        let records = some.iter().map(|input| Outgoing {
            topic: topics.feedback_hcp.as_str().into(),
            partition: None,
            key: Some(b"k".to_vec()),
            headers: Vec::new(),
            value: Some(input.clone()),
        });
        world.append(records.collect());
    }
    let limit = format!("producer_byte_rate={QUOTA}");
    cluster
        .tool(
            CONFIGURE,
            &[
                "--alter",
                "--add-config",
                &limit,
                "--entity-type",
                "clients",
                "--entity-default",
            ],
        )
        .expect("a quota is set");

    let began = Instant::now();
    let log = std::fs::File::create(world.scratch.path("log")).expect("a file");
    let mut instance = world.start_telling("listen", log);
    let told = || std::fs::read_to_string(world.scratch.path("log")).unwrap_or_default();
    let kafka = world.kafka();
    // Transactions' markers count as offsets, too: what is left then is worked off below.
    while world.listened(&kafka) < INPUTS {
        assert!(instance.runs(), "it ended: {}", told());
        assert!(began.elapsed() < PATIENCE, "{}", told());
        pause(Duration::from_millis(50));
    }
    let took = began.elapsed();
    instance.stop();
    world.work_off("listen");
    assert!(
        !told().contains("fenced") && !told().contains("ERROR"),
        "{}",
        told()
    );

    let letters: Vec<Vec<u8>> = world
        .read(&[&topics.dead_letters])
        .iter()
        .map(|record| record.value.clone().unwrap_or_default())
        .collect();
    let written: usize = letters.iter().map(Vec::len).sum();
    // What no compression makes fewer: base64 is four characters for three bytes, six of whose eight bits say something.
    let least = (written as u64 * 3 / 4).saturating_sub(AT_ONCE_SECONDS * QUOTA) / QUOTA;
    assert!(
        least > 2 && took >= Duration::from_secs(least / 2),
        "the quota took hold: {written} bytes in {took:?}, at least {least} s"
    );

    letters_hold(&world, inputs);
}
