//! Rectangles of the screen and of buffers. Pure numbers.

use serde::Serialize;

/// A rectangle on the CRTC, in its pixels; may lie partly or wholly outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

impl Rect {
    /// A rectangle.
    pub const fn new(x: i32, y: i32, w: u32, h: u32) -> Self {
        Self { x, y, w, h }
    }

    /// The part of `self` that lies inside `other`, if any.
    pub fn intersection(&self, other: &Rect) -> Option<Rect> {
        let left = i64::from(self.x.max(other.x));
        let top = i64::from(self.y.max(other.y));
        let right = (i64::from(self.x) + i64::from(self.w)).min(i64::from(other.x) + i64::from(other.w));
        let bottom = (i64::from(self.y) + i64::from(self.h)).min(i64::from(other.y) + i64::from(other.h));
        (right > left && bottom > top)
            .then(|| Rect::new(left as i32, top as i32, (right - left) as u32, (bottom - top) as u32))
    }
}

/// The part of a buffer that a plane shows, in 16.16 fixed point, as `SRC_X` … `SRC_H` have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SrcRect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

impl SrcRect {
    /// Whole pixels. Sizes above 65535 saturate; no driver takes them.
    pub const fn pixels(x: u32, y: u32, w: u32, h: u32) -> Self {
        const fn fixed(pixels: u32) -> u32 {
            if pixels > 0xffff { u32::MAX } else { pixels << 16 }
        }
        Self { x: fixed(x), y: fixed(y), w: fixed(w), h: fixed(h) }
    }

    /// A whole buffer of `w` × `h` pixels.
    pub const fn full(w: u32, h: u32) -> Self {
        Self::pixels(0, 0, w, h)
    }

    /// From pixels with fractions; negative ones become 0.
    pub fn from_f64(x: f64, y: f64, w: f64, h: f64) -> Self {
        let fixed = |pixels: f64| (pixels * 65536.0).round() as u32;
        Self { x: fixed(x), y: fixed(y), w: fixed(w), h: fixed(h) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping() {
        let screen = Rect::new(0, 0, 100, 50);
        assert_eq!(Rect::new(-10, -10, 20, 20).intersection(&screen), Some(Rect::new(0, 0, 10, 10)));
        assert_eq!(Rect::new(90, 40, 20, 20).intersection(&screen), Some(Rect::new(90, 40, 10, 10)));
        assert_eq!(Rect::new(100, 0, 1, 1).intersection(&screen), None);
        assert_eq!(Rect::new(i32::MAX, 0, u32::MAX, 1).intersection(&screen), None);
    }

    #[test]
    fn fixed_point() {
        assert_eq!(SrcRect::full(1024, 768), SrcRect { x: 0, y: 0, w: 1024 << 16, h: 768 << 16 });
        assert_eq!(SrcRect::from_f64(0.5, -1.0, 2.25, 1.0), SrcRect { x: 0x8000, y: 0, w: 0x2_4000, h: 0x1_0000 });
        assert_eq!(SrcRect::pixels(1 << 20, 0, 1, 1).x, u32::MAX);
    }
}
