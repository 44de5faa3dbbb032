//! Every way to log in, with certificates and access lists, on a real broker: what the tutorial grants is enough, and what
//! is missing is told with the remedy and without the secret.

use crate::kafka::world::{World, cluster, settings_text, world_of};
use crate::scratch::{Scratch, text};
use auscult_engine::log::Record;
use auscult_test_broker::Cluster;
use std::sync::Once;

/// An unsigned token (`"alg": "none"`) of `auscult` that is good until 2100: the broker's own check for tests.
pub const TOKEN: &str =
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhdXNjdWx0IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDB9.";
pub const ACCESS_LISTS: &str = "org.apache.kafka.tools.AclCommand";

/// A world whose topics and groups begin with `secure`, for which users have the rights of the tutorial.
pub fn secured<'c>(cluster: &'c Cluster, name: &str) -> World<'c> {
    static GRANTED: Once = Once::new();
    GRANTED.call_once(|| {
        let users = ["User:auscult", "User:halfway", "User:CN=client"];
        let mut arguments = vec!["--add"];
        for user in users {
            arguments.extend(["--allow-principal", user]);
        }
        arguments.extend([
            "--resource-pattern-type=prefixed",
            "--producer",
            "--consumer",
            "--idempotent",
            "--topic=secure",
            "--group=secure",
            "--transactional-id=secure",
        ]);
        cluster.tool(ACCESS_LISTS, &arguments).expect("granted");
    });
    let world = world_of(cluster, settings_text(&cluster.bootstrap(), name, name, 1));
    for user in ["auscult", "halfway"] {
        world
            .scratch
            .write(&format!("{user}.password"), format!("{user}-secret\n"));
    }
    world.scratch.write("token", TOKEN);
    world
}

/// `[kafka.security]` of a user with a password.
fn user(protocol: &str, mechanism: &str, name: &str) -> String {
    format!(
        "protocol = '{protocol}'\nmechanism = '{mechanism}'\nusername = '{name}'\npassword_file = '{name}.password'\n"
    )
}

/// Runs roles through `listener`, logged in as `security` says: whether they succeeded, and what they said.
pub fn run_as(world: &World<'_>, roles: &str, listener: &str, security: &str) -> (bool, String) {
    let cluster = world.cluster;
    let plain = std::fs::read_to_string(world.scratch.path("settings.toml")).expect("settings");
    world.scratch.write(
        "secured.toml",
        plain.replace(&cluster.bootstrap(), &cluster.listener(listener))
            + "[kafka.security]\n"
            + security,
    );
    let output = world.scratch.run(&[
        "run",
        "--settings",
        "secured.toml",
        "--roles",
        roles,
        "--stdin",
        "--drain",
    ]);
    let told = text(&output.stderr) + &text(&output.stdout);
    assert!(
        !told.contains("-secret") && !told.contains(TOKEN),
        "a secret was told: {told}"
    );
    (output.status.success(), told)
}

fn listened(world: &World<'_>) -> usize {
    let sources = auscult::topics::sources(&world.settings.engine);
    let committed = world.kafka().committed("listen", &sources);
    let sum: u64 = committed
        .expect("positions")
        .iter()
        .map(|(_, position)| position.0)
        .sum();
    usize::try_from(sum).expect("few")
}

/// Events that became mentions or dead letters.
pub fn heard(world: &World<'_>) -> usize {
    let topics = &world.settings.engine.topics;
    let written = world.read(&[&topics.mentions, &topics.dead_letters]);
    let is_marker = |record: &&Record| {
        let value = record.value.as_deref().unwrap_or_default();
        matches!(
            auscult_wire::decode_mention_record(&record.headers, value),
            Ok(auscult_wire::MentionRecord::Marker(_))
        )
    };
    written.len() - written.iter().filter(is_marker).count()
}

/// The private key in `key`, encrypted with a password (PKCS 8, AES-256).
pub fn encrypted_key(scratch: &Scratch, key: &std::path::Path) -> std::path::PathBuf {
    let key = std::fs::read(key).expect("the cluster's key");
    let key = openssl::pkey::PKey::private_key_from_pem(&key).expect("a private key");
    let encrypted = key
        .private_key_to_pem_pkcs8_passphrase(
            openssl::symm::Cipher::aes_256_cbc(),
            b"the-key-secret",
        )
        .expect("encrypted");
    assert!(text(&encrypted).contains("ENCRYPTED PRIVATE KEY"));
    scratch.write("encrypted.key", encrypted)
}

