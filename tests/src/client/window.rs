//! A toplevel of a test client: created, configured, committed to and destroyed step by step, so
//! that a test can stop between any two steps.

use std::os::fd::BorrowedFd;

use wayland_client::Proxy;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::wp::linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::client::zwp_linux_surface_synchronization_v1::ZwpLinuxSurfaceSynchronizationV1;
use wayland_protocols::xdg::shell::client::{xdg_surface::XdgSurface, xdg_toplevel::XdgToplevel};

use super::buffer::Buffer;
use super::sync::WirePoint;
use super::{Client, PATIENCE};
use crate::error::Result;

/// What kind of toplevel to ask for.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// `xdg_toplevel.set_app_id` and `set_title`.
    pub app_id: &'a str,
    /// Whether to cover a whole output.
    pub fullscreen: bool,
}

/// A toplevel. Dropping it destroys nothing at the compositor: [`Toplevel::destroy`] does.
#[derive(Debug)]
pub struct Toplevel {
    /// The surface.
    pub surface: WlSurface,
    /// Its xdg_surface.
    pub xdg: XdgSurface,
    /// Its xdg_toplevel.
    pub toplevel: XdgToplevel,
    /// Its explicit synchronisation, once [`Toplevel::explicit`] has made it.
    pub sync: Option<WpLinuxDrmSyncobjSurfaceV1>,
    /// Its explicit synchronisation by messages, once [`Toplevel::fenced`] has made it.
    pub fences: Option<ZwpLinuxSurfaceSynchronizationV1>,
    /// Under which [`super::State::windows`] has its configures.
    pub token: u64,
    acked: Option<u32>,
}

/// One commit: what is attached and which points it brings.
#[derive(Default)]
pub struct Commit<'a> {
    /// The buffer; `None` leaves the attached one as it is.
    pub buffer: Option<&'a Buffer>,
    /// What of the buffer has changed: x, y, width, height in its pixels; `None`: everything.
    pub damage: Option<(i32, i32, i32, i32)>,
    /// Attach nothing, which unmaps.
    pub unmap: bool,
    /// The acquire point.
    pub acquire: Option<WirePoint<'a>>,
    /// The release point.
    pub release: Option<WirePoint<'a>>,
    /// The acquire fence, for a surface that is [fenced](Toplevel::fenced).
    pub acquire_fence: Option<BorrowedFd<'a>>,
    /// Whether to ask for a zwp_linux_buffer_release_v1.
    pub buffer_release: bool,
    /// Whether to ask for presentation feedback.
    pub feedback: bool,
    /// Whether to ask for a frame callback.
    pub frame: bool,
}

/// The tokens under which the answers to a commit arrive in [`super::State`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Of the presentation feedback.
    pub feedback: Option<u64>,
    /// Of the frame callback.
    pub frame: Option<u64>,
    /// Of the zwp_linux_buffer_release_v1.
    pub buffer_release: Option<u64>,
}

impl Client {
    /// Creates a toplevel and waits for its first configure, which it acknowledges.
    pub fn toplevel(&mut self, wish: &Wish<'_>) -> Result<Toplevel> {
        let qh = self.qh();
        let surface = self.state.bound.compositor()?.create_surface(&qh, ());
        let token = self.state.token();
        let xdg = self.state.bound.wm_base()?.get_xdg_surface(&surface, &qh, token);
        let toplevel = xdg.get_toplevel(&qh, token);
        toplevel.set_app_id(wish.app_id.into());
        toplevel.set_title(wish.app_id.into());
        if wish.fullscreen {
            toplevel.set_fullscreen(None);
        }
        surface.commit();
        let mut window = Toplevel { surface, xdg, toplevel, sync: None, fences: None, token, acked: None };
        self.wait_for("xdg_surface.configure", PATIENCE, |s| {
            s.windows.get(&token).is_some_and(|w| w.serial.is_some())
        })?;
        window.ack(self);
        Ok(window)
    }
}

