//! The cursor image: an image of the theme or a client's surface, rendered into a buffer for the
//! cursor plane.
//!
//! The buffer is rendered when the image changes, not when the pointer moves. An image larger than
//! the plane is cropped. On a device without a cursor plane the cursor is a layer of the scene.

use std::{io::Read, sync::Arc};

use drm_fourcc::DrmFourcc;
use kms::Device;
use smithay::{
    backend::renderer::{
        Bind, Color32F, Frame, ImportDma, ImportMem, Renderer as _, Texture,
        pixman::{PixmanRenderer, PixmanTexture},
    },
    input::pointer::{CursorIcon, CursorImageStatus, CursorImageSurfaceData},
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Physical, Point, Rectangle, Transform},
    wayland::compositor::with_states,
};

use crate::{
    config,
    render::{CursorImage, Target},
    surface::{SurfaceState, buffer::PixelSource},
};

/// The state of the cursor.
pub struct Cursor {
    image: CursorImageStatus,
    drag_icon: Option<WlSurface>,
    theme: xcursor::CursorTheme,
    size: u32,
    renderer: Option<PixmanRenderer>,
    rendered: Vec<RenderedCursor>,
    /// The number of changes of the image so far.
    changes: u64,
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

/// A texture of the cursor with its hotspot.
type CursorTexture = (PixmanTexture, Point<i32, Logical>);

impl Cursor {
    /// Images of the theme are loaded when they are needed. A theme that is not installed is
    /// replaced by a built-in arrow.
    pub fn new(config: &config::CursorConfig) -> Self {
        Self {
            image: CursorImageStatus::default_named(),
            drag_icon: None,
            theme: xcursor::CursorTheme::load(&config.theme),
            size: config.size.clamp(8, 256),
            renderer: PixmanRenderer::new().ok(),
            rendered: Vec::new(),
            changes: 1,
        }
    }

    /// Sets the image that the focused client or the compositor requests.
    pub fn set_image(&mut self, image: CursorImageStatus) {
        self.image = image;
        self.changes += 1;
    }

    /// Sets the surface that is dragged along with the pointer.
    pub fn set_drag_icon(&mut self, icon: Option<WlSurface>) {
        self.drag_icon = icon;
    }

    /// The surface of [`Cursor::set_drag_icon`], while it is alive.
    pub fn drag_icon(&self) -> Option<&WlSurface> {
        self.drag_icon.as_ref().filter(|icon| icon.is_alive())
    }

    /// The client's surface if it is the cursor image.
    pub fn surface(&self) -> Option<&WlSurface> {
        match &self.image {
            CursorImageStatus::Surface(surface) if surface.is_alive() => Some(surface),
            _ => None,
        }
    }

    /// A surface was committed; it may be the cursor image.
    pub fn surface_commit(&mut self, surface: &WlSurface) {
        if self.surface() == Some(surface) {
            self.changes += 1;
        }
    }

    /// A card is gone: drops its buffers.
    pub fn forget(&mut self, card: kms::CardSerial) {
        self.rendered.retain(|cursor| cursor.card != card);
        // The renderer has these buffers mapped.
        if let Some(renderer) = &mut self.renderer {
            renderer.cleanup_texture_cache().ok();
        }
    }

