//! A KMS device: capabilities, master, events. What is made on a device is made in the files of
//! those things.
//!
//! Never scans for devices and never opens a second one; finding `/dev/dri/cardN` is the session's
//! business.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dmabuf_import::GemTable;
use rustix::fs::{Mode as FileMode, OFlags};
use rustix::io::Errno;

use crate::CallError;
use crate::event::{self, Event};
use crate::id::{ConnectorId, CrtcId, PlaneId};
use crate::kernel::{Drm, Kernel};

/// The driver's name of a device whose displays exist in this process only.
pub(crate) const HEADLESS: &str = "headless";

/// What the device can do, from `DRM_IOCTL_GET_CAP` and the client capabilities that it accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Caps {
    /// `DRM_CAP_ADDFB2_MODIFIERS`.
    pub modifiers: bool,
    /// `DRM_CAP_DUMB_BUFFER`.
    pub dumb: bool,
    /// `DRM_CAP_PRIME` with import.
    pub prime_import: bool,
    /// `DRM_CAP_PRIME` with export.
    pub prime_export: bool,
    /// `DRM_CAP_SYNCOBJ` on this node.
    pub syncobj: bool,
    /// `DRM_CAP_SYNCOBJ_TIMELINE` on this node.
    pub syncobj_timeline: bool,
    /// `DRM_CAP_ASYNC_PAGE_FLIP`: tearing flips through the legacy call.
    pub async_flip: bool,
    /// `DRM_CAP_TIMESTAMP_MONOTONIC`: event times are of CLOCK_MONOTONIC.
    pub monotonic: bool,
    /// `DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP` (Linux 6.8).
    pub atomic_async_flip: bool,
    /// `DRM_CAP_CRTC_IN_VBLANK_EVENT`: flip events name their CRTC.
    pub crtc_in_event: bool,
    /// `DRM_CAP_CURSOR_WIDTH` × `_HEIGHT`: the size that every cursor plane takes.
    pub cursor: (u32, u32),
    /// `DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT` was accepted (virtual machines).
    pub cursor_hotspot: bool,
    /// `DRM_CLIENT_CAP_WRITEBACK_CONNECTORS` was accepted.
    pub writeback: bool,
}

/// The driver, from `DRM_IOCTL_VERSION`.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Driver {
    /// `vkms`, `i915`, `amdgpu`, `rcar-du` …
    pub name: String,
    /// Major, minor, patch.
    pub version: (i32, i32, i32),
    /// What the driver says of itself: `Virtual Kernel Mode Setting` …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl Driver {
    /// The driver behind an open node, primary or render. Errors: ENOTTY: no DRM node.
    pub fn of(fd: BorrowedFd<'_>) -> std::io::Result<Self> {
        let (mut name, mut description) = (Vec::new(), Vec::new());
        let version = drm_ffi::get_version(fd, Some(&mut name), None, Some(&mut description))?;
        let text = |bytes: Vec<_>| {
            let bytes: Vec<u8> = bytes.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let numbers = (version.version_major, version.version_minor, version.version_patchlevel);
        Ok(Self { name: text(name), version: numbers, description: text(description) })
    }

    /// Whether it allocates memory but never draws: the kernel's `vgem`, for which Mesa has no driver.
    pub fn only_allocates(&self) -> bool {
        self.name == "vgem"
    }
}

/// What outputs have taken for themselves.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    pub(crate) connectors: Vec<ConnectorId>,
    pub(crate) crtcs: Vec<CrtcId>,
    pub(crate) planes: Vec<PlaneId>,
}

/// Names an open device among all that the process has opened. Object ids (CRTCs, planes,
/// framebuffers) mean something only together with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardSerial(u32);

impl CardSerial {
    /// As a number, from 1.
    pub fn raw(self) -> u32 {
        self.0
    }

    /// From [`CardSerial::raw`].
    pub fn from_raw(raw: u32) -> Self {
        Self(raw)
    }
}

/// An open KMS device. Cheap to clone; the descriptor is closed with the last clone, framebuffer
/// and output.
#[derive(Debug, Clone)]
pub struct Device {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    serial: CardSerial,
    kernel: Arc<dyn Kernel>,
    path: PathBuf,
    driver: Driver,
    caps: Caps,
    gem: GemTable,
    claims: Mutex<Claims>,
}

