//! One render pass: draws what the layers show in a region of a target, and touches nothing else.
//!
//! [`crate::render::damage`] decides which region that is, and [`crate::render::split`] which layer
//! shows what of it. Only layers that show something are visited.

use std::sync::Arc;

use fence::SyncFile;
use kms::Rect;
use smallvec::SmallVec;
use smithay::{
    backend::renderer::{Color32F, Frame as _, ImportDma, ImportMem, Texture, sync::SyncPoint, utils::DamageSet},
    reexports::pixman::{Box32, Region32},
    utils::{Physical, Point, Rectangle, Transform},
};

use crate::{
    config::Colour,
    render::{
        Layer, Target,
        bind::{BindTarget, Drawable, Place},
        client_fence::ClientFence,
        damage::Tracker,
        fault,
        layer::{PassLayers, PassRole},
        read_path::{self, ReadContext, Sampled},
        readiness::{self, StandIn, Unready},
        shm,
        split::{Part, Usable, extents, split},
        textures::{KnownTexture, LastCopy, Textures},
        wait,
    },
    surface::{buffer::PixelSource, content::Content},
};

/// The result of a render pass.
#[derive(Debug)]
pub struct Pass {
    /// Signals when the GPU has finished; the caller owns it. `None`: rendering is already
    /// finished.
    pub fence: Option<SyncFile>,
    /// The layers that it was to composite and did not read, because fences are pending.
    pub unready: Unready,
    /// What it has read in their places.
    pub stood_in: SmallVec<[Arc<Content>; 2]>,
    /// Why the target is undefined, for the log. The renderer may have begun nevertheless, and reads
    /// until `fence` signals.
    pub failed: Option<String>,
}

impl Pass {
    /// A pass that has read everything.
    fn complete(fence: Option<SyncFile>) -> Self {
        Self { fence, unready: Unready::new(), stood_in: SmallVec::new(), failed: None }
    }
}

/// Composites the layers of `pass` into a target that was rendered `age` passes of `tracker` ago;
/// 0: never. Appends the repainted rectangles, in pixels of the target, to `drawn`. Error, for the
/// log: nothing was begun, and the target is undefined.
#[expect(clippy::too_many_arguments, reason = "one function for both types of renderers")]
pub fn draw<R>(
    renderer: &mut R,
    textures: &mut Textures<R::TextureId>,
    mut context: ReadContext<'_>,
    target: &Target,
    age: usize,
    tracker: &mut Tracker,
    pass: &PassLayers<'_>,
    background: Colour,
    drawn: &mut Vec<Rect>,
) -> Result<Pass, String>
where
    R: BindTarget + ImportDma + ImportMem,
    R::TextureId: Texture + Clone + 'static,
{
    let layers = pass.layers;
    let region = tracker.begin(age, pass, background);
    drawn.extend(region.rectangles().iter().map(rect));
    release_copied(renderer, textures, &mut context, pass, tracker);
    if !region.is_non_empty() {
        tracker.read.clear();
        return Ok(Pass::complete(fault::fence()));
    }
    let bounds = std::mem::take(&mut tracker.bounds);
    let unready = readiness::unready(pass, (&region, &bounds), textures, context.waits);
    let stand_ins = unready.iter().map(|at| (*at, readiness::stand_in(&layers[*at], pass.last, textures)));
    let mut drawn_layers = Drawn { pass, stand_ins: stand_ins.collect() };
    let mut parts = std::mem::take(&mut tracker.parts);
    let usable = |at: usize| {
        if pass.role(at) == PassRole::Hole {
            return Some(Usable { opaque: true, wait: None });
        }
        if drawn_layers.stand_in(at).is_none() {
            match sampled(renderer, textures, &mut context, &layers[at]) {
                Image::Current(wait) => return Some(Usable { opaque: layers[at].opaque, wait }),
                Image::None => {
                    tracker.missed(at);
                    return None;
                }
                Image::NotYet => {
                    let stand_in = readiness::stand_in(&layers[at], pass.last, textures);
                    drawn_layers.stand_ins.push((at, stand_in));
                }
            }
        }
        match drawn_layers.stand_in(at)? {
            StandIn::Picture(picture) => match sampled(renderer, textures, &mut context, picture) {
                Image::Current(wait) => Some(Usable { opaque: picture.opaque, wait }),
                Image::NotYet | Image::None => None,
            },
            StandIn::Copy => Some(Usable { opaque: layers[at].opaque, wait: None }),
            StandIn::Nothing => None,
        }
    };
    let (below, visited) = split(region, &bounds, |at| layers[at].dst, usable, &mut parts);
    tracker.bounds = bounds;
    tracker.visited += visited;
    let painted = paint(renderer, textures, target, tracker, &drawn_layers, background, &below, &mut parts);
    let painted = painted.map(|painted| Painted { fence: fault::fence().or(painted.fence), ..painted });
    tracker.read.clear();
    tracker.read.extend(parts.iter().map(|part| part.layer).filter(|at| pass.role(*at) == PassRole::Composited));
    if let Ok(Painted { fence, .. }) = &painted {
        context.others.read(parts.iter().map(|part| layers[part.layer].content.surface), fence.as_ref());
    }
    parts.clear();
    tracker.parts = parts;
    drawn_layers.stand_ins.iter().for_each(|(at, _)| tracker.missed(*at));
    let Painted { fence, failed } = painted?;
    if drawn_layers.stand_ins.is_empty() {
        return Ok(Pass { failed, ..Pass::complete(fence) });
    }
    let unready = drawn_layers.stand_ins.iter().map(|(at, _)| *at).collect();
    let stood_in = drawn_layers.stand_ins.into_iter().filter_map(|(_, stand_in)| match stand_in {
        StandIn::Picture(layer) => Some(layer.content),
        StandIn::Copy | StandIn::Nothing => None,
    });
    Ok(Pass { fence, unready, stood_in: stood_in.collect(), failed })
}

