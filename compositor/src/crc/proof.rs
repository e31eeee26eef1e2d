//! Whether a picture is what a display has shown: the CRC of the picture by the display's arithmetic, and
//! the CRC that was read for the frame. It takes no picture, and reads no CRC.
//!
//! Equality proves it, whatever the display did. A difference proves the contrary only if the display has
//! nothing of the frame that a picture lacks ([`crate::crc::beyond`]); else nothing is known.

use std::fmt;

use drm_fourcc::DrmFourcc;
use kms::{
    Rect, SrcRect,
    crc::{
        lcdif,
        vkms::{self, ModelPlane},
    },
};
use serde::Serialize;

use crate::crc::{
    frames::{FrameCrc, FrameRecord},
    judge::CrcVerdict,
    predict::Arithmetic,
};

/// The CRC that a display of this model ([`Arithmetic::name`]) has while it shows this picture and nothing else:
/// XRGB8888, so many pixels a row and rows. `None`: it is no model of a whole display, or the picture is too short.
pub fn crc_of_picture(model: &str, (width, height): (u32, u32), picture: &[u8]) -> Option<u32> {
    let stride = width.checked_mul(4)?;
    if Some(model) == Arithmetic::Lcdif.name() {
        return lcdif::crc(width, height, picture, stride);
    }
    let is_vkms = Some(model) == Arithmetic::Vkms.name();
    let (src, dst) = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
    let plane = is_vkms.then(|| ModelPlane::new(picture, stride, DrmFourcc::Xrgb8888 as u32, src, dst))?;
    Some(vkms::crc(width, height, &[plane.ok()?]))
}

/// What is known of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// It is what the display has shown.
    Equal,
    /// It is not.
    Different,
    /// Nothing.
    Unknown,
}

/// A picture beside the frame that it shows. The names of the fields are part of the interface of `--json`
/// (docs/capture.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub verdict: Likeness,
    /// Why nothing is known.
    pub why: Option<String>,
    /// Connector.
    pub output: Option<String>,
    /// The frame, as in `syncline msg frames`.
    pub frame: Option<u64>,
    pub sequence: Option<u64>,
    pub time_ns: Option<u64>,
    /// The values from the display.
    pub read: Vec<u32>,
    /// The CRC of the picture.
    pub picture: Option<u32>,
}

impl Proof {
    /// Nothing is known.
    pub fn unknown(why: impl Into<String>) -> Self {
        let (verdict, why) = (Likeness::Unknown, Some(why.into()));
        Self { verdict, why, output: None, frame: None, sequence: None, time_ns: None, read: Vec::new(), picture: None }
    }

    /// Compares a picture of this CRC with a frame. Error: why this frame proves nothing, but another may.
    pub fn of(frame: &FrameRecord, picture: u32) -> Result<Self, &'static str> {
        let crc = frame.crc.as_ref().ok_or("its CRC was not read")?;
        let read = match crc.verdict {
            None => return Err("its CRC is not judged yet"),
            Some(CrcVerdict::Unread | CrcVerdict::Settling) => return Err("its CRC was not read"),
            Some(CrcVerdict::Ambiguous) => return Err("its CRC may be that of another frame"),
            Some(_) if frame.tears => return Err("it was flipped in the middle of a scan-out"),
            Some(_) if crc.changed > 0 => return Err("the screen has changed while it was shown"),
            Some(_) => *crc.read.first().ok_or("its CRC was not read")?,
        };
        let (verdict, why) = match (read == picture, crc.beyond.why()) {
            (true, _) => (Likeness::Equal, None),
            (false, None) => (Likeness::Different, None),
            (false, Some(why)) => (Likeness::Unknown, Some(why.to_owned())),
        };
        Ok(Self {
            verdict,
            why,
            output: Some(frame.output.clone()),
            frame: Some(frame.frame),
            sequence: Some(frame.sequence),
            time_ns: Some(frame.time_ns),
            read: crc.read.clone(),
            picture: Some(picture),
        })
    }

    /// The exit status that says it.
    pub fn status(&self) -> u8 {
        match self.verdict {
            Likeness::Equal => 0,
            Likeness::Different => 1,
            Likeness::Unknown => 2,
        }
    }
}

