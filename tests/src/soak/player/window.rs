//! A window of a client: its own surface, sub-surfaces, a popup, and when its commits are shown.

use wayland_client::protocol::wl_subsurface::WlSubsurface;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::xdg::shell::client::xdg_popup::XdgPopup;
use wayland_protocols::xdg::shell::client::xdg_surface::XdgSurface;

use super::face::{Face, Kit};
use crate::client::PATIENCE;
use crate::client::timing::{Managers, Timing};
use crate::client::window::{Toplevel, Wish};
use crate::error::Result;
use crate::soak::tally::Deed;
use crate::time::{MS, now};

/// Sub-surfaces of a window.
const CHILDREN: usize = 6;
/// Popups are as large.
const POPUP: (u32, u32) = (60, 40);
/// Commits that ask when they are shown, before one has to wait for an answer.
const UNSHOWN: u64 = 16;

struct Child {
    face: Face,
    sub: WlSubsurface,
}

struct Popup {
    face: Face,
    xdg: XdgSurface,
    popup: XdgPopup,
    token: u64,
}

/// A window.
pub struct Window {
    toplevel: Toplevel,
    face: Face,
    children: Vec<Child>,
    popup: Option<Popup>,
    timing: Option<Timing>,
    timed: u64,
    fullscreen: bool,
}

impl Window {
    /// Opens one and shows its first picture.
    pub fn open(kit: &mut Kit, timing: Option<&Managers>) -> Result<Window> {
        let toplevel = kit.client.toplevel(&Wish { app_id: "soak", fullscreen: false })?;
        let size = side(kit);
        let face = Face::new(kit, toplevel.surface.clone(), size)?;
        let timing = timing.map(|managers| managers.of(&kit.client, &toplevel.surface));
        kit.tally.did(Deed::Window);
        let mut window =
            Window { toplevel, face, children: Vec::new(), popup: None, timing, timed: 0, fullscreen: false };
        window.commit(kit)?;
        Ok(window)
    }

    /// The window's own surface.
    pub fn surface(&self) -> &WlSurface {
        &self.face.surface
    }

    /// Commits the window's own surface.
    pub fn commit(&mut self, kit: &mut Kit) -> Result<()> {
        self.toplevel.ack(&kit.client);
        if self.face.must_wait(kit)? {
            return Ok(());
        }
        if let Some(timing) = self.timing.as_ref().filter(|_| kit.rng.u32(0..4) == 0) {
            // Those that wait for a display which is off must not become too many.
            self.timed += 1;
            if self.timed.is_multiple_of(UNSHOWN) {
                kit.client.roundtrip()?;
            }
            match kit.rng.bool() {
                true => timing.in_turn(),
                false => timing.not_before(now() + kit.rng.u64(0..30) * MS),
            }
            kit.tally.did(Deed::Timed);
        }
        self.face.commit_now(kit)
    }

    /// Does something, most often a commit.
    pub fn act(&mut self, kit: &mut Kit) -> Result<()> {
        match kit.rng.u32(0..100) {
            0..45 => self.commit(kit),
            45..75 => self.commit_other(kit),
            75..80 => self.add_child(kit),
            80..82 => {
                self.remove_child(kit);
                Ok(())
            }
            82..90 => {
                self.move_child(kit);
                Ok(())
            }
            90..92 => self.toggle_popup(kit),
            92..94 => {
                self.any(kit).tear(kit);
                Ok(())
            }
            94..96 => self.resize(kit),
            96..98 => {
                let size = kit.rng.bool().then(|| (kit.rng.i32(1..200), kit.rng.i32(1..200)));
                self.any(kit).scale(kit, size)
            }
            _ => self.toggle_fullscreen(kit),
        }
    }

    fn any(&mut self, kit: &mut Kit) -> &mut Face {
        match kit.rng.usize(0..=self.children.len()) {
            0 => &mut self.face,
            at => &mut self.children[at - 1].face,
        }
    }

    fn commit_other(&mut self, kit: &mut Kit) -> Result<()> {
        match (&mut self.popup, self.children.len()) {
            (Some(popup), _) if kit.rng.u32(0..4) == 0 => popup.face.commit(kit),
            (_, 0) => self.commit(kit),
            (_, count) => self.children[kit.rng.usize(0..count)].face.commit(kit),
        }
    }

