//! A kernel that does what a script says: queued errnos, flips on demand, and a log of what was
//! asked.
//!
//! For tests of everything that stands on [`crate::kernel::Kernel`]: fall-backs, roll backs, lost
//! masters, displays that never flip. It keeps property values as a driver would (TEST_ONLY and
//! refused commits change nothing, a second commit in flight is EBUSY), but it never judges a
//! state by itself: what is to be refused is queued, or a rule of the test says so
//! ([`Scripted::judge`]). Its dumb buffers are memfds that count as dma-bufs in the whole process.

mod calls;
mod rule;
mod stock;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fence::kernel::KernelRef;
use fence::model::{FenceId, Model};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use crate::device::{Caps, Driver};
use crate::event::{Flip, flip_bytes};
use crate::id::{BlobId, CrtcId, FramebufferId, ObjectId, PlaneId, PropertyId};
use crate::inventory::Inventory;
use crate::kernel::{ALLOW_MODESET, FbDescription, NONBLOCK, PAGE_FLIP_ASYNC, PAGE_FLIP_EVENT, TEST_ONLY};
use crate::request::Request;
use crate::{Device, Ns};

pub use stock::{Stock, add_colour, ids};

/// A call that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// An atomic TEST_ONLY.
    Test,
    /// An atomic commit.
    Commit,
    /// ADDFB2.
    AddFb,
    /// CLOSEFB.
    CloseFb,
    /// PRIME import.
    Import,
    /// Reading events.
    ReadEvents,
    /// CREATE_DUMB.
    CreateDumb,
    /// PRIME export.
    Export,
    /// SET_MASTER.
    SetMaster,
    /// CRTC_GET_SEQUENCE.
    Sequence,
}

/// An atomic call as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atomic {
    /// `DRM_MODE_ATOMIC_*` and `DRM_MODE_PAGE_FLIP_*`.
    pub flags: u32,
    /// User data.
    pub user_data: u64,
    /// `(object, property, value)` in order; out-fence addresses are 0, in-fences are descriptor
    /// numbers.
    pub props: Vec<(ObjectId, PropertyId, u64)>,
    /// What was answered.
    pub result: Result<(), Errno>,
}

impl Atomic {
    /// Whether it was a TEST_ONLY.
    pub fn is_test(&self) -> bool {
        self.flags & TEST_ONLY != 0
    }

    /// Whether modesets were allowed.
    pub fn is_modeset(&self) -> bool {
        self.flags & ALLOW_MODESET != 0
    }

    /// Whether it was non-blocking.
    pub fn is_nonblock(&self) -> bool {
        self.flags & NONBLOCK != 0
    }

    /// Whether it was to tear.
    pub fn is_asynchronous(&self) -> bool {
        self.flags & PAGE_FLIP_ASYNC != 0
    }

    /// The value that was asked for a property of an object.
    pub fn value(&self, object: impl Into<ObjectId>, prop: PropertyId) -> Option<u64> {
        let object = object.into();
        self.props.iter().rev().find(|asked| (asked.0, asked.1) == (object, prop)).map(|asked| asked.2)
    }
}

type Judge = dyn Fn(&Asked<'_>) -> Result<(), Errno> + Send;

/// Judges each atomic call.
struct Rule(Box<Judge>);

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rule")
    }
}

/// An atomic call with the state in which it comes, for [`Scripted::judge`].
pub struct Asked<'a> {
    /// The call.
    pub call: &'a Atomic,
    state: &'a State,
}

#[derive(Debug, Default)]
struct State {
    failures: Vec<(Call, VecDeque<Errno>)>,
    /// How many calls go well before one that fails, whichever it is.
    nth: Option<(usize, Errno)>,
    /// Who answers for syncobjs in the place of the fences' model.
    syncobjs: Option<KernelRef>,
    log: Vec<Atomic>,
    values: BTreeMap<(ObjectId, PropertyId), u64>,
    framebuffers: BTreeMap<FramebufferId, FbDescription>,
    /// Those that are gone as well.
    made: BTreeMap<FramebufferId, FbDescription>,
    /// Judges what is asked.
    rule: Option<Rule>,
    /// Format and modifier of framebuffers that no test takes.
    refused: Option<(u32, u64)>,
    closed_while_shown: Vec<FramebufferId>,
    blobs: BTreeSet<BlobId>,
    next_id: u32,
    no_closefb: bool,
    no_vblanks: bool,
    async_flips: bool,
    no_in_fences: bool,
    writebacks_fail: bool,
    events: VecDeque<[u8; 32]>,
    in_flight: Vec<InFlight>,
    /// Memory of dumb buffers, by handle.
    memory: BTreeMap<u32, OwnedFd>,
    debugfs: PathBuf,
    hardware: Option<Inventory>,
}

