//! A bar of a test client: a layer surface at the top edge of the first display.
//!
//! What it was told is in [`State::windows`]. It commits once and nothing by itself afterwards.

use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols_wlr::layer_shell::v1::client::{
    zwlr_layer_shell_v1::{Layer, ZwlrLayerShellV1},
    zwlr_layer_surface_v1::{self as layer, Anchor, ZwlrLayerSurfaceV1},
};

use super::buffer::{Buffer, Source};
use super::{Client, PATIENCE, State};
use crate::error::Result;

/// A bar that is shown.
#[derive(Debug)]
pub struct Bar {
    /// Its surface.
    pub surface: WlSurface,
    /// Its role object.
    pub role: ZwlrLayerSurfaceV1,
    /// What it shows.
    pub buffer: Buffer,
}

impl Client {
    /// Shows a bar of that height, for which the windows leave room; `draw` gets its pixels.
    pub fn bar(&mut self, height: u32, draw: impl FnOnce(&mut [u8])) -> Result<Bar> {
        let shell: ZwlrLayerShellV1 = self.bind(4)?;
        let (qh, token) = (self.qh(), self.state.token());
        let surface = self.state.bound.compositor()?.create_surface(&qh, ());
        let role = shell.get_layer_surface(&surface, None, Layer::Top, "bar".into(), &qh, token);
        role.set_anchor(Anchor::Top | Anchor::Left | Anchor::Right);
        role.set_size(0, height);
        role.set_exclusive_zone(height as i32);
        surface.commit();
        self.wait_for("zwlr_layer_surface_v1.configure", PATIENCE, |state| {
            state.windows.get(&token).is_some_and(|window| window.serial.is_some())
        })?;
        let told = self.state.windows.get(&token).cloned().unwrap_or_default();
        role.ack_configure(told.serial.unwrap_or_default());
        let (buffer, mut pixels) = self.buffer(Source::Shm, told.size.0 as u32, told.size.1 as u32)?;
        pixels.write(draw)?;
        surface.attach(Some(&buffer.wl), 0, 0);
        surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        surface.commit();
        self.roundtrip()?;
        Ok(Bar { surface, role, buffer })
    }
}

impl Dispatch<ZwlrLayerSurfaceV1, u64> for State {
    fn event(
        state: &mut State,
        _: &ZwlrLayerSurfaceV1,
        event: layer::Event,
        token: &u64,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let window = state.windows.entry(*token).or_default();
        match event {
            layer::Event::Configure { serial, width, height } => {
                (window.serial, window.size) = (Some(serial), (width as i32, height as i32));
            }
            layer::Event::Closed => window.closed = true,
            _ => {}
        }
    }
}

delegate_noop!(State: ignore ZwlrLayerShellV1);
