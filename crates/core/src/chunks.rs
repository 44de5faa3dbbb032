//! Which stored chunks are still needed: what a chunk holds keeps it, and with the last of that it is deleted.
//!
//! The journal and the memory of repeats store what a turn brought as one numbered chunk. Counting holders per chunk
//! beat marking records inside it, which would write a chunk again for every contribution that is forgotten.

use std::collections::BTreeMap;

/// Numbers of chunks, and how many things each is kept for. The open chunk is the one that is not stored yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chunks {
    open: u64,
    held: BTreeMap<u64, u32>,
    dead: Vec<u64>,
}

impl Chunks {
    /// Number of the open chunk.
    pub(crate) fn open(&self) -> u64 {
        self.open
    }

    /// One thing more for which `chunk` is kept.
    pub(crate) fn hold(&mut self, chunk: u64) {
        *self.held.entry(chunk).or_default() += 1;
    }

    /// One thing less for which `chunk` is kept.
    pub(crate) fn release(&mut self, chunk: u64) {
        let Some(held) = self.held.get_mut(&chunk) else {
            return;
        };
        *held -= 1;
        if *held == 0 {
            self.held.remove(&chunk);
            // The open chunk is not stored yet: it is simply not written.
            if chunk < self.open {
                self.dead.push(chunk);
            }
        }
    }

    /// The open chunk's number if there is something to store it for (the next one is open then), and stored chunks
    /// nothing is left of since the last call.
    pub(crate) fn turn(&mut self) -> (Option<u64>, Vec<u64>) {
        let written = self.held.contains_key(&self.open).then_some(self.open);
        self.open += u64::from(written.is_some());
        (written, std::mem::take(&mut self.dead))
    }

    /// A stored chunk was read: the open one comes after it.
    pub(crate) fn stored(&mut self, chunk: u64) {
        self.open = self.open.max(chunk + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_written_while_held_and_deleted_with_its_last_holder() {
        let mut chunks = Chunks::default();
        assert_eq!(chunks.turn(), (None, vec![]));
        chunks.hold(0);
        chunks.hold(0);
        assert_eq!(chunks.turn(), (Some(0), vec![]));
        chunks.release(0);
        assert_eq!(chunks.turn(), (None, vec![]));
        chunks.release(0);
        chunks.release(0);
        assert_eq!(chunks.turn(), (None, vec![0]));
    }

    #[test]
    fn what_is_released_before_it_was_stored_is_neither_written_nor_deleted() {
        let mut chunks = Chunks::default();
        chunks.stored(6);
        chunks.hold(chunks.open());
        chunks.release(chunks.open());
        assert_eq!((chunks.open(), chunks.turn()), (7, (None, vec![])));
    }
}