/// A commit whose flip has not been told to come.
#[derive(Debug)]
struct InFlight {
    crtc: CrtcId,
    user_data: u64,
    event: bool,
    fence: Option<OutFence>,
    /// The job of a writeback connector.
    written: Option<OutFence>,
}

/// What its out-fence is made of.
#[derive(Debug)]
enum OutFence {
    /// Readable when signalled, and nothing more.
    Event(OwnedFd),
    /// A whole sync_file.
    Model(&'static Model, FenceId),
}

impl OutFence {
    fn new(model: Option<&'static Model>) -> Result<(Self, OwnedFd), Errno> {
        match model {
            Some(model) => {
                let fence = model.fence("scripted");
                Ok((Self::Model(model, fence), model.try_sync_file(fence)?.into_fd()))
            }
            None => {
                let fd = eventfd(0, EventfdFlags::CLOEXEC)?;
                let copy = rustix::io::fcntl_dupfd_cloexec(&fd, 0)?;
                Ok((Self::Event(copy), fd))
            }
        }
    }

    fn fail(self, at: Ns) {
        match self {
            Self::Event(_) => self.signal(at),
            Self::Model(model, fence) => model.fail_fence(fence, Errno::IO, at),
        }
    }

    fn signal(self, at: Ns) {
        match self {
            Self::Event(fd) => drop(rustix::io::write(&fd, &1u64.to_ne_bytes())),
            Self::Model(model, fence) => model.signal_fence(fence, at),
        }
    }
}

/// The scripted kernel. Share it: the device keeps one `Arc`, the test another.
#[derive(Debug)]
pub struct Scripted {
    state: Mutex<State>,
    ready: OwnedFd,
    fences: Option<&'static Model>,
}

impl Scripted {
    /// A kernel with nothing queued.
    pub fn new() -> std::io::Result<Arc<Self>> {
        Self::made(None)
    }

    /// The same, with out-fences and syncobjs of `fences`.
    pub fn with_fences(fences: &'static Model) -> std::io::Result<Arc<Self>> {
        Self::made(Some(fences))
    }

    fn made(fences: Option<&'static Model>) -> std::io::Result<Arc<Self>> {
        let ready = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let state = State { next_id: 100, debugfs: "/nowhere".into(), ..State::default() };
        Ok(Arc::new(Self { state: Mutex::new(state), ready, fences }))
    }

    /// A device on it, called `scripted`.
    pub fn device(self: &Arc<Self>) -> Device {
        self.device_at("/dev/dri/scripted")
    }

    /// The same under the name of another node, which need not exist.
    pub fn device_at(self: &Arc<Self>, path: impl Into<PathBuf>) -> Device {
        self.device_of(path, Driver { name: "scripted".to_owned(), version: (1, 0, 0), description: String::new() })
    }

    /// The same with this driver.
    pub fn device_of(self: &Arc<Self>, path: impl Into<PathBuf>, driver: Driver) -> Device {
        let caps = Caps {
            modifiers: true,
            dumb: true,
            prime_import: true,
            cursor: (64, 64),
            atomic_async_flip: self.lock().async_flips,
            ..Caps::default()
        };
        Device::with_kernel(self.clone(), path.into(), driver, caps)
    }

    /// The next call of this kind fails with `errno`; several queue up.
    pub fn fail(&self, call: Call, errno: Errno) {
        let mut state = self.lock();
        match state.failures.iter_mut().find(|queue| queue.0 == call) {
            Some(queue) => queue.1.push_back(errno),
            None => state.failures.push((call, VecDeque::from([errno]))),
        }
    }

    /// Drops what is queued for calls of this kind.
    pub fn forgive(&self, call: Call) {
        self.lock().failures.retain(|queue| queue.0 != call);
    }

    /// Of the calls that make something, `calls` go well and the next one fails with `errno`;
    /// `None`: none does any more. Returns whether the failure that was wanted before has not
    /// happened.
    pub fn fail_after(&self, failure: Option<(usize, Errno)>) -> bool {
        std::mem::replace(&mut self.lock().nth, failure).is_some()
    }

    /// Syncobjs are asked for through `kernel`, which stands before the fences' model.
    pub fn ask_syncobjs_of(&self, kernel: KernelRef) {
        self.lock().syncobjs = Some(kernel);
    }

    /// From now on tests with a framebuffer of this format and modifier are EINVAL, although planes
    /// announce the layout.
    pub fn refuse_layout(&self, format: u32, modifier: u64) {
        self.lock().refused = Some((format, modifier));
    }

    /// Whether the jobs of writeback connectors fail from now on (EIO).
    pub fn fail_writebacks(&self, fail: bool) {
        self.lock().writebacks_fail = fail;
    }

