//! The settings of input devices: what `[[input]]` says of each is told to libinput when it comes, and when
//! the configuration has changed.
//!
//! What the rules leave open is as libinput has it, but for tapping, which is on. Nothing here handles an
//! event.

use smithay::{
    backend::input::{AbsolutePositionEvent, Device as _, InputBackend},
    reexports::input::{
        AccelProfile, ClickMethod, Device, DeviceCapability, DeviceConfigError, DeviceConfigResult, ScrollMethod,
        SendEventsMode, TapButtonMap,
    },
};

use crate::{
    config::input::{self, InputRule},
    render::Screen,
    report::devices::DeviceReport,
    session::{Syncline, reports},
};

impl Syncline {
    /// A device of libinput has come.
    pub fn input_added(&mut self, device: &Device) {
        let mut device = device.clone();
        let report = reports::devices::report(&device);
        configure(&mut device, &InputRule::of(&self.config.inputs, &report.name, &report.kinds));
        self.inputs.devices.push(device.clone());
        if device.has_capability(DeviceCapability::TabletPad) {
            self.libinput_pad_came(&device);
        }
    }

    /// A device of libinput has gone.
    pub fn input_removed(&mut self, device: &Device) {
        self.inputs.devices.retain(|known| known != device);
        if device.has_capability(DeviceCapability::TabletPad) {
            self.pad_went(device.sysname());
        }
    }

    /// The rules have changed.
    pub fn configure_inputs(&mut self) {
        for device in &mut self.inputs.devices {
            let report = reports::devices::report(device);
            configure(device, &InputRule::of(&self.config.inputs, &report.name, &report.kinds));
        }
        self.inputs.placed.clear();
        for at in 0..self.input_devices.len() {
            self.place_input(at);
        }
    }

    /// Notes on which display a device lies, by its place in the list.
    pub fn place_input(&mut self, at: usize) {
        let DeviceReport { id, name, kinds, .. } = &self.input_devices[at];
        if let Some(output) = InputRule::of(&self.config.inputs, name, kinds).output {
            self.inputs.placed.push((id.clone(), output));
        }
    }

    /// The display that the device of an event lies on, if the rules say so and it is there.
    pub fn display_of<B: InputBackend>(&self, event: &impl AbsolutePositionEvent<B>) -> Option<Screen> {
        if self.inputs.placed.is_empty() {
            return None;
        }
        self.display_of_device(&event.device().id())
    }

    /// The same for a device of this id.
    pub fn display_of_device(&self, id: &str) -> Option<Screen> {
        let (_, name) = self.inputs.placed.iter().rfind(|(of, _)| of == id)?;
        self.outputs.list.iter().find(|output| output.wl.name() == *name).map(|output| output.screen())
    }
}

