//! Every action is read, and what is wrong is said.

use std::path::Path;

use crate::actions::{
    action::{
        Action::{self, *},
        Command, Direction, KeyboardLayout, Number, Output, Part, Step, Switch, Walk, Workspace as On,
    },
    table::TABLE,
};

#[test]
fn actions_are_read_with_their_arguments() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let table: [(&str, Action); 35] = [
        ("spawn foot", Spawn(words(&["foot"]))),
        ("spawn foot -e 'a b' \"c\"", Spawn(words(&["foot", "-e", "a b", "c"]))),
        ("spawn-sh 'grim - | wl-copy'", SpawnShell("grim - | wl-copy".into())),
        ("terminal", Run(Command::Terminal)),
        ("volume mute", Run(Command::VolumeMute)),
        ("  quit  ", Quit),
        ("screenshot /tmp/a.png", Screenshot(Some("/tmp/a.png".into()))),
        ("output-power off", OutputPower(Switch::Off, None)),
        ("output-power toggle DP-1", OutputPower(Switch::Toggle, Some("DP-1".into()))),
        ("vt 3", Vt(3)),
        ("mode resize", Mode("resize".into())),
        ("keyboard-layout 2", KeyboardLayout(KeyboardLayout::Number(2))),
        ("focus left", Focus(Direction::Left)),
        ("focus-window previous", FocusWindow(Step::Previous)),
        ("switch-window done", SwitchWindow(Walk::Done)),
        ("focus-output next", FocusOutput(Output::Next)),
        ("move-to-output HDMI-A-1", MoveToOutput(Output::Named("HDMI-A-1".into()))),
        ("move-workspace up", MoveWorkspace(Output::Beside(Direction::Up))),
        ("move right", Move(Direction::Right, 32)),
        ("move right 5", Move(Direction::Right, 5)),
        ("move-to 100 -20", MoveTo(100, -20)),
        ("grow +10 -20", Grow(10, -20)),
        ("set-size 800x600", SetSize(800, 600)),
        ("fullscreen", Fullscreen(Switch::Toggle, None)),
        ("fullscreen on DP-2", Fullscreen(Switch::On, Some("DP-2".into()))),
        ("minimise", Minimise(Switch::On)),
        ("snap none", Snap(None)),
        ("split-width +10%", SplitWidth(Part::Percent(10))),
        ("split-width 1/3", SplitWidth(Part::Of(1, 3))),
        ("split-height 25%", SplitHeight(Part::Of(25, 100))),
        ("split-height -40", SplitHeight(Part::Pixels(-40))),
        ("columns +1", Columns(Number::By(1))),
        ("workspace 3", Workspace(On::Number(3))),
        ("move-to-workspace mail follow", MoveToWorkspace(On::Name("mail".into()), true)),
        ("rename-workspace mail", RenameWorkspace(On::Name("mail".into()))),
    ];
    for (text, action) in table {
        assert_eq!(Action::parse(text), Ok(action), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_what_is_right() {
    let table = [
        ("", "there is no action in an empty text"),
        ("fokus left", "there is no action `fokus`; did you mean `focus`?"),
        ("Quit", "did you mean `quit`?"),
        ("toggle-fullscreen", "there is no action `toggle-fullscreen`; `syncline actions` lists them all"),
        ("focus", "focus: an argument is missing; write `focus left|right|up|down`"),
        ("focus lfet", "focus: `lfet` is not possible; write `left`, `right`, `up` or `down`; did you mean `left`?"),
        ("quit now", "quit: `now` is too much; write `quit`"),
        ("spawn", "spawn: an argument is missing; write `spawn PROGRAM [ARGUMENT…]`"),
        ("spawn 'foot", "a quote in `spawn 'foot` is not closed"),
        ("vt 0", "vt: `0` is not possible; write a whole number from 1 to 63"),
        ("workspace 0", "workspace: `0` is not possible; write a number from 1 on"),
        ("workspace ''", "a name of 1 to 64 bytes"),
        ("rename-workspace next", "`next` is not possible; write a number or another name"),
        ("split-width 110%", "a part such as `50%` or `1/3`, or a change such as `+10%` or `-40`"),
        ("split-width 3/2", "a part such as"),
        ("split-width 1/0", "a part such as"),
        ("split-width é%", "a part such as"),
        ("set-size 0x5", "a size in pixels such as `800x600`"),
        ("columns 0", "a number from 1 to 32, or a change such as `+1`"),
        ("grow 1", "grow: an argument is missing; write `grow ±WIDTH ±HEIGHT`"),
        ("move left 0", "a whole number from 1 to 65535"),
        ("spawn a\0b", "no NUL"),
    ];
    for (text, says) in table {
        let error = Action::parse(text).expect_err(text);
        assert!(error.contains(says), "{text}: {error}");
    }
    let long = format!("mode {}", "x".repeat(65));
    assert!(Action::parse(&long).is_err());
}

#[test]
fn a_switch_turns_on_off_or_over() {
    assert_eq!([Switch::On, Switch::Off, Switch::Toggle].map(|switch| switch.of(true)), [true, false, false]);
}

/// The names are unique, and the page for users has them all.
#[test]
fn the_documentation_has_every_action() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/configuration.md")).unwrap();
    for (at, row) in TABLE.iter().enumerate() {
        assert!(TABLE[..at].iter().all(|other| other.name != row.name), "{} is there twice", row.name);
        let line = format!("| `{}` | {} |", row.usage().replace('|', "\\|"), row.help);
        assert!(page.contains(&line), "docs/configuration.md lacks the row\n{line}");
    }
}

mod random {
    use proptest::prelude::*;

    use crate::actions::Action;

    proptest! {
        /// Whatever is written, it is an action or an error of one line.
        #[test]
        fn no_text_is_too_strange(text in "(focus|spawn|split-width|workspace|grow|columns|set-size)? ?\\PC{0,40}") {
            if let Err(error) = Action::parse(&text) {
                prop_assert!(!error.is_empty());
            }
        }
    }
}