    fn add_child(&mut self, kit: &mut Kit) -> Result<()> {
        if self.children.len() == CHILDREN {
            return Ok(());
        }
        let size = (kit.rng.u32(1..64), kit.rng.u32(1..64));
        let mut face = Face::create(kit, size)?;
        // Any surface of the tree may be its parent.
        let parent = self.any(kit).surface.clone();
        let sub = kit.client.state.bound.subcompositor()?.get_subsurface(&face.surface, &parent, &kit.client.qh(), ());
        sub.set_position(kit.rng.i32(-20..150), kit.rng.i32(-20..150));
        if kit.rng.bool() {
            sub.set_desync();
        }
        face.commit(kit)?;
        kit.tally.did(Deed::Child);
        self.children.push(Child { face, sub });
        Ok(())
    }

    /// Those below it stay, and belong to no window any more.
    fn remove_child(&mut self, kit: &mut Kit) {
        if !self.children.is_empty() {
            let child = self.children.swap_remove(kit.rng.usize(0..self.children.len()));
            child.sub.destroy();
            child.face.destroy();
        }
    }

    fn move_child(&mut self, kit: &mut Kit) {
        if self.children.is_empty() {
            return;
        }
        let child = &self.children[kit.rng.usize(0..self.children.len())];
        match kit.rng.u32(0..4) {
            0 => child.sub.set_sync(),
            1 => child.sub.set_desync(),
            _ => child.sub.set_position(kit.rng.i32(-20..150), kit.rng.i32(-20..150)),
        }
        kit.tally.did(Deed::Move);
    }

    fn resize(&mut self, kit: &mut Kit) -> Result<()> {
        let size = side(kit);
        self.any(kit).resize(kit, size);
        Ok(())
    }

    /// Changes between a window and one that covers the display, sometimes with a buffer that does.
    fn toggle_fullscreen(&mut self, kit: &mut Kit) -> Result<()> {
        self.fullscreen = !self.fullscreen;
        if !self.fullscreen {
            self.toplevel.toplevel.unset_fullscreen();
            let size = side(kit);
            self.face.resize(kit, size);
            return self.commit(kit);
        }
        self.toplevel.toplevel.set_fullscreen(None);
        kit.client.roundtrip()?;
        let fallback = side(kit);
        let (w, h) = self.toplevel.size(&kit.client, fallback);
        // The picture of a whole display takes long to make.
        if kit.rng.u32(0..3) == 0 {
            self.face.resize(kit, (w.min(2048), h.min(2048)));
        }
        self.commit(kit)
    }

    fn toggle_popup(&mut self, kit: &mut Kit) -> Result<()> {
        if let Some(popup) = self.popup.take() {
            popup.close();
            return Ok(());
        }
        let (qh, token) = (kit.client.qh(), kit.client.state.token());
        let base = kit.client.state.bound.wm_base()?;
        let mut face = Face::create(kit, POPUP)?;
        let positioner = base.create_positioner(&qh, ());
        positioner.set_size(POPUP.0 as i32, POPUP.1 as i32);
        positioner.set_anchor_rect(0, 0, 1, 1);
        let xdg = base.get_xdg_surface(&face.surface, &qh, token);
        let popup = xdg.get_popup(Some(&self.toplevel.xdg), &positioner, &qh, token);
        positioner.destroy();
        face.surface.commit();
        kit.client.wait_for("the popup's configure", PATIENCE, |s| {
            s.windows.get(&token).is_some_and(|w| w.serial.is_some())
        })?;
        if let Some(serial) = kit.client.state.windows.get(&token).and_then(|w| w.serial) {
            xdg.ack_configure(serial);
        }
        face.commit(kit)?;
        kit.tally.did(Deed::Popup);
        self.popup = Some(Popup { face, xdg, popup, token });
        Ok(())
    }

    /// Takes down a popup that was dismissed.
    pub fn heed(&mut self, kit: &Kit) {
        let gone = |popup: &Popup| kit.client.state.windows.get(&popup.token).is_some_and(|w| w.closed);
        if self.popup.as_ref().is_some_and(gone)
            && let Some(popup) = self.popup.take()
        {
            popup.close();
        }
    }

    /// Destroys all of it, in order.
    pub fn close(mut self) {
        if let Some(popup) = self.popup.take() {
            popup.close();
        }
        for child in self.children.drain(..) {
            child.sub.destroy();
            child.face.destroy();
        }
        if let Some(timing) = self.timing.take() {
            timing.destroy();
        }
        self.face.strip();
        self.toplevel.toplevel.destroy();
        self.toplevel.xdg.destroy();
        self.face.surface.destroy();
    }
}

impl Popup {
    fn close(mut self) {
        self.face.strip();
        self.popup.destroy();
        self.xdg.destroy();
        self.face.surface.destroy();
    }
}

/// A size: most are small.
fn side(kit: &mut Kit) -> (u32, u32) {
    let most = if kit.rng.u32(0..16) == 0 { 512 } else { 160 };
    (kit.rng.u32(8..most), kit.rng.u32(8..most))
}
