//! `auscult dead-letters` on a real broker: listed, shown, replayed once, and not for ever (N02); a broken source stops
//! the listener.

use crate::kafka::world::{World, cluster, settings_text, world, world_of};
use crate::scratch::text;
use auscult_engine::log::Outgoing;

fn poison(world: &World<'_>, value: &str) -> Outgoing {
    Outgoing {
        topic: world.settings.engine.topics.feedback_hcp.as_str().into(),
        partition: None,
        key: Some(b"acme|desk|poison".to_vec()),
        headers: vec![("x-source".to_owned(), b"desk".to_vec())],
        value: Some(value.as_bytes().to_vec()),
    }
}

/// What `auscult dead-letters …` printed.
fn letters(world: &World<'_>, arguments: &[&str]) -> String {
    let mut all = vec!["dead-letters"];
    all.extend(arguments);
    all.extend(["--settings", "settings.toml"]);
    let output = world.scratch.run(&all);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[test]
fn dead_letters_are_listed_shown_and_replayed_once_each_time_they_come() {
    let Some(world) = world("dead letters", "letters", "letters", 1) else {
        return;
    };
    world.append(vec![
        poison(&world, "this is no JSON"),
        poison(&world, "[1, 2, 3]"),
        poison(&world, "{\"specversion\": \"1.0\"}"),
    ]);
    world.work_off("listen,detect");

    let listed = letters(&world, &["list"]);
    let rows: Vec<&str> = listed.lines().skip(1).collect();
    assert_eq!(rows.len(), 3, "{listed}");
    let code_of = |row: &str| row.split_whitespace().nth(2).unwrap_or_default().to_owned();
    let code = code_of(rows[0]);
    let of_code = letters(&world, &["list", "--code", &code]);
    assert!(
        of_code.lines().skip(1).all(|row| code_of(row) == code)
            && of_code.lines().count() < listed.lines().count() + 1,
        "{of_code}"
    );
    assert_eq!(
        letters(&world, &["list", "--code", "NONE"]),
        "no dead letters\n"
    );
    assert_eq!(
        letters(&world, &["list", "--limit", "1"]).lines().count(),
        2
    );

    let shown = letters(&world, &["show", "0-0"]);
    assert!(
        shown.contains("this is no JSON") && shown.contains("acme|desk|poison"),
        "{shown}"
    );
    assert!(shown.contains("header  x-source: desk"), "{shown}");

    let dry = letters(&world, &["replay", "--dry-run"]);
    assert!(
        dry.starts_with("3 would be sent; 0 were sent before"),
        "{dry}"
    );
    let capped = letters(&world, &["replay", "--cap", "1"]);
    assert!(
        capped.starts_with("1 sent;") && capped.contains("the cap was reached"),
        "a dry run sent nothing: {capped}"
    );
    let rest = letters(&world, &["replay"]);
    assert!(rest.starts_with("2 sent; 1 were sent before"), "{rest}");
    let none = letters(&world, &["replay"]);
    assert!(none.starts_with("0 sent; 3 were sent before"), "{none}");

    // What is refused again comes back, with its count grown, until it has been replayed three times.
    for round in 1..=3 {
        world.work_off("listen,detect");
        let again = letters(&world, &["replay"]);
        let (sent, refused) = if round < 3 { (3, 0) } else { (0, 3) };
        assert!(
            again.starts_with(&format!(
                "{sent} sent; {} were sent before; {refused} refused three times already",
                3 * round
            )),
            "round {round}: {again}"
        );
    }
}

#[test]
fn a_source_that_sends_nothing_but_poison_stops_the_listener_and_nothing_is_lost() {
    let Some(cluster) = cluster("the cap on dead letters") else {
        return;
    };
    let settings = settings_text(&cluster.bootstrap(), "cap", "cap", 1)
        .replace("share = 1.0", "share = 0.5\nwindow_records = 100");
    let world = world_of(cluster, settings);
    let all: Vec<Outgoing> = (0..1_000)
        .map(|number| poison(&world, &format!("poison {number}")))
        .collect();
    world.append(all);
    let output = world.scratch.run(&[
        "run",
        "--settings",
        "settings.toml",
        "--roles",
        "listen",
        "--stdin",
        "--drain",
    ]);
    assert!(!output.status.success(), "it stopped by itself");
    let told = text(&output.stderr);
    assert!(told.contains("engine.listen.dead_letter_cap"), "{told}");

    let topics = &world.settings.engine.topics;
    let listened: u64 = world
        .kafka()
        .committed("listen", &[&topics.feedback_hcp])
        .expect("an answer")
        .iter()
        .map(|(_, position)| position.0)
        .sum();
    let kept = world.read(&[&topics.dead_letters]).len() as u64;
    assert!(
        (100..1_000).contains(&kept),
        "{kept} letters: the topic was not drained"
    );
    assert_eq!(kept, listened, "each is a letter, or still to be read");
}

#[test]
fn letters_in_more_partitions_than_there_is_state_for_are_each_sent_once() {
    let Some(cluster) = cluster("dead letters in many partitions") else {
        return;
    };
    let settings = settings_text(&cluster.bootstrap(), "wide", "wide", 1)
        .replace("mentions = 1\n", "mentions = 1\noutput = 4\n");
    let world = world_of(cluster, settings);
    let inputs: Vec<Outgoing> = (0..24)
        .map(|number| Outgoing {
            key: Some(format!("acme|desk|{number}").into_bytes()),
            ..poison(&world, &format!("poison {number}"))
        })
        .collect();
    world.append(inputs.clone());
    world.work_off("listen");
    let topics = &world.settings.engine.topics;
    let kept = world.read(&[&topics.dead_letters]);
    let at_the_start = kept.iter().filter(|letter| letter.offset == 0).count();
    assert!(
        at_the_start > 1,
        "letters of several partitions have the same offset"
    );

    let capped = letters(&world, &["replay", "--cap", "10"]);
    assert!(capped.starts_with("10 sent; 0 were"), "{capped}");
    let rest = letters(&world, &["replay"]);
    assert!(rest.starts_with("14 sent; 10 were sent before"), "{rest}");
    let none = letters(&world, &["replay"]);
    assert!(none.starts_with("0 sent; 24 were sent before"), "{none}");
    let mut values: Vec<_> = world
        .read(&[&topics.feedback_hcp])
        .into_iter()
        .map(|record| record.value)
        .collect();
    let mut expected: Vec<_> = inputs
        .iter()
        .flat_map(|input| [input.value.clone(), input.value.clone()])
        .collect();
    values.sort();
    expected.sort();
    assert_eq!(values, expected, "each came once and was sent once more");
}
