//! Tools: whom each is told to, and what the pointer does for it. What ends under one is in `life.rs`.

use protocols::tablet::{Axes, TOOLS, ToolNumber};
use smallvec::SmallVec;
use smithay::{
    backend::input::{Device, InputBackend, TabletToolEvent, TabletToolType},
    desktop::PopupPointerGrab,
    input::pointer::{CursorImageStatus, PointerHandle},
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, SERIAL_COUNTER},
    wayland::seat::WaylandFocus,
};

use crate::session::{
    Syncline,
    hands::Hands,
    parts::pens::{Pen, Way},
};

/// Buttons of tools and of mice (`linux/input-event-codes.h`).
const STYLUS_3: u32 = 0x149;
const STYLUS: u32 = 0x14b;
const STYLUS_2: u32 = 0x14c;
const LEFT: u32 = 0x110;
const RIGHT: u32 = 0x111;
const MIDDLE: u32 = 0x112;
const SIDE: u32 = 0x113;

/// What a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// It has come near its tablet, or moves.
    Moves,
    /// It is not near it any more.
    Leaves,
    /// Its tip comes down (true) or up.
    Tip(bool),
    /// One of its buttons is pressed (true) or released.
    Button(u32, bool),
}

/// The button of the mouse that a button of a tool is.
fn as_mouse(button: u32) -> u32 {
    match button {
        STYLUS => RIGHT,
        STYLUS_2 => MIDDLE,
        STYLUS_3 => SIDE,
        other => other,
    }
}

fn axes<B: InputBackend>(event: &impl TabletToolEvent<B>) -> Axes {
    Axes {
        pressure: event.pressure_has_changed().then(|| event.pressure()),
        distance: event.distance_has_changed().then(|| event.distance()),
        tilt: event.tilt_has_changed().then(|| event.tilt()),
        rotation: event.rotation_has_changed().then(|| event.rotation()),
        slider: event.slider_has_changed().then(|| event.slider_position()),
        wheel: event.wheel_has_changed().then(|| (event.wheel_delta(), event.wheel_delta_discrete())),
    }
}

fn serial() -> u32 {
    SERIAL_COUNTER.next_serial().into()
}

impl Syncline {
    /// Handles an event of a tool.
    pub(in crate::session) fn pen<B: InputBackend>(&mut self, event: &impl TabletToolEvent<B>, does: Does) {
        let Some(at) = self.pen_of(event, does) else { return };
        let time = event.time_msec();
        if does == Does::Leaves {
            return self.pen_leaves(at, time);
        }
        let is_mouse = matches!(event.tool().tool_type, TabletToolType::Mouse | TabletToolType::Lens);
        let to = match self.display_of_device(&self.pens.list[at].tablet) {
            _ if is_mouse => self.pointer_location() + event.delta(),
            display => self.absolute(display, event),
        };
        self.move_pen(at, to, &axes(event), event.time());
        match does {
            Does::Tip(down) => self.press_pen(at, None, down),
            Does::Button(code, pressed) => self.press_pen(at, Some(code), pressed),
            Does::Moves | Does::Leaves => {}
        }
        let Some((tool, is_held)) = self.pens.list.get(at).map(|pen| (pen.tool, pen.is_held())) else { return };
        if !is_held && does != Does::Moves {
            // Where it is let go, another client may be.
            self.move_pen(at, to, &Axes::default(), event.time());
        }
        let Some(tool) = self.globals.tablets.tool(tool) else { return };
        let is_slow = tool.surface().cloned().is_some_and(|surface| self.is_slow(&surface));
        if does != Does::Moves || !is_slow {
            self.frame_pen(at, time);
        }
    }

