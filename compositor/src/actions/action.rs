//! The actions as values, and the words of their arguments.
//!
//! "The window" is the window that has the focus, "the workspace" the one that the focused output
//! shows.

use std::path::PathBuf;

/// What the session is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Starts a program: its name and its arguments.
    Spawn(Vec<String>),
    /// Has the shell run a line.
    SpawnShell(String),
    /// Starts a program that the configuration names.
    Run(Command),

    Quit,
    Reload,
    /// Writes a picture of the first output; `None`: into the user's folder of pictures.
    Screenshot(Option<PathBuf>),
    /// `None`: all outputs.
    OutputPower(Switch, Option<String>),
    /// Changes to another virtual terminal.
    Vt(i32),
    /// Changes to another mode of the bindings.
    Mode(String),
    ShowBindings,
    /// Prevents that the user counts as idle.
    IdleInhibit(Switch),
    /// Leaves all keys but those marked `inhibited` to the window.
    InhibitShortcuts(Switch),
    KeyboardLayout(KeyboardLayout),

    Focus(Direction),
    /// In the order in which windows came.
    FocusWindow(Step),
    /// In the order of use, which changes when the walk is done.
    SwitchWindow(Walk),
    /// The window that had the focus before.
    FocusLast,
    FocusUrgent,
    FocusOutput(Output),

    Close,
    /// Ends the connection of the window's client.
    Kill,
    /// A floating window by so many pixels.
    Move(Direction, i32),
    /// The top left corner of a floating window to a place on the desktop, in pixels.
    MoveTo(i32, i32),
    MoveToOutput(Output),
    /// The window under the pointer follows it until the button is released.
    DragMove,
    /// The edges of the window nearest to the pointer follow it until the button is released.
    DragResize,
    /// In pixels.
    SetSize(i32, i32),
    /// By so many pixels.
    Grow(i32, i32),
    /// Moves one edge outwards by so many pixels.
    MoveEdge(Direction, i32),
    Float(Switch),
    Sticky(Switch),
    Above(Switch),
    Minimise(Switch),
    /// Shows the window again that was minimised last.
    Unminimise,
    Maximise(Switch),
    /// On this output; `None`: on that where it is.
    Fullscreen(Switch, Option<String>),
    /// The client believes that its window is fullscreen.
    PretendFullscreen(Switch),
    /// `None`: it returns to its place.
    Snap(Option<Snap>),
    Urgent(Switch),
    /// Shows the scratchpad's window that was used last, or hides it.
    Scratchpad,
    ToScratchpad,
    LeaveScratchpad,

    JoinColumn(Direction),
    Column(Stacking),
    SplitWidth(Part),
    SplitHeight(Part),
    Equalise,
    Layout(Arrangement),
    /// How many columns a workspace has before windows are stacked.
    Columns(Number),
    /// Pixels between windows.
    Gap(Number),

    Workspace(Workspace),
    /// `true`: it is shown, and the window keeps the focus.
    MoveToWorkspace(Workspace, bool),
    MoveWorkspace(Output),
    RenameWorkspace(Workspace),
    /// Whether it stays when it is empty.
    KeepWorkspace(Switch),
}

/// A program that the configuration names, in `terminal`, `launcher` and `[commands]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Terminal,
    Launcher,
    Lock,
    Suspend,
    BrightnessUp,
    BrightnessDown,
    VolumeUp,
    VolumeDown,
    VolumeMute,
    MicrophoneMute,
    MediaPlay,
    MediaStop,
    MediaNext,
    MediaPrevious,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Left,
    Right,
    Up,
    Down,
}

/// A state, or the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    On,
    Off,
    Toggle,
}

impl Switch {
    /// The state that is asked for, where it `is` now.
    pub fn of(self, is: bool) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Toggle => !is,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Next,
    Previous,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    Next,
    Previous,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyboardLayout {
    Next,
    Previous,
    /// Counted from 1.
    Number(u32),
}

/// The output that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The one beside the focused one.
    Beside(Direction),
    Next,
    Previous,
    /// The one of this connector.
    Named(String),
}

/// The workspace that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workspace {
    Number(u32),
    Name(String),
    Next,
    Previous,
    /// The one that was shown before.
    Last,
    /// A new one, with the lowest number that is free.
    New,
}

/// The part of the working area that a floating window is snapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snap {
    Left,
    Right,
    Top,
    Bottom,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

/// How a column shows its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacking {
    Stacked,
    Tabbed,
    Toggle,
}

/// How a workspace places windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    Tiling,
    Floating,
    Toggle,
}

/// A part of a width or height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Numerator and denominator, neither of them 0.
    Of(u32, u32),
    /// So many hundredths more, or less.
    Percent(i32),
    /// So many pixels more, or less.
    Pixels(i32),
}

/// A number, or a change of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Is(u32),
    By(i32),
}
