//! The checks that a description of a dma-buf must pass before the kernel sees it.
//!
//! Pure: numbers in, a [`Violation`] out, no system call. The sizes of the descriptors are found by
//! [`crate::Dmabuf::new`]; the planes are collected by [`crate::request`]. Never decides what a
//! device can import: that is the driver's answer.

use crate::formats::{self, FormatInfo};
use crate::modifiers::{is_linear, memory_planes};
use crate::{Fourcc, Modifier};

/// One memory plane as the client describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneParams {
    /// Bytes from the start of the dma-buf to the plane.
    pub offset: u32,
    /// Bytes from line to line (for tiled layouts: what the modifier says).
    pub stride: u32,
    /// Bytes of the whole dma-buf; `None` where it is unknown.
    pub size: Option<u64>,
}

/// A buffer as the client describes it.
#[derive(Debug, Clone, Copy)]
pub struct Params<'a> {
    /// Pixels; the wire's signed numbers are to be checked for > 0 before.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `DRM_FORMAT_*`.
    pub format: u32,
    /// `DRM_FORMAT_MOD_*`.
    pub modifier: u64,
    /// Planes by index, without holes.
    pub planes: &'a [PlaneParams],
}

/// What is wrong with a description. Displays as one line for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Width or height is 0 or above 2^31 - 1.
    #[error("invalid size {width}x{height}")]
    Size {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// The format is not known here.
    #[error("unknown format {0:#010x}")]
    Format(u32),
    /// Format and modifier are known, but were not offered together.
    #[error("{format:?} with modifier {modifier:#x} was not offered")]
    NotOffered {
        /// The format.
        format: Fourcc,
        /// The modifier.
        modifier: u64,
    },
    /// `interlaced`, `bottom_first`, or an unknown flag: no plane and no renderer here shows those.
    #[error("buffer flags {0:#x} are not supported")]
    Flags(u32),
    /// A plane index above 3.
    #[error("plane index {0} is above 3")]
    PlaneIndex(u32),
    /// A plane was given twice.
    #[error("plane {plane} was given before")]
    PlaneTwice {
        /// Index of the plane.
        plane: usize,
    },
    /// No plane at all, or a higher one without this one.
    #[error("plane {plane} is missing")]
    PlaneMissing {
        /// Index of the plane.
        plane: usize,
    },
    /// Two planes of different layouts.
    #[error("planes with modifiers {first:#x} and {other:#x}: all planes of a buffer have one")]
    Modifiers {
        /// Of the plane that came first.
        first: u64,
        /// Of another one.
        other: u64,
    },
    /// The description has made its buffer already.
    #[error("these parameters have been used")]
    Used,
    /// Too many or too few planes for the format and modifier.
    #[error("{got} planes where {format:?} with modifier {modifier:#x} has {least} to {most}")]
    PlaneCount {
        /// The format.
        format: Fourcc,
        /// The modifier.
        modifier: u64,
        /// Planes given.
        got: usize,
        /// Fewest.
        least: u8,
        /// Most.
        most: u8,
    },
    /// A stride is 0 or too short for a line.
    #[error("stride {stride} of plane {plane} is less than the {least} bytes of a line")]
    Stride {
        /// Index of the plane.
        plane: usize,
        /// Bytes given.
        stride: u32,
        /// Bytes needed.
        least: u64,
    },
    /// The plane ends behind the end of the dma-buf.
    #[error("plane {plane} ends at byte {end} of a dma-buf of {size}")]
    OutOfBounds {
        /// Index of the plane.
        plane: usize,
        /// Byte after the plane's last.
        end: u64,
        /// Bytes of the dma-buf.
        size: u64,
    },
    /// The descriptor is not a dma-buf.
    #[error("the file descriptor of plane {plane} is not a dma-buf")]
    NotDmabuf {
        /// Index of the plane.
        plane: usize,
    },
}

