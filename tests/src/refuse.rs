//! A display that refuses test commits with certain framebuffers, although it has announced their
//! layout.
//!
//! Real drivers do so: a layout may be announced and yet be too much for this mode, this clock or
//! this memory. vkms never does, so the compositor's thread is traced (`ptrace(2)`, as strace's
//! injection does), and the result of `DRM_IOCTL_MODE_ATOMIC` becomes EINVAL where it was a test
//! with such a framebuffer. The kernel has seen the test and nothing else is changed: commits that
//! are no tests pass.
//!
//! While this lives, no thread of the test may wait for the compositor: it would take the events
//! that are meant for the tracer.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;

use drm::control::Device as _;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::card::Card;
use crate::compositor::Compositor;
use crate::error::{Error, Result};

/// `DRM_IOCTL_MODE_ADDFB2`, of `struct drm_mode_fb_cmd2`.
const ADDFB2: u32 = 0xc068_64b8;
/// `DRM_IOCTL_MODE_ATOMIC`, of `struct drm_mode_atomic`.
const ATOMIC: u32 = 0xc038_64bc;
/// `DRM_MODE_ATOMIC_TEST_ONLY`.
const TEST_ONLY: u32 = 0x100;
/// `__NR_ioctl` of x86-64: the lab's kernel runs nowhere else.
const IOCTL: u64 = 16;

/// Refuses until it is ended.
#[derive(Debug)]
pub struct Refuser {
    pid: Pid,
    over: Arc<AtomicBool>,
    refused: Arc<AtomicU32>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Refuser {
    /// From now on, tests with framebuffers of this fourcc and modifier that are made from now on
    /// are refused. Returns when that is so.
    pub fn start(compositor: &Compositor, format: u32, modifier: u64) -> Result<Refuser> {
        let pid = Pid::from_raw(compositor.process().0 as i32);
        let property = framebuffer_property(&compositor.card)?;
        let memory = File::open(format!("/proc/{pid}/mem")).map_err(Error::io("open the compositor's memory"))?;
        let (over, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (ready, is_ready) = std::sync::mpsc::channel();
        let mut tracer = Tracer {
            pid,
            memory,
            pair: (format, modifier),
            property,
            framebuffers: HashSet::new(),
            over: over.clone(),
            refused: refused.clone(),
        };
        let thread = std::thread::spawn(move || {
            ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD).map_err(Error::other("trace the compositor"))?;
            ptrace::interrupt(pid).map_err(Error::other("stop the compositor"))?;
            let _ = ready.send(());
            tracer.run()
        });
        let _ = is_ready.recv();
        Ok(Refuser { pid, over, refused, thread: Some(thread) })
    }

    /// How many tests were refused.
    pub fn count(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Lets the compositor go.
    pub fn end(mut self) -> Result<()> {
        self.finish()
    }

    fn finish(&mut self) -> Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.over.store(true, Ordering::Relaxed);
        // Means nothing to it, but stops it, as every signal does.
        let _ = kill(self.pid, Signal::SIGWINCH);
        thread.join().map_err(|_| Error::Other("the tracer panicked".into()))?
    }
}

impl Drop for Refuser {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            eprintln!("{error}");
        }
    }
}

struct Tracer {
    pid: Pid,
    memory: File,
    pair: (u32, u64),
    /// `FB_ID` of this card.
    property: u32,
    /// Those of the pair.
    framebuffers: HashSet<u32>,
    over: Arc<AtomicBool>,
    refused: Arc<AtomicU32>,
}

impl Tracer {
    fn run(&mut self) -> Result<()> {
        loop {
            let stop = waitpid(self.pid, Some(WaitPidFlag::__WALL)).map_err(Error::other("wait for the compositor"))?;
            let signal = match stop {
                WaitStatus::Exited(..) | WaitStatus::Signaled(..) => return Ok(()),
                WaitStatus::PtraceSyscall(_) => {
                    self.system_call()?;
                    None
                }
                WaitStatus::Stopped(_, signal) => Some(signal),
                _ => None,
            };
            if self.over.load(Ordering::Relaxed) {
                return ptrace::detach(self.pid, signal).map_err(Error::other("let the compositor go"));
            }
            ptrace::syscall(self.pid, signal).map_err(Error::other("let the compositor run"))?;
        }
    }

    /// Begin or end of a call. At the begin there is no result yet (ENOSYS stands there), so only
    /// ends are looked at.
    fn system_call(&mut self) -> Result<()> {
        let mut registers = ptrace::getregs(self.pid).map_err(Error::other("read registers"))?;
        if registers.orig_rax != IOCTL || registers.rax != 0 {
            return Ok(());
        }
        let at = registers.rdx;
        match registers.rsi as u32 {
            ADDFB2 => {
                let framebuffer = self.u32(at)?;
                let pair = (self.u32(at + 12)?, self.u64(at + 72)?);
                if pair == self.pair {
                    self.framebuffers.insert(framebuffer);
                } else {
                    self.framebuffers.remove(&framebuffer);
                }
            }
            ATOMIC if self.u32(at)? & TEST_ONLY != 0 && self.has_framebuffer(at)? => {
                registers.rax = -i64::from(rustix::io::Errno::INVAL.raw_os_error()) as u64;
                ptrace::setregs(self.pid, registers).map_err(Error::other("write registers"))?;
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a request shows a framebuffer of the pair.
    fn has_framebuffer(&self, at: u64) -> Result<bool> {
        let (objects, counts) = (u64::from(self.u32(at + 4)?), self.u64(at + 16)?);
        let (names, values) = (self.u64(at + 24)?, self.u64(at + 32)?);
        let mut properties = 0;
        for object in 0..objects {
            properties += u64::from(self.u32(counts + 4 * object)?);
        }
        for property in 0..properties {
            let is_framebuffer = self.u32(names + 4 * property)? == self.property;
            if is_framebuffer && self.framebuffers.contains(&(self.u64(values + 8 * property)? as u32)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn u32(&self, at: u64) -> Result<u32> {
        let mut bytes = [0; 4];
        self.memory.read_exact_at(&mut bytes, at).map_err(Error::io("read the compositor's memory"))?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn u64(&self, at: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.memory.read_exact_at(&mut bytes, at).map_err(Error::io("read the compositor's memory"))?;
        Ok(u64::from_ne_bytes(bytes))
    }
}

/// Number of the property `FB_ID`.
fn framebuffer_property(path: &Path) -> Result<u32> {
    let card = Card::open(path)?;
    drm::Device::set_client_capability(&card, drm::ClientCapability::Atomic, true)
        .map_err(Error::io("ask for atomic properties"))?;
    let planes = card.plane_handles().map_err(Error::io("list planes"))?;
    let plane = *planes.first().ok_or_else(|| Error::Missing("a plane".into()))?;
    let properties = card.get_properties(plane).map_err(Error::io("list a plane's properties"))?;
    for (handle, _) in &properties {
        let property = card.get_property(*handle).map_err(Error::io("read a property"))?;
        if property.name().to_bytes() == b"FB_ID" {
            return Ok((*handle).into());
        }
    }
    Err(Error::Missing("the property FB_ID".into()))
}
