//! Colours on a terminal: when they are wanted, and how text gets them. It writes nothing.

use std::io::IsTerminal;

/// Whether text on `stream` gets colours: it is a terminal that has them, and the user has not set
/// `NO_COLOR` (<https://no-color.org>: set and not empty).
pub fn wants_colour(stream: &impl IsTerminal) -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !no_color && !dumb
}

/// Puts `text` between the escape sequence `code` (SGR parameters, for example `1;32`) and its end,
/// if `colour`.
pub fn paint(colour: bool, code: &str, text: &str) -> String {
    if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::paint;

    #[test]
    fn text_is_painted_only_in_colour() {
        assert_eq!(
            (paint(true, "1;32", "ok").as_str(), paint(false, "1;32", "ok").as_str()),
            ("\x1b[1;32mok\x1b[0m", "ok")
        );
    }
}
