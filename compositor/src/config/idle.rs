//! `[idle]`: what happens when the user is idle.

use fence::Ns;
use serde::{Deserialize, Serialize};

documented! {
    /// The settings for a user who is away. By default displays stay on.
    #[derive(Debug, Clone, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct IdleConfig {
        /// Turns the displays off after this time without input; absent: never. A client with an
        /// inhibitor on a visible surface (`zwp_idle_inhibit_manager_v1`) prevents it.
        pub off_after: Option<Span>,
        /// Whether `commands.lock` locks the session before the machine sleeps. It needs logind.
        pub lock_before_sleep: bool,
    }
}

impl Default for IdleConfig {
    fn default() -> Self {
        Self { off_after: None, lock_before_sleep: true }
    }
}

/// A time span in nanoseconds, written `90s`, `10m` or `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Ns);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a time span; write for example \"90s\", \"10m\" or \"1h\"");
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
        let unit: Ns = match unit {
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(wrong()),
        };
        let span = number.parse::<Ns>().ok().and_then(|number| number.checked_mul(unit));
        span.filter(|span| *span > 0).map(Self).ok_or_else(wrong)
    }
}

impl From<Span> for String {
    fn from(Span(ns): Span) -> Self {
        let seconds = ns / 1_000_000_000;
        match (seconds % 3600, seconds % 60) {
            (0, _) => format!("{}h", seconds / 3600),
            (_, 0) => format!("{}m", seconds / 60),
            _ => format!("{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        let table = [("90s", 90), ("10m", 600), ("1h", 3600), ("008m", 480)];
        for (text, seconds) in table {
            assert_eq!(Span::try_from(text.to_owned()), Ok(Span(seconds * 1_000_000_000)), "{text}");
        }
        for text in ["90s", "10m", "1h", "2h"] {
            assert_eq!(String::from(Span::try_from(text.to_owned()).unwrap()), text);
        }
        for wrong in ["", "10", "m", "0s", "-1s", "1d", "1.5h", "1h30m", "99999999999999h", "10 m"] {
            let error = Span::try_from(wrong.to_owned()).unwrap_err();
            assert!(error.contains("write for example") && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn displays_stay_on_unless_asked() {
        let parse = |text| toml::from_str::<IdleConfig>(text);
        assert_eq!(parse("").unwrap().off_after, None);
        assert_eq!(parse("off-after = \"10m\"").unwrap().off_after, Some(Span(600_000_000_000)));
        assert!(parse("off-after = 10").is_err() && parse("off = \"1m\"").is_err());
    }
}
