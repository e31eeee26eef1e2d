//! Trees of sub-surfaces and chains of popups that no compositor could show: each ends its own
//! client with an error that names the rule, and the others go on.

use syncline_tests::client::Client;
use syncline_tests::client::actor::Actor;
use syncline_tests::client::window::{Toplevel, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::error::{Error, Result};
use wayland_client::Proxy;
use wayland_client::protocol::wl_subcompositor::{Error as SubcompositorError, WlSubcompositor};
use wayland_client::protocol::wl_subsurface::{Error as SubsurfaceError, WlSubsurface};
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::xdg::shell::client::xdg_popup::XdgPopup;
use wayland_protocols::xdg::shell::client::xdg_positioner::XdgPositioner;
use wayland_protocols::xdg::shell::client::xdg_surface::XdgSurface;
use wayland_protocols::xdg::shell::client::xdg_wm_base::{Error as WmBaseError, XdgWmBase};

/// `wl_display.error.implementation`: a limit of the compositor, not of a protocol.
const IMPLEMENTATION: u32 = 3;

/// Levels below the root, and surfaces of a tree, that the compositor allows.
const DEPTH: usize = 64;
const SURFACES: usize = 1024;

/// So many levels end a compositor that walks them recursively.
const BOTTOMLESS: usize = 60_000;

/// The client that offends.
struct Offender {
    client: Client,
    subcompositor: WlSubcompositor,
    base: XdgWmBase,
    positioner: XdgPositioner,
    window: Toplevel,
}

struct Popup {
    surface: WlSurface,
    xdg: XdgSurface,
    popup: XdgPopup,
}

impl Offender {
    fn new(compositor: &Compositor) -> Offender {
        let mut client = compositor.client().unwrap();
        let window = client.toplevel(&Wish { app_id: "offender", fullscreen: false }).unwrap();
        let subcompositor = client.state.bound.subcompositor().unwrap();
        let base = client.state.bound.wm_base().unwrap();
        let positioner = base.create_positioner(&client.qh(), ());
        positioner.set_size(10, 10);
        positioner.set_anchor_rect(0, 0, 1, 1);
        Offender { client, subcompositor, base, positioner, window }
    }

    fn surface(&self) -> WlSurface {
        self.client.state.bound.compositor().unwrap().create_surface(&self.client.qh(), ())
    }

    fn sub(&self, surface: &WlSurface, parent: &WlSurface) -> WlSubsurface {
        self.subcompositor.get_subsurface(surface, parent, &self.client.qh(), ())
    }

    fn xdg(&mut self) -> (WlSurface, XdgSurface) {
        let surface = self.surface();
        let token = self.client.state.token();
        let xdg = self.base.get_xdg_surface(&surface, &self.client.qh(), token);
        (surface, xdg)
    }

    fn role(&mut self, xdg: &XdgSurface, parent: &XdgSurface) -> XdgPopup {
        let token = self.client.state.token();
        xdg.get_popup(Some(parent), &self.positioner, &self.client.qh(), token)
    }

    fn popup(&mut self, parent: &XdgSurface) -> Popup {
        let (surface, xdg) = self.xdg();
        let popup = self.role(&xdg, parent);
        Popup { surface, xdg, popup }
    }

    /// Popups of the window, each the parent of the next.
    fn popups(&mut self, count: usize) -> Vec<Popup> {
        let mut popups: Vec<Popup> = Vec::new();
        for _ in 0..count {
            let parent = popups.last().map_or(&self.window.xdg, |popup| &popup.xdg).clone();
            popups.push(self.popup(&parent));
        }
        popups
    }

    /// Sub-surfaces, each the parent of the next, on top of `root`, built from there.
    fn chain_from_root(&mut self, root: &WlSurface, count: usize) -> Result<Vec<WlSurface>> {
        let mut chain = vec![root.clone()];
        for i in 0..count {
            chain.push(self.surface());
            self.sub(&chain[i + 1], &chain[i]);
            self.now_and_then(i)?;
        }
        Ok(chain)
    }

    /// The same, built from the other end. Returns the root.
    fn chain_from_leaf(&mut self, count: usize) -> Result<WlSurface> {
        let mut top = self.surface();
        for i in 0..count {
            let parent = self.surface();
            self.sub(&top, &parent);
            top = parent;
            self.now_and_then(i)?;
        }
        Ok(top)
    }

    /// A client that waits from time to time reads its error before it writes to a socket that is
    /// closed.
    fn now_and_then(&mut self, i: usize) -> Result<()> {
        if i.is_multiple_of(10) { self.client.roundtrip() } else { Ok(()) }
    }
}

/// `offend` returns the id of the object that the error must name, or the error if it has come
/// already; a bystander goes on.
fn expect(code: u32, interface: &str, words: &str, offend: impl FnOnce(&mut Offender) -> Result<u32>) {
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut bystander = Actor::new(&compositor, "bystander", Some((200, 150))).unwrap();
    bystander.show(1).unwrap();
    let mut offender = Offender::new(&compositor);
    offender.client.roundtrip().unwrap();
    let (object, error) = match offend(&mut offender) {
        Ok(object) => (Some(object), offender.client.expect_protocol_error().unwrap()),
        Err(error) => (None, error),
    };
    let Error::Protocol { interface: on, object: id, code: got, message } = error else {
        panic!("{error}: {}", compositor.log())
    };
    assert_eq!((got, on.as_str()), (code, interface), "{message}");
    assert_eq!(id, object.unwrap_or(id), "{message}");
    assert!(message.contains(words), "the message does not say {words:?}: {message}");
    drop(offender);
    bystander.show(2).unwrap();
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}

/// `work` is allowed; the client goes away in the middle of it, and a bystander goes on.
fn allow(work: impl FnOnce(&mut Offender)) {
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut bystander = Actor::new(&compositor, "bystander", Some((200, 150))).unwrap();
    let mut client = Offender::new(&compositor);
    work(&mut client);
    client.client.roundtrip().unwrap();
    bystander.show(1).unwrap();
    drop(client);
    bystander.show(2).unwrap();
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}

fn place(words: &str, place: impl FnOnce(&WlSubsurface, &WlSurface, &WlSurface)) {
    expect(SubsurfaceError::BadSurface as u32, "wl_subsurface", words, |o| {
        let (surface, stranger) = (o.surface(), o.surface());
        let sub = o.sub(&surface, &o.window.surface);
        place(&sub, &surface, &stranger);
        Ok(sub.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn placed_above_itself() {
    place("place_above", |sub, itself, _| sub.place_above(itself));
}

#[test]
#[ignore = "lab"]
fn placed_below_itself() {
    place("place_below", |sub, itself, _| sub.place_below(itself));
}

#[test]
#[ignore = "lab"]
fn placed_above_a_stranger() {
    place("sibling", |sub, _, stranger| sub.place_above(stranger));
}

#[test]
#[ignore = "lab"]
fn sub_surface_of_itself() {
    expect(SubcompositorError::BadParent as u32, "wl_subcompositor", "get_subsurface", |o| {
        let surface = o.surface();
        o.sub(&surface, &surface);
        Ok(o.subcompositor.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn sub_surface_of_its_descendant() {
    expect(SubcompositorError::BadParent as u32, "wl_subcompositor", "descendants", |o| {
        let root = o.surface();
        let chain = o.chain_from_root(&root, 3)?;
        o.sub(&root, &chain[3]);
        Ok(o.subcompositor.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn sub_surface_twice() {
    expect(SubcompositorError::BadSurface as u32, "wl_subcompositor", "role", |o| {
        let surface = o.surface();
        o.sub(&surface, &o.window.surface);
        o.sub(&surface, &o.window.surface);
        Ok(o.subcompositor.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn sub_surfaces_nested_too_deep_from_the_root() {
    expect(IMPLEMENTATION, "wl_display", "64 deep", |o| {
        let root = o.window.surface.clone();
        o.chain_from_root(&root, BOTTOMLESS)?;
        root.commit();
        Ok(1)
    });
}

#[test]
#[ignore = "lab"]
fn sub_surfaces_nested_too_deep_from_the_leaf() {
    expect(IMPLEMENTATION, "wl_display", "64 deep", |o| {
        o.chain_from_leaf(BOTTOMLESS)?.commit();
        Ok(1)
    });
}

#[test]
#[ignore = "lab"]
fn sub_surfaces_nested_too_deep_in_two_halves() {
    expect(IMPLEMENTATION, "wl_display", "64 deep", |o| {
        let root = o.window.surface.clone();
        let upper = o.chain_from_root(&root, DEPTH / 2)?;
        let lower = o.chain_from_leaf(DEPTH / 2)?;
        o.client.roundtrip()?;
        o.sub(&lower, &upper[DEPTH / 2]);
        Ok(1)
    });
}

#[test]
#[ignore = "lab"]
fn too_many_sub_surfaces() {
    expect(IMPLEMENTATION, "wl_display", "1024 surfaces", |o| {
        for i in 0..SURFACES {
            let surface = o.surface();
            o.sub(&surface, &o.window.surface);
            o.now_and_then(i)?;
        }
        Ok(1)
    });
}

#[test]
#[ignore = "lab"]
fn trees_within_the_limits() {
    allow(|o| {
        let root = o.window.surface.clone();
        let chain = o.chain_from_root(&root, DEPTH).unwrap();
        for i in 0..SURFACES - 1 - DEPTH {
            let surface = o.surface();
            o.sub(&surface, &chain[1 + i % 8]);
            o.now_and_then(i).unwrap();
        }
        o.window.surface.commit();
        o.client.roundtrip().unwrap();
        // One in the middle goes: what was below it is a tree of its own, which has room again.
        chain[DEPTH / 2].destroy();
        let lower = &chain[DEPTH / 2 + 1];
        let new_root = o.chain_from_leaf(DEPTH / 4).unwrap();
        let between = o.surface();
        o.sub(&between, &new_root);
        o.client.roundtrip().unwrap();
        o.sub(&o.surface(), &chain[DEPTH]);
        lower.commit();
        new_root.commit();
    });
}

#[test]
#[ignore = "lab"]
fn popup_of_itself() {
    expect(WmBaseError::InvalidPopupParent as u32, "xdg_wm_base", "get_popup", |o| {
        let (_, xdg) = o.xdg();
        o.role(&xdg, &xdg);
        Ok(o.base.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn popup_of_its_own_surface_under_another_name() {
    expect(WmBaseError::InvalidPopupParent as u32, "xdg_wm_base", "get_popup", |o| {
        let (surface, xdg) = o.xdg();
        let token = o.client.state.token();
        let other = o.base.get_xdg_surface(&surface, &o.client.qh(), token);
        o.role(&xdg, &other);
        Ok(o.base.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn popup_of_a_surface_without_a_role() {
    // Were it allowed, the parent could become a popup of its own popup afterwards.
    expect(WmBaseError::InvalidPopupParent as u32, "xdg_wm_base", "neither a toplevel nor a popup", |o| {
        let (_, root) = o.xdg();
        o.popup(&root);
        Ok(o.base.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn popup_that_is_destroyed_before_its_child() {
    expect(WmBaseError::NotTheTopmostPopup as u32, "xdg_wm_base", "parent of another popup", |o| {
        o.popups(3)[1].popup.destroy();
        Ok(o.base.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn two_popups_of_a_surface() {
    expect(WmBaseError::Role as u32, "xdg_wm_base", "already has an xdg_popup", |o| {
        let popups = o.popups(2);
        let token = o.client.state.token();
        let other = o.base.get_xdg_surface(&popups[1].surface, &o.client.qh(), token);
        let parent = o.window.xdg.clone();
        o.role(&other, &parent);
        Ok(o.base.id().protocol_id())
    });
}

#[test]
#[ignore = "lab"]
fn popups_nested_too_deep() {
    expect(IMPLEMENTATION, "wl_display", "64 deep", |o| {
        o.popups(DEPTH);
        o.client.roundtrip().unwrap();
        let mut parent = o.window.xdg.clone();
        for i in 0..BOTTOMLESS {
            parent = o.popup(&parent).xdg;
            o.now_and_then(i)?;
        }
        Ok(1)
    });
}

/// The upper half of the popups is destroyed, and a surface of it is used again.
#[test]
#[ignore = "lab"]
fn popups_within_the_limits() {
    allow(|o| {
        let mut popups = o.popups(DEPTH);
        popups.iter().for_each(|popup| popup.surface.commit());
        o.client.roundtrip().unwrap();
        let last = &popups[DEPTH - 1];
        last.popup.reposition(&o.positioner, 1);
        last.surface.commit();
        o.client.roundtrip().unwrap();
        popups.drain(DEPTH / 2 + 1..).rev().for_each(|popup| popup.popup.destroy());
        let middle = popups.remove(DEPTH / 2);
        middle.popup.destroy();
        let parent = popups[DEPTH / 2 - 1].xdg.clone();
        o.role(&middle.xdg, &parent);
        middle.surface.commit();
    });
}
