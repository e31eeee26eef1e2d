//! Looks at the machine: opens what can be opened, asks, closes it again. Changes nothing.
//!
//! The first opener of a card is its DRM master whether it wants to be or not, which lets it probe displays; with a
//! compositor running it gets what that one has probed. Either way the card is closed before anything is judged.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use fence::SyncDevice;
use kms::{Device, cec::Adapter, crc::CrcReader, property::PropertyKind};

use super::facts::{Access, Card, Cec, Crc, Heap, Machine, Memory, RenderNode, Seat, Sync, User};

const DEBUGFS: &str = "/sys/kernel/debug";

/// The whole machine, or one card of it.
pub fn machine(only: Option<&Path>) -> Machine {
    let cards = match only {
        Some(path) => vec![path.to_owned()],
        None => nodes("/dev/dri", "card"),
    };
    Machine {
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        user: User {
            root: rustix::process::geteuid().is_root(),
            runtime_dir: std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|dir| Path::new(&dir).is_dir()),
        },
        seat: seat(),
        cards: cards.into_iter().map(card).collect(),
        render_nodes: nodes("/dev/dri", "renderD").into_iter().map(render_node).collect(),
        memory: memory(),
        debugfs: debugfs(),
        sw_sync: fence::SwTimeline::open().map_or_else(|error| refused(error.errno), |_| Access::Yes),
        cec: Adapter::paths().into_iter().map(cec).collect(),
    }
}

/// `PREFIX` and a number in a folder, by number.
fn nodes(dir: &str, prefix: &str) -> Vec<PathBuf> {
    let number = |name: &str| name.strip_prefix(prefix).and_then(|digits| digits.parse::<u32>().ok());
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> =
        entries.filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path()))).collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

fn refused(errno: rustix::io::Errno) -> Access {
    match errno.kind() {
        io::ErrorKind::NotFound => Access::Absent,
        io::ErrorKind::PermissionDenied => Access::Denied,
        _ => Access::Failed(errno.to_string()),
    }
}

/// Opens for reading and writing.
fn open(path: &Path) -> Result<OwnedFd, Access> {
    let options = rustix::fs::OFlags::RDWR
        | rustix::fs::OFlags::CLOEXEC
        | rustix::fs::OFlags::NONBLOCK
        | rustix::fs::OFlags::NOCTTY;
    rustix::fs::open(path, options, rustix::fs::Mode::empty()).map_err(refused)
}

fn driver(node: &Path) -> String {
    let class = Path::new("/sys/class/drm").join(node.file_name().unwrap_or_default());
    let name = |link: &str| Some(fs::canonicalize(class.join(link)).ok()?.file_name()?.to_string_lossy().into_owned());
    // Software devices have no driver of their own: the device's name says it.
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
        Err(access) => {
            card.access = access;
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

/// On a descriptor of its own: asking for pipelines takes other properties away.
fn colour_pipelines(card: &Path) -> Vec<(u32, usize)> {
    let inventory = Device::open(card).and_then(|device| {
        device.show_colour_pipelines(true)?;
        device.inventory()
    });
    let planes = inventory.map(|inventory| inventory.planes).unwrap_or_default();
    let pipelines = |plane: &kms::inventory::PlaneInfo| match &plane.props.get("COLOR_PIPELINE")?.kind {
        PropertyKind::Enum(values) => Some(values.iter().filter(|value| value.value != 0).count()),
        _ => None,
    };
    planes.iter().filter_map(|plane| Some((plane.id, pipelines(plane).filter(|&count| count > 0)?))).collect()
}

fn crc(device: &Device, crtc: u32) -> Crc {
    let sources = CrcReader::open(device, crtc).and_then(|reader| reader.sources());
    match sources {
        Ok(sources) => Crc { crtc, sources: sources.into_iter().map(|source| source.name).collect(), error: None },
        Err(error) => Crc { crtc, sources: Vec::new(), error: Some(error.to_string()) },
    }
}

fn render_node(path: PathBuf) -> RenderNode {
    let (access, sync) = match open(&path) {
        Ok(fd) => (Access::Yes, sync(&fd)),
        Err(access) => (access, None),
    };
    RenderNode { driver: driver(&path), path, access, sync }
}

/// Fences of a DRM device; `None` if it is none.
fn sync(fd: &OwnedFd) -> Option<Sync> {
    let device = SyncDevice::new(fd.as_fd().try_clone_to_owned().ok()?).ok()?;
    let caps = device.caps();
    Some(Sync {
        syncobj: caps.syncobj,
        timeline: caps.timeline,
        eventfd: caps.eventfd,
        one_call: caps.timeline_export,
        deadline: deadline(&device),
    })
}

/// Asks a sync_file that has signalled already: a deadline cannot disturb anybody.
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

/// Mounted and readable; its mount point is empty otherwise.
fn debugfs() -> Access {
    match fs::read_dir(DEBUGFS) {
        Ok(mut entries) => entries.next().map_or(Access::Absent, |_| Access::Yes),
        Err(error) => refused(rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO)),
    }
}

fn cec(path: PathBuf) -> Cec {
    match Adapter::open(&path) {
        Ok(adapter) => Cec { path, access: Access::Yes, info: adapter.info().ok() },
        Err(error) => Cec { path, access: refused(error.errno), info: None },
    }
}
