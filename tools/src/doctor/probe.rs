//! Collects the facts: opens what can be opened, asks, and closes it again. It changes nothing.
//!
//! The first program that opens a card becomes its DRM master, whether it wants to or not, and the
//! kernel then probes the displays for it. While a compositor runs, the state that the compositor
//! has probed is read. Either way the card is closed before conclusions are drawn.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use fence::SyncDevice;
use kms::{CrtcIndex, Device, PlaneId, cec::Adapter, crc::CrcReader, nodes, open::open};

use super::facts::{Access, Card, CecAdapter, CrtcCrc, Heap, Machine, Memory, RenderNode, Seat, SyncobjSupport, User};
use crate::kernel;

const DEBUGFS: &str = "/sys/kernel/debug";

/// The machine with all its cards, or with only this one.
pub fn machine(only: Option<&Path>) -> Machine {
    let cards = match only {
        Some(path) => vec![path.to_owned()],
        None => nodes::cards(),
    };
    Machine {
        kernel: kernel::release(),
        user: User {
            root: rustix::process::geteuid().is_root(),
            runtime_dir: std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|dir| Path::new(&dir).is_dir()),
        },
        seat: seat(),
        cards: cards.into_iter().map(card).collect(),
        render_nodes: nodes::render_nodes().into_iter().map(render_node).collect(),
        memory: memory(),
        debugfs: debugfs(),
        locked_down: kms::crc::is_locked_down(),
        sw_sync: fence::SwTimeline::open().map_or_else(|error| refused(error.errno), |_| Access::Yes),
        cec: Adapter::paths().into_iter().map(cec).collect(),
    }
}

/// What an errno of opening a file means.
fn refused(errno: rustix::io::Errno) -> Access {
    match errno.kind() {
        io::ErrorKind::NotFound => Access::Absent,
        io::ErrorKind::PermissionDenied => Access::Denied,
        _ => Access::Failed(errno.to_string()),
    }
}

fn driver(node: &Path) -> String {
    let class = Path::new("/sys/class/drm").join(node.file_name().unwrap_or_default());
    let name = |link: &str| Some(fs::canonicalize(class.join(link)).ok()?.file_name()?.to_string_lossy().into_owned());
    // Software devices have no driver link; the name of the device says the same.
    name("device/driver").or_else(|| name("device")).unwrap_or_else(|| "unknown driver".to_owned())
}

fn seat() -> Seat {
    let socket = std::env::var_os("SEATD_SOCK").map_or_else(|| PathBuf::from("/run/seatd.sock"), PathBuf::from);
    let seatd = match std::os::unix::net::UnixStream::connect(socket) {
        Ok(_) => Access::Yes,
        Err(error) => refused(rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO)),
    };
    Seat { seatd, logind: Path::new("/run/systemd/seats").is_dir() }
}

fn card(path: PathBuf) -> Card {
    let driver = driver(&path);
    let mut card = Card {
        path,
        driver,
        access: Access::Yes,
        inventory: None,
        why_not: None,
        sync: None,
        colour_pipelines: Vec::new(),
        crc: Vec::new(),
    };
    let fd = match open(&card.path) {
        Ok(fd) => fd,
        Err(errno) => {
            card.access = refused(errno);
            return card;
        }
    };
    card.sync = sync(&fd);
    let read = Device::from_fd(fd, &card.path).and_then(|device| Ok((device.inventory()?, device)));
    let (inventory, device) = match read {
        Ok(read) => read,
        Err(error) => {
            card.why_not = Some(error.to_string());
            return card;
        }
    };
    card.crc = inventory.crtcs.iter().map(|crtc| crc(&device, crtc.index)).collect();
    card.inventory = Some(inventory);
    card.colour_pipelines = colour_pipelines(&card.path);
    card
}

/// Uses a descriptor of its own, because the client capability for pipelines hides other
/// properties.
fn colour_pipelines(card: &Path) -> Vec<(PlaneId, usize)> {
    let inventory = Device::open(card).and_then(|device| {
        device.show_colour_pipelines(true)?;
        device.inventory()
    });
    let planes = inventory.map(|inventory| inventory.planes).unwrap_or_default();
    let counts = planes.iter().map(|plane| (plane.id, plane.pipelines.len()));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn crc(device: &Device, crtc: CrtcIndex) -> CrtcCrc {
    let sources = CrcReader::open(device, crtc).and_then(|reader| reader.sources());
    match sources {
        Ok(sources) => CrtcCrc { crtc, sources: sources.into_iter().map(|source| source.name).collect(), error: None },
        Err(error) => CrtcCrc { crtc, sources: Vec::new(), error: Some(error.to_string()) },
    }
}

fn render_node(path: PathBuf) -> RenderNode {
    let (access, sync) = match open(&path) {
        Ok(fd) => (Access::Yes, sync(&fd)),
        Err(errno) => (refused(errno), None),
    };
    RenderNode { driver: driver(&path), path, access, sync }
}

/// What the device can do with syncobjs; `None` if it is not a DRM device.
fn sync(fd: &OwnedFd) -> Option<SyncobjSupport> {
    let device = SyncDevice::new(fd.as_fd().try_clone_to_owned().ok()?).ok()?;
    let caps = device.caps();
    Some(SyncobjSupport {
        syncobj: caps.syncobj,
        timeline: caps.timeline,
        eventfd: caps.eventfd,
        one_call: caps.timeline_export,
        deadline: deadline(&device),
    })
}

/// Sets a deadline on a sync_file that has already signalled, so that it has no effect.
fn deadline(device: &SyncDevice) -> Option<bool> {
    let timeline = device.create_timeline().ok()?;
    timeline.signal(1).ok()?;
    let file = timeline.point(1).export().ok()??;
    Some(file.set_deadline(1).is_ok())
}

fn memory() -> Memory {
    let (udmabuf, buffer) = match dmabuf_import::udmabuf::Udmabuf::open() {
        Ok(device) => (Access::Yes, device.allocate(4096).ok()),
        Err(error) => (refused(error.errno), None),
    };
    let mut names: Vec<String> = fs::read_dir("/dev/dma_heap")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let heap = |name: String| {
        let opened = dmabuf_import::heap::DmaHeap::open(&name);
        Heap { access: opened.map_or_else(|error| refused(error.errno), |_| Access::Yes), name }
    };
    let bridge = |buffer: &OwnedFd| fence::implicit::export(buffer.as_fd(), fence::implicit::Access::Write).is_ok();
    Memory { udmabuf, heaps: names.into_iter().map(heap).collect(), implicit_bridge: buffer.as_ref().map(bridge) }
}

/// Whether debugfs is mounted and readable. The directory is empty if it is not mounted.
fn debugfs() -> Access {
    match fs::read_dir(DEBUGFS) {
        Ok(mut entries) => entries.next().map_or(Access::Absent, |_| Access::Yes),
        Err(error) => refused(rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO)),
    }
}

fn cec(path: PathBuf) -> CecAdapter {
    match Adapter::open(&path) {
        Ok(adapter) => CecAdapter { path, access: Access::Yes, info: adapter.info().ok() },
        Err(error) => CecAdapter { path, access: refused(error.errno), info: None },
    }
}
