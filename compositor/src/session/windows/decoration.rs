//! Who decorates a window: `xdg-decoration`, and KDE's protocol from the time before it.
//!
//! The session draws no title bars. A tiled window needs none, so its client is told that the session
//! decorates it, unless it wants to do that itself; one that floats has its client's title bar. The mode
//! changes with the place. KDE's protocol has no configure, so its clients are told when they ask.

use smithay::{
    reexports::{
        wayland_protocols::xdg::decoration::zv1::server::zxdg_toplevel_decoration_v1::Mode,
        wayland_protocols_misc::server_decoration::server::org_kde_kwin_server_decoration::{
            Mode as KdeMode, OrgKdeKwinServerDecoration,
        },
        wayland_server::{WEnum, protocol::wl_surface::WlSurface},
    },
    wayland::{
        compositor::with_states,
        shell::{
            kde::decoration::{KdeDecorationHandler, KdeDecorationState},
            xdg::{ToplevelSurface, XdgToplevelSurfaceData, decoration::XdgDecorationHandler},
        },
    },
};

use crate::{
    desktop::{
        layout::{geometry::Edges, placed::States},
        windows::Decoration,
    },
    session::Syncline,
};

/// Who decorates a window in these states.
pub fn mode(decoration: Decoration, states: States) -> Option<Mode> {
    match decoration {
        Decoration::Unknown => None,
        Decoration::Free if states.tiled == Edges::ALL => Some(Mode::ServerSide),
        Decoration::Free | Decoration::Client => Some(Mode::ClientSide),
    }
}

impl Syncline {
    fn decorate(&mut self, toplevel: &ToplevelSurface, decoration: Decoration) {
        let Some(window) = self.desktop.windows.find(toplevel.wl_surface()) else { return };
        window.decoration = decoration;
        if toplevel.is_initial_configure_sent() {
            window.told.owed = true;
            self.layout_stale = true;
        }
        // The answer says the mode even if it is the same.
        with_states(toplevel.wl_surface(), |states| {
            if let Some(data) = states.data_map.get::<XdgToplevelSurfaceData>() {
                data.lock().expect("no panic while locked").initial_decoration_configure_sent = false;
            }
        });
    }
}

impl XdgDecorationHandler for Syncline {
    fn new_decoration(&mut self, toplevel: ToplevelSurface) {
        self.decorate(&toplevel, Decoration::Free);
    }

    fn request_mode(&mut self, toplevel: ToplevelSurface, mode: Mode) {
        let decoration = if mode == Mode::ClientSide { Decoration::Client } else { Decoration::Free };
        self.decorate(&toplevel, decoration);
    }

    fn unset_mode(&mut self, toplevel: ToplevelSurface) {
        self.decorate(&toplevel, Decoration::Free);
    }
}

impl KdeDecorationHandler for Syncline {
    fn kde_decoration_state(&self) -> &KdeDecorationState {
        &self.globals.kde_decoration
    }

    fn new_decoration(&mut self, surface: &WlSurface, decoration: &OrgKdeKwinServerDecoration) {
        decoration.mode(self.kde_mode(surface));
    }

    fn request_mode(&mut self, surface: &WlSurface, decoration: &OrgKdeKwinServerDecoration, mode: WEnum<KdeMode>) {
        match mode {
            WEnum::Value(KdeMode::Server) => decoration.mode(self.kde_mode(surface)),
            WEnum::Value(mode) => decoration.mode(mode),
            // The protocol has no error.
            WEnum::Unknown(_) => {}
        }
    }
}

impl Syncline {
    fn kde_mode(&mut self, surface: &WlSurface) -> KdeMode {
        let states = self.desktop.windows.find(surface).map(|window| window.told.states);
        match states.and_then(|states| mode(Decoration::Free, states)) {
            Some(Mode::ServerSide) => KdeMode::Server,
            _ => KdeMode::Client,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tiled_windows_are_decorated_by_the_session() {
        let tiled = |tiled| States { tiled, ..States::default() };
        let left = Edges { left: true, top: true, bottom: true, ..Edges::default() };
        for (decoration, states, expected) in [
            (Decoration::Unknown, tiled(Edges::ALL), None),
            (Decoration::Free, tiled(Edges::ALL), Some(Mode::ServerSide)),
            (Decoration::Free, tiled(left), Some(Mode::ClientSide)),
            (Decoration::Free, States::default(), Some(Mode::ClientSide)),
            (Decoration::Free, States { maximised: true, ..States::default() }, Some(Mode::ClientSide)),
            (Decoration::Client, tiled(Edges::ALL), Some(Mode::ClientSide)),
        ] {
            assert_eq!(mode(decoration, states), expected, "{decoration:?} {states:?}");
        }
    }
}
