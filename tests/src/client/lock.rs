//! A test client that locks the session.
//!
//! What it was told is in [`State::locks`] and, for lock surfaces, in [`State::windows`].

use wayland_client::protocol::{wl_output::WlOutput, wl_surface::WlSurface};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::ext::session_lock::v1::client::{
    ext_session_lock_manager_v1::ExtSessionLockManagerV1,
    ext_session_lock_surface_v1::{self as surface, ExtSessionLockSurfaceV1},
    ext_session_lock_v1::{self as lock, ExtSessionLockV1},
};

use super::buffer::Source;
use super::{Client, PATIENCE, State};
use crate::error::{Error, Result};

/// A lock. Dropping it unlocks nothing.
#[derive(Debug)]
pub struct Lock {
    /// The object.
    pub lock: ExtSessionLockV1,
    /// Under which [`State::locks`] has what it was told.
    pub token: u64,
}

/// A lock surface.
#[derive(Debug)]
pub struct Cover {
    /// Its surface.
    pub surface: WlSurface,
    /// Its role object.
    pub role: ExtSessionLockSurfaceV1,
    /// The size that it was told.
    pub size: (u32, u32),
}

impl Client {
    /// Asks for the lock of the session.
    pub fn lock(&mut self) -> Result<Lock> {
        let manager: ExtSessionLockManagerV1 = self.bind(1)?;
        let token = self.state.token();
        let lock = manager.lock(&self.qh(), token);
        self.flush()?;
        Ok(Lock { lock, token })
    }

    /// Waits until the session is locked.
    pub fn wait_locked(&mut self, lock: &Lock) -> Result<()> {
        self.wait_for("ext_session_lock_v1.locked", PATIENCE, |state| state.locks.get(&lock.token) == Some(&true))
    }

    /// The `n`th display of those that are announced.
    pub fn nth_output(&mut self, n: usize) -> Result<WlOutput> {
        let outputs = self.state.globals.iter().filter(|global| global.interface == "wl_output");
        let name = outputs.map(|global| global.name).nth(n);
        let name = name.ok_or_else(|| Error::Missing(format!("display number {n}")))?;
        Ok(self.state.registry.bind(name, 2, &self.qh(), ()))
    }

    /// Covers a display in one shade of grey, from its configure to the commit.
    pub fn cover(&mut self, lock: &Lock, output: &WlOutput, shade: u8) -> Result<Cover> {
        let (qh, token) = (self.qh(), self.state.token());
        let surface = self.state.bound.compositor()?.create_surface(&qh, ());
        let role = lock.lock.get_lock_surface(&surface, output, &qh, token);
        self.wait_for("ext_session_lock_surface_v1.configure", PATIENCE, |state| {
            state.windows.get(&token).is_some_and(|window| window.serial.is_some())
        })?;
        let told = self.state.windows.get(&token).cloned().unwrap_or_default();
        role.ack_configure(told.serial.unwrap_or_default());
        let size = (told.size.0 as u32, told.size.1 as u32);
        let (buffer, mut pixels) = self.buffer(Source::Shm, size.0, size.1)?;
        pixels.write(|bytes| bytes.fill(shade))?;
        surface.attach(Some(&buffer.wl), 0, 0);
        surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        surface.commit();
        self.flush()?;
        Ok(Cover { surface, role, size })
    }
}

impl Dispatch<ExtSessionLockV1, u64> for State {
    fn event(
        state: &mut State,
        _: &ExtSessionLockV1,
        event: lock::Event,
        token: &u64,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        match event {
            lock::Event::Locked => drop(state.locks.insert(*token, true)),
            lock::Event::Finished => drop(state.locks.insert(*token, false)),
            _ => {}
        }
    }
}

impl Dispatch<ExtSessionLockSurfaceV1, u64> for State {
    fn event(
        state: &mut State,
        _: &ExtSessionLockSurfaceV1,
        event: surface::Event,
        token: &u64,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        if let surface::Event::Configure { serial, width, height } = event {
            let window = state.windows.entry(*token).or_default();
            (window.serial, window.size) = (Some(serial), (width as i32, height as i32));
        }
    }
}

delegate_noop!(State: ignore ExtSessionLockManagerV1);
