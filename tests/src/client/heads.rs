//! A test client that sees all displays and configures them (`wlr-output-management`).
//!
//! What it was told is in [`State::heads`].

use std::collections::HashMap;

use wayland_client::{Connection, Dispatch, QueueHandle, event_created_child};
use wayland_protocols_wlr::output_management::v1::client::{
    zwlr_output_configuration_head_v1::ZwlrOutputConfigurationHeadV1,
    zwlr_output_configuration_v1::{self as configuration, ZwlrOutputConfigurationV1},
    zwlr_output_head_v1::{self as head, ZwlrOutputHeadV1},
    zwlr_output_manager_v1::{self as manager, ZwlrOutputManagerV1},
    zwlr_output_mode_v1::{self as mode, ZwlrOutputModeV1},
};

use super::{Client, PATIENCE, State};
use crate::error::Result;

/// What was told of displays.
#[derive(Debug, Default)]
pub struct Heads {
    /// Those that are there, in the order in which they came.
    pub list: Vec<Head>,
    /// Of what was told last; `None`: nothing was told yet.
    pub serial: Option<u32>,
    /// What became of configurations, by token.
    pub outcomes: HashMap<u64, Outcome>,
    /// Size and refresh in mHz of each mode.
    modes: HashMap<ZwlrOutputModeV1, (i32, i32, i32)>,
}

/// A display.
#[derive(Debug)]
pub struct Head {
    /// The object.
    pub head: ZwlrOutputHeadV1,
    /// Its connector.
    pub name: String,
    /// It is lit.
    pub enabled: bool,
    /// Its modes.
    pub modes: Vec<ZwlrOutputModeV1>,
    /// The mode that it has.
    pub current: Option<ZwlrOutputModeV1>,
    /// Where it is.
    pub position: (i32, i32),
}

/// What became of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was granted, or could be.
    Succeeded,
    /// It was refused.
    Failed,
    /// The displays are others than its serial says.
    Cancelled,
}

impl Heads {
    /// The display at this connector.
    pub fn named(&self, name: &str) -> Option<&Head> {
        self.list.iter().find(|head| head.name == name)
    }

    /// Size and refresh (mHz) of the mode that a display has.
    pub fn mode_of(&self, name: &str) -> Option<(i32, i32, i32)> {
        self.named(name).and_then(|head| self.modes.get(head.current.as_ref()?)).copied()
    }

    /// A mode of a display of this size, another one than the current if there are several.
    pub fn of_size(&self, name: &str, size: (i32, i32)) -> Option<&ZwlrOutputModeV1> {
        let of = |mode: &&ZwlrOutputModeV1| self.modes.get(*mode).is_some_and(|(w, h, _)| (*w, *h) == size);
        self.named(name)?.modes.iter().find(of)
    }
}

impl Client {
    /// Binds the manager, and waits until the displays are told.
    pub fn heads(&mut self) -> Result<ZwlrOutputManagerV1> {
        let manager = self.bind(4)?;
        self.flush()?;
        self.wait_for("zwlr_output_manager_v1.done", PATIENCE, |state| state.heads.serial.is_some())?;
        Ok(manager)
    }

    /// A configuration with this serial; and its token.
    pub fn configuration(&mut self, manager: &ZwlrOutputManagerV1, serial: u32) -> (ZwlrOutputConfigurationV1, u64) {
        let token = self.state.token();
        (manager.create_configuration(serial, &self.qh(), token), token)
    }

    /// Enables all displays in a configuration as they are; `set` says what is wanted of each, by its name.
    pub fn enable_all(
        &self,
        configuration: &ZwlrOutputConfigurationV1,
        set: impl Fn(&Head, &ZwlrOutputConfigurationHeadV1),
    ) {
        for head in &self.state.heads.list {
            set(head, &configuration.enable_head(&head.head, &self.qh(), ()));
        }
    }

    /// What becomes of a configuration that was tested or applied.
    pub fn outcome(&mut self, token: u64) -> Result<Outcome> {
        self.flush()?;
        self.wait_for("the outcome of a configuration", PATIENCE, |state| state.heads.outcomes.contains_key(&token))?;
        Ok(self.state.heads.outcomes[&token])
    }
}

impl Dispatch<ZwlrOutputManagerV1, ()> for State {
    fn event(
        state: &mut State,
        _: &ZwlrOutputManagerV1,
        event: manager::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        match event {
            manager::Event::Head { head } => state.heads.list.push(Head {
                head,
                name: String::new(),
                enabled: false,
                modes: Vec::new(),
                current: None,
                position: (0, 0),
            }),
            manager::Event::Done { serial } => state.heads.serial = Some(serial),
            _ => {}
        }
    }

    event_created_child!(State, ZwlrOutputManagerV1, [
        manager::EVT_HEAD_OPCODE => (ZwlrOutputHeadV1, ()),
    ]);
}

impl Dispatch<ZwlrOutputHeadV1, ()> for State {
    fn event(
        state: &mut State,
        object: &ZwlrOutputHeadV1,
        event: head::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        if matches!(event, head::Event::Finished) {
            return state.heads.list.retain(|head| head.head != *object);
        }
        let Some(head) = state.heads.list.iter_mut().find(|head| head.head == *object) else { return };
        match event {
            head::Event::Name { name } => head.name = name,
            head::Event::Mode { mode } => head.modes.push(mode),
            head::Event::Enabled { enabled } => head.enabled = enabled != 0,
            head::Event::CurrentMode { mode } => head.current = Some(mode),
            head::Event::Position { x, y } => head.position = (x, y),
            _ => {}
        }
    }

    event_created_child!(State, ZwlrOutputHeadV1, [
        head::EVT_MODE_OPCODE => (ZwlrOutputModeV1, ()),
    ]);
}

impl Dispatch<ZwlrOutputModeV1, ()> for State {
    fn event(
        state: &mut State,
        object: &ZwlrOutputModeV1,
        event: mode::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let mode = state.heads.modes.entry(object.clone()).or_default();
        match event {
            mode::Event::Size { width, height } => (mode.0, mode.1) = (width, height),
            mode::Event::Refresh { refresh } => mode.2 = refresh,
            mode::Event::Finished => {
                state.heads.modes.remove(object);
                state.heads.list.iter_mut().for_each(|head| head.modes.retain(|of| of != object));
            }
            _ => {}
        }
    }
}

impl Dispatch<ZwlrOutputConfigurationV1, u64> for State {
    fn event(
        state: &mut State,
        _: &ZwlrOutputConfigurationV1,
        event: configuration::Event,
        token: &u64,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let outcome = match event {
            configuration::Event::Succeeded => Outcome::Succeeded,
            configuration::Event::Failed => Outcome::Failed,
            configuration::Event::Cancelled => Outcome::Cancelled,
            _ => return,
        };
        state.heads.outcomes.insert(*token, outcome);
    }
}

wayland_client::delegate_noop!(State: ignore ZwlrOutputConfigurationHeadV1);
