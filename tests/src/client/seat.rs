//! The seat of a test client: the events of its keyboard, pointer and clipboard, in order.
//!
//! It is bound on demand: a client that does not ask for a seat hears nothing of one.

use std::os::fd::OwnedFd;

use wayland_client::backend::ObjectId;
use wayland_client::protocol::{
    wl_data_device, wl_data_device_manager, wl_data_offer, wl_data_source, wl_keyboard, wl_pointer, wl_seat, wl_surface,
};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, WEnum, delegate_noop, event_created_child};

use super::{Client, State};
use crate::error::Result;

/// One event of keyboard, pointer or a tablet's tool. Positions are the surface's own, keys and buttons are the
/// kernel's codes.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Heard {
    KeyboardEnter { surface: ObjectId, keys: Vec<u32> },
    KeyboardLeave { surface: ObjectId },
    Key { key: u32, pressed: bool },
    Modifiers { depressed: u32 },
    PointerEnter { surface: ObjectId, x: f64, y: f64 },
    PointerLeave { surface: ObjectId },
    Motion { x: f64, y: f64 },
    Button { button: u32, pressed: bool },
    Axis { vertical: bool, value: f64 },
    AxisValue120 { vertical: bool, value: i32 },
    ToolEnter { surface: ObjectId },
    ToolLeave,
    ToolMotion { x: f64, y: f64 },
    ToolPressure { pressure: u32 },
    ToolTip { down: bool },
    ToolButton { button: u32, pressed: bool },
}

/// What the seat has said.
#[derive(Debug, Default)]
pub struct Input {
    /// Keyboard and pointer, in the order of arrival.
    pub heard: Vec<Heard>,
    /// The surface with the keyboard's focus.
    pub keyboard_focus: Option<ObjectId>,
    /// The surface under the pointer.
    pub pointer_focus: Option<ObjectId>,
    /// The names of the tablets that are there.
    pub tablets: Vec<String>,
    /// The text of the keymap.
    pub keymap: Option<String>,
    /// Repeats a second, and milliseconds before the first.
    pub repeat: Option<(i32, i32)>,
    /// Serial of the newest pointer enter.
    pub enter_serial: u32,
    /// Serial of the newest press of a button or key, which moves, resizes, grabs and selections
    /// want.
    pub press_serial: u32,
    /// The clipboard, as it is offered now.
    pub selection: Option<wl_data_offer::WlDataOffer>,
    /// MIME types of the newest offer.
    pub offered: Vec<String>,
    /// What a source of ours answers.
    pub answer: Vec<u8>,
    /// Whether a source of ours was replaced.
    pub cancelled: bool,
}

/// The objects of a seat.
#[derive(Debug)]
pub struct Seat {
    /// The seat itself.
    pub seat: wl_seat::WlSeat,
    /// Its keyboard.
    pub keyboard: wl_keyboard::WlKeyboard,
    /// Its pointer.
    pub pointer: wl_pointer::WlPointer,
    /// Its clipboard.
    pub data_device: wl_data_device::WlDataDevice,
    manager: wl_data_device_manager::WlDataDeviceManager,
}

impl Client {
    /// Binds the seat with keyboard, pointer and clipboard.
    pub fn seat(&mut self) -> Result<Seat> {
        let qh = self.qh();
        let seat: wl_seat::WlSeat = self.bind(8)?;
        let manager: wl_data_device_manager::WlDataDeviceManager = self.bind(3)?;
        let (keyboard, pointer) = (seat.get_keyboard(&qh, ()), seat.get_pointer(&qh, ()));
        let data_device = manager.get_data_device(&seat, &qh, ());
        self.roundtrip()?;
        Ok(Seat { seat, keyboard, pointer, data_device, manager })
    }
}

impl Seat {
    /// Puts `data` into the clipboard, on behalf of the newest press.
    pub fn offer(&self, client: &mut Client, mime: &str, data: &[u8]) -> Result<()> {
        let source = self.manager.create_data_source(&client.qh(), ());
        source.offer(mime.into());
        client.state.input.answer = data.to_owned();
        self.data_device.set_selection(Some(&source), client.state.input.press_serial);
        client.flush()
    }
}

fn id(surface: &wl_surface::WlSurface) -> ObjectId {
    surface.id()
}

/// The keymap's text without its final zero; empty when it cannot be read. Closes `fd`.
fn read_keymap(fd: OwnedFd, size: u32) -> String {
    let mut bytes = vec![0; size as usize];
    let mut have = 0;
    while let Ok(n @ 1..) = rustix::io::pread(&fd, &mut bytes[have..], have as u64) {
        have += n;
    }
    String::from_utf8_lossy(&bytes[..have]).trim_end_matches('\0').to_owned()
}

