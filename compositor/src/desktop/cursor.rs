//! The pointer's image and the drag icon: what they are, and the layers that show them.
//!
//! The image is one of the theme's or a client's surface with its tree, scale, transform and
//! viewport. Where an output has a cursor plane that is large enough, a buffer for that plane is
//! rendered when the image changes, not when the pointer moves. Everywhere else the image is layers
//! on top of the scene, which go onto an overlay or are composited like any others. Nothing here
//! decides where the pointer is.

use std::sync::Arc;

use drm_fourcc::DrmFourcc;
use fence::{Acquire, Ns, Release};
use kms::Device;
use smithay::{
    backend::renderer::{
        Bind, Color32F, Frame, ImportDma, ImportMem, Renderer as _, Texture,
        element::Id,
        pixman::{PixmanRenderer, PixmanTexture},
        utils::DamageBag,
    },
    input::pointer::{CursorImageStatus, CursorImageSurfaceData},
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Buffer, Logical, Physical, Point, Rectangle, Size, Transform},
    wayland::compositor::with_states,
};

use crate::{
    config,
    desktop::{
        scene,
        theme::{Theme, ThemeImage},
        tree,
    },
    render::{CursorImage, Layer, Target},
    surface::{
        SurfaceState,
        buffer::PixelSource,
        content::{Content, ContentParts, SyncMethod},
        tree::Trees,
        view::View,
    },
    system::id::SurfaceId,
};

/// The state of the pointer's image and of the drag icon.
pub struct Cursor {
    image: CursorImageStatus,
    drag_icon: Option<DragIcon>,
    theme: Theme,
    renderer: Option<PixmanRenderer>,
    rendered: Vec<RenderedCursor>,
    /// The theme's image as content of a layer, one for each card.
    contents: Vec<ThemeContent>,
    /// The identity of the theme's image for damage tracking, and its damage.
    element: Id,
    damage: DamageBag<i32, Buffer>,
    /// The number of changes of the image so far.
    changes: u64,
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
}

/// The cursor image for the cursor planes of one card and one size.
#[derive(Debug)]
struct RenderedCursor {
    card: kms::CardSerial,
    size: (u32, u32),
    buffers: Vec<Arc<Target>>,
    /// The buffer rendered last, with its hotspot.
    shown: Option<CursorImage>,
    /// The value of [`Cursor::changes`] at that time.
    at_change: u64,
}

/// The theme's image as a layer of one card's outputs shows it.
#[derive(Debug)]
struct ThemeContent {
    card: kms::CardSerial,
    /// The value of [`Cursor::changes`] when it was rendered.
    at_change: u64,
    content: Arc<Content>,
}

/// What is rendered into the buffer of a cursor plane: a texture, the part of it that is shown, how
/// it is rotated, and size and hotspot on the desktop.
struct Picture {
    texture: PixmanTexture,
    src: Rectangle<f64, Buffer>,
    transform: Transform,
    size: Size<i32, Logical>,
    hotspot: Point<i32, Logical>,
}

