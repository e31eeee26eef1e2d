//! `wlr-output-management-unstable-v1`: clients see all displays, also those that are not lit, and change
//! how they are shown.
//!
//! The compositor says which heads there are; this remembers what each manager was told ([`told`]), and
//! sends what differs. A configuration becomes one call of [`OutputManagementHandler::apply`] or
//! [`OutputManagementHandler::test`]; its mistakes are answered here. One that was made for other heads
//! than there are now is cancelled and never reaches the compositor. Nothing here lights a display.
//!
//! Source: `wlr-protocols/unstable/wlr-output-management-unstable-v1.xml`.

mod collected;
mod configuration;
mod dispatch;
mod model;
mod told;

use wayland_protocols_wlr::output_management::v1::server::{
    zwlr_output_configuration_v1::ZwlrOutputConfigurationV1, zwlr_output_head_v1::ZwlrOutputHeadV1,
    zwlr_output_manager_v1::ZwlrOutputManagerV1, zwlr_output_mode_v1::ZwlrOutputModeV1,
};
use wayland_server::{Dispatch, DisplayHandle, GlobalDispatch, Resource, Weak};

pub use self::{
    collected::{ConfigurationData, ConfigurationHeadData},
    model::{About, Head, HeadWish, ModeInfo, ModeWish, State, Wanted},
    told::{HeadData, ModeData},
};
use crate::{output_management::told::Manager, seen_by::SeenBy, toplevels::Leftovers};

/// What the protocol needs from the compositor's state.
pub trait OutputManagementHandler {
    /// The global's state.
    fn output_management(&mut self) -> &mut OutputManagementState;

    /// All displays as they are now.
    fn heads(&self) -> Vec<Head>;

    /// Whether the displays could be shown so, as far as is known without doing it. There is a wish for each head.
    fn test(&mut self, wishes: &[HeadWish]) -> bool;

    /// The displays are to be shown so. There is a wish for each head. The compositor answers when it is
    /// done.
    fn apply(&mut self, wishes: Vec<HeadWish>, answer: Answer);

    /// A client that has destroyed what is of no use may hear of heads again: the compositor calls
    /// [`OutputManagementState::send`] before it waits again.
    fn heads_stale(&mut self);
}

/// The answer that a client waits for. Dropped without one, it is that nothing was changed.
#[derive(Debug)]
pub struct Answer(Option<Weak<ZwlrOutputConfigurationV1>>);

impl Answer {
    fn object(&mut self) -> Option<ZwlrOutputConfigurationV1> {
        self.0.take()?.upgrade().ok()
    }

    /// The displays are shown so.
    pub fn succeeded(mut self) {
        self.object().into_iter().for_each(|object| object.succeeded());
    }

    /// Nothing was changed: the displays are not as the client knew them.
    pub fn cancelled(mut self) {
        self.object().into_iter().for_each(|object| object.cancelled());
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.object().into_iter().for_each(|object| object.failed());
    }
}

/// The `zwlr_output_manager_v1` global and its managers.
#[derive(Debug, Default)]
pub struct OutputManagementState {
    managers: Vec<Manager>,
    /// What was told last, and the serial that it was told with.
    heads: Vec<Head>,
    serial: u32,
    left: Leftovers,
}

impl OutputManagementState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwlrOutputManagerV1, SeenBy> + Dispatch<ZwlrOutputManagerV1, ()> + 'static,
    {
        display.create_global::<D, ZwlrOutputManagerV1, SeenBy>(4, seen_by);
        Self::default()
    }

    /// Whether any client hears of heads. If not, [`Self::send`] need not be called.
    pub fn is_used(&self) -> bool {
        !self.managers.is_empty()
    }

    /// Tells every manager what differs from what it was told.
    pub fn send<D>(&mut self, display: &DisplayHandle, now: Vec<Head>)
    where
        D: Dispatch<ZwlrOutputHeadV1, HeadData> + Dispatch<ZwlrOutputModeV1, ModeData> + 'static,
    {
        if self.heads != now {
            self.heads = now;
            self.serial = self.serial.wrapping_add(1);
        }
        for manager in self.managers.iter_mut().filter(|manager| manager.serial != Some(self.serial)) {
            let Some(client) = manager.object.client() else { continue };
            if self.left.may_have_more(&client.id()) {
                manager.remove(&client.id(), &self.heads, &mut self.left);
                manager.update::<D>(display, &client, &self.heads);
                manager.object.done(self.serial);
                manager.serial = Some(self.serial);
            }
        }
    }

    /// A manager hears nothing any more; its heads and modes are of no use.
    fn stop(&mut self, object: &ZwlrOutputManagerV1) {
        if let Some(at) = self.managers.iter().position(|manager| manager.object == *object) {
            let manager = self.managers.swap_remove(at);
            if let Some(client) = manager.object.client() {
                manager.leave(&client.id(), &mut self.left);
            }
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`OutputManagementHandler`].
#[macro_export]
macro_rules! delegate_output_management {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::output_management::manager::ZwlrOutputManagerV1: $crate::SeenBy
        ] => $crate::output_management::OutputManagementState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::output_management::manager::ZwlrOutputManagerV1: ()
        ] => $crate::output_management::OutputManagementState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::output_management::head::ZwlrOutputHeadV1: $crate::output_management::HeadData
        ] => $crate::output_management::OutputManagementState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::output_management::mode::ZwlrOutputModeV1: $crate::output_management::ModeData
        ] => $crate::output_management::OutputManagementState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::output_management::configuration::ZwlrOutputConfigurationV1:
                $crate::output_management::ConfigurationData
        ] => $crate::output_management::OutputManagementState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::output_management::configuration_head::ZwlrOutputConfigurationHeadV1:
                $crate::output_management::ConfigurationHeadData
        ] => $crate::output_management::OutputManagementState);
    };
}
