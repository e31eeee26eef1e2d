//! xdg-shell: the requests of windows and popups, and their configure events.

use smithay::{
    desktop::{PopupKind, find_popup_root_surface},
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel,
        wayland_server::protocol::{wl_output::WlOutput, wl_seat::WlSeat, wl_surface::WlSurface},
    },
    utils::{Logical, Point, Rectangle, Serial, Size},
    wayland::{
        compositor::{get_role, with_states},
        seat::WaylandFocus,
        shell::xdg::{
            PopupSurface, PositionerState, SurfaceCachedState, ToplevelSurface, XDG_POPUP_ROLE, XdgPopupSurfaceData,
            XdgShellHandler, XdgShellState,
        },
    },
};

use crate::{
    desktop::{
        interact::{Interaction, ResizeEdges},
        tree::walk,
        windows::{self, Placement},
    },
    output::state::Output,
    session::{
        Syncline, checks,
        windows::{popups, remap},
    },
    surface::{SurfaceState, state::id_of},
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
        self.desktop.windows.push(surface);
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
        if let Err(error) = self.desktop.popups.track_popup(PopupKind::Xdg(surface)) {
            tracing::debug!("popup without parent: {error}");
        }
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

    fn parent_changed(&mut self, surface: ToplevelSurface) {
        // The dialogs of a window lie above it.
        let Some(window) = self.desktop.windows.find(surface.wl_surface()) else { return };
        let Some(parent) = window.parent() else { return };
        if !self.desktop.windows.find(&parent).is_some_and(|parent| parent.mapped) {
            // Only windows that are shown have dialogs.
            self.desktop.windows.find(surface.wl_surface()).into_iter().for_each(|window| window.set_parent(None));
        } else if self.desktop.windows.is_above(&parent, surface.wl_surface()) {
            self.desktop.windows.raise(surface.wl_surface());
            self.pointer_stale = true;
            self.redraw_all();
        }
    }

    fn move_request(&mut self, surface: ToplevelSurface, _: WlSeat, serial: Serial) {
        self.begin_interaction(surface, serial, None);
    }

    fn resize_request(&mut self, surface: ToplevelSurface, _: WlSeat, serial: Serial, edges: xdg_toplevel::ResizeEdge) {
        self.begin_interaction(surface, serial, Some(edges.into()));
    }

    fn maximize_request(&mut self, surface: ToplevelSurface) {
        self.set_maximised(&surface, true);
    }

    fn unmaximize_request(&mut self, surface: ToplevelSurface) {
        self.set_maximised(&surface, false);
    }

    fn fullscreen_request(&mut self, surface: ToplevelSurface, output: Option<WlOutput>) {
        self.place(&surface, Placement::Fullscreen, output);
    }

    fn unfullscreen_request(&mut self, surface: ToplevelSurface) {
        let Some(window) = self.desktop.windows.find(surface.wl_surface()) else { return };
        let placement = if window.maximised { Placement::Maximised } else { Placement::Floating };
        self.place(&surface, placement, None);
    }

    fn toplevel_destroyed(&mut self, surface: ToplevelSurface) {
        checks::xdg::forget_role(self, surface.wl_surface());
        let gone = self.desktop.windows.remove(&surface);
        gone.iter().for_each(|gone| self.desktop.windows.leave_dialogs(gone.surface(), gone.parent()));
        if self.desktop.interaction.as_ref().is_some_and(|i| &i.surface == surface.wl_surface()) {
            self.desktop.interaction = None;
        }
        // Of many that go at once, all would be focused one after the other.
        self.focus_stale |= gone.is_some_and(|window| window.mapped);
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
    pub fn shell_commit(&mut self, surface: &WlSurface) {
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
        let area = self.working_area_at(self.pointer_location());
        let count = self.desktop.windows.visible().count();
        let Some(window) = self.desktop.windows.find(surface) else { return self.configure_dismissed(surface) };
        if !window.toplevel.is_initial_configure_sent() {
            window.toplevel.send_configure();
            return;
        }
        self.measure(surface);
        let Some(window) = self.desktop.windows.find(surface) else { return };
        if has_buffer && !window.mapped {
            window.mapped = true;
            // One that was hidden comes back to where it was.
            if window.placement == Placement::Floating && !std::mem::replace(&mut window.placed, true) {
                window.location = windows::initial_location(window.geometry().size, area, count);
            }
            // Titles are nobody's business: the log has numbers only.
            tracing::debug!("window mapped: surface {}", id_of(surface));
            self.focus(Some(surface.clone()));
        } else if !has_buffer && window.mapped {
            let parent = window.parent();
            remap::reset_window(window);
            self.desktop.windows.leave_dialogs(surface, parent);
            if self.desktop.interaction.as_ref().is_some_and(|i| &i.surface == surface) {
                self.desktop.interaction = None;
            }
            self.focus_top();
        }
        self.anchor_resize(surface);
        let Some(window) = self.desktop.windows.find(surface) else { return };
        window.recentre();
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
            (self.pointer_stale, self.displays_stale) = (true, true);
            self.redraw_all();
        }
    }

    fn begin_interaction(&mut self, surface: ToplevelSurface, serial: Serial, edges: Option<ResizeEdges>) {
        // Only a client whose surface has the pointer's implicit grab may start one.
        let Some(pointer) = self.seat.get_pointer() else { return };
        let grabbed = pointer.grab_start_data().filter(|_| pointer.has_grab(serial));
        let same_client = grabbed.as_ref().and_then(|start| start.focus.as_ref()).is_some_and(|(focus, _)| {
            focus.same_client_as(&smithay::reexports::wayland_server::Resource::id(surface.wl_surface()))
        });
        let Some(window) = self.desktop.windows.find(surface.wl_surface()).filter(|_| same_client) else { return };
        if window.placement != Placement::Floating {
            return;
        }
        window.settle();
        let start = window.rect();
        pointer.unset_grab(self, serial, self.millis());
        self.clear_pointer_focus(&pointer);
        self.desktop.interaction = Some(Interaction {
            surface: surface.wl_surface().clone(),
            pointer: pointer.current_location(),
            start,
            edges,
            finished: false,
        });
    }

    /// Maximises a window or ends that: at once, or when it leaves fullscreen.
    fn set_maximised(&mut self, toplevel: &ToplevelSurface, maximised: bool) {
        let Some(window) = self.desktop.windows.find(toplevel.wl_surface()) else { return };
        window.maximised = maximised;
        match window.placement {
            // The request needs an answer, even if nothing changes.
            Placement::Fullscreen if toplevel.is_initial_configure_sent() => drop(toplevel.send_configure()),
            Placement::Fullscreen => {}
            _ if maximised => self.place(toplevel, Placement::Maximised, None),
            _ => self.place(toplevel, Placement::Floating, None),
        }
    }

    /// Moves a window to another placement and sends its client the new state.
    pub fn place(&mut self, toplevel: &ToplevelSurface, placement: Placement, wanted: Option<WlOutput>) {
        let pointer = self.pointer_location();
        let wanted = wanted.and_then(|wl| self.output_of(&wl));
        if self.desktop.interaction.as_ref().is_some_and(|i| &i.surface == toplevel.wl_surface()) {
            self.desktop.interaction = None;
        }
        self.pointer_stale = true;
        let Some(window) = self.desktop.windows.find(toplevel.wl_surface()) else { return };
        let middle = || {
            let rect = window.rect();
            if window.mapped { (rect.loc + rect.size.downscale(2)).to_f64() } else { pointer }
        };
        let middle = middle();
        let output = wanted.or_else(|| self.output_at(middle));
        let area = output.and_then(|id| self.outputs.list.get(id)).map(Output::rect).unwrap_or_default();
        let working = output.map(|id| self.working_area(id)).unwrap_or_default();
        let Some(window) = self.desktop.windows.find(toplevel.wl_surface()) else { return };
        if window.placement == Placement::Floating && window.mapped {
            window.restore = Some(window.rect());
        }
        window.settle();
        window.placement = placement;
        window.area = None;
        let size: Option<Size<i32, Logical>> = match placement {
            Placement::Floating => {
                let restore = window.restore.take();
                if let Some(Rectangle { loc, .. }) = restore {
                    window.location = loc;
                }
                restore.map(|r| r.size)
            }
            Placement::Maximised => {
                window.location = working.loc;
                Some(working.size)
            }
            Placement::Fullscreen => {
                window.fill(area);
                Some(area.size)
            }
        };
        toplevel.with_pending_state(|state| {
            state.size = size;
            let mut set = |flag, on| if on { state.states.set(flag) } else { state.states.unset(flag) };
            set(xdg_toplevel::State::Maximized, placement == Placement::Maximised);
            set(xdg_toplevel::State::Fullscreen, placement == Placement::Fullscreen);
            set(xdg_toplevel::State::Resizing, false);
        });
        if toplevel.is_initial_configure_sent() {
            toplevel.send_configure();
        }
        self.update_feedback(toplevel.wl_surface());
        self.redraw_all();
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
            let (location, fills) = (window.location, window.placement == Placement::Fullscreen);
            let at = location.to_f64();
            (location, if fills { self.outputs.rect_at(at) } else { self.working_area_at(at) })
        };
        target.loc -= smithay::desktop::get_popup_toplevel_coords(&kind) + location;
        popup.with_pending_state(|state| state.geometry = state.positioner.get_unconstrained_geometry(target));
    }
}
