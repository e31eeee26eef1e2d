//! `[night-light]`: when displays are warmer, and how much.
//!
//! Which light there is at a time of the day is computed here. Nothing here knows what time it is.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::idle::Span;

/// Seconds of a day.
pub const DAY: u32 = 86_400;
/// How often the light changes while it changes, in seconds.
pub const STEP: u32 = 60;

documented! {
    /// Warmer colours at night. A client that has the table of a display (wlsunset, gammastep) comes before it.
    #[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct NightLightConfig {
        /// Whether there is any. `syncline msg night-light on` turns it on, too, until it says otherwise.
        pub enabled: bool,
        /// The light of the day in kelvin, 1700 to 10000; 6500 changes nothing.
        pub day: Kelvin,
        /// The light of the night.
        pub night: Kelvin,
        /// When the night begins, in the time of this machine.
        pub begin: TimeOfDay,
        /// When it ends. The same as `begin`: it is always night.
        pub end: TimeOfDay,
        /// How long it takes from one light to the other, from when the night begins or ends.
        pub transition: Span,
    }
}

/// Whether there is a light of the night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NightMode {
    /// That of the night, whatever time it is.
    On,
    /// None.
    Off,
    /// As the configuration says.
    #[default]
    Auto,
}

impl Default for NightLightConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            day: Kelvin(6500),
            night: Kelvin(4000),
            begin: TimeOfDay(20 * 3600),
            end: TimeOfDay(7 * 3600),
            transition: Span(1_800_000_000_000),
        }
    }
}

/// The colour of a light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub struct Kelvin(pub u32);

impl TryFrom<i64> for Kelvin {
    type Error = String;

    fn try_from(kelvin: i64) -> Result<Self, String> {
        let right = u32::try_from(kelvin).ok().filter(|kelvin| (1700..=10_000).contains(kelvin));
        right.map(Self).ok_or_else(|| format!("{kelvin} is no light of a lamp; write kelvin from 1700 to 10000"))
    }
}

/// Seconds since midnight, written `20:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(pub u32);

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = |part: &str, below: u32| {
            let digits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|number: &u32| digits && *number < below)
        };
        let time = text.split_once(':').and_then(|(hours, minutes)| {
            Some(number(hours, 24)? * 3600 + number(minutes, 60).filter(|_| minutes.len() == 2)? * 60)
        });
        time.map(Self).ok_or_else(|| format!("`{text}` is no time of the day; write for example \"20:30\""))
    }
}

impl From<TimeOfDay> for String {
    fn from(TimeOfDay(seconds): TimeOfDay) -> Self {
        format!("{:02}:{:02}", seconds / 3600, seconds / 60 % 60)
    }
}

impl NightLightConfig {
    /// The light at a second of the day, in kelvin, and in how many seconds it is another one; `None`: never.
    pub fn at(&self, second: u32) -> (u32, Option<u32>) {
        let (TimeOfDay(begin), TimeOfDay(end)) = (self.begin, self.end);
        let since = |from: u32| (second % DAY + DAY - from) % DAY;
        let night = (end + DAY - begin) % DAY;
        if night == 0 {
            return (self.night.0, None);
        }
        let (is_night, length, passed) = match since(begin) {
            passed if passed < night => (true, night, passed),
            _ => (false, DAY - night, since(end)),
        };
        let transition = u32::try_from(self.transition.0 / 1_000_000_000).unwrap_or(DAY).min(length);
        let (from, to) = if is_night { (self.day.0, self.night.0) } else { (self.night.0, self.day.0) };
        if passed >= transition {
            return (to, Some(length - passed));
        }
        let part = f64::from(passed) / f64::from(transition);
        let kelvin = f64::from(from) + (f64::from(to) - f64::from(from)) * part;
        (kelvin.round() as u32, Some(STEP.min(transition - passed)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    #[test]
    fn the_light_of_each_time() {
        let config = NightLightConfig::default();
        let hours = |hours: f64| (hours * 3600.0) as u32;
        let table = [
            (12.0, (6500, Some(hours(8.0)))),
            (20.0, (6500, Some(60))),
            (20.25, (5250, Some(60))),
            (20.5, (4000, Some(hours(10.5)))),
            (0.0, (4000, Some(hours(7.0)))),
            (7.0, (4000, Some(60))),
            (7.25, (5250, Some(60))),
            (7.5, (6500, Some(hours(12.5)))),
        ];
        for (at, expected) in table {
            assert_eq!(config.at(hours(at)), expected, "{at}");
        }
        assert_eq!(config.at(hours(20.5) - 10), (4014, Some(10)), "no step is beyond the end");
        let always = NightLightConfig { end: config.begin, ..config.clone() };
        assert_eq!([0, 50_000].map(|at| always.at(at)), [(4000, None); 2]);
        // Longer than the night: it is over when that is.
        let long = NightLightConfig { end: TimeOfDay(hours(21.0)), transition: Span(86_400_000_000_000), ..config };
        assert_eq!((long.at(hours(20.5)).0, long.at(hours(21.0)).0), (5250, 4000));
    }

    #[test]
    fn every_second_of_a_day_comes_to_the_next_change() {
        let config = NightLightConfig::default();
        for second in 0..DAY {
            let (kelvin, next) = config.at(second);
            let next = next.expect("it changes");
            assert!(next > 0 && next <= DAY && (4000..=6500).contains(&kelvin), "{second}");
            if second > 0 {
                assert!(kelvin.abs_diff(config.at(second - 1).0) < 5, "{second} is smooth");
            }
        }
    }

    #[test]
    fn a_wrong_value_is_an_error_of_its_place() {
        let parse = |text: &str| {
            let config = load::parse(Path::new("config.toml"), &format!("[night-light]\n{text}"));
            config.map(|config| config.night_light).map_err(|error| error.to_string())
        };
        let config = parse("enabled = true\nnight = 3000\nbegin = '9:05'\ntransition = '1h'\n").unwrap();
        assert_eq!((config.enabled, config.night, config.begin), (true, Kelvin(3000), TimeOfDay(9 * 3600 + 300)));
        let table = [
            ("night = 1600", "config.toml:2: 1600 is no light of a lamp"),
            ("day = 10001", "kelvin from 1700 to 10000"),
            ("begin = '24:00'", "`24:00` is no time of the day"),
            ("end = '7'", "\"20:30\""),
            ("end = '7:5'", "no time of the day"),
            ("end = '+7:05'", "no time of the day"),
            ("transition = '0m'", "no"),
        ];
        for (text, says) in table {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert_eq!(String::from(TimeOfDay(9 * 3600 + 300)), "09:05");
    }
}
