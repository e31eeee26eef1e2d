//! Windows that come and go, and what their clients say of them.
//!
//! A window is known from the creation of its toplevel, so that the first configure can have the
//! right size; it takes part from its first buffer on. Nothing here gives it to a workspace that
//! its rules do not name.

use crate::{
    desktop::layout::{
        geometry::{Hints, Point, Size},
        placed::{Placed, States},
        state::Layout,
        window::{NewWindow, WindowState},
    },
    system::id::WindowId,
};

impl Layout {
    /// A toplevel was created.
    pub fn add(&mut self, new: NewWindow) -> WindowId {
        self.window_ids += 1;
        let id = WindowId(self.window_ids);
        let window = WindowState {
            hints: new.hints,
            workspace: new.workspace,
            wants_to_float: new.floats,
            titled: new.titled,
            ..WindowState::default()
        };
        self.windows.insert(id, window);
        id
    }

    /// How a window that is not mapped would be placed if it were mapped now: for its first
    /// configure. This copies the layout, so it is nothing for each frame.
    pub fn preview(&self, id: WindowId) -> Option<Placed> {
        let mut copy = self.clone();
        if let Some(window) = copy.windows.get_mut(&id) {
            // One that rules hide is asked for the size that it has when the user calls it.
            (window.opening.minimised, window.opening.scratchpad) = (None, None);
        }
        copy.map(id, Size::default(), false);
        copy.arrange();
        let on = copy.workspace(copy.place_of(id)?)?;
        let placed = on.placed.iter().find(|placed| placed.window == id).copied()?;
        // A window that shows nothing has not the focus.
        Some(Placed { states: States { activated: false, ..placed.states }, ..placed })
    }

    /// A window shows its first buffer, with this size of its geometry. It comes to where rules want it,
    /// else to where it was, else to the current workspace. With `focus` it gets the
    /// focus; without, nothing changes about that unless its workspace has no window with the
    /// focus.
    pub fn map(&mut self, id: WindowId, size: Size, focus: bool) -> bool {
        let Some(window) = self.windows.get(&id).filter(|window| !window.mapped) else { return false };
        let (parent, opening) = (window.parent, window.opening.clone());
        let remembered = window.workspace.filter(|on| self.workspace(*on).is_some());
        // A dialog is where its parent is.
        let wanted = if parent.is_none() { self.opening_workspace(&opening) } else { None };
        let on = wanted.or(remembered).unwrap_or_else(|| self.current_or_new());
        self.open(id, &opening);
        if let Some(window) = self.windows.get_mut(&id) {
            (window.mapped, window.size, window.workspace, window.used) = (true, size.bounded(), None, 0);
        }
        if parent.is_some() {
            self.join(id);
        } else {
            let floats = self.must_float(id, on);
            self.drop_on(id, Some(on), floats);
        }
        self.choose_place(id);
        let on = self.place_of(id);
        self.refocus(on, None);
        self.touch(on);
        self.open_hidden(id, &opening);
        let wanted = focus && self.windows.get(&id).is_some_and(WindowState::is_shown);
        if wanted {
            self.focus(id);
        } else {
            self.settle();
        }
        true
    }

    /// A floating window that has no place yet gets one: in the middle of its parent, or of the
    /// working area, shifted a little for each window that floats there.
    fn choose_place(&mut self, id: WindowId) {
        const STEP: i32 = 32;
        let Some(window) = self.windows.get(&id).filter(|window| window.floats && window.float.at.is_none()) else {
            return;
        };
        let (size, parent, bar) = (window.floating_size(), window.parent, self.title_bar(window));
        let Some(on) = window.workspace.filter(|_| !window.size.is_empty()) else { return };
        let (Some(workspace), Some(output)) = (self.workspace(on), self.output_of(on)) else { return };
        let others = workspace.floating.iter().filter(|other| **other != id).count();
        // The bar lies above it.
        let working = output.working.below(bar);
        let from = |at: Point, length: Size| Point {
            x: at.x.clamp(working.x, working.x + (working.w - length.w).max(0)),
            y: at.y.clamp(working.y, working.y + (working.h - length.h).max(0)),
        };
        let at = match parent.and_then(|parent| self.rect_of(parent)) {
            Some(over) => {
                let middle = over.middle();
                from(middle.moved(-size.w / 2, -size.h / 2), size)
            }
            None => {
                let step = STEP * (others % 8) as i32;
                from(working.centred(size).at().moved(step, step), size)
            }
        };
        let at = at.moved(-output.area.x, -output.area.y);
        if let Some(window) = self.windows.get_mut(&id) {
            window.float.at = Some(at);
        }
    }

