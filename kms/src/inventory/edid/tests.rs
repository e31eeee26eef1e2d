//! What is read of good EDIDs and of damaged ones.

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
fn a_display_is_told_from_others_of_its_model_but_not_from_itself() {
    let one = television(&[]);
    let changed = |at: usize, value: u8| {
        let mut bytes = one.clone();
        bytes[at] = value;
        seal(&mut bytes[..128]);
        seal(&mut bytes[128..]);
        bytes
    };
    let table = [
        ("the same", one.clone(), true, true),
        ("serial number", changed(12, 8), false, false),
        ("letter of its name", changed(59, b'l'), false, false),
        ("its lowest rate", changed(95, 0x28), false, false),
        ("its size", changed(21, 50), false, true),
        ("something that is not read", changed(131, 0x40), false, true),
    ];
    let read = |bytes: &[u8]| Edid::parse(bytes).unwrap();
    for (name, other, same_bytes, same_display) in table {
        assert_eq!(read(&one) == read(&other), same_bytes, "{name}");
        assert_eq!(read(&one).is_of_same_display(&read(&other)), same_display, "{name}");
    }
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
fn damage_is_named_and_passed_over() {
    let hdmi = [0x65, 0x03, 0x0c, 0x00, 0x10, 0x00];
    let good = television(&[&hdmi]);
    let damaged = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let table = [
        ("good", good.clone(), None, Some(Some(0x1000))),
        ("zero length", vec![], Some(EdidFault::Empty), None),
        ("one byte less than a block", good[..127].to_vec(), Some(EdidFault::Short(127)), None),
        ("another beginning", damaged(3), Some(EdidFault::Header), None),
        ("checksum of the base block", damaged(20), Some(EdidFault::Checksum), None),
        ("checksum of the extension", damaged(200), Some(EdidFault::Extension(1)), Some(None)),
        ("the extension is not there", good[..128].to_vec(), Some(EdidFault::Extension(1)), Some(None)),
        ("half of it is", good[..192].to_vec(), Some(EdidFault::Extension(1)), Some(None)),
    ];
    for (name, bytes, fault, cec) in table {
        let (edid, found) = Edid::read(&bytes);
        assert_eq!((edid.map(|edid| edid.cec_address), found), (cec, fault), "{name}");
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..=384), sealed in any::<bool>()) {
        if sealed && bytes.len() >= 256 {
            bytes[..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
            bytes[128] = CTA;
            seal(&mut bytes[..128]);
            seal(&mut bytes[128..256]);
        }
        let _ = Edid::read(&bytes);
    }
}
