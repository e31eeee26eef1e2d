//! The buffers with the pointer's image: for cursor planes, and for layers of the scene.
//!
//! A buffer is rendered when the image changes. Nothing here decides what the image is, or where it
//! is shown.

use std::sync::Arc;

use drm_fourcc::DrmFourcc;
use fence::{Acquire, Release};
use kms::Device;
use protocols::alpha_modifier::Factor;
use smithay::{
    backend::renderer::{
        Color32F, Frame, ImportDma, ImportMem, Renderer as _, Texture,
        pixman::{PixmanRenderer, PixmanTexture},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Buffer, Logical, Physical, Point, Rectangle, Size, Transform},
    wayland::compositor::with_states,
};

use crate::{
    desktop::theme::ThemeImage,
    render::{
        CursorImage, Layer, Screen, Target,
        bind::{BindTarget, Drawable, Place},
        layer::Shows,
        readiness,
    },
    surface::{
        SurfaceState,
        buffer::PixelSource,
        content::{Content, ContentParts, SyncMethod},
        damage::DamageHistory,
        solid::Solid,
        transform,
        view::View,
    },
    system::{id::SurfaceId, scale::Scale},
};

/// The most images for planes that are kept when another one is made, but for those that are current.
const MOST_RENDERED: usize = 16;

/// The buffers of all cards.
pub struct CursorBuffers {
    /// `None`: pixman is not available.
    renderer: Option<PixmanRenderer>,
    rendered: Vec<RenderedCursor>,
    /// The number of the change whose image could not be rendered for a plane.
    not_on_plane: Option<u64>,
    /// The client's image that could not be read, because its dma-buf carries a pending fence.
    unready: Option<Arc<Content>>,
    /// The theme's image as content of a layer, one for each card and scale.
    contents: Vec<ThemeContent>,
    /// The damage of the theme's image.
    damage: DamageHistory,
}

/// What the image is.
pub enum ImageSource<'a> {
    Theme(Arc<ThemeImage>),
    /// A client's surface, and its hotspot.
    Surface(&'a WlSurface, Point<i32, Logical>),
}

/// The cursor image for the cursor planes of one card and one size, on outputs that show it alike.
#[derive(Debug)]
struct RenderedCursor {
    card: kms::CardSerial,
    size: (u32, u32),
    look: Look,
    buffers: Vec<Arc<Target>>,
    /// The buffer rendered last, with its hotspot.
    shown: Option<CursorImage>,
    /// The number of the change of the image at that time.
    at_change: u64,
}

/// How outputs show an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// How they are turned.
    pub transform: Transform,
    pub scale: Scale,
}

impl Look {
    /// That of an output.
    pub fn of(screen: &Screen) -> Self {
        Self { transform: screen.transform, scale: screen.scale }
    }
}

/// The theme's image as a layer of one card's outputs of one scale shows it.
#[derive(Debug)]
struct ThemeContent {
    card: kms::CardSerial,
    scale: Scale,
    /// The number of the change of the image when it was rendered.
    at_change: u64,
    content: Arc<Content>,
}

/// What is rendered into a buffer of the pointer: an image, the part of it that is shown, how it is
/// rotated, and size and hotspot in upright pixels of the output.
struct Picture {
    image: Image,
    src: Rectangle<f64, Buffer>,
    transform: Transform,
    size: Size<i32, Physical>,
    hotspot: Point<i32, Physical>,
    /// By what its alpha is multiplied.
    factor: Factor,
}

/// The pixels of a picture.
enum Image {
    Texture(PixmanTexture),
    Solid(Arc<Solid>),
}

impl Default for CursorBuffers {
    fn default() -> Self {
        Self {
            renderer: PixmanRenderer::new().ok(),
            rendered: Vec::new(),
            not_on_plane: None,
            unready: None,
            contents: Vec::new(),
            damage: DamageHistory::default(),
        }
    }
}

impl CursorBuffers {
    /// Whether the image of this change cannot be rendered for a cursor plane: it is shown as a
    /// layer instead.
    pub fn is_layer_only(&self, changes: u64) -> bool {
        self.not_on_plane == Some(changes)
    }

    /// A card is gone: drops its buffers.
    pub fn forget(&mut self, card: kms::CardSerial) {
        self.rendered.retain(|cursor| cursor.card != card);
        self.contents.retain(|content| content.card != card);
        // The renderer has these buffers mapped.
        self.clean_up();
    }

    /// The displays are others, or shown otherwise: drops the images for those that no output is like.
    pub fn keep(&mut self, is_there: impl Fn(kms::CardSerial, Look) -> bool) {
        let before = self.rendered.len();
        self.rendered.retain(|cursor| is_there(cursor.card, cursor.look));
        if self.rendered.len() != before {
            self.clean_up();
        }
    }

