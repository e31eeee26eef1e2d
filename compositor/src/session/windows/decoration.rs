//! Who decorates a window: `xdg-decoration`, and KDE's protocol from the time before it.
//!
//! ```text
//!  no object ──────────────────────────→ its client draws what it wants
//!  the client wants to ────────────────→ client-side
//!  it leaves that to the session, or asks for it ─┬ `title-bars = "on-request"` ─→ server-side, with a bar while it floats
//!                                                 └ `"never"` ─→ tiled: server-side; floating: client-side
//!  a rule with `title-bar` counts for more than the client and `title-bars`
//! ```
//!
//! A tiled window needs no bar. One with a title bar is decorated by the session wherever it is, so that its
//! client need not draw anew when it is maximised or tiled. KDE's protocol has no configure: its objects are
//! told when they ask, and when the answer becomes another one. Nothing here draws.

use std::sync::{Mutex, MutexGuard, PoisonError};

use protocols::ObjectObserver;
use smithay::{
    reexports::{
        wayland_protocols::xdg::decoration::zv1::server::{
            zxdg_decoration_manager_v1::ZxdgDecorationManagerV1,
            zxdg_toplevel_decoration_v1::{self, Error, Mode, ZxdgToplevelDecorationV1},
        },
        wayland_protocols_misc::server_decoration::server::{
            org_kde_kwin_server_decoration::{Mode as KdeMode, OrgKdeKwinServerDecoration},
            org_kde_kwin_server_decoration_manager::Mode as KdeDefault,
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum, Weak, backend::ClientId,
            protocol::wl_surface::WlSurface,
        },
    },
    wayland::{
        compositor::{SurfaceData, with_states},
        shell::{
            kde::decoration::{KdeDecorationHandler, KdeDecorationState},
            xdg::{
                ToplevelSurface, XdgToplevelSurfaceData,
                decoration::{XdgDecorationHandler, XdgDecorationState},
            },
        },
    },
};

use crate::{
    config::desktop::{DesktopConfig, TitleBars},
    desktop::{
        layout::{geometry::Edges, placed::States},
        windows::{Decoration, Window},
    },
    session::Syncline,
};

/// Whether a window has a title bar while it floats. `rule`: what the user's rules want.
fn is_titled(decoration: Decoration, rule: Option<bool>, config: &DesktopConfig) -> bool {
    let asked = decoration == Decoration::Free && config.title_bars == TitleBars::OnRequest;
    config.title_bar_height.0 > 0 && rule.unwrap_or(asked)
}

/// Who decorates a window in these states; `titled`: the session draws its title bar while it floats.
pub fn mode(decoration: Decoration, titled: bool, states: States) -> Option<Mode> {
    match decoration {
        Decoration::Unknown => None,
        _ if titled => Some(Mode::ServerSide),
        Decoration::Free if states.tiled == Edges::ALL => Some(Mode::ServerSide),
        Decoration::Free | Decoration::Client => Some(Mode::ClientSide),
    }
}

/// What clients are told of KDE's protocol before they have a window. As with other compositors it is the
/// server that decorates, if it can: toolkits look at this to find out.
pub fn kde_default(config: &DesktopConfig) -> KdeDefault {
    match is_titled(Decoration::Free, None, config) {
        true => KdeDefault::Server,
        false => KdeDefault::Client,
    }
}

/// What is known of a surface by KDE's protocol. A client may ask before the surface is a window.
#[derive(Debug, Default)]
struct Kde(Mutex<Option<KdeObject>>);

#[derive(Debug)]
struct KdeObject {
    object: Weak<OrgKdeKwinServerDecoration>,
    wants: KdeMode,
    /// `None`: its last request has no answer yet.
    told: Option<KdeMode>,
}

impl Kde {
    fn of(states: &SurfaceData) -> MutexGuard<'_, Option<KdeObject>> {
        states.data_map.get_or_insert_threadsafe(Self::default).0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    /// What its client says of who should decorate it. `xdg-decoration` counts for more.
    fn wanted_decoration(&self) -> Decoration {
        let kde = || with_states(self.surface(), |states| Kde::of(states).as_ref().map(|kde| kde.wants));
        match self.decoration {
            Decoration::Unknown => kde().map_or(Decoration::Unknown, of_kde),
            known => known,
        }
    }
}

fn of_kde(wants: KdeMode) -> Decoration {
    if wants == KdeMode::Server { Decoration::Free } else { Decoration::Client }
}

/// What KDE's protocol says of a window.
fn kde_mode(wants: KdeMode, titled: bool, states: States) -> KdeMode {
    match (mode(of_kde(wants), titled, states), wants) {
        (Some(Mode::ServerSide), _) => KdeMode::Server,
        (_, KdeMode::None) => KdeMode::None,
        _ => KdeMode::Client,
    }
}

