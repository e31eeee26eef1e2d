//! The CRC files of one CRTC: `control`, which has the source, and `data`, whose opening arms it
//! (`drivers/gpu/drm/drm_debugfs_crc.c`).
//!
//! Opens these two files and nothing else, relative to their folder, and follows no link in it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;

/// More than any driver's list of sources.
const MAX_CONTROL: usize = 4096;

/// A CRTC index above this is none of the kernel's (`DRM_MAX_CRTC` and its masks have 32 bits).
pub const MAX_CRTC: u32 = 31;

/// Bytes of the longest source name.
pub const MAX_SOURCE: usize = 32;

/// The name of a CRC source, such as a driver may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    /// `None` unless it has 1 to 32 letters, digits, `-`, `_`, `.`, and spaces within, all ASCII.
    pub fn new(name: &str) -> Option<Self> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
        let good = (1..=MAX_SOURCE).contains(&name.len())
            && name.bytes().all(inner)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && !name.ends_with(' ');
        good.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Finding the folder: this device has no CRCs at this CRTC.
    Find,
    /// Reading `control`.
    ReadControl,
    /// Writing the source into `control`.
    WriteControl,
    /// Opening `data`.
    OpenData,
}

/// A step that failed, and the kernel's reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// The step.
    pub step: Step,
    /// Why.
    pub errno: Errno,
}

/// The folder of the files, opened as a place only (`O_PATH`).
#[derive(Debug)]
pub struct Files(OwnedFd);

const PLACE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Files {
    /// The folder at `path`. Errors: of the opening.
    pub fn at(path: &Path) -> Result<Self, Errno> {
        let place = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, place, Mode::empty()).map(Self)
    }

    /// The folder of CRTC `crtc` of the card with this minor, below a debugfs at `debugfs`.
    ///
    /// Since Linux 6.15 the minor is a link to a folder that is named by the device: it is followed
    /// if it leads to another entry of the same folder. Errors: [`Step::Find`].
    pub fn of(debugfs: &Path, minor: u32, crtc: u32) -> Result<Self, Failed> {
        Self::find(debugfs, minor, crtc).map_err(|errno| Failed { step: Step::Find, errno })
    }

    fn find(debugfs: &Path, minor: u32, crtc: u32) -> Result<Self, Errno> {
        if crtc > MAX_CRTC {
            return Err(Errno::NOENT);
        }
        let root = openat(CWD, debugfs, PLACE, Mode::empty())?;
        let dri = openat(&root, "dri", PLACE, Mode::empty())?;
        let minor = minor.to_string();
        let kind = FileType::from_raw_mode(statat(&dri, &minor, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
        let card = if kind == FileType::Symlink {
            let name = readlinkat(&dri, &minor, Vec::new())?;
            if matches!(name.to_bytes(), b"" | b"." | b"..") || name.to_bytes().contains(&b'/') {
                return Err(Errno::LOOP);
            }
            openat(&dri, &name, PLACE, Mode::empty())?
        } else {
            openat(&dri, &minor, PLACE, Mode::empty())?
        };
        let crtc = openat(&card, format!("crtc-{crtc}"), PLACE, Mode::empty())?;
        openat(&crtc, "crc", PLACE, Mode::empty()).map(Self)
    }

    /// `control`, to be read: it lists the sources, or shows the one that is set.
    pub fn control(&self) -> Result<OwnedFd, Failed> {
        self.open("control", OFlags::RDONLY, Step::ReadControl)
    }

    /// `data`, not blocking: CRCs of the source that is set are on until it is closed.
    pub fn data(&self) -> Result<OwnedFd, Failed> {
        self.open("data", OFlags::RDONLY | OFlags::NONBLOCK, Step::OpenData)
    }

    /// Sets `source`, unless it is set already, and opens `data`.
    ///
    /// A kernel that is locked down lets nobody open a file that can be written to: EPERM for
    /// `control`, for root too. `data` can be opened there, and the source is the one that the
    /// kernel starts with, `auto`, since nobody can have set another.
    pub fn arm(&self, source: &Source) -> Result<OwnedFd, Failed> {
        let is_set = match self.control().and_then(|control| read_control(&control)) {
            Ok(text) => current(&text) == Some(source.as_str()),
            Err(Failed { errno: Errno::PERM, .. }) => source.as_str() == "auto",
            Err(_) => false,
        };
        if !is_set {
            let control = self.open("control", OFlags::WRONLY, Step::WriteControl)?;
            let written = rustix::io::write(&control, source.as_str().as_bytes());
            written.map_err(|errno| Failed { step: Step::WriteControl, errno })?;
        }
        self.data()
    }

    fn open(&self, name: &str, flags: OFlags, step: Step) -> Result<OwnedFd, Failed> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NOCTTY;
        openat(&self.0, name, flags, Mode::empty()).map_err(|errno| Failed { step, errno })
    }
}

