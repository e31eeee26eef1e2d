//! What linux-dmabuf feedback says to a test client, tranche by tranche, and parameters that are
//! broken on purpose.

use std::os::fd::{AsFd, OwnedFd};

use wayland_client::protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface};
use wayland_client::{Connection, Dispatch, QueueHandle};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::{Flags, ZwpLinuxBufferParamsV1},
    zwp_linux_dmabuf_feedback_v1::{self as feedback, ZwpLinuxDmabufFeedbackV1},
    zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

pub use super::tranche::{Heard, Told, Tranche};
use super::{Client, State};
use crate::error::Result;

impl Dispatch<ZwpLinuxDmabufFeedbackV1, u64> for State {
    fn event(
        state: &mut State,
        _: &ZwpLinuxDmabufFeedbackV1,
        event: feedback::Event,
        token: &u64,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let heard = state.dmabuf_feedback.entry(*token).or_default();
        let device = |bytes: Vec<u8>| <[u8; 8]>::try_from(bytes.as_slice()).map_or(0, u64::from_ne_bytes);
        match event {
            feedback::Event::FormatTable { fd, size } => {
                heard.table = super::dispatch::read_format_table(fd, size as usize);
            }
            feedback::Event::MainDevice { device: bytes } => heard.now.main_device = Some(device(bytes)),
            feedback::Event::TrancheTargetDevice { device: bytes } => heard.tranche.device = device(bytes),
            feedback::Event::TrancheFlags { flags } => heard.tranche.flags = flags.into(),
            feedback::Event::TrancheFormats { indices } => {
                let indices = indices.as_chunks::<2>().0.iter().map(|i| usize::from(u16::from_ne_bytes(*i)));
                heard.tranche.pairs.extend(indices.map(|i| heard.table[i]));
            }
            feedback::Event::TrancheDone => heard.now.tranches.push(std::mem::take(&mut heard.tranche)),
            feedback::Event::Done => heard.told.push(std::mem::take(&mut heard.now)),
            _ => {}
        }
    }
}

impl Client {
    /// Another zwp_linux_dmabuf_v1 of this version.
    pub fn dmabuf_manager(&mut self, version: u32) -> Result<ZwpLinuxDmabufV1> {
        self.bind(version)
    }

    /// Asks what to allocate for a surface; the answers are in [`State::dmabuf_feedback`] under the
    /// token.
    pub fn surface_feedback(
        &mut self,
        manager: &ZwpLinuxDmabufV1,
        surface: &WlSurface,
    ) -> (ZwpLinuxDmabufFeedbackV1, u64) {
        let token = self.state.token();
        (manager.get_surface_feedback(surface, &self.qh(), token), token)
    }

    /// The same for no surface.
    pub fn default_feedback(&mut self, manager: &ZwpLinuxDmabufV1) -> (ZwpLinuxDmabufFeedbackV1, u64) {
        let token = self.state.token();
        (manager.get_default_feedback(&self.qh(), token), token)
    }
}

/// One plane to add.
#[derive(Debug, Clone, Copy)]
pub struct Plane {
    /// Its index.
    pub index: u32,
    /// Bytes.
    pub offset: u32,
    /// Bytes.
    pub stride: u32,
    /// Its layout.
    pub modifier: u64,
}

/// A description that may be wrong.
#[derive(Debug)]
pub struct Params {
    /// The object, which is not destroyed.
    pub object: ZwpLinuxBufferParamsV1,
    /// Under which [`State::params`] has the answer.
    pub token: u64,
}

impl Params {
    /// Makes the object.
    pub fn new(client: &mut Client, manager: &ZwpLinuxDmabufV1) -> Params {
        let token = client.state.token();
        Params { object: manager.create_params(&client.qh(), token), token }
    }

    /// `add`.
    pub fn add(&self, fd: &OwnedFd, plane: Plane) {
        let Plane { index, offset, stride, modifier } = plane;
        self.object.add(fd.as_fd(), index, offset, stride, (modifier >> 32) as u32, modifier as u32);
    }

    /// `create`.
    pub fn create(&self, width: i32, height: i32, format: u32, flags: u32) {
        self.object.create(width, height, format, Flags::from_bits_retain(flags));
    }

    /// `create_immed`.
    pub fn create_immed(&self, client: &mut Client, width: i32, height: i32, format: u32, flags: u32) -> WlBuffer {
        let token = client.state.token();
        self.object.create_immed(width, height, format, Flags::from_bits_retain(flags), &client.qh(), token)
    }
}
