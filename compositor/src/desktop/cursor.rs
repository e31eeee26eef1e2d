//! The pointer's image and the drag icon: what they are, and the layers that show them.
//!
//! The image is one of the theme's or a client's surface with its tree, scale, transform and
//! viewport. Where an output has a cursor plane that is large enough, a buffer for that plane is
//! rendered when the image changes, not when the pointer moves. Everywhere else the image is layers
//! on top of the scene, which go onto an overlay or are composited like any others. Nothing here
//! decides where the pointer is.

use std::sync::Arc;

use fence::Ns;
use kms::Device;
use smithay::{
    input::pointer::{CursorImageStatus, CursorImageSurfaceData},
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Physical, Point, Rectangle, Size},
    wayland::compositor::with_states,
};

use crate::{
    config,
    desktop::{
        cursor_buffers::{CursorBuffers, ImageSource, Look},
        layer,
        theme::Theme,
        tree,
    },
    render::{CursorImage, Layer, Screen},
    surface::{
        SurfaceState,
        buffer::PixelSource,
        content::{Content, SyncMethod},
        tree::Trees,
    },
    system::scale::Scale,
};

/// The largest image that is copied, in bytes: no larger one is an ordinary pointer.
const MOST_COPIED: usize = 256 * 256 * 4;

/// The state of the pointer's image and of the drag icon.
pub struct Cursor {
    image: CursorImageStatus,
    drag_icon: Option<DragIcon>,
    theme: Theme,
    buffers: CursorBuffers,
    /// The number of changes of the image so far.
    changes: u64,
    /// With which of them a client's image was copied last.
    copied_at: u64,
    /// The number of pointing devices; `None`: they are not counted, because the session reads no
    /// devices.
    pointers: Option<usize>,
    /// Where the image and the drag icon were when an output was last asked to show them.
    pub drawn: Rectangle<i32, Logical>,
}

/// The surface that is dragged along with the pointer.
#[derive(Debug)]
struct DragIcon {
    surface: WlSurface,
    /// From the pointer to the icon's origin: the sum of the offsets that the client has committed.
    offset: Point<i32, Logical>,
    /// Where the finger is that drags; `None`: the pointer does.
    finger: Option<Point<f64, Logical>>,
}

impl Cursor {
    /// Images of the theme are loaded when they are needed. A theme that is not installed is
    /// replaced by a built-in arrow.
    pub fn new(config: &config::CursorConfig) -> Self {
        Self {
            image: CursorImageStatus::default_named(),
            drag_icon: None,
            theme: Theme::new(&config.theme, config.size),
            buffers: CursorBuffers::default(),
            changes: 1,
            copied_at: 0,
            pointers: None,
            drawn: Rectangle::default(),
        }
    }

    /// Shows images of another theme, or of another size, from now on.
    pub fn set_theme(&mut self, config: &config::CursorConfig) {
        self.theme = Theme::new(&config.theme, config.size);
        self.changes += 1;
    }

    /// The image that was requested last.
    #[cfg(test)]
    pub fn image(&self) -> &CursorImageStatus {
        &self.image
    }

    /// Sets the image that the focused client or the compositor requests.
    pub fn set_image(&mut self, image: CursorImageStatus) {
        self.image = image;
        self.changes += 1;
    }

    /// The session reads input devices from here on, and has none yet.
    pub fn count_pointers(&mut self) {
        self.pointers = Some(0);
    }

    /// So many pointing devices have come, or gone.
    pub fn pointers_changed(&mut self, change: isize) {
        self.pointers = Some(self.pointers.unwrap_or(0).saturating_add_signed(change));
    }

    /// Whether there is nothing to show: no pointing device, or its client hides the pointer.
    fn is_hidden(&self) -> bool {
        self.pointers == Some(0) || matches!(self.image, CursorImageStatus::Hidden)
    }

    /// Sets the surface that is dragged along with the pointer, or with a finger that is there.
    pub fn set_drag_icon(&mut self, icon: Option<WlSurface>, finger: Option<Point<f64, Logical>>) {
        self.drag_icon = icon.map(|surface| DragIcon { surface, offset: Point::default(), finger });
    }

    /// The finger that drags is there now.
    pub fn place_drag_icon(&mut self, finger: Point<f64, Logical>) {
        if let Some(icon) = &mut self.drag_icon {
            icon.finger = Some(finger);
        }
    }

    /// The surface of [`Cursor::set_drag_icon`], while it is alive, and its origin for a pointer at
    /// `pointer`.
    pub fn drag_icon(&self, pointer: Point<f64, Logical>) -> Option<(&WlSurface, Point<i32, Logical>)> {
        let icon = self.drag_icon.as_ref().filter(|icon| icon.surface.is_alive())?;
        Some((&icon.surface, icon.finger.unwrap_or(pointer).to_i32_floor() + icon.offset))
    }

