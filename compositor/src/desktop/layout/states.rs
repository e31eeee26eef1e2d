//! The states of a window: maximised, fullscreen, minimised, floating, snapped, sticky, above,
//! urgent, in the scratchpad.
//!
//! Each function returns whether anything has changed. What a client may request is for the caller
//! to decide.

use crate::{
    desktop::layout::{
        state::Layout,
        window::{Fullscreen, Snap, WindowState},
        workspace::OutputName,
    },
    system::id::WindowId,
};

impl Layout {
    /// Maximises a window within the working area, or ends that.
    pub fn set_maximised(&mut self, id: WindowId, maximised: bool) -> bool {
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.maximised != maximised) else {
            return false;
        };
        window.keep_size();
        window.maximised = maximised;
        self.end_grab_of(id);
        let on = self.place_of(id);
        self.touch(on);
        true
    }

    /// Makes a window fullscreen, or ends that: it is again where it was. With `on` it covers that
    /// output, and its family goes there with it.
    pub fn set_fullscreen(&mut self, id: WindowId, fullscreen: Option<Fullscreen>, on: Option<&OutputName>) -> bool {
        let Some(window) = self.windows.get_mut(&id) else { return false };
        window.keep_size();
        let changed = std::mem::replace(&mut window.fullscreen, fullscreen) != fullscreen;
        let (mapped, from) = (window.mapped, window.workspace);
        let back = if fullscreen.is_none() { window.came_from.take() } else { None };
        let there = on.filter(|_| fullscreen == Some(Fullscreen::Real)).and_then(|on| self.output(on));
        let to = there.map(|output| output.active).or(back).filter(|to| self.workspace(*to).is_some());
        self.end_grab_of(id);
        self.touch(from);
        if let Some(to) = to.filter(|to| Some(*to) != from) {
            if !mapped {
                self.windows.entry(id).and_modify(|window| window.workspace = Some(to));
            } else if from.is_some() {
                if let Some(window) = self.windows.get_mut(&id).filter(|_| fullscreen.is_some()) {
                    window.came_from = window.came_from.or(from);
                }
                self.transfer(id, Some(to));
            }
            self.settle();
            return true;
        }
        changed
    }

    /// Hides a family, or shows it again. Windows of the scratchpad are hidden there.
    pub fn set_minimised(&mut self, id: WindowId, minimised: bool) -> bool {
        let Some(on) = self.place_of(id) else { return false };
        if self.windows.get(&id).is_some_and(|window| window.minimised == minimised) {
            return false;
        }
        self.end_boundaries();
        for member in self.branch(self.root(id)) {
            self.end_grab_of(member);
            self.windows.entry(member).and_modify(|window| window.minimised = minimised);
        }
        self.touch(Some(on));
        self.refocus(Some(on), None);
        true
    }

    /// Lets a window float, or tiles it. Dialogs always float, and so does everything on a
    /// workspace that is not tiled.
    pub fn set_floating(&mut self, id: WindowId, floats: bool) -> bool {
        let Some(window) = self.windows.get_mut(&id) else { return false };
        window.wants_to_float = Some(floats);
        let (parent, on) = (window.parent, window.workspace.filter(|_| window.mapped));
        let Some(on) = on.filter(|_| parent.is_none()) else { return false };
        if !floats {
            self.mark(id, |window| (window.sticky, window.above, window.scratchpad) = (false, false, false));
        }
        let floats = self.must_float(id, on);
        let before = self.windows.get(&id).is_some_and(|window| window.floats);
        self.end_grab_of(id);
        self.put(id, floats);
        self.touch(Some(on));
        before != floats
    }

    /// Snaps a floating window to a part of the working area, or lets it return to its place.
    pub fn snap(&mut self, id: WindowId, snap: Option<Snap>) -> bool {
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.mapped && window.floats) else {
            return false;
        };
        if window.snap == snap && !(snap.is_some() && window.maximised) {
            return false;
        }
        window.keep_size();
        window.snap = snap;
        window.maximised &= snap.is_none();
        self.end_grab_of(id);
        let on = self.place_of(id);
        self.touch(on);
        true
    }

    /// Whether a family stays in sight when the workspace of its output changes. It floats then.
    pub fn set_sticky(&mut self, id: WindowId, sticky: bool) -> bool {
        if self.place_of(id).is_none() {
            return false;
        }
        self.mark(id, |window| window.sticky = sticky);
        self.float_root(id, sticky);
        self.settle();
        true
    }

    /// Whether a family lies above all other floating windows of its workspace. It floats then.
    pub fn set_above(&mut self, id: WindowId, above: bool) -> bool {
        let Some(on) = self.place_of(id) else { return false };
        self.mark(id, |window| window.above = above);
        self.float_root(id, above);
        self.touch(Some(on));
        true
    }

    /// Marks that a window wants attention, unless it has the focus.
    pub fn set_urgent(&mut self, id: WindowId, urgent: bool) -> bool {
        let urgent = urgent && self.focused() != Some(id);
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.mapped && window.urgent != urgent) else {
            return false;
        };
        window.urgent = urgent;
        true
    }

    /// Hides a family in the scratchpad.
    pub fn to_scratchpad(&mut self, id: WindowId) -> bool {
        let Some(on) = self.place_of(id) else { return false };
        self.mark(id, |window| {
            (window.scratchpad, window.minimised, window.came_from) = (true, false, None);
        });
        self.transfer(id, None);
        self.touch(Some(on));
        self.settle();
        true
    }

    /// Shows the window of the scratchpad that was used last on the current workspace; if one has
    /// the focus, hides it instead.
    pub fn toggle_scratchpad(&mut self) -> bool {
        let belongs = |id: &WindowId| self.windows.get(id).is_some_and(|window| window.scratchpad);
        if let Some(focused) = self.focused().filter(belongs) {
            return self.to_scratchpad(focused);
        }
        let hidden = |window: &WindowState| window.mapped && window.scratchpad && window.workspace.is_none();
        let roots = self.windows.iter().filter(|(_, window)| hidden(window) && window.parent.is_none());
        let last = roots.max_by_key(|(id, window)| (window.used, **id)).map(|(id, _)| *id);
        last.is_some_and(|id| self.focus(id))
    }

    /// A family leaves the scratchpad for the current workspace, as ordinary windows.
    pub fn leave_scratchpad(&mut self, id: WindowId) -> bool {
        if !self.windows.get(&id).is_some_and(|window| window.mapped && window.scratchpad) {
            return false;
        }
        self.show_hidden(id);
        self.mark(id, |window| window.scratchpad = false);
        self.settle();
        true
    }

    /// Windows of the scratchpad that are hidden come to the current workspace.
    pub(super) fn show_hidden(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(&id).filter(|window| window.mapped) else { return };
        if window.workspace.is_none() {
            let to = self.current_or_new();
            self.transfer(id, Some(to));
        }
    }

    /// Changes what a family has in common.
    pub(super) fn mark(&mut self, id: WindowId, change: impl Fn(&mut WindowState)) {
        for member in self.branch(self.root(id)) {
            self.windows.entry(member).and_modify(&change);
        }
    }

    /// The root of a family floats, if it must.
    fn float_root(&mut self, id: WindowId, floats: bool) {
        if floats {
            self.put(self.root(id), true);
        }
    }
}
