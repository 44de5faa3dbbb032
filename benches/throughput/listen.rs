//! Listen alone, on the caller's thread: what understanding and encoding cost, and a fingerprint of all that was written.
//!
//! Other paths measure the service, with threads and whatever else the machine does at the time. This one is for work on
//! Listen: under `valgrind --tool=callgrind --toggle-collect='*listen*alone*'` it counts instructions, which do not depend
//! on the neighbours, and two builds that print the same fingerprint have written the same bytes.

use auscult::settings::Settings;
use auscult_core::time::Timestamp;
use auscult_engine::listen::{Ear, EarRules, Heard, Understanding};
use auscult_engine::log::Record;
use auscult_language::stable_hash;
use auscult_language::themes::Taxonomy;
use auscult_wire::{Encoded, encode_medical_request, encode_mention, encode_safety_candidate};

/// An ear as the service has it.
pub fn ear(settings: &Settings) -> Ear {
    Ear::new(
        Understanding::standard(&settings.engine, Taxonomy::standard()),
        EarRules::new(&settings.engine),
    )
}

/// Understands and encodes `records` one by one; gives the fingerprint of what was written.
#[inline(never)]
pub fn alone(ear: &Ear, records: &[Record], now: Timestamp) -> u64 {
    let mut fingerprint = stable_hash::EMPTY;
    for record in records {
        let heard = ear.hear(record, now);
        for encoded in written(&heard) {
            let bytes = encoded.value.as_deref().unwrap_or_default();
            fingerprint = stable_hash::pair(fingerprint, word_hash(bytes));
        }
    }
    fingerprint
}

fn written(heard: &Heard<'_>) -> impl Iterator<Item = Encoded> {
    let candidate = heard.candidate.as_deref();
    let request = heard.request.as_deref();
    candidate
        .map(|(tenant, candidate)| encode_safety_candidate(tenant, candidate))
        .into_iter()
        .chain(request.map(|(tenant, request)| encode_medical_request(tenant, request)))
        .chain(heard.mention.as_ref().map(encode_mention))
}

/// A hash that costs a tenth of what is measured, not half of it: eight bytes a step.
fn word_hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let whole = words.iter().fold(stable_hash::EMPTY, |hash, word| {
        (hash ^ u64::from_le_bytes(*word))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    });
    stable_hash::pair(whole, stable_hash::hash_bytes(rest))
}
