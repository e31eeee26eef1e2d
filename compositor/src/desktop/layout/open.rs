//! How a window appears as the user's rules want it: what [`Layout::map`] and the preview of a window
//! make of an [`Opening`].

use crate::{
    desktop::layout::{geometry::Size, opening::Opening, state::Layout, window::Fullscreen},
    system::id::{WindowId, WorkspaceId},
};

impl Layout {
    /// What rules want of a window that is not mapped: its preview and [`Layout::map`] follow it.
    pub fn set_opening(&mut self, id: WindowId, opening: Opening) {
        if let Some(window) = self.windows.get_mut(&id).filter(|window| !window.mapped) {
            window.opening = opening;
        }
    }

    /// The workspace that a window should come to, made if there is none.
    pub(super) fn opening_workspace(&mut self, opening: &Opening) -> Option<WorkspaceId> {
        let output = opening.output.as_ref().and_then(|name| self.output(name));
        let (shown, name) = (output.map(|output| output.active), output.map(|output| output.name.clone()));
        let Some(label) = &opening.workspace else { return shown };
        let there = self.labelled(label).map(|workspace| workspace.id);
        Some(there.unwrap_or_else(|| self.create(label.clone(), name.or_else(|| self.focused_output.clone()))))
    }

    /// Gives a window that is about to be mapped its states.
    pub(super) fn open(&mut self, id: WindowId, opening: &Opening) {
        let bar = self.windows.get(&id).map_or(0, |window| self.title_bar(window));
        let Some(window) = self.windows.get_mut(&id) else { return };
        window.maximised = opening.maximised.unwrap_or(window.maximised);
        match opening.fullscreen {
            // It may be so already, or its client may only have to believe it.
            Some(true) => _ = window.fullscreen.get_or_insert(Fullscreen::Real),
            Some(false) => window.fullscreen = None,
            None => {}
        }
        window.float.size = opening.size.map(Size::bounded).or(window.float.size);
        // The corner is that of the bar, if there is one.
        let at = opening.position.map(|at| at.bounded().moved(0, bar));
        window.float.at = at.or(window.float.at);
        if window.parent.is_none() {
            window.wants_to_float = opening.floating.or(window.wants_to_float);
            window.sticky = opening.sticky.unwrap_or(window.sticky);
            window.above = opening.above.unwrap_or(window.above);
        }
    }

    /// Hides a window that has just been mapped, if it should be.
    pub(super) fn open_hidden(&mut self, id: WindowId, opening: &Opening) {
        if self.windows.get(&id).is_none_or(|window| window.parent.is_some()) {
            return;
        }
        if opening.scratchpad == Some(true) {
            self.to_scratchpad(id);
        } else if opening.minimised == Some(true) {
            self.set_minimised(id, true);
        }
    }
}
