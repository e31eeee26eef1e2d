//! A layer as an element of Smithay's damage tracker and renderers.
//!
//! It imports no buffer.

use std::os::fd::OwnedFd;

use smithay::{
    backend::renderer::{
        Color32F, Frame, Renderer, Texture,
        element::{Element, Id, RenderElement},
        sync::{Fence, Interrupted, SyncPoint},
        utils::{CommitCounter, DamageSet, DamageSnapshot, OpaqueRegions},
    },
    utils::{Buffer, Physical, Rectangle, Scale, Transform},
};

use crate::render::Layer;

/// A layer with its texture, or the hole for a layer that a plane below shows.
pub struct LayerElement<T> {
    /// `None`: a hole.
    texture: Option<T>,
    id: Id,
    src: Rectangle<f64, Buffer>,
    dst: Rectangle<i32, Physical>,
    transform: Transform,
    damage: DamageSnapshot<i32, Buffer>,
    opaque: bool,
    wait: Option<SyncPoint>,
}

impl<T> LayerElement<T> {
    /// The element of a composited layer. `copied`: the fence to wait for if `texture` is a copy;
    /// else the content's own acquire fence counts.
    pub fn new(layer: &Layer, texture: T, copied: Option<fence::SyncFile>) -> Self {
        let own = (copied.is_none() && !layer.content.is_ready())
            .then(|| layer.content.with_acquire(|a| a.fence().and_then(|f| f.try_clone().ok())))
            .flatten();
        let wait = copied.or(own).map(|file| SyncPoint::from(ClientFence(file)));
        Self {
            texture: Some(texture),
            id: layer.element.clone(),
            src: layer.view.src,
            dst: layer.dst,
            transform: layer.view.transform,
            damage: layer.damage.clone(),
            opaque: layer.opaque,
            wait,
        }
    }

    /// A transparent hole in the place of a layer that a plane below the composited buffer shows.
    pub fn hole(layer: &Layer) -> Self {
        Self {
            texture: None,
            // Not the layer's own id: becoming a hole changes all pixels, although the client has
            // changed none.
            id: layer.surface.as_ref().map_or_else(Id::new, Id::from_wayland_resource),
            src: Rectangle::default(),
            dst: layer.dst,
            transform: Transform::Normal,
            damage: DamageSnapshot::empty(),
            opaque: true,
            wait: None,
        }
    }
}

impl<T> Element for LayerElement<T> {
    fn id(&self) -> &Id {
        &self.id
    }

    fn current_commit(&self) -> CommitCounter {
        self.damage.current_commit()
    }

    fn src(&self) -> Rectangle<f64, Buffer> {
        self.src
    }

    fn transform(&self) -> Transform {
        self.transform
    }

    fn geometry(&self, _: Scale<f64>) -> Rectangle<i32, Physical> {
        self.dst
    }

    fn damage_since(&self, _: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        let all = || DamageSet::from_slice(&[Rectangle::from_size(self.dst.size)]);
        let Some(damage) = self.damage.damage_since(commit) else { return all() };
        // From buffer pixels to output pixels. Rotated buffers are rare, so they are damaged as a
        // whole.
        if self.transform != Transform::Normal || self.src.is_empty() {
            return if damage.is_empty() { DamageSet::default() } else { all() };
        }
        let (fx, fy) = (f64::from(self.dst.size.w) / self.src.size.w, f64::from(self.dst.size.h) / self.src.size.h);
        damage
            .iter()
            .filter_map(|rect| {
                let rect = rect.to_f64().intersection(self.src)?;
                let (x, y) = ((rect.loc.x - self.src.loc.x) * fx, (rect.loc.y - self.src.loc.y) * fy);
                let scaled: Rectangle<f64, Physical> =
                    Rectangle::new((x, y).into(), (rect.size.w * fx, rect.size.h * fy).into());
                // One more pixel on each side: scaling filters across the edge.
                let grow = if fx == 1.0 && fy == 1.0 { 0 } else { 1 };
                let mut rect = scaled.to_i32_up();
                rect.loc -= (grow, grow).into();
                rect.size += (2 * grow, 2 * grow).into();
                rect.intersection(Rectangle::from_size(self.dst.size))
            })
            .collect()
    }

    fn opaque_regions(&self, _: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        match self.opaque {
            true => OpaqueRegions::from_slice(&[Rectangle::from_size(self.dst.size)]),
            false => OpaqueRegions::default(),
        }
    }
}

impl<R, T> RenderElement<R> for LayerElement<T>
where
    R: Renderer<TextureId = T>,
    T: Texture,
{
    fn draw(
        &self,
        frame: &mut R::Frame<'_, '_>,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        opaque: &[Rectangle<i32, Physical>],
    ) -> Result<(), R::Error> {
        if let Some(wait) = &self.wait {
            frame.wait(wait)?;
        }
        let Some(texture) = &self.texture else {
            let within = |rect: &Rectangle<i32, Physical>| Rectangle::new(rect.loc + dst.loc, rect.size);
            let all: Vec<_> = damage.iter().map(within).collect();
            return frame.clear(Color32F::TRANSPARENT, &all);
        };
        frame.render_texture_from_to(texture, src, dst, damage, opaque, self.transform, 1.0)
    }
}

/// An acquire fence for the GPU to wait for.
#[derive(Debug)]
pub struct ClientFence(pub fence::SyncFile);

impl Fence for ClientFence {
    fn is_signaled(&self) -> bool {
        self.0.is_signalled()
    }

    fn wait(&self) -> Result<(), Interrupted> {
        // Reached only if the GPU refuses the fence: the CPU does not composite contents with
        // pending fences.
        if self.0.is_signalled() { Ok(()) } else { Err(Interrupted) }
    }

    fn is_exportable(&self) -> bool {
        true
    }

    fn export(&self) -> Option<OwnedFd> {
        self.0.try_clone().ok().map(fence::SyncFile::into_fd)
    }
}
