//! The stored form of a count series: version byte first, only the phases in use.

use super::coefficients::{Coefficients, Scalar};
use super::season::PHASES_LIMIT;
use super::state::{ANCHORS, CountState, HOLIDAY, MODELS, PENDING, Pending, WANDERS};
use crate::record::{Reader, RestoreError, put_f32s};

const VERSION: u8 = 1;
const KIND: &str = "a count series";

fn put_scalar(scalar: Scalar, into: &mut Vec<u8>) {
    put_f32s(&[scalar.mean, scalar.variance], into);
}

fn read_scalar(reader: &mut Reader<'_>) -> Result<Scalar, RestoreError> {
    Ok(Scalar {
        mean: reader.f32()?,
        variance: reader.f32()?,
    })
}

fn put_pending(bucket: &Pending, into: &mut Vec<u8>) {
    into.extend_from_slice(&bucket.index.to_le_bytes());
    into.extend_from_slice(&bucket.observed.to_le_bytes());
    put_f32s(
        &[
            bucket.exposure,
            bucket.ln_ratio[0],
            bucket.ln_ratio[1],
            bucket.suspicion,
        ],
        into,
    );
    into.extend_from_slice(&[
        bucket.phase,
        u8::from(bucket.holiday),
        u8::from(bucket.upward),
    ]);
}

fn read_pending(reader: &mut Reader<'_>) -> Result<Pending, RestoreError> {
    Ok(Pending {
        index: reader.i64()?,
        observed: reader.f64()?,
        exposure: reader.f32()?,
        ln_ratio: [reader.f32()?, reader.f32()?],
        suspicion: reader.f32()?,
        phase: reader.u8()?,
        holiday: reader.flag()?,
        upward: reader.flag()?,
    })
}

impl CountState {
    /// Slots in use: phases and, for days, the knots of the yearly profile.
    fn slots(&self) -> usize {
        self.phase[..PHASES_LIMIT]
            .iter()
            .rposition(|slot| *slot != Scalar::default())
            .map_or(0, |last| last + 1)
    }

    /// Appends the record; `restore` gives back the same state to the bit.
    pub fn dump(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&[
            VERSION,
            self.phases,
            self.slots() as u8,
            self.pending_count,
            u8::from(self.started),
        ]);
        into.extend_from_slice(&self.through.to_le_bytes());
        put_f32s(&self.seasonal.mean, into);
        put_f32s(&self.seasonal.covariance, into);
        put_f32s(&self.plain.mean, into);
        put_f32s(&self.plain.covariance, into);
        for wander in self.wander.iter().flatten() {
            put_scalar(*wander, into);
        }
        put_f32s(&self.log_weight, into);
        for phase in &self.phase[..self.slots()] {
            put_scalar(*phase, into);
        }
        put_scalar(self.phase[HOLIDAY], into);
        put_scalar(self.dispersion, into);
        put_f32s(&[self.learnt, self.run, self.silent_expected], into);
        into.extend_from_slice(&self.silent_buckets.to_le_bytes());
        for bucket in &self.pending {
            put_pending(bucket, into);
        }
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// Another version, or a damaged record (see [`RestoreError`]).
    pub fn restore(bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut reader = Reader::new(KIND, VERSION, bytes)?;
        let (phases, slots, pending_count) = (reader.u8()?, reader.u8()?, reader.u8()?);
        let started = reader.flag()?;
        if !(1..=PHASES_LIMIT).contains(&usize::from(phases))
            || usize::from(slots) > PHASES_LIMIT
            || usize::from(pending_count) > PENDING
        {
            return Err(reader.damaged());
        }
        let through = reader.i64()?;
        let mut seasonal = Coefficients {
            mean: [0.0; 6],
            covariance: [0.0; 21],
        };
        reader.f32s(&mut seasonal.mean)?;
        reader.f32s(&mut seasonal.covariance)?;
        let mut plain = Coefficients {
            mean: [0.0; 2],
            covariance: [0.0; 3],
        };
        reader.f32s(&mut plain.mean)?;
        reader.f32s(&mut plain.covariance)?;
        let mut wander = [[Scalar::default(); WANDERS - 1]; ANCHORS];
        for place in wander.iter_mut().flatten() {
            *place = read_scalar(&mut reader)?;
        }
        let mut log_weight = [0.0; MODELS];
        reader.f32s(&mut log_weight)?;
        let mut phase = [Scalar::default(); PHASES_LIMIT + 1];
        for place in &mut phase[..usize::from(slots)] {
            *place = read_scalar(&mut reader)?;
        }
        phase[HOLIDAY] = read_scalar(&mut reader)?;
        let dispersion = read_scalar(&mut reader)?;
        let (learnt, run, silent_expected) = (reader.f32()?, reader.f32()?, reader.f32()?);
        let silent_buckets = reader.u32()?;
        let mut pending = [Pending::default(); PENDING];
        for place in &mut pending {
            *place = read_pending(&mut reader)?;
            if usize::from(place.phase) >= PHASES_LIMIT {
                return Err(reader.damaged());
            }
        }
        reader.finish()?;
        Ok(Self {
            through,
            seasonal,
            plain,
            wander,
            log_weight,
            phase,
            dispersion,
            pending,
            learnt,
            run,
            silent_expected,
            silent_buckets,
            pending_count,
            phases,
            started,
        })
    }
}
