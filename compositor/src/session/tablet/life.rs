//! What ends under a tool, or changes: surfaces, windows, devices, and what its client wants to be shown.
//!
//! Nothing here handles an event of a tool.

use protocols::tablet::{Axes, TabletHandler, Tablets, ToolNumber};
use smithay::{
    input::pointer::CursorImageStatus,
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::seat::WaylandFocus,
};

use crate::session::{
    Syncline,
    parts::pens::{Pen, Way},
};

impl Syncline {
    /// Tells clients of the motion of tools that is held for them.
    pub(in crate::session) fn tell_held_pens(&mut self) {
        let time = self.millis();
        for Pen { tool, .. } in &self.pens.list {
            if let Some(tool) = self.globals.tablets.tool(*tool).filter(|tool| tool.waits()) {
                tool.frame(time);
            }
        }
    }

    /// A surface is about to be destroyed: its client hears the end of the tools on it.
    pub(in crate::session) fn lift_pens_on(&mut self, surface: &WlSurface) {
        let time = self.millis();
        for at in 0..self.pens.list.len() {
            let number = self.pens.list[at].tool;
            if self.globals.tablets.tool(number).is_some_and(|tool| tool.surface() == Some(surface)) {
                self.lose_pen(at, time);
            }
        }
    }

    /// A tool has nothing any more that it is on.
    fn lose_pen(&mut self, at: usize, time: u32) {
        self.take_pen(at, time);
        if self.pens.list[at].is_held() {
            self.pens.list[at].way = Way::Lost;
        }
    }

    /// Windows under tools may have changed.
    pub(in crate::session) fn refresh_pens(&mut self) {
        for at in 0..self.pens.list.len() {
            let pen = &self.pens.list[at];
            let (number, is_held, way, place) = (pen.tool, pen.is_held(), pen.way, pen.at);
            let Some(tool) = self.globals.tablets.tool(number) else { continue };
            let time = self.now / 1000;
            if tool.is_lost() {
                tool.surface_went();
                self.lose_pen(at, self.millis());
                continue;
            }
            let on = tool.surface().cloned();
            let is_locked_out = |on: &WlSurface| self.desktop.lock.as_ref().is_some_and(|lock| !lock.trusts(on));
            if on.as_ref().is_some_and(is_locked_out) {
                self.lose_pen(at, self.millis());
            } else if !is_held && (way == Way::Client || self.pen_target(number, place).is_some()) {
                match self.pen_target(number, place) {
                    Some((surface, origin)) if on.as_ref() == Some(&surface) => self.pens.list[at].origin = origin,
                    // The mouse has moved on since.
                    _ if !self.pens.has_pointer && way == Way::Client => {}
                    _ => {
                        self.move_pen(at, place, &Axes::default(), time);
                        self.frame_pen(at, self.millis());
                    }
                }
            }
        }
    }

    /// The session loses its input devices for a while: nothing is held any more.
    pub(in crate::session) fn let_go_pens(&mut self) {
        while let Some(last) = self.pens.list.len().checked_sub(1) {
            self.pen_leaves(last, self.millis());
        }
    }

    /// The tools on a tablet that is gone.
    pub(super) fn pens_leave_tablet(&mut self, id: &str) {
        while let Some(at) = self.pens.list.iter().position(|pen| pen.tablet == id) {
            self.pen_leaves(at, self.millis());
        }
    }

    /// A client wants a window to be moved or resized with the tool that it was told of with this serial. The tool
    /// is the pointer then. Whether there is such a tool.
    pub(in crate::session) fn pen_interacts(&mut self, surface: &WlSurface, of: u32) -> bool {
        let Some(at) =
            self.pens.list.iter().position(|pen| pen.way == Way::Client && pen.is_held() && pen.pressed == Some(of))
        else {
            return false;
        };
        let number = self.pens.list[at].tool;
        let on = self.globals.tablets.tool(number).and_then(|tool| tool.surface());
        on.is_some_and(|on| on.same_client_as(&surface.id())) && {
            let time = self.millis();
            self.take_pen(at, time);
            true
        }
    }
}

impl TabletHandler for Syncline {
    fn tablets(&mut self) -> &mut Tablets {
        &mut self.globals.tablets
    }

    fn tablet_seat_came(&mut self) {
        let focus = self.keys.focus.clone();
        self.pads_follow(focus.as_ref());
        // A tool that is the pointer may be over a window of the client.
        self.pointer_stale |= !self.pens.list.is_empty();
    }

    fn tool_image(&mut self, tool: ToolNumber, image: CursorImageStatus) {
        let Some(pen) = self.pens.list.iter_mut().find(|pen| pen.tool == tool) else { return };
        pen.image = image.clone();
        if self.pens.has_pointer {
            self.show_image(image);
        }
    }
}

protocols::delegate_tablet!(Syncline);
