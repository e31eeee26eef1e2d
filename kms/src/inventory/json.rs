//! How numbers of the inventory look in JSON: formats as their four letters, modifiers as names or
//! hexadecimal numbers.
//!
//! Both ways, without loss: a snapshot read back equals the one that was written.

/// `DRM_FORMAT_*`: `"XR24"`; `"0x…"` where a byte is not a letter (the big-endian flag).
pub(super) mod fourcc {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(format: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = format.to_le_bytes();
        if bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            serializer.collect_str(&bytes.map(char::from).iter().collect::<String>())
        } else {
            serializer.collect_str(&format_args!("{format:#010x}"))
        }
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Ok(bytes) = <[u8; 4]>::try_from(text.as_bytes()) {
            return Ok(u32::from_le_bytes(bytes));
        }
        let digits = text.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        digits.ok_or_else(|| D::Error::custom(format_args!("`{text}` is not a format; write four letters, or 0x…")))
    }
}

/// `DRM_FORMAT_MOD_*`: `"LINEAR"`, `"INVALID"`, or `"0x0100000000000001"`.
pub(super) mod modifiers {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const INVALID: u64 = 0x00ff_ffff_ffff_ffff;

    pub fn serialize<S: Serializer>(modifiers: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(modifiers.iter().map(|&raw| match raw {
            0 => "LINEAR".to_owned(),
            INVALID => "INVALID".to_owned(),
            raw => format!("{raw:#018x}"),
        }))
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        let parse = |text: String| match text.as_str() {
            "LINEAR" => Ok(0),
            "INVALID" => Ok(INVALID),
            other => {
                other.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or_else(|| {
                    D::Error::custom(format_args!("`{other}` is not a modifier; write LINEAR, INVALID, or 0x…"))
                })
            }
        };
        Vec::<String>::deserialize(deserializer)?.into_iter().map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::FormatModifiers;

    #[test]
    fn formats_and_modifiers_come_back() {
        for (format, modifiers) in [
            (u32::from_le_bytes(*b"XR24"), vec![0, 0x00ff_ffff_ffff_ffff, 0x0100_0000_0000_0001, u64::MAX]),
            (u32::from_le_bytes(*b"C8  "), vec![]),
            (u32::from_le_bytes(*b"RG16") | 1 << 31, vec![0]),
        ] {
            let pair = FormatModifiers { format, modifiers };
            let json = serde_json::to_string(&pair).unwrap();
            assert_eq!(serde_json::from_str::<FormatModifiers>(&json).unwrap(), pair, "{json}");
        }
        let text = r#"{"format":"XR24","modifiers":["LINEAR","0x0100000000000001"]}"#;
        assert_eq!(serde_json::to_string(&serde_json::from_str::<FormatModifiers>(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn what_is_neither_is_named() {
        let error = serde_json::from_str::<FormatModifiers>(r#"{"format":"XR245","modifiers":[]}"#).unwrap_err();
        assert!(error.to_string().contains("`XR245` is not a format"), "{error}");
        let error = serde_json::from_str::<FormatModifiers>(r#"{"format":"XR24","modifiers":["?"]}"#).unwrap_err();
        assert!(error.to_string().contains("`?` is not a modifier"), "{error}");
    }
}
