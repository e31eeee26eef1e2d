//! Finds the CRC files of a CRTC in debugfs, lists sources, opens them; by the helper where debugfs
//! is closed to this user.
//!
//! Opening `data` arms the CRTC, closing it disarms: [`CrcStream`](super::CrcStream) holds it open.
//! Never chooses another source than asked for.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use crcd::client;
use crcd::files::{self, Failed, Files, Source, Step};
use crcd::protocol::{DRM_MAJOR, What};
use rustix::io::Errno;

use super::error::{CrcError, NoHelper};
use super::helper::{Helper, HelperError};
use crate::Device;
use crate::holder;
use crate::id::CrtcIndex;

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
    crtc: CrtcIndex,
    helper: Helper,
    /// debugfs is closed to this program: only the helper can open anything.
    is_closed: bool,
}

impl CrcReader {
    /// Finds the files of CRTC `crtc_index` of `device`. Errors: no debugfs, no permission and no
    /// helper, no CRCs in this driver.
    pub fn open(device: &Device, crtc_index: CrtcIndex) -> Result<Self, CrcError> {
        let path = device.path().display().to_string();
        let failed = |errno| CrcError::Call { call: "fstat", path: device.path().to_owned(), errno };
        let stat = rustix::fs::fstat(device.as_fd()).map_err(failed)?;
        let minor = rustix::fs::minor(stat.st_rdev);
        let sysfs = format!("/sys/dev/char/{}:{minor}/device", rustix::fs::major(stat.st_rdev));
        let name = std::fs::canonicalize(sysfs).ok();
        let name = name.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        Self::find(&device.kernel().debugfs(), minor, name, crtc_index, &path, &client::socket())
    }