impl Toplevel {
    /// The size that the compositor wants, `fallback` where it leaves that to the client.
    pub fn size(&self, client: &Client, fallback: (u32, u32)) -> (u32, u32) {
        match client.state.windows.get(&self.token).map(|w| w.size) {
            Some((w, h)) if w > 0 && h > 0 => (w as u32, h as u32),
            _ => fallback,
        }
    }

    /// Whether the compositor asked the window to close.
    pub fn closed(&self, client: &Client) -> bool {
        client.state.windows.get(&self.token).is_some_and(|w| w.closed)
    }

    /// Acknowledges the newest configure where that has not been done.
    pub fn ack(&mut self, client: &Client) {
        let serial = client.state.windows.get(&self.token).and_then(|w| w.serial);
        if serial != self.acked
            && let Some(serial) = serial
        {
            self.xdg.ack_configure(serial);
            self.acked = Some(serial);
        }
    }

    /// Whether a configure has come that is not acknowledged yet.
    pub fn is_behind(&self, client: &Client) -> bool {
        client.state.windows.get(&self.token).and_then(|w| w.serial) != self.acked
    }

    /// Gives the surface explicit synchronisation.
    pub fn explicit(&mut self, client: &Client) -> Result<()> {
        let manager = client.state.bound.syncobj()?;
        self.sync = Some(manager.get_surface(&self.surface, &client.qh(), ()));
        Ok(())
    }

    /// Gives the surface explicit synchronisation by zwp_linux_explicit_synchronization_v1.
    pub fn fenced(&mut self, client: &Client) -> Result<()> {
        let global = client.state.bound.explicit_sync()?;
        self.fences = Some(global.get_synchronization(&self.surface, &client.qh(), ()));
        Ok(())
    }

    /// Commits, and sends it.
    pub fn commit(&mut self, client: &mut Client, commit: &Commit<'_>) -> Result<Committed> {
        self.ack(client);
        let qh = client.qh();
        if let Some(buffer) = commit.buffer {
            self.surface.attach(Some(&buffer.wl), 0, 0);
            match commit.damage {
                Some((x, y, w, h)) => self.surface.damage_buffer(x, y, w, h),
                None => self.damage(),
            }
        } else if commit.unmap {
            self.surface.attach(None, 0, 0);
        }
        if let Some(sync) = &self.sync {
            if let Some(point) = &commit.acquire {
                sync.set_acquire_point(point.timeline, point.hi(), point.lo());
            }
            if let Some(point) = &commit.release {
                sync.set_release_point(point.timeline, point.hi(), point.lo());
            }
        }
        let mut done = Committed::default();
        if let Some(fences) = &self.fences {
            if let Some(fence) = commit.acquire_fence {
                fences.set_acquire_fence(fence);
            }
            if commit.buffer_release {
                let token = client.state.token();
                fences.get_release(&qh, token);
                done.buffer_release = Some(token);
            }
        }
        if commit.feedback {
            let token = client.state.token();
            client.state.bound.presentation()?.feedback(&self.surface, &qh, token);
            done.feedback = Some(token);
        }
        if commit.frame {
            let token = client.state.token();
            self.surface.frame(&qh, token);
            done.frame = Some(token);
        }
        self.surface.commit();
        client.flush()?;
        Ok(done)
    }

    /// Marks everything as changed.
    pub fn damage(&self) {
        if self.surface.version() >= 4 {
            self.surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        } else {
            self.surface.damage(0, 0, i32::MAX, i32::MAX);
        }
    }

    /// Destroys all of its objects, in the order that the protocols want.
    pub fn destroy(self, client: &mut Client) -> Result<()> {
        if let Some(sync) = &self.sync {
            sync.destroy();
        }
        if let Some(fences) = &self.fences {
            fences.destroy();
        }
        self.toplevel.destroy();
        self.xdg.destroy();
        self.surface.destroy();
        client.flush()
    }
}
