//! One surface's image in a scene.
//!
//! The desktop makes a layer, which is assigned to a plane or composited, and dropped with its
//! frame. Plain data: it renders nothing.

use std::{collections::HashMap, sync::Arc};

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Physical, Rectangle, Transform},
};

use crate::{
    surface::{buffer::PixelSource, content::Content, damage::DamageHistory, transform, view::View},
    system::id::SurfaceId,
};

/// What of its surface a layer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// All of it.
    Whole,
    /// A part: the view is not that of the surface.
    Part,
    /// The content of an earlier frame, because the current one may not be read yet; the damage is the
    /// current one's.
    Older,
}

/// One surface's image in a scene.
#[derive(Debug, Clone)]
pub struct Layer {
    /// `None`: the compositor's own image: the pointer of the cursor theme, a part of a ring, text.
    pub surface: Option<WlSurface>,
    /// Its `surface` is the layer's identity for damage tracking.
    pub content: Arc<Content>,
    /// How the buffer is mapped to the surface.
    pub view: View,
    /// Where the layer is on the output, in output pixels.
    pub dst: Rectangle<i32, Physical>,
    /// The transform of the output ([`crate::render::Screen`]).
    pub output: Transform,
    /// The damage history of the surface.
    pub damage: DamageHistory,
    /// Every pixel is opaque.
    pub opaque: bool,
    /// Commits of the surface per 1000 seconds.
    pub rate: u32,
    /// The layer is part of the pointer's image.
    pub pointer: bool,
    pub shows: Shows,
}

impl Layer {
    /// How the buffer is turned against the output's image: as a buffer transform on an upright
    /// output. `Normal` if the client has turned it as the output is turned.
    pub fn transform(&self) -> Transform {
        transform::then(transform::reverse(self.output), self.view.transform)
    }

    /// Whether it stays where it is when its surface, which has the same size as before and of which it shows all,
    /// has this view.
    pub fn stays(&self, view: &View) -> bool {
        // What is drawn for the scale of an output is as large as its buffer.
        let same = (view.src.size, view.transform) == (self.view.src.size, self.view.transform);
        let shown = self.output.transform_size(self.dst.size);
        same || (shown.w, shown.h) == (view.size.w, view.size.h)
    }

    /// Whether the content is that of an earlier frame.
    pub fn is_older(&self) -> bool {
        self.shows == Shows::Older
    }

    /// Whether the session has drawn it, for itself: no client has ever committed it.
    pub fn is_own(&self) -> bool {
        self.surface.is_none() && !self.pointer
    }

    /// Whether it is a part of a window's ring, for which no client's buffer loses its plane. What the session
    /// says by text, and what is to be clicked, does not yield: it must be seen.
    pub fn yields(&self) -> bool {
        self.is_own() && self.content.surface.is_ring()
    }

    /// What is to be kept when another content comes: a buffer that is in a client's dma-buf, which
    /// is read again in each pass, or a colour. `None`: there is a copy, or nothing that a client could
    /// write.
    pub fn picture(&self) -> Option<LastPicture> {
        let solid = matches!(self.content.source, PixelSource::Solid(_)) && !self.is_own();
        let kept = solid || self.content.client_memory().is_some();
        kept.then(|| LastPicture { content: self.content.clone(), view: self.view })
    }

    /// The layer as it was when it showed `last`. It stands in for the current content, so nothing
    /// is known of its damage.
    pub fn with(&self, last: &LastPicture) -> Self {
        let LastPicture { content, view } = last;
        let opaque = view.hides_below(content.opaque);
        Self { content: content.clone(), view: *view, opaque, shows: Shows::Older, ..self.clone() }
    }
}

/// What a layer showed before its current content.
#[derive(Debug, Clone)]
pub struct LastPicture {
    pub content: Arc<Content>,
    pub view: View,
}

/// The last pictures of surfaces whose current contents no frame has shown yet.
pub type LastPictures = HashMap<SurfaceId, LastPicture>;

/// What a pass makes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassRole {
    /// Nothing: a plane shows it, or nobody sees it.
    Skipped,
    /// Its image is composited.
    Composited,
    /// A hole: a plane below shows it, and the composited buffer is transparent there.
    Hole,
}

/// The layers of a pass.
#[derive(Debug, Clone, Copy)]
pub struct PassLayers<'a> {
    /// From top to bottom.
    pub layers: &'a [Layer],
    /// What becomes of each; `None`: all are composited.
    pub roles: Option<&'a [PassRole]>,
    /// Which of them have changed since the last pass of the same tracker; `None`: that is not
    /// known.
    pub changed: Option<&'a [usize]>,
    /// What stands in for contents that may not be read; `None`: nothing does.
    pub last: Option<&'a LastPictures>,
}

impl<'a> PassLayers<'a> {
    /// All layers composited, and nothing known of an earlier pass.
    pub fn all(layers: &'a [Layer]) -> Self {
        Self { layers, roles: None, changed: None, last: None }
    }

    /// What becomes of a layer.
    pub fn role(&self, at: usize) -> PassRole {
        self.roles.map_or(PassRole::Composited, |roles| roles[at])
    }
}
