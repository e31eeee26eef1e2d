//! The kernel's 32.32 fixed point (`include/drm/drm_fixed.h`), bit by bit: its product loses low
//! bits where the factors are large.

/// `DRM_FIXED_ONE / 2`.
pub(super) const HALF: i64 = 1 << 31;

/// `drm_fixp_msbset`: the highest bit that differs from the sign.
fn msb(a: i64) -> u32 {
    let magnitude = (a ^ (a >> 63)) as u64;
    63_u32.saturating_sub(magnitude.leading_zeros())
}

/// `drm_int2fixp`.
pub(super) fn from_int(a: i32) -> i64 {
    i64::from(a) << 32
}

/// `drm_fixp2int_round`, since Linux 6.10 by a whole half (before, by half a bit of 2^-16).
pub(super) fn round(a: i64) -> i32 {
    (a.wrapping_add(HALF) >> 32) as i32
}

/// `drm_sm2fixp`: from sign and magnitude, as user space hands matrices over.
pub(super) fn from_sign_magnitude(a: u64) -> i64 {
    let magnitude = (a & !(1 << 63)) as i64;
    if a >> 63 == 1 { magnitude.wrapping_neg() } else { magnitude }
}

/// `drm_fixp_mul`.
pub(super) fn mul(a: i64, b: i64) -> i64 {
    let shift = (msb(a) + msb(b)).saturating_sub(61);
    let result = (a >> shift.div_ceil(2)).wrapping_mul(b >> (shift / 2));
    if shift > 32 { result.wrapping_shl(shift - 32) } else { result >> (32 - shift) }
}

/// `drm_fixp_div`, for positive numbers.
pub(super) fn div(a: i64, b: i64) -> i64 {
    let shift = 62 - msb(a);
    let (a, b) = (a << shift, if shift < 32 { b >> (32 - shift) } else { b });
    let result = a / b;
    if shift > 32 { result >> (shift - 32) } else { result }
}

/// A constant that is multiplied by whole numbers: [`mul`]`(constant, from_int(n))` without its
/// search for bits.
///
/// A whole number has 32 zeros at its end, so only the constant loses bits, and how many depends on
/// the size of the number alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factor([i64; 33]);

impl Factor {
    pub(super) fn new(constant: i64) -> Self {
        // The number's highest bit is at `31 + size`.
        Self(std::array::from_fn(|size| {
            let lost = (msb(constant) + 31 + size as u32).saturating_sub(61).div_ceil(2);
            constant >> lost << lost
        }))
    }

    #[inline(always)]
    pub(super) fn times(&self, n: i32) -> i64 {
        let size = 32 - (n ^ (n >> 31)).leading_zeros();
        self.0[size as usize].wrapping_mul(i64::from(n))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the kernel writes it.
    fn slow_msb(a: i64) -> u32 {
        let sign = a >> 63 & 1;
        (1..63).rev().find(|shift| a >> shift & 1 != sign).unwrap_or(0)
    }

    #[test]
    fn table() {
        let one = 1 << 32;
        for (a, b, product) in [
            (one, one, one),
            (one, from_int(-3), from_int(-3)),
            (one / 2, from_int(7), 7 * one / 2),
            (-one / 2, from_int(0xffff), -0xffff * one / 2),
            (0, from_int(i32::MIN), 0),
        ] {
            assert_eq!(mul(a, b), product, "{a:#x} {b:#x}");
        }
        assert_eq!(div(from_int(255), from_int(0xffff)), 0xff_00ff, "the ratio that vkms_luts.c has in it");
        assert_eq!((round(one / 2), round(one / 2 - 1), round(-one / 2), round(-one / 2 - 1)), (1, 0, 0, -1));
        assert_eq!(from_sign_magnitude(1 << 63 | 5), -5);
    }

    proptest! {
        #[test]
        fn highest_bit(a in any::<i64>(), shift in 0u32..64) {
            prop_assert_eq!(msb(a >> shift), slow_msb(a >> shift));
        }

        #[test]
        fn factor(constant in any::<i64>(), less in 0u32..64, n in any::<i32>(), few in 0u32..32) {
            let (constant, n) = (constant >> less, n >> few);
            prop_assert_eq!(Factor::new(constant).times(n), mul(constant, from_int(n)));
        }
    }
}
