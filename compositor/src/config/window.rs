//! `[[window]]`: what becomes of windows when they appear, by their application, title and tag.
//!
//! ```text
//!  a first buffer ─→ the rules that fit, in their order ─→ one `Opening`, which the layout follows
//! ```
//!
//! The rules are those of the moment when a window appears. Nothing here places a window;
//! [`crate::desktop::layout::opening`] says what the layout makes of them.

use std::num::NonZeroU16;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, Visitor},
};

use crate::config::pattern::Pattern;

/// The most rules.
const RULES: usize = 1000;
/// The longest name of a workspace, in bytes.
const NAME: usize = 64;

documented! {
    /// What becomes of some windows when they appear. All that is said of the window must be so;
    /// of several rules that fit, the last one that has a property counts for it.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct WindowRule {
        /// The application: a regular expression that fits a part of its name. For the whole name write
        /// `^` and `$`. Absent: any.
        pub app_id: Option<Pattern>,
        /// The title that the window has when it appears: such an expression, too. Absent: any.
        pub title: Option<Pattern>,
        /// The tag by which its client tells its kinds of windows apart: such an expression, too. Absent: any.
        pub tag: Option<Pattern>,
        /// Whether the window belongs to another one. Absent: either.
        pub dialog: Option<bool>,
        /// Whether it floats; otherwise it is tiled, where its workspace tiles.
        pub floating: Option<bool>,
        /// The workspace that it comes to, which is made if there is none: a number or a name.
        #[serde(deserialize_with = "workspace")]
        pub workspace: Option<String>,
        /// The display, by its connector: the window comes to the workspace that is shown there. With
        /// `workspace` it is where that is made.
        pub output: Option<String>,
        /// The size while it floats, `[width, height]` in logical pixels.
        pub size: Option<(NonZeroU16, NonZeroU16)>,
        /// The upper left corner while it floats, `[x, y]` from that of the display.
        pub position: Option<(i16, i16)>,
        /// Whether it covers its display.
        pub fullscreen: Option<bool>,
        /// Whether it fills what panels leave of its display.
        pub maximised: Option<bool>,
        /// Whether it is hidden until the user calls it.
        pub minimised: Option<bool>,
        /// Whether it floats and stays in sight when its display shows another workspace.
        pub sticky: Option<bool>,
        /// Whether it floats above the other windows.
        pub above: Option<bool>,
        /// Whether it is hidden in the scratchpad.
        pub scratchpad: Option<bool>,
        /// Whether it has a title bar of the session while it floats, whatever its client wants.
        pub title_bar: Option<bool>,
        /// Whether it gets the focus when it appears. `true`: also where its workspace is not shown.
        pub focus: Option<bool>,
        /// Whether pictures of the screen show it. With `false` it is black there, and cannot be captured
        /// by itself.
        pub capture: Option<bool>,
    }
}

/// What is known of a window when it appears.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traits<'a> {
    /// The name of its application, if its client has said one.
    pub app_id: Option<&'a str>,
    pub title: Option<&'a str>,
    /// As `xdg_toplevel_tag_manager_v1` has it.
    pub tag: Option<&'a str>,
    /// It belongs to another window.
    pub dialog: bool,
}

impl WindowRule {
    /// Whether the rule is for a window. What its client has not said fits no expression.
    pub fn fits(&self, window: Traits<'_>) -> bool {
        let fits = |pattern: &Option<Pattern>, text: Option<&str>| {
            pattern.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.fits(text)))
        };
        // What is cheap comes first.
        self.dialog.is_none_or(|dialog| dialog == window.dialog)
            && fits(&self.app_id, window.app_id)
            && fits(&self.title, window.title)
            && fits(&self.tag, window.tag)
    }

    /// What the rule lacks to be one.
    fn lacks(&self) -> Option<&'static str> {
        let of_any = Self { app_id: None, title: None, tag: None, dialog: None, ..self.clone() };
        if of_any == *self {
            return Some("the rule is for no window; write `app-id`, `title`, `tag` or `dialog`");
        }
        (of_any == Self::default())
            .then_some("the rule changes nothing; write what becomes of the window, for example `floating = true`")
    }
}