impl Device {
    /// Opens `/dev/dri/cardN` and asks for universal planes, atomic commits and writeback
    /// connectors.
    ///
    /// The first opener of a free device becomes its master. Errors: ENOENT, EACCES (permission),
    /// ENODEV/ENXIO (unplugged); EOPNOTSUPP or EINVAL from `DRM_IOCTL_SET_CLIENT_CAP` (the driver
    /// has no atomic mode setting).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CallError> {
        let path = path.as_ref();
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = rustix::fs::open(path, flags, FileMode::empty())
            .map_err(|errno| CallError::new("open", path.display(), errno))?;
        Self::from_fd(fd, path)
    }

    /// Takes over a device that somebody else opened (a seat manager); `fd` is made non-blocking
    /// and closed with the device. `path` is for messages. Errors as [`Device::open`].
    pub fn from_fd(fd: OwnedFd, path: impl AsRef<Path>) -> Result<Self, CallError> {
        let path = path.as_ref().to_owned();
        let fail = |call| {
            let path = path.display().to_string();
            move |error: std::io::Error| CallError::io(call, path, &error)
        };
        let flags = rustix::fs::fcntl_getfl(&fd).map_err(|errno| fail("F_GETFL")(errno.into()))?;
        rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK).map_err(|errno| fail("F_SETFL")(errno.into()))?;
        let driver = Driver::of(fd.as_fd()).map_err(fail("DRM_IOCTL_VERSION"))?;
        for cap in [drm_sys::DRM_CLIENT_CAP_UNIVERSAL_PLANES, drm_sys::DRM_CLIENT_CAP_ATOMIC] {
            drm_ffi::set_capability(fd.as_fd(), cap.into(), true).map_err(fail("DRM_IOCTL_SET_CLIENT_CAP"))?;
        }
        let caps = read_caps(fd.as_fd());
        Ok(Self::with_kernel(Arc::new(Drm::new(fd)), path, driver, caps))
    }

    /// A device on any kernel: how [`crate::headless::Headless`] and
    /// [`crate::scripted::Scripted`] get theirs.
    pub fn with_kernel(kernel: Arc<dyn Kernel>, path: PathBuf, driver: Driver, caps: Caps) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let serial = CardSerial(NEXT.fetch_add(1, Ordering::Relaxed));
        let gem = GemTable::new(Arc::new(Gem(kernel.clone())));
        Self { inner: Arc::new(Inner { serial, kernel, path, driver, caps, gem, claims: Mutex::default() }) }
    }

    /// Names this open device among all that the process has opened, from 1; never used again, also
    /// when the same hardware is opened again. Clones share it. Object ids (CRTCs, planes,
    /// framebuffers) mean something only together with it.
    pub fn serial(&self) -> CardSerial {
        self.inner.serial
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The driver's name: `vkms`, `i915` …
    pub fn driver(&self) -> &str {
        &self.inner.driver.name
    }

    /// The driver's name and version.
    pub fn driver_info(&self) -> &Driver {
        &self.inner.driver
    }

    /// Whether this is the kernel's software display, whose CRCs can be predicted.
    pub fn is_vkms(&self) -> bool {
        self.driver() == "vkms"
    }

    /// Whether its displays exist in this process only: see [`crate::headless`].
    pub fn is_headless(&self) -> bool {
        self.driver() == HEADLESS
    }

    /// What it can do.
    pub fn caps(&self) -> &Caps {
        &self.inner.caps
    }

    /// All GEM handles of this device's descriptor. Import through nothing else.
    pub fn gem(&self) -> &GemTable {
        &self.inner.gem
    }

    /// Whether this descriptor is the master of its device, by asking for what only the master may:
    /// to let in a client, here one that does not exist (`DRM_IOCTL_AUTH_MAGIC` of 0). One system
    /// call; nobody is let in. Of a device that is gone: true, the next call tells.
    pub fn is_master(&self) -> bool {
        let asked = drm_ffi::auth::auth_magic_token(self.as_fd(), 0);
        !asked.is_err_and(|error| error.raw_os_error() == Some(Errno::ACCESS.raw_os_error()))
    }

    /// Becomes master (`DRM_IOCTL_SET_MASTER`). Errors: EBUSY (another program is master; EINVAL in
    /// older kernels), EACCES (not allowed).
    ///
    /// Only for a descriptor that this process has opened itself. The kernel looks at the caller's
    /// rights before it looks who is master: without CAP_SYS_ADMIN it answers EACCES for the
    /// descriptor of a seat manager, who has done this already; see [`Device::is_master`].
    pub fn acquire_master(&self) -> Result<(), CallError> {
        self.kernel().set_master().map_err(|errno| self.errno("DRM_IOCTL_SET_MASTER", errno))
    }

    /// Stops being master (`DRM_IOCTL_DROP_MASTER`). Errors: EINVAL (was not), EACCES.
    pub fn release_master(&self) -> Result<(), CallError> {
        self.kernel().drop_master().map_err(|errno| self.errno("DRM_IOCTL_DROP_MASTER", errno))
    }

    /// What a [`fence::SyncDevice`] of this device is made from: a descriptor, which is the
    /// caller's, and who answers for it. Errors: EMFILE.
    pub fn syncobjs(&self) -> Result<(fence::kernel::KernelRef, OwnedFd), CallError> {
        self.kernel().syncobjs().map_err(|errno| self.errno("F_DUPFD_CLOEXEC", errno))
    }

    /// Lets planes list their colour pipelines (`DRM_CLIENT_CAP_PLANE_COLOR_PIPELINE`, Linux 6.19),
    /// or hides them again. While they are shown, this descriptor must leave `COLOR_ENCODING` and
    /// `COLOR_RANGE` alone. Errors: EINVAL (older kernel).
    pub fn show_colour_pipelines(&self, show: bool) -> Result<(), CallError> {
        const PLANE_COLOR_PIPELINE: u64 = 7;
        drm_ffi::set_capability(self.as_fd(), PLANE_COLOR_PIPELINE, show)
            .map(drop)
            .map_err(|error| self.error("DRM_IOCTL_SET_CLIENT_CAP", &error))
    }

    /// Whether the CRTC's vblanks run. A modeset's event may come before they do (vkms sends it
    /// before it turns the CRTC on), and what holds on to vblanks, such as armed CRCs, must wait
    /// for them.
    ///
    /// One system call (`DRM_IOCTL_CRTC_GET_SEQUENCE`), which does not block longer than another
    /// client's modeset takes. A driver without vblanks has nothing to wait for: true.
    pub fn vblanks_run(&self, crtc: CrtcId) -> bool {
        match self.kernel().crtc_sequence(crtc) {
            Ok(()) | Err(Errno::OPNOTSUPP) => true,
            Err(_) => false,
        }
    }

    /// Whether the driver has vblanks at all (`drm_dev_has_vblank`); which CRTC is asked makes no
    /// difference. Without them a flip is reported as soon as its commit has been carried out, so
    /// that flips pace nothing.
    ///
    /// One system call, as [`Device::vblanks_run`].
    pub fn has_vblanks(&self, crtc: CrtcId) -> bool {
        self.kernel().crtc_sequence(crtc) != Err(Errno::OPNOTSUPP)
    }

    /// Sleeps until [`Device::vblanks_run`], at most `limit`; whether they do. For a start or a
    /// test, never on a frame's path.
    pub fn wait_vblanks(&self, crtc: CrtcId, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            match self.vblanks_run(crtc) {
                false if Instant::now() < end => std::thread::sleep(Duration::from_millis(1)),
                run => return run,
            }
        }
    }

    /// Hands out what one `read()` gives, without allocation; the number of events. 0 where there
    /// are none.
    ///
    /// Level-triggered pollers call it once a wake-up. Errors: ENODEV (unplugged), EIO.
    pub fn read_events(&self, each: impl FnMut(Event)) -> Result<usize, CallError> {
        let mut bytes = [0; 1024];
        match self.inner.kernel.read_events(&mut bytes) {
            Ok(len) => Ok(event::parse(&bytes[..len], each)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(errno) => Err(self.errno("read", errno)),
        }
    }

    /// Whether both are the same open device, not merely the same hardware.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn kernel(&self) -> &dyn Kernel {
        &*self.inner.kernel
    }

    pub(crate) fn claims(&self) -> MutexGuard<'_, Claims> {
        self.inner.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn error(&self, call: &'static str, error: &std::io::Error) -> CallError {
        CallError::io(call, self.path().display(), error)
    }

    pub(crate) fn errno(&self, call: &'static str, errno: Errno) -> CallError {
        CallError::new(call, self.path().display(), errno)
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.kernel.fd()
    }
}