/// Tells the object of KDE's protocol, if the window has one and the answer is another than before.
pub fn tell_kde(window: &Window) {
    tell(window.surface(), window.titled, window.told.states);
}

fn tell(surface: &WlSurface, titled: bool, states: States) {
    with_states(surface, |of| {
        let mut kde = Kde::of(of);
        let Some(kde) = kde.as_mut() else { return };
        let mode = kde_mode(kde.wants, titled, states);
        if kde.told.replace(mode) != Some(mode)
            && let Ok(object) = kde.object.upgrade()
        {
            object.mode(mode);
        }
    });
}

impl Syncline {
    /// What decides about the title bar of a window may have changed: its client's wish, a rule, the
    /// configuration.
    pub fn decide_title(&mut self, surface: &WlSurface) {
        let Some(window) = self.desktop.windows.find(surface) else { return };
        let rule = self.desktop.layout.window(window.id).and_then(|known| known.opening.title_bar);
        let titled = is_titled(window.wanted_decoration(), rule, &self.config.desktop);
        if std::mem::replace(&mut window.titled, titled) == titled {
            return;
        }
        window.told.owed |= window.decoration != Decoration::Unknown && window.toplevel.is_initial_configure_sent();
        tell_kde(window);
        self.desktop.layout.set_titled(window.id, titled);
        self.layout_stale = true;
    }

    /// The same for all windows.
    pub fn decide_all_titles(&mut self) {
        let surfaces: Vec<WlSurface> = self.desktop.windows.all_mut().map(|window| window.surface().clone()).collect();
        surfaces.iter().for_each(|surface| self.decide_title(surface));
    }

    fn decorate(&mut self, toplevel: &ToplevelSurface, decoration: Decoration) {
        let Some(window) = self.desktop.windows.find(toplevel.wl_surface()) else { return };
        window.decoration = decoration;
        if toplevel.is_initial_configure_sent() && decoration != Decoration::Unknown {
            window.told.owed = true;
            self.layout_stale = true;
        }
        // The answer says the mode even if it is the same.
        with_states(toplevel.wl_surface(), |states| {
            if let Some(data) = states.data_map.get::<XdgToplevelSurfaceData>() {
                data.lock().expect("no panic while locked").initial_decoration_configure_sent = false;
            }
        });
        self.decide_title(toplevel.wl_surface());
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

/// Smithay 0.7 announces version 1. What version 2 adds is an error, and a window that gets an object when it has a
/// buffer already; see [`crate::session::checks::xdg`].
impl GlobalDispatch<ZxdgDecorationManagerV1, ()> for Syncline {
    fn bind(
        state: &mut Self,
        _: &DisplayHandle,
        client: &Client,
        manager: New<ZxdgDecorationManagerV1>,
        (): &(),
        data_init: &mut DataInit<'_, Self>,
    ) {
        ObjectObserver::note_bind(state, client, ZxdgDecorationManagerV1::interface());
        data_init.init(manager, ());
    }

    fn can_view(client: Client, (): &()) -> bool {
        <Self as ObjectObserver>::note_registry(&client, ZxdgDecorationManagerV1::interface());
        true
    }
}

/// Smithay tells nobody that an object is destroyed: the window is without a bar of the session then.
impl Dispatch<ZxdgToplevelDecorationV1, ToplevelSurface> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        object: &ZxdgToplevelDecorationV1,
        request: zxdg_toplevel_decoration_v1::Request,
        toplevel: &ToplevelSurface,
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        ObjectObserver::note_creation(state, client, ZxdgToplevelDecorationV1::interface(), request.opcode());
        if let zxdg_toplevel_decoration_v1::Request::SetMode { mode: WEnum::Unknown(mode) } = request {
            return object.post_error(Error::InvalidMode, format!("set_mode: {mode} is no mode"));
        }
        let destroys = matches!(request, zxdg_toplevel_decoration_v1::Request::Destroy);
        <XdgDecorationState as Dispatch<_, _, Self>>::request(
            state, client, object, request, toplevel, display, data_init,
        );
        if destroys {
            state.decorate(toplevel, Decoration::Unknown);
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, object: &ZxdgToplevelDecorationV1, toplevel: &ToplevelSurface) {
        ObjectObserver::note_destroyed(state, &client, &object.id());
        <XdgDecorationState as Dispatch<_, _, Self>>::destroyed(state, client, object, toplevel);
    }
}

impl KdeDecorationHandler for Syncline {
    fn kde_decoration_state(&self) -> &KdeDecorationState {
        &self.globals.kde_decoration
    }

