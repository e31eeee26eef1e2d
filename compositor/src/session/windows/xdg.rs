//! xdg-shell: the requests of windows and popups, and their configure events.

use protocols::{foreign, toplevel_icon};
use smithay::{
    desktop::{PopupKind, find_popup_root_surface},
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel,
        wayland_server::protocol::{wl_output::WlOutput, wl_seat::WlSeat, wl_surface::WlSurface},
    },
    utils::{Logical, Point, Rectangle, Serial},
    wayland::{
        compositor::{get_role, with_states},
        shell::xdg::{
            PopupSurface, PositionerState, SurfaceCachedState, ToplevelSurface, XDG_POPUP_ROLE, XdgPopupSurfaceData,
            XdgShellHandler, XdgShellState,
        },
    },
};

use crate::{
    desktop::{
        layout::{
            window::{Fullscreen, NewWindow},
            workspace::OutputName,
        },
        tree::walk,
        windows,
    },
    session::{
        Syncline, checks,
        windows::{arrange::point, interact, popups, remap},
    },
    surface::SurfaceState,
};

impl XdgShellHandler for Syncline {
    fn xdg_shell_state(&mut self) -> &mut XdgShellState {
        &mut self.globals.xdg_shell
    }

    fn new_toplevel(&mut self, surface: ToplevelSurface) {
        if !checks::xdg::link_role(self, surface.wl_surface()) {
            return;
        }
        surface.with_pending_state(|state| *state = remap::initial_state());
        let here = point(self.pointer_location().to_i32_floor());
        let workspace = self.desktop.layout.output_at(here).map(|output| output.active);
        let id = self.desktop.layout.add(NewWindow { workspace, ..NewWindow::default() });
        self.desktop.windows.push(surface.clone(), id);
        // One may have asked before it was a window.
        self.decide_title(surface.wl_surface());
        self.tell_scale(surface.wl_surface());
    }

    fn new_popup(&mut self, surface: PopupSurface, positioner: PositionerState) {
        let right = checks::xdg::link_role(self, surface.wl_surface())
            && checks::xdg::check_positioner(&surface, &positioner)
            && checks::xdg::check_parent(&surface)
            && popups::admit_popup(&self.display, &surface);
        if !right {
            return;
        }
        let positioner = checks::xdg::exact_anchor(self, positioner);
        // Popups that are gone must not get children.
        self.desktop.popups.cleanup();
        surface.with_pending_state(|state| {
            state.positioner = positioner;
            state.geometry = positioner.get_geometry();
        });
        self.unconstrain(&surface);
        if let Err(error) = self.desktop.popups.track_popup(PopupKind::Xdg(surface.clone())) {
            tracing::debug!("popup without parent: {error}");
        }
        self.tell_scale(surface.wl_surface());
    }

    fn reposition_request(&mut self, surface: PopupSurface, positioner: PositionerState, token: u32) {
        if !checks::xdg::check_positioner(&surface, &positioner) {
            return;
        }
        let positioner = checks::xdg::exact_anchor(self, positioner);
        surface.with_pending_state(|state| {
            state.positioner = positioner;
            state.geometry = positioner.get_geometry();
        });
        self.unconstrain(&surface);
        surface.send_repositioned(token);
    }

    fn grab(&mut self, surface: PopupSurface, seat: WlSeat, serial: Serial) {
        self.open_menu(surface, &seat, serial);
    }

    fn title_changed(&mut self, _: ToplevelSurface) {
        (self.listeners_stale, self.bars.stale) = (true, true);
    }

    fn app_id_changed(&mut self, _: ToplevelSurface) {
        self.listeners_stale = true;
    }

