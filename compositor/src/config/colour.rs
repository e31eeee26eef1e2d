//! Colours of things that may be translucent, as they are written. What a renderer makes of them is not
//! said here.

use serde::{Deserialize, Serialize};

/// A colour with alpha, not premultiplied: red, green, blue, alpha. Written `#rrggbb` or `#rrggbbaa`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rgba(pub [u8; 4]);

impl Rgba {
    /// Whether nothing of it is seen.
    pub fn is_invisible(self) -> bool {
        self.0[3] == 0
    }
}

impl TryFrom<String> for Rgba {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a colour; write #rrggbb or #rrggbbaa, for example \"#5294e2\"");
        let hex = text.strip_prefix('#').filter(|hex| matches!(hex.len(), 6 | 8)).ok_or_else(wrong)?;
        // A sign would be taken for a part of the number.
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let number = u32::from_str_radix(hex, 16).map_err(|_| wrong())?;
        Ok(Self(if hex.len() == 8 { number } else { number << 8 | 0xff }.to_be_bytes()))
    }
}

impl From<Rgba> for String {
    fn from(Rgba([red, green, blue, alpha]): Rgba) -> Self {
        match alpha {
            0xff => format!("#{red:02x}{green:02x}{blue:02x}"),
            _ => format!("#{red:02x}{green:02x}{blue:02x}{alpha:02x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_or_eight_digits() {
        let table = [
            ("#010203", Some([1, 2, 3, 255])),
            ("#01020304", Some([1, 2, 3, 4])),
            ("#FFeedd00", Some([255, 0xee, 0xdd, 0])),
            ("010203", None),
            ("#fff", None),
            ("#0102030", None),
            ("#+10203", None),
            ("#é1111", None),
            ("", None),
        ];
        for (text, colour) in table {
            let read = Rgba::try_from(text.to_owned());
            assert_eq!(read.clone().ok(), colour.map(Rgba), "{text}");
            let again = read.map(|colour| Rgba::try_from(String::from(colour)));
            assert!(again.is_err() || again == Ok(Ok(Rgba(colour.unwrap_or_default()))), "{text}");
        }
    }
}
