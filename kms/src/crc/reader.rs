//! Finds the CRC files of a CRTC in debugfs, lists sources, arms.
//!
//! Opening `data` arms the CRTC, closing it disarms: [`CrcStream`](super::CrcStream) holds it open.
//! Never chooses another source than asked for.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::error::CrcError;
use super::holder;
use crate::Device;
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
}

impl CrcReader {
    /// Finds the files of CRTC `crtc_index` of `device`. Errors: no debugfs, no permission, no CRCs
    /// in this driver.
    pub fn open(device: &Device, crtc_index: CrtcIndex) -> Result<Self, CrcError> {
        let path = device.path().display().to_string();
        let failed = |errno| CrcError::Call { call: "fstat", path: device.path().to_owned(), errno };
        let stat = rustix::fs::fstat(device.as_fd()).map_err(failed)?;
        let minor = rustix::fs::minor(stat.st_rdev);
        let sysfs = format!("/sys/dev/char/{}:{minor}/device", rustix::fs::major(stat.st_rdev));
        let name = std::fs::canonicalize(sysfs).ok();
        let name = name.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        Self::find(&device.kernel().debugfs(), minor, name, crtc_index, &path)
    }

    /// As [`CrcReader::open`] under a debugfs at `root`: the directory of DRM minor `minor`, or of
    /// the parent device called `name`.
    pub fn find(root: &Path, minor: u32, name: Option<&str>, crtc: CrtcIndex, device: &str) -> Result<Self, CrcError> {
        let dri = root.join("dri");
        let entries = std::fs::read_dir(&dri).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => CrcError::Permission(dri.clone()),
            // The mount point is empty without a mount; debugfs never is.
            _ if std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some()) => {
                CrcError::Unsupported { device: device.to_owned(), crtc }
            }
            _ => CrcError::NoDebugfs(root.to_owned()),
        })?;
        // Directories are named by the minor (Linux up to 6.14, and links after that) or by the
        // parent device.
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
        Self { dir: "nowhere".into(), crtc: CrtcIndex::from_raw(0) }
    }

    pub(super) fn call(&self, call: &'static str, path: &Path, errno: Errno) -> CrcError {
        match errno {
            Errno::ACCESS | Errno::PERM => CrcError::Permission(path.to_owned()),
            Errno::IO => CrcError::CrtcOff(self.crtc),
            Errno::BUSY => CrcError::Busy { path: path.to_owned(), holder: holder::of(&self.data()) },
            errno => CrcError::Call { call, path: path.to_owned(), errno },
        }
    }
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
mod tests {
    use super::*;

    const FIRST: CrtcIndex = CrtcIndex::from_raw(0);

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
            let found = CrcReader::find(root.path(), 3, Some("0000:00:02.0"), FIRST, "card3");
            found.map(|reader| reader.dir().strip_prefix(root.path().join("dri")).expect("inside").to_owned())
        };
        let place = |dir: &str| Ok(PathBuf::from(dir).join("crtc-0/crc"));
        assert_eq!(find(&[("3", "i915 dev=0000:00:02.0 unique=0000:00:02.0"), ("0", "vgem dev=vgem")]), place("3"));
        assert_eq!(find(&[("0000:00:02.0", ""), ("vkms", "vkms dev=vkms")]), place("0000:00:02.0"));
        assert_eq!(find(&[("7", "i915 dev=0000:00:02.0 unique=x"), ("8", "vkms dev=vkms")]), place("7"));
        let none = Err(CrcError::Unsupported { device: "card3".to_owned(), crtc: FIRST });
        assert_eq!(find(&[("8", "vkms dev=vkms")]), none);
    }

    #[test]
    fn without_debugfs_or_crtc() {
        let empty = tempfile::tempdir().expect("scratch");
        let find = |root: &Path, crtc| CrcReader::find(root, 0, None, crtc, "card0").map(drop);
        assert_eq!(find(empty.path(), FIRST), Err(CrcError::NoDebugfs(empty.path().to_owned())));
        let root = debugfs(&[("0", "vkms dev=vkms")]);
        assert_eq!(find(root.path(), FIRST), Ok(()));
        let second = CrtcIndex::from_raw(1);
        assert_eq!(find(root.path(), second), Err(CrcError::Unsupported { device: "card0".to_owned(), crtc: second }));
    }

    #[test]
    fn sources_with_the_current_one_marked() {
        let root = debugfs(&[("0", "vkms dev=vkms")]);
        let reader = CrcReader::find(root.path(), 0, None, FIRST, "card0").expect("reader");
        let source = |name: &str, current| CrcSource { name: name.to_owned(), current };
        assert_eq!(reader.sources(), Ok(vec![source("auto", true), source("plane31", false)]));
    }
}
