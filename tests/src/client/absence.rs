//! A test client's view of the user's absence: idle notifications, inhibitors, and the power of
//! displays.
//!
//! Objects and what they have said; what they are used for is the test's.

use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_seat::WlSeat;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::ext::idle_notify::v1::client::{
    ext_idle_notification_v1::{self as notification, ExtIdleNotificationV1},
    ext_idle_notifier_v1::ExtIdleNotifierV1,
};
use wayland_protocols::wp::idle_inhibit::zv1::client::{
    zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1, zwp_idle_inhibitor_v1::ZwpIdleInhibitorV1,
};
use wayland_protocols_wlr::output_power_management::v1::client::{
    zwlr_output_power_manager_v1::ZwlrOutputPowerManagerV1,
    zwlr_output_power_v1::{self as power, ZwlrOutputPowerV1},
};

use super::{Client, State};
use crate::error::Result;
use crate::time::{Ns, now};

/// What was said of the user's absence, in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The notification with this token is idle.
    Idled(u64),
    /// It is so no more.
    Resumed(u64),
    /// The display of the control with this token is on, or off.
    Power(u64, bool),
    /// The control with this token is of no use any more.
    Failed(u64),
}

/// The managers.
#[derive(Debug)]
pub struct Absence {
    /// ext-idle-notify-v1.
    pub notifier: ExtIdleNotifierV1,
    /// idle-inhibit.
    pub inhibit: ZwpIdleInhibitManagerV1,
    /// Output power management.
    pub power: ZwlrOutputPowerManagerV1,
    seat: WlSeat,
}

impl Client {
    /// Binds the managers; each must be there.
    pub fn absence(&mut self) -> Result<Absence> {
        let (notifier, inhibit) = (self.bind(2)?, self.bind(1)?);
        Ok(Absence { notifier, inhibit, power: self.bind(1)?, seat: self.bind(1)? })
    }
}

impl Absence {
    /// A notification after `ms`, which heeds inhibitors unless `input_only`; and its token.
    pub fn notify(&self, client: &mut Client, ms: u32, input_only: bool) -> (ExtIdleNotificationV1, u64) {
        let (token, qh) = (client.state.token(), client.qh());
        let object = match input_only {
            true => self.notifier.get_input_idle_notification(ms, &self.seat, &qh, token),
            false => self.notifier.get_idle_notification(ms, &self.seat, &qh, token),
        };
        (object, token)
    }

    /// An inhibitor for a surface.
    pub fn inhibit(&self, client: &Client, surface: &WlSurface) -> ZwpIdleInhibitorV1 {
        self.inhibit.create_inhibitor(surface, &client.qh(), ())
    }

    /// A control of a display; and its token.
    pub fn control(&self, client: &mut Client, output: &WlOutput) -> (ZwlrOutputPowerV1, u64) {
        let token = client.state.token();
        (self.power.get_output_power(output, &client.qh(), token), token)
    }
}

impl State {
    /// When `said` was said first; `None`: not yet.
    pub fn said(&self, said: Said) -> Option<Ns> {
        self.absence.iter().find(|(_, what)| *what == said).map(|(at, _)| *at)
    }
}

impl Dispatch<ExtIdleNotificationV1, u64> for State {
    fn event(
        state: &mut State,
        _: &ExtIdleNotificationV1,
        event: notification::Event,
        token: &u64,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let said = match event {
            notification::Event::Idled => Said::Idled(*token),
            notification::Event::Resumed => Said::Resumed(*token),
            _ => return,
        };
        state.absence.push((now(), said));
    }
}

impl Dispatch<ZwlrOutputPowerV1, u64> for State {
    fn event(
        state: &mut State,
        _: &ZwlrOutputPowerV1,
        event: power::Event,
        token: &u64,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let said = match event {
            power::Event::Mode { mode: WEnum::Value(mode) } => Said::Power(*token, mode == power::Mode::On),
            power::Event::Failed => Said::Failed(*token),
            _ => return,
        };
        state.absence.push((now(), said));
    }
}

delegate_noop!(State: ignore ExtIdleNotifierV1);
delegate_noop!(State: ignore ZwpIdleInhibitManagerV1);
delegate_noop!(State: ignore ZwpIdleInhibitorV1);
delegate_noop!(State: ignore ZwlrOutputPowerManagerV1);