/// Whether a frame has a CRC that is not judged yet.
pub fn is_open(frame: &FrameRecord) -> bool {
    matches!(&frame.crc, Some(FrameCrc { verdict: None, .. }))
}

/// One line.
impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (output, frame) = (self.output.as_deref().unwrap_or("?"), self.frame.unwrap_or_default());
        let (read, picture) = (self.read.first().copied().unwrap_or_default(), self.picture.unwrap_or_default());
        match self.verdict {
            Likeness::Equal => {
                write!(f, "{output}: the picture is equal to frame {frame} on the display: {read:#010x}")
            }
            Likeness::Different => write!(
                f,
                "{output}: the picture is DIFFERENT from frame {frame} on the display: picture {picture:#010x}, display \
                 {read:#010x}"
            ),
            Likeness::Unknown => write!(f, "not known: {}", self.why.as_deref().unwrap_or("no reason")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crc::beyond::Beyond;

    const SIZE: (u32, u32) = (8, 2);

    fn picture() -> Vec<u8> {
        (0..64).collect()
    }

    fn frame(crc: FrameCrc) -> FrameRecord {
        FrameRecord { output: "A-1".into(), frame: 7, crc: Some(crc), ..FrameRecord::default() }
    }

    fn judged(read: u32, verdict: CrcVerdict) -> FrameCrc {
        FrameCrc { read: vec![read, 5], verdict: Some(verdict), ..FrameCrc::default() }
    }

    #[test]
    fn an_altered_picture_is_different_by_each_arithmetic() {
        for model in ["vkms", "lcdif"] {
            let crc = crc_of_picture(model, SIZE, &picture()).unwrap();
            let shown = frame(judged(crc, CrcVerdict::Equal));
            assert_eq!(Proof::of(&shown, crc).unwrap().status(), 0);
            // One bit of one colour of the last pixel.
            let mut altered = picture();
            altered[60] ^= 1;
            let proof = Proof::of(&shown, crc_of_picture(model, SIZE, &altered).unwrap()).unwrap();
            assert_eq!((proof.verdict, proof.status()), (Likeness::Different, 1));
            assert!(proof.to_string().contains("DIFFERENT from frame 7"), "{proof}");
        }
        // No display looks at the fourth byte of XRGB8888.
        let mut same = picture();
        same[63] ^= 1;
        assert_eq!(crc_of_picture("vkms", SIZE, &same), crc_of_picture("vkms", SIZE, &picture()));
    }

    #[test]
    fn other_models_and_short_pictures_have_no_crc() {
        for model in ["vkms, one plane", "i915", ""] {
            assert_eq!(crc_of_picture(model, SIZE, &picture()), None, "{model}");
        }
        for model in ["vkms", "lcdif"] {
            assert_eq!(crc_of_picture(model, (8, 3), &picture()), None, "{model}");
        }
    }

    #[test]
    fn a_difference_proves_nothing_where_the_display_does_more() {
        let beyond = Beyond { scaled: true, ..Beyond::default() };
        let shown = frame(FrameCrc { beyond, ..judged(1, CrcVerdict::Equal) });
        let proof = Proof::of(&shown, 2).unwrap();
        assert_eq!(
            (proof.status(), proof.to_string().as_str()),
            (2, "not known: a plane of the display scales a buffer")
        );
        assert_eq!(Proof::of(&shown, 1).unwrap().verdict, Likeness::Equal, "equal is equal");
    }

    #[test]
    fn frames_of_which_no_crc_is_certain_prove_nothing() {
        for (crc, why) in [
            (judged(1, CrcVerdict::Unread), "not read"),
            (judged(1, CrcVerdict::Settling), "not read"),
            (judged(1, CrcVerdict::Ambiguous), "another frame"),
            (FrameCrc::default(), "not judged"),
            (FrameCrc { read: Vec::new(), ..judged(1, CrcVerdict::Equal) }, "not read"),
            (FrameCrc { changed: 1, ..judged(1, CrcVerdict::Equal) }, "has changed"),
        ] {
            let said = Proof::of(&frame(crc), 1).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        assert!(Proof::of(&FrameRecord::default(), 1).is_err());
        assert!(Proof::of(&FrameRecord { tears: true, ..frame(judged(1, CrcVerdict::Equal)) }, 1).is_err());
    }
}