    /// The cursor image for a cursor plane of `device` (of `width` × `height`), rendered again if
    /// it has changed. `None` if nothing is shown.
    pub fn show(&mut self, device: &Device, width: u32, height: u32) -> Option<CursorImage> {
        if matches!(&self.image, CursorImageStatus::Surface(s) if !s.is_alive()) {
            self.set_image(CursorImageStatus::default_named());
        }
        if matches!(self.image, CursorImageStatus::Hidden) {
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
        let Some((texture, hotspot)) = self.texture()? else { return Ok(None) };
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
        let renderer = self.renderer.as_mut().ok_or("pixman is not available")?;
        let mut dmabuf = target.wl()?.clone();
        let mut framebuffer = renderer.bind(&mut dmabuf).map_err(|e| e.to_string())?;
        let size = (width as i32, height as i32).into();
        let all = Rectangle::from_size(size);
        let mut frame = renderer.render(&mut framebuffer, size, Transform::Normal).map_err(|e| e.to_string())?;
        frame.clear(Color32F::TRANSPARENT, &[all]).map_err(|e| e.to_string())?;
        let src = Rectangle::from_size(texture.size().to_f64());
        let dst: Rectangle<i32, Physical> =
            Rectangle::from_size((texture.width() as i32, texture.height() as i32).into());
        let damage = [Rectangle::from_size(dst.size)];
        frame
            .render_texture_from_to(&texture, src, dst, &damage, &[], Transform::Normal, 1.0)
            .map_err(|e| e.to_string())?;
        frame.finish().map_err(|e| e.to_string())?.wait().map_err(|e| e.to_string())?;
        Ok(Some(CursorImage { target, hotspot }))
    }

    fn texture(&mut self) -> Result<Option<CursorTexture>, String> {
        match &self.image {
            CursorImageStatus::Hidden => Ok(None),
            CursorImageStatus::Named(icon) => {
                let icon = *icon;
                self.theme_texture(icon).map(Some)
            }
            CursorImageStatus::Surface(surface) => {
                let Some(renderer) = &mut self.renderer else { return Ok(None) };
                with_states(surface, |states| {
                    let hotspot = states
                        .data_map
                        .get::<CursorImageSurfaceData>()
                        .and_then(|data| Some(data.lock().ok()?.hotspot))
                        .unwrap_or_default();
                    let Some(content) = SurfaceState::of(states).current.clone() else { return Ok(None) };
                    let texture = match &content.source {
                        PixelSource::Shm(shm) => {
                            let made = crate::render::shm::texture(renderer, None, shm, &mut Vec::new());
                            return made.map(|(texture, _)| Some((texture, hotspot)));
                        }
                        PixelSource::Dmabuf(imported) if content.is_ready() => {
                            renderer.import_dmabuf(imported.wl()?, None)
                        }
                        PixelSource::Dmabuf(_) => return Ok(None),
                    };
                    Ok(Some((texture.map_err(|e| e.to_string())?, hotspot)))
                })
            }
        }
    }

    fn theme_texture(&mut self, icon: CursorIcon) -> Result<CursorTexture, String> {
        let names = std::iter::once(icon.name()).chain(icon.alt_names().iter().copied()).chain(["left_ptr", "default"]);
        let path = names.into_iter().find_map(|name| self.theme.load_icon(name));
        let image = path.and_then(|path| {
            let mut bytes = Vec::new();
            std::fs::File::open(path).ok()?.read_to_end(&mut bytes).ok()?;
            let images = xcursor::parser::parse_xcursor(&bytes)?;
            images.into_iter().min_by_key(|image| image.size.abs_diff(self.size))
        });
        let (width, height, hotspot, pixels) = match image {
            Some(image) => {
                let hotspot = (image.xhot as i32, image.yhot as i32);
                // Despite the field's name these are the bytes of the file: little-endian ARGB
                // words.
                (image.width as i32, image.height as i32, hotspot, image.pixels_rgba)
            }
            None => (12, 16, (0, 0), arrow()),
        };
        let renderer = self.renderer.as_mut().ok_or("pixman is not available")?;
        let texture = renderer
            .import_memory(&pixels, DrmFourcc::Argb8888, (width, height).into(), false)
            .map_err(|e| e.to_string())?;
        Ok((texture, hotspot.into()))
    }
}

/// A plain arrow of 12 × 16 pixels, for machines without any cursor theme.
fn arrow() -> Vec<u8> {
    let mut pixels = vec![0; 12 * 16 * 4];
    for y in 0..16usize {
        let width = if y < 11 { y + 1 } else { 16 - y };
        for x in 0..width.min(12) {
            let edge = x == 0 || x + 1 == width || y == 15;
            let value = if edge { 0 } else { 255 };
            pixels[(y * 12 + x) * 4..][..4].copy_from_slice(&[value, value, value, 255]);
        }
    }
    pixels
}