    fn parent_changed(&mut self, surface: ToplevelSurface) {
        // The dialogs of a window lie above it.
        let Some(window) = self.desktop.windows.find(surface.wl_surface()) else { return };
        let (id, parent) = (window.id, window.parent());
        let over = parent.as_ref().and_then(|parent| self.desktop.windows.find(parent)).filter(|parent| parent.mapped);
        let over = over.map(|parent| parent.id);
        if over.is_none() && parent.is_some() {
            // Only windows that are shown have dialogs.
            self.desktop.windows.find(surface.wl_surface()).into_iter().for_each(|window| window.set_parent(None));
        }
        self.layout_stale |= self.desktop.layout.set_parent(id, over);
    }

    fn move_request(&mut self, surface: ToplevelSurface, _: WlSeat, serial: Serial) {
        self.begin_interaction(&surface, serial, None);
    }

    fn resize_request(&mut self, surface: ToplevelSurface, _: WlSeat, serial: Serial, edges: xdg_toplevel::ResizeEdge) {
        self.begin_interaction(&surface, serial, Some(interact::edges(edges)));
    }

    fn maximize_request(&mut self, surface: ToplevelSurface) {
        self.request_state(&surface, |layout, id| layout.set_maximised(id, true));
    }

    fn unmaximize_request(&mut self, surface: ToplevelSurface) {
        self.request_state(&surface, |layout, id| layout.set_maximised(id, false));
    }

    fn minimize_request(&mut self, surface: ToplevelSurface) {
        self.request_state(&surface, |layout, id| layout.set_minimised(id, true));
    }

    fn fullscreen_request(&mut self, surface: ToplevelSurface, output: Option<WlOutput>) {
        let output = output.and_then(|wl| self.outputs.list.get(self.output_of(&wl)?));
        let wanted = output.map(|output| OutputName(output.wl.name().into()));
        self.request_state(&surface, |layout, id| layout.set_fullscreen(id, Some(Fullscreen::Real), wanted.as_ref()));
    }

    fn unfullscreen_request(&mut self, surface: ToplevelSurface) {
        self.request_state(&surface, |layout, id| layout.set_fullscreen(id, None, None));
    }

    fn toplevel_destroyed(&mut self, surface: ToplevelSurface) {
        checks::xdg::forget_role(self, surface.wl_surface());
        toplevel_icon::forget(surface.wl_surface());
        foreign::toplevel_gone(self, surface.wl_surface());
        let Some(gone) = self.desktop.windows.remove(&surface) else { return };
        self.text_leaves(gone.surface());
        self.desktop.windows.leave_dialogs(gone.surface(), gone.parent());
        self.desktop.layout.remove(gone.id);
        self.desktop.transactions.remove(gone.id, self.now);
        self.desktop.rings.forget(gone.id);
        self.forget_bar(gone.id);
        // Of many that go at once, all would be focused one after the other.
        self.layout_stale = true;
        self.redraw_all();
    }

    fn popup_destroyed(&mut self, popup: PopupSurface) {
        checks::xdg::forget_role(self, popup.wl_surface());
        popups::forget_popup(&popup);
        self.menu_closed();
        self.pointer_stale = true;
        self.redraw_all();
    }
}

impl Syncline {
    /// Handles windows at each applied commit: first configure, mapping, unmapping, anchoring of a
    /// resize.
    ///
    /// `acked`: a window's configure that its client had acknowledged before, and after the commit
    /// before.
    pub fn shell_commit(&mut self, surface: &WlSurface, acked: Option<u32>) {
        let has_buffer = with_states(surface, |states| SurfaceState::of(states).current.is_some());
        if let Some(PopupKind::Xdg(popup)) = self.desktop.popups.find_popup(surface) {
            if with_states(surface, |states| SurfaceState::of(states).was_shown(has_buffer)) {
                remap::reset_popup(surface);
                self.menu_hidden(surface);
            } else if !popup.is_initial_configure_sent() {
                // Fails only for a second configure of a popup that is not reactive; this is the
                // first.
                popup.send_configure().ok();
            }
            let location = with_states(surface, |states| {
                let popup = states.data_map.get::<XdgPopupSurfaceData>()?.lock().ok()?;
                Some(popup.current.geometry.loc)
            });
            self.measure(surface);
            let geometry = windows::geometry(surface);
            return self.note_place(surface, (location.unwrap_or_default(), geometry));
        }
        if self.layer_commit(surface, has_buffer) || self.lock_commit(surface, has_buffer) {
            return;
        }
        let Some(window) = self.desktop.windows.find(surface) else { return self.configure_dismissed(surface) };
        if !window.toplevel.is_initial_configure_sent() {
            return self.first_configure(surface);
        }
        self.measure(surface);
        self.window_commit(surface, has_buffer, acked);
        let Some(window) = self.desktop.windows.find(surface) else { return };
        let geometry = window.geometry();
        window.size = geometry.size;
        let place = (window.location, geometry);
        self.note_place(surface, place);
    }

