//! The arguments of actions, word by word. Each error names the action and says what is allowed.

use crate::actions::{
    action::{Direction, Number, Output, Part, Workspace},
    spelling::{listed, nearest},
};

/// The longest name of a workspace, mode or output, in bytes.
const NAME: usize = 64;
/// The most pixels by which something moves or grows.
const PIXELS: i32 = 65_535;

/// The arguments of an action that are still to be read.
pub struct Words<'a> {
    /// The name of the action.
    pub name: &'a str,
    /// The action with its arguments, for errors.
    pub usage: &'a str,
    pub rest: &'a [String],
}

impl<'a> Words<'a> {
    fn wrong(&self, word: &str, says: impl std::fmt::Display) -> String {
        format!("{}: `{word}` is not possible; write {says}", self.name)
    }

    /// The next word, if there is one.
    pub fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next word.
    pub fn required(&mut self) -> Result<&'a str, String> {
        let missing = format!("{}: an argument is missing; write `{}`", self.name, self.usage);
        self.next().ok_or(missing)
    }

    /// All words that are left.
    pub fn all(&mut self) -> &'a [String] {
        std::mem::take(&mut self.rest)
    }

    /// One of the words of a list.
    pub fn choice<T: Copy>(&mut self, list: &[(&'static str, T)]) -> Result<T, String> {
        let word = self.required()?;
        let found = list.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let names = || list.iter().map(|(name, _)| *name);
            let meant = nearest(word, names()).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            self.wrong(word, listed(names()) + &meant)
        })
    }

    /// The same; `absent` if there is no word.
    pub fn choice_or<T: Copy>(&mut self, list: &[(&'static str, T)], absent: T) -> Result<T, String> {
        if self.rest.is_empty() { Ok(absent) } else { self.choice(list) }
    }

    /// A name: of a mode, a workspace, an output.
    pub fn name(&mut self) -> Result<String, String> {
        let word = self.required()?;
        self.named(word)
    }

    fn named(&self, word: &str) -> Result<String, String> {
        let fits = !word.is_empty() && word.len() <= NAME && !word.chars().any(char::is_control);
        if fits { Ok(word.to_owned()) } else { Err(self.wrong(word, format_args!("a name of 1 to {NAME} bytes"))) }
    }

    /// A name, if there is a word.
    pub fn optional_name(&mut self) -> Result<Option<String>, String> {
        if self.rest.is_empty() { Ok(None) } else { self.name().map(Some) }
    }

    /// A whole number within limits.
    pub fn number(&mut self, least: i32, most: i32) -> Result<i32, String> {
        let word = self.required()?;
        let number = word.strip_prefix('+').unwrap_or(word).parse().ok().filter(|n| (least..=most).contains(n));
        number.ok_or_else(|| self.wrong(word, format_args!("a whole number from {least} to {most}")))
    }

    /// Pixels, with a sign or without.
    pub fn pixels(&mut self) -> Result<i32, String> {
        self.number(-PIXELS, PIXELS)
    }

    /// The same; `absent` if there is no word.
    pub fn pixels_or(&mut self, absent: i32) -> Result<i32, String> {
        if self.rest.is_empty() { Ok(absent) } else { self.number(1, PIXELS) }
    }

    pub fn direction(&mut self) -> Result<Direction, String> {
        self.choice(&DIRECTIONS)
    }

    /// `left`, `next` or a connector.
    pub fn output(&mut self) -> Result<Output, String> {
        let word = self.required()?;
        if let Some((_, direction)) = DIRECTIONS.iter().find(|(name, _)| *name == word) {
            return Ok(Output::Beside(*direction));
        }
        match word {
            "next" => Ok(Output::Next),
            "previous" => Ok(Output::Previous),
            name => self.named(name).map(Output::Named),
        }
    }

    /// A number, a name, or which one it is.
    pub fn workspace(&mut self) -> Result<Workspace, String> {
        let word = self.required()?;
        Ok(match word {
            "next" => Workspace::Next,
            "previous" => Workspace::Previous,
            "last" => Workspace::Last,
            "new" => Workspace::New,
            word if word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty() => {
                let number = word.parse().ok().filter(|number| *number > 0);
                Workspace::Number(number.ok_or_else(|| self.wrong(word, "a number from 1 on"))?)
            }
            name => Workspace::Name(self.named(name)?),
        })
    }

    /// A number or a name of a workspace.
    pub fn label(&mut self) -> Result<Workspace, String> {
        let word = self.rest.first().cloned().unwrap_or_default();
        match self.workspace()? {
            label @ (Workspace::Number(_) | Workspace::Name(_)) => Ok(label),
            _ => Err(self.wrong(&word, "a number or another name")),
        }
    }

    /// `50%`, `1/3`, `+10%`, `-40`.
    pub fn part(&mut self) -> Result<Part, String> {
        let word = self.required()?;
        let wrong = || self.wrong(word, "a part such as `50%` or `1/3`, or a change such as `+10%` or `-40`");
        let signed = word.starts_with(['+', '-']);
        let number = |text: &str, most: i32| text.parse::<i32>().ok().filter(|n| (-most..=most).contains(n));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok());
        let part = match (word.strip_suffix('%'), signed) {
            (Some(percent), true) => number(percent, 100).map(Part::Percent),
            (None, true) => number(word, PIXELS).map(Part::Pixels),
            (Some(percent), false) => {
                plain(percent).flatten().filter(|n| (1..100).contains(n)).map(|n| Part::Of(n, 100))
            }
            (None, false) => word.split_once('/').and_then(|(over, under)| {
                let (over, under) = (plain(over).flatten()?, plain(under).flatten()?);
                (over > 0 && over < under && under <= 1000).then_some(Part::Of(over, under))
            }),
        };
        part.ok_or_else(wrong)
    }

    /// `3`, `+1`, `-1`.
    pub fn count(&mut self, least: u32, most: u32) -> Result<Number, String> {
        let word = self.required()?;
        let wrong = || self.wrong(word, format_args!("a number from {least} to {most}, or a change such as `+1`"));
        if word.starts_with(['+', '-']) {
            let change = word.parse::<i32>().ok().filter(|change| change.unsigned_abs() <= most);
            return change.map(Number::By).ok_or_else(wrong);
        }
        word.parse().ok().filter(|number| (least..=most).contains(number)).map(Number::Is).ok_or_else(wrong)
    }

    /// A size in pixels: `800x600`.
    pub fn size(&mut self) -> Result<(i32, i32), String> {
        let word = self.required()?;
        let side = |text: &str| text.parse::<i32>().ok().filter(|side| (1..=PIXELS).contains(side));
        let size = word.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
        size.ok_or_else(|| self.wrong(word, "a size in pixels such as `800x600`"))
    }
}

const DIRECTIONS: [(&str, Direction); 4] =
    [("left", Direction::Left), ("right", Direction::Right), ("up", Direction::Up), ("down", Direction::Down)];
