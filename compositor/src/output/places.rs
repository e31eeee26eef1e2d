//! Where displays were put on the desktop, for each set of displays that was plugged in together.
//!
//! Values, and how they are written; [`crate::session::displays`] puts displays there, and
//! [`crate::system::state_file`] keeps the text.

use serde::{Deserialize, Serialize};

use crate::config::output::FARTHEST;

/// The most sets that are remembered. Of more, the one that was used the longest time ago is forgotten.
pub const SETS: usize = 64;
/// The most displays of a set that is remembered.
pub const DISPLAYS: usize = 16;
/// The longest name of a display, in bytes.
const NAME: usize = 256;

/// A display of a set. Without a position it lies beside the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// What the monitor calls itself, else the name of its connector.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<(i32, i32)>,
}

/// Displays that were plugged in together, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Set {
    display: Vec<Placed>,
}

impl Set {
    fn is_of(&self, names: &[String]) -> bool {
        self.display.iter().map(|placed| &placed.name).eq(names)
    }

    fn is_valid(&self) -> bool {
        let near = |at: i32| at.unsigned_abs() <= FARTHEST.unsigned_abs();
        let fits = |of: &Placed| of.name.len() <= NAME && of.position.is_none_or(|(x, y)| near(x) && near(y));
        (1..=DISPLAYS).contains(&self.display.len())
            && self.display.iter().all(fits)
            && self.display.is_sorted_by(|a, b| a.name < b.name)
    }
}

/// The sets, the one that was used last first.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    #[serde(default)]
    set: Vec<Set>,
}

impl Places {
    /// Reads what [`Places::text`] has written. What makes no sense is left out. Error: it is no such text.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut places: Self = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        places.set.retain(Set::is_valid);
        places.set.truncate(SETS);
        Ok(places)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let sets = toml::to_string(self).unwrap_or_default();
        format!(
            "# Where displays were put, by the displays that were plugged in together. Syncline writes this file.\n{sets}"
        )
    }

    /// Where a display was put while exactly these were plugged in.
    pub fn position(&self, names: &[String], name: &str) -> Option<(i32, i32)> {
        let set = self.set.iter().find(|set| set.is_of(names))?;
        set.display.iter().find(|placed| placed.name == name)?.position
    }

    /// Remembers where the displays of a set are, in any order. Whether that is new. Two displays of the same
    /// name cannot be told apart: nothing is remembered of them.
    pub fn remember(&mut self, mut display: Vec<Placed>) -> bool {
        display.sort_by(|a, b| a.name.cmp(&b.name));
        let set = Set { display };
        if !set.is_valid() || self.set.first() == Some(&set) {
            return false;
        }
        let names: Vec<String> = set.display.iter().map(|placed| placed.name.clone()).collect();
        self.set.retain(|known| !known.is_of(&names));
        self.set.insert(0, set);
        self.set.truncate(SETS);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(name: &str, position: Option<(i32, i32)>) -> Placed {
        Placed { name: name.to_owned(), position }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_place_is_that_of_exactly_these_displays() {
        let mut places = Places::default();
        let both = vec![placed("B", Some((1920, 0))), placed("A", Some((-5, 7)))];
        assert!(places.remember(both.clone()));
        assert!(!places.remember(both), "it is known");
        assert!(places.remember(vec![placed("B", None)]));
        let table = [
            (&["A", "B"][..], "A", Some((-5, 7))),
            (&["A", "B"], "B", Some((1920, 0))),
            (&["A", "B"], "C", None),
            (&["B"], "B", None),
            (&["A"], "A", None),
            (&["A", "B", "C"], "A", None),
        ];
        for (set, name, expected) in table {
            assert_eq!(places.position(&names(set), name), expected, "{set:?} {name}");
        }
        assert_eq!(Places::read(&places.text()), Ok(places));
    }

    #[test]
    fn of_many_sets_the_oldest_is_forgotten_and_what_makes_no_sense_is_left_out() {
        let mut places = Places::default();
        for number in 0..=SETS {
            places.remember(vec![placed(&number.to_string(), Some((1, 1)))]);
        }
        let known = |places: &Places, name: &str| places.position(&names(&[name]), name).is_some();
        assert!(!known(&places, "0") && known(&places, "1") && known(&places, "64"));
        for wrong in [
            vec![],
            vec![placed("A", Some((FARTHEST + 1, 0)))],
            vec![placed("A", None), placed("A", None)],
            vec![placed(&"A".repeat(NAME + 1), None)],
            (0..=DISPLAYS).map(|number| placed(&number.to_string(), None)).collect(),
        ] {
            assert!(!places.remember(wrong.clone()), "{wrong:?}");
        }
        let text = "[[set]]\ndisplay = [{ name = \"A\", position = [2000000, 0] }]\n[[set]]\ndisplay = [{ name = \"B\", position = [1, 2] }]\n";
        let read = Places::read(text).unwrap();
        assert!(!known(&read, "A") && known(&read, "B"));
        assert!(Places::read("set = 1").is_err() && Places::read("").is_ok());
    }
}
