//! What a manager was told of heads and their modes, and the events of what differs.

use std::sync::atomic::AtomicBool;

use wayland_protocols_wlr::output_management::v1::server::{
    zwlr_output_head_v1::{AdaptiveSyncState, EVT_ADAPTIVE_SYNC_SINCE, EVT_MAKE_SINCE, ZwlrOutputHeadV1},
    zwlr_output_manager_v1::ZwlrOutputManagerV1,
    zwlr_output_mode_v1::ZwlrOutputModeV1,
};
use wayland_server::{Client, Dispatch, DisplayHandle, Resource, backend::ClientId};

use crate::{
    output_management::model::{About, Head, ModeInfo, State},
    toplevels::{Leftovers, shortened},
};

/// The highest version of `zwlr_output_mode_v1`, whose manager may have a higher one.
const MODE_VERSION: u32 = 3;

/// User data of `zwlr_output_head_v1`.
#[derive(Debug)]
pub struct HeadData {
    pub(super) number: u64,
    /// It is of no use any more.
    pub(super) left: AtomicBool,
}

/// User data of `zwlr_output_mode_v1`.
#[derive(Debug)]
pub struct ModeData {
    /// The number of its head.
    pub(super) head: u64,
    /// Which of its modes.
    pub(super) at: usize,
    pub(super) mode: ModeInfo,
    /// It is of no use any more.
    pub(super) left: AtomicBool,
}

/// A manager, with what it was told.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) object: ZwlrOutputManagerV1,
    /// The serial of the last `done`.
    pub(super) serial: Option<u32>,
    heads: Vec<Told>,
}

/// A head as a manager knows it. What its client has destroyed is `None`.
#[derive(Debug)]
struct Told {
    head: Head,
    object: Option<ZwlrOutputHeadV1>,
    modes: Vec<Option<ZwlrOutputModeV1>>,
}

impl Told {
    fn leave(&self, client: &ClientId, left: &mut Leftovers) {
        for data in self.modes.iter().flatten().filter_map(|mode| mode.data::<ModeData>()) {
            left.leave(client, &data.left);
        }
        if let Some(data) = self.object.as_ref().and_then(|head| head.data::<HeadData>()) {
            left.leave(client, &data.left);
        }
    }

    /// Tells the client that there are no such head and modes any more.
    fn finish(&self) {
        self.modes.iter().flatten().for_each(ZwlrOutputModeV1::finished);
        self.object.iter().for_each(ZwlrOutputHeadV1::finished);
    }

    /// Tells the client what differs from `before`; `None`: it knows nothing.
    fn describe(&self, before: Option<&State>) {
        let (Some(object), now) = (&self.object, self.head.state) else { return };
        let differs =
            |of: fn(&State) -> (i64, i64)| now.is_some_and(|now| before.is_none_or(|old| of(old) != of(&now)));
        let Some(now) = now else { return };
        if differs(|state| (state.mode.map_or(-1, |at| at as i64), 0))
            && let Some(mode) = now.mode.and_then(|at| self.modes.get(at)?.as_ref())
        {
            object.current_mode(mode);
        }
        if differs(|state| (state.position.0.into(), state.position.1.into())) {
            object.position(now.position.0, now.position.1);
        }
        if differs(|state| (state.transform as i64, 0)) {
            object.transform(now.transform);
        }
        if before.is_none_or(|before| before.scale != now.scale) {
            object.scale(now.scale);
        }
        if object.version() >= EVT_ADAPTIVE_SYNC_SINCE && differs(|state| (state.adaptive_sync.into(), 0)) {
            let state = if now.adaptive_sync { AdaptiveSyncState::Enabled } else { AdaptiveSyncState::Disabled };
            object.adaptive_sync(state);
        }
    }
}

impl Manager {
    pub(super) fn new(object: ZwlrOutputManagerV1) -> Self {
        Self { object, serial: None, heads: Vec::new() }
    }

    /// Heads that are gone, or are others.
    pub(super) fn remove(&mut self, client: &ClientId, now: &[Head], left: &mut Leftovers) {
        self.heads.retain(|told| {
            let stays = now.iter().any(|head| head.about == told.head.about);
            if !stays {
                told.finish();
                told.leave(client, left);
            }
            stays
        });
    }

    /// Heads that are new, or have changed.
    pub(super) fn update<D>(&mut self, display: &DisplayHandle, client: &Client, now: &[Head])
    where
        D: Dispatch<ZwlrOutputHeadV1, HeadData> + Dispatch<ZwlrOutputModeV1, ModeData> + 'static,
    {
        for head in now {
            match self.heads.iter_mut().find(|told| told.head.about == head.about) {
                Some(told) => {
                    let before = std::mem::replace(&mut told.head.state, head.state);
                    if let Some(object) = &told.object
                        && before.is_some() != head.state.is_some()
                    {
                        object.enabled(head.state.is_some().into());
                    }
                    told.describe(before.as_ref());
                }
                None => {
                    let told = self.introduce::<D>(display, client, head);
                    self.heads.push(told);
                }
            }
        }
    }

    fn introduce<D>(&self, display: &DisplayHandle, client: &Client, head: &Head) -> Told
    where
        D: Dispatch<ZwlrOutputHeadV1, HeadData> + Dispatch<ZwlrOutputModeV1, ModeData> + 'static,
    {
        let About { number, name, description, make, model, serial, size_mm, modes } = &head.about;
        let (version, data) = (self.object.version(), HeadData { number: *number, left: AtomicBool::new(false) });
        let made = client.create_resource::<ZwlrOutputHeadV1, _, D>(display, version, data);
        let mut told = Told { head: head.clone(), object: made.ok(), modes: Vec::with_capacity(modes.len()) };
        let Some(object) = &told.object else { return told };
        self.object.head(object);
        object.name(shortened(name).to_owned());
        object.description(shortened(description).to_owned());
        if let Some((width, height)) = size_mm {
            object.physical_size(*width, *height);
        }
        if version >= EVT_MAKE_SINCE {
            make.iter().for_each(|make| object.make(shortened(make).to_owned()));
            model.iter().for_each(|model| object.model(shortened(model).to_owned()));
            serial.iter().for_each(|serial| object.serial_number(shortened(serial).to_owned()));
        }
        for (at, mode) in modes.iter().enumerate() {
            let data = ModeData { head: *number, at, mode: *mode, left: AtomicBool::new(false) };
            let version = version.min(MODE_VERSION);
            let made = client.create_resource::<ZwlrOutputModeV1, _, D>(display, version, data).ok();
            if let Some(made) = &made {
                object.mode(made);
                made.size(mode.width, mode.height);
                if mode.refresh > 0 {
                    made.refresh(mode.refresh);
                }
                if mode.preferred {
                    made.preferred();
                }
            }
            told.modes.push(made);
        }
        object.enabled(head.state.is_some().into());
        told.describe(None);
        told
    }

    /// Its heads are of no use any more.
    pub(super) fn leave(&self, client: &ClientId, left: &mut Leftovers) {
        self.heads.iter().for_each(|told| told.leave(client, left));
    }

    /// A head is destroyed.
    pub(super) fn forget_head(&mut self, object: &ZwlrOutputHeadV1) {
        self.heads.iter_mut().for_each(|told| drop(told.object.take_if(|known| known == object)));
    }

    /// A mode is destroyed.
    pub(super) fn forget_mode(&mut self, object: &ZwlrOutputModeV1) {
        let modes = self.heads.iter_mut().flat_map(|told| &mut told.modes);
        modes.for_each(|mode| drop(mode.take_if(|known| known == object)));
    }
}
