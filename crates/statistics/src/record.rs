//! Reading and writing compact state records: little-endian, fixed order, versioned by the first byte.

/// Why a state record could not be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by another version: migrate it or rebuild the series from the log.
    #[error(
        "state record of {kind} has version {found}, this build reads {known}: rebuild the series from the log"
    )]
    Version {
        /// What kind of record.
        kind: &'static str,
        /// Version byte found.
        found: u8,
        /// Version this build writes and reads.
        known: u8,
    },
    /// Damaged: too short, too long, or a field out of its bounds.
    #[error("state record of {kind} is damaged at byte {at} of {length}: restore it from the log")]
    Damaged {
        /// What kind of record.
        kind: &'static str,
        /// Where reading stopped.
        at: usize,
        /// Length of the record.
        length: usize,
    },
}

/// Reads fields in order; remembers what it reads for the error.
pub(crate) struct Reader<'a> {
    kind: &'static str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Checks the version byte.
    pub(crate) fn new(
        kind: &'static str,
        known: u8,
        bytes: &'a [u8],
    ) -> Result<Self, RestoreError> {
        match bytes.first() {
            None => Err(RestoreError::Damaged {
                kind,
                at: 0,
                length: 0,
            }),
            Some(found) if *found != known => Err(RestoreError::Version {
                kind,
                found: *found,
                known,
            }),
            Some(_) => Ok(Self { kind, bytes, at: 1 }),
        }
    }

    pub(crate) fn damaged(&self) -> RestoreError {
        RestoreError::Damaged {
            kind: self.kind,
            at: self.at,
            length: self.bytes.len(),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], RestoreError> {
        let field = self
            .bytes
            .get(self.at..)
            .and_then(<[u8]>::first_chunk::<N>)
            .ok_or_else(|| self.damaged())?;
        self.at += N;
        Ok(*field)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, RestoreError> {
        Ok(self.take::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, RestoreError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, RestoreError> {
        Ok(i64::from_le_bytes(self.take()?))
    }

    /// A finite single.
    pub(crate) fn f32(&mut self) -> Result<f32, RestoreError> {
        let value = f32::from_le_bytes(self.take()?);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(self.damaged())
        }
    }

    /// A finite double.
    pub(crate) fn f64(&mut self) -> Result<f64, RestoreError> {
        let value = f64::from_le_bytes(self.take()?);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(self.damaged())
        }
    }

    pub(crate) fn f32s(&mut self, values: &mut [f32]) -> Result<(), RestoreError> {
        for value in values {
            *value = self.f32()?;
        }
        Ok(())
    }

    pub(crate) fn flag(&mut self) -> Result<bool, RestoreError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged()),
        }
    }

    /// Nothing may be left over.
    pub(crate) fn finish(self) -> Result<(), RestoreError> {
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(self.damaged())
        }
    }
}

/// Appends singles in order.
pub(crate) fn put_f32s(values: &[f32], into: &mut Vec<u8>) {
    for value in values {
        into.extend_from_slice(&value.to_le_bytes());
    }
}
