//! The moving image of the demo client: cheap to draw, and sensitive to every mistake.
//!
//! One frame is one contiguous slice of an image that was computed once: the slice starts a little
//! further each frame, so the image scrolls and a frame costs one copy. The bytes depend on the
//! position (fine noise on top of smooth colour), so a wrong offset, a stale frame or a torn one
//! changes almost every pixel, and thus the CRC. The frame's number is stamped on it twice: as
//! digits for people, as squares for tests.
//!
//! It draws XRGB8888 with a stride of `width * 4` only, and knows nothing of buffers, fences or
//! Wayland.

/// Rows by which the image moves each frame.
const STEP_ROWS: usize = 2;
/// Columns by which it moves.
const STEP_COLUMNS: usize = 3;
/// Frames after which it begins again.
const PERIOD: usize = 96;

/// Side of one square of the stamp, in pixels.
const CELL: usize = 8;
/// Bits in the stamp.
const BITS: usize = 24;
/// Upper left corner of the stamp.
const STAMP: (usize, usize) = (16, 16);

/// Segments a-g of the digits 0-9, one bit each.
const DIGITS: [u8; 10] = [0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f];

/// The precomputed image.
pub struct Pattern {
    width: usize,
    height: usize,
    base: Vec<u8>,
}

impl Pattern {
    /// Computes the image for frames of `width` × `height`; `hue` (0–255) tells clients apart.
    pub fn new(width: u32, height: u32, hue: u8) -> Pattern {
        let (w, h) = (width as usize, height as usize);
        let rows = h + PERIOD * STEP_ROWS + PERIOD * STEP_COLUMNS / w.max(1) + 2;
        let wave = |len: usize, turns: f32, phase: f32| -> Vec<f32> {
            (0..len).map(|i| ((i as f32 / len as f32 * turns + phase) * std::f32::consts::TAU).sin()).collect()
        };
        let shift = f32::from(hue) / 256.0;
        let (xa, xb) = (wave(w, 1.0, shift), wave(w, 3.0, 0.0));
        // The period in rows makes the end of the image fit its beginning.
        let period = PERIOD * STEP_ROWS;
        let (ya, yb) = (wave(period, 1.0, 0.0), wave(period, 2.0, shift));
        let mut base = Vec::with_capacity(rows * w * 4);
        for y in 0..rows {
            let (sa, sb) = (ya[y % period], yb[y % period]);
            for x in 0..w {
                let n = noise(x as u32, (y % period) as u32);
                let level = |v: f32| (116.0 + 96.0 * v).clamp(0.0, 240.0) as u8;
                let grid = if (x + y) % 64 < 2 || (x + 64 * 64 - y % (64 * 64)) % 64 < 2 { 14 } else { 0 };
                let r = level((xa[x] + sa) * 0.5) + grid;
                let g = level((xb[x] * sb + xa[x]) * 0.4 - 0.25) + grid;
                let b = level((sa - xb[x]) * 0.35 + 0.35) + grid;
                let n = n.to_le_bytes();
                base.extend_from_slice(&[b ^ (n[0] & 7), g ^ (n[1] & 7), r ^ (n[2] & 7), 0xff]);
            }
        }
        Pattern { width: w, height: h, base }
    }

    /// Bytes of a frame.
    pub fn len(&self) -> usize {
        self.width * self.height * 4
    }

