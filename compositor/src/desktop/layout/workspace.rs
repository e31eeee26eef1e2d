//! Workspaces: the columns and the floating windows of one, and the labels that people know them
//! by.
//!
//! The lists hold every window that is on the workspace, minimised ones too. A window is in one of
//! them, once. Nothing here knows what else is known of a window.

use std::{cmp::Ordering, fmt, sync::Arc};

use crate::{
    desktop::layout::{column::Column, options::Mode, placed::Placed, split::share_among},
    system::id::{WindowId, WorkspaceId},
};

/// The name of an output's connector. It stays the same when the display is plugged in again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputName(pub Arc<str>);

impl From<&str> for OutputName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

/// What people call a workspace. Numbers come before names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    Number(u32),
    Name(Arc<str>),
}

impl Label {
    /// The order in which workspaces are listed. Names stay in the order in which they came.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.cmp(other),
            (Self::Number(_), Self::Name(_)) => Ordering::Less,
            (Self::Name(_), Self::Number(_)) => Ordering::Greater,
            (Self::Name(_), Self::Name(_)) => Ordering::Equal,
        }
    }
}

impl Label {
    /// The longest name, in bytes.
    pub const LONGEST: usize = 64;

    /// What somebody wants to call a workspace: digits are a number, from 1 on. `None`: no workspace can be
    /// called that.
    pub fn named(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
        Some(Self::from(text)).filter(|label| fits && *label != Self::Number(0))
    }
}

impl From<&str> for Label {
    /// Digits are a number.
    fn from(text: &str) -> Self {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_number);
        number.map_or_else(|| Self::Name(text.into()), Self::Number)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub label: Label,
    pub mode: Mode,
    /// It stays when it is empty.
    pub kept: bool,
    /// Where it is; `None` while there is no output.
    pub output: Option<OutputName>,
    /// The output that it belongs to and returns to.
    pub home: Option<OutputName>,
    /// It was the active one of its home when that went.
    pub was_active: bool,
    /// From left to right.
    pub columns: Vec<Column>,
    /// From bottom to top.
    pub floating: Vec<WindowId>,
    /// The window that has the focus while the workspace has it.
    pub focus: Option<WindowId>,
    /// When it was last active: greater is later.
    pub used: u64,
    /// Its windows must be placed again.
    pub(super) stale: bool,
    /// Where its windows are, from bottom to top.
    pub(super) placed: Vec<Placed>,
    /// Counts the changes of `placed`.
    pub(super) version: u64,
}

impl Workspace {
    pub fn new(id: WorkspaceId, label: Label, mode: Mode) -> Self {
        Self {
            id,
            label,
            mode,
            kept: false,
            output: None,
            home: None,
            was_active: false,
            columns: Vec::new(),
            floating: Vec::new(),
            focus: None,
            used: 0,
            stale: true,
            placed: Vec::new(),
            version: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.floating.is_empty()
    }

    /// All windows: tiled ones from left to right and from top to bottom, then floating ones from
    /// bottom to top.
    pub fn windows(&self) -> impl Iterator<Item = WindowId> {
        self.tiled().chain(self.floating.iter().copied())
    }

    /// The tiled windows, from left to right and from top to bottom.
    pub fn tiled(&self) -> impl Iterator<Item = WindowId> {
        self.columns.iter().flat_map(|column| column.tiles.iter().map(|tile| tile.window))
    }

    /// The column that a window is in.
    pub fn column_of(&self, window: WindowId) -> Option<usize> {
        self.columns.iter().position(|column| column.position(window).is_some())
    }

    /// Adds a window as a column of its own.
    pub fn insert_column(&mut self, at: usize, window: WindowId) {
        let share = share_among(self.columns.iter().map(|column| column.share));
        self.columns.insert(at.min(self.columns.len()), Column::new(window, share));
    }

    /// Adds a tiled window beside the one that has the focus: as a column while there are fewer
    /// than `columns`, else below it.
    pub fn insert_tiled(&mut self, window: WindowId, columns: usize) {
        let beside = self.focus.and_then(|focus| self.column_of(focus));
        let at = beside.unwrap_or(self.columns.len().saturating_sub(1));
        let full = self.columns.len() >= columns;
        match self.columns.get_mut(at).filter(|_| full) {
            Some(column) => {
                let below = self.focus.and_then(|focus| column.position(focus));
                column.insert(below.map_or(column.tiles.len(), |below| below + 1), window);
                if self.focus == Some(window) {
                    column.front = window;
                }
            }
            None => self.insert_column(at + 1, window),
        }
    }

    /// Removes a window from the list that it is in.
    pub fn take(&mut self, window: WindowId) {
        self.floating.retain(|other| *other != window);
        if let Some(at) = self.column_of(window) {
            self.columns[at].remove(window);
            if self.columns[at].tiles.is_empty() {
                self.columns.remove(at);
            }
        }
    }
}
