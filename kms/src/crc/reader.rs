//! Reads display CRCs from debugfs.
//!
//! Opening `data` arms the CRTC, closing it disarms. Never blocks: the stream is a descriptor to poll, and a read without an
//! entry says so.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::entry::{CrcEntry, MAX_LINE};
use super::error::CrcError;
use crate::Device;

/// Where debugfs is by custom.
const DEBUGFS: &str = "/sys/kernel/debug";

/// Entries after arming that may still be of the time before (IGT drops as many).
pub const SETTLING: u32 = 2;

/// A source of CRCs: a tap in the display pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrcSource {
    /// Its name: `auto`, `pipe`, `plane31` …
    pub name: String,
    /// Whether it is chosen.
    pub current: bool,
}

/// The CRC files of one CRTC. Holds nothing open.
#[derive(Debug, Clone)]
pub struct CrcReader {
    dir: PathBuf,
    crtc: u32,
}

impl CrcReader {
    /// Finds the files of CRTC `crtc_index` of `device`. Errors: no debugfs, no permission, no CRCs in this driver.
    pub fn open(device: &Device, crtc_index: u32) -> Result<Self, CrcError> {
        let path = device.path().display().to_string();
        let failed = |errno| CrcError::Call { call: "fstat", path: device.path().to_owned(), errno };
        let stat = rustix::fs::fstat(device.as_fd()).map_err(failed)?;
        let minor = rustix::fs::minor(stat.st_rdev);
        let sysfs = format!("/sys/dev/char/{}:{minor}/device", rustix::fs::major(stat.st_rdev));
        let name = std::fs::canonicalize(sysfs).ok();
        let name = name.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        Self::find(Path::new(DEBUGFS), minor, name, crtc_index, &path)
    }

