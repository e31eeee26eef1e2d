//! Displays that are made and removed by request while the session runs: `syncline msg output create`.
//!
//! Each is a card of its own, with one connector, whose kernel is a timer ([`kms::headless`]): it comes and
//! goes like a card that is plugged in and pulled out. No other display is removed here.

use kms::{CardSerial, headless::HeadlessMode};

use crate::{
    control::request::NewOutput,
    output::{
        card::card::Card,
        choices::{Choice, Place},
    },
    session::Syncline,
    system::scale::Scale,
};

/// The most that there are at a time.
pub const MOST: usize = 8;
/// The most letters of a name.
const LETTERS: usize = 32;

impl Syncline {
    /// Makes a display, beside the others, and lights it. Its name. Error: why there is none.
    pub fn create_output(&mut self, new: &NewOutput) -> Result<String, String> {
        if !self.outputs.active {
            return Err("another session is on the screen".to_owned());
        }
        if self.outputs.cards.iter().filter(|card| card.created).count() >= MOST {
            return Err(format!("there are {MOST} displays that were made already; remove one first"));
        }
        let mode = mode_of(new)?;
        let scale = new.scale.map(|factor| Scale::of(factor).ok_or_else(|| Scale::refusal(factor))).transpose()?;
        let name = match &new.name {
            Some(name) => self.checked_name(name)?,
            None => self.free_name(),
        };
        let card = Card::headless(&name, mode).map_err(|error| format!("the display could not be made: {error}"))?;
        let serial = card.serial();
        let choice = Choice { mode: Some(mode.mode()), scale, ..Choice::default() };
        self.displays.choices.set(&Place { card: serial, name: name.clone() }, Some(choice));
        self.take_in(card);
        if !self.outputs.list.iter().any(|output| output.is_on(serial)) {
            // Why is in the log.
            self.remove_created(serial, &name);
            return Err(format!("{name} could not be lit; the log says why"));
        }
        Ok(name)
    }

    /// Removes a display that was made; its windows go where those of one go that is pulled out.
    pub fn remove_created_output(&mut self, name: &str) -> Result<(), String> {
        let has = |card: &&Card| card.inventory.connectors.iter().any(|of| of.name == name);
        let Some(card) = self.outputs.cards.iter().find(has) else {
            return Err(format!("there is no display `{name}`; {}", self.created_names()));
        };
        let (serial, created) = (card.serial(), card.created);
        if !created {
            let how = "use `syncline msg output NAME off`, or `enabled = false` in [[output]]";
            return Err(format!(
                "{name} was not made by request, so it cannot be removed; {how}; {}",
                self.created_names()
            ));
        }
        if self.displays.change.is_some() {
            return Err("another change of displays is being made; try again in a moment".to_owned());
        }
        self.remove_created(serial, name);
        Ok(())
    }

    fn remove_created(&mut self, card: CardSerial, name: &str) {
        self.drop_card(card);
        self.displays.choices.set(&Place { card, name: name.to_owned() }, None);
    }

    fn created_names(&self) -> String {
        let created = self.outputs.cards.iter().filter(|card| card.created);
        let names: Vec<_> = created.flat_map(|card| &card.inventory.connectors).map(|of| of.name.as_str()).collect();
        match names.is_empty() {
            true => "none was made by `syncline msg output create`".to_owned(),
            false => format!("those that were made are: {}", names.join(", ")),
        }
    }

    /// Whether a connector has this name, also one without a display.
    fn has_connector(&self, name: &str) -> bool {
        self.outputs.cards.iter().any(|card| card.inventory.connectors.iter().any(|of| of.name == name))
    }

    fn free_name(&self) -> String {
        let mut names = (1..).map(|number: u32| format!("{PREFIX}{number}"));
        names.find(|name| !self.has_connector(name)).unwrap_or_default()
    }

    /// A name that somebody has chosen. Error: it cannot be one.
    fn checked_name(&self, name: &str) -> Result<String, String> {
        check_name(name)?;
        match self.has_connector(name) {
            true => Err(format!("there is a display or a connector `{name}` already")),
            false => Ok(name.to_owned()),
        }
    }
}

/// How those are called that nobody has named.
const PREFIX: &str = "HEADLESS-";

/// Whether a display can have this name. One that ends in a number could be that of a connector that is plugged
/// in later.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if name.is_empty() || name.len() > LETTERS || !name.chars().all(plain) || name.starts_with('-') {
        return Err(format!("`{name}` is no name of a display; write 1 to {LETTERS} of a-z, A-Z, 0-9, - and _"));
    }
    let number = |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit());
    if name.rsplit_once('-').is_some_and(|(_, end)| number(end)) && !name.strip_prefix(PREFIX).is_some_and(number) {
        return Err(format!("`{name}` could be a connector; write {PREFIX}N, or a name that does not end in -N"));
    }
    Ok(())
}

/// Its size and rate. Error: no display can have them.
fn mode_of(new: &NewOutput) -> Result<HeadlessMode, String> {
    let size = new.size.as_deref().unwrap_or("1920x1080");
    let text = match (size.contains('@'), new.refresh) {
        (true, Some(_)) => return Err(format!("`{size}` has a refresh rate already; leave --refresh out")),
        (_, None) => size.to_owned(),
        (false, Some(hz)) => format!("{size}@{hz}"),
    };
    text.parse().map_err(|error: kms::headless::HeadlessModeError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_connector_s() {
        for name in ["tablet", "HEADLESS-7", "a_b-c", "x2", "HEADLESS-1x"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let long = "a".repeat(LETTERS + 1);
        for name in ["", " ", "DP-1", "a b", "HEADLESS-1-2", "é", "-a", "../x", long.as_str()] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_size_and_a_rate_are_one_mode() {
        let of = |size: Option<&str>, refresh| {
            let new = NewOutput { size: size.map(str::to_owned), refresh, ..NewOutput::default() };
            mode_of(&new).map(|mode| mode.to_string())
        };
        assert_eq!(of(None, None), Ok("1920x1080@60".to_owned()));
        assert_eq!(of(Some("800x600"), None), Ok("800x600@60".to_owned()));
        assert_eq!(of(Some("800x600"), Some(59.94)), Ok("800x600@59.94".to_owned()));
        assert_eq!(of(Some("800x600@30"), None), Ok("800x600@30".to_owned()));
        assert_eq!(of(None, Some(144.0)), Ok("1920x1080@144".to_owned()));
        for (size, refresh) in [
            (Some("800x600@30"), Some(30.0)),
            (Some("0x0"), None),
            (Some("9000x600"), None),
            (None, Some(0.0)),
            (None, Some(f64::NAN)),
            (Some("800"), None),
        ] {
            assert!(of(size, refresh).is_err(), "{size:?} {refresh:?}");
        }
    }
}
