//! What a display would rather scan out: its formats and modifiers in the order in which a client
//! should choose.
//!
//! `zwp_linux_dmabuf_feedback_v1` has tranches, best first; within a tranche a client picks freely.
//! Pure: it knows which layouts cost a display little bandwidth, not what the running driver can
//! do; that is in the candidates. It never adds a pair that is not one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::{Fourcc, Modifier};

/// How a layout reads, cheapest first for an image that is not rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayoutClass {
    /// Fewer bytes are read than the image has: CCS, DCC, AFBC, AFRC, UBWC and their relatives.
    Compressed,
    /// All bytes, in the order that suits the memory.
    Tiled,
    /// All bytes, line by line.
    Linear,
    /// Known to the driver only.
    Implicit,
}

/// The class of a modifier, by the vendor's part of `include/uapi/drm/drm_fourcc.h`. An unknown one
/// counts as tiled.
pub fn class(modifier: Modifier) -> LayoutClass {
    let raw = u64::from(modifier);
    let low = raw & 0x00ff_ffff_ffff_ffff;
    let compressed = match (modifier, raw >> 56) {
        (Modifier::Linear, _) => return LayoutClass::Linear,
        (Modifier::Invalid, _) => return LayoutClass::Implicit,
        // I915_FORMAT_MOD_*_CCS*; 1, 2, 3 and 9 are plain tilings.
        (_, 0x01) => matches!(low, 4..=8 | 10..),
        // AMD_FMT_MOD_DCC_SHIFT.
        (_, 0x02) => low & (1 << 13) != 0,
        // DRM_FORMAT_MOD_NVIDIA_BLOCK_LINEAR_2D: c in bits 25:23.
        (_, 0x03) => low & 0x10 != 0 && (low >> 23) & 0x7 != 0,
        // DRM_FORMAT_MOD_QCOM_COMPRESSED.
        (_, 0x05) => low == 1,
        // VIVANTE_MOD_COMP_MASK: the top four bits of the vendor's part.
        (_, 0x06) => (low >> 52) & 0xf != 0,
        // DRM_FORMAT_MOD_ARM_TYPE_AFBC and _AFRC, in the top four bits.
        (_, 0x08) => matches!(low >> 52, 0 | 2),
        // DRM_FORMAT_MOD_AMLOGIC_FBC.
        (_, 0x0a) => true,
        // MTK_FMT_MOD_COMPRESS_MASK.
        (_, 0x0b) => (low >> 8) & 0xf != 0,
        // DRM_FORMAT_MOD_APPLE_GPU_TILED_COMPRESSED.
        (_, 0x0c) => low == 2,
        _ => false,
    };
    if compressed { LayoutClass::Compressed } else { LayoutClass::Tiled }
}

/// A pair that the display's planes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The format.
    pub format: Fourcc,
    /// The modifier.
    pub modifier: Modifier,
    /// How many planes of the output take it.
    pub planes: u32,
}

