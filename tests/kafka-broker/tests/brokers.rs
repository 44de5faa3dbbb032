//! The harness itself: brokers come, die, come back and go.

use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
use std::net::TcpStream;

fn takes_connections(addresses: &str) -> bool {
    addresses
        .split(',')
        .all(|address| TcpStream::connect(address).is_ok())
}

#[test]
fn a_broker_is_killed_restarted_stopped_and_gone() {
    let Some(kit) = kit_or_skip("one broker") else {
        return;
    };
    let settings = ClusterSettings::one()
        .user("alice", "alice-secret")
        .oauth()
        .tls()
        .authorizer();
    let cluster = Cluster::start(kit, &settings).expect("a broker");
    for listener in ["PLAINTEXT", "SASL", "TLS", "MTLS", "SASLTLS"] {
        assert!(takes_connections(&cluster.listener(listener)), "{listener}");
    }
    let authority = cluster.tls().authority_pem.clone();
    assert!(authority.exists());
    cluster.kill(0).expect("it ran");
    assert!(!cluster.runs(0));
    assert!(!takes_connections(&cluster.bootstrap()));
    assert!(cluster.kill(0).is_err(), "there is nothing to kill");
    cluster.restart(0).expect("it comes back on its old port");
    assert!(takes_connections(&cluster.bootstrap()));
    cluster.stop(0).expect("it stops in order");
    assert!(cluster.log(0).contains("shut down completed"));
    drop(cluster);
    assert!(!authority.exists(), "nothing is left behind");
}

#[test]
fn a_dropped_cluster_of_three_leaves_no_process() {
    let Some(kit) = kit_or_skip("three brokers") else {
        return;
    };
    let cluster = Cluster::start(kit, &ClusterSettings::three()).expect("three brokers");
    let addresses = cluster.bootstrap();
    assert_eq!(addresses.split(',').count(), 3);
    assert!(takes_connections(&addresses));
    cluster.pause(2).expect("it runs");
    drop(cluster);
    for address in addresses.split(',') {
        assert!(!takes_connections(address), "{address}");
    }
}

#[test]
fn a_broker_that_cannot_start_says_why() {
    let Some(kit) = kit_or_skip("a broker that cannot start") else {
        return;
    };
    let settings = ClusterSettings::one().property("num.io.threads", "none");
    let error = Cluster::start(kit, &settings).expect_err("no number");
    assert!(error.to_string().contains("num.io.threads"), "{error}");
}