impl Dispatch<wl_keyboard::WlKeyboard, ()> for State {
    fn event(
        state: &mut State,
        _: &wl_keyboard::WlKeyboard,
        event: wl_keyboard::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let input = &mut state.input;
        let heard = match event {
            wl_keyboard::Event::Keymap { fd, size, .. } => {
                input.keymap = Some(read_keymap(fd, size));
                return;
            }
            wl_keyboard::Event::RepeatInfo { rate, delay } => {
                input.repeat = Some((rate, delay));
                return;
            }
            wl_keyboard::Event::Enter { surface, keys, .. } => {
                input.keyboard_focus = Some(id(&surface));
                let keys = keys.as_chunks::<4>().0.iter().map(|key| u32::from_ne_bytes(*key)).collect();
                Heard::KeyboardEnter { surface: id(&surface), keys }
            }
            wl_keyboard::Event::Leave { surface, .. } => {
                input.keyboard_focus = None;
                Heard::KeyboardLeave { surface: id(&surface) }
            }
            wl_keyboard::Event::Key { serial, key, state, .. } => {
                let pressed = state == WEnum::Value(wl_keyboard::KeyState::Pressed);
                if pressed {
                    input.press_serial = serial;
                }
                Heard::Key { key, pressed }
            }
            wl_keyboard::Event::Modifiers { mods_depressed, .. } => Heard::Modifiers { depressed: mods_depressed },
            _ => return,
        };
        input.heard.push(heard);
    }
}

impl Dispatch<wl_pointer::WlPointer, ()> for State {
    fn event(
        state: &mut State,
        _: &wl_pointer::WlPointer,
        event: wl_pointer::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let input = &mut state.input;
        let vertical = |axis| axis == WEnum::Value(wl_pointer::Axis::VerticalScroll);
        let heard = match event {
            wl_pointer::Event::Enter { serial, surface, surface_x: x, surface_y: y } => {
                input.enter_serial = serial;
                input.pointer_focus = Some(id(&surface));
                Heard::PointerEnter { surface: id(&surface), x, y }
            }
            wl_pointer::Event::Leave { surface, .. } => {
                input.pointer_focus = None;
                Heard::PointerLeave { surface: id(&surface) }
            }
            wl_pointer::Event::Motion { surface_x: x, surface_y: y, .. } => Heard::Motion { x, y },
            wl_pointer::Event::Button { serial, button, state, .. } => {
                let pressed = state == WEnum::Value(wl_pointer::ButtonState::Pressed);
                if pressed {
                    input.press_serial = serial;
                }
                Heard::Button { button, pressed }
            }
            wl_pointer::Event::Axis { axis, value, .. } => Heard::Axis { vertical: vertical(axis), value },
            wl_pointer::Event::AxisValue120 { axis, value120 } => {
                Heard::AxisValue120 { vertical: vertical(axis), value: value120 }
            }
            _ => return,
        };
        input.heard.push(heard);
    }
}

impl Dispatch<wl_data_device::WlDataDevice, ()> for State {
    fn event(
        state: &mut State,
        _: &wl_data_device::WlDataDevice,
        event: wl_data_device::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        match event {
            wl_data_device::Event::DataOffer { .. } => state.input.offered.clear(),
            wl_data_device::Event::Selection { id } => state.input.selection = id,
            _ => {}
        }
    }

    event_created_child!(State, wl_data_device::WlDataDevice, [
        wl_data_device::EVT_DATA_OFFER_OPCODE => (wl_data_offer::WlDataOffer, ()),
    ]);
}

impl Dispatch<wl_data_offer::WlDataOffer, ()> for State {
    fn event(
        state: &mut State,
        _: &wl_data_offer::WlDataOffer,
        event: wl_data_offer::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        if let wl_data_offer::Event::Offer { mime_type } = event {
            state.input.offered.push(mime_type);
        }
    }
}

impl Dispatch<wl_data_source::WlDataSource, ()> for State {
    fn event(
        state: &mut State,
        _: &wl_data_source::WlDataSource,
        event: wl_data_source::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        match event {
            // The answers of the tests fit into a pipe, so this does not block. Closes `fd`.
            wl_data_source::Event::Send { fd, .. } => {
                let _ = rustix::io::write(&fd, &state.input.answer);
            }
            wl_data_source::Event::Cancelled => state.input.cancelled = true,
            _ => {}
        }
    }
}

delegate_noop!(State: ignore wl_seat::WlSeat);
delegate_noop!(State: ignore wl_data_device_manager::WlDataDeviceManager);
