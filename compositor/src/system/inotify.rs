//! Notices that files have changed, also files that are not there yet, and files that an editor
//! replaces.
//!
//! It watches folders, not files: that of each file, that of the file behind a link, and of a folder
//! that is not there the nearest one above. It does not read the files.

use std::{
    ffi::OsString,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::fs::inotify::{self, ReadFlags, WatchFlags};

/// The folders that are watched. Dropped, it watches nothing.
#[derive(Debug)]
pub struct Watch {
    fd: OwnedFd,
    /// What of a folder matters, by the kernel's number of the watch.
    names: Vec<(i32, OsString)>,
}

impl Watch {
    /// Watches `files`. A folder that cannot be watched is left out, and the log says so. Errors: the
    /// user has too many (EMFILE), or there is no memory.
    pub fn new(files: &[PathBuf]) -> io::Result<Self> {
        let fd = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let mut watch = Self { fd, names: Vec::new() };
        for file in files {
            watch.add(file);
            // What the file is a link to may be changed, too.
            if let Ok(target) = std::fs::canonicalize(file)
                && target != *file
            {
                watch.add(&target);
            }
        }
        Ok(watch)
    }

    fn add(&mut self, file: &Path) {
        // The nearest folder that is there, and the name below it that matters.
        let mut of = file;
        let Some((folder, name)) = std::iter::from_fn(|| {
            let name = of.file_name()?;
            of = of.parent()?;
            Some((of, name))
        })
        .find(|(folder, _)| folder.is_dir()) else {
            return;
        };
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        match inotify::add_watch(&self.fd, folder, flags) {
            Ok(number) => self.names.push((number, name.to_owned())),
            Err(error) => tracing::warn!("cannot watch {}: {error}", folder.display()),
        }
    }

    /// Reads what has happened. Whether it concerns the files: then they may have changed, and other
    /// folders may have to be watched.
    pub fn changed(&mut self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.fd, &mut buffer);
        let mut changed = false;
        // Whatever the error is: there is nothing more.
        while let Ok(event) = reader.next() {
            let of_folder =
                ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::QUEUE_OVERFLOW | ReadFlags::IGNORED;
            let name = event.file_name().map(|name| name.to_bytes()).unwrap_or_default();
            let is = |(number, wanted): &(i32, OsString)| *number == event.wd() && wanted.as_bytes() == name;
            changed |= event.events().intersects(of_folder) || self.names.iter().any(is);
        }
        changed
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_that_change_come_go_and_are_replaced_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "a").unwrap();
        let mut watch = Watch::new(&[at("file"), at("later/deep/file")]).unwrap();
        assert!(!watch.changed());
        fs::write(at("other"), "b").unwrap();
        assert!(!watch.changed(), "another file of the folder");
        fs::write(at("file"), "b").unwrap();
        assert!(watch.changed() && !watch.changed());
        fs::write(at("new"), "c").unwrap();
        fs::rename(at("new"), at("file")).unwrap();
        assert!(watch.changed(), "replaced");
        fs::remove_file(at("file")).unwrap();
        assert!(watch.changed());
        fs::create_dir(at("later")).unwrap();
        assert!(watch.changed(), "a folder on the way");
        let mut watch = Watch::new(&[at("later/deep/file")]).unwrap();
        fs::create_dir(at("later/deep")).unwrap();
        assert!(watch.changed());
    }

    #[test]
    fn a_link_and_what_it_leads_to_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("store")).unwrap();
        fs::write(at("store/one"), "a").unwrap();
        fs::write(at("store/two"), "b").unwrap();
        std::os::unix::fs::symlink("store/one", at("file")).unwrap();
        let mut watch = Watch::new(&[at("file")]).unwrap();
        fs::write(at("store/one"), "c").unwrap();
        assert!(watch.changed());
        std::os::unix::fs::symlink("store/two", at("link")).unwrap();
        fs::rename(at("link"), at("file")).unwrap();
        assert!(watch.changed());
    }
}