    /// The client's surface if it is the cursor image, and its origin for a pointer at `pointer`.
    pub fn surface(&self, pointer: Point<f64, Logical>) -> Option<(&WlSurface, Point<i32, Logical>)> {
        match &self.image {
            CursorImageStatus::Surface(surface) if surface.is_alive() => {
                Some((surface, pointer.to_i32_floor() - hotspot(surface)))
            }
            _ => None,
        }
    }

    /// Whether the surface is the cursor image.
    pub fn is_image(&self, surface: &WlSurface) -> bool {
        matches!(&self.image, CursorImageStatus::Surface(image) if image == surface)
    }

    /// Whether the surface is the drag icon.
    pub fn is_drag_icon(&self, surface: &WlSurface) -> bool {
        self.drag_icon.as_ref().is_some_and(|icon| icon.surface == *surface)
    }

    /// The bounding box of the image and the drag icon for a pointer at `pointer` among outputs of these scales.
    pub fn bounds(
        &mut self,
        trees: &Trees<WlSurface>,
        pointer: Point<f64, Logical>,
        scales: impl Iterator<Item = Scale>,
    ) -> Rectangle<i32, Logical> {
        let at = pointer.to_i32_floor();
        // Outputs that only seem to show it make one commit too many.
        let mut bounds = Rectangle::new(at, (1, 1).into());
        let mut is_scaled = false;
        for scale in scales {
            is_scaled |= scale != Scale::ONE;
            if let CursorImageStatus::Named(icon) = &self.image {
                let image = self.theme.image(*icon, scale);
                let on_desktop = |x: i32, y: i32| Point::<i32, Logical>::from((scale.length(x), scale.length(y)));
                let size = on_desktop(image.width, image.height).to_size();
                bounds = bounds.merge(Rectangle::new(at - on_desktop(image.hotspot.x, image.hotspot.y), size));
            }
        }
        for (root, origin) in self.surface(pointer).into_iter().chain(self.drag_icon(pointer)) {
            tree::walk(trees, root, origin, |_, states, at| {
                bounds = bounds.merge(Rectangle::new(at, SurfaceState::of(states).view.size));
            });
        }
        if is_scaled {
            // The image is at the pixel that the pointer is in.
            bounds.size += (1, 1).into();
        }
        bounds
    }

    /// A surface was committed, and its content moved by `offset`; it may be the cursor image or
    /// the drag icon.
    pub fn surface_commit(&mut self, surface: &WlSurface, offset: Point<i32, Logical>) {
        if self.is_image(surface) {
            self.changes += 1;
            with_hotspot(surface, |hotspot| *hotspot -= offset);
        }
        if let Some(icon) = self.drag_icon.as_mut().filter(|icon| icon.surface == *surface) {
            icon.offset += offset;
        }
    }

    /// A card is gone: drops its buffers.
    pub fn forget(&mut self, card: kms::CardSerial) {
        self.buffers.forget(card);
    }

    /// The displays are others, or shown otherwise: drops the images for those that no output is like.
    pub fn keep(&mut self, outputs: &[(kms::CardSerial, Screen)]) {
        let like = |card, look| outputs.iter().any(|(of, screen)| *of == card && Look::of(screen) == look);
        self.buffers.keep(like);
    }

    /// Drops the mappings of buffers that are destroyed.
    pub fn clean_up(&mut self) {
        self.buffers.clean_up();
    }

    /// Replaces the image of a client that is gone by the default one.
    fn check_alive(&mut self) {
        if matches!(&self.image, CursorImageStatus::Surface(s) if !s.is_alive()) {
            self.set_image(CursorImageStatus::default_named());
        }
    }

    /// The size of the image in upright pixels of an output with this scale, if one buffer can show it: `None` if
    /// it is hidden, or a surface with sub-surfaces.
    pub fn size(&mut self, trees: &Trees<WlSurface>, scale: Scale) -> Option<Size<i32, Physical>> {
        self.check_alive();
        match &self.image {
            _ if self.is_hidden() || self.buffers.is_layer_only(self.changes) => None,
            CursorImageStatus::Hidden => None,
            CursorImageStatus::Named(icon) => Some(self.theme.image(*icon, scale).size()),
            CursorImageStatus::Surface(surface) => {
                let mut surfaces = 0;
                tree::walk(trees, surface, Point::default(), |_, _, _| surfaces += 1);
                (surfaces == 1).then(|| with_states(surface, |states| SurfaceState::of(states).view.pixels(scale)))
            }
        }
    }

