//! The blobs of plane properties that list formats and sizes.
//!
//! Their bytes come from a driver: what does not fit together is `None`, and nothing panics.

use super::FormatModifiers;

/// `struct drm_format_modifier_blob`: formats, and for each modifier the 64 formats from an offset
/// that it goes with.
pub(super) fn in_formats(blob: &[u8]) -> Option<Vec<FormatModifiers>> {
    let word = |at: usize| Some(u32::from_ne_bytes(blob.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(blob.get(at..at.checked_add(8)?)?.try_into().ok()?));
    let (formats, first) = (word(8)? as usize, word(12)? as usize);
    let (modifiers, table) = (word(16)? as usize, word(20)? as usize);
    let mut out = Vec::new();
    for at in 0..formats {
        out.push(FormatModifiers { format: word(first + at * 4)?, modifiers: Vec::new() });
    }
    for at in 0..modifiers {
        let entry = table + at * 24;
        let (mask, offset, modifier) = (long(entry)?, word(entry + 8)? as usize, long(entry + 16)?);
        for (bit, format) in out.iter_mut().skip(offset).take(64).enumerate() {
            if mask & (1 << bit) != 0 {
                format.modifiers.push(modifier);
            }
        }
    }
    Some(out)
}

/// `struct drm_plane_size_hint` after each other.
pub(super) fn size_hints(blob: &[u8]) -> Vec<(u32, u32)> {
    let size =
        |hint: &[u8]| (u16::from_ne_bytes([hint[0], hint[1]]).into(), u16::from_ne_bytes([hint[2], hint[3]]).into());
    blob.chunks_exact(4).map(size).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blob(formats: &[u32], modifiers: &[(u64, u32, u64)]) -> Vec<u8> {
        let first = 24;
        let table = first + formats.len() * 4;
        let mut out = Vec::new();
        for word in [1, 0, formats.len(), first, modifiers.len(), table] {
            out.extend((word as u32).to_ne_bytes());
        }
        formats.iter().for_each(|format| out.extend(format.to_ne_bytes()));
        for (mask, offset, modifier) in modifiers {
            out.extend(mask.to_ne_bytes());
            out.extend(offset.to_ne_bytes());
            out.extend([0; 4]);
            out.extend(modifier.to_ne_bytes());
        }
        out
    }

    #[test]
    fn in_formats_pairs() {
        let pairs = in_formats(&blob(&[10, 11, 12], &[(0b101, 0, 0), (0b1, 1, 77)])).unwrap();
        let modifiers: Vec<_> = pairs.iter().map(|pair| (pair.format, pair.modifiers.clone())).collect();
        assert_eq!(modifiers, [(10, vec![0]), (11, vec![77]), (12, vec![0])]);
        assert!(super::super::supports(&pairs, 11, 77) && !super::super::supports(&pairs, 11, 0));
    }

    #[test]
    fn size_hints_are_pairs_of_u16() {
        let blob: Vec<u8> = [64u16, 32, 128, 128].iter().flat_map(|n| n.to_ne_bytes()).collect();
        assert_eq!(size_hints(&blob), [(64, 32), (128, 128)]);
    }

    proptest! {
        #[test]
        fn damaged_blobs_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..120), count in 0u32..40) {
            if bytes.len() > 20 {
                bytes[8..12].copy_from_slice(&count.to_ne_bytes());
                bytes[16..20].copy_from_slice(&count.to_ne_bytes());
            }
            let _ = in_formats(&bytes);
        }
    }
}
