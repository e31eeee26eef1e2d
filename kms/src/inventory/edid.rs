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
    /// Of all its bytes (FNV-1a): any change is one.
    #[serde(default)]
    pub digest: u64,
}

/// Why nothing, or not all, is known of a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum EdidFault {
    /// There is none: the display gives none, or one that the kernel does not pass on.
    #[error("the display gives no EDID, or a damaged one")]
    Missing,
    /// It has no bytes.
    #[error("its EDID is empty")]
    Empty,
    /// It has so many bytes, which is less than a block.
    #[error("its EDID is cut off after {0} bytes")]
    Short(usize),
    /// It begins as something else.
    #[error("its EDID does not begin as one")]
    Header,
    /// The bytes of the base block do not add up.
    #[error("the checksum of its EDID is wrong")]
    Checksum,
    /// This extension, counted from 1, is not there or its bytes do not add up. The base block is good.
    #[error("extension {0} of its EDID is damaged or cut off")]
    Extension(u8),
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
    /// Reads an EDID, with the fault of what is passed over; there is nothing but a fault where the base
    /// block is not one.
    pub fn read(bytes: &[u8]) -> (Option<Self>, Option<EdidFault>) {
        match Self::parse(bytes) {
            Ok(edid) => (Some(edid), bad_extension(bytes)),
            Err(fault) => (None, Some(fault)),
        }
    }

    /// Reads an EDID whose base block is good; extensions that are not good are passed over.
    pub fn parse(bytes: &[u8]) -> Result<Self, EdidFault> {
        let base = match (bytes.get(..BLOCK), bytes.len()) {
            (Some(base), _) => base,
            (None, 0) => return Err(EdidFault::Empty),
            (None, short) => return Err(EdidFault::Short(short)),
        };
        if base[..8] != [0, 255, 255, 255, 255, 255, 255, 0] {
            return Err(EdidFault::Header);
        }
        if !sound(base) {
            return Err(EdidFault::Checksum);
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
        Ok(edid)
    }

    /// Whether both are of the same display: they differ at most in what the kernel's modes tell, too. The
    /// EDID of a virtual machine changes with the size of its window.
    pub fn is_of_same_display(&self, other: &Self) -> bool {
        let without_modes = |edid: &Self| Self { size_cm: (0, 0), digest: 0, ..edid.clone() };
        without_modes(self) == without_modes(other)
    }

    /// The maker: the PNP id.
    pub fn make(&self) -> &str {
        &self.vendor
    }

    /// The model: its name, else its product code.
    pub fn model(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("{:#06x}", self.product))
    }

    /// The serial number: in letters, else the number in hexadecimal; `None`: it has none.
    pub fn serial_text(&self) -> Option<String> {
        let number = || (self.serial_number != 0).then(|| format!("{:#010x}", self.serial_number));
        self.serial.clone().or_else(number)
    }

    /// Make, model and serial number, separated by spaces, as people name a monitor: `DEL DELL U2720Q 4K8X7R3`.
    pub fn full_name(&self) -> String {
        let serial = self.serial_text().map(|serial| format!(" {serial}")).unwrap_or_default();
        format!("{} {}{serial}", self.make(), self.model())
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

/// The first extension that the base block promises and that is not good.
fn bad_extension(bytes: &[u8]) -> Option<EdidFault> {
    let mut blocks = bytes.chunks(BLOCK).skip(1);
    let bad = |_: &u8| blocks.next().is_none_or(|block| block.len() < BLOCK || !sound(block));
    (1..=bytes[126]).find(bad).map(EdidFault::Extension)
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
mod tests;
