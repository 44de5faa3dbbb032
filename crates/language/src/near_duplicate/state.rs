//! Dump and restore, versioned.

use super::{By, Member, NearDuplicates, SIGNATURE_BYTES, Settings, Signature};

const MAGIC: &[u8; 8] = b"AUSCND03";
/// Family; whether there is an author (bit 0) and whether it is compared across authors (bit 1); author; bucket.
const HEAD_BYTES: usize = 32;
const MEMBER_BYTES: usize = HEAD_BYTES + SIGNATURE_BYTES;

/// Dumped bytes that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("near-duplicate state: {0}; start empty, the families of the next texts are found again")]
pub struct DumpProblem(&'static str);

impl NearDuplicates {
    /// Everything remembered, as bytes.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + self.members.len() * MEMBER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.first.to_le_bytes());
        for member in &self.members {
            let by = member.by.unwrap_or(By { author: 0, at: 0 });
            for number in [
                member.family,
                u64::from(member.by.is_some()) | u64::from(member.across_authors) << 1,
                by.author,
                by.at.cast_unsigned(),
            ] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(&member.signature.to_bytes());
        }
        bytes
    }

    /// What was remembered.
    ///
    /// # Errors
    /// When the bytes are not a whole dump of this version.
    pub fn restore(settings: Settings, bytes: &[u8]) -> Result<NearDuplicates, DumpProblem> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(DumpProblem("not of this version"))?;
        let (first, rest) = rest
            .split_at_checked(8)
            .ok_or(DumpProblem("it ends too early"))?;
        let members = rest.chunks_exact(MEMBER_BYTES);
        if !members.remainder().is_empty() {
            return Err(DumpProblem("it ends within a member"));
        }
        let mut restored = NearDuplicates::new(settings);
        restored.first = word(first);
        for bytes in members {
            let signature = Signature::from_bytes(&bytes[HEAD_BYTES..])
                .ok_or(DumpProblem("a signature of another length"))?;
            let flags = word(&bytes[8..16]);
            let by = (flags & 1 == 1).then(|| By {
                author: word(&bytes[16..24]),
                at: word(&bytes[24..32]).cast_signed(),
            });
            restored.remember(Member {
                family: word(&bytes[..8]),
                by,
                across_authors: flags & 2 == 2,
                signature,
            });
        }
        Ok(restored)
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_bytes() {
        assert!(NearDuplicates::restore(Settings::default(), b"").is_err());
        assert!(
            NearDuplicates::restore(Settings::default(), b"AUSCND03\0\0\0\0\0\0\0\0abc").is_err()
        );
    }
}