    /// Whether a frame has no pixel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slice(&self, frame: u64) -> &[u8] {
        let step = frame as usize % PERIOD;
        let start = (step * STEP_ROWS * self.width + step * STEP_COLUMNS) * 4;
        &self.base[start..start + self.len()]
    }

    /// Where the part begins that [`Pattern::finish`] draws.
    fn split(&self) -> usize {
        (self.height - self.height / 8) * self.width * 4
    }

    /// Draws most of a frame. Until [`Pattern::finish`] the stamp and the lowest eighth are still
    /// those of the buffer's earlier content, so that reading it too early shows a torn frame.
    pub fn begin(&self, frame: u64, into: &mut [u8]) {
        let stamp_rows = (STAMP.1 + CELL * 9).min(self.height) * self.width * 4;
        let split = self.split().max(stamp_rows);
        into[stamp_rows..split].copy_from_slice(&self.slice(frame)[stamp_rows..split]);
    }

    /// Draws the rest.
    pub fn finish(&self, frame: u64, into: &mut [u8]) {
        let stamp_rows = (STAMP.1 + CELL * 9).min(self.height) * self.width * 4;
        let split = self.split().max(stamp_rows);
        into[..stamp_rows].copy_from_slice(&self.slice(frame)[..stamp_rows]);
        into[split..self.len()].copy_from_slice(&self.slice(frame)[split..]);
        self.stamp(frame, into);
    }

    /// Draws all of it.
    pub fn draw(&self, frame: u64, into: &mut [u8]) {
        self.begin(frame, into);
        self.finish(frame, into);
    }

    fn rect(&self, into: &mut [u8], (x, y): (usize, usize), (w, h): (usize, usize), colour: [u8; 4]) {
        for row in y..(y + h).min(self.height) {
            let from = (row * self.width + x.min(self.width)) * 4;
            let to = (row * self.width + (x + w).min(self.width)) * 4;
            for pixel in into[from..to].as_chunks_mut::<4>().0 {
                *pixel = colour;
            }
        }
    }

    fn stamp(&self, frame: u64, into: &mut [u8]) {
        const INK: [u8; 4] = [0xf4, 0xf4, 0xf4, 0xff];
        const PAPER: [u8; 4] = [0x20, 0x18, 0x18, 0xff];
        let (x, y) = STAMP;
        self.rect(into, (x - CELL, y - CELL), (CELL * (BITS + 2), CELL * 9), PAPER);
        for bit in 0..BITS {
            let on = frame >> (BITS - 1 - bit) & 1 == 1;
            self.rect(into, (x + bit * CELL, y), (CELL, CELL), if on { INK } else { [0, 0, 0, 0xff] });
        }
        let digits = format!("{:06}", frame % 1_000_000);
        for (i, digit) in digits.bytes().enumerate() {
            self.digit(into, DIGITS[usize::from(digit - b'0')], (x + i * 24, y + CELL * 2), INK);
        }
    }

    /// One seven-segment digit, 16 × 36 pixels.
    fn digit(&self, into: &mut [u8], segments: u8, (x, y): (usize, usize), ink: [u8; 4]) {
        let bars = [
            ((0, 0), (16, 4)),
            ((12, 0), (4, 18)),
            ((12, 18), (4, 18)),
            ((0, 32), (16, 4)),
            ((0, 18), (4, 18)),
            ((0, 0), (4, 18)),
            ((0, 16), (16, 4)),
        ];
        for (i, ((dx, dy), size)) in bars.into_iter().enumerate() {
            if segments >> i & 1 == 1 {
                self.rect(into, (x + dx, y + dy), size, ink);
            }
        }
    }
}

/// The frame number stamped on an image whose upper left corner is given, read from the red channel
/// of its pixels; `None` if there is no stamp.
pub fn read_stamp(red_at: impl Fn(usize, usize) -> u8) -> Option<u64> {
    let mut frame = 0;
    for bit in 0..BITS {
        let level = red_at(STAMP.0 + bit * CELL + CELL / 2, STAMP.1 + CELL / 2);
        frame = frame << 1
            | match level {
                0..=0x10 => 0,
                0xe8..=0xff => 1,
                _ => return None,
            };
    }
    Some(frame)
}

/// A hash of a position, spread over all bits.
fn noise(x: u32, y: u32) -> u32 {
    let mut h = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2c1b_3c6d);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297a_2d39);
    h ^ h >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(pattern: &Pattern, n: u64) -> Vec<u8> {
        let mut bytes = vec![0; pattern.len()];
        pattern.draw(n, &mut bytes);
        bytes
    }

    #[test]
    fn neighbours_differ_everywhere() {
        let pattern = Pattern::new(320, 240, 0);
        for n in [0, 1, 94, 95, 600] {
            let (a, b) = (frame(&pattern, n), frame(&pattern, n + 1));
            let below = 320 * 4 * 120;
            let pixels = (a.len() - below) / 4;
            let same = (below..a.len()).step_by(4).filter(|i| a[*i..*i + 4] == b[*i..*i + 4]).count();
            assert!(same * 50 < pixels, "frames {n} and {} agree in {same} of {pixels} pixels", n + 1);
        }
    }

    #[test]
    fn a_shifted_frame_differs() {
        let pattern = Pattern::new(320, 240, 0);
        let a = frame(&pattern, 7)[320 * 4 * 100..].to_vec(); // below the stamp
        let same = (0..a.len() - 4).step_by(4).filter(|i| a[*i..*i + 4] == a[*i + 4..*i + 8]).count();
        assert!(same * 8 < a.len() / 4);
    }

    #[test]
    fn begin_alone_is_torn() {
        let pattern = Pattern::new(320, 240, 0);
        let mut torn = frame(&pattern, 5);
        pattern.begin(9, &mut torn);
        assert_ne!(torn, frame(&pattern, 9));
        pattern.finish(9, &mut torn);
        assert!(torn == frame(&pattern, 9));
    }

    #[test]
    fn the_stamp_is_read_back() {
        let pattern = Pattern::new(640, 480, 90);
        for n in [0, 1, 599, 0x00ab_cdef] {
            let bytes = frame(&pattern, n);
            assert_eq!(read_stamp(|x, y| bytes[(y * 640 + x) * 4 + 2]), Some(n));
        }
        assert_eq!(read_stamp(|_, _| 0x80), None);
    }

    #[test]
    fn small_frames_do_not_panic() {
        let pattern = Pattern::new(16, 9, 0);
        frame(&pattern, 3);
    }
}
