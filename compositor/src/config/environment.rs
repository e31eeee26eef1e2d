//! Strings that go to other programs: command lines, variables, names for xkb. A string of C ends at a
//! NUL, so there is none in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error};

/// The most variables and programs.
const MOST: usize = 256;

/// One line.
pub fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    checked(&text).map_err(D::Error::custom)?;
    Ok(text)
}

/// One line, if there is one.
pub fn optional_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.as_deref().map_or(Ok(()), checked).map_err(D::Error::custom)?;
    Ok(text)
}

fn checked(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err(format!("`{}` has a character that cannot be printed", printable(text)));
    }
    Ok(())
}

/// A text for an error.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// Command lines, each with a program.
pub fn command_lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let lines = Vec::<String>::deserialize(deserializer)?;
    if lines.len() > MOST {
        return Err(D::Error::custom(format!("{} programs; the most are {MOST}", lines.len())));
    }
    for line in &lines {
        let words = shlex::split(line).filter(|words| !words.is_empty() && !line.contains('\0'));
        if words.is_none() {
            let line = printable(line);
            return Err(D::Error::custom(format!("`{line}` is not a command line; write a program and its arguments")));
        }
    }
    Ok(lines)
}

/// Variables with their values.
pub fn variables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let variables = BTreeMap::<String, String>::deserialize(deserializer)?;
    if variables.len() > MOST {
        return Err(D::Error::custom(format!("{} variables; the most are {MOST}", variables.len())));
    }
    for (name, value) in &variables {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(D::Error::custom(format!("`{}` is not the name of a variable", printable(name))));
        }
        if value.contains('\0') {
            return Err(D::Error::custom(format!("the value of `{name}` has a NUL")));
        }
    }
    Ok(variables)
}
