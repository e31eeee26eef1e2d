//! What a frame's CRC is predicted from: the planes as they were committed, with what keeps their pixels. Values only; computes nothing.

use std::sync::{Arc, Weak};

use fence::Point;
use kms::{
    Blend, PlaneOptions, Rect, SrcRect,
    crc::vkms::{Encoding, Range},
    head::CrtcState,
};

use crate::{render::Target, surface::Content};

/// One plane of a frame.
#[derive(Debug)]
pub struct CheckPlane {
    /// DRM object id.
    pub id: u32,
    pub target: Arc<Target>,
    /// Held so that it is not released before the prediction is done; `None`: a buffer of ours.
    pub content: Option<Arc<Content>>,
    pub src: SrcRect,
    pub dst: Rect,
    /// Place in the stack, where the plane was told.
    pub zpos: Option<u64>,
    pub alpha: u16,
    pub blend: Blend,
    pub look: PlaneOptions,
    /// YUV matrix and range where `look` leaves them as they are.
    pub yuv: (Encoding, Range),
}

/// A whole frame.
#[derive(Debug)]
pub struct Check {
    /// [`crate::output::Output::id`].
    pub output: u32,
    pub width: u32,
    pub height: u32,
    pub planes: Vec<CheckPlane>,
    pub crtc: CrtcState,
}

/// A client's buffer on a plane, not kept by this: if the screen changes, this is who may have done it.
#[derive(Debug)]
pub struct Suspect {
    pub plane: u32,
    pub surface: u32,
    pub commit: u64,
    pub buffer: u64,
    pub content: Weak<Content>,
    /// The release point, of a client with `linux-drm-syncobj-v1`.
    pub point: Option<Point>,
}

impl Check {
    /// The clients' buffers on the planes.
    pub fn suspects(&self) -> Vec<Suspect> {
        let clients = self.planes.iter().filter_map(|plane| Some((plane.id, plane.content.as_ref()?)));
        let suspect = |(plane, content): (u32, &Arc<Content>)| Suspect {
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