/// Tells libinput how a device is to behave. What it cannot do is left out; what libinput refuses
/// nevertheless is in the log.
fn configure(device: &mut Device, rule: &InputRule) {
    let name = device.name().to_owned();
    let check = |what: &str, result: DeviceConfigResult| match result {
        Ok(()) | Err(DeviceConfigError::Unsupported) => {}
        Err(error) => tracing::warn!("input device {name:?}: libinput refuses {what}: {error:?}; check [[input]]"),
    };
    let events = rule.events.map_or(SendEventsMode::ENABLED, |events| match events {
        input::SendEvents::On => SendEventsMode::ENABLED,
        input::SendEvents::Off => SendEventsMode::DISABLED,
        input::SendEvents::OffWithMouse => SendEventsMode::DISABLED_ON_EXTERNAL_MOUSE,
    });
    check("events", device.config_send_events_set_mode(events));
    if device.config_tap_finger_count() > 0 {
        configure_tapping(device, rule, &check);
    }
    configure_scrolling(device, rule, &check);
    if device.config_accel_is_available() {
        let speed = rule.speed.map_or_else(|| device.config_accel_default_speed(), |speed| speed.0);
        check("speed", device.config_accel_set_speed(speed));
        let profile = rule.acceleration.map(|acceleration| match acceleration {
            input::Acceleration::Flat => AccelProfile::Flat,
            input::Acceleration::Adaptive => AccelProfile::Adaptive,
        });
        if let Some(profile) = profile.or_else(|| device.config_accel_default_profile()) {
            check("acceleration", device.config_accel_set_profile(profile));
        }
    }
    let click = rule.click_method.map(|method| match method {
        input::ClickMethod::ButtonAreas => ClickMethod::ButtonAreas,
        input::ClickMethod::Fingers => ClickMethod::Clickfinger,
    });
    if let Some(click) = click.or_else(|| device.config_click_default_method()) {
        check("click-method", device.config_click_set_method(click));
    }
    if device.config_left_handed_is_available() {
        let left = rule.left_handed.unwrap_or_else(|| device.config_left_handed_default());
        check("left-handed", device.config_left_handed_set(left));
    }
    if device.config_middle_emulation_is_available() {
        let both = rule.middle_emulation.unwrap_or_else(|| device.config_middle_emulation_default_enabled());
        check("middle-emulation", device.config_middle_emulation_set_enabled(both));
    }
    if device.config_dwt_is_available() {
        let rests = rule.disable_while_typing.unwrap_or_else(|| device.config_dwt_default_enabled());
        check("disable-while-typing", device.config_dwt_set_enabled(rests));
    }
    if device.config_rotation_is_available() {
        let angle = rule.rotation.map_or_else(|| device.config_rotation_default_angle(), |rotation| rotation.0);
        check("rotation", device.config_rotation_set_angle(angle));
    }
    if device.config_calibration_has_matrix()
        && let Some(matrix) = rule.calibration.or_else(|| device.config_calibration_default_matrix())
    {
        check("calibration", device.config_calibration_set_matrix(matrix));
    }
}

fn configure_tapping(device: &mut Device, rule: &InputRule, check: &impl Fn(&str, DeviceConfigResult)) {
    check("tap", device.config_tap_set_enabled(rule.tap.unwrap_or(true)));
    let buttons = rule.tap_buttons.map(|buttons| match buttons {
        input::TapButtons::LeftRightMiddle => TapButtonMap::LeftRightMiddle,
        input::TapButtons::LeftMiddleRight => TapButtonMap::LeftMiddleRight,
    });
    if let Some(buttons) = buttons.or_else(|| device.config_tap_default_button_map()) {
        check("tap-buttons", device.config_tap_set_button_map(buttons));
    }
    let drag = rule.tap_drag.unwrap_or_else(|| device.config_tap_default_drag_enabled());
    check("tap-drag", device.config_tap_set_drag_enabled(drag));
    let lock = rule.tap_drag_lock.unwrap_or_else(|| device.config_tap_default_drag_lock_enabled());
    check("tap-drag-lock", device.config_tap_set_drag_lock_enabled(lock));
}

fn configure_scrolling(device: &mut Device, rule: &InputRule, check: &impl Fn(&str, DeviceConfigResult)) {
    if device.config_scroll_has_natural_scroll() {
        let natural = rule.natural_scroll.unwrap_or_else(|| device.config_scroll_default_natural_scroll_enabled());
        check("natural-scroll", device.config_scroll_set_natural_scroll_enabled(natural));
    }
    let method = rule.scroll_method.map(|method| match method {
        input::ScrollMethod::None => ScrollMethod::NoScroll,
        input::ScrollMethod::TwoFinger => ScrollMethod::TwoFinger,
        input::ScrollMethod::Edge => ScrollMethod::Edge,
        input::ScrollMethod::Button => ScrollMethod::OnButtonDown,
    });
    if let Some(method) = method.or_else(|| device.config_scroll_default_method()) {
        check("scroll-method", device.config_scroll_set_method(method));
    }
    if device.config_scroll_methods().contains(&ScrollMethod::OnButtonDown) {
        let button = rule.scroll_button.unwrap_or_else(|| device.config_scroll_default_button());
        check("scroll-button", device.config_scroll_set_button(button));
    }
}
