//! Repeats: reposts, syndicated texts and rows of one incident are linked, and count once (I06).
//!
//! Linking happens at the close of a bucket, in the order in which texts take effect, not when they arrive: whose text
//! came first must not depend on how source partitions interleaved. Signatures come with the mentions, so that
//! nothing is read twice. The memory of a portfolio is bounded by `near_duplicates_remembered`: the oldest
//! signatures leave first. Nothing is deleted: a linked contribution stays in the journal with the *voice* it
//! belongs to, and a voice counts once per series and bucket.
//!
//! What the source links itself (a thread, an incident) is believed. Texts of different people are linked only where
//! both come from a source in `repost_sources`: on public channels the same words are a repost, in a survey they
//! are two people who feel alike.
//!
//! Stored as chunks, one a turn like the journal's: texts when they arrive, links when they are made. A chunk lives
//! while one of its texts is pending or remembered, or one of its links belongs to something remembered or journalled.

use crate::chunks::Chunks;
use crate::journal::Journal;
use crate::time::{DAY, Timestamp};
use auscult_language::near_duplicate::{
    By, Linked, NearDuplicates, Settings, Signature, Text as Compared,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What must be known of a contribution to link it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Text {
    /// Hash of the feedback, as in the contribution.
    pub(crate) feedback: u128,
    /// Which of its versions ([`crate::contribution::Contribution::version`]).
    pub(crate) version: u64,
    /// When it takes effect: the later of event time and its partition's watermark.
    pub(crate) effect: Timestamp,
    /// Event time.
    pub(crate) occurred_at: Timestamp,
    /// Hash of who said it, 0 if unknown.
    pub(crate) author: u64,
    /// Hash of the source's thread, 0 if none.
    pub(crate) thread: u64,
    /// Whether other people may repost it.
    pub(crate) is_public: bool,
    #[serde(with = "as_bytes")]
    pub(crate) signature: Signature,
}

/// A link that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    feedback: u128,
    version: u64,
    /// Voice it belongs to; 0: its own.
    voice: u64,
    /// Number by which it is remembered, and where its text is stored.
    remembered: Option<(u64, (u64, u32))>,
}

/// One turn's worth, as stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    texts: Vec<Text>,
    links: Vec<Link>,
}

#[derive(Debug)]
struct Pending {
    text: Text,
    /// Chunk and place of the text.
    place: (u64, u32),
    /// Place of the contribution in the journal.
    slot: u32,
}

/// Chunks something remembered depends on.
#[derive(Debug, Clone, Copy)]
struct Origin {
    text: u64,
    link: u64,
}

/// Finds repeats among a portfolio's contributions.
#[derive(Debug)]
pub(crate) struct Repeats {
    capacity: usize,
    index: NearDuplicates,
    /// One for each member of `index`, in its order.
    origins: VecDeque<Origin>,
    pending: Vec<Pending>,
    open: Chunk,
    chunks: Chunks,
    /// Chunks read on restore, until [`Repeats::settle`].
    read: BTreeMap<u64, Chunk>,
}

impl Repeats {
    /// Remembers at most `capacity` texts; 0 links nothing.
    pub(crate) fn new(capacity: u32) -> Repeats {
        let capacity = capacity as usize;
        Repeats {
            capacity,
            index: NearDuplicates::new(settings(capacity)),
            origins: VecDeque::new(),
            pending: Vec::new(),
            open: Chunk::default(),
            chunks: Chunks::default(),
            read: BTreeMap::new(),
        }
    }

    /// Takes a contribution's text in, to be linked when it takes effect.
    pub(crate) fn file(&mut self, text: Text, journal: &Journal) {
        let Some(slot) = journal
            .latest_slot(text.feedback)
            .filter(|_| self.capacity > 0)
        else {
            return;
        };
        let place = (self.chunks.open(), self.open.texts.len() as u32);
        self.open.texts.push(text.clone());
        self.chunks.hold(place.0);
        self.pending.push(Pending { text, place, slot });
    }

    /// Links everything that takes effect before `until`.
    pub(crate) fn link_until(&mut self, until: Timestamp, journal: &mut Journal) {
        let mut due = Vec::with_capacity(self.pending.len());
        due.extend(
            self.pending
                .extract_if(.., |pending| pending.text.effect < until),
        );
        due.sort_unstable_by_key(|pending| {
            let text = &pending.text;
            (text.effect, text.occurred_at, text.feedback, text.version)
        });
        self.open.links.reserve(due.len());
        for pending in due {
            self.link(&pending, journal);
        }
        self.forget_evicted();
    }

