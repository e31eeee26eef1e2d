//! What a frame's CRC is predicted from: the planes as they were committed, with the owners of
//! their pixels. Plain data: it computes nothing.

use std::sync::{Arc, Weak};

use fence::Point;
use kms::{
    PlaneId, PlaneValues,
    crc::vkms::{Encoding, Range},
    head::CrtcState,
};

use crate::{
    render::Target,
    surface::content::Content,
    system::id::{OutputId, SurfaceId},
};

/// One plane of a frame.
#[derive(Debug)]
pub struct CheckPlane {
    /// DRM object id.
    pub id: PlaneId,
    /// The buffer whose pixels are read.
    pub target: Arc<Target>,
    /// Held so that the buffer is not released before the prediction is done; `None`: one of the
    /// compositor's own buffers.
    pub content: Option<Arc<Content>>,
    /// What the commit asked of the plane.
    pub values: PlaneValues,
    /// YUV matrix and range of the plane, where `values` do not set them.
    pub yuv: (Encoding, Range),
}

/// A whole frame.
#[derive(Debug)]
pub struct Check {
    /// [`crate::output::state::Output::id`].
    pub output: OutputId,
    /// Size of the mode in pixels.
    pub width: u32,
    pub height: u32,
    pub planes: Vec<CheckPlane>,
    /// The colour properties of the CRTC.
    pub crtc: CrtcState,
}

/// A client's buffer on a plane, without holding it: a suspect if the screen changes.
#[derive(Debug)]
pub struct Suspect {
    /// DRM object id.
    pub plane: PlaneId,
    pub surface: SurfaceId,
    pub commit: u64,
    pub buffer: u64,
    /// Weak, so that a suspect delays no release.
    pub content: Weak<Content>,
    /// The release point, if the client uses `linux-drm-syncobj-v1`.
    pub point: Option<Point>,
}

impl Check {
    /// The clients' buffers on the planes.
    pub fn suspects(&self) -> Vec<Suspect> {
        let clients = self.planes.iter().filter_map(|plane| Some((plane.id, plane.content.as_ref()?)));
        let suspect = |(plane, content): (PlaneId, &Arc<Content>)| Suspect {
            plane,
            surface: content.surface,
            commit: content.serial,
            buffer: content.source.id(),
            content: Arc::downgrade(content),
            point: content.release_point(),
        };
        clients.map(suspect).collect()
    }
}