    /// As [`CrcReader::open`] under a debugfs at `root`: the directory of DRM minor `minor`, or of the parent device called `name`.
    pub fn find(root: &Path, minor: u32, name: Option<&str>, crtc: u32, device: &str) -> Result<Self, CrcError> {
        let dri = root.join("dri");
        let entries = std::fs::read_dir(&dri).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => CrcError::Permission(dri.clone()),
            // The mount point is empty without a mount; debugfs never is.
            _ if std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some()) => {
                CrcError::Unsupported { device: device.to_owned(), crtc }
            }
            _ => CrcError::NoDebugfs(root.to_owned()),
        })?;
        // Directories are named by the minor (Linux up to 6.14, and links after that) or by the parent device.
        let mut dirs = vec![dri.join(minor.to_string())];
        dirs.extend(
            entries.flatten().map(|entry| entry.path()).filter(|path| name.is_some_and(|name| is_named(path, name))),
        );
        let place = |dir: &PathBuf| dir.join(format!("crtc-{crtc}")).join("crc");
        match dirs.iter().map(place).find(|dir| dir.join("control").exists()) {
            Some(dir) => Ok(Self { dir, crtc }),
            None => Err(CrcError::Unsupported { device: device.to_owned(), crtc }),
        }
    }

    /// The directory of the files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the driver offers. Drivers that cannot list their sources show the chosen one only.
    pub fn sources(&self) -> Result<Vec<CrcSource>, CrcError> {
        let path = self.dir.join("control");
        let text = std::fs::read_to_string(&path)
            .map_err(|error| self.call("read", &path, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        Ok(parse_sources(&text))
    }

    /// Chooses `source` and starts the CRCs; the first two entries, which may be of the time before, will be dropped.
    ///
    /// To be done again after a modeset. Errors: unknown source (lists the known ones), CRTC off, busy.
    pub fn arm(&self, source: &str) -> Result<CrcStream, CrcError> {
        let control = self.dir.join("control");
        let fd = rustix::fs::open(&control, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| self.call("open", &control, errno))?;
        match rustix::io::write(&fd, source.as_bytes()) {
            Ok(_) => {}
            Err(Errno::INVAL) => {
                let known: Vec<_> = self.sources()?.into_iter().map(|source| source.name).collect();
                return Err(CrcError::UnknownSource { wanted: source.to_owned(), known: known.join(", ") });
            }
            Err(errno) => return Err(self.call("write", &control, errno)),
        }
        drop(fd);
        let data = self.dir.join("data");
        let fd = rustix::fs::open(&data, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| self.call("open", &data, errno))?;
        Ok(CrcStream { fd, path: data, settling: SETTLING, last: None, gaps: 0 })
    }

    fn call(&self, call: &'static str, path: &Path, errno: Errno) -> CrcError {
        match errno {
            Errno::ACCESS | Errno::PERM => CrcError::Permission(path.to_owned()),
            Errno::IO => CrcError::CrtcOff(self.crtc),
            Errno::BUSY => CrcError::Busy(path.to_owned()),
            errno => CrcError::Call { call, path: path.to_owned(), errno },
        }
    }
}

/// Whether a directory of `<debugfs>/dri` belongs to the parent device `name`: by its own name, or by its file `name`
/// (`driver dev=NAME unique=…`).
fn is_named(dir: &Path, name: &str) -> bool {
    let own = dir.file_name().is_some_and(|own| own == name);
    let dev = |text: String| text.split_whitespace().any(|word| word.strip_prefix("dev=") == Some(name));
    own || std::fs::read_to_string(dir.join("name")).is_ok_and(dev)
}

fn parse_sources(text: &str) -> Vec<CrcSource> {
    let line = |line: &str| match line.strip_suffix('*') {
        Some(name) => CrcSource { name: name.to_owned(), current: true },
        None => CrcSource { name: line.to_owned(), current: false },
    };
    text.lines().filter(|text| !text.is_empty()).map(line).collect()
}

/// CRCs as they come; readable when there is one. Dropping it stops the CRCs.
#[derive(Debug)]
pub struct CrcStream {
    fd: OwnedFd,
    path: PathBuf,
    settling: u32,
    last: Option<u32>,
    gaps: u64,
}

impl CrcStream {
    /// The next entry, if there is one; one system call (more while entries settle), no allocation.
    pub fn read_entry(&mut self) -> Result<Option<CrcEntry>, CrcError> {
        loop {
            let mut line = [0; MAX_LINE];
            let len = match rustix::io::read(&self.fd, &mut line) {
                Ok(0) | Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
                Ok(len) => len,
                Err(errno) => return Err(CrcError::Call { call: "read", path: self.path.clone(), errno }),
            };
            let line = &line[..len];
            let entry =
                CrcEntry::parse(line).ok_or_else(|| CrcError::Line(String::from_utf8_lossy(line).into_owned()))?;
            if let (Some(last), Some(frame)) = (self.last, entry.frame) {
                // Frames that no entry was written for: the kernel's ring was full, or the hardware skipped them.
                self.gaps += u64::from(frame.wrapping_sub(last).wrapping_sub(1)).min(u64::from(u32::MAX / 2));
            }
            self.last = entry.frame;
            if self.settling > 0 {
                self.settling -= 1;
                continue;
            }
            return Ok(Some(entry));
        }
    }

    /// Frames without an entry so far; always 0 for drivers without frame numbers.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }
}

impl AsFd for CrcStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A debugfs of files: directories of `dri` with the text of `name`, each with CRTC 0.
    fn debugfs(dirs: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("scratch");
        for (dir, name) in dirs {
            let dir = root.path().join("dri").join(dir);
            std::fs::create_dir_all(dir.join("crtc-0/crc")).expect("mkdir");
            std::fs::write(dir.join("name"), name).expect("name");
            std::fs::write(dir.join("crtc-0/crc/control"), "auto*\nplane31\n").expect("control");
            std::fs::write(dir.join("crtc-0/crc/data"), "").expect("data");
        }
        root
    }

    #[test]
    fn found_by_minor_by_directory_and_by_name() {
        let find = |dirs: &[(&str, &str)]| {
            let root = debugfs(dirs);
            let found = CrcReader::find(root.path(), 3, Some("0000:00:02.0"), 0, "card3");
            found.map(|reader| reader.dir().strip_prefix(root.path().join("dri")).expect("inside").to_owned())
        };
        let place = |dir: &str| Ok(PathBuf::from(dir).join("crtc-0/crc"));
        assert_eq!(find(&[("3", "i915 dev=0000:00:02.0 unique=0000:00:02.0"), ("0", "vgem dev=vgem")]), place("3"));
        assert_eq!(find(&[("0000:00:02.0", ""), ("vkms", "vkms dev=vkms")]), place("0000:00:02.0"));
        assert_eq!(find(&[("7", "i915 dev=0000:00:02.0 unique=x"), ("8", "vkms dev=vkms")]), place("7"));
        let none = Err(CrcError::Unsupported { device: "card3".to_owned(), crtc: 0 });
        assert_eq!(find(&[("8", "vkms dev=vkms")]), none);
    }

    #[test]
    fn without_debugfs_or_crtc() {
        let empty = tempfile::tempdir().expect("scratch");
        let find = |root: &Path, crtc| CrcReader::find(root, 0, None, crtc, "card0").map(drop);
        assert_eq!(find(empty.path(), 0), Err(CrcError::NoDebugfs(empty.path().to_owned())));
        let root = debugfs(&[("0", "vkms dev=vkms")]);
        assert_eq!(find(root.path(), 0), Ok(()));
        assert_eq!(find(root.path(), 1), Err(CrcError::Unsupported { device: "card0".to_owned(), crtc: 1 }));
    }

    #[test]
    fn sources_with_the_current_one_marked() {
        let root = debugfs(&[("0", "vkms dev=vkms")]);
        let reader = CrcReader::find(root.path(), 0, None, 0, "card0").expect("reader");
        let source = |name: &str, current| CrcSource { name: name.to_owned(), current };
        assert_eq!(reader.sources(), Ok(vec![source("auto", true), source("plane31", false)]));
    }

    /// A pipe in the place of the kernel's file: a line a read, as long as the writer writes them one by one.
    fn stream() -> (CrcStream, OwnedFd) {
        let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
        let (family, kind) = (rustix::net::AddressFamily::UNIX, rustix::net::SocketType::SEQPACKET);
        let (fd, kernel) = rustix::net::socketpair(family, kind, flags, None).expect("socketpair");
        (CrcStream { fd, path: "data".into(), settling: SETTLING, last: None, gaps: 0 }, kernel)
    }

    #[test]
    fn settling_entries_are_dropped_and_gaps_counted() {
        let (mut stream, kernel) = stream();
        assert_eq!(stream.read_entry(), Ok(None));
        for frame in [5u32, 6, 7, 8, 11, 12] {
            let line = format!("{frame:#010x} {:#010x}\n", frame * 3);
            rustix::io::write(&kernel, line.as_bytes()).expect("write");
        }
        for frame in [7u32, 8, 11, 12] {
            assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(Some(frame), &[frame * 3]))));
        }
        assert_eq!((stream.read_entry(), stream.gaps()), (Ok(None), 2));
        rustix::io::write(&kernel, b"0x1 0x2\n").expect("write");
        assert!(matches!(stream.read_entry(), Err(CrcError::Line(_))));
    }

    #[test]
    fn frames_without_numbers_have_no_gaps() {
        let (mut stream, kernel) = stream();
        for _ in 0..4 {
            rustix::io::write(&kernel, b"XXXXXXXXXX 0x00000001\n").expect("write");
        }
        assert_eq!(stream.read_entry(), Ok(Some(CrcEntry::new(None, &[1]))));
        assert_eq!((stream.read_entry().map(|entry| entry.is_some()), stream.gaps()), (Ok(true), 0));
    }
}
