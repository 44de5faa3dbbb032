//! OAUTHBEARER with an identity provider, and `auscult topics` with a token, on a real broker.

use crate::broker::identity::{Granted, IdentityProvider};
use crate::broker::security::{ACCESS_LISTS, TOKEN, encrypted_key, heard, run_as, secured};
use crate::kafka::world::{PATIENCE, World, cluster, pause, settings_text};
use crate::scratch::{Scratch, text};
use std::time::Instant;

const CLIENT: &str = "svc auscult";
const SECRET: &str = "s3cret:%-secret";

fn granted(life_seconds: u64) -> Granted {
    Granted {
        // As a client sends them: form-encoded (RFC 6749, section 2.3.1).
        client_id: "svc+auscult".to_owned(),
        client_secret: "s3cret%3A%25-secret".to_owned(),
        subject: "auscult".to_owned(),
        life_seconds,
    }
}

/// `[kafka.security]` of a client of `provider`.
fn asking(world: &World<'_>, protocol: &str, provider: &IdentityProvider) -> String {
    world.scratch.write("client.secret", format!("{SECRET}\n"));
    let authority = world.cluster.tls().authority_pem.display();
    let vouched = match protocol {
        "sasl_ssl" => format!("ca_file = '{authority}'\n"),
        _ => String::new(),
    };
    format!(
        "protocol = '{protocol}'\nmechanism = 'OAUTHBEARER'\ntoken_url = '{}'\nclient_id = '{CLIENT}'\nclient_secret_file = 'client.secret'\nscope = 'kafka'\ntoken_ca_file = '{authority}'\n{vouched}",
        provider.url()
    )
}

#[test]
fn an_identity_provider_is_asked_for_tokens_and_a_restore_does_not_ask_it_again() {
    let Some(cluster) = cluster("an identity provider") else {
        return;
    };
    let world = secured(cluster, "secure-provider");
    for (round, (listener, protocol, tls)) in [
        ("SASL", "sasl_plaintext", None),
        ("SASLTLS", "sasl_ssl", Some(cluster.tls())),
    ]
    .into_iter()
    .enumerate()
    {
        let provider = IdentityProvider::start(granted(3_600), tls).expect("a provider");
        let before = round * 5;
        assert_eq!(world.fill_some(31, before..before + 5), 5);
        let security = asking(&world, protocol, &provider);
        let (succeeded, told) = run_as(&world, "listen,detect", listener, &security);
        assert!(succeeded, "{security}{told}");
        assert_eq!(heard(&world), before + 5, "{security}{told}");
        // Consumers, producers and the readers of a restore: one token for all.
        assert_eq!(provider.asked(), 1, "{security}{told}");
    }
}

#[test]
fn a_token_is_renewed_before_it_ends_also_when_the_provider_is_away_for_a_while() {
    let Some(cluster) = cluster("tokens that end") else {
        return;
    };
    let world = secured(cluster, "secure-renewed");
    let provider = IdentityProvider::start(granted(12), None).expect("a provider");
    let plain = std::fs::read_to_string(world.scratch.path("settings.toml")).expect("settings");
    world.scratch.write(
        "settings.toml",
        plain.replace(&cluster.bootstrap(), &cluster.listener("SASL"))
            + "[kafka.security]\n"
            + &asking(&world, "sasl_plaintext", &provider),
    );
    let log = std::fs::File::create(world.scratch.path("log")).expect("a file");
    let mut instance = world.start_telling("listen", log);
    let told = || std::fs::read_to_string(world.scratch.path("log")).unwrap_or_default();
    let mut wait_for = |what: &str, happened: &dyn Fn() -> bool| {
        let deadline = Instant::now() + PATIENCE;
        while !happened() {
            assert!(instance.runs(), "{what}: it ended: {}", told());
            assert!(Instant::now() < deadline, "{what}: {}", told());
            pause(std::time::Duration::from_millis(50));
        }
    };
    wait_for("the first token", &|| provider.asked() == 1);
    provider.be_away(true);
    wait_for("the provider is missed", &|| {
        told().contains("gave no new token")
    });
    provider.be_away(false);
    wait_for("a new token", &|| provider.asked() >= 3);
    world.fill_some(32, 0..5);
    wait_for("what comes later is heard", &|| heard(&world) == 5);
    instance.stop();
    assert!(
        !told().contains(SECRET) && !told().contains("eyJ"),
        "{}",
        told()
    );
}