/// Reads the list. A rule for no window, or one that changes nothing, is an error at its place.
pub fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<WindowRule>, D::Error> {
    /// The parser marks the table of an error that comes from within a newtype.
    #[derive(Deserialize)]
    struct Whole(#[serde(deserialize_with = "whole")] WindowRule);

    let rules = Vec::<Whole>::deserialize(deserializer)?;
    if rules.len() > RULES {
        return Err(D::Error::custom(format!("{} [[window]] rules; {RULES} are the most", rules.len())));
    }
    Ok(rules.into_iter().map(|Whole(rule)| rule).collect())
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WindowRule, D::Error> {
    let rule = WindowRule::deserialize(deserializer)?;
    rule.lacks().map_or(Ok(rule), |lacks| Err(D::Error::custom(lacks)))
}

/// The label of a workspace: a number, or a text.
fn workspace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Label;

    impl Visitor<'_> for Label {
        type Value = String;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the number or the name of a workspace")
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<String, E> {
            let number = u32::try_from(number).ok().filter(|number| *number > 0);
            let wrong = || E::custom("the number of a workspace is 1 or greater");
            number.map(|number| number.to_string()).ok_or_else(wrong)
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<String, E> {
            if let Ok(number) = name.parse::<i64>()
                && name.bytes().all(|byte| byte.is_ascii_digit())
            {
                return self.visit_i64(number);
            }
            let right = (1..=NAME).contains(&name.len()) && !name.chars().any(char::is_control);
            let wrong = || E::custom(format!("the name of a workspace has 1 to {NAME} bytes that can be printed"));
            right.then(|| name.to_owned()).ok_or_else(wrong)
        }
    }

    deserializer.deserialize_any(Label).map(Some)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, load};

    fn parse(text: &str) -> Result<Config, String> {
        load::parse(Path::new("config.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_is_for_windows_of_which_everything_is_so() {
        let rule = |text: &str| parse(&format!("[[window]]\nsticky = true\n{text}\n")).unwrap().windows.remove(0);
        let all = rule("app-id = '^foot$'\ntitle = 'log'\ndialog = false");
        let editor = rule("app-id = 'editor'");
        let dialogs = rule("dialog = true");
        let untitled = rule("title = '^$'");
        let window = |app_id, title, dialog| Traits { app_id, title, tag: None, dialog };
        for (window, expected) in [
            (window(Some("foot"), Some("the log"), false), [true, false, false, false]),
            (window(Some("foot"), Some("the log"), true), [false, false, true, false]),
            (window(Some("footclient"), Some("the log"), false), [false; 4]),
            (window(Some("foot"), Some("shell"), false), [false; 4]),
            (window(Some("foot"), None, false), [false; 4]),
            (window(None, Some("the log"), false), [false; 4]),
            (window(Some("org.example.editor"), None, false), [false, true, false, false]),
            (window(Some("org.example.editor"), Some(""), true), [false, true, true, true]),
            (window(None, None, false), [false; 4]),
        ] {
            assert_eq!([&all, &editor, &dialogs, &untitled].map(|rule| rule.fits(window)), expected, "{window:?}");
        }
        let (settings, tag) = (rule("app-id = 'mail'\ntag = '^settings$'"), Some("settings"));
        for (app_id, tag, expected) in [
            (Some("mail"), tag, true),
            (Some("mail"), None, false),
            (Some("mail"), Some("main"), false),
            (None, tag, false),
        ] {
            assert_eq!(settings.fits(Traits { app_id, tag, ..Traits::default() }), expected, "{app_id:?} {tag:?}");
        }
    }

    #[test]
    fn a_rule_has_properties() {
        let text = "[[window]]\napp-id = 'a'\nfloating = true\nworkspace = 3\noutput = 'DP-1'\nsize = [640, 480]\n\
                    position = [-10, 20]\nfocus = false\n[[window]]\ntitle = 'b'\nworkspace = 'mail'\n";
        let rules = parse(text).unwrap().windows;
        let first = &rules[0];
        assert_eq!((first.floating, first.focus, first.sticky), (Some(true), Some(false), None));
        assert_eq!((first.workspace.as_deref(), first.output.as_deref()), (Some("3"), Some("DP-1")));
        assert_eq!(first.size.map(|(w, h)| (w.get(), h.get())), Some((640, 480)));
        assert_eq!(first.position, Some((-10, 20)));
        assert_eq!(rules[1].workspace.as_deref(), Some("mail"));
    }

    #[test]
    fn a_wrong_rule_is_an_error_of_its_place() {
        let table = [
            ("app-id = 'a'\nflaoting = true\n", "config.toml:3: unknown field `flaoting`", "did you mean `floating`?"),
            ("app_id = 'a'\nsticky = true\n", "config.toml:2: unknown field `app_id`", "is called `app-id` now"),
            ("app-id = 'a('\nsticky = true\n", "config.toml:2: `a(` is not a regular expression", "at character 2"),
            ("app-id = 'a'\ntitle = '[b'\nsticky = true\n", "config.toml:3: `[b` is not", "at character 1"),
            (
                "sticky = true\n",
                "config.toml:1: the rule is for no window",
                "write `app-id`, `title`, `tag` or `dialog`",
            ),
            ("app-id = 'a'\n", "config.toml:1: the rule changes nothing", "`floating = true`"),
            ("", "config.toml:1: the rule is for no window", ""),
            ("app-id = 'a'\nworkspace = 0\n", "config.toml:3: the number of a workspace is 1 or greater", ""),
            ("app-id = 'a'\nworkspace = ''\n", "config.toml:3: the name of a workspace has 1 to 64", ""),
            ("app-id = 'a'\nworkspace = true\n", "config.toml:3: invalid type: boolean", "the number or the name"),
            ("app-id = 'a'\nsize = [0, 4]\n", "config.toml:3: invalid value: integer `0`", ""),
            ("app-id = 'a'\nfocus = 'no'\n", "config.toml:3: invalid type: string", "a boolean"),
        ];
        for (text, starts, has) in table {
            let error = parse(&format!("[[window]]\n{text}")).unwrap_err();
            assert!(error.starts_with(starts) && error.contains(has), "{text}: {error}");
        }
        // Of several rules the wrong one is named.
        let error = parse("[[window]]\ndialog = true\nabove = true\n[[window]]\ndialog = true\n").unwrap_err();
        assert!(error.starts_with("config.toml:4: the rule changes nothing"), "{error}");
        let error = parse(&"[[window]]\ndialog = true\nabove = true\n".repeat(RULES + 1)).unwrap_err();
        assert!(error.contains("1001 [[window]] rules; 1000 are the most"), "{error}");
    }

    #[test]
    fn the_place_of_a_wrong_expression_is_marked() {
        let text = "vrr = true\n[[window]]\napp-id = \"a(\"\nsticky = true\n";
        let error = load::parse(Path::new("config.toml"), text).unwrap_err();
        assert_eq!(error.excerpt(), Some("  |\n3 | app-id = \"a(\"\n  |          ^^^^"));
        let error = load::parse(Path::new("config.toml"), "vrr = true\n[[window]]\ntitle = 'a'\n").unwrap_err();
        assert!(error.excerpt().is_some_and(|excerpt| excerpt.contains("2 | [[window]]\n")), "{error}");
    }
}
