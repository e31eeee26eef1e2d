//! Moving and resizing a window by pointer, or by a tool that is one from then on: it begins with a request, and the button's release ends
//! it.
//!
//! Where the window is meanwhile is in [`crate::desktop::layout::grab`]. During an interaction the
//! pointer belongs to it, and clients see no motion.

use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel,
        wayland_server::{Resource, protocol::wl_surface::WlSurface},
    },
    utils::{Logical, Point, Serial},
    wayland::{
        compositor::with_states,
        seat::WaylandFocus,
        shell::xdg::{SurfaceCachedState, ToplevelSurface},
    },
};

use crate::{
    desktop::layout::geometry::{Edges, Hints, Size},
    session::{Syncline, windows::arrange::point},
};

/// The edges that a client lets the user drag.
pub fn edges(edge: xdg_toplevel::ResizeEdge) -> Edges {
    use xdg_toplevel::ResizeEdge as E;
    Edges {
        left: matches!(edge, E::Left | E::TopLeft | E::BottomLeft),
        right: matches!(edge, E::Right | E::TopRight | E::BottomRight),
        top: matches!(edge, E::Top | E::TopLeft | E::TopRight),
        bottom: matches!(edge, E::Bottom | E::BottomLeft | E::BottomRight),
    }
}

/// The limits of a window's size that its client has committed.
pub fn hints(surface: &WlSurface) -> Hints {
    with_states(surface, |states| {
        let mut state = states.cached_state.get::<SurfaceCachedState>();
        let size = |size: smithay::utils::Size<i32, Logical>| Size { w: size.w, h: size.h };
        Hints { min: size(state.current().min_size), max: size(state.current().max_size) }
    })
}

impl Syncline {
    /// A client lets the user move its window, or drag these edges of it.
    pub fn begin_interaction(&mut self, surface: &ToplevelSurface, serial: Serial, edges: Option<Edges>) {
        // Only a client whose surface has the pointer's implicit grab, or the tool, may start one.
        let Some(pointer) = self.seat.get_pointer() else { return };
        let by_pen = self.pen_interacts(surface.wl_surface(), serial.into());
        let grabbed = pointer.grab_start_data().filter(|_| pointer.has_grab(serial));
        let same_client = grabbed
            .as_ref()
            .and_then(|start| start.focus.as_ref())
            .is_some_and(|(focus, _)| focus.same_client_as(&surface.wl_surface().id()));
        let Some(id) = self.desktop.windows.id_of(surface.wl_surface()).filter(|_| same_client || by_pen) else {
            return;
        };
        let (from, layout) = (point(self.pointer_location().to_i32_round()), &mut self.desktop.layout);
        let begun = match edges {
            None => layout.begin_move(id, from),
            Some(edges) => layout.begin_resize(id, edges, from),
        };
        if !begun {
            return;
        }
        pointer.unset_grab(self, serial, self.millis());
        self.clear_pointer_focus(&pointer);
        self.arrange_windows();
    }

    /// The pointer has moved while an interaction is in progress.
    pub fn interact(&mut self, pointer: Point<f64, Logical>) {
        if self.desktop.layout.drag(point(pointer.to_i32_round())) {
            self.arrange_windows();
        }
    }

    /// The button was released, or the finger lifted, there.
    pub fn end_interaction(&mut self, at: Point<f64, Logical>) {
        self.desktop.layout.drop_grab(point(at.to_i32_round()));
        self.arrange_windows();
    }
}