    /// A window is hidden by a commit without a buffer: it begins anew, but returns to its place.
    pub fn unmap(&mut self, id: WindowId) -> bool {
        let Some(window) = self.windows.get(&id).filter(|window| window.mapped) else { return false };
        let (on, parent) = (window.workspace, window.parent);
        self.end_grab_of(id);
        self.leave_cycle(id);
        self.lift(id);
        self.leave_dialogs(id, parent);
        if let Some(window) = self.windows.get_mut(&id) {
            *window = WindowState {
                hints: window.hints,
                workspace: on,
                wants_to_float: window.wants_to_float,
                float: window.float,
                titled: window.titled,
                ..WindowState::default()
            };
            window.float.size = None;
        }
        self.refocus(on, parent);
        self.settle();
        true
    }

    /// A toplevel was destroyed.
    pub fn remove(&mut self, id: WindowId) -> bool {
        self.unmap(id);
        let Some(gone) = self.windows.remove(&id) else { return false };
        self.leave_dialogs(id, gone.parent);
        true
    }

    /// A window is hidden or gone: its dialogs are those of its parent from now on.
    fn leave_dialogs(&mut self, of: WindowId, parent: Option<WindowId>) {
        for window in self.windows.values_mut().filter(|window| window.parent == Some(of)) {
            window.parent = parent;
            if window.mapped {
                // What was a dialog goes on floating.
                window.wants_to_float.get_or_insert(true);
            }
        }
    }

    /// Makes a window a dialog of another one, or of none. A parent that is not mapped is none.
    /// Returns false if the window would be its own ancestor.
    pub fn set_parent(&mut self, id: WindowId, parent: Option<WindowId>) -> bool {
        let parent = parent.filter(|parent| self.windows.get(parent).is_some_and(|window| window.mapped));
        if parent.is_some_and(|parent| self.is_within(parent, id)) {
            return false;
        }
        let Some(window) = self.windows.get_mut(&id) else { return false };
        let before = std::mem::replace(&mut window.parent, parent);
        let (mapped, on) = (window.mapped, window.workspace);
        if mapped && before.is_some() {
            // What was a dialog goes on floating.
            window.wants_to_float.get_or_insert(true);
        }
        if mapped && parent.is_some() && parent != before {
            self.join(id);
            self.settle();
        } else if mapped {
            self.refocus(on, None);
            self.touch(on);
        }
        true
    }

    /// Whether a dialog takes the focus of its parent.
    pub fn set_modal(&mut self, id: WindowId, modal: bool) -> bool {
        let Some(window) = self.windows.get_mut(&id) else { return false };
        window.modal = modal;
        let on = self.place_of(id);
        self.refocus(on, None);
        true
    }

    /// The client has committed other limits of its size.
    pub fn set_hints(&mut self, id: WindowId, hints: Hints) -> bool {
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.hints != hints) else { return false };
        window.hints = hints;
        let on = self.place_of(id);
        self.touch(on);
        true
    }

    /// Whether a window wants a title bar while it floats.
    pub fn set_titled(&mut self, id: WindowId, titled: bool) -> bool {
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.titled != titled) else { return false };
        window.titled = titled;
        let on = self.place_of(id);
        self.show_bar(id);
        self.touch(on);
        true
    }

    /// The bar of a window that has just got one is to be seen: where the window reaches the top of the
    /// working area, it makes room.
    fn show_bar(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(&id).filter(|window| window.titled) else { return };
        let (Some(output), Some(at)) = (window.workspace.and_then(|on| self.output_of(on)), window.float.at) else {
            return;
        };
        let top = output.working.y - output.area.y;
        let room = top..top + self.title_bar(window);
        if room.contains(&at.y)
            && let Some(window) = self.windows.get_mut(&id)
        {
            window.float.at = Some(Point { y: room.end, ..at });
        }
    }

    /// The height of the bar that lies above a floating window.
    pub fn bar_of(&self, id: WindowId) -> i32 {
        self.windows.get(&id).map_or(0, |window| self.title_bar(window))
    }

    /// The height of the bar that a window has while it floats and fills nothing.
    pub(super) fn title_bar(&self, window: &WindowState) -> i32 {
        if window.titled { self.options.title_bar } else { 0 }
    }

    /// A commit has made the window geometry `size`. `settled`: the client has acknowledged the
    /// last configure before, so the size is its answer.
    pub fn committed(&mut self, id: WindowId, size: Size, settled: bool) -> bool {
        let size = size.bounded();
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.mapped) else { return false };
        let grew = std::mem::replace(&mut window.size, size) != size;
        let free = window.is_free();
        self.anchor(id, settled);
        let resized = self.grab.as_ref().is_some_and(|grab| grab.window == id);
        let Some(window) = self.windows.get_mut(&id) else { return false };
        let other = window.float.size.is_some_and(|asked| asked != size);
        let answered = free && settled && other && !resized && !size.is_empty();
        if answered {
            // What the client makes of it counts: a terminal has whole cells.
            window.float.size = Some(size);
        }
        let changed = free && grew || answered;
        if changed {
            let on = self.place_of(id);
            self.touch(on);
        }
        changed
    }
}
