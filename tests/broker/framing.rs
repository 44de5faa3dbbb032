//! One source topic with everything producers may send: both CloudEvents modes, with and without a schema registry's
//! prefix or header (I02, I03). What names an unknown schema becomes a dead letter, byte for byte.

use crate::kafka::world::{cluster, settings_text, world_of};
use auscult_engine::log::{Headers, Outgoing};
use auscult_sim::{Generator, Scenario};
use auscult_wire::framing::SCHEMA_HEADER;
use auscult_wire::{FeedbackEvent, MentionRecord, SchemaRegistry, decode_feedback};
use std::collections::{BTreeMap, BTreeSet};

const KNOWN: [u8; 16] = *b"a schema we know";
const UNKNOWN: [u8; 16] = *b"another  schema.";

/// A record of either mode.
#[derive(Clone)]
struct Sent {
    headers: Headers,
    value: Vec<u8>,
}

fn binary(event: &FeedbackEvent<'_>) -> Sent {
    let encoded = auscult_wire::encode_feedback(event);
    Sent {
        headers: encoded.headers,
        value: encoded.value.expect("a document"),
    }
}

fn structured(event: &FeedbackEvent<'_>) -> Sent {
    Sent {
        headers: vec![(
            "content-type".to_owned(),
            b"application/cloudevents+json".to_vec(),
        )],
        value: auscult_wire::encode_feedback_structured(event),
    }
}

impl Sent {
    /// As serialisers of Confluent Platform write it: a magic byte and the schema's id before the JSON.
    fn prefixed(mut self, magic: u8, id: &[u8]) -> Sent {
        self.value = [&[magic], id, &self.value].concat();
        self
    }

    /// As the newer ones do: the schema's global id in a header.
    fn with_header(mut self, id: &[u8]) -> Sent {
        self.headers.push((SCHEMA_HEADER.to_owned(), id.to_vec()));
        self
    }
}

#[test]
fn both_modes_and_every_framing_share_a_topic_and_unknown_schemas_become_dead_letters() {
    let Some(cluster) = cluster("framings on one topic") else {
        return;
    };
    let guid = "61207363-6865-6d61-2077-65206b6e6f77";
    let settings = settings_text(&cluster.bootstrap(), "framing", "framing", 1).replace(
        "pseudonym_key_file",
        &format!("schema_ids = [7]\nschema_guids = ['{guid}']\npseudonym_key_file"),
    );
    let world = world_of(cluster, settings);
    let generated: Vec<_> = Generator::new(Scenario::small(), 24).take(60).collect();
    let plain = SchemaRegistry::default();
    let mut events = generated
        .iter()
        .filter_map(|event| decode_feedback(&event.headers, &event.value, &plain).ok());
    let mut next = || events.next().expect("enough events can be read");

    let heard: Vec<FeedbackEvent<'_>> = (0..9).map(|_| next()).collect();
    let tagged: Vec<u8> = [&[1], KNOWN.as_slice()].concat();
    let sent = [
        binary(&heard[0]),
        structured(&heard[1]),
        binary(&heard[2]).prefixed(0, &7_u32.to_be_bytes()),
        structured(&heard[3]).prefixed(0, &7_u32.to_be_bytes()),
        binary(&heard[4]).prefixed(1, &KNOWN),
        structured(&heard[5]).prefixed(1, &KNOWN),
        binary(&heard[6]).with_header(&KNOWN),
        structured(&heard[7]).with_header(&tagged),
        structured(&heard[8]).with_header(guid.as_bytes()),
    ];
    let refused = [
        (
            "SCHEMA_UNKNOWN",
            binary(&next()).prefixed(0, &8_u32.to_be_bytes()),
        ),
        ("SCHEMA_UNKNOWN", structured(&next()).prefixed(1, &UNKNOWN)),
        ("SCHEMA_UNKNOWN", binary(&next()).with_header(&UNKNOWN)),
        ("FRAMING", binary(&next()).prefixed(2, &KNOWN)),
        ("FRAMING", structured(&next()).with_header(b"no id")),
    ];
    let topics = &world.settings.engine.topics;
    // Mixed: one that is refused after every other.
    let mut refusals = refused.iter().map(|(_, sent)| sent.clone());
    let mixed: Vec<Outgoing> = sent
        .iter()
        .cloned()
        .flat_map(|sent| [Some(sent), refusals.next()])
        .flatten()
        .map(|Sent { headers, value }| Outgoing {
            topic: topics.feedback_hcp.as_str().into(),
            partition: Some(0),
            key: Some(b"acme|desk|mixed".to_vec()),
            headers,
            value: Some(value),
        })
        .collect();
    assert_eq!(mixed.len(), sent.len() + refused.len());
    world.append(mixed);
    world.work_off("listen");

    let mentioned: BTreeSet<String> = world
        .read(&[&topics.mentions])
        .iter()
        .filter_map(|record| {
            let value = record.value.as_deref().unwrap_or_default();
            match auscult_wire::decode_mention_record(&record.headers, value) {
                Ok(MentionRecord::Mention(mention)) => Some(mention.event_id.into_owned()),
                Ok(MentionRecord::Marker(_)) => None,
                Err(error) => panic!("our own record: {error}"),
            }
        })
        .collect();
    let expected: BTreeSet<String> = heard
        .iter()
        .map(|event| event.envelope.id.to_string())
        .collect();
    assert_eq!(mentioned, expected);

    let letters: BTreeMap<Vec<u8>, (String, Headers)> = world
        .read(&[&topics.dead_letters])
        .iter()
        .map(|record| {
            let value = record.value.as_deref().unwrap_or_default();
            let letter = auscult_wire::decode_dead_letter(&record.headers, value)
                .expect("our own letter")
                .data;
            let (_, headers, value) = letter.to_replay();
            (value.expect("an original"), (letter.code, headers))
        })
        .collect();
    assert_eq!(letters.len(), refused.len());
    for (code, sent) in &refused {
        let (found, headers) = letters.get(&sent.value).expect("the original bytes");
        assert_eq!(found, code);
        for header in &sent.headers {
            assert!(headers.contains(header), "{header:?} of {headers:?}");
        }
    }
}
