//! Whose a file is: the kernel's own, or one of a file system, whose calls a process may answer
//! (FUSE) or not answer at all (a dead server).
//!
//! It asks no file system.

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::OnceLock,
};

use rustix::{
    event::{EventfdFlags, eventfd},
    fs::{AtFlags, FileType, Statx, StatxFlags, statx},
    io::Result,
};

/// Whether the kernel itself answers calls on this file: it is an anonymous one, as sync_files and
/// syncobjs are, a pipe, or a socket.
///
/// # Errors
/// `EMFILE`, at the first call only.
pub(crate) fn is_of_the_kernel(fd: BorrowedFd<'_>) -> Result<bool> {
    static ANONYMOUS: OnceLock<(u32, u32)> = OnceLock::new();
    let anonymous = match ANONYMOUS.get() {
        Some(known) => *known,
        None => *ANONYMOUS.get_or_init({
            let device = device(&look(eventfd(0, EventfdFlags::CLOEXEC)?.as_fd())?);
            move || device
        }),
    };
    let file = look(fd)?;
    let kind = FileType::from_raw_mode(u32::from(file.stx_mode));
    Ok(device(&file) == anonymous || matches!(kind, FileType::Fifo | FileType::Socket))
}

/// What the kernel knows of a file without asking whoever serves it.
fn look(fd: BorrowedFd<'_>) -> Result<Statx> {
    statx(fd, c"", AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC, StatxFlags::TYPE)
}

fn device(file: &Statx) -> (u32, u32) {
    (file.stx_dev_major, file.stx_dev_minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_files_pipes_and_sockets_are_the_kernels_and_others_are_not() {
        let event = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let (pipe, _end) = rustix::pipe::pipe().unwrap();
        let (socket, _end) = std::os::unix::net::UnixStream::pair().unwrap();
        let memory = rustix::fs::memfd_create("", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        let disk = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        for (file, is) in [
            (event.as_fd(), true),
            (pipe.as_fd(), true),
            (socket.as_fd(), true),
            (memory.as_fd(), false),
            (null.as_fd(), false),
            (disk.as_fd(), false),
        ] {
            assert_eq!(is_of_the_kernel(file), Ok(is), "{file:?}");
        }
    }
}
