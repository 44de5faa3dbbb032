//! Reading: which texts of a bucket are handed to the detector of new themes, and in what order.

use crate::contribution::Contribution;
use crate::effect::Effect;
use crate::identity::short_hash;
use crate::journal::Journal;
use crate::lattice::values_in;
use crate::machine::Machine;
use crate::settings::Dimension;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use crate::words::StandardDimension;
use auscult_language::words::Words;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

impl Machine {
    /// Closes every theme bucket that ends at or before `until` and proposes what rose in it.
    pub(crate) fn propose_until(
        &mut self,
        until: Timestamp,
        backfill: bool,
        effects: &mut Vec<Effect>,
    ) {
        if self.proposals.settings.is_none() {
            return;
        }
        let width = self.proposals.width;
        let Some(earliest) = self.journal.earliest().filter(|earliest| *earliest < until) else {
            return;
        };
        // What lies before the journal's first shelf can have no texts: those buckets are skipped, not walked.
        let mut bucket = self
            .proposals
            .next
            .map_or(width.index(earliest), |next| next);
        while width.end(bucket) <= until {
            self.read_bucket(bucket);
            let found = self.proposals.emerging.close_bucket(i64::from(bucket));
            for theme in found {
                self.raise_proposal(theme, bucket, backfill, effects);
            }
            self.end_old_proposals(bucket, effects);
            self.proposals.learnt = true;
            bucket += 1;
            self.proposals.next = Some(bucket);
        }
    }
    fn read_bucket(&mut self, bucket: BucketIndex) {
        let most = self.plan.settings.new_themes.most_texts as usize;
        let texts = texts_of(&self.journal, self.proposals.width, bucket, most);
        let channel_slot = self
            .plan
            .lattice
            .dimensions()
            .iter()
            .position(|kept| *kept == Dimension::Standard(StandardDimension::Channel));
        let mut voices: FxHashSet<u64> = FxHashSet::default();
        let mut sources: BTreeMap<u32, u64> = BTreeMap::new();
        let mut words = Words::default();
        for text in texts {
            let Some(quote) = text.quote.as_ref().filter(|_| voices.insert(text.voice())) else {
                continue;
            };
            let source = channel_slot
                .and_then(|slot| values_in(&text.values, slot).first().copied())
                .unwrap_or(text.feed);
            // Numbers of names differ between interleavings, names do not.
            let source = *sources
                .entry(source)
                .or_insert_with(|| short_hash(&[self.interner.text(source)]));
            let person = if text.person == 0 {
                text.feedback as u64
            } else {
                text.person
            };
            words.read(&quote.text);
            self.proposals.emerging.observe_words(
                i64::from(bucket),
                &words,
                person,
                source,
                text.feedback as u64,
            );
        }
    }
}

/// Texts that took effect in `bucket` on time, repeat nothing and may be quoted, by event time; of too many, those
/// with the smallest hashes.
fn texts_of(
    journal: &Journal,
    width: BucketWidth,
    bucket: BucketIndex,
    most: usize,
) -> Vec<&Contribution> {
    let end = width.end(bucket);
    let mut texts: Vec<(Timestamp, u128, &Contribution)> = journal
        .bucket(width, bucket)
        .filter(|text| {
            text.quote.is_some()
                && text.voice == 0
                && text.arrival(width) == bucket
                && text.counts_before(end)
        })
        .map(|text| (text.occurred_at, text.feedback, text))
        .collect();
    if texts.len() > most {
        texts.select_nth_unstable_by_key(most, |(_, feedback, text)| (*feedback, text.event));
        texts.truncate(most);
    }
    texts.sort_unstable_by_key(|(at, feedback, text)| (*at, *feedback, text.event));
    texts.into_iter().map(|(_, _, text)| text).collect()
}
