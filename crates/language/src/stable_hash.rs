//! One hash for everything that is stored: model buckets, counters, signatures.
//!
//! The standard library's and rustc's hashes may change with a release; a trained model or a dumped
//! counter may not. So the function is written down here and pinned by a test: FNV-1a (Fowler, Noll
//! and Vo, 64 bits) to take bytes in, and the finaliser of SplitMix64 (Steele, Lea and Flood 2014) to spread
//! the result over all bits, because buckets are taken from the low ones.

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Start value for [`extend`].
pub const EMPTY: u64 = FNV_OFFSET;

/// FNV-1a step: takes one byte in.
#[inline]
#[must_use]
pub const fn extend(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(FNV_PRIME)
}

/// Spreads a value over all 64 bits; a bijection.
#[inline]
#[must_use]
pub const fn spread(value: u64) -> u64 {
    let mut z = value;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hash of `bytes`, the same on every machine and in every release.
#[inline]
#[must_use]
pub const fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = FNV_OFFSET;
    let mut at = 0;
    while at < bytes.len() {
        hash = extend(hash, bytes[at]);
        at += 1;
    }
    spread(hash)
}

/// Hash of an ordered pair of hashes: used for word pairs.
#[inline]
#[must_use]
pub const fn pair(first: u64, second: u64) -> u64 {
    spread(first.rotate_left(23) ^ second.wrapping_mul(FNV_PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_change() {
        // FNV-1a of "a" is a published vector (0xaf63dc4c8601ec8c); the rest pins our finaliser.
        assert_eq!(extend(EMPTY, b'a'), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash_bytes(b"a"), spread(0xaf63_dc4c_8601_ec8c));
        assert_eq!(spread(1), 0x5692_161d_100b_05e5);
        assert_ne!(pair(1, 2), pair(2, 1));
    }
}