/// The text of an open `control`. Errors: [`Step::ReadControl`]; EFBIG where it is none.
pub fn read_control(control: impl AsFd) -> Result<String, Failed> {
    let failed = |errno| Failed { step: Step::ReadControl, errno };
    let mut text = [0; MAX_CONTROL];
    let mut len = 0;
    while len < text.len() {
        match rustix::io::read(&control, &mut text[len..]) {
            Ok(0) => return Ok(String::from_utf8_lossy(&text[..len]).into_owned()),
            Ok(more) => len += more,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    Err(failed(Errno::FBIG))
}

/// The source that is set, which `control` marks with a star.
pub fn current(control: &str) -> Option<&str> {
    control.lines().find_map(|line| line.strip_suffix('*'))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;

    /// A debugfs of files, with the CRCs of CRTC 0 of one card.
    pub struct Debugfs(tempfile::TempDir);

    impl Debugfs {
        fn new(card: &str, control: &str) -> Self {
            let root = tempfile::tempdir().expect("scratch");
            let dir = root.path().join("dri").join(card).join("crtc-0/crc");
            std::fs::create_dir_all(&dir).expect("folders");
            std::fs::write(dir.join("control"), control).expect("control");
            std::fs::write(dir.join("data"), "").expect("data");
            Self(root)
        }

        fn dir(&self, card: &str) -> PathBuf {
            self.0.path().join("dri").join(card).join("crtc-0/crc")
        }

        fn find(&self, minor: u32, crtc: u32) -> Result<Files, Errno> {
            Files::of(self.0.path(), minor, crtc).map_err(|failed| failed.errno)
        }
    }

    fn source(name: &str) -> Source {
        Source::new(name).expect("a source")
    }

    #[test]
    fn the_folder_is_found_by_minor_and_by_the_link_from_it() {
        let debugfs = Debugfs::new("0000:00:02.0", "auto*\n");
        symlink("0000:00:02.0", debugfs.0.path().join("dri/1")).expect("link");
        assert!(debugfs.find(1, 0).is_ok(), "Linux 6.15");
        assert_eq!(debugfs.find(2, 0).err(), Some(Errno::NOENT));
        assert_eq!(debugfs.find(1, 1).err(), Some(Errno::NOENT));
        assert_eq!(debugfs.find(1, u32::MAX).err(), Some(Errno::NOENT));
        assert!(Debugfs::new("1", "auto*\n").find(1, 0).is_ok(), "before");
    }

    #[test]
    fn no_link_leads_out_of_the_folder() {
        let outside = Debugfs::new("0", "auto*\n");
        for target in [outside.0.path().join("dri/0").to_str().expect("a path"), "../dri/0", "..", "."] {
            let debugfs = Debugfs::new("0", "auto*\n");
            symlink(target, debugfs.0.path().join("dri/1")).expect("link");
            assert_eq!(debugfs.find(1, 0).err(), Some(Errno::LOOP), "{target}");
        }
        // A link that leads to a link, and folders and files that are links.
        let debugfs = Debugfs::new("0", "auto*\n");
        symlink("2", debugfs.0.path().join("dri/1")).expect("link");
        symlink("0", debugfs.0.path().join("dri/2")).expect("link");
        symlink(outside.dir("0").parent().expect("parent"), debugfs.0.path().join("dri/0/crtc-1")).expect("link");
        assert_eq!(debugfs.find(1, 0).err(), Some(Errno::NOTDIR));
        assert_eq!(debugfs.find(0, 1).err(), Some(Errno::NOTDIR));
        let data = debugfs.dir("0").join("data");
        std::fs::remove_file(&data).expect("remove");
        symlink("/etc/passwd", &data).expect("link");
        let refused = debugfs.find(0, 0).expect("the folder").data();
        assert_eq!(refused.err(), Some(Failed { step: Step::OpenData, errno: Errno::LOOP }));
    }

    #[test]
    fn a_source_is_written_only_if_another_one_is_set() {
        let control = "auto*\nplane31\n";
        let debugfs = Debugfs::new("0", control);
        let path = debugfs.dir("0").join("control");
        // A write would change the file, as it is no kernel's.
        let files = debugfs.find(0, 0).expect("the folder");
        assert!(files.arm(&source("auto")).is_ok());
        assert_eq!(std::fs::read_to_string(&path).expect("control"), control);
        assert!(files.arm(&source("plane31")).is_ok());
        assert!(std::fs::read_to_string(&path).expect("control").starts_with("plane31"));
        // Nor is a right to write needed then.
        std::fs::write(&path, control).expect("control");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).expect("mode");
        assert!(files.arm(&source("auto")).is_ok());
    }

    #[test]
    fn what_is_no_list_of_sources_is_refused() {
        let debugfs = Debugfs::new("0", &"x".repeat(MAX_CONTROL + 1));
        let control = debugfs.find(0, 0).expect("the folder").control().expect("control");
        assert_eq!(read_control(control), Err(Failed { step: Step::ReadControl, errno: Errno::FBIG }));
        assert_eq!((current("auto\nplane31*\n"), current("auto\n"), current("")), (Some("plane31"), None, None));
    }

    #[test]
    fn names_that_are_no_source_are_refused() {
        for good in ["auto", "plane31", "DP-B", "outp-active", "dprx dither", "x".repeat(32).as_str()] {
            assert!(Source::new(good).is_some(), "{good}");
        }
        for bad in ["", " ", "auto ", " auto", "-auto", ".", "..", "a/b", "a\nb", "a\0", "é", "x".repeat(33).as_str()]
        {
            assert!(Source::new(bad).is_none(), "{bad:?}");
        }
    }
}