    /// The place of a tool in the list; one that has come is put there.
    fn pen_of<B: InputBackend>(&mut self, event: &impl TabletToolEvent<B>, does: Does) -> Option<usize> {
        let about = event.tool();
        let mut of_kind = self.pens.list.iter().enumerate().filter(|(_, pen)| pen.about == about);
        // Those without a serial number look the same on every tablet.
        let only_one = about.hardware_serial != 0 || self.globals.tablets.count() < 2;
        if only_one && let Some((at, _)) = of_kind.next() {
            return Some(at);
        }
        let tablet = event.device().id();
        if let Some((at, _)) = of_kind.find(|(_, pen)| pen.tablet == tablet) {
            return Some(at);
        }
        if does == Does::Leaves || self.pens.list.len() >= TOOLS || !self.globals.tablets.has_tablet(&tablet) {
            return None;
        }
        let tool = self.globals.tablets.tool_came(&about, &tablet);
        let at = self.pointer_location();
        let (image, buttons) = (CursorImageStatus::default_named(), SmallVec::new());
        let way = Way::Pointer;
        let pen = Pen { tool, about, tablet, way, tip: false, buttons, at, origin: at, image, pressed: None };
        self.pens.list.push(pen);
        Some(self.pens.list.len() - 1)
    }

    /// The surface under a place, with its origin, if its client is to hear of a tool there.
    pub(super) fn pen_target(
        &self,
        tool: ToolNumber,
        at: Point<f64, Logical>,
    ) -> Option<(WlSurface, Point<f64, Logical>)> {
        if self.desktop.layout.is_dragging() || self.bars.has_pointer() {
            return None;
        }
        let (surface, origin) = self.desktop.at(at).filter(|(surface, _)| self.globals.tablets.hears(tool, surface))?;
        let pointer = self.seat.get_pointer()?;
        if pointer.is_grabbed() {
            let is_menu = pointer.with_grab(|_, grab| grab.is::<PopupPointerGrab<Self>>()).unwrap_or(false);
            let is_its = self.top_menu().is_some_and(|menu| menu.same_client_as(&surface.id()));
            return Some((surface, origin)).filter(|_| is_menu && is_its);
        }
        Some((surface, origin))
    }

    /// A tool is there now, at this time in microseconds.
    pub(super) fn move_pen(&mut self, at: usize, to: Point<f64, Logical>, axes: &Axes, time: u64) {
        let to = self.outputs.clamp(to);
        let pen = &mut self.pens.list[at];
        pen.at = to;
        let (tool, is_held, way) = (pen.tool, pen.is_held(), pen.way);
        let target = if is_held { None } else { self.pen_target(tool, to) };
        match (way, target) {
            (Way::Lost, _) if is_held => {
                self.globals.tablets.tool(tool).into_iter().for_each(|tool| tool.changed(axes));
            }
            (Way::Client, None) if is_held => self.tell_pen(at, None, axes),
            (_, Some(target)) => self.tell_pen(at, Some(target), axes),
            (_, None) => {
                self.take_pen(at, (time / 1000) as u32);
                self.globals.tablets.tool(tool).into_iter().for_each(|tool| tool.changed(axes));
                self.put_pointer(to, time);
            }
        }
    }

    /// Tells a client that a tool is on its surface: on `target`, or on the one that it is on.
    fn tell_pen(&mut self, at: usize, target: Option<(WlSurface, Point<f64, Logical>)>, axes: &Axes) {
        let (to, number) = (self.pens.list[at].at, self.pens.list[at].tool);
        let (before, time) = (std::mem::replace(&mut self.desktop.pointer, to), self.millis());
        if let Some(pointer) = self.seat.get_pointer() {
            self.take_pointer(&pointer, to);
        }
        if let Some((surface, origin)) = target {
            self.pens.list[at].origin = origin;
            self.pens.list[at].way = Way::Client;
            let Some(tool) = self.globals.tablets.tool(number) else { return };
            if tool.surface() != Some(&surface) {
                if tool.surface().is_some() {
                    tool.leave(serial(), time);
                }
                tool.changed(axes);
                let entered = SERIAL_COUNTER.next_serial();
                self.globals.tablets.enter(number, &surface, entered.into());
                self.note_user_event(entered, Some(surface));
                self.pens.list[at].image = CursorImageStatus::default_named();
                self.pens.has_pointer = false;
            }
        }
        if !std::mem::replace(&mut self.pens.has_pointer, true) {
            self.show_image(self.pens.list[at].image.clone());
        }
        let place = to - self.pens.list[at].origin;
        if let Some(tool) = self.globals.tablets.tool(number) {
            tool.moved((place.x, place.y), axes);
        }
        self.redraw_pointer(before);
    }

