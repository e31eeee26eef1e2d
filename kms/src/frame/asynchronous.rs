//! What an asynchronous flip may not touch, found out before the kernel is asked: its EINVAL would
//! not say what was wrong.
//!
//! Source: `drm_atomic_set_property` of Linux 7.3. Of planes it takes the framebuffer, the in-fence
//! (since 6.14) and the damage; every other property must be sent with the value that it has, or
//! not at all. CRTCs and connectors take nothing, not even `OUT_FENCE_PTR`. Planes other than the
//! primary are up to the driver; this crate leaves them alone.

use super::{Frame, FrameKind};
use crate::plane::PlaneValues;

impl<P: PartialEq> Frame<'_, P> {
    pub(super) fn is_asynchronous(&self) -> bool {
        self.kind == FrameKind::Asynchronous
    }

    /// Why the frame cannot be an asynchronous flip, on a device that has them; `None` if it can be
    /// asked for.
    pub(super) fn asynchronous_refusal(&self) -> Option<String> {
        let output = &*self.output;
        let refuse = |why: &str| Some(format!("an asynchronous flip cannot change {why}"));
        if self.vrr != output.vrr {
            return refuse("VRR_ENABLED");
        }
        if self.head.differs(&output.head, &output.connector_props) {
            return refuse("properties of the CRTC or the connector");
        }
        if self.writeback.is_some() {
            return refuse("WRITEBACK_FB_ID");
        }
        for (at, plane) in output.planes.iter().enumerate() {
            let change = changes(output.tracker.known(at)?, output.tracker.next_values(at));
            let fence = self.extras[at].in_fence.is_some();
            match change {
                Some(what) if at != output.primary() || what != "FB_ID" => {
                    return refuse(&format!("{what} of plane {at} (object {})", plane.id));
                }
                None if fence && at != output.primary() => {
                    return refuse(&format!("IN_FENCE_FD of plane {at} (object {})", plane.id));
                }
                _ => {}
            }
        }
        None
    }
}

/// What differs, in the order of how much it disturbs.
fn changes(shown: &PlaneValues, next: &PlaneValues) -> Option<&'static str> {
    let on = (shown.fb.is_some(), next.fb.is_some());
    Some(match () {
        () if on == (false, false) => return None,
        () if on.0 != on.1 => "CRTC_ID",
        () if shown.src != next.src => "the source rectangle",
        () if shown.dst != next.dst => "the destination rectangle",
        () if shown.alpha != next.alpha => "alpha",
        () if shown.blend != next.blend => "the pixel blend mode",
        () if shown.zpos != next.zpos => "zpos",
        () if shown.options != next.options => "rotation, colour encoding and the like",
        () if shown.pipeline != next.pipeline => "COLOR_PIPELINE",
        () if shown.fb != next.fb => "FB_ID",
        () => return None,
    })
}