    /// Where the image is for a pointer at `pointer`; `None`: nothing is shown.
    pub fn rect(&mut self, trees: &Trees<WlSurface>, pointer: Point<f64, Logical>) -> Option<Rectangle<i32, Logical>> {
        self.check_alive();
        if self.is_hidden() {
            return None;
        }
        if let CursorImageStatus::Named(icon) = &self.image {
            let image = self.theme.image(*icon, Scale::ONE);
            let (hotspot, size) = (image.hotspot, image.size());
            let origin = pointer.to_i32_floor() - Point::from((hotspot.x, hotspot.y));
            return Some(Rectangle::new(origin, (size.w, size.h).into()));
        }
        let (root, origin) = self.surface(pointer)?;
        let mut around: Option<Rectangle<i32, Logical>> = None;
        tree::walk(trees, root, origin, |_, states, at| {
            let rect = Rectangle::new(at, SurfaceState::of(states).view.size);
            around = Some(around.map_or(rect, |around| around.merge(rect)));
        });
        around.filter(|rect| !rect.is_empty())
    }

    /// Appends the layers of the image, from top to bottom, for a pointer at `pointer` and an
    /// output of `device`.
    pub fn collect(
        &mut self,
        device: &Device,
        trees: &Trees<WlSurface>,
        pointer: Point<f64, Logical>,
        screen: &Screen,
        now: Ns,
        layers: &mut Vec<Layer>,
    ) {
        self.check_alive();
        self.keep_copy();
        match &self.image {
            _ if self.is_hidden() => {}
            CursorImageStatus::Hidden => {}
            CursorImageStatus::Surface(surface) => {
                let hotspot = hotspot(surface);
                let (origin, anchor) = (pointer.to_i32_floor() - hotspot, screen.below_pointer(pointer, hotspot));
                tree::walk(trees, surface, origin, |surface, states, at| {
                    let layer = layer::layer(surface, states, (anchor, at, None), screen, now);
                    layers.extend(layer.map(|layer| Layer { pointer: true, ..layer }));
                });
            }
            CursorImageStatus::Named(icon) => {
                let image = self.theme.image(*icon, screen.scale);
                let dst = screen.turn(Rectangle::new(screen.pixel(pointer) - image.hotspot, image.size()));
                if !dst.overlaps(Rectangle::from_size(screen.pixels())) {
                    return;
                }
                match self.buffers.theme_layer((device, screen.scale), &image, self.changes) {
                    Ok(layer) => layers.push(Layer { dst, output: screen.transform, ..layer }),
                    Err(error) => tracing::warn!("cursor: {error}"),
                }
            }
        }
    }

    /// The image in a buffer of this size for a cursor plane of `device`, on an output like this one; rendered
    /// again if it has changed. `None` if nothing is shown.
    pub fn for_plane(&mut self, device: &Device, size: (u32, u32), screen: &Screen) -> Option<CursorImage> {
        self.check_alive();
        if self.is_hidden() {
            return None;
        }
        self.keep_copy();
        let source = match &self.image {
            CursorImageStatus::Hidden => return None,
            CursorImageStatus::Named(icon) => ImageSource::Theme(self.theme.image(*icon, screen.scale)),
            CursorImageStatus::Surface(surface) => ImageSource::Surface(surface, hotspot(surface)),
        };
        self.buffers.for_plane(device, (size, Look::of(screen)), &source, self.changes)
    }

    /// Copies the client's image before a frame reads it, once for each change: an image that is replaced
    /// before any frame has shown it costs nothing.
    fn keep_copy(&mut self) {
        let is_new = std::mem::replace(&mut self.copied_at, self.changes) != self.changes;
        if let CursorImageStatus::Surface(surface) = &self.image
            && is_new
        {
            keep_copy(surface);
        }
    }

    /// The client's image that [`Cursor::for_plane`] could not read, because its dma-buf carries a
    /// pending fence.
    pub fn take_unready(&mut self) -> Option<Arc<Content>> {
        self.buffers.take_unready()
    }
}

/// Calls `f` with the hotspot of a surface that is a cursor image.
fn with_hotspot<T>(surface: &WlSurface, f: impl FnOnce(&mut Point<i32, Logical>) -> T) -> Option<T> {
    with_states(surface, |states| {
        let mut data = states.data_map.get::<CursorImageSurfaceData>()?.lock().ok()?;
        Some(f(&mut data.hotspot))
    })
}

/// The client of an image in shared memory has its buffer back with the first frame that reads it: the image may
/// be wanted again, for a display of another kind, so it is copied.
fn keep_copy(surface: &WlSurface) {
    if !surface.is_alive() {
        return;
    }
    with_states(surface, |states| {
        let mut state = SurfaceState::of(states);
        let Some(content) = &state.current else { return };
        let PixelSource::Shm(shm) = &content.source else { return };
        if content.is_released() || content.acquire_by != SyncMethod::Buffer {
            return;
        }
        if let Some(copy) = shm.copy(MOST_COPIED) {
            let copy = Arc::new(content.with_copy(Arc::new(copy)));
            content.copied();
            state.current = Some(copy);
        }
    });
}

fn hotspot(surface: &WlSurface) -> Point<i32, Logical> {
    with_hotspot(surface, |hotspot| *hotspot).unwrap_or_default()
}
