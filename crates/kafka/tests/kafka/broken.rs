//! Brokers that die in the middle.

use crate::support::{Copier, checked, fill, fresh, own, read_all, settings, topics, values, work};
use auscult_kafka::Kafka;

#[test]
fn a_broker_killed_and_restarted_between_and_within_transactions_loses_and_doubles_nothing() {
    let Some(cluster) = own("a broker killed in mid-transaction") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let names = ["in", "out", "state"].map(|name| fresh(&format!("killed-{name}")));
    let [from, to, state] = &names;
    topics(
        &brokers,
        &[(from, 3, false), (to, 3, false), (state, 3, true)],
    );
    let kafka =
        Kafka::connect(&checked(settings(&brokers, &fresh("killed"))), &[]).expect("connected");
    fill(&kafka, from, 3, 2_000);
    let mut copier = Copier::new(&kafka, &[from], &[], state, to);
    work(&mut [&mut copier], "work has begun", |copiers| {
        copiers[0].counted() > 500
    });
    // While this thread commits one turn after the other, the broker dies and comes back: some transaction is cut.
    let before = copier.counted();
    std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            for _ in 0..2 {
                cluster.kill(0).expect("it ran");
                cluster.restart(0).expect("it comes back");
            }
        });
        work(&mut [&mut copier], "the broker has been back", |_| {
            killer.is_finished()
        });
    });
    work(&mut [&mut copier], "everything is copied", |copiers| {
        copiers[0].counted() == 6_000
    });
    assert!(before < 6_000, "the broker died while there was work");
    assert!(
        copier.retries + copier.fenced > 0,
        "the kills were not noticed: they struck nothing"
    );
    let copied = read_all(&kafka, to);
    let mut expected: Vec<String> = (0..3)
        .flat_map(|partition| (0..2_000).map(move |number| format!("{partition}-{number}")))
        .collect();
    expected.sort();
    assert_eq!(values(&copied), expected, "nothing lost, nothing doubled");
}
