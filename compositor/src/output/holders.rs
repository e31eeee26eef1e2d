//! Why an output still holds a client's buffer: for reports, never for a frame.

use std::sync::Arc;

use kms::PlaneId;

use crate::{
    output::{planes::request::OnPlane, state::Output},
    surface::content::Content,
};

/// Why an output holds a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The last commit put the content on this plane (DRM object id, kind).
    Plane(PlaneId, &'static str),
    /// The last commit took the content off its plane. The display reads it until the flip of this
    /// frame, and the output holds it until then.
    UntilFlip(u64),
    /// The last commit took the content off its plane. Its release waits for the out-fence of this
    /// frame; the output no longer holds the content.
    OutFence(u64),
    /// The CRC of this frame, which is in flight, is predicted from the content's pixels.
    Check(u64),
}

impl Output {
    /// All reasons why this output holds `content`; empty if it does not.
    pub fn holders(&self, content: &Arc<Content>) -> Vec<Holder> {
        let is = |on: &OnPlane| matches!(on, OnPlane::Content(held) if Arc::ptr_eq(held, content));
        let mut holders = Vec::new();
        let on_it = self.on_planes().filter(|(_, on)| is(on));
        holders.extend(on_it.map(|(at, _)| Holder::Plane(self.kms.planes()[at].id, self.plane_kind(at))));
        let retired = self.kms.retired().filter(|held| is(&held.show));
        holders.extend(retired.map(|_| Holder::UntilFlip(self.frame)));
        if let Some(in_flight) = self.machine.frame()
            && content.replaced_by() == Some(in_flight.frame)
        {
            holders.push(Holder::OutFence(in_flight.frame));
        }
        if let Some(in_flight) = self.machine.frame()
            && let Some(check) = &in_flight.check
        {
            let reads_it =
                |p: &&crate::crc::check::CheckPlane| p.content.as_ref().is_some_and(|c| Arc::ptr_eq(c, content));
            holders.extend(check.planes.iter().filter(reads_it).map(|_| Holder::Check(in_flight.frame)));
        }
        holders
    }
}
