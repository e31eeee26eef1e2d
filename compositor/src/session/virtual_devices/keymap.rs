//! Keymaps that clients bring: whether one may be given to libxkbcommon, and what becomes of it.
//!
//! The library compiles what it is given in the session's thread, and takes as long, as much memory and as much of
//! the stack as the text wants: a keycode of 2^31 has it allocate a table of that size, a long sum recurses for
//! each of its terms, and a file that is included may be a pipe. So a keymap is looked through before, by the
//! library's own words: what no keymap of a program has is refused. This only refuses; it understands nothing.

use smithay::input::keyboard::{KeymapFile, xkb};

/// Statements of one keymap: a usual one has 1 500. Some of the library's work grows with their square.
const STATEMENTS: usize = 8192;
/// Files that one includes, counting each part of a name that is put together with `+` or `|`.
const INCLUDES: usize = 32;
/// `interpret` of one: each is looked at for each symbol of each key. A usual one has 70.
const INTERPRETS: usize = 512;
/// Operators of one statement: each is a level of recursion.
const OPERATORS: usize = 128;
/// The highest keycode, level or whatever else a number may be: the library makes tables of that size. (Symbols
/// of keys and masks of modifiers may be higher.)
const NUMBER: u64 = 4095;

/// A keymap that was compiled.
pub struct Keymap {
    /// For clients.
    pub file: KeymapFile,
    /// With the modifiers that are down.
    pub state: xkb::State,
}

/// Compiles the text of a keymap. The error says why that cannot be.
pub fn compile(text: &str) -> Result<Keymap, String> {
    check(text)?;
    let mut context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
    // A client's mistakes do not fill the log.
    context.set_log_level(xkb::LogLevel::Critical);
    let (format, flags) = (xkb::KEYMAP_FORMAT_TEXT_V1, xkb::KEYMAP_COMPILE_NO_FLAGS);
    let keymap = xkb::Keymap::new_from_string(&context, text.to_owned(), format, flags);
    let keymap = keymap.ok_or("xkbcommon cannot read the keymap")?;
    Ok(Keymap { file: KeymapFile::new(&keymap), state: xkb::State::new(&keymap) })
}

/// A word of a keymap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    Name(&'a str),
    Text(&'a str),
    Number(u64),
    Key,
    Sign(u8),
}