/// Checks a description; answers the facts of its format.
///
/// Linear buffers are checked to the last byte. Of tiled and compressed ones only what every layout
/// keeps is checked: the plane starts inside the dma-buf and one stride fits behind it. `Invalid`
/// (implicit modifier) counts as tiled.
pub fn check(params: &Params<'_>) -> Result<&'static FormatInfo, Violation> {
    let &Params { width, height, format, modifier, planes } = params;
    if width == 0 || height == 0 || i32::try_from(width).is_err() || i32::try_from(height).is_err() {
        return Err(Violation::Size { width, height });
    }
    let info = Fourcc::try_from(format).ok().and_then(formats::info).ok_or(Violation::Format(format))?;
    let layout = Modifier::from(modifier);
    let allowed = memory_planes(info, layout);
    if !allowed.contains(&u8::try_from(planes.len()).unwrap_or(u8::MAX)) {
        let (least, most) = (*allowed.start(), *allowed.end());
        return Err(Violation::PlaneCount { format: info.format, modifier, got: planes.len(), least, most });
    }
    for (plane, params) in planes.iter().enumerate() {
        let least = if is_linear(layout) { info.min_stride(plane, width) } else { 1 };
        if u64::from(params.stride) < least {
            return Err(Violation::Stride { plane, stride: params.stride, least });
        }
        // All terms fit: 2^31 lines of 2^32 bytes and an offset of 2^32 are below 2^64.
        let bytes = if is_linear(layout) {
            u64::from(params.stride) * u64::from(info.plane_height(plane, height) - 1) + least
        } else {
            u64::from(params.stride)
        };
        let end = u64::from(params.offset) + bytes;
        if let Some(size) = params.size.filter(|&size| end > size) {
            return Err(Violation::OutOfBounds { plane, end, size });
        }
    }
    Ok(info)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const XR24: u32 = Fourcc::Xrgb8888 as u32;
    const NV12: u32 = Fourcc::Nv12 as u32;
    const IMPLICIT: u64 = 0x00ff_ffff_ffff_ffff;

    fn plane(offset: u32, stride: u32, size: u64) -> PlaneParams {
        PlaneParams { offset, stride, size: Some(size) }
    }

    fn run(width: u32, height: u32, format: u32, modifier: u64, planes: &[PlaneParams]) -> Result<(), Violation> {
        check(&Params { width, height, format, modifier, planes }).map(drop)
    }

    #[test]
    fn good_descriptions_pass() {
        assert_eq!(run(64, 64, XR24, 0, &[plane(0, 256, 16384)]), Ok(()));
        assert_eq!(run(64, 64, XR24, 0, &[plane(16, 512, 16 + 512 * 63 + 256)]), Ok(()), "last line unpadded");
        assert_eq!(run(7, 5, NV12, 0, &[plane(0, 8, 64), plane(40, 8, 64)]), Ok(()));
        assert_eq!(run(64, 64, XR24, IMPLICIT, &[plane(0, 16, 4096)]), Ok(()));
        assert_eq!(run(64, 64, XR24, 0, &[PlaneParams { offset: 0, stride: 256, size: None }]), Ok(()));
        let ccs = (1 << 56) | 4;
        assert_eq!(run(64, 64, XR24, ccs, &[plane(0, 256, 20480), plane(16384, 128, 20480)]), Ok(()));
    }

    #[test]
    fn each_violation_is_named() {
        let ok = plane(0, 256, 16384);
        let size = |width, height| Violation::Size { width, height };
        let count = |got, least, most, format, modifier| Violation::PlaneCount { format, modifier, got, least, most };
        type Row<'a> = (u32, u32, u32, u64, &'a [PlaneParams], Violation);
        let table: &[Row<'_>] = &[
            (0, 64, XR24, 0, &[ok], size(0, 64)),
            (64, 0, XR24, 0, &[ok], size(64, 0)),
            (1 << 31, 1, XR24, 0, &[ok], size(1 << 31, 1)),
            (64, 64, 0x1234, 0, &[ok], Violation::Format(0x1234)),
            (64, 64, XR24, 0, &[], count(0, 1, 1, Fourcc::Xrgb8888, 0)),
            (64, 64, XR24, 0, &[ok, ok], count(2, 1, 1, Fourcc::Xrgb8888, 0)),
            (64, 64, NV12, 0, &[ok], count(1, 2, 2, Fourcc::Nv12, 0)),
            (64, 64, XR24, (1 << 56) | 4, &[ok], count(1, 2, 2, Fourcc::Xrgb8888, (1 << 56) | 4)),
            (64, 64, XR24, 0, &[plane(0, 255, 16384)], Violation::Stride { plane: 0, stride: 255, least: 256 }),
            (64, 64, XR24, IMPLICIT, &[plane(0, 0, 16384)], Violation::Stride { plane: 0, stride: 0, least: 1 }),
            (64, 64, XR24, 0, &[plane(1, 256, 16384)], Violation::OutOfBounds { plane: 0, end: 16385, size: 16384 }),
            (64, 64, XR24, 0, &[plane(0, 256, 16383)], Violation::OutOfBounds { plane: 0, end: 16384, size: 16383 }),
            (
                64,
                64,
                XR24,
                0,
                &[plane(u32::MAX, u32::MAX, 16384)],
                Violation::OutOfBounds { plane: 0, end: 64 * 0xffff_ffff + 256, size: 16384 },
            ),
            (
                8,
                4,
                NV12,
                0,
                &[plane(0, 8, 48), plane(40, 8, 48)],
                Violation::OutOfBounds { plane: 1, end: 56, size: 48 },
            ),
            (
                64,
                64,
                XR24,
                IMPLICIT,
                &[plane(4096, 256, 4096)],
                Violation::OutOfBounds { plane: 0, end: 4352, size: 4096 },
            ),
        ];
        for &(width, height, format, modifier, planes, violation) in table {
            assert_eq!(run(width, height, format, modifier, planes), Err(violation), "{violation}");
        }
    }

    proptest! {
        /// Whatever numbers come: no panic, no overflow, and what passes can be read to its last
        /// byte.
        #[test]
        fn what_passes_fits(
            width in any::<u32>(), height in any::<u32>(),
            which in 0..formats::FORMATS.len(), linear in any::<bool>(),
            raw in prop::collection::vec((any::<u32>(), any::<u32>(), any::<Option<u64>>()), 0..5),
            small in any::<bool>(),
        ) {
            let (width, height) = if small { (width % 128, height % 128) } else { (width, height) };
            let planes: Vec<_> = raw
                .into_iter()
                .map(|(offset, stride, size)| PlaneParams { offset: if small { offset % 65536 } else { offset }, stride: if small { stride % 1024 } else { stride }, size })
                .collect();
            let format = formats::FORMATS[which];
            let modifier = if linear { 0 } else { IMPLICIT };
            if run(width, height, format.format as u32, modifier, &planes).is_ok() {
                prop_assert!(width > 0 && height > 0 && planes.len() == usize::from(format.planes));
                for (at, plane) in planes.iter().enumerate().filter(|_| linear) {
                    let last = u128::from(plane.offset)
                        + u128::from(plane.stride) * u128::from(format.plane_height(at, height) - 1)
                        + u128::from(format.min_stride(at, width));
                    prop_assert!(plane.size.is_none_or(|size| last <= u128::from(size)));
                }
            }
        }

        /// Numbers that are not a format at all never panic either.
        #[test]
        fn any_format_number(format in any::<u32>(), modifier in any::<u64>(), width in 1u32..4096, height in 1u32..4096) {
            let planes = [plane(0, width.saturating_mul(8), u64::MAX); 4];
            for count in 0..=4 {
                let _ = run(width, height, format, modifier, &planes[..count]);
            }
        }
    }
}
