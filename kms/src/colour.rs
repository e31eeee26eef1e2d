//! What colour properties take as blobs: tables, matrices, HDR metadata. Each is owned here and
//! destroyed on drop.
//!
//! The kernel keeps a blob alive as long as its state uses it, so one may be dropped right after
//! the commit that set it.

use crate::blob::Blob;
use crate::id::BlobId;
use crate::{CallError, Device};

/// A table for `GAMMA_LUT` or `DEGAMMA_LUT` (`struct drm_color_lut`).
#[derive(Debug)]
pub struct Lut {
    blob: Blob,
    /// Kept for predictions.
    values: Box<[[u16; 3]]>,
}

impl Lut {
    /// Gives a table of red, green and blue to the kernel: what black to white becomes, evenly
    /// spaced, 0xffff = full. It must have as many entries as
    /// [`crate::props::CrtcProps::gamma_lut_size`] says. Errors: ENOMEM, EINVAL (empty).
    pub fn new(device: &Device, entries: &[[u16; 3]]) -> Result<Self, CallError> {
        let mut data = Vec::with_capacity(entries.len() * 8);
        for [red, green, blue] in entries {
            for channel in [red, green, blue, &0] {
                data.extend_from_slice(&channel.to_ne_bytes());
            }
        }
        Ok(Self { blob: Blob::new(device, &data)?, values: entries.into() })
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.values.len()
    }

    /// Its entries: red, green, blue.
    pub fn values(&self) -> &[[u16; 3]] {
        &self.values
    }

    /// Id of its blob.
    pub fn id(&self) -> BlobId {
        self.blob.id()
    }
}

/// A number as the kernel has it in matrices: sign and magnitude, 31 bits before the point and 32
/// after it. Numbers beyond that are clamped; NaN becomes 0.
pub fn s31_32(value: f64) -> u64 {
    const ONE: f64 = 4_294_967_296.0;
    let magnitude = (value.abs() * ONE).round() as u64;
    let sign = if value < 0.0 { 1 << 63 } else { 0 };
    magnitude.min(i64::MAX as u64) | sign
}

fn matrix(device: &Device, rows: impl Iterator<Item = f64>) -> Result<Blob, CallError> {
    let data: Vec<u8> = rows.flat_map(|value| s31_32(value).to_ne_bytes()).collect();
    Blob::new(device, &data)
}

/// A matrix for `CTM` (`struct drm_color_ctm`): rows of red, green, blue.
#[derive(Debug)]
pub struct Ctm(Blob);

impl Ctm {
    /// Gives a matrix to the kernel. Errors: ENOMEM.
    pub fn new(device: &Device, rows: [[f64; 3]; 3]) -> Result<Self, CallError> {
        matrix(device, rows.into_iter().flatten()).map(Self)
    }

    /// Id of its blob.
    pub fn id(&self) -> BlobId {
        self.0.id()
    }
}

/// A matrix with an offset for colour pipelines (`struct drm_color_ctm_3x4`): rows of red, green,
/// blue and what is added.
#[derive(Debug)]
pub struct Ctm3x4(Blob);

impl Ctm3x4 {
    /// Gives a matrix to the kernel. Errors: ENOMEM.
    pub fn new(device: &Device, rows: [[f64; 4]; 3]) -> Result<Self, CallError> {
        matrix(device, rows.into_iter().flatten()).map(Self)
    }

    /// Id of its blob.
    pub fn id(&self) -> BlobId {
        self.0.id()
    }
}

/// Electro-optical transfer function of an image (CTA-861-G, table 85).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eotf {
    /// Traditional gamma, SDR luminance range.
    Sdr = 0,
    /// Traditional gamma, HDR luminance range.
    TraditionalHdr = 1,
    /// SMPTE ST 2084.
    Pq = 2,
    /// Hybrid log gamma.
    Hlg = 3,
}

/// Static metadata type 1 (CTA-861-G 6.9): what the image was mastered for. Zeroes are "unknown".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HdrStatic {
    /// Transfer function.
    pub eotf: Eotf,
    /// Chromaticities x, y of the primaries, in units of 0.00002.
    pub primaries: [(u16, u16); 3],
    /// White point, in units of 0.00002.
    pub white: (u16, u16),
    /// Greatest luminance of the mastering display in cd/m².
    pub max_mastering: u16,
    /// Least luminance of it in units of 0.0001 cd/m².
    pub min_mastering: u16,
    /// Greatest luminance of a pixel in cd/m² (MaxCLL).
    pub max_cll: u16,
    /// Greatest average luminance of a frame in cd/m² (MaxFALL).
    pub max_fall: u16,
}

/// A blob for `HDR_OUTPUT_METADATA` (`struct hdr_output_metadata`).
#[derive(Debug)]
pub struct HdrMetadata(Blob);

impl HdrMetadata {
    /// Gives metadata to the kernel. Errors: ENOMEM.
    pub fn new(device: &Device, metadata: &HdrStatic) -> Result<Self, CallError> {
        Blob::new(device, &metadata.bytes()).map(Self)
    }

    /// Id of its blob.
    pub fn id(&self) -> BlobId {
        self.0.id()
    }
}

impl HdrStatic {
    /// `struct hdr_output_metadata`: a type of 4 bytes, the infoframe of 26, and 2 of padding.
    fn bytes(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out[4] = self.eotf as u8;
        let points = self.primaries.into_iter().chain([self.white]).flat_map(|(x, y)| [x, y]);
        let limits = [self.max_mastering, self.min_mastering, self.max_cll, self.max_fall];
        for (at, number) in points.chain(limits).enumerate() {
            out[6 + at * 2..][..2].copy_from_slice(&number.to_ne_bytes());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_is_sign_and_magnitude() {
        let table = [
            (0.0, 0),
            (1.0, 1 << 32),
            (-1.0, 1 << 63 | 1 << 32),
            (0.5, 1 << 31),
            (-0.25, 1 << 63 | 1 << 30),
            (f64::INFINITY, i64::MAX as u64),
            (f64::NAN, 0),
        ];
        for (value, expected) in table {
            assert_eq!(s31_32(value), expected, "{value}");
        }
    }

    #[test]
    fn hdr_metadata_lies_as_the_kernel_has_it() {
        let metadata = HdrStatic {
            eotf: Eotf::Pq,
            primaries: [(1, 2), (3, 4), (5, 6)],
            white: (7, 8),
            max_mastering: 9,
            min_mastering: 10,
            max_cll: 11,
            max_fall: 12,
        };
        let bytes = metadata.bytes();
        assert_eq!(bytes[..6], [0, 0, 0, 0, 2, 0]);
        let numbers: Vec<u16> = bytes[6..30].as_chunks().0.iter().map(|pair| u16::from_ne_bytes(*pair)).collect();
        assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    }
}
