//! What actions do: [`Syncline::perform`] is the one way in, from bindings and from `syncline msg`.
//!
//! An action that cannot be performed changes nothing, and its error says why in one line.

mod drag;
mod layout;
mod programs;
mod windows;

use smithay::input::keyboard::Layout;

use crate::{
    actions::action::{Action, KeyboardLayout, Switch},
    config::load::unknown_mode,
    session::Syncline,
    system::seat::SeatSession,
};

impl Syncline {
    /// Performs an action, now. Errors: why it is not possible, in one line for the user.
    pub fn perform(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Spawn(command) => self.start(command),
            Action::SpawnShell(line) => self.start(&["sh", "-c", line]),
            Action::Run(command) => self.run_program(*command),

            Action::Quit => {
                self.exit = Some(0);
                Ok(())
            }
            Action::Reload => self.reload(),
            Action::Screenshot(path) => self.take_screenshot(path.as_deref()),
            Action::OutputPower(switch, name) => self.switch_power(*switch, name.as_deref()),
            Action::Vt(vt) => self.change_vt(*vt),
            Action::Mode(mode) => self.change_mode(mode),
            Action::IdleInhibit(switch) => {
                self.idle.kept_on = switch.of(self.idle.kept_on);
                Ok(())
            }
            Action::InhibitShortcuts(switch) => {
                self.inhibit_shortcuts(*switch);
                Ok(())
            }
            Action::KeyboardLayout(layout) => self.change_keyboard_layout(*layout),

            Action::ShowBindings => self.toggle_bindings(),

            Action::Close => self.close_focused(),
            Action::Kill => self.kill_focused(),
            Action::DragMove => self.drag_under_pointer(false),
            Action::DragResize => self.drag_under_pointer(true),

            Action::Focus(_)
            | Action::FocusWindow(_)
            | Action::SwitchWindow(_)
            | Action::FocusLast
            | Action::FocusUrgent
            | Action::FocusOutput(_)
            | Action::Move(..)
            | Action::MoveTo(..)
            | Action::MoveToOutput(_)
            | Action::SetSize(..)
            | Action::Grow(..)
            | Action::MoveEdge(..)
            | Action::Float(_)
            | Action::Sticky(_)
            | Action::Above(_)
            | Action::Minimise(_)
            | Action::Unminimise
            | Action::Maximise(_)
            | Action::Fullscreen(..)
            | Action::PretendFullscreen(_)
            | Action::Snap(_)
            | Action::Urgent(_)
            | Action::Scratchpad
            | Action::ToScratchpad
            | Action::LeaveScratchpad
            | Action::JoinColumn(_)
            | Action::Column(_)
            | Action::SplitWidth(_)
            | Action::SplitHeight(_)
            | Action::Equalise
            | Action::Layout(_)
            | Action::Columns(_)
            | Action::Gap(_)
            | Action::Workspace(_)
            | Action::MoveToWorkspace(..)
            | Action::MoveWorkspace(_)
            | Action::RenameWorkspace(_)
            | Action::KeepWorkspace(_) => self.change_layout(action),
        }
    }

    /// Performs an action that is written as in the configuration.
    pub fn perform_text(&mut self, text: &str) -> Result<(), String> {
        let action = Action::parse(text)?;
        self.perform(&action)
    }

    fn change_vt(&mut self, vt: i32) -> Result<(), String> {
        if matches!(self.session, SeatSession::Direct) {
            return Err("not possible: without a seat manager the session has no terminal".to_owned());
        }
        self.session.change_vt(vt);
        Ok(())
    }

    fn change_mode(&mut self, mode: &str) -> Result<(), String> {
        if self.config.bindings.mode(mode).is_none() {
            return Err(unknown_mode(&self.config.bindings, mode));
        }
        tracing::debug!("mode {mode} of the bindings");
        self.keys.mode = mode.into();
        self.renew_bindings();
        Ok(())
    }

    fn switch_power(&mut self, switch: Switch, name: Option<&str>) -> Result<(), String> {
        let is_on = |name: &str| {
            let mut outputs = self.outputs.list.iter();
            outputs.any(|output| output.wl.name() == name && output.machine.off().is_none())
        };
        let names: Vec<String> = match name {
            Some(name) => vec![name.to_owned()],
            None => self.outputs.list.iter().map(|output| output.wl.name()).collect(),
        };
        if names.is_empty() {
            return Err("no display is lit".to_owned());
        }
        let on = switch.of(names.iter().any(|name| is_on(name)));
        names.iter().try_for_each(|name| self.power_by_name(name, on))
    }

    fn change_keyboard_layout(&mut self, layout: KeyboardLayout) -> Result<(), String> {
        let Some(keyboard) = self.seat.get_keyboard() else { return Err("there is no keyboard".to_owned()) };
        self.restore_keymaps();
        keyboard.with_xkb_state(self, |mut context| {
            let count = context.xkb().lock().map_or(0, |xkb| xkb.layouts().count());
            match layout {
                KeyboardLayout::Next => context.cycle_next_layout(),
                KeyboardLayout::Previous => context.cycle_prev_layout(),
                KeyboardLayout::Number(number) if (1..=count).contains(&(number as usize)) => {
                    context.set_layout(Layout(number - 1));
                }
                KeyboardLayout::Number(number) => {
                    return Err(format!("there is no layout {number}; `keyboard.layout` has {count}"));
                }
            }
            Ok(())
        })
    }
}
