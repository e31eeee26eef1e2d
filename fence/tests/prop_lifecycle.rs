//! Random interleavings of everything that can happen to buffers, on the kernel of pipes, with file
//! descriptors that run out at times. After each step: every buffer is in use or was released
//! exactly once; no release precedes the fence of a user; a failed commit is never shown; no
//! surface is held up by another's fence.

use std::{
    os::fd::BorrowedFd,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use fence::{
    Acquire, AcquireState, Added, DeferredReleases, Release, ReleaseMessage, ReleaseOutcome, SyncDevice, SyncFile,
    Timeline,
    faults::Faults,
    model::{FenceId, Model},
};
use proptest::prelude::*;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

const SURFACES: usize = 3;
const BUFFERS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Op {
    Commit { surface: usize, by: By, message: bool, deadline: bool },
    Materialise { surface: usize },
    TakeBack { surface: usize },
    Signal { nth: usize },
    Fail { nth: usize },
    Wake,
    Latch { composited: bool },
    Flip,
    RenderDone { fails: bool },
    Unmap { surface: usize },
    Disconnect { surface: usize },
    NoFds(bool),
}

#[derive(Clone, Copy, Debug)]
enum By {
    Point,
    File,
    Ready,
}

fn op() -> impl Strategy<Value = Op> {
    let surface = 0..SURFACES;
    let by = prop_oneof![3 => Just(By::Point), 2 => Just(By::File), 1 => Just(By::Ready)];
    prop_oneof![
        6 => (surface.clone(), by, any::<bool>(), any::<bool>())
            .prop_map(|(surface, by, message, deadline)| Op::Commit { surface, by, message, deadline }),
        4 => surface.clone().prop_map(|surface| Op::Materialise { surface }),
        3 => surface.clone().prop_map(|surface| Op::TakeBack { surface }),
        5 => (0..8usize).prop_map(|nth| Op::Signal { nth }),
        1 => (0..8usize).prop_map(|nth| Op::Fail { nth }),
        6 => Just(Op::Wake),
        6 => any::<bool>().prop_map(|composited| Op::Latch { composited }),
        5 => Just(Op::Flip),
        4 => prop::bool::weighted(0.2).prop_map(|fails| Op::RenderDone { fails }),
        1 => surface.clone().prop_map(|surface| Op::Unmap { surface }),
        1 => surface.prop_map(|surface| Op::Disconnect { surface }),
        2 => prop::bool::weighted(0.3).prop_map(Op::NoFds),
    ]
}

/// A client that is sent its releases: what came, and whether there are descriptors to send.
#[derive(Clone, Debug, Default)]
struct Wire {
    sent: Arc<Mutex<Vec<Option<SyncFile>>>>,
    no_fds: Arc<AtomicBool>,
}

impl ReleaseMessage for Wire {
    fn send(&self, fence: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        if fence.is_some() && self.no_fds.load(Ordering::Relaxed) {
            return Err(Errno::MFILE);
        }
        let fence = fence.map(|fd| SyncFile::unchecked(fd.try_clone_to_owned().unwrap()));
        self.sent.lock().unwrap().push(fence);
        Ok(())
    }
}

impl Wire {
    /// How often it was sent, and whether the buffer is free by what was sent.
    fn seen(&self) -> (usize, bool) {
        let sent = self.sent.lock().unwrap();
        (sent.len(), !sent.is_empty() && sent.iter().flatten().all(SyncFile::is_signalled))
    }
}

/// One use of one buffer, from its commit until its release.
#[derive(Debug)]
struct Commit {
    buffer: usize,
    value: u64,
    acquire: Acquire,
    release: Release,
    /// To whom the release is sent, if it is no point.
    wire: Option<Wire>,
    /// What its release has to wait for.
    users: Vec<FenceId>,
    /// The client's fence, once there is one.
    fence: Option<FenceId>,
}

/// Where a release goes.
#[derive(Debug)]
enum Back {
    Point(u64),
    Message(Wire),
}

#[derive(Debug)]
struct Buffer {
    /// Both kinds of points of this buffer, as Mesa has them: one timeline a buffer and direction.
    acquire: Timeline,
    release: Timeline,
    value: u64,
    busy: bool,
    /// The client's fences on the acquire timeline: a point waits for those before it, too.
    attached: Vec<FenceId>,
    /// The last release: where it went and what it waits for.
    released: Option<(Back, Vec<FenceId>)>,
}

#[derive(Debug)]
struct Surface {
    buffers: Vec<Buffer>,
    pending: Vec<Commit>,
    shown: Option<Commit>,
    connected: bool,
}

struct World {
    model: &'static Model,
    faults: &'static Faults,
    device: SyncDevice,
    surfaces: Vec<Surface>,
    /// Shown until now, on their way off the screen.
    leaving: Vec<(usize, Commit)>,
    client_fences: Vec<FenceId>,
    flip: Option<FenceId>,
    passes: Vec<FenceId>,
    retries: DeferredReleases,
    no_fds: Arc<AtomicBool>,
    now: u64,
}

/// One kernel for all cases: it keeps a few file descriptors for every device.
fn kernel() -> (&'static Model, &'static Faults, SyncDevice) {
    static KERNEL: OnceLock<(&Model, &Faults, SyncDevice)> = OnceLock::new();
    KERNEL
        .get_or_init(|| {
            let model = Model::leak();
            let faults = Faults::leak(model);
            (model, faults, SyncDevice::new_on(faults, model.device()).expect("the model has everything"))
        })
        .clone()
}

fn advance(acquire: &mut Acquire) {
    if let Err(error) = acquire.advance() {
        assert!(error.is_transient(), "{error}");
    }
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
}

impl World {
    fn new() -> World {
        let (model, faults, device) = kernel();
        let timeline = || device.create_timeline().unwrap();
        let buffer = || Buffer {
            acquire: timeline(),
            release: timeline(),
            value: 0,
            busy: false,
            attached: Vec::new(),
            released: None,
        };
        let surface = || Surface {
            buffers: (0..BUFFERS).map(|_| buffer()).collect(),
            pending: Vec::new(),
            shown: None,
            connected: true,
        };
        World {
            model,
            faults,
            surfaces: (0..SURFACES).map(|_| surface()).collect(),
            device,
            leaving: Vec::new(),
            client_fences: Vec::new(),
            flip: None,
            passes: Vec::new(),
            retries: DeferredReleases::default(),
            no_fds: Arc::default(),
            now: 1,
        }
    }

    fn client_fence(&mut self) -> FenceId {
        let fence = self.model.fence("client");
        self.client_fences.push(fence);
        fence
    }

    fn commit(&mut self, surface: usize, by: By, message: bool, deadline: bool) {
        if !self.surfaces[surface].connected {
            return;
        }
        // A client uses a buffer again when its release has signalled.
        let model = self.model;
        let free = self.surfaces[surface].buffers.iter().position(|buffer| {
            !buffer.busy
                && buffer.released.as_ref().is_none_or(|(back, _)| match back {
                    Back::Point(value) => model
                        .point_fences(buffer.release.handle(), *value)
                        .is_some_and(|fences| fences.iter().all(|fence| model.has_signalled(*fence))),
                    Back::Message(wire) => wire.seen().1,
                })
        });
        let Some(index) = free else { return };
        let fence = matches!(by, By::File).then(|| self.client_fence());
        let buffer = &mut self.surfaces[surface].buffers[index];
        buffer.value += 1;
        buffer.busy = true;
        buffer.released = None;
        let value = buffer.value;
        let mut acquire = match (by, fence) {
            (By::Point, _) => Acquire::from_point(buffer.acquire.point(value), self.now).carrying_errors(),
            (_, Some(fence)) => Acquire::from_sync_file_on(self.faults, self.model.sync_file(fence), self.now),
            _ => Acquire::ready(),
        };
        if deadline {
            acquire.set_deadline(self.now + 16);
        }
        advance(&mut acquire);
        let wire = message.then(|| Wire { sent: Arc::default(), no_fds: self.no_fds.clone() });
        let release = match &wire {
            Some(wire) => Release::message_on(self.faults, Box::new(wire.clone()), &self.retries),
            None => Release::point(buffer.release.point(value)),
        };
        let commit = Commit { buffer: index, value, acquire, release, wire, users: Vec::new(), fence };
        self.surfaces[surface].pending.push(commit);
    }

    /// The client attaches a fence to its oldest point that has none.
    fn materialise(&mut self, surface: usize) {
        let fence = self.client_fence();
        let file = self.model.sync_file(fence);
        let Surface { pending, buffers, connected, .. } = &mut self.surfaces[surface];
        let unfinished = pending.iter_mut().find(|commit| commit.fence.is_none() && commit.acquire.point().is_some());
        if let (Some(commit), true) = (unfinished, *connected) {
            buffers[commit.buffer].acquire.point(commit.value).import(&file).unwrap();
            buffers[commit.buffer].attached.push(fence);
            commit.fence = Some(fence);
        }
    }

    /// A hostile client resets the timeline of a buffer whose point is there and was not seen yet.
    fn take_back(&mut self, surface: usize) {
        let Surface { pending, buffers, .. } = &mut self.surfaces[surface];
        for commit in pending {
            if commit.acquire.state() == AcquireState::Unmaterialised && commit.fence.is_some() {
                buffers[commit.buffer].acquire.reset().unwrap();
                commit.fence = None;
            }
        }
    }

    /// The event loop: everybody looks, nobody waits for anybody.
    fn wake(&mut self) {
        self.device.retry_releases();
        self.retries.retry();
        for index in 0..self.surfaces.len() {
            let mut failed = Vec::new();
            let surface = &mut self.surfaces[index];
            for commit in &mut surface.pending {
                if commit.acquire.wait_fd().is_none_or(is_readable) {
                    advance(&mut commit.acquire);
                }
            }
            let mut position = 0;
            while position < surface.pending.len() {
                match surface.pending[position].acquire.state() {
                    AcquireState::Failed(_) => failed.push(surface.pending.remove(position)),
                    _ => position += 1,
                }
            }
            for mut commit in failed {
                if let Some((fence, error)) = commit.acquire.take_failed() {
                    commit.release.fail(error, Some(fence));
                }
                self.release(index, commit);
            }
        }
    }

    /// The last user has gone.
    fn release(&mut self, surface: usize, commit: Commit) {
        let done = commit.release.complete().unwrap();
        assert_eq!(done.added, Added::InOrder);
        let buffer = &mut self.surfaces[surface].buffers[commit.buffer];
        assert!(buffer.busy, "released twice");
        buffer.busy = false;
        if done.kind == ReleaseOutcome::MessageAtOnce {
            assert!(commit.users.iter().all(|user| self.model.has_signalled(*user)), "at once, but in use");
        }
        buffer.released = Some((commit.wire.map_or(Back::Point(commit.value), Back::Message), commit.users));
        if done.kind == ReleaseOutcome::Deferred {
            // Not lost: it comes with the next file descriptor. The model's own calls still work.
            assert!(self.device.retry_releases() + self.retries.retry() <= SURFACES * BUFFERS);
        }
    }

    fn latch(&mut self, composited: bool) {
        if self.flip.is_some_and(|flip| !self.model.has_signalled(flip)) {
            return;
        }
        self.wake();
        let out_fence = self.model.fence("display");
        let mut dropped = Vec::new();
        for (index, surface) in self.surfaces.iter_mut().enumerate() {
            let newest = surface
                .pending
                .iter()
                .rposition(|commit| matches!(commit.acquire.state(), AcquireState::Signalled { .. }));
            // Each surface by itself: what its own newest fence that signalled brought.
            let Some(newest) = newest else { continue };
            let mut taken: Vec<_> = surface.pending.drain(..=newest).collect();
            let next = taken.pop().unwrap();
            dropped.extend(taken.into_iter().map(|commit| (index, commit)));
            if let Some(old) = surface.shown.replace(next) {
                self.leaving.push((index, old));
            }
        }
        if composited {
            let pass = self.model.fence("gpu");
            self.passes.push(pass);
            for commit in self.surfaces.iter_mut().filter_map(|surface| surface.shown.as_mut()) {
                commit.release.add_fence(self.model.sync_file(pass));
                commit.users.push(pass);
            }
        }
        self.flip = Some(out_fence);
        for (surface, mut commit) in std::mem::take(&mut self.leaving) {
            // Free when the commit that replaces it is on screen.
            commit.users.push(out_fence);
            commit.release.add_fence(self.model.sync_file(out_fence));
            self.release(surface, commit);
        }
        for (surface, commit) in dropped {
            self.release(surface, commit);
        }
    }

    fn unmap(&mut self, surface: usize) {
        let gone: Vec<_> = self.surfaces[surface].pending.drain(..).collect();
        for commit in gone {
            self.release(surface, commit);
        }
        if let Some(shown) = self.surfaces[surface].shown.take() {
            self.leaving.push((surface, shown));
        }
    }

    fn run(&mut self, op: Op) {
        self.now += 1;
        match op {
            Op::Commit { surface, by, message, deadline } => self.commit(surface, by, message, deadline),
            Op::Materialise { surface } => self.materialise(surface),
            Op::TakeBack { surface } => self.take_back(surface),
            Op::Signal { nth } | Op::Fail { nth } => {
                let model = self.model;
                self.client_fences.retain(|fence| !model.has_signalled(*fence));
                if let Some(fence) = self.client_fences.get(nth % self.client_fences.len().max(1)) {
                    match op {
                        Op::Fail { .. } => model.fail_fence(*fence, Errno::CANCELED, self.now),
                        _ => model.signal_fence(*fence, self.now),
                    }
                }
            }
            Op::Wake => self.wake(),
            Op::Latch { composited } => self.latch(composited),
            Op::Flip => self.flip.iter().for_each(|flip| self.model.signal_fence(*flip, self.now)),
            Op::RenderDone { fails } => {
                for pass in self.passes.drain(..) {
                    match fails {
                        true => self.model.fail_fence(pass, Errno::CANCELED, self.now),
                        false => self.model.signal_fence(pass, self.now),
                    }
                }
            }
            Op::Unmap { surface } => self.unmap(surface),
            Op::Disconnect { surface } => {
                self.unmap(surface);
                self.surfaces[surface].connected = false;
            }
            Op::NoFds(none) => {
                self.faults.exhaust_fds(none);
                self.no_fds.store(none, Ordering::Relaxed);
            }
        }
    }

    fn verify(&self) {
        let held = self.surfaces.iter().enumerate().flat_map(|(index, surface)| {
            surface.pending.iter().chain(&surface.shown).map(move |commit| (index, commit))
        });
        let leaving = self.leaving.iter().map(|(index, commit)| (*index, commit));
        let mut uses = [[0; BUFFERS]; SURFACES];
        for (index, commit) in held.chain(leaving) {
            let buffer = &self.surfaces[index].buffers[commit.buffer];
            uses[index][commit.buffer] += 1;
            assert!(!commit.release.is_finished(), "released while in use");
            match &commit.wire {
                Some(wire) => assert_eq!(wire.seen().0, 0, "released while in use"),
                None => {
                    let handle = buffer.release.handle();
                    assert_eq!(self.model.point_fences(handle, commit.value), None, "released while in use");
                }
            }
        }
        for (index, surface) in self.surfaces.iter().enumerate() {
            for (number, buffer) in surface.buffers.iter().enumerate() {
                assert_eq!(uses[index][number], usize::from(buffer.busy), "in use once or not at all");
                let Some((back, users)) = &buffer.released else { continue };
                let mut open = users.iter().filter(|user| !self.model.has_signalled(**user));
                match back {
                    // A deferred release has not materialised yet; that is late, never early.
                    Back::Point(value) => {
                        let fences = self.model.point_fences(buffer.release.handle(), *value);
                        let Some(fences) = fences else { continue };
                        open.for_each(|user| {
                            assert!(fences.contains(user), "released before its user {user:?}: {fences:?}");
                        });
                    }
                    Back::Message(wire) => {
                        let (times, free) = wire.seen();
                        assert!(times <= 1, "released {times} times");
                        assert!(!free || open.next().is_none(), "released before its users");
                    }
                }
            }
            if let Some(shown) = &surface.shown {
                assert!(matches!(shown.acquire.state(), AcquireState::Signalled { .. }));
                assert!(!shown.fence.is_some_and(|fence| self.model.has_failed(fence)), "a failed commit is shown");
            }
        }
    }

    /// Everybody goes, all fences signal, file descriptors are back: everything must be free.
    fn end(mut self) {
        self.run(Op::NoFds(false));
        (0..SURFACES).for_each(|surface| self.unmap(surface));
        self.run(Op::Flip);
        self.run(Op::Latch { composited: false });
        self.run(Op::Flip);
        self.run(Op::RenderDone { fails: false });
        assert_eq!(self.device.retry_releases() + self.retries.retry(), 0);
        self.verify();
        for fence in self.client_fences.drain(..) {
            self.model.signal_fence(fence, self.now);
        }
        for buffer in self.surfaces.iter().flat_map(|surface| &surface.buffers) {
            assert!(!buffer.busy);
            match &buffer.released {
                Some((Back::Point(value), _)) => {
                    assert!(buffer.release.point(*value).is_signalled().unwrap(), "a release was lost");
                }
                Some((Back::Message(wire), _)) => assert_eq!(wire.seen(), (1, true), "a release was lost"),
                None => assert_eq!(buffer.value, 0),
            }
        }
    }
}

/// A fence that is there and signalled is seen as such at the next wake-up, whatever other surfaces
/// wait for.
fn nobody_is_held_up(world: &mut World, no_fds: bool) {
    if no_fds {
        return;
    }
    world.wake();
    for surface in &world.surfaces {
        for commit in &surface.pending {
            let Some(fence) = commit.fence else { continue };
            let signalled = |fence: &FenceId| world.model.has_signalled(*fence);
            let is_final = commit.acquire.state().is_final();
            assert!(!is_final || signalled(&fence), "seen before it signalled");
            let own = surface.buffers[commit.buffer].attached.iter();
            assert!(is_final || !signalled(&fence) || !own.clone().all(signalled), "behind another surface's fence");
        }
    }
}

proptest! {
    // 256 cases unless PROPTEST_CASES asks for more.
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn every_buffer_is_used_or_released_once(ops in prop::collection::vec(op(), 1..120)) {
        let handles = kernel().0.open_handles();
        let mut world = World::new();
        let mut no_fds = false;
        for op in ops {
            if let Op::NoFds(none) = op {
                no_fds = none;
            }
            world.run(op);
            world.verify();
            if let Op::Wake = op {
                nobody_is_held_up(&mut world, no_fds);
            }
        }
        world.end();
        prop_assert!(kernel().0.open_handles() <= handles);
    }
}