#[test]
fn a_provider_that_refuses_or_is_not_vouched_for_is_named_and_the_secret_is_not() {
    let Some(cluster) = cluster("a provider that refuses") else {
        return;
    };
    let world = secured(cluster, "secure-refused");
    world.fill_some(33, 0..5);
    let plain = IdentityProvider::start(granted(60), None).expect("a provider");
    let encrypted = IdentityProvider::start(granted(60), Some(cluster.tls())).expect("a provider");
    let unknown = asking(&world, "sasl_plaintext", &plain).replace(CLIENT, "somebody");
    let stranger = asking(&world, "sasl_plaintext", &encrypted).replace(
        &cluster.tls().authority_pem.display().to_string(),
        &cluster.tls().stranger_pem.display().to_string(),
    );
    for (security, remedy) in [(unknown, "invalid_client"), (stranger, "certificate")] {
        let (succeeded, told) = run_as(&world, "listen", "SASL", &security);
        assert!(!succeeded, "{security}{told}");
        assert!(
            told.contains(remedy) && told.contains("identity provider"),
            "{security}{told}"
        );
        assert!(!told.contains(SECRET), "{told}");
    }
    assert_eq!(plain.asked() + encrypted.asked(), 0);
    assert_eq!(heard(&world), 0);
}

/// `auscult topics` with these settings: exit code, what it printed, and what it complained of.
fn topics(scratch: &Scratch, settings: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    scratch.write("topics.toml", settings);
    let mut all = vec!["topics"];
    all.extend(arguments);
    all.extend(["--settings", "topics.toml"]);
    let output = scratch.run(&all);
    let (printed, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(!printed.contains(TOKEN) && !complained.contains(TOKEN));
    (output.status.code(), printed, complained)
}

#[test]
fn topics_are_planned_made_and_compared_with_a_token_as_without() {
    let Some(cluster) = cluster("topics with a token") else {
        return;
    };
    // Nobody has a right on topics that begin with `granted`.
    let mine = settings_text(&cluster.bootstrap(), "granted", "granted", 2);
    let scratch = Scratch::new();
    scratch.write("key", "k".repeat(64));
    scratch.write("token", TOKEN);
    let with_token = |protocol: &str, listener: &str, settings: &str| {
        let vouched = match protocol {
            "sasl_ssl" => format!("ca_file = '{}'\n", cluster.tls().authority_pem.display()),
            _ => String::new(),
        };
        settings.replace(&cluster.bootstrap(), &cluster.listener(listener))
            + &format!(
                "[kafka.security]\nprotocol = '{protocol}'\nmechanism = 'OAUTHBEARER'\ntoken_file = 'token'\n{vouched}"
            )
    };
    let in_the_clear = with_token("sasl_plaintext", "SASL", &mine);
    let encrypted = with_token("sasl_ssl", "SASLTLS", &mine);

    let (code, _, complained) = topics(&scratch, &encrypted, &["apply"]);
    assert_eq!(
        code,
        Some(7),
        "nothing allows it to make topics: {complained}"
    );
    assert!(complained.contains("the right Create"), "{complained}");

    cluster
        .tool(
            ACCESS_LISTS,
            &[
                "--add",
                "--allow-principal=User:auscult",
                "--operation=Create",
                "--operation=Describe",
                "--operation=DescribeConfigs",
                "--resource-pattern-type=prefixed",
                "--topic=granted",
            ],
        )
        .expect("granted");
    let (code, plan, complained) = topics(&scratch, &in_the_clear, &["plan", "--json"]);
    assert_eq!(code, Some(0), "{complained}");
    assert_eq!(plan, topics(&scratch, &mine, &["plan", "--json"]).1);
    let (code, _, complained) = topics(&scratch, &encrypted, &["apply"]);
    assert_eq!(code, Some(0), "{complained}");
    // A certificate beside the token, its key encrypted: as for every other client.
    let tls = cluster.tls();
    let certified = |password: &str| {
        scratch.write("key.password", password);
        format!(
            "{encrypted}certificate_file = '{}'\nkey_file = '{}'\nkey_password_file = 'key.password'\n",
            tls.client_pem.display(),
            encrypted_key(&scratch, &tls.client_key_pem).display()
        )
    };
    let (code, _, complained) = topics(&scratch, &certified("not-the-key-secret"), &["verify"]);
    assert_eq!(code, Some(3), "{complained}");
    assert!(
        complained.contains("key_password_file") && !complained.contains("not-the-key"),
        "{complained}"
    );
    for settings in [
        &in_the_clear,
        &encrypted,
        &mine,
        &certified("the-key-secret"),
    ] {
        let (code, _, complained) = topics(&scratch, settings, &["verify"]);
        assert_eq!(code, Some(0), "{complained}");
    }
    // What differs is told to the letter as the library's own client tells it.
    let other = mine.replace("mentions = 2", "mentions = 3");
    let (code, differences, _) = topics(&scratch, &other, &["verify", "--json"]);
    assert_eq!(code, Some(8));
    let (code, seen, complained) = topics(
        &scratch,
        &with_token("sasl_ssl", "SASLTLS", &other),
        &["verify", "--json"],
    );
    assert_eq!((code, seen), (Some(8), differences), "{complained}");
}
