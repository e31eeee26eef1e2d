//! `[[input]]`: how keyboards, mice and touchpads behave, by their name and kind.
//!
//! Rules are put together here, and a device gets what comes of them. Nothing here knows a device:
//! `session/inputs.rs` does.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::config::pattern::Pattern;

/// The most rules.
const RULES: usize = 1000;

documented! {
    /// How some input devices behave. All that is said of the device must be so; of several rules that
    /// fit, the last one that has a setting counts for it. What a device cannot do is left out.
    #[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct InputRule {
        /// The name: a regular expression that fits a part of it. `syncline msg devices` lists names and
        /// kinds. Absent: any.
        pub name: Option<Pattern>,
        /// `keyboard`, `pointer`, `touchpad`, `touch`, `tablet`, `tablet-pad` or `switch`. Absent: any.
        pub kind: Option<InputKind>,
        /// Whether it is used: `on`, `off`, or `off-with-mouse` for a touchpad.
        pub events: Option<SendEvents>,
        /// Whether a touch of a touchpad is a click. It is, unless this says otherwise.
        pub tap: Option<bool>,
        /// The buttons of a touch with one, two and three fingers.
        pub tap_buttons: Option<TapButtons>,
        /// Whether a touch that follows a touch at once drags.
        pub tap_drag: Option<bool>,
        /// Whether such a drag outlasts a moment without the finger.
        pub tap_drag_lock: Option<bool>,
        /// Whether what is scrolled follows the fingers.
        pub natural_scroll: Option<bool>,
        /// How scrolling is done.
        pub scroll_method: Option<ScrollMethod>,
        /// The button with which motion scrolls, as a number of `linux/input-event-codes.h`.
        pub scroll_button: Option<u32>,
        /// How much faster or slower motion is, -1 to 1.
        pub speed: Option<Speed>,
        /// Whether quick motion goes farther.
        pub acceleration: Option<Acceleration>,
        /// How the buttons of a touchpad without any are told apart.
        pub click_method: Option<ClickMethod>,
        /// Whether left and right are exchanged.
        pub left_handed: Option<bool>,
        /// Whether both buttons together are the middle one.
        pub middle_emulation: Option<bool>,
        /// Whether a touchpad rests while keys are pressed.
        pub disable_while_typing: Option<bool>,
        /// By how many degrees the device is turned clockwise, 0 to 359.
        pub rotation: Option<Rotation>,
        /// The first two rows of the matrix that makes a place on the glass of one that is touched.
        pub calibration: Option<[f32; 6]>,
        /// The display that a touch screen, or a device with absolute places, lies on: a connector.
        pub output: Option<String>,
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$of])* $variant),+ }
    };
}

words! {
    /// What a device is, as in `syncline msg devices`.
    InputKind { Keyboard, Pointer, Touchpad, Touch, Tablet, TabletPad, Switch }
}
words! {
    /// Whether a device is used.
    SendEvents { On, Off, OffWithMouse }
}
words! {
    /// The buttons of a touch with one, two and three fingers.
    TapButtons { LeftRightMiddle, LeftMiddleRight }
}
words! {
    /// How scrolling is done, beside a wheel.
    ScrollMethod { None, TwoFinger, Edge, Button }
}
words! {
    /// Whether quick motion goes farther.
    Acceleration { Flat, Adaptive }
}
words! {
    /// How the buttons of a touchpad without any are told apart: by the place of the finger, or by the
    /// number of fingers.
    ClickMethod { ButtonAreas, Fingers }
}

impl InputKind {
    /// Its word in `syncline msg devices`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keyboard => "keyboard",
            Self::Pointer => "pointer",
            Self::Touchpad => "touchpad",
            Self::Touch => "touch",
            Self::Tablet => "tablet",
            Self::TabletPad => "tablet-pad",
            Self::Switch => "switch",
        }
    }
}

/// How much faster or slower motion is.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "f64")]
pub struct Speed(pub f64);

impl TryFrom<f64> for Speed {
    type Error = String;

    fn try_from(speed: f64) -> Result<Self, String> {
        let right = (-1.0..=1.0).contains(&speed);
        right.then_some(Self(speed)).ok_or_else(|| format!("{speed} is no speed; write a number from -1.0 to 1.0"))
    }
}

/// Degrees clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub struct Rotation(pub u32);

impl TryFrom<i64> for Rotation {
    type Error = String;

    fn try_from(degrees: i64) -> Result<Self, String> {
        let right = u32::try_from(degrees).ok().filter(|degrees| *degrees < 360);
        right.map(Self).ok_or_else(|| format!("{degrees} is no rotation; write degrees from 0 to 359"))
    }
}