/// What has become of the drawing of a pass.
struct Painted {
    /// See [`Pass::fence`].
    fence: Option<SyncFile>,
    /// See [`Pass::failed`].
    failed: Option<String>,
}

/// The layers of a pass as they are drawn.
struct Drawn<'a> {
    pass: &'a PassLayers<'a>,
    /// What stands in for the layers that may not be read.
    stand_ins: SmallVec<[(usize, StandIn); 2]>,
}

impl Drawn<'_> {
    fn stand_in(&self, at: usize) -> Option<&StandIn> {
        self.stand_ins.iter().find(|(of, _)| *of == at).map(|(_, stand_in)| stand_in)
    }

    fn layer(&self, at: usize) -> &Layer {
        match self.stand_in(at) {
            Some(StandIn::Picture(layer)) => layer,
            _ => &self.pass.layers[at],
        }
    }
}

/// Draws the background and the parts, the last one first. Error, for the log: nothing was begun.
#[expect(clippy::too_many_arguments, reason = "the arguments of `draw`, and the parts")]
fn paint<R>(
    renderer: &mut R,
    textures: &Textures<R::TextureId>,
    target: &Target,
    tracker: &mut Tracker,
    layers: &Drawn<'_>,
    background: Colour,
    below: &Region32,
    parts: &mut [Part],
) -> Result<Painted, String>
where
    R: BindTarget,
{
    let failed = |e: R::Error| format!("rendering: {e}");
    let faded = fadeable(renderer, textures, layers, parts);
    let mut drawable = Drawable::of(target)?;
    let mut framebuffer = renderer.bind_target(&mut drawable).map_err(|e| format!("binding the render target: {e}"))?;
    let mut frame = renderer.render(&mut framebuffer, tracker.size, Transform::Normal).map_err(failed)?;
    let painted = paint_parts::<R>(&mut frame, (textures, &faded), target, tracker, layers, background, below, parts);
    // What was submitted before an error reads the clients' buffers, too.
    let sync = frame.finish().map_err(failed)?;
    let fence = match sync.is_reached() {
        true => None,
        false => match sync.export() {
            Some(fd) => Some(SyncFile::unchecked(fd)),
            // A GPU without native fences: waiting here is the only correct way. The log says so
            // once, at the start.
            None => wait::await_pass(&sync).map(|()| None)?,
        },
    };
    Ok(Painted { fence, failed: painted.map_err(failed).err() })
}

