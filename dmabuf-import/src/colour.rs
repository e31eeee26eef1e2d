//! How YUV pixels become red, green and blue: matrix and range, and what is assumed where the
//! client does not say.
//!
//! Plain values; nothing here touches pixels. What the primaries are is another matter (colour
//! management).

/// The matrix of YUV pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Rec. ITU-R BT.601: standard definition.
    Bt601,
    /// Rec. ITU-R BT.709: high definition.
    Bt709,
    /// Rec. ITU-R BT.2020, non-constant luminance: ultra high definition.
    Bt2020,
}

/// Which numbers stand for black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// Of eight bits: luma 16 to 235, chroma 16 to 240.
    Limited,
    /// Luma and chroma 0 to 255.
    Full,
}

/// Both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Representation {
    /// The matrix.
    pub encoding: Encoding,
    /// The range.
    pub range: Range,
}

impl Representation {
    /// What a YUV image of `height` lines is assumed to be when the client does not say: limited
    /// range, BT.601 below 720 lines, BT.709 from there on.
    pub const fn default_for(height: u32) -> Self {
        let encoding = if height < 720 { Encoding::Bt601 } else { Encoding::Bt709 };
        Self { encoding, range: Range::Limited }
    }
}
