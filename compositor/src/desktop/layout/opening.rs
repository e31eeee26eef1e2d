//! What the user's rules want of a window when it appears: where it comes to and in which states.
//!
//! The session says it before the window is mapped, so that the first configure has the right size
//! and states. It takes precedence over what the client has requested so far; later requests, and
//! the user, change everything as usual. A dialog is where its parent is, and hidden, sticky or
//! above with it, whatever rules say. Nothing here knows applications or titles; what the layout makes
//! of it is in [`super::open`].

use crate::{
    config::window::WindowRule,
    desktop::layout::{
        geometry::{Point, Size},
        workspace::{Label, OutputName},
    },
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
    /// Whether it has a title bar while it floats; for whoever answers its client.
    pub title_bar: Option<bool>,
    /// Whether it gets the focus; for whoever maps it.
    pub focus: Option<bool>,
    /// Whether pictures show it; for whoever takes them.
    pub capture: Option<bool>,
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
        set(&mut self.title_bar, rule.title_bar);
        set(&mut self.focus, rule.focus);
        set(&mut self.capture, rule.capture);
    }
}
