//! Calls that need `unsafe`: the groups of a peer, and the socket that systemd hands over.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

/// The most groups of a peer that are looked through.
pub const MAX_GROUPS: usize = 1024;

/// The groups that the peer of a unix socket had when it connected, besides its own
/// (`SO_PEERGROUPS`, Linux 4.13): as many of `groups` as are returned. Errors: ERANGE, it is in
/// more.
pub fn peer_groups(fd: BorrowedFd<'_>, groups: &mut [u32; MAX_GROUPS]) -> Result<usize, Errno> {
    let mut len = size_of_val(groups) as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, which is the size of the array, and sets
    // `len`. Every value of the bytes is a number.
    let done = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if done != 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL));
    }
    Ok((len as usize / size_of::<u32>()).min(MAX_GROUPS))
}

/// The one socket that systemd has handed over to this process (sd_listen_fds(3)), closed on exec.
/// `None`: there is none, or more than one. To be called once, before anything else is opened.
pub fn activated() -> Option<OwnedFd> {
    const FIRST: i32 = 3;
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID") != Some(std::process::id()) || number("LISTEN_FDS") != Some(1) {
        return None;
    }
    // SAFETY: the number is only looked at; a descriptor that is not open gives EBADF.
    let open = unsafe { libc::fcntl(FIRST, libc::F_SETFD, libc::FD_CLOEXEC) } == 0;
    // SAFETY: it is open, and systemd has given it to this process alone, which has not used it
    // yet.
    open.then(|| unsafe { OwnedFd::from_raw_fd(FIRST) })
}