    /// Drops the mappings of buffers that are destroyed.
    pub fn clean_up(&mut self) {
        if let Some(renderer) = &mut self.renderer {
            renderer.cleanup_texture_cache().ok();
        }
    }

    /// The layer of the theme's image for outputs of `device` with this scale, on none of them yet. `changes`: the
    /// number of changes of the image so far. Error, for the log: there is no buffer for it.
    pub fn theme_layer(
        &mut self,
        (device, scale): (&Device, Scale),
        image: &ThemeImage,
        changes: u64,
    ) -> Result<Layer, String> {
        let content = self.theme_content((device, scale), image, changes)?;
        let src = Rectangle::from_size(content.source.size().to_f64());
        let view = View { src, ..View::default() }.of_size(image.size());
        let (damage, dst) = (self.damage.clone(), Rectangle::default());
        let (surface, output, opaque, rate, pointer) = (None, Transform::Normal, false, 0, true);
        let shows = Shows::Whole;
        Ok(Layer { surface, content, view, dst, output, damage, opaque, rate, pointer, shows })
    }

    /// The theme's image in a buffer of `device`.
    fn theme_content(
        &mut self,
        (device, scale): (&Device, Scale),
        image: &ThemeImage,
        changes: u64,
    ) -> Result<Arc<Content>, String> {
        let card = device.serial();
        let current = |of: &&ThemeContent| (of.card, of.scale, of.at_change) == (card, scale, changes);
        if let Some(known) = self.contents.iter().find(current) {
            return Ok(known.content.clone());
        }
        // Those of other scales are not made anew as long as the image is the same.
        self.contents.retain(|of| of.card != card || of.scale != scale && of.at_change == changes);
        let (width, height) = (image.width as u32, image.height as u32);
        let target = crate::render::shown_target(device, (width, height), DrmFourcc::Argb8888, false)?;
        let renderer = self.renderer.as_mut().ok_or("pixman is not available")?;
        let texture = upload(renderer, image)?;
        draw(renderer, &target, &Picture::whole(texture, image), Transform::Normal)?;
        self.damage.add([Rectangle::from_size((image.width, image.height).into())]);
        let content = Arc::new(Content::new(ContentParts {
            surface: SurfaceId::POINTER,
            serial: changes,
            committed_at: 0,
            source: PixelSource::Dmabuf(target),
            opaque: false,
            converted: false,
            ends: Some((Acquire::ready(), Release::none())),
            acquire_by: SyncMethod::Buffer,
            release_by: SyncMethod::Buffer,
            buffer: None,
            callbacks: None,
        }));
        // Its acquire is known to be ready.
        content.advance().ok();
        self.contents.push(ThemeContent { card, scale, at_change: changes, content: content.clone() });
        Ok(content)
    }

    /// The client's image that the last call of [`CursorBuffers::for_plane`] could not read.
    pub fn take_unready(&mut self) -> Option<Arc<Content>> {
        self.unready.take()
    }