    /// No client has the pointer, which is there.
    fn take_pointer(&mut self, pointer: &PointerHandle<Self>, to: Point<f64, Logical>) {
        pointer.set_location(to);
        if pointer.current_focus().is_some() {
            self.clear_pointer_focus(pointer);
            self.refresh_constraint();
        }
    }

    /// A tool is the pointer from here on: the client that it is on hears that it goes.
    pub(super) fn take_pen(&mut self, at: usize, time: u32) {
        let pen = &mut self.pens.list[at];
        pen.way = Way::Pointer;
        let number = pen.tool;
        if let Some(tool) = self.globals.tablets.tool(number)
            && tool.surface().is_some()
        {
            tool.leave(serial(), time);
        }
        if std::mem::take(&mut self.pens.has_pointer) {
            self.show_image(CursorImageStatus::default_named());
            self.pointer_stale = true;
        }
    }

    /// The tip (`None`) or a button of a tool is pressed or released.
    fn press_pen(&mut self, at: usize, button: Option<u32>, pressed: bool) {
        let pen = &mut self.pens.list[at];
        let code = button.map_or(LEFT, as_mouse);
        let known = match button {
            None => std::mem::replace(&mut pen.tip, pressed),
            Some(button) => {
                let known = pen.buttons.contains(&button);
                pen.buttons.retain(|held| *held != button);
                pen.buttons.extend(pressed.then_some(button));
                known
            }
        };
        if known == pressed {
            return;
        }
        let (number, to, way) = (pen.tool, pen.at, pen.way);
        match way {
            Way::Lost => {}
            Way::Pointer => self.input(Hands::button(self.now, code, pressed)),
            Way::Client if pressed && self.takes_button(code, true) => {
                // The session has it; so it has the release.
                let time = self.millis();
                self.take_pen(at, time);
            }
            Way::Client => {
                if pressed {
                    self.click_focus(to);
                }
                let pressed_by = SERIAL_COUNTER.next_serial();
                if pressed {
                    self.pens.list[at].pressed = Some(pressed_by.into());
                }
                let Some(tool) = self.globals.tablets.tool(number) else { return };
                match button {
                    None => tool.tip(pressed_by.into(), pressed),
                    Some(button) => tool.button(pressed_by.into(), button, pressed),
                }
                let on = tool.surface().cloned();
                self.note_user_event(pressed_by, on);
            }
        }
    }

    /// A tool is not near its tablet any more, or that is gone.
    pub(super) fn pen_leaves(&mut self, at: usize, time: u32) {
        self.let_go_pen(at, time);
        self.pens.list.remove(at);
        self.pointer_stale = true;
    }

    /// What a tool holds is released, and it is on no surface.
    fn let_go_pen(&mut self, at: usize, time: u32) {
        let pen = &mut self.pens.list[at];
        let (tip, buttons) = (std::mem::take(&mut pen.tip), std::mem::take(&mut pen.buttons));
        if pen.way == Way::Pointer {
            let held = buttons.into_iter().map(as_mouse).chain(tip.then_some(LEFT));
            held.for_each(|code| self.input(Hands::button(self.now, code, false)));
        }
        self.take_pen(at, time);
    }

    pub(super) fn frame_pen(&mut self, at: usize, time: u32) {
        if let Some(tool) = self.globals.tablets.tool(self.pens.list[at].tool) {
            tool.frame(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_of_a_pen_are_those_of_a_mouse() {
        let table = [(STYLUS, RIGHT), (STYLUS_2, MIDDLE), (STYLUS_3, SIDE), (LEFT, LEFT), (0x117, 0x117)];
        for (pen, mouse) in table {
            assert_eq!(as_mouse(pen), mouse, "{pen:#x}");
        }
    }
}
