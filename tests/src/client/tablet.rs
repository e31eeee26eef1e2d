//! Graphics tablets, as a test client hears of them: the events of their tools, in order with those of the seat.
//!
//! They are bound on demand: a client that does not ask for them has the pointer instead.

use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, WEnum, delegate_noop, event_created_child};
use wayland_protocols::wp::tablet::zv2::client::{
    zwp_tablet_manager_v2::ZwpTabletManagerV2,
    zwp_tablet_pad_v2::ZwpTabletPadV2,
    zwp_tablet_seat_v2::{self, ZwpTabletSeatV2},
    zwp_tablet_tool_v2::{self, ZwpTabletToolV2},
    zwp_tablet_v2::{self, ZwpTabletV2},
};

use super::seat::{Heard, Seat};
use super::{Client, State};
use crate::error::Result;

impl Client {
    /// Hears of the tablets of a seat from here on.
    pub fn tablets(&mut self, seat: &Seat) -> Result<ZwpTabletSeatV2> {
        let qh = self.qh();
        let manager: ZwpTabletManagerV2 = self.bind(2)?;
        let tablets = manager.get_tablet_seat(&seat.seat, &qh, ());
        self.roundtrip()?;
        Ok(tablets)
    }
}

impl Dispatch<ZwpTabletSeatV2, ()> for State {
    fn event(
        _: &mut State,
        _: &ZwpTabletSeatV2,
        _: zwp_tablet_seat_v2::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
    }

    event_created_child!(State, ZwpTabletSeatV2, [
        zwp_tablet_seat_v2::EVT_TABLET_ADDED_OPCODE => (ZwpTabletV2, ()),
        zwp_tablet_seat_v2::EVT_TOOL_ADDED_OPCODE => (ZwpTabletToolV2, ()),
        zwp_tablet_seat_v2::EVT_PAD_ADDED_OPCODE => (ZwpTabletPadV2, ()),
    ]);
}

impl Dispatch<ZwpTabletV2, ()> for State {
    fn event(
        state: &mut State,
        _: &ZwpTabletV2,
        event: zwp_tablet_v2::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        match event {
            zwp_tablet_v2::Event::Name { name } => state.input.tablets.push(name),
            zwp_tablet_v2::Event::Removed => drop(state.input.tablets.pop()),
            _ => {}
        }
    }
}

impl Dispatch<ZwpTabletToolV2, ()> for State {
    fn event(
        state: &mut State,
        _: &ZwpTabletToolV2,
        event: zwp_tablet_tool_v2::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        use zwp_tablet_tool_v2::{ButtonState, Event};
        state.input.heard.push(match event {
            Event::ProximityIn { surface, .. } => Heard::ToolEnter { surface: surface.id() },
            Event::ProximityOut => Heard::ToolLeave,
            Event::Motion { x, y } => Heard::ToolMotion { x, y },
            Event::Pressure { pressure } => Heard::ToolPressure { pressure },
            Event::Down { .. } => Heard::ToolTip { down: true },
            Event::Up => Heard::ToolTip { down: false },
            Event::Button { button, state, .. } => {
                Heard::ToolButton { button, pressed: state == WEnum::Value(ButtonState::Pressed) }
            }
            _ => return,
        });
    }
}

delegate_noop!(State: ignore ZwpTabletManagerV2);
// No test has a pad.
delegate_noop!(State: ignore ZwpTabletPadV2);