    /// The image in a buffer of this size for a cursor plane of `device`, on an output that shows it with this
    /// look; rendered again if `changes` is not what it was. `None`: there is nothing to show.
    pub fn for_plane(
        &mut self,
        device: &Device,
        (size, look): ((u32, u32), Look),
        source: &ImageSource<'_>,
        changes: u64,
    ) -> Option<CursorImage> {
        let card = device.serial();
        let fits = |of: &RenderedCursor| (of.card, of.size, of.look) == (card, size, look);
        let at = self.rendered.iter().position(fits).unwrap_or_else(|| {
            let buffers = Vec::new();
            if self.rendered.len() >= MOST_RENDERED {
                // They are for looks that outputs have had.
                self.rendered.retain(|of| of.at_change == changes);
            }
            self.rendered.push(RenderedCursor { card, size, look, buffers, shown: None, at_change: 0 });
            self.rendered.len() - 1
        });
        if self.rendered[at].at_change != changes {
            match self.render(at, device, source) {
                Ok(Some(shown)) => {
                    self.rendered[at].at_change = changes;
                    self.rendered[at].shown = Some(shown);
                }
                // It is not there yet: the former image stays, and the next frame looks again.
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!("cursor: no buffer for a plane: {error}");
                    self.not_on_plane = Some(changes);
                }
            }
        }
        self.rendered[at].shown.clone()
    }

    fn render(&mut self, at: usize, device: &Device, source: &ImageSource<'_>) -> Result<Option<CursorImage>, String> {
        let Some(picture) = self.picture(source, self.rendered[at].look.scale)? else { return Ok(None) };
        let cursor = &mut self.rendered[at];
        let ((width, height), turn) = (cursor.size, cursor.look.transform);
        cursor.shown = None;
        let free = cursor.buffers.iter().find(|target| Arc::strong_count(target) == 1).cloned();
        let target = match free {
            Some(target) => target,
            None => {
                let target = crate::render::shown_target(device, (width, height), DrmFourcc::Argb8888, false)?;
                cursor.buffers.push(target.clone());
                target
            }
        };
        draw(self.renderer.as_mut().ok_or("pixman is not available")?, &target, &picture, turn)?;
        let Picture { size, hotspot, .. } = picture;
        let pixel = Rectangle::new(hotspot, (1, 1).into());
        let hot_pixel = transform::turned::<_, _, Physical>(turn, pixel, size).loc;
        Ok(Some(CursorImage { target, size, hotspot, hot_pixel }))
    }

    /// The image to render for a cursor plane of an output with this scale.
    fn picture(&mut self, source: &ImageSource<'_>, scale: Scale) -> Result<Option<Picture>, String> {
        let Some(renderer) = &mut self.renderer else { return Ok(None) };
        match source {
            ImageSource::Theme(image) => {
                let texture = upload(renderer, image)?;
                Ok(Some(Picture::whole(texture, image)))
            }
            ImageSource::Surface(surface, hotspot) => with_states(surface, |states| {
                let state = SurfaceState::of(states);
                let Some(content) = state.current.clone() else { return Ok(None) };
                let image = match &content.source {
                    PixelSource::Shm(shm) if content.is_released() && !shm.is_copy() => {
                        return Err("its client has got the buffer back".to_owned());
                    }
                    PixelSource::Shm(shm) => {
                        Image::Texture(crate::render::shm::texture(renderer, None, shm, &mut Vec::new())?.0)
                    }
                    PixelSource::Solid(solid) => Image::Solid(solid.clone()),
                    PixelSource::Dmabuf(imported) if readiness::is_readable(&content) => {
                        Image::Texture(renderer.import_dmabuf(&imported.wl()?, None).map_err(|e| e.to_string())?)
                    }
                    PixelSource::Dmabuf(_) => {
                        self.unready = Some(content.clone());
                        return Ok(None);
                    }
                };
                let View { src, transform, factor, .. } = state.view;
                let size = state.view.pixels(scale);
                let hotspot = (scale.pixels(hotspot.x), scale.pixels(hotspot.y)).into();
                // Another texture is drawn where the renderer cannot fade this one.
                let image = match image {
                    Image::Texture(texture) if !factor.is_one() => {
                        let place = Place::whole(texture.size());
                        let area = place.dst;
                        Image::Texture(renderer.fadeable(&texture, &place, area)?.unwrap_or(texture))
                    }
                    image => image,
                };
                Ok(Some(Picture { image, src, transform, size, hotspot, factor }))
            }),
        }
    }
}

impl Picture {
    /// All of `texture`, upright.
    fn whole(texture: PixmanTexture, of: &ThemeImage) -> Self {
        let src = Rectangle::from_size(texture.size().to_f64());
        let image = Image::Texture(texture);
        let (transform, factor) = (Transform::Normal, Factor::default());
        Self { image, src, transform, size: of.size(), hotspot: of.hotspot, factor }
    }
}

/// Renders a picture, turned by `turn`, into the top left corner of `target`; the rest of it is
/// transparent.
fn draw(renderer: &mut PixmanRenderer, target: &Target, picture: &Picture, turn: Transform) -> Result<(), String> {
    let mut drawable = Drawable::of(target)?;
    let (width, height) = (target.dmabuf.width() as i32, target.dmabuf.height() as i32);
    let mut framebuffer = renderer.bind_target(&mut drawable)?;
    let size = (width, height).into();
    let mut frame = renderer.render(&mut framebuffer, size, Transform::Normal).map_err(|e| e.to_string())?;
    frame.clear(Color32F::TRANSPARENT, &[Rectangle::from_size(size)]).map_err(|e| e.to_string())?;
    let dst = Rectangle::from_size(turn.transform_size(picture.size));
    let transform = transform::then(transform::reverse(turn), picture.transform);
    let damage = [Rectangle::from_size(dst.size)];
    match &picture.image {
        Image::Texture(texture) => {
            let alpha = picture.factor.as_f32();
            frame.render_texture_from_to(texture, picture.src, dst, &damage, &[], transform, alpha)
        }
        Image::Solid(solid) => frame.draw_solid(dst, &damage, solid.colour(picture.factor)),
    }
    .map_err(|e| e.to_string())?;
    // The CPU is done when it says so: there is nothing to wait for.
    frame.finish().map(drop).map_err(|e| e.to_string())
}

fn upload(renderer: &mut PixmanRenderer, image: &ThemeImage) -> Result<PixmanTexture, String> {
    renderer
        .import_memory(&image.pixels, DrmFourcc::Argb8888, (image.width, image.height).into(), false)
        .map_err(|e| e.to_string())
}
