//! How many memory planes a (format, modifier) pair has.
//!
//! A modifier may add planes (compression data) to those of the format, or fold all of them into
//! one. Each rule says which comment of `include/uapi/drm/drm_fourcc.h` it comes from. Never
//! guesses a layout: where nothing is known of a modifier, a range is answered and the driver has
//! the last word.

use std::ops::RangeInclusive;

use crate::formats::FormatInfo;
pub use crate::modifier_name::name;
use crate::{Fourcc, Modifier};

/// `DRM_FORMAT_MOD_VENDOR_*`, the top eight bits of a modifier.
mod vendor {
    pub const NONE: u8 = 0x00;
    pub const INTEL: u8 = 0x01;
    pub const AMD: u8 = 0x02;
    pub const NVIDIA: u8 = 0x03;
    pub const BROADCOM: u8 = 0x07;
    pub const ARM: u8 = 0x08;
}

/// The numbers of memory planes that a buffer of `format` with `modifier` may have.
pub fn memory_planes(format: &FormatInfo, modifier: Modifier) -> RangeInclusive<u8> {
    let raw = u64::from(modifier);
    let own = format.planes;
    if matches!(modifier, Modifier::Linear | Modifier::Invalid) {
        return own..=own;
    }
    let low = raw & 0x00ff_ffff_ffff_ffff;
    match (raw >> 56) as u8 {
        vendor::NONE | vendor::NVIDIA | vendor::BROADCOM => own..=own,
        vendor::INTEL => intel(own, low),
        vendor::AMD => amd(own, low),
        // AFBC, AFRC and 16x16 tiling: AFBC folds all colour planes into one; the others keep them.
        vendor::ARM => 1..=own,
        _ => 1..=4,
    }
}

/// `I915_FORMAT_MOD_*`: 4, 5: CCS of gen 9–11, one more plane for each; 6, 7, 13, 14: gen 12+
/// render (6, 13) and media (7, 14) compression with one CCS plane for each colour plane, 8 and 15
/// with a clear colour besides. 10–12 (DG2) and 16 (Lunar Lake and Battlemage) keep the compression
/// data out of the buffer; 12 adds the clear colour.
fn intel(own: u8, low: u64) -> RangeInclusive<u8> {
    let planes = match low {
        4..=7 | 13 | 14 => own * 2,
        8 | 15 => own * 2 + 1,
        12 => own + 1,
        _ => own,
    };
    planes.min(4)..=planes.min(4)
}

/// `AMD_FMT_MOD_*`: bit 13 = DCC (one more plane), bit 14 = DCC_RETILE (one more besides). DCC is
/// for single-plane formats and, from GFX12 on, lies out of the buffer.
fn amd(own: u8, low: u64) -> RangeInclusive<u8> {
    const DCC: u64 = 1 << 13;
    const DCC_RETILE: u64 = 1 << 14;
    const GFX12: u64 = 5;
    let planes = match (low & DCC != 0, low & DCC_RETILE != 0) {
        _ if low & 0xff >= GFX12 => own,
        (true, true) => own + 2,
        (true, false) => own + 1,
        _ => own,
    };
    planes.min(4)..=planes.min(4)
}

/// Whether lines of this layout lie one after the other in memory, so that stride and size can be
/// checked exactly.
pub fn is_linear(modifier: Modifier) -> bool {
    modifier == Modifier::Linear
}

/// The modifier as the kernel's number: what goes over ioctls and the wire.
pub fn raw(modifier: Modifier) -> u64 {
    modifier.into()
}

/// A format from its number; `None` where the crate does not know it.
pub fn fourcc(raw: u32) -> Option<Fourcc> {
    Fourcc::try_from(raw).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::info;

    #[test]
    fn planes_of_known_pairs() {
        use Fourcc::{Argb8888, Nv12, Yuv420};
        let intel = |code: u64| (1 << 56) | code;
        let amd = |bits: u64| (2 << 56) | bits;
        let table = [
            (Argb8888, 0, 1..=1),
            (Nv12, 0, 2..=2),
            (Yuv420, 0, 3..=3),
            (Nv12, 0x00ff_ffff_ffff_ffff, 2..=2),
            (Argb8888, intel(1), 1..=1),
            (Argb8888, intel(4), 2..=2),
            (Argb8888, intel(6), 2..=2),
            (Nv12, intel(7), 4..=4),
            (Argb8888, intel(8), 3..=3),
            (Argb8888, intel(9), 1..=1),
            (Argb8888, intel(10), 1..=1),
            (Argb8888, intel(12), 2..=2),
            (Argb8888, amd(4), 1..=1),
            (Argb8888, amd(4 | 1 << 13), 2..=2),
            (Argb8888, amd(4 | 1 << 13 | 1 << 14), 3..=3),
            (Argb8888, amd(5 | 1 << 13), 1..=1),
            (Nv12, 8 << 56 | 1, 1..=2),
        ];
        for (format, modifier, planes) in table {
            let got = memory_planes(info(format).unwrap(), Modifier::from(modifier));
            assert_eq!(got, planes, "{format:?} {modifier:#x}");
        }
    }
}