/// What takes the places of some layers' textures, where it is drawn, by the index of the layer.
type Faded<T> = SmallVec<[(usize, T, Rectangle<i32, Physical>); 2]>;

/// Other textures for the layers that the renderer could not fade as they are.
fn fadeable<R>(
    renderer: &mut R,
    textures: &Textures<R::TextureId>,
    layers: &Drawn<'_>,
    parts: &[Part],
) -> Faded<R::TextureId>
where
    R: BindTarget,
{
    let mut faded = Faded::new();
    for Part { layer: at, region, .. } in parts {
        let layer = layers.layer(*at);
        let fades = !layer.view.factor.is_one() && !layer.view.factor.is_zero();
        let Some(known) = textures.get(&layer.content.surface).filter(|_| fades) else { continue };
        let place = Place { src: layer.view.src, dst: layer.dst, transform: layer.transform() };
        let area = extents(region);
        match renderer.fadeable(&known.texture, &place, area) {
            Ok(copy) => faded.extend(copy.map(|copy| (*at, copy, area))),
            Err(error) => tracing::debug!("surface {}: {error}", layer.content.surface),
        }
    }
    faded
}

/// The commands of [`paint`]; after an error the rest of them is missing.
#[expect(clippy::too_many_arguments, reason = "the arguments of `paint`")]
fn paint_parts<R>(
    frame: &mut R::Frame<'_, '_>,
    (textures, faded): (&Textures<R::TextureId>, &Faded<R::TextureId>),
    target: &Target,
    tracker: &mut Tracker,
    layers: &Drawn<'_>,
    background: Colour,
    below: &Region32,
    parts: &mut [Part],
) -> Result<(), R::Error>
where
    R: BindTarget,
{
    let rects = &mut tracker.rects;
    if below.is_non_empty() {
        relative(below, Point::default(), rects);
        let [r, g, b] = background.0.map(|byte| f32::from(byte) / 255.0);
        frame.clear(Color32F::new(r, g, b, 1.0), rects)?;
    }
    for part in parts.iter_mut().rev() {
        let layer = layers.layer(part.layer);
        if layers.pass.role(part.layer) == PassRole::Hole {
            relative(&part.region, Point::default(), rects);
            frame.clear(Color32F::TRANSPARENT, rects)?;
            continue;
        }
        if layer.view.factor.is_zero() {
            continue;
        }
        if let PixelSource::Solid(solid) = &layer.content.source {
            relative(&part.region, layer.dst.loc, rects);
            frame.draw_solid(layer.dst, rects, solid.colour(layer.view.factor))?;
            continue;
        }
        let Some(known) = textures.get(&layer.content.surface) else { continue };
        if let Some(wait) = part.wait.take() {
            frame.wait(&SyncPoint::from(ClientFence::new(wait)))?;
        }
        let drawn = match faded.iter().find(|(of, ..)| *of == part.layer) {
            Some((_, copy, area)) => {
                relative(&part.region, area.loc, rects);
                let (src, alpha) = (Rectangle::from_size(copy.size().to_f64()), layer.view.factor.as_f32());
                frame.render_texture_from_to(copy, src, *area, rects, &[], Transform::Normal, alpha)
            }
            None => {
                relative(&part.region, layer.dst.loc, rects);
                R::draw_layer(frame, (target, tracker.size), &known.texture, layer, rects)
            }
        };
        // One client's odd scale must not cost the others their frame.
        if let Err(error) = drawn {
            tracing::debug!("surface {} cannot be drawn: {error}", layer.content.surface);
        }
    }
    Ok(())
}

/// Fills `rects` with the rectangles of a region, relative to `origin`.
fn relative(region: &Region32, origin: Point<i32, Physical>, rects: &mut Vec<Rectangle<i32, Physical>>) {
    rects.clear();
    rects.extend(
        region
            .rectangles()
            .iter()
            .map(|b| Rectangle::new(Point::from((b.x1, b.y1)) - origin, (b.x2 - b.x1, b.y2 - b.y1).into())),
    );
}

fn rect(b: &Box32) -> Rect {
    Rect::new(b.x1, b.y1, (b.x2 - b.x1) as u32, (b.y2 - b.y1) as u32)
}

