//! The state of a layout, and what can be asked of it.
//!
//! ```text
//!  output ─ shows ─→ its active workspace ─ has ─→ columns of tiled windows, floating windows
//!                    its other workspaces          windows in the scratchpad are on none
//! ```
//!
//! The files beside this one change it, one concern each. Nothing here changes anything but what is
//! marked to be placed again.

use std::collections::BTreeMap;

use crate::{
    desktop::layout::{
        geometry::{Edges, Point, Rect, Size},
        options::Options,
        placed::Placed,
        split::Part,
        window::WindowState,
        workspace::{Label, OutputName, Workspace},
    },
    system::id::{WindowId, WorkspaceId},
};

/// An output as far as windows lie on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub name: OutputName,
    /// On the desktop.
    pub area: Rect,
    /// What layer surfaces leave of it.
    pub working: Rect,
    /// The workspace that it shows.
    pub active: WorkspaceId,
}

/// Windows on workspaces on outputs.
#[derive(Debug, Clone)]
pub struct Layout {
    pub(super) options: Options,
    pub(super) windows: BTreeMap<WindowId, WindowState>,
    /// In the order of their labels.
    pub(super) workspaces: Vec<Workspace>,
    /// In the order in which they came.
    pub(super) outputs: Vec<Output>,
    /// `None` while there is no output.
    pub(super) focused_output: Option<OutputName>,
    /// The workspace that has, or last had, the focus.
    pub(super) last: Option<WorkspaceId>,
    pub(super) grab: Option<Grab>,
    pub(super) cycle: Option<Cycle>,
    pub(super) scratch: Scratch,
    /// Counts uses of windows and workspaces.
    pub(super) uses: u64,
    pub(super) window_ids: u32,
    pub(super) workspace_ids: u32,
}

/// A move or resize that is in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grab {
    pub window: WindowId,
    /// Where the pointer was at the start.
    pub(super) pointer: Point,
    pub(super) kind: GrabKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GrabKind {
    /// A floating window that was at `start` on the desktop; it may have changed to another output.
    Move { start: Point, changed: bool },
    /// A floating window that had this place, relative to its output, before its edges were
    /// dragged.
    Resize { start: Rect, edges: Edges, finished: bool },
    /// Boundaries between tiled windows.
    Boundaries { columns: Option<Boundary>, tiles: Option<Boundary> },
}

/// A boundary between two of several parts, and their lengths before it was dragged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Boundary {
    /// The part before it, among those that are shown.
    pub at: usize,
    pub parts: Vec<Part>,
    pub lengths: Vec<i32>,
}

/// A walk through the windows in the order of their use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cycle {
    pub order: Vec<WindowId>,
    pub at: usize,
}

/// Room for results on the way, which is used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    pub parts: Vec<Part>,
    pub widths: Vec<i32>,
    pub heights: Vec<i32>,
    pub filling: Vec<Placed>,
    pub placed: Vec<Placed>,
}

