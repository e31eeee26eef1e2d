//! What a driver refuses for good, as a function of the state that is asked for.

use rustix::io::Errno;

use super::{Asked, Atomic, State, ids};
use crate::id::{CrtcId, FramebufferId, PlaneId};
use crate::kernel::FbDescription;

impl Asked<'_> {
    /// The framebuffer that a plane shows after the call; `None`: it is off.
    pub fn on_plane(&self, plane: PlaneId) -> Option<FbDescription> {
        let before = || self.state.values.get(&(plane.into(), ids::FB_ID)).copied();
        let fb = FramebufferId::from_value(self.call.value(plane, ids::FB_ID).or_else(before)?)?;
        self.state.framebuffers.get(&fb).copied()
    }

    /// The framebuffer that a plane shows before the call; `None`: it is off.
    pub fn shown(&self, plane: PlaneId) -> Option<FbDescription> {
        let value = self.state.values.get(&(plane.into(), ids::FB_ID)).copied()?;
        self.state.made.get(&FramebufferId::from_value(value)?).copied()
    }

    /// The framebuffers that the call puts on planes.
    pub fn shows(&self) -> impl Iterator<Item = FbDescription> + '_ {
        let of = |(_, prop, value): &(_, _, u64)| (*prop == ids::FB_ID).then_some(*value);
        let known = |value| self.state.framebuffers.get(&FramebufferId::from_value(value)?).copied();
        self.call.props.iter().filter_map(of).filter_map(known)
    }

    /// Whether it turns a plane of this list on or off.
    pub fn switches(&self, planes: &[PlaneId]) -> bool {
        planes.iter().any(|plane| {
            let before = self.state.values.get(&((*plane).into(), ids::FB_ID)).copied().unwrap_or(0);
            self.call.value(*plane, ids::FB_ID).is_some_and(|after| (after == 0) != (before == 0))
        })
    }

    /// Whether a commit of a CRTC that the call does not touch is in flight.
    pub fn is_beside_another(&self) -> bool {
        let touched = |crtc: CrtcId| self.call.props.iter().any(|(object, ..)| *object == crtc.into());
        self.state.in_flight.iter().any(|commit| !touched(commit.crtc))
    }
}

impl State {
    pub(super) fn judged(&self, call: &Atomic) -> Result<(), Errno> {
        self.rule.as_ref().map_or(Ok(()), |rule| rule.0(&Asked { call, state: self }))
    }
}