#[test]
fn every_way_in_works_with_the_rights_of_the_tutorial_and_no_more() {
    let Some(cluster) = cluster("ways to log in") else {
        return;
    };
    let world = secured(cluster, "secure-ways");
    let tls = cluster.tls();
    let authority = format!("ca_file = '{}'\n", tls.authority_pem.display());
    let certificate = |key: &std::path::Path| {
        format!(
            "certificate_file = '{}'\nkey_file = '{}'\n",
            tls.client_pem.display(),
            key.display()
        )
    };
    let encrypted = encrypted_key(&world.scratch, &tls.client_key_pem);
    world.scratch.write("key.password", "the-key-secret\n");
    let bearer = "mechanism = 'OAUTHBEARER'\ntoken_file = 'token'\n";
    // Detect restores state and follows a topic: it runs once with a password and once with a token, which is handed
    // over by another path.
    let ways = [
        (
            "listen,detect",
            "SASLTLS",
            user("sasl_ssl", "SCRAM-SHA-512", "auscult") + &authority,
        ),
        (
            "listen",
            "SASL",
            user("sasl_plaintext", "SCRAM-SHA-256", "auscult"),
        ),
        (
            "listen",
            "SASLTLS",
            user("sasl_ssl", "PLAIN", "auscult") + &authority,
        ),
        (
            "listen,detect",
            "SASL",
            format!("protocol = 'sasl_plaintext'\n{bearer}"),
        ),
        (
            "listen",
            "SASLTLS",
            format!("protocol = 'sasl_ssl'\n{bearer}{authority}"),
        ),
        ("listen", "TLS", format!("protocol = 'ssl'\n{authority}")),
        (
            "listen",
            "MTLS",
            format!(
                "protocol = 'ssl'\n{authority}{}",
                certificate(&tls.client_key_pem)
            ),
        ),
        (
            "listen",
            "MTLS",
            format!(
                "protocol = 'ssl'\n{authority}{}key_password_file = 'key.password'\n",
                certificate(&encrypted)
            ),
        ),
    ];
    for (round, (roles, listener, security)) in ways.iter().enumerate() {
        let before = round * 5;
        assert_eq!(world.fill_some(21, before..before + 5), 5);
        let (succeeded, told) = run_as(&world, roles, listener, security);
        assert!(succeeded, "{listener}: {security}{told}");
        assert_eq!(heard(&world), before + 5, "{listener}: {security}{told}");
    }
}

#[test]
fn what_is_wrong_with_an_identity_is_told_and_nothing_is_read() {
    let Some(cluster) = cluster("wrong identities") else {
        return;
    };
    let world = secured(cluster, "secure-wrong");
    world.fill_some(22, 0..5);
    let tls = cluster.tls();
    world.scratch.write("wrong.password", "not-this-one-secret");
    world.scratch.write("empty-token", "");
    let wrong_password = user("sasl_plaintext", "SCRAM-SHA-512", "auscult")
        .replace("auscult.password", "wrong.password");
    let wrong = [
        ("SASL", wrong_password, "kafka.security"),
        (
            "SASL",
            user("sasl_plaintext", "PLAIN", "nobody-here").replace("nobody-here.p", "auscult.p"),
            "kafka.security",
        ),
        (
            "SASL",
            "protocol = 'sasl_plaintext'\nmechanism = 'OAUTHBEARER'\ntoken_file = 'empty-token'\n"
                .to_owned(),
            "kafka.security.token_file",
        ),
        (
            "TLS",
            format!(
                "protocol = 'ssl'\nca_file = '{}'\n",
                tls.stranger_pem.display()
            ),
            "ca_file",
        ),
        (
            "MTLS",
            format!(
                "protocol = 'ssl'\nca_file = '{}'\n",
                tls.authority_pem.display()
            ),
            "certificate_file",
        ),
        (
            "MTLS",
            format!(
                "protocol = 'ssl'\nca_file = '{}'\ncertificate_file = '{}'\nkey_file = '{}'\nkey_password_file = 'wrong.password'\n",
                tls.authority_pem.display(),
                tls.client_pem.display(),
                encrypted_key(&world.scratch, &tls.client_key_pem).display()
            ),
            "ssl.key",
        ),
    ];
    for (listener, security, remedy) in wrong {
        let (succeeded, told) = run_as(&world, "listen", listener, &security);
        assert!(!succeeded, "{listener}: {security}");
        assert!(told.contains(remedy), "{listener}: {security}{told}");
    }
    assert_eq!(listened(&world), 0);
}

#[test]
fn a_topic_this_user_may_not_write_is_named_and_nothing_is_lost() {
    let Some(cluster) = cluster("an unauthorised topic") else {
        return;
    };
    let world = secured(cluster, "secure-half");
    let topics = &world.settings.engine.topics;
    cluster
        .tool(
            ACCESS_LISTS,
            &[
                "--add",
                "--deny-principal=User:halfway",
                "--operation=Write",
                &format!("--topic={}", topics.mentions),
            ],
        )
        .expect("denied");
    let events = world.fill_some(23, 0..20);
    let halfway = user("sasl_plaintext", "SCRAM-SHA-256", "halfway");
    let (succeeded, told) = run_as(&world, "listen", "SASL", &halfway);
    assert!(!succeeded, "{told}");
    assert!(
        told.contains(&topics.mentions) && told.contains("allow this user"),
        "{told}"
    );
    assert_eq!(
        listened(&world),
        0,
        "no position is committed without its outputs"
    );
    assert!(
        world
            .read(&[&topics.dead_letters, &topics.mentions])
            .is_empty()
    );

    let (succeeded, told) = run_as(
        &world,
        "listen",
        "SASL",
        &user("sasl_plaintext", "SCRAM-SHA-256", "auscult"),
    );
    assert!(succeeded, "{told}");
    assert_eq!(heard(&world), events);
}