/// Copies the new `wl_shm` contents, whether or not they are visible in this pass: their clients
/// get the buffers back with the copy.
fn release_copied<R>(
    renderer: &mut R,
    textures: &mut Textures<R::TextureId>,
    context: &mut ReadContext<'_>,
    pass: &PassLayers<'_>,
    tracker: &mut Tracker,
) where
    R: ImportDma + ImportMem,
    R::TextureId: Clone,
{
    let mut copy = |at: usize| {
        let layer = &pass.layers[at];
        if pass.role(at) == PassRole::Composited
            && matches!(layer.content.source, PixelSource::Shm(_))
            && !matches!(sampled(renderer, textures, context, layer), Image::Current(_))
        {
            tracker.missed(at);
        }
    };
    match pass.changed {
        Some(changed) => changed.iter().copied().for_each(copy),
        None => (0..pass.layers.len()).for_each(&mut copy),
    }
}

/// Whether a layer can be drawn.
enum Image {
    /// Its texture is current, once this fence has signalled.
    Current(Option<SyncFile>),
    /// The CPU must not read its content yet.
    NotYet,
    /// It cannot be drawn.
    None,
}

/// Makes the texture of a layer current.
fn sampled<R>(
    renderer: &mut R,
    textures: &mut Textures<R::TextureId>,
    context: &mut ReadContext<'_>,
    layer: &Layer,
) -> Image
where
    R: ImportDma + ImportMem,
    R::TextureId: Clone,
{
    match update(renderer, textures, context, layer) {
        Ok(Update::Current(Some(copied))) => Image::Current(Some(copied)),
        Ok(Update::Current(None)) => match layer.content.pending_fence() {
            Ok(own) => Image::Current(own),
            // Without a descriptor for its fence the layer would be read too early.
            Err(error) => {
                tracing::debug!("surface {}: its acquire fence: {error}", layer.content.surface);
                Image::None
            }
        },
        Ok(Update::NotYet) => Image::NotYet,
        // One client's bad buffer must not cost the others their frame.
        Err(error) => {
            tracing::warn!("surface {} cannot be composited: {error}", layer.content.surface);
            Image::None
        }
    }
}

/// What the texture of a layer shows.
enum Update {
    /// The current content; with the fence of the copy, if another GPU makes one.
    Current(Option<SyncFile>),
    /// What it did: the CPU must not read the current content yet.
    NotYet,
}

/// Makes the texture of a layer current. Error, for the log: there is none.
fn update<R>(
    renderer: &mut R,
    textures: &mut Textures<R::TextureId>,
    context: &mut ReadContext<'_>,
    layer: &Layer,
) -> Result<Update, String>
where
    R: ImportDma + ImportMem,
    R::TextureId: Clone,
{
    let content = &layer.content;
    let commit = layer.damage.current_commit();
    let (known, colour) = (textures.get(&content.surface), layer.view.colour);
    if known.is_some_and(|known| known.shows(content, colour)) {
        return Ok(Update::Current(None));
    }
    let last = known.and_then(|known| {
        let damage = layer.damage.damage_since(known.commit);
        let damage = damage.unwrap_or_else(|| DamageSet::from_slice(&[Rectangle::from_size(content.source.size())]));
        Some(LastCopy { texture: &known.texture, format: known.copy?, damage })
    });
    let Sampled { texture, copy, in_place, wait } = match &content.source {
        PixelSource::Dmabuf(imported) => match read_path::texture(renderer, context, layer, imported, last)? {
            Some(sampled) => sampled,
            None => return Ok(Update::NotYet),
        },
        PixelSource::Shm(shm) => {
            let (texture, copy) = shm::texture(renderer, last.as_ref(), shm, context.packed)?;
            content.copied();
            Sampled { texture, copy: Some(copy), in_place: false, wait: None }
        }
        PixelSource::Solid(_) => {
            // It is filled; a copy of what was there before is of no more use.
            textures.remove(&content.surface);
            return Ok(Update::Current(None));
        }
    };
    let copy = copy.filter(|_| !layer.is_older());
    let known = KnownTexture { serial: content.serial, commit, colour, copy, in_place, texture };
    match textures.get_mut(&content.surface) {
        Some(last) => **last = known,
        None => drop(textures.insert(content.surface, Box::new(known))),
    }
    Ok(Update::Current(wait))
}
