//! The stored form of a count series: version byte first, only the phases in use.

use super::coefficients::{Coefficients, Scalar};
use super::profile::{AFTER_DEVIATION, KNOTS};
use super::season::PHASES_LIMIT;
use super::state::{
    AFTER_BIT, ANCHORS, CountState, HOLIDAY, HOLIDAY_BIT, MODELS, PENDING, Pending, UPWARD_BIT,
    WANDERS,
};
use crate::record::{Reader, RestoreError, put_f32s};

/// 2: the day after a holiday, sixteen knots instead of seventeen, and their unrest.
const VERSION: u8 = 2;
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
    into.extend_from_slice(&[bucket.phase, bucket.flags()]);
}

fn read_pending(reader: &mut Reader<'_>, version: u8) -> Result<Pending, RestoreError> {
    let bucket = Pending {
        index: reader.i64()?,
        observed: reader.f64()?,
        exposure: reader.f32()?,
        ln_ratio: [reader.f32()?, reader.f32()?],
        suspicion: reader.f32()?,
        phase: reader.u8()?,
        ..Pending::default()
    };
    if usize::from(bucket.phase) >= PHASES_LIMIT {
        return Err(reader.damaged());
    }
    if version == 1 {
        return Ok(Pending {
            holiday: reader.flag()?,
            upward: reader.flag()?,
            ..bucket
        });
    }
    let flags = reader.u8()?;
    if flags > (HOLIDAY_BIT | AFTER_BIT | UPWARD_BIT) {
        return Err(reader.damaged());
    }
    Ok(Pending {
        holiday: flags & HOLIDAY_BIT != 0,
        after_holiday: flags & AFTER_BIT != 0,
        upward: flags & UPWARD_BIT != 0,
        ..bucket
    })
}

/// Slots of a record of version 1: seventeen knots from the first slot after the phases on. They become sixteen, by
/// straight lines between them, and the day after a holiday is not known yet.
fn slots_of_version_1(phase: &mut [Scalar; PHASES_LIMIT + 1], phases: usize) {
    if !(2..PHASES_LIMIT).contains(&phases) {
        return;
    }
    let old: Vec<Scalar> = phase[phases..PHASES_LIMIT].to_vec();
    let had_knots = phases <= 7 && old.iter().any(|slot| *slot != Scalar::default());
    if had_knots {
        for (knot, place) in phase[PHASES_LIMIT - KNOTS..PHASES_LIMIT]
            .iter_mut()
            .enumerate()
        {
            let turn = (knot * old.len()) as f64 / KNOTS as f64;
            let (left, part) = (turn as usize, turn.fract());
            let right = (left + 1) % old.len();
            let between = |value: fn(Scalar) -> f64| {
                (1.0 - part) * value(old[left]) + part * value(old[right])
            };
            *place = Scalar::new(between(Scalar::mean), between(Scalar::variance));
        }
    }
    phase[phases] = Scalar::new(0.0, AFTER_DEVIATION * AFTER_DEVIATION);
}

impl CountState {
    /// Slots in use: phases and, for days, the knots of the yearly profile.
    fn slots(&self) -> usize {
        self.phase[..PHASES_LIMIT]
            .iter()
            .rposition(|slot| *slot != Scalar::default())
            .map_or(0, |last| last + 1)
    }

    /// Whether the slots hold knots of a yearly profile.
    fn has_profile(&self) -> bool {
        self.slots() > usize::from(self.phases) + 1
    }

    /// Appends the record; `restore` gives back the same state to the bit.
    pub fn dump(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&[
            VERSION,
            self.phases,
            self.slots() as u8,
            self.pending_count | (u8::from(self.started) << 7),
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
        for at in 0..PENDING {
            put_pending(&self.pending(at), into);
        }
        if self.has_profile() {
            put_f32s(&self.passage, into);
            into.extend_from_slice(&self.unrest);
        }
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// Another version, or a damaged record (see [`RestoreError`]).
    pub fn restore(bytes: &[u8]) -> Result<Self, RestoreError> {
        let version = if bytes.first() == Some(&1) {
            1
        } else {
            VERSION
        };
        let mut reader = Reader::new(KIND, version, bytes)?;
        let (phases, slots, mut pending_count) = (reader.u8()?, reader.u8()?, reader.u8()?);
        let started = if version == 1 {
            reader.flag()?
        } else {
            let started = pending_count >> 7 == 1;
            pending_count &= 0x7f;
            started
        };
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
            *place = read_pending(&mut reader, version)?;
        }
        if version == 1 {
            slots_of_version_1(&mut phase, usize::from(phases));
        }
        let mut restored = Self {
            through,
            seasonal,
            plain,
            wander,
            log_weight,
            phase,
            dispersion,
            passage: [0.0; 2],
            unrest: [0; KNOTS],
            pending_counts: Default::default(),
            pending_evidence: Default::default(),
            pending_marks: Default::default(),
            learnt,
            run,
            silent_expected,
            silent_buckets,
            pending_count,
            phases,
            started,
        };
        for (at, bucket) in pending.iter().enumerate() {
            restored.put_pending(at, bucket);
        }
        if version > 1 && restored.has_profile() {
            reader.f32s(&mut restored.passage)?;
            for code in &mut restored.unrest {
                *code = reader.u8()?;
            }
        }
        reader.finish()?;
        Ok(restored)
    }
}
