//! What a display says of itself: the EDID's base block, and of its CTA-861 extensions what a
//! compositor asks for.
//!
//! A parser of our own because libdisplay-info is not in every distribution that Syncline runs on.
//! It reads names, size, HDR, colorimetry and the CEC address; never timings, which the kernel's
//! modes carry. Damaged blocks are passed over, whole.

use serde::{Deserialize, Serialize};

/// Size of a block.
const BLOCK: usize = 128;
/// Tag of a CTA-861 extension block.
const CTA: u8 = 0x02;
/// Organisation of the HDMI 1.x vendor block, which carries the CEC physical address.
const OUI_HDMI: [u8; 3] = [0x03, 0x0c, 0x00];

/// A display, as its EDID describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Edid {
    /// PNP id of the maker: three capital letters.
    pub vendor: String,
    /// The maker's product code.
    pub product: u16,
    /// Serial number; 0 if it has none.
    pub serial_number: u32,
    /// Name of the model (descriptor 0xfc).
    pub name: Option<String>,
    /// Serial number in letters (descriptor 0xff).
    pub serial: Option<String>,
    /// Year of making, or of the model.
    pub year: u16,
    /// Version and revision of the EDID.
    pub version: (u8, u8),
    /// Width and height in cm; 0 if unknown (projectors).
    pub size_cm: (u8, u8),
    /// The lowest rate at which it shows frames, in Hz (descriptor 0xfd): how long a frame may be with
    /// a variable refresh.
    pub lowest_hz: Option<u32>,
    /// What of HDR it takes; `None` without an HDR static metadata block.
    pub hdr: Option<Hdr>,
    /// Wide colorimetries that it takes.
    pub colorimetry: Vec<Colorimetry>,
    /// Where its CEC line puts a source: `0x1000` is `1.0.0.0`.
    pub cec_address: Option<u16>,
    /// Of all its bytes: two displays of one model may differ in nothing else (FNV-1a).
    #[serde(default)]
    pub digest: u64,
}

/// HDR static metadata block of CTA-861.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hdr {
    /// SMPTE ST 2084.
    pub pq: bool,
    /// Hybrid log-gamma.
    pub hlg: bool,
    /// Whether it reads static metadata type 1.
    pub metadata: bool,
    /// Desired content maximum luminance in cd/m², rounded; `None` if it does not say.
    pub max_nits: Option<u32>,
}

/// Colorimetry data block of CTA-861, as far as it is wider than sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colorimetry {
    /// BT.2020, non-constant luminance YCC.
    Bt2020Ycc,
    /// BT.2020 RGB.
    Bt2020Rgb,
    /// DCI-P3 RGB.
    DciP3,
}

/// The minimum vertical rate of a display range limits descriptor, with the offset that E-EDID 1.4 has
/// for rates above 255 Hz.
fn lowest_hz(descriptor: &[u8]) -> u32 {
    let offset = if descriptor[4] & 0b11 == 0b11 { 255 } else { 0 };
    u32::from(descriptor[5]) + offset
}

fn digest(bytes: &[u8]) -> u64 {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(START, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

impl Edid {
    /// Reads an EDID; `None` where its base block is not one, or its checksum is wrong.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let base = bytes.get(..BLOCK).filter(|block| sound(block))?;
        if base[..8] != [0, 255, 255, 255, 255, 255, 255, 0] {
            return None;
        }
        let letters = u16::from_be_bytes([base[8], base[9]]);
        let letter = |shift: u16| char::from(b'@' + ((letters >> shift) & 0x1f) as u8);
        let mut edid = Self {
            vendor: [letter(10), letter(5), letter(0)].iter().collect(),
            product: u16::from_le_bytes([base[10], base[11]]),
            serial_number: u32::from_le_bytes([base[12], base[13], base[14], base[15]]),
            year: 1990 + u16::from(base[17]),
            version: (base[18], base[19]),
            size_cm: (base[21], base[22]),
            digest: digest(bytes),
            ..Self::default()
        };
        for descriptor in base[54..126].chunks_exact(18).filter(|d| d[..3] == [0, 0, 0]) {
            match descriptor[3] {
                0xfc => edid.name = text(&descriptor[5..]),
                0xff => edid.serial = text(&descriptor[5..]),
                0xfd => edid.lowest_hz = Some(lowest_hz(descriptor)).filter(|hz| *hz > 0),
                _ => {}
            }
        }
        let extensions = bytes[BLOCK..].chunks_exact(BLOCK).take(base[126].into());
        extensions.filter(|block| block[0] == CTA && sound(block)).for_each(|block| edid.read_cta(block));
        Some(edid)
    }

    /// The maker: the PNP id.
    pub fn make(&self) -> &str {
        &self.vendor
    }

    /// The model: its name, else its product code.
    pub fn model(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("{:#06x}", self.product))
    }

    fn read_cta(&mut self, block: &[u8]) {
        let end = usize::from(block[2]).clamp(4, BLOCK - 1);
        let mut rest = &block[4..end];
        while let [head, tail @ ..] = rest {
            let len = usize::from(head & 0x1f);
            let Some(data) = tail.get(..len) else { return };
            match (head >> 5, data) {
                (3, [a, b, c, high, low, ..]) if [*a, *b, *c] == OUI_HDMI => {
                    self.cec_address = Some(u16::from_be_bytes([*high, *low])).filter(|&address| address != 0xffff);
                }
                (7, [5, bits, more @ ..]) => self.read_colorimetry(*bits, more.first().copied().unwrap_or(0)),
                (7, [6, eotf, descriptors, luminance @ ..]) => {
                    self.hdr = Some(Hdr {
                        pq: eotf & 4 != 0,
                        hlg: eotf & 8 != 0,
                        metadata: descriptors & 1 != 0,
                        // CTA-861: 50 × 2^(code / 32).
                        max_nits: luminance
                            .first()
                            .filter(|&&code| code != 0)
                            .map(|&code| (50.0 * 2f64.powf(f64::from(code) / 32.0)).round() as u32),
                    });
                }
                _ => {}
            }
            rest = &tail[len..];
        }
    }

    fn read_colorimetry(&mut self, bits: u8, more: u8) {
        let table = [
            (bits & 0x40, Colorimetry::Bt2020Ycc),
            (bits & 0x80, Colorimetry::Bt2020Rgb),
            (more & 0x80, Colorimetry::DciP3),
        ];
        self.colorimetry.extend(table.iter().filter(|(bit, _)| *bit != 0).map(|(_, what)| *what));
    }
}

