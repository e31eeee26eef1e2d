//! Chords, files of bindings, and which binding a chord means.

use std::path::Path;

use crate::{
    actions::action::Direction,
    config::{
        Config,
        bindings::{
            chord::{Chord, Mods, Toggle, Trigger},
            defaults,
            entry::Situation,
            set::{Bindings, DEFAULT_MODE},
        },
        load,
    },
};

const SUPER: Mods = Mods { logo: true, ..Mods::NONE };
const FREE: Situation = Situation { locked: false, inhibited: false };

fn chord(text: &str) -> Chord {
    Chord::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn parse(text: &str) -> Result<Config, String> {
    load::parse(Path::new("config.toml"), text).map_err(|error| error.to_string())
}

/// What a chord does, in a mode and a situation.
fn does(bindings: &Bindings, mode: &str, text: &str, situation: Situation) -> Option<String> {
    let hit = bindings.find(mode, [chord(text)], situation)?;
    Some(hit.entries.iter().map(|entry| entry.text.as_ref()).collect::<Vec<_>>().join("; "))
}

#[test]
fn chords_are_read_and_written() {
    let all = Mods { logo: true, ctrl: true, alt: true, shift: true, level3: true };
    let table = [
        ("Super+Return", SUPER, Trigger::Keysym(0xff0d), "Super+Return"),
        ("mod4+Enter", SUPER, Trigger::Keysym(0xff0d), "Super+Return"),
        ("Super+Q", SUPER, Trigger::Keysym(0x71), "Super+q"),
        ("AltGr+shift+CONTROL+Mod1+Logo+1", all, Trigger::Keysym(0x31), "Super+Ctrl+Alt+Shift+AltGr+1"),
        ("XF86AudioMute", Mods::NONE, Trigger::Keysym(0x1008_ff12), "XF86AudioMute"),
        ("page_up", Mods::NONE, Trigger::Keysym(0xff55), "Prior"),
        ("Super++", SUPER, Trigger::Keysym(0x2b), "Super+plus"),
        ("+", Mods::NONE, Trigger::Keysym(0x2b), "plus"),
        ("Super+/", SUPER, Trigger::Keysym(0x2f), "Super+slash"),
        ("Super+ö", SUPER, Trigger::Keysym(0xf6), "Super+odiaeresis"),
        ("Super+я", SUPER, Trigger::Keysym(0x6d1), "Super+Cyrillic_ya"),
        ("KP_End", Mods::NONE, Trigger::Keysym(0xffb1), "KP_1"),
        ("Super+code:38", SUPER, Trigger::Code(38), "Super+KEY_A"),
        ("KEY_A", Mods::NONE, Trigger::Code(38), "KEY_A"),
        ("code:700", Mods::NONE, Trigger::Code(700), "code:700"),
        ("Super+button-left", SUPER, Trigger::Button(0x110), "Super+button-left"),
        ("button-290", Mods::NONE, Trigger::Button(290), "button-290"),
        ("Super+wheel-up", SUPER, Trigger::Wheel(Direction::Up), "Super+wheel-up"),
        ("swipe-4-left", Mods::NONE, Trigger::Swipe(4, Direction::Left), "swipe-4-left"),
        ("lid-close", Mods::NONE, Trigger::Switch(Toggle::LidClose), "lid-close"),
    ];
    for (text, mods, trigger, written) in table {
        let found = chord(text);
        assert_eq!(found, Chord { mods, trigger }, "{text}");
        assert_eq!(found.to_string(), written);
        assert_eq!(chord(written), found, "{text}: what is written can be read");
    }
}

#[test]
fn what_is_no_chord_is_said() {
    let table = [
        ("", "a chord names a key"),
        ("Super+", "no key behind the last plus"),
        (
            "Supper+a",
            "`Supper` is not a modifier; write `Super`, `Ctrl`, `Alt`, `Shift` or `AltGr`; did you mean `Super`?",
        ),
        ("Super+Super+a", "`Super` is in `Super+Super+a` twice"),
        ("Super+Retrun", "there is no key `Retrun`; did you mean `Return`?"),
        ("Super", "`Super` stands before a key, and the key itself is called `Super_L`"),
        ("Super+a b", "has a space"),
        ("a\0b", "has a space"),
        ("KEY_RETURN", "the kernel has no key `KEY_RETURN`"),
        ("KEY_ENTR", "did you mean `KEY_ENTER`?"),
        ("code:3", "write a number from 8 to 775"),
        ("button-lft", "is not a button"),
        ("wheel-in", "no turn of the wheel"),
        ("swipe-2-left", "3 to 5 fingers"),
        ("swipe-3-in", "for example `swipe-3-left`"),
        ("Super+lid-close", "`lid-close` has no modifiers"),
    ];
    for (text, says) in table {
        let error = Chord::parse(text).expect_err(text);
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn everything_that_is_built_in_can_be_read_and_is_there_once() {
    let written = defaults::written(|chord, error| panic!("{chord}: {error}"));
    for (at, one) in written.iter().enumerate() {
        let twice = written[..at].iter().any(|other| (&other.mode, other.chord) == (&one.mode, one.chord));
        assert!(!twice, "{} is bound twice", one.chord);
    }
    assert_eq!(Bindings::default().unknown_mode(), None);
}

#[test]
fn a_file_replaces_adds_and_takes_away() {
    let config = parse(
        "[bindings]\n\"Super+q\" = \"none\"\n\"Super+Return\" = \"spawn foot\"\n\"Super+F9\" = [\"close\", \"quit\"]\n",
    )
    .unwrap();
    let does = |text| does(&config.bindings, DEFAULT_MODE, text, FREE);
    assert_eq!(does("Super+q"), None);
    assert_eq!(does("Super+Return").as_deref(), Some("spawn foot"));
    assert_eq!(does("Super+F9").as_deref(), Some("close; quit"));
    assert_eq!(does("Super+f").as_deref(), Some("fullscreen toggle"), "what is built in stays");
    let built_in = Bindings::default();
    assert!(built_in.find(DEFAULT_MODE, [chord("Super+q")], FREE).is_some(), "and is not changed");
}

#[test]
fn modes_have_their_own_bindings_and_a_way_out() {
    let config = parse(
        "[bindings]\nF9 = \"mode media\"\nF8 = { action = \"quit\", all-modes = true }\n\
         [mode.media.bindings]\nspace = \"media play\"\n[mode.stuck.bindings]\nEscape = \"none\"\n",
    )
    .unwrap();
    let does = |mode, text| does(&config.bindings, mode, text, FREE);
    assert_eq!(does("media", "space").as_deref(), Some("media play"));
    assert_eq!(does("media", "Escape").as_deref(), Some("mode default"));
    assert_eq!(does("media", "F8").as_deref(), Some("quit"));
    assert_eq!(does("media", "Ctrl+Alt+F3").as_deref(), Some("vt 3"));
    assert_eq!(does("media", "Super+q"), None, "that is of the default mode");
    assert_eq!(does("stuck", "Escape"), None);
    assert_eq!(does("no such mode", "F8"), None);
    assert_eq!(does(DEFAULT_MODE, "space"), None);
}

#[test]
fn options_decide_when_an_action_is_allowed() {
    let config = parse(
        "[bindings]\nF1 = { action = \"quit\", locked = true }\nF2 = { action = \"quit\", inhibited = true }\n\
         F3 = [\"close\", { action = \"quit\", locked = true, inhibited = true }]\n",
    )
    .unwrap();
    let (locked, inhibited) =
        (Situation { locked: true, inhibited: false }, Situation { locked: false, inhibited: true });
    let is = |text, situation| config.bindings.find(DEFAULT_MODE, [chord(text)], situation).is_some();
    let table = [("F1", true, false), ("F2", false, true), ("F3", true, true), ("Super+q", false, false)];
    for (text, when_locked, when_inhibited) in table {
        assert!(is(text, FREE), "{text}");
        assert_eq!((is(text, locked), is(text, inhibited)), (when_locked, when_inhibited), "{text}");
    }
    let hit = config.bindings.find(DEFAULT_MODE, [chord("F3")], locked).unwrap();
    let allowed: Vec<_> = hit.entries.iter().map(|entry| entry.is_allowed(locked)).collect();
    assert_eq!(allowed, [false, true], "each by itself");
}

#[test]
fn the_first_chord_that_is_bound_counts() {
    let config = parse("[bindings]\nKEY_F9 = \"quit\"\nF9 = \"close\"\n").unwrap();
    let both = [chord("KEY_F9"), chord("F9")];
    let hit = config.bindings.find(DEFAULT_MODE, both, FREE).unwrap();
    assert_eq!((hit.chord, hit.entries[0].text.as_ref()), (both[0], "quit"));
}

#[test]
fn what_a_file_binds_counts_before_what_is_built_in() {
    let config = parse("[bindings]\n\"Super+exclam\" = \"quit\"\n").unwrap();
    // As they come from the key 1 with Shift.
    let both = [chord("Super+Shift+1"), chord("Super+exclam")];
    let text = |bindings: &Bindings| bindings.find(DEFAULT_MODE, both, FREE).unwrap().entries[0].text.to_string();
    assert_eq!(text(&config.bindings), "quit");
    assert_eq!(text(&Bindings::default()), "move-to-workspace 1");
}

#[test]
fn a_mistake_names_its_line_or_both() {
    let table = [
        ("[bindings]\n\"Super+Retrun\" = \"quit\"\n", 2, "did you mean `Return`?"),
        ("[bindings]\nF1 = \"fokus left\"\n", 2, "did you mean `focus`?"),
        ("[bindings]\nF1 = 3\n", 2, "an action is a text or a table with `action`, not a value of the type integer"),
        ("[bindings]\nF1 = { acton = \"quit\" }\n", 2, "unknown key `acton`; did you mean `action`?"),
        ("[bindings]\nF1 = { locked = true }\n", 2, "`action` is missing"),
        ("[bindings]\nF1 = { action = \"quit\", locked = 1 }\n", 2, "`locked` is `true` or `false`"),
        ("[bindings]\nF1 = { action = \"quit\", repeat = true, on-release = true }\n", 2, "does not repeat"),
        ("[bindings]\nlid-close = { action = \"quit\", repeat = true }\n", 2, "`lid-close` is not held"),
        ("[bindings]\nF1 = []\n", 2, "a chord has 1 to 16 actions"),
        ("[bindings]\nF1 = [\"quit\",\n  \"quti\"]\n", 3, "did you mean `quit`?"),
        (
            "[bindings]\n\"Super+Shift+a\" = \"quit\"\n\n\"Shift+Super+a\" = \"close\"\n",
            4,
            "`Super+Shift+a` is bound in line 2 already, and here again",
        ),
        ("[bindings]\n\"Super+a\" = \"quit\"\n\"Super+a\" = \"quit\"\n", 3, "is in line 2 already, and here again"),
        ("bindings = 3\n", 1, "`bindings` is a table"),
        ("[mode.default.bindings]\n", 1, "the bindings of `default` are in [bindings]"),
        ("[mode.a]\nF1 = \"quit\"\n", 2, "unknown key `F1`; a mode has `bindings` only"),
        ("[bindings]\n\nF1 = \"mode resise\"\n", 3, "there is no mode `resise`; did you mean `resize`?"),
        ("bindigs = 3\n", 1, "did you mean `bindings`?"),
    ];
    for (text, line, says) in table {
        let error = parse(text).expect_err(text);
        assert!(error.starts_with(&format!("config.toml:{line}: ")) && error.contains(says), "{text}: {error}");
    }
}
