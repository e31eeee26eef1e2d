//! What is selected, the devices of all clients with what each was told last, and how many offers clients keep.
//!
//! Devices and offers go with their client. Nothing here tells anybody; `told.rs` does.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use wayland_protocols::xdg::toplevel_drag::v1::server::xdg_toplevel_drag_v1::XdgToplevelDragV1;
use wayland_server::{DisplayHandle, backend::ClientId, protocol::wl_data_device::WlDataDevice};

use crate::selection::{
    device::{Device, Target},
    dragged::Drag,
    source::Source,
};

/// So many offers a client may keep. The session makes them, so they are in no account of their client.
pub const OFFERS: usize = 256;

/// The state of all selections, and of the drag.
#[derive(Debug)]
pub struct Selections {
    pub(super) display: DisplayHandle,
    /// Whether there is a primary selection.
    pub(super) has_primary: bool,
    pub(super) selected: [Option<Source>; 2],
    /// Another number after each change.
    pub(super) version: [u64; 2],
    /// The client with the keyboard.
    pub(super) focus: Option<ClientId>,
    /// Devices that hear of selections while their client has the keyboard.
    pub(super) devices: HashMap<ClientId, Vec<Listener>>,
    /// Those of data control.
    pub(super) controls: Vec<Listener>,
    pub(super) offers: HashMap<ClientId, usize>,
    /// Some device was not told, as its client did not read or keeps too many offers.
    pub(super) late: bool,
    pub(super) drag: Option<Drag>,
    /// What takes windows along.
    pub(super) toplevel_drags: Vec<XdgToplevelDragV1>,
}

/// A device, and what it was told last.
#[derive(Debug)]
pub(super) struct Listener {
    pub device: Device,
    pub told: [Option<Told>; 2],
}

#[derive(Debug)]
pub(super) struct Told {
    pub version: u64,
    /// The mark of the offer; `None`: that there is nothing.
    pub offer: Option<Arc<AtomicBool>>,
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(replaced) = &self.offer {
            replaced.store(true, Ordering::Relaxed);
        }
    }
}

impl Selections {
    pub(super) fn empty(display: DisplayHandle, has_primary: bool) -> Self {
        Self {
            display,
            has_primary,
            selected: [None, None],
            version: [0; 2],
            focus: None,
            devices: HashMap::new(),
            controls: Vec::new(),
            offers: HashMap::new(),
            late: false,
            drag: None,
            toplevel_drags: Vec::new(),
        }
    }

    /// How much is kept of clients: devices, offers, selections and a drag.
    pub fn kept(&self) -> usize {
        let devices = self.devices.values().map(Vec::len).sum::<usize>() + self.controls.len();
        let offers = self.offers.values().sum::<usize>();
        let selected = self.selected.iter().flatten().count();
        devices + offers + selected + usize::from(self.drag.is_some())
    }

    /// Whether a drag is under way.
    pub fn is_dragging(&self) -> bool {
        self.drag.is_some()
    }

    /// The `wl_data_device`s of a client.
    pub(super) fn data_devices(&self, client: &ClientId) -> impl Iterator<Item = &WlDataDevice> {
        self.devices.get(client).into_iter().flatten().filter_map(|listener| match &listener.device {
            Device::Data(device) => Some(device),
            _ => None,
        })
    }

    /// Whether a client may have another offer, which is counted then.
    pub(super) fn take_offer(&mut self, client: &ClientId) -> bool {
        let offers = self.offers.entry(client.clone()).or_default();
        let may = *offers < OFFERS;
        *offers += usize::from(may);
        self.late |= !may;
        may
    }

    fn listeners(&mut self, client: &ClientId) -> impl Iterator<Item = &mut Listener> {
        self.devices.get_mut(client).into_iter().flatten().chain(&mut self.controls)
    }

    pub(super) fn listener(&mut self, client: &ClientId, device: &Device) -> Option<&mut Listener> {
        self.listeners(client).find(|listener| listener.device == *device)
    }

    /// The devices that do not know what is selected, and are to.
    pub(super) fn untold(&self, target: Target) -> Vec<Device> {
        let version = self.version[target as usize];
        let knows =
            |listener: &Listener| listener.told[target as usize].as_ref().is_some_and(|told| told.version == version);
        let focused = self.focus.as_ref().and_then(|client| self.devices.get(client)).into_iter().flatten();
        let is_there = target == Target::Clipboard || self.has_primary;
        let hears = |listener: &&Listener| is_there && listener.device.hears(target) && !knows(listener);
        focused.chain(&self.controls).filter(hears).map(|listener| listener.device.clone()).collect()
    }
}
