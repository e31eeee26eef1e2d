//! EDIDs of monitors that do not exist, for connectors whose EDID can be overridden.
//!
//! Only what a compositor asks for: names, a serial number and one timing.

/// The base block of a monitor called `name`, whose only mode is `width` times `height` at 60 Hz.
pub fn monitor(name: &str, serial: u32, (width, height): (u16, u16)) -> [u8; 128] {
    const BLANK: (u16, u16) = (160, 30);
    let mut bytes = [0u8; 128];
    bytes[1..7].fill(0xff);
    // The maker is SYN.
    bytes[8..10].copy_from_slice(&((19u16 << 10) | (25 << 5) | 14).to_be_bytes());
    bytes[12..16].copy_from_slice(&serial.to_le_bytes());
    // Week, year, EDID 1.4, digital, 53 by 30 cm, gamma 2.2, the first timing is preferred.
    bytes[16..25].copy_from_slice(&[1, 34, 1, 4, 0xa5, 53, 30, 120, 0x02]);
    // No standard timings.
    bytes[38..54].fill(1);
    let clock = u64::from(width + BLANK.0) * u64::from(height + BLANK.1) * 60 / 10_000;
    bytes[54..56].copy_from_slice(&(clock as u16).to_le_bytes());
    let low = |of: u16| of as u8;
    let high = |visible: u16, blank: u16| ((visible >> 8) << 4 | (blank >> 8)) as u8;
    bytes[56..59].copy_from_slice(&[low(width), low(BLANK.0), high(width, BLANK.0)]);
    bytes[59..62].copy_from_slice(&[low(height), low(BLANK.1), high(height, BLANK.1)]);
    // Front porches 48 and 3, syncs 32 and 6.
    bytes[62..66].copy_from_slice(&[48, 32, 0x36, 0]);
    bytes[71] = 0x18;
    bytes[72..77].copy_from_slice(&[0, 0, 0, 0xfc, 0]);
    bytes[77..90].fill(b' ');
    let name = &name.as_bytes()[..name.len().min(12)];
    bytes[77..77 + name.len()].copy_from_slice(name);
    bytes[77 + name.len()] = b'\n';
    for dummy in [90, 108] {
        bytes[dummy + 3] = 0x10;
    }
    bytes[127] = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
    bytes
}

#[cfg(test)]
mod tests {
    use kms::inventory::Edid;

    use super::*;

    #[test]
    fn it_is_one() {
        let edid = Edid::parse(&monitor("Left", 7, (800, 600))).expect("an EDID");
        assert_eq!((edid.make(), edid.model().as_str(), edid.serial_number), ("SYN", "Left", 7));
    }
}
