//! An output: a connector, the CRTC that drives it, the planes that it may use, and what they show.
//!
//! The state is that of the last commit that the kernel took. Only [`crate::frame`] changes it, and
//! only after success. Never shares a CRTC or a plane with another output of the same [`Device`].

pub mod crtcs;
pub mod other_mode;
mod others;
mod setup;

use crate::blob::Blob;
use crate::damage::Clips;
use crate::head::{ConnectorState, CrtcState, Head};
use crate::id::{ConnectorId, CrtcId, CrtcIndex, ObjectId, PropertyId};
use crate::props::{ConnectorProps, CrtcProps};
use crate::request::{Names, Request};
use crate::tracker::{Power, Shown, Tracker};
use crate::writeback::Job;
use crate::{Device, Flip, Mode};
use crate::{OutputPlane, PlaneKind};

/// Planes that one output uses at most.
pub const MAX_PLANES: usize = 32;

/// A property to be set with the first modeset, to free what the console (or another program) left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leftover {
    pub(crate) object: ObjectId,
    pub(crate) prop: PropertyId,
    pub(crate) value: u64,
}

/// An output. Dropping it gives its CRTC and planes back to the pool, but does not turn it off
/// ([`Output::disable`] does).
///
/// `P` is what the caller gives with each framebuffer, usually the owner of its pixels: the output
/// holds it from the commit until it has left the screen ([`Output::shown`], [`Output::retired`]).
#[derive(Debug)]
pub struct Output<P = ()> {
    pub(crate) device: Device,
    pub(crate) name: String,
    pub(crate) connector: ConnectorId,
    pub(crate) connector_props: ConnectorProps,
    pub(crate) crtc: CrtcId,
    pub(crate) crtc_index: CrtcIndex,
    pub(crate) crtc_props: CrtcProps,
    pub(crate) planes: Vec<OutputPlane>,
    pub(crate) mode: Mode,
    pub(crate) mode_blob: Blob,
    pub(crate) request: Request,
    pub(crate) names: Names,
    pub(crate) leftovers: Vec<Leftover>,
    /// What the last successful commit set, what is in flight, and what has to be held.
    pub(crate) tracker: Tracker<P>,
    /// What the last successful commit made of the CRTC and the connector, or what the first
    /// modeset will.
    pub(crate) head: Head,
    /// Whether variable refresh is on.
    pub(crate) vrr: bool,
    pub(crate) vrr_capable: bool,
    /// The writeback connector on this CRTC.
    pub(crate) writeback: Option<Job>,
    pub(crate) clips: Clips,
}

impl<P> Output<P> {
    /// Name of the connector: `HDMI-A-1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Object id of the connector.
    pub fn connector_id(&self) -> ConnectorId {
        self.connector
    }

    /// Object id of the CRTC.
    pub fn crtc_id(&self) -> CrtcId {
        self.crtc
    }

    /// Index of the CRTC, as in debugfs' `crtc-M`.
    pub fn crtc_index(&self) -> CrtcIndex {
        self.crtc_index
    }

    /// Whether a writeback connector is on the output's CRTC, so that a job of it is no modeset.
    pub fn has_writeback(&self, connector: &crate::Writeback) -> bool {
        self.writeback.is_some_and(|on| on.connector == connector.connector_id())
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The mode that is set, or will be by the next modeset.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// Width and height of the image in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.mode.width, self.mode.height)
    }

    /// The planes, indexed as [`crate::Frame::set`] wants them: primary first, then overlays from
    /// the bottom up, the cursor last.
    pub fn planes(&self) -> &[OutputPlane] {
        &self.planes
    }

    /// Index of the primary plane: always 0.
    pub fn primary(&self) -> usize {
        0
    }

    /// Index of the cursor plane.
    pub fn cursor(&self) -> Option<usize> {
        self.planes.iter().position(|plane| plane.kind == PlaneKind::Cursor)
    }

