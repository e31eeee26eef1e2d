//! One line of the `data` file: `0x%08x` or ten `X`, then ` 0x%08x` for each value
//! (`drivers/gpu/drm/drm_debugfs_crc.c`).

/// Values in an entry at most (`DRM_MAX_CRC_NR`).
pub const MAX_VALUES: usize = 10;

/// Bytes of the longest line: the frame, [`MAX_VALUES`] values with a space each, a line feed, a
/// NUL. A shorter buffer gets EINVAL.
pub const MAX_LINE: usize = 10 + MAX_VALUES * 11 + 2;

/// The CRC of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrcEntry {
    /// Number of the vblank at which the frame was scanned out; `None` where the driver has none.
    pub frame: Option<u32>,
    values: [u32; MAX_VALUES],
    count: u8,
}

impl CrcEntry {
    /// An entry; values after the tenth are left out.
    pub fn new(frame: Option<u32>, values: &[u32]) -> Self {
        let mut entry = Self { frame, values: [0; MAX_VALUES], count: 0 };
        for (to, from) in entry.values.iter_mut().zip(values) {
            *to = *from;
            entry.count += 1;
        }
        entry
    }

    /// The values; how many depends on the driver and the source.
    pub fn values(&self) -> &[u32] {
        &self.values[..self.count.into()]
    }

    /// Parses one line, with or without its line feed, and the NUL that the kernel counts with the
    /// line (seen on Linux 7.3).
    pub fn parse(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\0").unwrap_or(line);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut words = line.split(|&byte| byte == b' ');
        let frame = match words.next()? {
            b"XXXXXXXXXX" => None,
            word => Some(hex(word)?),
        };
        let mut entry = Self::new(frame, &[]);
        for word in words {
            let slot = entry.values.get_mut(usize::from(entry.count))?;
            *slot = hex(word)?;
            entry.count += 1;
        }
        (entry.count > 0).then_some(entry)
    }
}

fn hex(word: &[u8]) -> Option<u32> {
    let digits = word.strip_prefix(b"0x").filter(|digits| digits.len() == 8)?;
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_as_drivers_write_them() {
        let vkms = CrcEntry::parse(b"0x0000002a 0xdeadbeef\n").unwrap();
        assert_eq!((vkms.frame, vkms.values()), (Some(42), &[0xdead_beef][..]));
        assert_eq!(CrcEntry::parse(b"0x0000002a 0xdeadbeef\n\0"), Some(vkms));
        let rcar = CrcEntry::parse(b"XXXXXXXXXX 0x00000001").unwrap();
        assert_eq!((rcar.frame, rcar.values()), (None, &[1][..]));
        let i915 = CrcEntry::parse(b"0x00000001 0x00000001 0x00000002 0x00000003 0x00000004 0x00000005\n").unwrap();
        assert_eq!(i915.values(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn damaged_lines_are_refused() {
        let bad: [&[u8]; 8] = [
            b"",
            b"0x0000002a",
            b"0x0000002a\n",
            b"0x2a 0xdeadbeef",
            b"0x0000002a deadbeef",
            b"XXXX 0xdeadbeef",
            b"0x0000002a  0xdeadbeef",
            b"0x0000002a 0xdeadbeeg",
        ];
        for line in bad {
            assert_eq!(CrcEntry::parse(line), None, "{}", String::from_utf8_lossy(line));
        }
        let eleven = format!("0x00000001{}", " 0x00000001".repeat(11));
        assert_eq!(CrcEntry::parse(eleven.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn round_trip(frame in any::<Option<u32>>(), values in prop::collection::vec(any::<u32>(), 1..=10)) {
            let mut line = frame.map_or("XXXXXXXXXX".to_owned(), |frame| format!("{frame:#010x}"));
            values.iter().for_each(|value| line.push_str(&format!(" {value:#010x}")));
            line.push_str("\n\0");
            prop_assert!(line.len() <= MAX_LINE);
            prop_assert_eq!(CrcEntry::parse(line.as_bytes()), Some(CrcEntry::new(frame, &values)));
        }

        #[test]
        fn any_bytes(line in prop::collection::vec(any::<u8>(), 0..140)) {
            let _ = CrcEntry::parse(&line);
        }
    }
}