impl InputRule {
    /// What the rules say of a device of this name and these kinds.
    pub fn of(rules: &[Self], name: &str, kinds: &[String]) -> Self {
        let mut all = Self::default();
        rules.iter().filter(|rule| rule.fits(name, kinds)).for_each(|rule| all.add(rule));
        all
    }

    fn fits(&self, name: &str, kinds: &[String]) -> bool {
        self.kind.is_none_or(|kind| kinds.iter().any(|of| of == kind.word()))
            && self.name.as_ref().is_none_or(|pattern| pattern.fits(name))
    }

    fn add(&mut self, rule: &Self) {
        macro_rules! add {
            ($($field:ident),+ $(,)?) => { $(self.$field = rule.$field.clone().or(self.$field.take());)+ };
        }
        add!(events, tap, tap_buttons, tap_drag, tap_drag_lock, natural_scroll, scroll_method, scroll_button, speed);
        add!(acceleration, click_method, left_handed, middle_emulation, disable_while_typing, rotation);
        add!(calibration, output);
    }
}

/// Reads the list. A rule that changes nothing is an error at its place.
pub fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<InputRule>, D::Error> {
    /// The parser marks the table of an error that comes from within a newtype.
    #[derive(Deserialize)]
    struct Whole(#[serde(deserialize_with = "whole")] InputRule);

    let rules = Vec::<Whole>::deserialize(deserializer)?;
    if rules.len() > RULES {
        return Err(D::Error::custom(format!("{} [[input]] rules; {RULES} are the most", rules.len())));
    }
    Ok(rules.into_iter().map(|Whole(rule)| rule).collect())
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<InputRule, D::Error> {
    let rule = InputRule::deserialize(deserializer)?;
    let without = InputRule { name: None, kind: None, ..rule.clone() };
    if without == InputRule::default() {
        let message = "the rule changes nothing; write what becomes of the device, for example `natural-scroll = true`";
        return Err(D::Error::custom(message));
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    fn parse(text: &str) -> Result<Vec<InputRule>, String> {
        let config = load::parse(Path::new("config.toml"), text);
        config.map(|config| config.inputs).map_err(|error| error.to_string())
    }

    #[test]
    fn the_last_rule_that_fits_and_has_a_setting_counts_for_it() {
        let rules = parse(
            "[[input]]\nnatural-scroll = true\nspeed = 0.5\n[[input]]\nkind = 'pointer'\nnatural-scroll = false\n\
             [[input]]\nname = '^Logitech'\nkind = 'pointer'\nspeed = -0.25\noutput = 'DP-1'\n",
        )
        .unwrap();
        let of = |name: &str, kind: &str| InputRule::of(&rules, name, &[kind.to_owned()]);
        let table = [
            (of("Synaptics", "touchpad"), (Some(true), Some(0.5), None)),
            (of("A mouse", "pointer"), (Some(false), Some(0.5), None)),
            (of("Logitech M1", "pointer"), (Some(false), Some(-0.25), Some("DP-1"))),
            (of("Logitech K1", "keyboard"), (Some(true), Some(0.5), None)),
        ];
        for (found, expected) in table {
            let speed = found.speed.map(|Speed(speed)| speed);
            assert_eq!((found.natural_scroll, speed, found.output.as_deref()), expected);
            assert_eq!((found.name, found.kind, found.tap), (None, None, None));
        }
    }

    #[test]
    fn a_wrong_rule_is_an_error_of_its_place() {
        let table = [
            ("kind = 'mouse'\ntap = true\n", "config.toml:2: unknown variant `mouse`", "`pointer`"),
            (
                "natural-scrol = true\n",
                "config.toml:2: unknown field `natural-scrol`",
                "did you mean `natural-scroll`?",
            ),
            ("speed = 2\n", "config.toml:2: 2 is no speed", "-1.0 to 1.0"),
            ("rotation = 360\n", "config.toml:2: 360 is no rotation", "0 to 359"),
            ("name = 'a('\ntap = true\n", "config.toml:2: `a(` is not a regular expression", ""),
            ("name = 'a'\n", "config.toml:1: the rule changes nothing", "`natural-scroll = true`"),
        ];
        for (text, starts, has) in table {
            let error = parse(&format!("[[input]]\n{text}")).unwrap_err();
            assert!(error.starts_with(starts) && error.contains(has), "{text}: {error}");
        }
        let error = parse(&"[[input]]\ntap = true\n".repeat(RULES + 1)).unwrap_err();
        assert!(error.contains("1001 [[input]] rules; 1000 are the most"), "{error}");
    }
}
