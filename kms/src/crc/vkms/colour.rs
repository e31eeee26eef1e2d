//! Colour after reading a plane and before the CRC: the CRTC's gamma LUT and a plane's colour
//! pipeline, as `vkms_composer.c` has them.

use std::sync::OnceLock;

use super::fixed::{div, from_int, from_sign_magnitude, mul, round};

/// Entries of a LUT at most (`VKMS_LUT_SIZE`).
pub const MAX_LUT: usize = 256;

/// A LUT of one channel: the result for every input.
fn table(lut: &[u16]) -> Box<[u16; 1 << 16]> {
    let last = lut.len() - 1;
    let ratio = if last == 0 { 0 } else { div(from_int(last as i32), from_int(0xffff)) };
    let mut table = Box::new([0; 1 << 16]);
    for (input, output) in table.iter_mut().enumerate() {
        let index = mul(from_int(input as i32), ratio);
        let (floor, fraction) = ((index >> 32) as usize, index & 0xffff_ffff);
        let ceil = if floor == last { floor } else { ((index + 0xffff_ffff) >> 32) as usize };
        let (low, high) = (from_int(lut[floor].into()), from_int(lut[ceil].into()));
        *output = round(low + mul(high - low, fraction)) as u16;
    }
    table
}

/// The CRTC's `GAMMA_LUT`, ready for use. Half a megabyte and a few milliseconds: make it when the
/// property changes, not for each frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gamma {
    channels: [Box<[u16; 1 << 16]>; 3],
}

impl Gamma {
    /// From the blob's entries: red, green, blue of each. `None` without entries, or with more than
    /// [`MAX_LUT`], which vkms refuses.
    pub fn new(entries: &[[u16; 3]]) -> Option<Self> {
        let channel = |at: usize| table(&entries.iter().map(|entry| entry[at]).collect::<Vec<_>>());
        let fits = (1..=MAX_LUT).contains(&entries.len());
        fits.then(|| Self { channels: [channel(0), channel(1), channel(2)] })
    }

    pub(super) fn apply(&self, line: &mut [u64]) {
        let [red, green, blue] = &self.channels;
        for pixel in line {
            let channel =
                |table: &[u16; 1 << 16], shift| u64::from(table[usize::from((*pixel >> shift) as u16)]) << shift;
            *pixel = *pixel & 0xffff | channel(red, 16) | channel(green, 32) | channel(blue, 48);
        }
    }
}

/// One step of a plane's colour pipeline (a `drm_colorop` that is not bypassed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorOp {
    /// `1D Curve`, type `sRGB EOTF`.
    SrgbEotf,
    /// `1D Curve`, type `sRGB Inverse EOTF`.
    SrgbInverseEotf,
    /// `3x4 Matrix`: `struct drm_color_ctm_3x4`, sign and magnitude with 32 fractional bits.
    Matrix([u64; 12]),
}

/// A channel on its way: wider than 16 bits, so that steps may leave the range and come back.
type Wide = [i32; 3];

impl ColorOp {
    fn apply(&self, pixel: Wide) -> Wide {
        match self {
            // The kernel hands the low 16 bits to the curve.
            Self::SrgbEotf => pixel.map(|channel| srgb().0[usize::from(channel as u16)].into()),
            Self::SrgbInverseEotf => pixel.map(|channel| srgb().1[usize::from(channel as u16)].into()),
            Self::Matrix(matrix) => std::array::from_fn(|row| {
                let row = &matrix[row * 4..][..4];
                let part = |at: usize| mul(from_sign_magnitude(row[at]), from_int(pixel[at]));
                let sum = part(0).wrapping_add(part(1)).wrapping_add(part(2));
                round(sum.wrapping_add(from_sign_magnitude(row[3])))
            }),
        }
    }
}