/// The scan-out tranches of an output, best first. A pair is in one of them at most; a tranche is
/// never empty.
///
/// First what reads least, then what more planes take. `rotated`: the image is scanned out along
/// its columns. Memory that is laid out in lines is worst then, and compression, which display
/// engines seldom take together with a rotation, comes after plain tiles.
pub fn tranches(candidates: &[Candidate], turned: bool) -> Vec<Vec<(Fourcc, Modifier)>> {
    let rank = |class| match (class, turned) {
        (LayoutClass::Tiled, true) => 0,
        (LayoutClass::Compressed, _) => 1,
        (LayoutClass::Tiled, false) => 2,
        (LayoutClass::Linear, _) => 3,
        (LayoutClass::Implicit, _) => 4,
    };
    let mut sorted: BTreeMap<_, Vec<(Fourcc, Modifier)>> = BTreeMap::new();
    let mut seen = std::collections::HashSet::new();
    for candidate in candidates.iter().filter(|candidate| candidate.planes > 0) {
        if seen.insert((candidate.format as u32, u64::from(candidate.modifier))) {
            let key = (rank(class(candidate.modifier)), Reverse(candidate.planes));
            sorted.entry(key).or_default().push((candidate.format, candidate.modifier));
        }
    }
    sorted.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_known_modifiers() {
        use LayoutClass::{Compressed, Implicit, Linear, Tiled};
        let vendor = |vendor: u64, low: u64| Modifier::from(vendor << 56 | low);
        let table = [
            (Modifier::Linear, Linear),
            (Modifier::Invalid, Implicit),
            (vendor(1, 1), Tiled),
            (vendor(1, 2), Tiled),
            (vendor(1, 4), Compressed),
            (vendor(1, 8), Compressed),
            (vendor(1, 9), Tiled),
            (vendor(1, 10), Compressed),
            (vendor(1, 17), Compressed),
            (vendor(2, 4 | 27 << 8), Tiled),
            (vendor(2, 4 | 27 << 8 | 1 << 13), Compressed),
            (vendor(3, 1), Tiled),
            (vendor(3, 0x10 | 6 << 12), Tiled),
            (vendor(3, 0x10 | 6 << 12 | 1 << 23), Compressed),
            (vendor(4, 2), Tiled),
            (vendor(5, 1), Compressed),
            (vendor(5, 3), Tiled),
            (vendor(6, 2), Tiled),
            (vendor(6, 2 | 1 << 52), Compressed),
            (vendor(7, 6), Tiled),
            (vendor(8, 1), Compressed),
            (vendor(8, 1 << 52 | 1), Tiled),
            (vendor(8, 2 << 52 | 1), Compressed),
            (vendor(9, 1), Tiled),
            (vendor(10, 1), Compressed),
            (vendor(11, 1), Tiled),
            (vendor(11, 1 | 1 << 8), Compressed),
            (vendor(12, 1), Tiled),
            (vendor(12, 2), Compressed),
            (vendor(0x7f, 1), Tiled),
        ];
        for (modifier, class) in table {
            assert_eq!(super::class(modifier), class, "{:#x}", u64::from(modifier));
        }
    }

    const X: Fourcc = Fourcc::Xrgb8888;

    fn candidate(modifier: u64, planes: u32) -> Candidate {
        Candidate { format: X, modifier: modifier.into(), planes }
    }

    const X_TILED: u64 = 1 << 56 | 1;
    const Y_TILED: u64 = 1 << 56 | 2;
    const Y_CCS: u64 = 1 << 56 | 4;

    fn order(candidates: &[Candidate], turned: bool) -> Vec<Vec<u64>> {
        let plain = |tranche: Vec<(Fourcc, Modifier)>| tranche.into_iter().map(|(_, m)| m.into()).collect();
        tranches(candidates, turned).into_iter().map(plain).collect()
    }

    #[test]
    fn what_reads_least_is_first_and_a_turn_changes_that() {
        let all = [candidate(0, 3), candidate(X_TILED, 3), candidate(Y_TILED, 3), candidate(Y_CCS, 1)];
        assert_eq!(order(&all, false), [vec![Y_CCS], vec![X_TILED, Y_TILED], vec![0]]);
        assert_eq!(order(&all, true), [vec![X_TILED, Y_TILED], vec![Y_CCS], vec![0]]);
    }

    #[test]
    fn what_more_planes_take_is_first_within_a_class() {
        let all = [candidate(X_TILED, 1), candidate(Y_TILED, 3), candidate(0, 3), candidate(Y_CCS, 0)];
        assert_eq!(order(&all, false), [vec![Y_TILED], vec![X_TILED], vec![0]]);
    }

    #[test]
    fn no_pair_is_told_twice_and_no_tranche_is_empty() {
        assert_eq!(order(&[candidate(0, 1), candidate(0, 2)], false), [vec![0]]);
        assert!(order(&[], false).is_empty() && order(&[candidate(0, 0)], true).is_empty());
    }
}
