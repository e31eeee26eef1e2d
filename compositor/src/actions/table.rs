//! The table of all actions: the name, the arguments, a line of help, and how it is read.
//!
//! It is the one list of them: `syncline actions`, the errors of unknown actions and the table in
//! docs/configuration.md are made from it or compared with it.

use crate::actions::{
    action::{Action, Arrangement, Command, KeyboardLayout, Snap, Stacking, Step, Switch, Walk},
    words::Words,
};

/// An action that can be written.
pub struct Row {
    pub name: &'static str,
    /// What follows the name; brackets: it may be absent.
    pub arguments: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    pub(super) parse: fn(&mut Words<'_>) -> Result<Action, String>,
}

impl Row {
    /// The name with the arguments.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments).trim_end().to_owned()
    }
}

type Read = fn(&mut Words<'_>) -> Result<Action, String>;

const fn row(name: &'static str, arguments: &'static str, help: &'static str, parse: Read) -> Row {
    Row { name, arguments, help, parse }
}

const SWITCH: &str = "on|off|toggle";
const DIRECTION: &str = "left|right|up|down";
const OUTPUT: &str = "left|right|up|down|next|previous|NAME";
const WORKSPACE: &str = "NUMBER|NAME|next|previous|last|new";

const SWITCHES: [(&str, Switch); 3] = [("on", Switch::On), ("off", Switch::Off), ("toggle", Switch::Toggle)];
const STEPS: [(&str, Step); 2] = [("next", Step::Next), ("previous", Step::Previous)];
const SNAPS: [(&str, Option<Snap>); 9] = [
    ("left", Some(Snap::Left)),
    ("right", Some(Snap::Right)),
    ("top", Some(Snap::Top)),
    ("bottom", Some(Snap::Bottom)),
    ("top-left", Some(Snap::TopLeft)),
    ("top-right", Some(Snap::TopRight)),
    ("bottom-left", Some(Snap::BottomLeft)),
    ("bottom-right", Some(Snap::BottomRight)),
    ("none", None),
];

/// A state that is toggled unless it is named.
fn switch(words: &mut Words<'_>) -> Result<Switch, String> {
    words.choice_or(&SWITCHES, Switch::Toggle)
}

/// How far `move` moves a floating window, in pixels.
const STEP: i32 = 32;

/// All actions, by what they concern.
pub const TABLE: &[Row] = &[
    // Programs.
    row("spawn", "PROGRAM [ARGUMENT…]", "start a program", |words| {
        words.required().map(|first| {
            let rest = words.all().iter().cloned();
            Action::Spawn(std::iter::once(first.to_owned()).chain(rest).collect())
        })
    }),
    row("spawn-sh", "LINE", "have the shell run a line", |words| {
        words.required().map(|first| {
            let rest = words.all().iter().map(String::as_str);
            Action::SpawnShell(std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" "))
        })
    }),
    row("terminal", "", "start the terminal that `terminal` names", |_| Ok(Action::Run(Command::Terminal))),
    row("launcher", "", "start the launcher of programs that `launcher` names", |_| Ok(Action::Run(Command::Launcher))),
    row("lock", "", "lock the session with `commands.lock`", |_| Ok(Action::Run(Command::Lock))),
    row("suspend", "", "put the machine to sleep with `commands.suspend`", |_| Ok(Action::Run(Command::Suspend))),
    row("brightness", "up|down", "run `commands.brightness-up` or `commands.brightness-down`", |words| {
        words.choice(&[("up", Command::BrightnessUp), ("down", Command::BrightnessDown)]).map(Action::Run)
    }),
    row("volume", "up|down|mute", "run `commands.volume-up`, `volume-down` or `volume-mute`", |words| {
        let list = [("up", Command::VolumeUp), ("down", Command::VolumeDown), ("mute", Command::VolumeMute)];
        words.choice(&list).map(Action::Run)
    }),
    row("microphone-mute", "", "run `commands.microphone-mute`", |_| Ok(Action::Run(Command::MicrophoneMute))),
    row("media", "play|stop|next|previous", "run `commands.media-play`, `media-stop` and so on", |words| {
        let list = [
            ("play", Command::MediaPlay),
            ("stop", Command::MediaStop),
            ("next", Command::MediaNext),
            ("previous", Command::MediaPrevious),
        ];
        words.choice(&list).map(Action::Run)
    }),
    // The session.
    row("quit", "", "end the session", |_| Ok(Action::Quit)),
    row("reload", "", "read the configuration again", |_| Ok(Action::Reload)),
    row("screenshot", "[FILE]", "write a picture of the first output, as PNG", |words| {
        Ok(Action::Screenshot(words.next().map(Into::into)))
    }),
    row("output-power", "on|off|toggle [NAME]", "turn a display on or off; without a name all of them", |words| {
        Ok(Action::OutputPower(words.choice(&SWITCHES)?, words.optional_name()?))
    }),
    row("vt", "NUMBER", "change to another virtual terminal", |words| words.number(1, 63).map(Action::Vt)),
    row("mode", "NAME", "change to the bindings of `[mode.NAME.bindings]`, or back to `default`", |words| {
        words.name().map(Action::Mode)
    }),
    row("show-bindings", "", "show the bindings on the screen", |_| Ok(Action::ShowBindings)),
    row("idle-inhibit", "[on|off|toggle]", "keep the displays on while nobody is active", |words| {
        switch(words).map(Action::IdleInhibit)
    }),
    row(
        "inhibit-shortcuts",
        "[on|off|toggle]",
        "leave the keys to the window, but those marked `inhibited`",
        |words| switch(words).map(Action::InhibitShortcuts),
    ),
    row("keyboard-layout", "next|previous|NUMBER", "change between the layouts of `keyboard.layout`", |words| {
        Ok(Action::KeyboardLayout(match words.required()? {
            "next" => KeyboardLayout::Next,
            "previous" => KeyboardLayout::Previous,
            word => match word.parse() {
                Ok(number @ 1..=32) => KeyboardLayout::Number(number),
                _ => {
                    return Err(format!(
                        "keyboard-layout: `{word}` is not possible; write `next`, `previous` or a number from 1 on"
                    ));
                }
            },
        }))
    }),
    // The focus.
    row("focus", DIRECTION, "focus the window or the output there", |words| words.direction().map(Action::Focus)),
    row("focus-window", "next|previous", "focus windows in the order in which they came", |words| {
        words.choice(&STEPS).map(Action::FocusWindow)
    }),
    row("switch-window", "next|previous|done", "focus windows in the order of use, as Alt+Tab does", |words| {
        let list = [("next", Walk::Next), ("previous", Walk::Previous), ("done", Walk::Done)];
        words.choice(&list).map(Action::SwitchWindow)
    }),
    row("focus-last", "", "focus the window that had the focus before", |_| Ok(Action::FocusLast)),
    row("focus-urgent", "", "focus a window that wants attention", |_| Ok(Action::FocusUrgent)),
    row("focus-output", OUTPUT, "focus another output", |words| words.output().map(Action::FocusOutput)),
    // The window.
    row("close", "", "ask the window to close", |_| Ok(Action::Close)),
    row("kill", "", "end the connection of the window's program", |_| Ok(Action::Kill)),
    row("move", "left|right|up|down [PIXELS]", "move the window: by tiles, or a floating one by pixels", |words| {
        Ok(Action::Move(words.direction()?, words.pixels_or(STEP)?))
    }),
    row("move-to-output", OUTPUT, "move the window to another output", |words| {
        words.output().map(Action::MoveToOutput)
    }),
    row("drag-move", "", "move the window under the pointer until the button is released", |_| Ok(Action::DragMove)),
    row("drag-resize", "", "resize the window under the pointer until the button is released", |_| {
        Ok(Action::DragResize)
    }),
    row("move-to", "X Y", "put a floating window at a place on the desktop, in pixels", |words| {
        Ok(Action::MoveTo(words.pixels()?, words.pixels()?))
    }),
    row("set-size", "WIDTHxHEIGHT", "give a floating window a size in pixels", |words| {
        words.size().map(|(width, height)| Action::SetSize(width, height))
    }),
    row("grow", "±WIDTH ±HEIGHT", "make the window wider and higher by pixels", |words| {
        Ok(Action::Grow(words.pixels()?, words.pixels()?))
    }),
    row("move-edge", "left|right|up|down ±PIXELS", "move one edge of the window outwards", |words| {
        Ok(Action::MoveEdge(words.direction()?, words.pixels()?))
    }),
    row("float", "[on|off|toggle]", "let the window float, or tile it", |words| switch(words).map(Action::Float)),
    row("sticky", "[on|off|toggle]", "keep the window in sight on all workspaces", |words| {
        switch(words).map(Action::Sticky)
    }),
    row("above", "[on|off|toggle]", "keep the window above the others", |words| switch(words).map(Action::Above)),
    row("minimise", "[on|off|toggle]", "hide the window", |words| {
        words.choice_or(&SWITCHES, Switch::On).map(Action::Minimise)
    }),
    row("unminimise", "", "show the window again that was hidden last", |_| Ok(Action::Unminimise)),
    row("maximise", "[on|off|toggle]", "let the window fill the working area", |words| {
        switch(words).map(Action::Maximise)
    }),
    row("fullscreen", "[on|off|toggle] [OUTPUT]", "let the window cover its output, or another one", |words| {
        Ok(Action::Fullscreen(switch(words)?, words.optional_name()?))
    }),
    row(
        "pretend-fullscreen",
        "[on|off|toggle]",
        "tell the window that it is fullscreen, and leave it there",
        |words| switch(words).map(Action::PretendFullscreen),
    ),
    row("snap", "left|right|top|bottom|top-left|…|none", "snap a floating window to a half or a quarter", |words| {
        words.choice(&SNAPS).map(Action::Snap)
    }),
    row("urgent", "[on|off|toggle]", "mark that the window wants attention", |words| switch(words).map(Action::Urgent)),
    row("scratchpad", "", "show the window of the scratchpad that was used last, or hide it", |_| {
        Ok(Action::Scratchpad)
    }),
    row("to-scratchpad", "", "hide the window in the scratchpad", |_| Ok(Action::ToScratchpad)),
    row("leave-scratchpad", "", "make the window of the scratchpad an ordinary one", |_| Ok(Action::LeaveScratchpad)),
    // Tiles.
    row("join-column", "left|right", "put the window into the column beside it", |words| {
        use crate::actions::action::Direction::{Left, Right};
        words.choice(&[("left", Left), ("right", Right)]).map(Action::JoinColumn)
    }),
    row(
        "column",
        "[stacked|tabbed|toggle]",
        "show the windows of the column above each other, or one behind tabs",
        |w| {
            let list = [("stacked", Stacking::Stacked), ("tabbed", Stacking::Tabbed), ("toggle", Stacking::Toggle)];
            w.choice_or(&list, Stacking::Toggle).map(Action::Column)
        },
    ),
    row("split-width", "PART", "the column's part of the width: `50%`, `1/3`, `+10%`, `-40` pixels", |words| {
        words.part().map(Action::SplitWidth)
    }),
    row("split-height", "PART", "the window's part of its column's height, written as for `split-width`", |words| {
        words.part().map(Action::SplitHeight)
    }),
    row("equalise", "", "make all columns as wide, and all windows of a column as high", |_| Ok(Action::Equalise)),
    row("layout", "[tiling|floating|toggle]", "how the workspace places its windows", |words| {
        let list =
            [("tiling", Arrangement::Tiling), ("floating", Arrangement::Floating), ("toggle", Arrangement::Toggle)];
        words.choice_or(&list, Arrangement::Toggle).map(Action::Layout)
    }),
    row("columns", "NUMBER|±NUMBER", "how many columns there are before windows are stacked", |words| {
        words.count(1, 32).map(Action::Columns)
    }),
    row("gap", "PIXELS|±PIXELS", "the gap between tiled windows", |words| words.count(0, 512).map(Action::Gap)),
    // Workspaces.
    row("workspace", WORKSPACE, "show a workspace", |words| words.workspace().map(Action::Workspace)),
    row("move-to-workspace", "WORKSPACE [follow]", "move the window to a workspace; `follow` shows that", |words| {
        let to = words.workspace()?;
        Ok(Action::MoveToWorkspace(to, words.choice_or(&[("follow", true), ("stay", false)], false)?))
    }),
    row("move-workspace", OUTPUT, "move the workspace to another output", |words| {
        words.output().map(Action::MoveWorkspace)
    }),
    row("rename-workspace", "NUMBER|NAME", "give the workspace another label", |words| {
        words.label().map(Action::RenameWorkspace)
    }),
    row("keep-workspace", SWITCH, "whether the workspace stays when it is empty", |words| {
        words.choice(&SWITCHES).map(Action::KeepWorkspace)
    }),
];