    /// Notes how far the surfaces of a window or popup extend, where its geometry exceeds the surface.
    fn measure(&self, surface: &WlSurface) {
        let exceeds = with_states(surface, |states| {
            let set = states.cached_state.get::<SurfaceCachedState>().current().geometry;
            let mut state = SurfaceState::of(states);
            if let Some(place) = &mut state.placed {
                place.extents = None;
            }
            let own = Rectangle::from_size(state.view.size);
            set.is_some_and(|set| windows::clamped(set, own) != set)
        });
        if !exceeds {
            return;
        }
        let mut extents: Option<Rectangle<i32, Logical>> = None;
        walk(&self.desktop.trees, surface, Point::default(), |_, states, at| {
            let rect = Rectangle::new(at, SurfaceState::of(states).view.size);
            extents = Some(extents.map_or(rect, |extents| extents.merge(rect)));
        });
        with_states(surface, |states| SurfaceState::of(states).placed.get_or_insert_default().extents = extents);
    }

    /// A popup that was dismissed before its first commit gets its configure all the same: its client
    /// may wait for that before it looks for anything else.
    fn configure_dismissed(&self, surface: &WlSurface) {
        if get_role(surface) != Some(XDG_POPUP_ROLE) {
            return;
        }
        let popup = self.globals.xdg_shell.popup_surfaces().iter().find(|popup| popup.wl_surface() == surface);
        if let Some(popup) = popup.filter(|popup| !popup.is_initial_configure_sent()) {
            popup.send_configure().ok();
        }
    }

    /// A commit of a window or popup was applied that leaves it at `place`: everything that depends
    /// on places is made new if it was elsewhere.
    pub fn note_place(&mut self, surface: &WlSurface, place: (Point<i32, Logical>, Rectangle<i32, Logical>)) {
        let before = with_states(surface, |s| {
            std::mem::replace(&mut SurfaceState::of(s).placed.get_or_insert_default().at, place)
        });
        if before != place {
            (self.pointer_stale, self.displays_stale, self.bars.stale) = (true, true, true);
            self.redraw_all();
        }
    }

    /// Keeps a popup where it may be, as its positioner allows: that of a window within the working
    /// area, that of a fullscreen window or a layer surface within the output.
    pub fn unconstrain(&mut self, popup: &PopupSurface) {
        let kind = PopupKind::Xdg(popup.clone());
        let Ok(root) = find_popup_root_surface(&kind) else { return };
        let (location, mut target) = if let Some(layer) = self.desktop.layers.get(&root) {
            let Some(output) = layer.output.and_then(|id| self.outputs.list.get(id)) else { return };
            (layer.at, output.rect())
        } else {
            let Some(window) = self.desktop.windows.find(&root) else { return };
            let (location, fills) = (window.location, window.area.is_some());
            let at = location.to_f64();
            (location, if fills { self.outputs.rect_at(at) } else { self.working_area_at(at) })
        };
        target.loc -= smithay::desktop::get_popup_toplevel_coords(&kind) + location;
        popup.with_pending_state(|state| state.geometry = state.positioner.get_unconstrained_geometry(target));
    }
}