    /// From now on a request with an in-fence is EPERM, as by NVIDIA's driver before 560.35.03.
    pub fn refuse_in_fences(&self) {
        self.lock().no_in_fences = true;
    }

    /// From now on `rule` judges each atomic call that is not made to fail otherwise, tests too.
    pub fn judge(&self, rule: impl Fn(&Asked<'_>) -> Result<(), Errno> + Send + 'static) {
        self.lock().rule = Some(Rule(Box::new(rule)));
    }

    /// Everything is taken again.
    pub fn judge_nothing(&self) {
        self.lock().rule = None;
    }

    /// Behaves as Linux before 6.8, which has no CLOSEFB.
    pub fn without_closefb(&self) {
        self.lock().no_closefb = true;
    }

    /// Devices made from now on have asynchronous flips. What is refused of them is the rule's.
    pub fn with_asynchronous_flips(&self) {
        self.lock().async_flips = true;
    }

    /// Behaves as a driver without vblanks. Its flips are the test's to make, as ever.
    pub fn without_vblanks(&self) {
        self.lock().no_vblanks = true;
    }

    /// Has a debugfs at `root` from now on, in which the device is that of minor 0.
    pub fn mount_debugfs(&self, root: impl Into<PathBuf>) {
        self.lock().debugfs = root.into();
    }

    /// Has this hardware from now on, for whoever reads the inventory; without it that fails. Values of
    /// properties are those of the commits.
    pub fn set_hardware(&self, inventory: Inventory) {
        self.lock().hardware = Some(inventory);
    }

    /// Something about the hardware changes.
    pub fn change_hardware(&self, change: impl FnOnce(&mut Inventory)) {
        if let Some(hardware) = &mut self.lock().hardware {
            change(hardware);
        }
    }

    /// The hardware, with the values of now.
    pub fn hardware(&self) -> Option<Inventory> {
        let state = self.lock();
        let mut inventory = state.hardware.clone()?;
        inventory.set_values(|object, prop| state.values.get(&(object, prop)).copied());
        Some(inventory)
    }

    /// Another program sets a property.
    pub fn set_value(&self, object: impl Into<ObjectId>, prop: PropertyId, value: u64) {
        self.lock().values.insert((object.into(), prop), value);
    }

    /// Takes the log of atomic calls.
    pub fn take_log(&self) -> Vec<Atomic> {
        std::mem::take(&mut self.lock().log)
    }

    /// The log so far, which goes on.
    pub fn log(&self) -> Vec<Atomic> {
        self.lock().log.clone()
    }

    /// The value of a property after the last successful commit.
    pub fn value(&self, object: impl Into<ObjectId>, prop: PropertyId) -> Option<u64> {
        self.lock().values.get(&(object.into(), prop)).copied()
    }

    /// All values, for "nothing changed".
    pub fn values(&self) -> BTreeMap<(ObjectId, PropertyId), u64> {
        self.lock().values.clone()
    }

    /// Framebuffers that exist.
    pub fn framebuffers(&self) -> Vec<FramebufferId> {
        self.lock().framebuffers.keys().copied().collect()
    }

    /// What a framebuffer was made of that may be gone.
    pub fn framebuffer_made(&self, id: FramebufferId) -> Option<FbDescription> {
        self.lock().made.get(&id).copied()
    }

    /// What a framebuffer was made of.
    pub fn framebuffer(&self, id: FramebufferId) -> Option<FbDescription> {
        self.lock().framebuffers.get(&id).copied()
    }

    /// The framebuffer on a plane after the last successful commit.
    pub fn on_plane(&self, plane: PlaneId) -> Option<FramebufferId> {
        FramebufferId::from_value(self.value(plane, ids::FB_ID)?)
    }

    /// Framebuffers that were removed while a plane showed them, which turns the plane off.
    pub fn removed_while_shown(&self) -> Vec<FramebufferId> {
        self.lock().closed_while_shown.clone()
    }

    /// Property blobs that exist.
    pub fn blobs(&self) -> usize {
        self.lock().blobs.len()
    }

    /// Makes the oldest commit in flight on `crtc` reach the screen: its fence signals and its
    /// event can be read. False if there is none.
    pub fn flip(&self, crtc: CrtcId, time: Ns, sequence: u32) -> bool {
        let mut state = self.lock();
        let Some(at) = state.in_flight.iter().position(|commit| commit.crtc == crtc) else { return false };
        let commit = state.in_flight.remove(at);
        let fails = state.writebacks_fail;
        commit.fence.into_iter().for_each(|fence| fence.signal(time));
        commit.written.into_iter().for_each(|fence| if fails { fence.fail(time) } else { fence.signal(time) });
        if commit.event {
            state.events.push_back(flip_bytes(&Flip { crtc: Some(crtc), user_data: commit.user_data, time, sequence }));
            let _ = rustix::io::write(&self.ready, &1u64.to_ne_bytes());
        }
        true
    }

    /// The same, but nobody hears of it: its event is lost, or was another's.
    pub fn flip_unheard(&self, crtc: CrtcId, time: Ns) -> bool {
        let mut state = self.lock();
        let Some(at) = state.in_flight.iter().position(|commit| commit.crtc == crtc) else { return false };
        let commit = state.in_flight.remove(at);
        for fence in [commit.fence, commit.written].into_iter().flatten() {
            fence.signal(time);
        }
        true
    }

    /// Tells of a flip, whether there was one or not.
    pub fn tell_flip(&self, flip: Flip) {
        self.lock().events.push_back(flip_bytes(&flip));
        let _ = rustix::io::write(&self.ready, &1u64.to_ne_bytes());
    }

    /// The CRTCs of the commits that have not reached the screen.
    pub fn in_flight(&self) -> Vec<CrtcId> {
        self.lock().in_flight.iter().map(|commit| commit.crtc).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn failure(&mut self, call: Call) -> Result<(), Errno> {
        if !matches!(call, Call::CloseFb | Call::ReadEvents | Call::SetMaster) {
            match &mut self.nth {
                Some((0, errno)) => {
                    let errno = *errno;
                    self.nth = None;
                    return Err(errno);
                }
                Some((left, _)) => *left -= 1,
                None => {}
            }
        }
        let queue = self.failures.iter_mut().find(|queue| queue.0 == call);
        queue.and_then(|queue| queue.1.pop_front()).map_or(Ok(()), Err)
    }

    fn new_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    fn has_refused_layout(&self, request: &Request) -> bool {
        let layout = |id: u64| {
            let fb = self.framebuffers.get(&FramebufferId::from_value(id)?)?;
            Some((fb.format, fb.modifier.unwrap_or(0)))
        };
        self.refused.is_some()
            && request.iter().any(|(_, prop, value)| prop == ids::FB_ID && layout(value) == self.refused)
    }

    fn has_refused_fence(&self, request: &Request) -> bool {
        let fence = |(_, prop, value)| prop == ids::IN_FENCE_FD && value != u64::MAX;
        self.no_in_fences && request.iter().any(fence)
    }

    fn shows(&self, fb: FramebufferId) -> bool {
        self.values.iter().any(|((_, prop), &value)| *prop == ids::FB_ID && value == fb.value())
    }

    /// What the kernel does with a request that is not refused by script.
    fn commit(
        &mut self,
        request: &mut Request,
        flags: u32,
        user_data: u64,
        fences: Option<&'static Model>,
    ) -> Result<(), Errno> {
        let crtcs: BTreeSet<CrtcId> = request.objects.iter().filter_map(|id| ids::as_crtc(*id)).collect();
        if self.in_flight.iter().any(|commit| crtcs.contains(&commit.crtc)) {
            return Err(Errno::BUSY);
        }
        // Without descriptors for them, nothing has changed.
        let wanted = |crtc: &CrtcId| request.fences.iter().any(|fence| fence.object == (*crtc).into());
        let made: Result<Vec<_>, Errno> = crtcs
            .into_iter()
            .map(|crtc| Ok((crtc, wanted(&crtc).then(|| OutFence::new(fences)).transpose()?)))
            .collect();
        let made = made?;
        for (object, prop, value) in request.iter() {
            // Fences do not stay in the state.
            if ![ids::IN_FENCE_FD, ids::OUT_FENCE_PTR, ids::WRITEBACK_OUT_FENCE_PTR].contains(&prop) {
                self.values.insert((object, prop), value);
            }
        }
        let mut written = Vec::new();
        for fence in request.fences.iter_mut() {
            if let Some(crtc) = ids::crtc_of_writeback(fence.object) {
                let (copy, fd) = OutFence::new(fences)?;
                fence.fd = Some(fd);
                written.push((crtc, copy));
            }
        }
        for (crtc, fence) in made {
            let fence = fence.and_then(|(copy, fd)| {
                request.fences.iter_mut().find(|fence| fence.object == crtc.into())?.fd = Some(fd);
                Some(copy)
            });
            let event = flags & PAGE_FLIP_EVENT != 0;
            let of = written.iter().position(|(of, _)| *of == crtc);
            let written = of.map(|at| written.swap_remove(at).1);
            if event || fence.is_some() {
                self.in_flight.push(InFlight { crtc, user_data, event, fence, written });
            }
        }
        Ok(())
    }
}