    /// As [`CrcReader::open`] under a debugfs at `root`: the directory of DRM minor `minor`, or of
    /// the parent device called `name`. The helper of `socket` is asked if `root` is closed to this
    /// user.
    pub fn find(
        root: &Path,
        minor: u32,
        name: Option<&str>,
        crtc: CrtcIndex,
        device: &str,
        socket: &Path,
    ) -> Result<Self, CrcError> {
        let dri = root.join("dri");
        let helper = Helper { socket: socket.to_owned(), device: (DRM_MAJOR, minor), crtc };
        let place = |dir: &PathBuf| dir.join(format!("crtc-{crtc}")).join("crc");
        let unsupported = || CrcError::Unsupported { device: device.to_owned(), crtc };
        let entries = match std::fs::read_dir(&dri) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                let reader = Self { dir: place(&dri.join(minor.to_string())), crtc, helper, is_closed: true };
                return reader.checked(unsupported);
            }
            // The mount point is empty without a mount; debugfs never is.
            Err(_) if std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some()) => {
                return Err(unsupported());
            }
            Err(_) => return Err(CrcError::NoDebugfs(root.to_owned())),
        };
        // Directories are named by the minor (Linux up to 6.14, and links after that) or by the
        // parent device.
        let mut dirs = vec![dri.join(minor.to_string())];
        dirs.extend(
            entries.flatten().map(|entry| entry.path()).filter(|path| name.is_some_and(|name| is_named(path, name))),
        );
        match dirs.iter().map(place).find(|dir| dir.join("control").exists()) {
            Some(dir) => Ok(Self { dir, crtc, helper, is_closed: false }),
            None => Err(unsupported()),
        }
    }

    /// This reader, if the helper finds the files.
    fn checked(self, unsupported: impl Fn() -> CrcError) -> Result<Self, CrcError> {
        match self.helper.open(What::Sources) {
            Err(HelperError::Failed(Failed { step: Step::Find, errno: Errno::NOENT })) => Err(unsupported()),
            Err(HelperError::None(helper)) => Err(CrcError::Permission { path: self.dir, helper }),
            // What else the kernel refuses is said when it is needed.
            Ok(_) | Err(HelperError::Failed(_)) => Ok(self),
        }
    }

    /// The directory of the files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the driver offers. Drivers that cannot list their sources show the chosen one only, and
    /// so does a kernel that is locked down.
    pub fn sources(&self) -> Result<Vec<CrcSource>, CrcError> {
        match self.open_file(&What::Sources) {
            Ok(control) => {
                let text = files::read_control(&control).map_err(|failed| self.failed(failed, None))?;
                Ok(parse_sources(&text))
            }
            // It is the one that the kernel starts with: nobody can have chosen another.
            Err(CrcError::Lockdown(_)) => Ok(vec![CrcSource { name: "auto".to_owned(), current: true }]),
            Err(error) => Err(error),
        }
    }

    /// Chooses `source`, unless it is chosen, and opens `data`.
    pub(super) fn open_data(&self, source: &str) -> Result<OwnedFd, CrcError> {
        let Some(name) = Source::new(source) else { return Err(self.unknown(source)) };
        match self.open_file(&What::Arm(name)) {
            Err(CrcError::Call { call: "write", errno: Errno::INVAL, .. }) => Err(self.unknown(source)),
            opened => opened,
        }
    }

    fn unknown(&self, wanted: &str) -> CrcError {
        match self.sources() {
            Ok(known) => {
                let known: Vec<_> = known.into_iter().map(|source| source.name).collect();
                CrcError::UnknownSource { wanted: wanted.to_owned(), known: known.join(", ") }
            }
            Err(error) => error,
        }
    }

    /// Opens one of the files, by the helper where this program may not. Blocks as long as the
    /// driver does, and on the helper for a second at most.
    fn open_file(&self, what: &What) -> Result<OwnedFd, CrcError> {
        let denied = |errno| matches!(errno, Errno::ACCESS | Errno::PERM);
        if !self.is_closed {
            match self.open_here(what) {
                Err(failed) if denied(failed.errno) && !(failed.errno == Errno::PERM && is_locked_down()) => {}
                opened => return opened.map_err(|failed| self.failed(failed, None)),
            }
        }
        self.helper.open(what.clone()).map_err(|error| match error {
            HelperError::None(helper) => CrcError::Permission { path: self.dir.clone(), helper },
            HelperError::Failed(failed) => self.failed(failed, Some(NoHelper::Refused(failed.errno))),
        })
    }

    fn open_here(&self, what: &What) -> Result<OwnedFd, Failed> {
        let files = Files::at(&self.dir).map_err(|errno| Failed { step: Step::Find, errno })?;
        match what {
            What::Sources => files.control(),
            What::Data => files.data(),
            What::Arm(source) => files.arm(source),
        }
    }

    /// The file that entries are read from.
    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Index of the CRTC.
    pub fn crtc(&self) -> CrtcIndex {
        self.crtc
    }

    /// A reader of nothing, for tests of streams.
    #[cfg(test)]
    pub(super) fn nowhere() -> Self {
        let crtc = CrtcIndex::from_raw(0);
        let helper = Helper { socket: "nowhere".into(), device: (DRM_MAJOR, 0), crtc };
        Self { dir: "nowhere".into(), crtc, helper, is_closed: false }
    }

    fn failed(&self, Failed { step, errno }: Failed, helper: Option<NoHelper>) -> CrcError {
        let (call, path) = match step {
            Step::Find => ("open", self.dir.clone()),
            Step::ReadControl => ("read", self.dir.join("control")),
            Step::WriteControl => ("write", self.dir.join("control")),
            Step::OpenData => ("open", self.data()),
        };
        match (errno, helper) {
            (Errno::PERM, _) if is_locked_down() => CrcError::Lockdown(path),
            (Errno::ACCESS | Errno::PERM, Some(helper)) => CrcError::Permission { path, helper },
            (Errno::IO, _) => CrcError::CrtcOff(self.crtc),
            (Errno::BUSY, _) => CrcError::Busy { path, holder: holder::of(&self.data()) },
            (errno, _) => CrcError::Call { call, path, errno },
        }
    }
}

/// Whether the kernel is locked down (Secure Boot): nobody may open files of debugfs that can be
/// written to (EPERM), so that of the CRC sources only the one that is set can be read.
pub fn is_locked_down() -> bool {
    client::lockdown().is_ok_and(|text| client::is_locked_down(&text))
}

/// Whether a directory of `<debugfs>/dri` belongs to the parent device `name`: by its own name, or
/// by its file `name` (`driver dev=NAME unique=…`).
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

#[cfg(test)]
mod tests;
