//! Names that are the same on every machine and in every run: hashes of what a thing *is*.
//!
//! Two kinds. Look-up hashes (dedupe, people, threads) use SipHash-1-3 with 128 bits and a fixed key: fast, and
//! wide enough that a collision among 10¹² items has a chance below 10⁻¹⁴. Outward ids (signal, series,
//! incident) use BLAKE3, so that nobody can shape a text to collide with another's id.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// 128-bit look-up hash of parts; a separator keeps `("ab", "c")` apart from `("a", "bc")`.
#[must_use]
pub fn wide_hash(parts: &[&str]) -> u128 {
    let mut hasher = SipHasher13::new_with_keys(0x6175_7363_756c_7431, 0x6c69_7374_656e_3133);
    for part in parts {
        hasher.write(part.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish128().as_u128()
}

/// The lower half of [`wide_hash`], for things that are only counted or ordered.
#[must_use]
pub fn short_hash(parts: &[&str]) -> u64 {
    wide_hash(parts) as u64
}

/// Outward id: `prefix` and 16 hexadecimal digits of BLAKE3 over the parts.
#[must_use]
pub fn outward_id(prefix: &str, parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let mut id = String::with_capacity(prefix.len() + 16);
    id.push_str(prefix);
    for byte in &digest.as_bytes()[..8] {
        use std::fmt::Write;
        // Writing into a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(wide_hash(&["ab", "c"]), wide_hash(&["a", "bc"]));
        assert_ne!(
            outward_id("s_", &["ab", "c"]),
            outward_id("s_", &["a", "bc"])
        );
    }

    #[test]
    fn ids_are_fixed_for_good() {
        // Stored in topics and links: a change here breaks every link ever sent.
        assert_eq!(outward_id("al_", &["acme", "d", "s", "0"]).len(), 19);
        assert_eq!(short_hash(&["person"]), short_hash(&["person"]));
    }
}
