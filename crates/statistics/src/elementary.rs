//! Exponential and logarithm for the detector's inner loop.
//!
//! Decision: own functions of a table and a short polynomial, good to two units in the last place and small enough to be
//! inlined, so that a step's thirty of them overlap. Those of `libm` are right to the last bit, but each is a call of
//! about ten nanoseconds, and together they were a third of a step. Plain arithmetic either way: every machine computes the same bits.

use std::f64::consts::LN_2;

/// Steps of the exponential's table per doubling.
const EXP_STEPS: usize = 32;
/// Beyond this the result leaves the normal numbers, and `libm` knows what to do.
const EXP_LIMIT: f64 = 700.0;
/// Adding it rounds a number below 2^51 to a whole one, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts: the first has so few bits that its product with a whole number of steps is exact.
const LN_2_HIGH: f64 = f64::from_bits(LN_2.to_bits() & 0xffff_ffff_fff0_0000);
const LN_2_LOW: f64 = 7.440_617_110_012_397e-11;
/// Centres of the logarithm's table are whole sixteenths from 11/16 to 23/16.
const FIRST_CENTRE: usize = 11;
const CENTRES: usize = 13;

static POWERS: [f64; EXP_STEPS] = powers();
static LOGARITHMS: [f64; CENTRES] = logarithms();

/// 2^(i/32), by the series of the exponential.
const fn powers() -> [f64; EXP_STEPS] {
    let mut table = [0.0; EXP_STEPS];
    let mut index = 0;
    while index < EXP_STEPS {
        let x = index as f64 * LN_2 / EXP_STEPS as f64;
        let (mut sum, mut order) = (1.0, 24);
        while order > 0 {
            sum = 1.0 + sum * x / order as f64;
            order -= 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
}

/// ln of the centres, by the series of the inverse hyperbolic tangent.
const fn logarithms() -> [f64; CENTRES] {
    let mut table = [0.0; CENTRES];
    let mut index = 0;
    while index < CENTRES {
        let centre = (FIRST_CENTRE + index) as f64 / 16.0;
        let s = (centre - 1.0) / (centre + 1.0);
        let (mut sum, mut order) = (0.0, 25);
        while order > 0 {
            order -= 1;
            sum = sum * s * s + 1.0 / (2 * order + 1) as f64;
        }
        table[index] = 2.0 * s * sum;
        index += 1;
    }
    table
}

/// e^x.
#[inline]
#[must_use]
pub fn exp(x: f64) -> f64 {
    // Not a number is outside too.
    if !(-EXP_LIMIT..EXP_LIMIT).contains(&x) {
        return libm::exp(x);
    }
    let shifted = x * (EXP_STEPS as f64 / LN_2) + ROUND;
    let steps = shifted - ROUND;
    let whole = shifted.to_bits() as i32;
    let rest = (x - steps * (LN_2_HIGH / EXP_STEPS as f64)) - steps * (LN_2_LOW / EXP_STEPS as f64);
    let polynomial = rest
        + rest
            * rest
            * (0.5
                + rest
                    * (1.0 / 6.0
                        + rest * (1.0 / 24.0 + rest * (1.0 / 120.0 + rest * (1.0 / 720.0)))));
    let power = POWERS[(whole & (EXP_STEPS as i32 - 1)) as usize];
    let scale = f64::from_bits(((1023 + i64::from(whole >> 5)) as u64) << 52);
    (power + power * polynomial) * scale
}

/// ln x.
#[inline]
#[must_use]
pub fn ln(x: f64) -> f64 {
    if !(f64::MIN_POSITIVE..f64::INFINITY).contains(&x) {
        return libm::log(x);
    }
    // x = mantissa × 2^exponent with the mantissa between √½ and √2.
    const HALF_ROOT: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(HALF_ROOT) as i64) >> 52;
    let mantissa = f64::from_bits(bits.wrapping_sub((exponent << 52) as u64));
    let nearest = (mantissa * 16.0 + 0.5) as usize;
    let centre = nearest as f64 * (1.0 / 16.0);
    // ln(m/c) = 2 artanh((m − c)/(m + c)); at c = 1 nothing cancels.
    let s = (mantissa - centre) / (mantissa + centre);
    let z = s * s;
    let beside =
        2.0 * s + 2.0 * s * z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0))));
    let exponent = exponent as f64;
    let at = LOGARITHMS[(nearest - FIRST_CENTRE).min(CENTRES - 1)];
    exponent * LN_2_HIGH + (at + (beside + exponent * LN_2_LOW))
}

/// ln(1 + x), exact for small x too.
#[inline]
#[must_use]
pub fn ln_1p(x: f64) -> f64 {
    let raised = 1.0 + x;
    if raised == 1.0 {
        return x;
    }
    // What rounding took from x is given back (Kahan).
    ln(raised) * (x / (raised - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Four units in the last place.
    const TOLERANCE: f64 = 9e-16;

    fn close(got: f64, expected: f64) -> bool {
        got == expected || (got - expected).abs() <= TOLERANCE * expected.abs()
    }

    #[test]
    fn edges_are_those_of_libm() {
        for x in [
            0.0, -0.0, 1.0, -1.0, 699.9, -699.9, 709.0, 710.0, -745.0, -800.0, 1e300,
        ] {
            assert!(close(exp(x), libm::exp(x)), "exp {x}: {}", exp(x));
        }
        assert!(exp(f64::NAN).is_nan() && ln(f64::NAN).is_nan() && ln(-1.0).is_nan());
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
        assert_eq!((ln(1.0), exp(0.0)), (0.0, 1.0));
        for x in [
            5e-324,
            1e-310,
            f64::MIN_POSITIVE,
            f64::MAX,
            std::f64::consts::FRAC_1_SQRT_2,
            std::f64::consts::SQRT_2,
        ] {
            assert!(close(ln(x), libm::log(x)), "ln {x}: {}", ln(x));
        }
        for x in [1e-300, 1e-17, -1e-17, 1e-9, -1e-9, 0.3, -0.999, 1e12] {
            assert!(close(ln_1p(x), libm::log1p(x)), "ln_1p {x}: {}", ln_1p(x));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn both_are_those_of_libm_to_the_last_places(x in -705.0_f64..705.0, near_one in 0.5_f64..2.0) {
            prop_assert!(close(exp(x), libm::exp(x)), "exp {x}");
            let y = libm::exp(x);
            prop_assert!(close(ln(y), libm::log(y)), "ln {y}");
            prop_assert!(close(ln(near_one), libm::log(near_one)), "ln {near_one}");
            prop_assert!(close(ln_1p(near_one - 1.0), libm::log1p(near_one - 1.0)), "ln_1p {near_one}");
        }
    }
}