/// Lets the GEM table use the same kernel.
#[derive(Debug)]
struct Gem(Arc<dyn Kernel>);

impl dmabuf_import::GemDevice for Gem {
    fn prime_import(&self, dmabuf: BorrowedFd<'_>) -> Result<u32, Errno> {
        self.0.prime_import(dmabuf)
    }

    fn gem_close(&self, handle: u32) -> Result<(), Errno> {
        self.0.gem_close(handle)
    }
}

fn read_caps(fd: BorrowedFd<'_>) -> Caps {
    let cap = |cap: u32| drm_ffi::get_capability(fd, cap.into()).map_or(0, |cap| cap.value);
    let client = |cap: u32| drm_ffi::set_capability(fd, cap.into(), true).is_ok();
    let prime = cap(drm_sys::DRM_CAP_PRIME);
    let size = |value: u64| u32::try_from(value).ok().filter(|&size| size > 0).unwrap_or(64);
    Caps {
        modifiers: cap(drm_sys::DRM_CAP_ADDFB2_MODIFIERS) != 0,
        dumb: cap(drm_sys::DRM_CAP_DUMB_BUFFER) != 0,
        prime_import: prime & 1 != 0,
        prime_export: prime & 2 != 0,
        syncobj: cap(drm_sys::DRM_CAP_SYNCOBJ) != 0,
        syncobj_timeline: cap(drm_sys::DRM_CAP_SYNCOBJ_TIMELINE) != 0,
        async_flip: cap(drm_sys::DRM_CAP_ASYNC_PAGE_FLIP) != 0,
        monotonic: cap(drm_sys::DRM_CAP_TIMESTAMP_MONOTONIC) != 0,
        atomic_async_flip: cap(drm_sys::DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP) != 0,
        crtc_in_event: cap(drm_sys::DRM_CAP_CRTC_IN_VBLANK_EVENT) != 0,
        cursor: (size(cap(drm_sys::DRM_CAP_CURSOR_WIDTH)), size(cap(drm_sys::DRM_CAP_CURSOR_HEIGHT))),
        cursor_hotspot: client(drm_sys::DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT),
        writeback: client(drm_sys::DRM_CLIENT_CAP_WRITEBACK_CONNECTORS),
    }
}
