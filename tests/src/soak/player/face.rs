//! One surface of a client with its buffers: how they come, how they are synchronised, and when
//! they may be used again. Which role the surface has is its owner's business.

use std::os::fd::{AsFd, OwnedFd};

use drm_fourcc::{DrmFourcc, DrmModifier};
use fence::implicit::{Access, import};
use fence::{SyncDevice, SyncFile};
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::wp::linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::client::zwp_linux_surface_synchronization_v1::ZwpLinuxSurfaceSynchronizationV1;
use wayland_protocols::wp::viewporter::client::wp_viewport::WpViewport;

use super::fences::{Fences, Gate};
use crate::client::Client;
use crate::client::buffer::{Buffer, Source, allocate};
use crate::client::shm::{Memory, Place, memory};
use crate::client::sync::SharedTimeline;
use crate::error::{Error, Result};
use crate::soak::tally::{Deed, Tally};

/// Buffers of a surface.
const SLOTS: usize = 4;
/// Commits without a buffer while all of its buffers are in use.
const PATIENCE: u32 = 16;

/// How the compositor learns when a buffer may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Shared memory, at once.
    Shm,
    /// A dma-buf, by the fences in its memory, of which there may be some.
    Memory,
    /// A dma-buf with points of timelines.
    Points,
    /// A dma-buf with fences in messages.
    Messages,
}

impl Way {
    /// Any.
    pub fn any(rng: &mut fastrand::Rng) -> Way {
        [Way::Shm, Way::Shm, Way::Memory, Way::Points, Way::Points, Way::Messages][rng.usize(0..6)]
    }
}

struct Slot {
    buffer: Buffer,
    memory: Option<OwnedFd>,
    /// With points: acquire and release take turns on it.
    timeline: Option<SharedTimeline>,
    uses: u32,
    /// With messages: that of the newest release.
    release: Option<u64>,
}

/// What all surfaces of a client share.
pub struct Kit {
    /// Its connection.
    pub client: Client,
    /// Makes timelines.
    pub device: SyncDevice,
    /// Its choices.
    pub rng: fastrand::Rng,
    /// Its fences.
    pub fences: Fences,
    /// What it has done.
    pub tally: Tally,
}

/// A surface.
pub struct Face {
    /// The protocol's object.
    pub surface: WlSurface,
    way: Way,
    size: (u32, u32),
    slots: Vec<Slot>,
    /// Commits since it last had a free buffer.
    starved: u32,
    /// Its first picture comes at once: what has none is no parent of a popup.
    shown: bool,
    points: Option<WpLinuxDrmSyncobjSurfaceV1>,
    messages: Option<ZwpLinuxSurfaceSynchronizationV1>,
    viewport: Option<WpViewport>,
}

impl Face {
    /// Takes a surface, whose buffers will be of this size.
    pub fn new(kit: &mut Kit, surface: WlSurface, size: (u32, u32)) -> Result<Face> {
        let (way, qh) = (Way::any(&mut kit.rng), kit.client.qh());
        let bound = &kit.client.state.bound;
        let points = match way {
            Way::Points => Some(bound.syncobj()?.get_surface(&surface, &qh, ())),
            _ => None,
        };
        let messages = match way {
            Way::Messages => Some(bound.explicit_sync()?.get_synchronization(&surface, &qh, ())),
            _ => None,
        };
        Ok(Face { surface, way, size, slots: Vec::new(), starved: 0, shown: false, points, messages, viewport: None })
    }

    /// A new surface.
    pub fn create(kit: &mut Kit, size: (u32, u32)) -> Result<Face> {
        let surface = kit.client.state.bound.compositor()?.create_surface(&kit.client.qh(), ());
        Face::new(kit, surface, size)
    }

    /// Whether it should not commit again before it has a free buffer: what waits behind a fence is
    /// counted, and too much of it ends a client.
    pub fn must_wait(&mut self, kit: &mut Kit) -> Result<bool> {
        self.starved = if self.free(kit)?.is_some() { 0 } else { self.starved + 1 };
        Ok(self.starved > PATIENCE)
    }

    /// Commits, unless it must wait.
    pub fn commit(&mut self, kit: &mut Kit) -> Result<()> {
        if self.must_wait(kit)? { Ok(()) } else { self.commit_now(kit) }
    }

