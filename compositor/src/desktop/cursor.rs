//! The pointer's picture: a theme's cursor or a client's surface, drawn into a buffer of the cursor plane.
//!
//! The buffer is redrawn when the picture changes, not when the pointer moves. A picture larger than the plane takes is
//! cut; a device without a cursor plane gets the pointer as a layer of the scene.

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

/// The cursor's state.
pub struct Cursor {
    image: CursorImageStatus,
    drag_icon: Option<WlSurface>,
    theme: xcursor::CursorTheme,
    size: u32,
    renderer: Option<PixmanRenderer>,
    pictures: Vec<Drawn>,
    /// Counts the changes of the picture.
    changes: u64,
}

/// The picture for the cursor planes of one card that have one size.
#[derive(Debug)]
struct Drawn {
    card: kms::CardSerial,
    size: (u32, u32),
    buffers: Vec<Arc<Target>>,
    /// The buffer drawn last, with its hotspot.
    shown: Option<CursorImage>,
    /// [`Cursor::changes`] then.
    of: u64,
}

/// A cursor's texture with its hotspot.
type CursorTexture = (PixmanTexture, Point<i32, Logical>);

impl Cursor {
    /// Loads the theme lazily; a theme that is not installed falls back to a built-in arrow.
    pub fn new(config: &config::CursorConfig) -> Self {
        Self {
            image: CursorImageStatus::default_named(),
            drag_icon: None,
            theme: xcursor::CursorTheme::load(&config.theme),
            size: config.size.clamp(8, 256),
            renderer: PixmanRenderer::new().ok(),
            pictures: Vec::new(),
            changes: 1,
        }
    }

    /// What the focused client, or we, want to be shown.
    pub fn set_image(&mut self, image: CursorImageStatus) {
        self.image = image;
        self.changes += 1;
    }

    /// The picture that is dragged along with the pointer.
    pub fn set_drag_icon(&mut self, icon: Option<WlSurface>) {
        self.drag_icon = icon;
    }

    /// See [`Cursor::set_drag_icon`].
    pub fn drag_icon(&self) -> Option<&WlSurface> {
        self.drag_icon.as_ref().filter(|icon| icon.is_alive())
    }

    /// The client's surface, if the cursor is one.
    pub fn surface(&self) -> Option<&WlSurface> {
        match &self.image {
            CursorImageStatus::Surface(surface) if surface.is_alive() => Some(surface),
            _ => None,
        }
    }

    /// A surface was committed; it may be ours.
    pub fn surface_commit(&mut self, surface: &WlSurface) {
        if self.surface() == Some(surface) {
            self.changes += 1;
        }
    }

    /// A card is gone, with its buffers.
    pub fn forget(&mut self, card: kms::CardSerial) {
        self.pictures.retain(|drawn| drawn.card != card);
        // It has them mapped.
        if let Some(renderer) = &mut self.renderer {
            renderer.cleanup_texture_cache().ok();
        }
    }

    /// What a cursor plane of `device` (of `width` × `height`) shows now; draws it if it changed. `None`: nothing.
    pub fn show(&mut self, device: &Device, width: u32, height: u32) -> Option<CursorImage> {
        if matches!(&self.image, CursorImageStatus::Surface(s) if !s.is_alive()) {
            self.set_image(CursorImageStatus::default_named());
        }
        if matches!(self.image, CursorImageStatus::Hidden) {
            return None;
        }
        let (card, size) = (device.serial(), (width, height));
        let found = self.pictures.iter().position(|drawn| (drawn.card, drawn.size) == (card, size));
        let at = found.unwrap_or_else(|| {
            self.pictures.push(Drawn { card, size, buffers: Vec::new(), shown: None, of: 0 });
            self.pictures.len() - 1
        });
        if self.pictures[at].of != self.changes {
            self.pictures[at].of = self.changes;
            let drawn = self.draw(at, device);
            self.pictures[at].shown = drawn.unwrap_or_else(|error| {
                tracing::warn!("cursor: {error}");
                None
            });
        }
        self.pictures[at].shown.clone()
    }

    fn draw(&mut self, at: usize, device: &Device) -> Result<Option<CursorImage>, String> {
        let Some((texture, hotspot)) = self.picture()? else { return Ok(None) };
        let drawn = &mut self.pictures[at];
        let (width, height) = drawn.size;
        drawn.shown = None;
        let free = drawn.buffers.iter().find(|target| Arc::strong_count(target) == 1).cloned();
        let target = match free {
            Some(target) => target,
            None => {
                let target = crate::render::shown_target(device, width, height, DrmFourcc::Argb8888)?;
                drawn.buffers.push(target.clone());
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

    fn picture(&mut self) -> Result<Option<CursorTexture>, String> {
        match &self.image {
            CursorImageStatus::Hidden => Ok(None),
            CursorImageStatus::Named(icon) => {
                let icon = *icon;
                self.themed(icon).map(Some)
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
                            let made = crate::render::shm::texture(renderer, None, shm, &[], &mut Vec::new());
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

    fn themed(&mut self, icon: CursorIcon) -> Result<CursorTexture, String> {
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
                // The field's name notwithstanding these are the file's bytes: little-endian ARGB words.
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