impl Cursor {
    /// Images of the theme are loaded when they are needed. A theme that is not installed is
    /// replaced by a built-in arrow.
    pub fn new(config: &config::CursorConfig) -> Self {
        Self {
            image: CursorImageStatus::default_named(),
            drag_icon: None,
            theme: Theme::new(&config.theme, config.size),
            renderer: PixmanRenderer::new().ok(),
            rendered: Vec::new(),
            contents: Vec::new(),
            element: Id::new(),
            damage: DamageBag::default(),
            changes: 1,
            pointers: None,
            drawn: Rectangle::default(),
        }
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

    /// Sets the surface that is dragged along with the pointer.
    pub fn set_drag_icon(&mut self, icon: Option<WlSurface>) {
        self.drag_icon = icon.map(|surface| DragIcon { surface, offset: Point::default() });
    }

    /// The surface of [`Cursor::set_drag_icon`], while it is alive, and its origin for a pointer at
    /// `pointer`.
    pub fn drag_icon(&self, pointer: Point<f64, Logical>) -> Option<(&WlSurface, Point<i32, Logical>)> {
        let icon = self.drag_icon.as_ref().filter(|icon| icon.surface.is_alive())?;
        Some((&icon.surface, pointer.to_i32_floor() + icon.offset))
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

    /// The bounding box of the image and the drag icon for a pointer at `pointer`.
    pub fn bounds(&mut self, trees: &Trees<WlSurface>, pointer: Point<f64, Logical>) -> Rectangle<i32, Logical> {
        let mut bounds = match &self.image {
            CursorImageStatus::Named(icon) => {
                let image = self.theme.image(*icon);
                Rectangle::new(pointer.to_i32_floor() - image.hotspot, image.size())
            }
            // Outputs that only seem to show it make one commit too many.
            _ => Rectangle::new(pointer.to_i32_floor(), (1, 1).into()),
        };
        for (root, origin) in self.surface(pointer).into_iter().chain(self.drag_icon(pointer)) {
            tree::walk(trees, root, origin, |_, states, at| {
                bounds = bounds.merge(Rectangle::new(at, SurfaceState::of(states).view.size));
            });
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
        self.rendered.retain(|cursor| cursor.card != card);
        self.contents.retain(|content| content.card != card);
        // The renderer has these buffers mapped.
        if let Some(renderer) = &mut self.renderer {
            renderer.cleanup_texture_cache().ok();
        }
    }

    /// Replaces the image of a client that is gone by the default one.
    fn check_alive(&mut self) {
        if matches!(&self.image, CursorImageStatus::Surface(s) if !s.is_alive()) {
            self.set_image(CursorImageStatus::default_named());
        }
    }

    /// The size of the image, if one buffer can show it: `None` if it is hidden, or a surface with
    /// sub-surfaces.
    pub fn size(&mut self, trees: &Trees<WlSurface>) -> Option<Size<i32, Logical>> {
        self.check_alive();
        match &self.image {
            _ if self.is_hidden() => None,
            CursorImageStatus::Hidden => None,
            CursorImageStatus::Named(icon) => Some(self.theme.image(*icon).size()),
            CursorImageStatus::Surface(surface) => {
                let mut surfaces = 0;
                tree::walk(trees, surface, Point::default(), |_, _, _| surfaces += 1);
                (surfaces == 1).then(|| with_states(surface, |states| SurfaceState::of(states).view.size))
            }
        }
    }

    /// Appends the layers of the image, from top to bottom, for a pointer at `pointer` and an
    /// output of `device` at `area`.
    pub fn collect(
        &mut self,
        device: &Device,
        trees: &Trees<WlSurface>,
        pointer: Point<f64, Logical>,
        area: Rectangle<i32, Logical>,
        now: Ns,
        layers: &mut Vec<Layer>,
    ) {
        self.check_alive();
        match &self.image {
            _ if self.is_hidden() => {}
            CursorImageStatus::Hidden => {}
            CursorImageStatus::Surface(surface) => {
                let origin = pointer.to_i32_floor() - hotspot(surface);
                tree::walk(trees, surface, origin, |surface, states, at| {
                    let layer = scene::layer(surface, states, at, area, now);
                    layers.extend(layer.map(|layer| Layer { pointer: true, ..layer }));
                });
            }
            CursorImageStatus::Named(icon) => {
                let image = self.theme.image(*icon);
                let rect = Rectangle::new(pointer.to_i32_floor() - image.hotspot, image.size());
                if !rect.overlaps(area) {
                    return;
                }
                match self.theme_content(device, &image) {
                    Ok(content) => layers.push(self.theme_layer(content, rect, area)),
                    Err(error) => tracing::warn!("cursor: {error}"),
                }
            }
        }
    }

    /// The layer of the theme's image at `rect` on the desktop.
    fn theme_layer(
        &self,
        content: Arc<Content>,
        rect: Rectangle<i32, Logical>,
        area: Rectangle<i32, Logical>,
    ) -> Layer {
        let src = Rectangle::from_size(content.size.to_f64());
        let view = View { size: rect.size, src, transform: Transform::Normal, opaque: false, colour: None };
        let (element, damage) = (self.element.clone(), self.damage.snapshot());
        let dst = scene::on_output(rect, area);
        Layer { surface: None, content, view, dst, element, damage, opaque: false, rate: 0, pointer: true }
    }

    /// The theme's image in a buffer of `device`.
    fn theme_content(&mut self, device: &Device, image: &ThemeImage) -> Result<Arc<Content>, String> {
        let card = device.serial();
        let current = |of: &&ThemeContent| of.card == card && of.at_change == self.changes;
        if let Some(known) = self.contents.iter().find(current) {
            return Ok(known.content.clone());
        }
        self.contents.retain(|of| of.card != card);
        let (width, height) = (image.width as u32, image.height as u32);
        let target = crate::render::shown_target(device, width, height, DrmFourcc::Argb8888)?;
        let renderer = self.renderer.as_mut().ok_or("pixman is not available")?;
        let texture = upload(renderer, image)?;
        draw(renderer, &target, &Picture::whole(texture, image))?;
        self.damage.add([Rectangle::from_size(image.size().to_buffer(1, Transform::Normal))]);
        let content = Arc::new(Content::new(ContentParts {
            surface: SurfaceId::POINTER,
            serial: self.changes,
            source: PixelSource::Dmabuf(target),
            size: (image.width, image.height).into(),
            opaque: false,
            converted: false,
            acquire: Acquire::ready(),
            acquire_by: SyncMethod::Buffer,
            release: Release::none(),
            release_by: SyncMethod::Buffer,
            buffer: None,
        }));
        // Its acquire is known to be ready.
        content.advance().ok();
        self.contents.push(ThemeContent { card, at_change: self.changes, content: content.clone() });
        Ok(content)
    }

    /// The image in a buffer of `width` × `height` for a cursor plane of `device`, rendered again if
    /// it has changed. `None` if nothing is shown.
    pub fn for_plane(&mut self, device: &Device, width: u32, height: u32) -> Option<CursorImage> {
        self.check_alive();
        if self.is_hidden() {
            return None;
        }
        let (card, size) = (device.serial(), (width, height));
        let found = self.rendered.iter().position(|cursor| (cursor.card, cursor.size) == (card, size));
        let at = found.unwrap_or_else(|| {
            self.rendered.push(RenderedCursor { card, size, buffers: Vec::new(), shown: None, at_change: 0 });
            self.rendered.len() - 1
        });
        if self.rendered[at].at_change != self.changes {
            self.rendered[at].at_change = self.changes;
            let cursor = self.render(at, device);
            self.rendered[at].shown = cursor.unwrap_or_else(|error| {
                tracing::warn!("cursor: {error}");
                None
            });
        }
        self.rendered[at].shown.clone()
    }

    fn render(&mut self, at: usize, device: &Device) -> Result<Option<CursorImage>, String> {
        let Some(picture) = self.picture()? else { return Ok(None) };
        let cursor = &mut self.rendered[at];
        let (width, height) = cursor.size;
        cursor.shown = None;
        let free = cursor.buffers.iter().find(|target| Arc::strong_count(target) == 1).cloned();
        let target = match free {
            Some(target) => target,
            None => {
                let target = crate::render::shown_target(device, width, height, DrmFourcc::Argb8888)?;
                cursor.buffers.push(target.clone());
                target
            }
        };
        draw(self.renderer.as_mut().ok_or("pixman is not available")?, &target, &picture)?;
        Ok(Some(CursorImage { target, hotspot: picture.hotspot }))
    }

    /// The image to render for a cursor plane.
    fn picture(&mut self) -> Result<Option<Picture>, String> {
        let Some(renderer) = &mut self.renderer else { return Ok(None) };
        match &self.image {
            CursorImageStatus::Hidden => Ok(None),
            CursorImageStatus::Named(icon) => {
                let image = self.theme.image(*icon);
                let texture = upload(renderer, &image)?;
                Ok(Some(Picture::whole(texture, &image)))
            }
            CursorImageStatus::Surface(surface) => {
                let hotspot = hotspot(surface);
                with_states(surface, |states| {
                    let state = SurfaceState::of(states);
                    let Some(content) = state.current.clone() else { return Ok(None) };
                    let texture = match &content.source {
                        PixelSource::Shm(shm) => crate::render::shm::texture(renderer, None, shm, &mut Vec::new())?.0,
                        PixelSource::Dmabuf(imported) if content.is_ready() => {
                            renderer.import_dmabuf(imported.wl()?, None).map_err(|e| e.to_string())?
                        }
                        PixelSource::Dmabuf(_) => return Ok(None),
                    };
                    let View { src, transform, size, .. } = state.view;
                    Ok(Some(Picture { texture, src, transform, size, hotspot }))
                })
            }
        }
    }
}

impl Picture {
    /// All of `texture`, upright.
    fn whole(texture: PixmanTexture, image: &ThemeImage) -> Self {
        let src = Rectangle::from_size(texture.size().to_f64());
        Self { texture, src, transform: Transform::Normal, size: image.size(), hotspot: image.hotspot }
    }
}

/// Renders a picture into the top left corner of `target`; the rest of it is transparent.
fn draw(renderer: &mut PixmanRenderer, target: &Target, picture: &Picture) -> Result<(), String> {
    let mut dmabuf = target.wl()?.clone();
    let (width, height) = (target.dmabuf.width() as i32, target.dmabuf.height() as i32);
    let mut framebuffer = renderer.bind(&mut dmabuf).map_err(|e| e.to_string())?;
    let size = (width, height).into();
    let mut frame = renderer.render(&mut framebuffer, size, Transform::Normal).map_err(|e| e.to_string())?;
    frame.clear(Color32F::TRANSPARENT, &[Rectangle::from_size(size)]).map_err(|e| e.to_string())?;
    let dst: Rectangle<i32, Physical> = Rectangle::from_size((picture.size.w, picture.size.h).into());
    let damage = [Rectangle::from_size(dst.size)];
    frame
        .render_texture_from_to(&picture.texture, picture.src, dst, &damage, &[], picture.transform, 1.0)
        .map_err(|e| e.to_string())?;
    frame.finish().map_err(|e| e.to_string())?.wait().map_err(|e| e.to_string())
}

fn upload(renderer: &mut PixmanRenderer, image: &ThemeImage) -> Result<PixmanTexture, String> {
    renderer
        .import_memory(&image.pixels, DrmFourcc::Argb8888, (image.width, image.height).into(), false)
        .map_err(|e| e.to_string())
}

/// Calls `f` with the hotspot of a surface that is a cursor image.
fn with_hotspot<T>(surface: &WlSurface, f: impl FnOnce(&mut Point<i32, Logical>) -> T) -> Option<T> {
    with_states(surface, |states| {
        let mut data = states.data_map.get::<CursorImageSurfaceData>()?.lock().ok()?;
        Some(f(&mut data.hotspot))
    })
}

fn hotspot(surface: &WlSurface) -> Point<i32, Logical> {
    with_hotspot(surface, |hotspot| *hotspot).unwrap_or_default()
}