    /// Commits: a free buffer if there is one, else nothing but damage.
    pub fn commit_now(&mut self, kit: &mut Kit) -> Result<()> {
        if let Some(at) = self.free(kit)? {
            let (w, h) = (self.size.0 as i32, self.size.1 as i32);
            self.surface.attach(Some(&self.slots[at].buffer.wl), 0, 0);
            match kit.rng.u32(0..3) {
                0 => self.surface.damage_buffer(kit.rng.i32(0..w), kit.rng.i32(0..h), w / 2 + 1, h / 2 + 1),
                _ => self.surface.damage_buffer(0, 0, w, h),
            }
            self.slots[at].uses += 1;
            self.synchronise(kit, at)?;
        } else {
            self.surface.damage_buffer(0, 0, 1, 1);
        }
        let qh = kit.client.qh();
        if kit.rng.u32(0..4) == 0 {
            let token = kit.client.state.token();
            self.surface.frame(&qh, token);
        }
        if kit.rng.u32(0..4) == 0 {
            let token = kit.client.state.token();
            kit.client.state.bound.presentation()?.feedback(&self.surface, &qh, token);
        }
        self.surface.commit();
        kit.tally.did(Deed::Commit);
        Ok(())
    }

    /// Says by the surface's way when the buffer may be read and where its release goes.
    fn synchronise(&mut self, kit: &mut Kit, at: usize) -> Result<()> {
        let slot = &mut self.slots[at];
        let mut gate = |kit: &mut Kit, point: bool| match std::mem::replace(&mut self.shown, true) {
            true => choose(kit, point),
            false => Ok(Gate::Open),
        };
        match (self.way, &self.points, &self.messages) {
            (Way::Memory, ..) => {
                if let (Gate::Fence(fence), Some(memory)) = (gate(kit, false)?, &slot.memory) {
                    import(memory.as_fd(), &fence, Access::Write).map_err(Error::other("put a fence into memory"))?;
                    kit.tally.did(Deed::Implicit);
                }
            }
            (Way::Points, Some(points), _) => {
                let gate = gate(kit, true)?;
                let Some(timeline) = &slot.timeline else { return Ok(()) };
                let acquire = u64::from(slot.uses) * 2 - 1;
                let point = timeline.point(acquire);
                match gate {
                    Gate::Open => point.signal().map(|_| ()).map_err(Error::other("signal an acquire point"))?,
                    Gate::Fence(fence) => {
                        point.import(&fence).map(|_| ()).map_err(Error::other("import an acquire fence"))?;
                    }
                    Gate::Nothing { never: true } => {}
                    Gate::Nothing { never: false } => kit.fences.materialise(point, &mut kit.rng),
                }
                let (acquire, release) = (timeline.wire(acquire), timeline.wire(acquire + 1));
                points.set_acquire_point(acquire.timeline, acquire.hi(), acquire.lo());
                points.set_release_point(release.timeline, release.hi(), release.lo());
            }
            (Way::Messages, _, Some(messages)) => {
                if let Gate::Fence(fence) = gate(kit, false)? {
                    messages.set_acquire_fence(fence.as_fd());
                    // The request holds only a borrow of the fence.
                    kit.client.flush()?;
                    kit.tally.did(Deed::Message);
                }
                let token = kit.client.state.token();
                messages.get_release(&kit.client.qh(), token);
                slot.release = Some(token);
            }
            _ => {}
        }
        Ok(())
    }

    /// A buffer that the compositor has given back, else a new one, if there is room for it.
    fn free(&mut self, kit: &mut Kit) -> Result<Option<usize>> {
        for (at, slot) in self.slots.iter().enumerate() {
            let state = &kit.client.state;
            let free = match (&slot.timeline, slot.release) {
                (Some(timeline), _) => {
                    let release = timeline.point(u64::from(slot.uses) * 2);
                    slot.uses == 0 || release.is_signalled().map_err(Error::other("look at a release point"))?
                }
                (None, Some(token)) => state
                    .buffer_releases
                    .get(&token)
                    .is_some_and(|all| all.iter().flatten().all(SyncFile::is_signalled)),
                (None, None) => state.released.get(&slot.buffer.token).copied().unwrap_or(0) >= slot.uses,
            };
            if free {
                return Ok(Some(at));
            }
        }
        if self.slots.len() == SLOTS {
            return Ok(None);
        }
        let slot = self.slot(kit)?;
        self.slots.push(slot);
        Ok(Some(self.slots.len() - 1))
    }

