//! What is dragged, and what the two clients have agreed on.
//!
//! Nothing here knows where the drag is, or when it ends; `drag.rs` does.

use std::sync::{Arc, Mutex, MutexGuard};

use smithay::utils::{Logical, Point};
use wayland_server::{
    Resource, WEnum, Weak,
    backend::ClientId,
    protocol::{
        wl_data_device::WlDataDevice,
        wl_data_device_manager::DndAction,
        wl_data_offer::{self, WlDataOffer},
        wl_data_source::{self, WlDataSource},
        wl_surface::WlSurface,
    },
};

use crate::selection::source::{SourceData, Use};

/// A protocol error of `wl_data_offer`.
pub(super) type Refusal = (wl_data_offer::Error, &'static str);

/// The drag that is under way.
#[derive(Debug)]
pub(super) struct Drag {
    pub source: Option<WlDataSource>,
    /// The client that drags.
    pub client: ClientId,
    /// Where it began.
    pub origin: Weak<WlSurface>,
    pub over: Option<Over>,
}

/// The surface that a drag is over.
#[derive(Debug)]
pub(super) struct Over {
    pub surface: WlSurface,
    pub client: ClientId,
    pub devices: Vec<WlDataDevice>,
    /// `None`: the drag has no source.
    pub dragged: Option<Arc<Dragged>>,
    /// A motion that its client, which does not read, has not been told of.
    pub held: Option<(u32, Point<f64, Logical>)>,
}

impl Over {
    pub(super) fn tell_held(&mut self) {
        if let Some((time, at)) = self.held.take() {
            self.devices.iter().for_each(|device| device.motion(time, at.x, at.y));
        }
    }
}

/// What is dragged, for one client that it is or was over.
#[derive(Debug)]
pub(super) struct Dragged {
    pub(super) source: WlDataSource,
    agreed: Mutex<Agreed>,
}

/// What its source's client and the other one have agreed on.
#[derive(Debug, Default)]
pub(super) struct Agreed {
    pub accepted: bool,
    pub action: Option<DndAction>,
    pub left: bool,
    pub dropped: bool,
    finished: bool,
    /// Its client is an older one, which cannot say that it has finished.
    pub silent: bool,
    /// The offers that are not destroyed.
    pub offers: usize,
}

/// The action that is done: the preferred one if it may be, else the first that may.
pub(super) fn choose(available: DndAction, preferred: DndAction) -> Option<DndAction> {
    let order = [preferred, DndAction::Copy, DndAction::Move, DndAction::Ask];
    order.into_iter().find(|action| !action.is_empty() && available.contains(*action))
}

impl Dragged {
    pub(super) fn new(source: WlDataSource) -> Self {
        Self { source, agreed: Mutex::default() }
    }

    pub(super) fn agreed(&self) -> MutexGuard<'_, Agreed> {
        self.agreed.lock().expect("no panic while locked")
    }

    /// What the source's client would do. Older clients know nothing else than copying.
    pub(super) fn actions(&self) -> DndAction {
        let said = self.source.data::<SourceData>().and_then(|data| data.get().actions);
        said.filter(|_| self.source.version() >= 3).unwrap_or(DndAction::Copy)
    }

    /// Whether an offer of it is of some use.
    pub(super) fn may_be_asked(&self) -> bool {
        let agreed = self.agreed();
        !agreed.finished && (agreed.dropped || !agreed.left)
    }

    /// The client that it is over accepts a type, or nothing.
    pub(super) fn accept(&self, mime_type: Option<String>) {
        let offers = |name: &String| self.source.data::<SourceData>().is_some_and(|data| data.get().has(name));
        let mime_type = mime_type.filter(offers);
        let mut agreed = self.agreed();
        if agreed.left || agreed.dropped {
            return;
        }
        agreed.accepted = mime_type.is_some();
        self.source.target(mime_type);
    }

    /// This action is agreed on from now on, or none; both clients are told.
    pub(super) fn agree(&self, agreed: &mut Agreed, offer: Option<&WlDataOffer>, action: Option<DndAction>) {
        if agreed.action == action {
            return;
        }
        agreed.action = action;
        let told = action.unwrap_or(DndAction::None);
        if let Some(offer) = offer.filter(|offer| offer.version() >= wl_data_offer::EVT_ACTION_SINCE) {
            offer.action(told);
        }
        if self.source.version() >= wl_data_source::EVT_ACTION_SINCE {
            self.source.action(told);
        }
    }

    /// What its client would do with it.
    pub(super) fn set_actions(
        &self,
        offer: &WlDataOffer,
        actions: WEnum<DndAction>,
        preferred: WEnum<DndAction>,
    ) -> Result<(), Refusal> {
        let WEnum::Value(actions) = actions else {
            return Err((wl_data_offer::Error::InvalidActionMask, "set_actions: the actions have unknown bits"));
        };
        let single = [DndAction::None, DndAction::Copy, DndAction::Move, DndAction::Ask];
        let WEnum::Value(preferred) = preferred else {
            return Err((wl_data_offer::Error::InvalidAction, "set_actions: the preferred action is unknown"));
        };
        if !single.contains(&preferred) {
            return Err((wl_data_offer::Error::InvalidAction, "set_actions: more than one action is preferred"));
        }
        let mut agreed = self.agreed();
        // After the drop only a user who was asked may still decide.
        if agreed.finished || agreed.left && !agreed.dropped || agreed.dropped && agreed.action != Some(DndAction::Ask)
        {
            return Ok(());
        }
        self.agree(&mut agreed, Some(offer), choose(self.actions() & actions, preferred));
        Ok(())
    }

    /// Its client has the data, and has done what was agreed on.
    pub(super) fn finish(&self) -> Result<(), Refusal> {
        use wl_data_offer::Error::InvalidFinish;
        let mut agreed = self.agreed();
        if agreed.left && !agreed.dropped {
            return Ok(());
        }
        if !agreed.dropped {
            return Err((InvalidFinish, "finish: nothing has been dropped"));
        }
        if agreed.finished {
            return Err((InvalidFinish, "finish: it is finished already"));
        }
        if agreed.action.is_none_or(|action| action == DndAction::Ask) {
            return Err((InvalidFinish, "finish: no action has been agreed on"));
        }
        agreed.finished = true;
        self.end(true);
        Ok(())
    }

    /// An offer of it is destroyed: what was dropped and is not finished never will be.
    pub(super) fn offer_destroyed(&self) {
        let mut agreed = self.agreed();
        agreed.offers = agreed.offers.saturating_sub(1);
        if agreed.dropped && !agreed.finished && agreed.offers == 0 {
            agreed.finished = true;
            self.end(agreed.silent);
        }
    }

    fn end(&self, finished: bool) {
        if let Some(data) = self.source.data::<SourceData>() {
            data.get().used = Use::Over;
        }
        if self.source.version() < wl_data_source::EVT_DND_FINISHED_SINCE {
            return;
        }
        match finished {
            true => self.source.dnd_finished(),
            false => self.source.cancelled(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_action_is_done_if_it_may_be_and_else_the_first_that_may() {
        let (none, all) = (DndAction::None, DndAction::all());
        let table = [
            (none, none, None),
            (none, DndAction::Copy, None),
            (all, none, Some(DndAction::Copy)),
            (all, DndAction::Ask, Some(DndAction::Ask)),
            (all, DndAction::Move, Some(DndAction::Move)),
            (DndAction::Move | DndAction::Ask, DndAction::Copy, Some(DndAction::Move)),
            (DndAction::Ask, none, Some(DndAction::Ask)),
        ];
        for (available, preferred, action) in table {
            assert_eq!(choose(available, preferred), action, "{available:?} {preferred:?}");
        }
    }
}