/// Whether the bytes of a block add up to 0.
fn sound(block: &[u8]) -> bool {
    block.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte)) == 0
}

/// A descriptor's text: up to 13 characters, ended by a line feed and filled up with spaces.
fn text(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let text: String = line.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { ' ' }).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seal(block: &mut [u8]) {
        block[127] = 0;
        block[127] = 0u8.wrapping_sub(block.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte)));
    }

    /// A made-up television: maker SYN, model `Lab TV`, with the data blocks given.
    fn television(blocks: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0; 256];
        bytes[..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
        let letters = (19u16 << 10) | (25 << 5) | 14;
        bytes[8..10].copy_from_slice(&letters.to_be_bytes());
        bytes[10..16].copy_from_slice(&[0x34, 0x12, 7, 0, 0, 0]);
        bytes[16..23].copy_from_slice(&[1, 34, 1, 4, 0x80, 121, 68]);
        bytes[54..72].copy_from_slice(b"\0\0\0\xfc\0Lab TV\n      ");
        bytes[72..90].copy_from_slice(b"\0\0\0\xff\0A-00001      ");
        bytes[90..108].copy_from_slice(b"\0\0\0\xfd\0\x30\x90\x1e\xa0\x3c\0\n      ");
        bytes[126] = 1;
        bytes[128..130].copy_from_slice(&[CTA, 3]);
        let mut at = 132;
        for block in blocks {
            bytes[at..at + block.len()].copy_from_slice(block);
            at += block.len();
        }
        bytes[130] = (at - 128) as u8;
        seal(&mut bytes[..128]);
        seal(&mut bytes[128..]);
        bytes
    }

    #[test]
    fn a_television_is_read() {
        let hdmi = [0x65, 0x03, 0x0c, 0x00, 0x21, 0x00];
        let hdr = [0xe4, 6, 0b1101, 1, 128];
        let colour = [0xe3, 5, 0x80, 0x80];
        let edid = Edid::parse(&television(&[&hdmi, &hdr, &colour])).unwrap();
        assert_eq!((edid.make(), edid.model().as_str(), edid.product), ("SYN", "Lab TV", 0x1234));
        assert_eq!((edid.serial.as_deref(), edid.serial_number, edid.year), (Some("A-00001"), 7, 2024));
        assert_eq!((edid.size_cm, edid.version, edid.cec_address), ((121, 68), (1, 4), Some(0x2100)));
        assert_eq!(edid.lowest_hz, Some(48));
        assert_eq!(lowest_hz(b"\0\0\0\xfd\x03\x21"), 288, "E-EDID 1.4");
        assert_eq!(edid.hdr, Some(Hdr { pq: true, hlg: true, metadata: true, max_nits: Some(800) }));
        assert_eq!(edid.colorimetry, [Colorimetry::Bt2020Rgb, Colorimetry::DciP3]);
    }

    #[test]
    fn two_displays_of_one_model_are_told_apart() {
        let one = television(&[]);
        let mut other = one.clone();
        // Only what the extension says.
        other[131] = 0x40;
        seal(&mut other[128..]);
        let (one, other) = (Edid::parse(&one).unwrap(), Edid::parse(&other).unwrap());
        assert_eq!((one.serial_number, &one.serial), (other.serial_number, &other.serial));
        assert_ne!(one, other);
    }

    #[test]
    fn what_is_absent_stays_absent() {
        let edid = Edid::parse(&television(&[])).unwrap();
        assert_eq!((edid.hdr, edid.cec_address, edid.colorimetry.len()), (None, None, 0));
        let mut unnamed = television(&[]);
        unnamed[57] = 0x10;
        seal(&mut unnamed[..128]);
        assert_eq!(Edid::parse(&unnamed).unwrap().model(), "0x1234");
    }

    #[test]
    fn damage_is_passed_over() {
        let hdmi = [0x65, 0x03, 0x0c, 0x00, 0x10, 0x00];
        let good = television(&[&hdmi]);
        let mut base = good.clone();
        base[20] ^= 1;
        assert_eq!(Edid::parse(&base), None, "checksum of the base block");
        let mut extension = good.clone();
        extension[200] ^= 1;
        assert_eq!(Edid::parse(&extension).unwrap().cec_address, None, "checksum of the extension");
        assert_eq!(Edid::parse(&good[..128]).unwrap().cec_address, None, "the extension is not there");
        assert_eq!(Edid::parse(&good[..127]), None);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 256..=384), sealed in any::<bool>()) {
            if sealed {
                bytes[..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
                bytes[128] = CTA;
                seal(&mut bytes[..128]);
                seal(&mut bytes[128..256]);
            }
            let _ = Edid::parse(&bytes);
        }
    }
}