    fn new_decoration(&mut self, surface: &WlSurface, decoration: &OrgKdeKwinServerDecoration) {
        // Until the client asks, it is the session that chooses.
        self.kde_wants(surface, decoration, KdeMode::Server);
    }

    fn request_mode(&mut self, surface: &WlSurface, decoration: &OrgKdeKwinServerDecoration, mode: WEnum<KdeMode>) {
        // The protocol has no error for others.
        if let WEnum::Value(mode) = mode {
            self.kde_wants(surface, decoration, mode);
        }
    }

    fn release(&mut self, decoration: &OrgKdeKwinServerDecoration, surface: &WlSurface) {
        with_states(surface, |states| {
            Kde::of(states).take_if(|kde| kde.object == *decoration);
        });
        self.decide_title(surface);
    }
}

impl Syncline {
    /// A client says who should decorate a surface, and has its answer, also if that is the same as before.
    fn kde_wants(&mut self, surface: &WlSurface, object: &OrgKdeKwinServerDecoration, wants: KdeMode) {
        let kde = KdeObject { object: object.downgrade(), wants, told: None };
        with_states(surface, |states| *Kde::of(states) = Some(kde));
        self.decide_title(surface);
        match self.desktop.windows.find(surface) {
            Some(window) => tell_kde(window),
            None => {
                let titled = is_titled(of_kde(wants), None, &self.config.desktop);
                tell(surface, titled, States::default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::desktop::BarHeight;

    fn tiled(tiled: Edges) -> States {
        States { tiled, ..States::default() }
    }

    const LEFT: Edges = Edges { left: true, top: true, bottom: true, right: false };

    #[test]
    fn without_title_bars_only_tiled_windows_are_decorated_by_the_session() {
        for (decoration, states, expected) in [
            (Decoration::Unknown, tiled(Edges::ALL), None),
            (Decoration::Free, tiled(Edges::ALL), Some(Mode::ServerSide)),
            (Decoration::Free, tiled(LEFT), Some(Mode::ClientSide)),
            (Decoration::Free, States::default(), Some(Mode::ClientSide)),
            (Decoration::Free, States { maximised: true, ..States::default() }, Some(Mode::ClientSide)),
            (Decoration::Client, tiled(Edges::ALL), Some(Mode::ClientSide)),
        ] {
            assert_eq!(mode(decoration, false, states), expected, "{decoration:?} {states:?}");
        }
    }

    #[test]
    fn a_window_with_a_title_bar_is_decorated_by_the_session_wherever_it_is() {
        let maximised = States { maximised: true, ..States::default() };
        for states in [States::default(), tiled(LEFT), tiled(Edges::ALL), maximised] {
            assert_eq!(mode(Decoration::Unknown, true, states), None, "there is no object to tell");
            for decoration in [Decoration::Free, Decoration::Client] {
                assert_eq!(mode(decoration, true, states), Some(Mode::ServerSide), "{decoration:?} {states:?}");
            }
            let said = [KdeMode::None, KdeMode::Client, KdeMode::Server].map(|wants| kde_mode(wants, true, states));
            assert_eq!(said, [KdeMode::Server; 3]);
        }
        let said = [KdeMode::None, KdeMode::Client, KdeMode::Server].map(|it| kde_mode(it, false, tiled(Edges::ALL)));
        assert_eq!(said, [KdeMode::None, KdeMode::Client, KdeMode::Server]);
        assert_eq!(kde_mode(KdeMode::Server, false, States::default()), KdeMode::Client);
    }

    #[test]
    fn a_rule_counts_for_more_than_the_client_and_the_configuration() {
        use Decoration::{Client, Free, Unknown};
        let on_request = DesktopConfig::default();
        let never = DesktopConfig { title_bars: TitleBars::Never, ..DesktopConfig::default() };
        let flat = DesktopConfig { title_bar_height: BarHeight(0), ..DesktopConfig::default() };
        let titled = |config, rule| [Unknown, Client, Free].map(|decoration| is_titled(decoration, rule, config));
        let table = [
            (&on_request, None, [false, false, true]),
            (&on_request, Some(true), [true; 3]),
            (&on_request, Some(false), [false; 3]),
            (&never, None, [false; 3]),
            (&never, Some(true), [true; 3]),
            (&flat, None, [false; 3]),
            (&flat, Some(true), [false; 3]),
        ];
        for (config, rule, expected) in table {
            assert_eq!(titled(config, rule), expected, "{:?} {rule:?}", config.title_bars);
        }
        let defaults = [KdeDefault::Server, KdeDefault::Client, KdeDefault::Client];
        assert_eq!([&on_request, &never, &flat].map(kde_default), defaults);
    }
}
