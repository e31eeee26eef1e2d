//! `wlr-output-power-management-unstable-v1`: clients turn displays off and on, and hear of every
//! change.
//!
//! Requests become calls of [`OutputPowerHandler`], and changes become events; the compositor turns
//! the displays off and on. Any number of clients may control a display. (Smithay has no module for
//! this protocol.)
//!
//! Source: `wlr-protocols/unstable/wlr-output-power-management-unstable-v1.xml`.

use wayland_protocols_wlr::output_power_management::v1::server::{
    zwlr_output_power_manager_v1::{self as manager, ZwlrOutputPowerManagerV1},
    zwlr_output_power_v1::{self as object, Mode, ZwlrOutputPowerV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, WEnum, backend::ClientId,
    protocol::wl_output::WlOutput,
};

use crate::{seen_by::SeenBy, surface_object::bind_manager};

/// What the protocol needs from the compositor's state.
pub trait OutputPowerHandler {
    /// The global's state.
    fn output_power_state(&mut self) -> &mut OutputPowerState;

    /// Whether a display is on; `None` if it was removed.
    fn is_on(&self, output: &WlOutput) -> Option<bool>;

    /// A client wants a display on or off. The compositor calls [`OutputPowerState::send_changes`]
    /// when that is done.
    fn set_power(&mut self, output: &WlOutput, on: bool);
}

/// User data of `zwlr_output_power_v1`: its display.
#[derive(Debug)]
pub struct PowerData {
    output: WlOutput,
}

/// The `zwlr_output_power_manager_v1` global and its controls.
#[derive(Debug, Default)]
pub struct OutputPowerState {
    /// Each with the mode that was sent last: true for on.
    controls: Vec<(ZwlrOutputPowerV1, bool)>,
}

impl OutputPowerState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwlrOutputPowerManagerV1, SeenBy>
            + Dispatch<ZwlrOutputPowerManagerV1, ()>
            + Dispatch<ZwlrOutputPowerV1, PowerData>
            + 'static,
    {
        display.create_global::<D, ZwlrOutputPowerManagerV1, SeenBy>(1, seen_by);
        Self::default()
    }

    /// Sends each control the mode of its display if it has changed. To be called after displays
    /// were turned off or on, added or removed. `is_on` answers as [`OutputPowerHandler::is_on`]
    /// does; the control of a display that was removed gets `failed`, once.
    pub fn send_changes(&mut self, is_on: impl Fn(&WlOutput) -> Option<bool>) {
        self.controls.retain_mut(|(control, sent)| {
            let Some(data) = control.data::<PowerData>() else { return false };
            let Some(on) = is_on(&data.output) else {
                control.failed();
                return false;
            };
            if std::mem::replace(sent, on) != on {
                control.mode(mode(on));
            }
            true
        });
    }
}

fn mode(on: bool) -> Mode {
    if on { Mode::On } else { Mode::Off }
}

bind_manager!(OutputPowerState, ZwlrOutputPowerManagerV1, SeenBy);

impl<D> Dispatch<ZwlrOutputPowerManagerV1, (), D> for OutputPowerState
where
    D: Dispatch<ZwlrOutputPowerManagerV1, ()> + Dispatch<ZwlrOutputPowerV1, PowerData> + OutputPowerHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwlrOutputPowerManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let manager::Request::GetOutputPower { id, output } = request else { return };
        let on = state.is_on(&output);
        let control = data_init.init(id, PowerData { output });
        match on {
            Some(on) => {
                control.mode(mode(on));
                state.output_power_state().controls.push((control, on));
            }
            None => control.failed(),
        }
    }
}

impl<D> Dispatch<ZwlrOutputPowerV1, PowerData, D> for OutputPowerState
where
    D: Dispatch<ZwlrOutputPowerV1, PowerData> + OutputPowerHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrOutputPowerV1,
        request: object::Request,
        data: &PowerData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let object::Request::SetMode { mode } = request else { return };
        let on = match mode {
            WEnum::Value(Mode::On) => true,
            WEnum::Value(Mode::Off) => false,
            unknown => {
                let message = format!("set_mode: {unknown:?} is not a mode; 0 is off, 1 is on");
                return resource.post_error(object::Error::InvalidMode, message);
            }
        };
        // The control of a display that was removed has failed and does nothing.
        if state.is_on(&data.output).is_some() {
            state.set_power(&data.output, on);
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwlrOutputPowerV1, _: &PowerData) {
        state.output_power_state().controls.retain(|(control, _)| control != resource);
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`OutputPowerHandler`].
#[macro_export]
macro_rules! delegate_output_power {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::output_power::manager::ZwlrOutputPowerManagerV1: $crate::SeenBy
        ] => $crate::output_power::OutputPowerState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::output_power::manager::ZwlrOutputPowerManagerV1: ()
        ] => $crate::output_power::OutputPowerState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::output_power::object::ZwlrOutputPowerV1: $crate::output_power::PowerData
        ] => $crate::output_power::OutputPowerState);
    };
}