/// Runs pixels through a pipeline; alpha stays.
pub(super) fn transform(ops: &[ColorOp], line: &mut [u64]) {
    for pixel in line {
        let channels = [16, 32, 48].map(|shift| i32::from((*pixel >> shift) as u16));
        let channels = ops.iter().fold(channels, |channels, op| op.apply(channels));
        let [red, green, blue] = channels.map(|channel| channel.clamp(0, 0xffff) as u64);
        *pixel = *pixel & 0xffff | red << 16 | green << 32 | blue << 48;
    }
}

/// A curve's table.
type Curve = Box<[u16; 1 << 16]>;

/// The curves of `vkms_luts.c`, to linear light and back: 256 entries each by the formulas of IEC
/// 61966-2-1, cut to whole numbers.
fn srgb() -> &'static (Curve, Curve) {
    static MADE: OnceLock<(Curve, Curve)> = OnceLock::new();
    MADE.get_or_init(|| (table(&entries(to_linear, 0.0)), table(&entries(from_linear, 0.002))))
}

fn to_linear(x: f64) -> f64 {
    if x <= 0.04045 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
}

fn from_linear(x: f64) -> f64 {
    if x <= 0.003_130_8 { x * 12.92 } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 }
}

/// `slack`: the kernel's table came from single precision, which shows in one entry that lies just
/// below a whole number.
fn entries(curve: fn(f64) -> f64, slack: f64) -> [u16; 256] {
    std::array::from_fn(|at| (curve(at as f64 / 255.0) * 65535.0 + slack) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of the kernel's `srgb_array` and `srgb_inv_array`; all are tried by the lab's
    /// pipelines.
    #[test]
    fn curves_of_the_kernel() {
        let (eotf, inverse) = (entries(to_linear, 0.0), entries(from_linear, 0.002));
        assert_eq!((eotf[..5].to_vec(), eotf[255]), (vec![0, 0x13, 0x27, 0x3b, 0x4f], 0xffff));
        assert_eq!((inverse[..3].to_vec(), inverse[210], inverse[255]), (vec![0, 0xcc2, 0x15be], 60162, 0xffff));
    }

    #[test]
    fn luts() {
        let line = |entries: &[[u16; 3]], input: u16| {
            let mut line = [(u64::from(input) * 0x1_0001_0001_0000) | 0xffff];
            Gamma::new(entries).expect("a LUT").apply(&mut line);
            line[0]
        };
        let ends = [[0, 0, 0xffff], [0xffff, 0x8000, 0]];
        assert_eq!(line(&ends, 0), 0xffff_0000_0000_ffff);
        // The kernel's product loses the last bits: the ends of ramps are missed by 1, as the lab's
        // vkms says too.
        assert_eq!(line(&ends, 0xffff), 0x0001_8000_fffe_ffff);
        assert_eq!(line(&[[7, 8, 9]], 0x1234), 0x0009_0008_0007_ffff);
        assert_eq!(Gamma::new(&[]), None);
        assert_eq!(Gamma::new(&[[0; 3]; 257]), None);
    }

    #[test]
    fn pipelines() {
        let one = 1 << 32;
        let swap = ColorOp::Matrix([0, 0, one, 0, 0, one, 0, 0, one, 0, 0, 0]);
        let double = ColorOp::Matrix([2 * one, 0, 0, 0, 0, 2 * one, 0, 0, 0, 0, 2 * one, 0]);
        let half = ColorOp::Matrix([one / 2, 0, 0, 0, 0, one / 2, 0, 0, 0, 0, one / 2, 0]);
        let run = |ops: &[ColorOp]| {
            let mut line = [0x9000_5000_1000_8888];
            transform(ops, &mut line);
            line[0]
        };
        assert_eq!(run(&[]), 0x9000_5000_1000_8888);
        assert_eq!(run(&[swap]), 0x1000_5000_9000_8888);
        assert_eq!(run(&[double]), 0xffff_a000_2000_8888);
        assert_eq!(run(&[double, half]), 0x9000_5000_1000_8888, "what is above the range may come back");
    }
}
