//! The function `recvmsg` of this program.
#![allow(unsafe_code)]

use std::{ffi::c_int, os::fd::IntoRawFd};

use crate::system::recvmsg::{Inbox, with_offer};

/// recvmsg(2), in the place of the C library's for the whole program, except where an inbox is
/// offered. Not a point at which `pthread_cancel` ends a thread, unlike the C library's.
///
/// # Safety
///
/// As for the C library's: `message` and what it points to are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn recvmsg(fd: c_int, message: *mut libc::msghdr, flags: c_int) -> libc::ssize_t {
    // SAFETY: the caller's pointer is valid, and nobody else uses it during the call.
    match with_offer(fd, |inbox| unsafe { hand_over(inbox, &mut *message) }) {
        Some(Some(length)) => length as libc::ssize_t,
        Some(None) => {
            // SAFETY: errno is this thread's own.
            unsafe { *libc::__errno_location() = libc::EAGAIN };
            -1
        }
        // SAFETY: the caller's arguments are passed on as they are. The C library sets errno.
        None => unsafe {
            libc::syscall(libc::SYS_recvmsg, fd as libc::c_long, message, flags as libc::c_long) as libc::ssize_t
        },
    }
}

/// Fills `message` with what the inbox offers, as the kernel would. `None`: there is nothing.
///
/// # Safety
///
/// What `message` points to is valid, and may be written to.
unsafe fn hand_over(inbox: &mut Inbox, message: &mut libc::msghdr) -> Option<usize> {
    // SAFETY: the caller has so many of them.
    let parts = unsafe { std::slice::from_raw_parts(message.msg_iov, message.msg_iovlen) };
    let mut length = 0;
    for part in parts {
        let Some(bytes) = inbox.take(part.iov_len) else { break };
        // SAFETY: the part has room for as much as was asked for, and the inbox lies elsewhere.
        unsafe { part.iov_base.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        length += bytes.len();
    }
    if length == 0 && !inbox.ends {
        return None;
    }
    // SAFETY: the control buffer is valid for the length that `message` gives, and each header and
    // each descriptor is written within it.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(message);
        let room = message.msg_controllen.saturating_sub(libc::CMSG_LEN(0) as usize);
        let count = inbox.files.len().min(room / size_of::<c_int>());
        if header.is_null() || count == 0 {
            message.msg_controllen = 0;
        } else {
            let size = (count * size_of::<c_int>()) as u32;
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size) as _;
            let place = libc::CMSG_DATA(header).cast::<c_int>();
            for (at, file) in inbox.files.drain(..count).enumerate() {
                place.add(at).write_unaligned(file.into_raw_fd());
            }
            message.msg_controllen = message.msg_controllen.min(libc::CMSG_SPACE(size) as _);
        }
    }
    (message.msg_namelen, message.msg_flags) = (0, 0);
    Some(length)
}