    fn slot(&self, kit: &mut Kit) -> Result<Slot> {
        let (w, h) = self.size;
        let len = (w * h * 4) as usize;
        if self.way == Way::Shm {
            kit.tally.did(Deed::Shm);
            let kind = if kit.rng.bool() { Memory::Sealable } else { Memory::Unsealable };
            let pool = kit.client.pool(memory(kind, len.next_multiple_of(4096))?, len as i32)?;
            pool.fill(0, len, kit.rng.u8(..))?;
            let buffer = pool.buffer(&mut kit.client, Place::packed(0, w as i32, h as i32))?;
            pool.wl.destroy();
            return Ok(Slot { buffer, memory: None, timeline: None, uses: 0, release: None });
        }
        kit.tally.did(Deed::Dmabuf);
        let source = if kit.rng.bool() { Source::Heap } else { Source::Udmabuf };
        let memory = allocate(source, len.next_multiple_of(4096))?;
        let linear = u64::from(DrmModifier::Linear);
        let buffer = kit.client.wrap_dmabuf(&memory, w, h, DrmFourcc::Xrgb8888, linear)?;
        let timeline = match self.way {
            Way::Points => Some(kit.client.share_timeline(&kit.device)?),
            _ => None,
        };
        Ok(Slot { buffer, memory: Some(memory), timeline, uses: 0, release: None })
    }

    /// Destroys one of its buffers, whoever has it.
    pub fn tear(&mut self, kit: &mut Kit) {
        if !self.slots.is_empty() {
            let at = kit.rng.usize(0..self.slots.len());
            self.slots.swap_remove(at).destroy();
            kit.tally.did(Deed::Torn);
        }
    }

    /// From now on its buffers have another size.
    pub fn resize(&mut self, kit: &mut Kit, size: (u32, u32)) {
        self.size = size;
        self.slots.drain(..).for_each(Slot::destroy);
        kit.tally.did(Deed::Screen);
    }

    /// Shows a buffer, whatever its size, in this one.
    pub fn scale(&mut self, kit: &mut Kit, size: Option<(i32, i32)>) -> Result<()> {
        let viewport = match &self.viewport {
            Some(viewport) => viewport,
            None => {
                let viewporter = kit.client.state.bound.viewporter()?;
                self.viewport.insert(viewporter.get_viewport(&self.surface, &kit.client.qh(), ()))
            }
        };
        let (w, h) = size.unwrap_or((-1, -1));
        viewport.set_destination(w, h);
        kit.tally.did(Deed::View);
        Ok(())
    }

    /// Destroys what belongs to the surface, and all but the surface itself; its role goes in
    /// between.
    pub fn strip(&mut self) {
        if let Some(points) = self.points.take() {
            points.destroy();
        }
        if let Some(messages) = self.messages.take() {
            messages.destroy();
        }
        if let Some(viewport) = self.viewport.take() {
            viewport.destroy();
        }
        self.slots.drain(..).for_each(Slot::destroy);
    }

    /// Destroys the surface, and what belongs to it.
    pub fn destroy(mut self) {
        self.strip();
        self.surface.destroy();
    }
}

impl Slot {
    fn destroy(self) {
        self.buffer.wl.destroy();
        if let Some(timeline) = self.timeline {
            timeline.proxy.destroy();
        }
    }
}

/// What the next commit waits for; only a point can be without a fence.
fn choose(kit: &mut Kit, point: bool) -> Result<Gate> {
    let (gate, deed) = match kit.rng.u32(0..20) {
        0..13 => (Gate::Open, Deed::Ready),
        13..17 => (Gate::Fence(kit.fences.late(&mut kit.rng)?), Deed::Late),
        17 => (Gate::Fence(kit.fences.failing(&mut kit.rng)?), Deed::Failed),
        18 if kit.rng.bool() => (Gate::Fence(kit.fences.never()?), Deed::Never),
        19 if point => (Gate::Nothing { never: kit.rng.bool() }, Deed::Never),
        _ => (Gate::Open, Deed::Ready),
    };
    kit.tally.did(deed);
    Ok(gate)
}
