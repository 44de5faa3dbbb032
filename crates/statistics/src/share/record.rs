//! The stored form of a share series.

use super::model::{MEMORIES, PENDING, Pending, ShareState};
use crate::record::{Reader, RestoreError, put_f32s};

const VERSION: u8 = 1;
const KIND: &str = "a share series";

impl ShareState {
    /// Appends the record; `restore` gives back the same state to the bit.
    pub fn dump(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&[VERSION, self.pending_count, u8::from(self.started)]);
        into.extend_from_slice(&self.through.to_le_bytes());
        for value in self
            .level
            .iter()
            .flatten()
            .chain(&self.prior)
            .chain(&self.correlation)
        {
            into.extend_from_slice(&value.to_le_bytes());
        }
        put_f32s(&self.log_weight, into);
        put_f32s(&[self.learnt, self.run], into);
        for bucket in &self.pending {
            into.extend_from_slice(&bucket.index.to_le_bytes());
            into.extend_from_slice(&bucket.successes.to_le_bytes());
            into.extend_from_slice(&bucket.trials.to_le_bytes());
            put_f32s(&[bucket.suspicion], into);
            into.push(u8::from(bucket.upward));
        }
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// Another version, or a damaged record (see [`RestoreError`]).
    pub fn restore(bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut reader = Reader::new(KIND, VERSION, bytes)?;
        let pending_count = reader.u8()?;
        let started = reader.flag()?;
        if usize::from(pending_count) > PENDING {
            return Err(reader.damaged());
        }
        let through = reader.i64()?;
        let mut level = [[0.0; 2]; MEMORIES];
        let (mut prior, mut correlation) = ([0.0; 2], [0.0; 2]);
        for value in level
            .iter_mut()
            .flatten()
            .chain(&mut prior)
            .chain(&mut correlation)
        {
            *value = reader.f64()?;
        }
        let mut log_weight = [0.0; MEMORIES];
        reader.f32s(&mut log_weight)?;
        let (learnt, run) = (reader.f32()?, reader.f32()?);
        let mut pending = [Pending::default(); PENDING];
        for bucket in &mut pending {
            *bucket = Pending {
                index: reader.i64()?,
                successes: reader.u32()?,
                trials: reader.u32()?,
                suspicion: reader.f32()?,
                upward: reader.flag()?,
            };
        }
        reader.finish()?;
        Ok(Self {
            level,
            prior,
            log_weight,
            correlation,
            pending,
            through,
            learnt,
            run,
            pending_count,
            started,
        })
    }
}