/// The words of a keymap, as the library separates them.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The bytes from here on for which `is` holds.
    fn take(&mut self, is: impl Fn(u8) -> bool) -> &'a str {
        let from = self.at;
        while self.peek().is_some_and(&is) {
            self.at += 1;
        }
        // All separators are ASCII, so that a character is never cut.
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn next(&mut self) -> Result<Option<Word<'a>>, String> {
        loop {
            self.take(|byte| byte.is_ascii_whitespace() || byte == b'\x0b');
            let comment = self.peek() == Some(b'#') || self.text[self.at..].starts_with("//");
            if !comment {
                break;
            }
            self.take(|byte| byte != b'\n');
        }
        let Some(first) = self.peek() else { return Ok(None) };
        Ok(Some(match first {
            b'"' => {
                self.at += 1;
                let text = self.take(|byte| byte != b'"' && byte != b'\n');
                if self.peek() != Some(b'"') {
                    return Err("a text has no end".to_owned());
                }
                self.at += 1;
                Word::Text(text)
            }
            b'<' => {
                self.at += 1;
                self.take(|byte| byte.is_ascii_graphic() && byte != b'>');
                if self.peek() != Some(b'>') {
                    return Err("the name of a key has no end".to_owned());
                }
                self.at += 1;
                Word::Key
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                Word::Name(self.take(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            }
            b'0'..=b'9' => {
                let digits = self.take(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
                let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
                let whole = digits.split('.').next().unwrap_or_default();
                let number = match hexadecimal {
                    Some(digits) => u64::from_str_radix(digits, 16),
                    None => whole.parse(),
                };
                Word::Number(number.unwrap_or(u64::MAX))
            }
            sign if sign.is_ascii() => {
                self.at += 1;
                Word::Sign(sign)
            }
            _ => return Err("there are letters beyond ASCII".to_owned()),
        }))
    }
}

/// Whether a file may be included: it is one of xkb's own.
fn is_own(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-()+|:^/ ".contains(&byte);
    name.bytes().all(plain) && !name.split(['+', '|', '^']).any(|part| part.trim().starts_with('/'))
}

/// Whether the library may be given a keymap. The error says why not.
fn check(text: &str) -> Result<(), String> {
    if text.bytes().any(|byte| byte == b'\\' || byte == 0) {
        // They stand for other letters.
        return Err("there are backslashes".to_owned());
    }
    let mut words = Words { text, at: 0 };
    let (mut statements, mut includes, mut interprets, mut operators) = (0, 0, 0, 0);
    // What the statement begins with, the word before, and whether this is in a list of symbols.
    let (mut begins, mut before, mut symbols) = (None, None, false);
    while let Some(word) = words.next()? {
        match word {
            Word::Text(name) => {
                let merges = ["include", "augment", "override", "replace", "alternate"];
                let merged = |by: &&str| merges.iter().any(|merge| merge.eq_ignore_ascii_case(by));
                if let Some(Word::Name(_)) = before.filter(|before| matches!(before, Word::Name(by) if merged(by))) {
                    includes += 1 + name.bytes().filter(|byte| b"+|^".contains(byte)).count();
                    if !is_own(name) {
                        return Err(format!("{name:?} is no file of xkb"));
                    }
                }
            }
            Word::Name(name) if name.eq_ignore_ascii_case("interpret") => interprets += 1,
            Word::Sign(b'[') => symbols = !matches!(before, Some(Word::Name(_))),
            Word::Sign(b']') => symbols = false,
            Word::Sign(b';') => (statements, operators, begins, symbols) = (statements + 1, 0, None, false),
            Word::Sign(b'+' | b'-' | b'*' | b'/' | b'!' | b'~' | b'(') => operators += 1,
            Word::Number(number) if number > NUMBER => {
                let mask = matches!(begins, Some(Word::Name(name)) if "virtual_modifiers".eq_ignore_ascii_case(name));
                if !symbols && !mask || number > u64::from(u32::MAX) {
                    return Err(format!("{number} is no keycode"));
                }
            }
            _ => {}
        }
        // A statement begins after another, or in a section.
        let ends = matches!(word, Word::Sign(b';' | b'{' | b'}'));
        begins = if ends { None } else { begins.or(Some(word)) };
        before = Some(word);
        let most = [(statements, STATEMENTS), (includes, INCLUDES), (interprets, INTERPRETS), (operators, OPERATORS)];
        if most.iter().any(|(number, most)| number > most) {
            return Err("it is larger than any keymap".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_names(layout: &str, options: &str) -> String {
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        let options = Some(options.to_owned());
        let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
        let keymap = xkb::Keymap::new_from_names(&context, "", "", layout, "", options, flags).expect("a keymap");
        keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1)
    }

    /// As wtype writes it.
    const FEW_KEYS: &str = r#"xkb_keymap {
        xkb_keycodes "(unnamed)" { minimum = 8; maximum = 11; <K1> = 9; <K2> = 10; };
        xkb_types "(unnamed)" { include "complete" };
        xkb_compatibility "(unnamed)" { include "complete" };
        xkb_symbols "(unnamed)" { key <K1> {[ U1F600 ]}; key <K2> {[ 0x1008ff13 ]}; };
    };"#;

    #[test]
    fn keymaps_of_programs_are_compiled() {
        for text in [
            FEW_KEYS.to_owned(),
            by_names("us", ""),
            by_names("us,de,ru,gr", "grp:alt_shift_toggle,compose:ralt,caps:escape,lv3:ralt_switch"),
            by_names("jp", ""),
            by_names("fr", ""),
        ] {
            compile(&text).map(drop).unwrap_or_else(|why| panic!("{why}: {text}"));
        }
    }

    #[test]
    fn a_symbol_is_that_of_the_keymap() {
        let keymap = compile(FEW_KEYS).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(keymap.state.key_get_one_sym(9u32.into()).raw(), 0x0101_f600);
    }

    #[test]
    fn what_would_keep_the_session_busy_is_refused() {
        let keymap = |section: &str| format!("xkb_keymap {{ {section} }};");
        let many = |part: &str, times: usize| part.repeat(times);
        let table = [
            (keymap("xkb_keycodes { <A> = 4294967294; };"), "no keycode"),
            (keymap("xkb_keycodes { <A> = 0x7fffffff; };"), "no keycode"),
            (keymap("xkb_types { type \"A\" { map[Shift] = 2147483647; }; };"), "no keycode"),
            (keymap("xkb_types { type \"A\" { level_name[0x7fffffff] = \"x\"; }; };"), "no keycode"),
            (
                keymap(&format!("xkb_types {{ type \"A\" {{ modifiers = Shift{}; }}; }};", many("+Shift", 1000))),
                "larger",
            ),
            (keymap(&format!("xkb_types {{ {} }};", many("include \"complete\"\n", 33))), "larger"),
            (keymap(&format!("xkb_types {{ include \"complete{}\" }};", many("+complete", 33))), "larger"),
            (keymap(&format!("xkb_types {{ REPLACE // x\n# y\n \"complete{}\" }};", many("|complete", 33))), "larger"),
            (keymap("xkb_symbols { include \"../../../../tmp/pipe\" };"), "no file of xkb"),
            (keymap("xkb_symbols { augment \"us+/tmp/pipe\" };"), "no file of xkb"),
            (keymap("xkb_symbols { include \"%H/pipe\" };"), "no file of xkb"),
            (keymap("xkb_symbols { include \"\\056\\056/pipe\" };"), "backslashes"),
            // A quotation mark in the name of a key hides nothing.
            (keymap("xkb_keycodes { alias <\"> = <A>; include \"../pipe\" alias <\"> = <A>; };"), "no file of xkb"),
            (keymap(&format!("xkb_compat {{ {} }};", many("interpret A { action = NoAction(); };", 513))), "larger"),
            (keymap(&many("xkb_keycodes { <A> = 9; };", 5000)), "larger"),
            (keymap("xkb_symbols { include \"us"), "no end"),
            (keymap("xkb_symbols { <A"), "no end"),
            (keymap("ä"), "ASCII"),
        ];
        for (text, says) in table {
            let error = check(&text).expect_err(&text[..text.len().min(100)]);
            assert!(error.contains(says), "{error}: {}", &text[..text.len().min(100)]);
        }
    }
}
