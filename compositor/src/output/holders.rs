//! Who on an output holds a client's buffer: for reports, never for a frame.

use std::sync::Arc;

use crate::{
    output::{planes::request::OnPlane, state::Output},
    surface::content::Content,
};

/// LatchReason an output holds a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The last commit put it on this plane (DRM object id, kind).
    Plane(u32, &'static str),
    /// The last commit took it off; the display reads it until this frame's flip, and the output keeps it so long.
    UntilFlip(u64),
    /// The same, but it is the release that waits for the frame's out-fence; the output holds nothing.
    OutFence(u64),
    /// The CRC of this frame, which is on its way, will be predicted from it.
    Check(u64),
}

impl Output {
    /// LatchReason this output holds `content`.
    pub fn holders(&self, content: &Arc<Content>) -> Vec<Holder> {
        let is = |on: &OnPlane| matches!(on, OnPlane::Content(held) if Arc::ptr_eq(held, content));
        let mut holders = Vec::new();
        for (index, on) in self.on_plane.iter().enumerate() {
            if on.as_ref().is_some_and(is) {
                holders.push(Holder::Plane(self.kms.planes()[index].id, self.plane_kind(index)));
            }
        }
        holders.extend(self.retiring.iter().filter(|on| is(on)).map(|_| Holder::UntilFlip(self.frame)));
        if let Some(in_flight) = &self.in_flight
            && content.replaced_by() == Some(in_flight.frame)
        {
            holders.push(Holder::OutFence(in_flight.frame));
        }
        if let Some(in_flight) = &self.in_flight
            && let Some(check) = &in_flight.check
        {
            let of_it =
                |p: &&crate::crc::check::CheckPlane| p.content.as_ref().is_some_and(|c| Arc::ptr_eq(c, content));
            holders.extend(check.planes.iter().filter(of_it).map(|_| Holder::Check(in_flight.frame)));
        }
        holders
    }
}