    fn link(&mut self, pending: &Pending, journal: &mut Journal) {
        let text = &pending.text;
        let Linked {
            family,
            repeats,
            remembered,
        } = self.index.observe_text(compared(text, None));
        // A thread is a voice already: the contribution carries it. That a text of it says again what was said before is noted by
        // naming the thread as its voice: no count changes by it, but it is no news to the detector of new themes.
        let voice = family.filter(|_| repeats).unwrap_or(0);
        let remembered = remembered.map(|number| (number, pending.place));
        if remembered.is_some() {
            self.chunks.hold(self.chunks.open());
            self.origins.push_back(Origin {
                text: pending.place.0,
                link: self.chunks.open(),
            });
        } else {
            self.chunks.release(pending.place.0);
        }
        let version = (text.feedback, text.version);
        if voice != 0 && journal.link(pending.slot, version, voice, self.chunks.open()) {
            self.chunks.hold(self.chunks.open());
        }
        self.open.links.push(Link {
            feedback: text.feedback,
            version: text.version,
            voice,
            remembered,
        });
    }

    fn forget_evicted(&mut self) {
        while self.origins.len() > self.index.len() {
            let Some(origin) = self.origins.pop_front() else {
                return;
            };
            self.chunks.release(origin.text);
            self.chunks.release(origin.link);
        }
    }

    /// The chunk to write since the last call (number and content), and chunks nothing depends on any more.
    pub(crate) fn take_changes(
        &mut self,
        journal: &mut Journal,
    ) -> (Option<(u64, Chunk)>, Vec<u64>) {
        for chunk in journal.take_released_links() {
            self.chunks.release(chunk);
        }
        let chunk = std::mem::take(&mut self.open);
        let (written, dead) = self.chunks.turn();
        (written.map(|number| (number, chunk)), dead)
    }

    /// Takes a stored chunk; [`Repeats::settle`] must follow when all are there.
    pub(crate) fn put_back(&mut self, number: u64, chunk: Chunk) {
        self.chunks.stored(number);
        self.read.insert(number, chunk);
    }

    /// Puts everything in place after a restore. `linked_until`: the end of the latest bucket closed.
    pub(crate) fn settle(&mut self, journal: &mut Journal, linked_until: Timestamp) {
        let chunks = std::mem::take(&mut self.read);
        if chunks.is_empty() {
            return;
        }
        let slots = journal.slots_by_version();
        self.put_members_back(&chunks);
        for (&number, chunk) in &chunks {
            for link in &chunk.links {
                let version = (link.feedback, link.version);
                if link.voice != 0
                    && let Some(&slot) = slots.get(&version)
                    && journal.link(slot, version, link.voice, number)
                {
                    self.chunks.hold(number);
                }
            }
        }
        for (number, chunk) in chunks {
            for (at, text) in chunk.texts.into_iter().enumerate() {
                let version = (text.feedback, text.version);
                // Linked is what took effect before, and nothing else: names do not tell, the same may come again.
                if text.effect >= linked_until
                    && let Some(&slot) = slots.get(&version)
                {
                    self.chunks.hold(number);
                    let place = (number, at as u32);
                    self.pending.push(Pending { text, place, slot });
                }
            }
        }
    }

    fn put_members_back(&mut self, chunks: &BTreeMap<u64, Chunk>) {
        let mut members: Vec<(u64, (u64, u32), u64, u64)> = chunks
            .iter()
            .flat_map(|(&number, chunk)| {
                chunk.links.iter().filter_map(move |link| {
                    let (member, place) = link.remembered?;
                    Some((member, place, number, link.voice))
                })
            })
            .collect();
        members.sort_unstable();
        // The oldest leave first, so the newest that fit are exactly those that were remembered.
        let skipped = members.len().saturating_sub(self.capacity);
        let members = &members[skipped..];
        let Some(&(first, ..)) = members.first() else {
            return;
        };
        self.index = NearDuplicates::starting_at(settings(self.capacity), first);
        for &(_, place, link, voice) in members {
            let text = chunks
                .get(&place.0)
                .and_then(|chunk| chunk.texts.get(place.1 as usize));
            let Some(text) = text else { continue };
            self.index
                .put_back(compared(text, (voice != 0).then_some(voice)));
            self.chunks.hold(place.0);
            self.chunks.hold(link);
            self.origins.push_back(Origin {
                text: place.0,
                link,
            });
        }
    }
}

fn settings(capacity: usize) -> Settings {
    Settings {
        capacity,
        ..Settings::default()
    }
}

/// The text as the index compares it; `family`: the one it was given, on restore.
fn compared(text: &Text, family: Option<u64>) -> Compared {
    Compared {
        // Corrections share it, so a corrected text is no copy of its earlier version.
        id_hash: text.feedback as u64,
        family: family.or((text.thread != 0).then_some(text.thread)),
        by: (text.author != 0).then_some(By {
            author: text.author,
            at: text.occurred_at.0.div_euclid(DAY),
        }),
        across_authors: text.is_public,
        signature: text.signature.clone(),
    }
}

/// Signatures as bytes.
mod as_bytes {
    use auscult_language::near_duplicate::Signature;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        signature: &Signature,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&signature.to_bytes())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Signature, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Signature::from_bytes(bytes)
            .ok_or_else(|| D::Error::custom("a signature of another length"))
    }
}