    /// Indices of the overlay planes, from the bottom up.
    pub fn overlays(&self) -> impl Iterator<Item = usize> + '_ {
        let planes = self.planes.iter().enumerate();
        planes.filter(|(_, plane)| plane.kind == PlaneKind::Overlay).map(|(at, _)| at)
    }

    /// What the connector tells its display since the last commit; see [`crate::Frame::connector`].
    pub fn connector_state(&self) -> &ConnectorState {
        &self.head.connector
    }

    /// What the CRTC does to the image since the last commit; see [`crate::Frame::crtc`].
    pub fn crtc_state(&self) -> &CrtcState {
        &self.head.crtc
    }

    /// The CRTC's properties.
    pub fn crtc_props(&self) -> &CrtcProps {
        &self.crtc_props
    }

    /// The connector's properties.
    pub fn connector_props(&self) -> &ConnectorProps {
        &self.connector_props
    }

    /// Why the connector could not do this, with the property's name; `None` if it has all that it
    /// takes. The kernel is not asked.
    pub fn unsupported(&self, state: &ConnectorState) -> Option<&'static str> {
        state.unsupported(&self.connector_props)
    }

    /// Whether the display can refresh at a varying rate (the connector's `vrr_capable`), as the
    /// inventory knew.
    pub fn vrr_capable(&self) -> bool {
        self.vrr_capable
    }

    /// Whether variable refresh is on.
    pub fn vrr(&self) -> bool {
        self.vrr
    }

    /// Whether the device has asynchronous flips (`DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP`, Linux 6.8): see
    /// [`crate::Frame::try_asynchronous`].
    pub fn can_flip_asynchronously(&self) -> bool {
        self.device.caps().atomic_async_flip
    }

    /// Whether [`Output::sleep`] has turned the display off.
    pub fn is_asleep(&self) -> bool {
        self.tracker.power() == Power::Asleep
    }

    /// Whether the next commit must be a modeset: none has been made, or the state was lost.
    pub fn needs_modeset(&self) -> bool {
        self.tracker.power() == Power::Unset
    }

    /// User data of the commit that is in flight.
    pub fn in_flight(&self) -> Option<u64> {
        self.tracker.in_flight()
    }

    /// What the last commit put on a plane; `None`: nothing. After [`Output::reset`]: what may still
    /// be there.
    pub fn shown(&self, plane: usize) -> Option<&Shown<P>> {
        self.tracker.shown(plane)
    }

    /// The planes that show something since the last commit, with what: the values that the kernel was
    /// asked for, and the payload.
    pub fn on_planes(&self) -> impl Iterator<Item = (&OutputPlane, &Shown<P>)> {
        self.planes.iter().enumerate().filter_map(|(at, plane)| Some((plane, self.shown(at)?)))
    }

    /// What is on no plane any more, but held until the next flip.
    pub fn retired(&self) -> impl Iterator<Item = &P> {
        self.tracker.retired()
    }

    /// Holds something that is read for the next commit, for example by the rendering that its
    /// in-fence waits for, until the flip of that commit.
    pub fn keep(&mut self, payload: P) {
        self.tracker.keep(payload);
    }

    /// Gives what the commit in flight has replaced to `let_go`, which hands back what must be held
    /// until the flip. For what learns of the flip otherwise: from [`crate::Committed::out_fence`].
    pub fn let_go_early(&mut self, let_go: impl FnMut(P) -> Option<P>) {
        self.tracker.let_go_early(let_go);
    }

    /// A flip event came. True if it ends this output's commit in flight. What that commit replaced
    /// is let go; so is what a commit replaced that was given up by [`Output::reset`].
    pub fn flipped(&mut self, flip: &Flip) -> bool {
        flip.crtc.is_none_or(|crtc| crtc == self.crtc) && self.tracker.flipped(flip.user_data)
    }

    /// The device was taken away (a VT switch, a lost master): the kernel's state is unknown, the
    /// next commit must be a modeset, and the flip of a commit in flight is no longer waited for.
    /// Nothing is let go before the flip of that modeset.
    pub fn reset(&mut self) {
        self.tracker.lost();
        self.vrr = false;
    }
}

impl<P> Drop for Output<P> {
    fn drop(&mut self) {
        let mut claims = self.device.claims();
        // One that goes and one that comes may have the same for a while.
        if let Some(at) = claims.connectors.iter().position(|&claimed| claimed == self.connector) {
            claims.connectors.swap_remove(at);
        }
        claims.crtcs.retain(|&crtc| crtc != self.crtc);
        claims.planes.retain(|&claimed| self.planes.iter().all(|plane| plane.id != claimed));
    }
}