impl Layout {
    /// A layout without outputs and windows.
    pub fn new(options: Options) -> Self {
        Self {
            options: options.bounded(),
            windows: BTreeMap::new(),
            workspaces: Vec::new(),
            outputs: Vec::new(),
            focused_output: None,
            last: None,
            grab: None,
            cycle: None,
            scratch: Scratch::default(),
            uses: 0,
            window_ids: 0,
            workspace_ids: 0,
        }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Replaces the parameters, and places everything again.
    pub fn set_options(&mut self, options: Options) {
        self.options = options.bounded();
        self.workspaces.iter_mut().for_each(|workspace| workspace.stale = true);
    }

    /// All windows, mapped or not, from the oldest to the newest.
    pub fn windows(&self) -> impl Iterator<Item = (WindowId, &WindowState)> {
        self.windows.iter().map(|(id, window)| (*id, window))
    }

    pub fn window(&self, id: WindowId) -> Option<&WindowState> {
        self.windows.get(&id)
    }

    /// All workspaces, in the order of their labels.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }

    pub fn workspace(&self, id: WorkspaceId) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.id == id)
    }

    /// The workspace with this label.
    pub fn labelled(&self, label: &Label) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.label == *label)
    }

    /// All outputs, in the order in which they came.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    pub fn output(&self, name: &OutputName) -> Option<&Output> {
        self.outputs.iter().find(|output| output.name == *name)
    }

    /// The output at a point, else the nearest one.
    pub fn output_at(&self, point: Point) -> Option<&Output> {
        let distance = |output: &&Output| {
            let beyond = |at: i32, from: i32, end: i32| i64::from((from - at).max(at - (end - 1)).max(0));
            let area = output.area;
            beyond(point.x, area.x, area.right()).pow(2) + beyond(point.y, area.y, area.bottom()).pow(2)
        };
        self.outputs.iter().min_by_key(distance)
    }

    /// The output that a workspace is on.
    pub fn output_of(&self, workspace: WorkspaceId) -> Option<&Output> {
        self.output(self.workspace(workspace)?.output.as_ref()?)
    }

    /// Whether an output shows the workspace.
    pub fn is_active(&self, workspace: WorkspaceId) -> bool {
        self.outputs.iter().any(|output| output.active == workspace)
    }

    /// The output that new windows come to.
    pub fn focused_output(&self) -> Option<&Output> {
        self.output(self.focused_output.as_ref()?)
    }

    /// The workspace that new windows come to: that of the focused output; without outputs, the one
    /// that was used last.
    pub fn current(&self) -> Option<WorkspaceId> {
        let last = || self.last.filter(|last| self.workspace(*last).is_some());
        self.focused_output().map_or_else(last, |output| Some(output.active))
    }

    /// The window that has the focus.
    pub fn focused(&self) -> Option<WindowId> {
        self.workspace(self.current()?)?.focus
    }

    /// The move or resize that is in progress.
    pub fn grab(&self) -> Option<&Grab> {
        self.grab.as_ref()
    }

    /// Whether one of its windows wants attention.
    pub fn is_urgent(&self, workspace: WorkspaceId) -> bool {
        let urgent = |id: WindowId| self.windows.get(&id).is_some_and(|window| window.urgent);
        self.workspace(workspace).is_some_and(|workspace| workspace.windows().any(urgent))
    }

    /// Whether `ancestor` is the window, or the one that it is a dialog of, and so on.
    pub fn is_within(&self, mut window: WindowId, ancestor: WindowId) -> bool {
        loop {
            if window == ancestor {
                return true;
            }
            match self.windows.get(&window).and_then(|window| window.parent) {
                Some(parent) => window = parent,
                None => return false,
            }
        }
    }

    /// The window itself, or the one that it is a dialog of, and so on.
    pub fn root(&self, mut window: WindowId) -> WindowId {
        while let Some(parent) = self.windows.get(&window).and_then(|window| window.parent) {
            window = parent;
        }
        window
    }

    /// The mapped windows that are within `ancestor`, itself among them: parents come before their
    /// dialogs, and windows of a workspace from bottom to top.
    pub(super) fn branch(&self, ancestor: WindowId) -> Vec<WindowId> {
        let mapped = |id: &WindowId| self.windows.get(id).is_some_and(|window| window.mapped);
        let within = |id: &WindowId| *id != ancestor && mapped(id) && self.is_within(*id, ancestor);
        let on = self.windows.get(&ancestor).and_then(|window| self.workspace(window.workspace?));
        let dialogs: Vec<WindowId> = match on {
            Some(on) => on.floating.iter().copied().filter(within).collect(),
            None => self.in_order_of_parents(self.windows.keys().copied().filter(within).collect()),
        };
        let own = Some(ancestor).filter(mapped);
        own.into_iter().chain(dialogs).collect()
    }

    /// Windows of the scratchpad have no order but that of their parents.
    fn in_order_of_parents(&self, mut windows: Vec<WindowId>) -> Vec<WindowId> {
        let depth = |mut id: WindowId| {
            let mut depth = 0;
            while let Some(parent) = self.windows.get(&id).and_then(|window| window.parent) {
                (id, depth) = (parent, depth + 1);
            }
            depth
        };
        windows.sort_by_cached_key(|id| depth(*id));
        windows
    }

    pub(super) fn workspace_mut(&mut self, id: WorkspaceId) -> Option<&mut Workspace> {
        self.workspaces.iter_mut().find(|workspace| workspace.id == id)
    }

    /// The windows of a workspace must be placed again.
    pub(super) fn touch(&mut self, workspace: Option<WorkspaceId>) {
        if let Some(workspace) = workspace.and_then(|id| self.workspace_mut(id)) {
            workspace.stale = true;
        }
    }

    /// The workspace of a window that is shown or minimised there.
    pub(super) fn place_of(&self, window: WindowId) -> Option<WorkspaceId> {
        self.windows.get(&window).filter(|window| window.mapped)?.workspace
    }

    /// The number of the next use.
    pub(super) fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    /// The size of what layer surfaces leave of a window's output; empty if it is on none.
    pub fn working_of(&self, window: WindowId) -> Size {
        let output = self.windows.get(&window).and_then(|window| self.output_of(window.workspace?));
        output.map(|output| output.working.size()).unwrap_or_default()
    }

    /// Where a window was placed last, on the desktop.
    pub fn rect_of(&self, window: WindowId) -> Option<Rect> {
        let on = self.workspace(self.place_of(window)?)?;
        on.placed.iter().find(|placed| placed.window == window).map(|placed| placed.rect)
    }

    /// The rectangle of a free floating window, relative to its output.
    pub(super) fn floating_rect(&self, window: &WindowState) -> Option<Rect> {
        let output = self.output_of(window.workspace?)?;
        Some(floating_rect(window, output))
    }
}

/// The rectangle of a free floating window, relative to its output.
pub(super) fn floating_rect(window: &WindowState, output: &Output) -> Rect {
    let size: Size = window.floating_size();
    let at = window.float.at.unwrap_or_else(|| {
        let working = output.working.centred(size).at();
        working.moved(-output.area.x, -output.area.y)
    });
    Rect::new(at, size)
}
