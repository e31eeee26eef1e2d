//! What the user's rules want of a window when it appears: where it comes to and in which states.
//!
//! The session says it before the window is mapped, so that the first configure has the right size
//! and states. It takes precedence over what the client has requested so far; later requests, and
//! the user, change everything as usual. A dialog is where its parent is, and hidden, sticky or
//! above with it, whatever rules say. Nothing here knows applications or titles.

use crate::{
    config::window::WindowRule,
    desktop::layout::{
        geometry::{Point, Size},
        state::Layout,
        window::Fullscreen,
        workspace::{Label, OutputName},
    },
    system::id::{WindowId, WorkspaceId},
};

/// What all rules together want of a window; `None`: nothing in particular.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    pub floating: Option<bool>,
    /// Made if there is none, on `output`.
    pub workspace: Option<Label>,
    /// One that is not there counts for nothing.
    pub output: Option<OutputName>,
    pub size: Option<Size>,
    /// Relative to the output.
    pub position: Option<Point>,
    pub fullscreen: Option<bool>,
    pub maximised: Option<bool>,
    pub minimised: Option<bool>,
    pub sticky: Option<bool>,
    pub above: Option<bool>,
    pub scratchpad: Option<bool>,
    /// Whether it gets the focus; for whoever maps it.
    pub focus: Option<bool>,
}

impl Opening {
    /// Adds a rule, whose properties take precedence over those of earlier ones.
    pub fn add(&mut self, rule: &WindowRule) {
        fn set<T>(own: &mut Option<T>, wanted: Option<T>) {
            *own = wanted.or(own.take());
        }
        set(&mut self.floating, rule.floating);
        set(&mut self.workspace, rule.workspace.as_deref().map(Label::from));
        set(&mut self.output, rule.output.as_deref().map(OutputName::from));
        set(&mut self.size, rule.size.map(|(w, h)| Size { w: w.get().into(), h: h.get().into() }));
        set(&mut self.position, rule.position.map(|(x, y)| Point { x: x.into(), y: y.into() }));
        set(&mut self.fullscreen, rule.fullscreen);
        set(&mut self.maximised, rule.maximised);
        set(&mut self.minimised, rule.minimised);
        set(&mut self.sticky, rule.sticky);
        set(&mut self.above, rule.above);
        set(&mut self.scratchpad, rule.scratchpad);
        set(&mut self.focus, rule.focus);
    }
}

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
        let Some(window) = self.windows.get_mut(&id) else { return };
        window.maximised = opening.maximised.unwrap_or(window.maximised);
        match opening.fullscreen {
            // It may be so already, or its client may only have to believe it.
            Some(true) => _ = window.fullscreen.get_or_insert(Fullscreen::Real),
            Some(false) => window.fullscreen = None,
            None => {}
        }
        window.float.size = opening.size.map(Size::bounded).or(window.float.size);
        window.float.at = opening.position.map(Point::bounded).or(window.float.at);
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
