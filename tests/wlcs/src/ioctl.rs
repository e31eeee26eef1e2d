//! What the suite's client-side objects are called. Everything that is unsafe is here.

// The client library is C, and its objects are the suite's.
#![allow(unsafe_code)]

use std::os::fd::RawFd;

use wayland_sys::{
    client::{wayland_client_handle, wl_display, wl_proxy},
    ffi_dispatch,
};

/// The descriptor of a client's connection, and the id of one of its objects.
pub fn names(display: *mut wl_display, object: *mut wl_proxy) -> (RawFd, u32) {
    // SAFETY: the suite passes pointers to a live connection and to a live object of it, and does
    // not use them meanwhile, since it waits for this call.
    unsafe {
        (
            ffi_dispatch!(wayland_client_handle(), wl_display_get_fd, display),
            ffi_dispatch!(wayland_client_handle(), wl_proxy_get_id, object),
        )
    }
}
