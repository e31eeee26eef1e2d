//! `virtual-keyboard-unstable-v1`: clients type, on keyboards that they bring themselves.
//!
//! A keymap is read from its file at once, and never mapped: a file that becomes shorter does no harm. Whether it
//! makes sense is for the compositor. As for buttons of virtual pointers, what clients say of the time is not used.
//!
//! Smithay's module maps the file, shares one keymap among all objects, and sends keys on when their client is
//! gone without having released them.
//!
//! Source: `virtual-keyboard-unstable-v1.xml` of wayland-protocols-misc.

use std::os::fd::OwnedFd;

use rustix::{fs::FileType, io::Errno};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::server::{
    zwp_virtual_keyboard_manager_v1::{self as manager, ZwpVirtualKeyboardManagerV1},
    zwp_virtual_keyboard_v1::{self as object, ZwpVirtualKeyboardV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::ClientId,
    protocol::wl_keyboard::KeymapFormat,
};

use crate::{seen_by::SeenBy, surface_object::bind_manager};

/// The longest keymap, in bytes. libxkbcommon writes about 65 000 for a usual one.
pub const KEYMAP_BYTES: u32 = 256 * 1024;

/// What is down, latched and locked, and the layout: as in `wl_keyboard.modifiers`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Those that are down.
    pub depressed: u32,
    /// Those that are down for the next key.
    pub latched: u32,
    /// Those that stay down.
    pub locked: u32,
    /// The layout.
    pub group: u32,
}

/// What the protocol needs from the compositor's state.
pub trait VirtualKeyboardHandler {
    /// A keyboard has come. It has no keymap.
    fn virtual_keyboard_came(&mut self, keyboard: &ZwpVirtualKeyboardV1);

    /// The text of its keymap. Errors: it cannot be used, and why.
    fn virtual_keymap(&mut self, keyboard: &ZwpVirtualKeyboardV1, text: &str) -> Result<(), String>;

    /// A key goes down or up, by its number in `linux/input-event-codes.h`. False: the keyboard has no keymap.
    fn virtual_key(&mut self, keyboard: &ZwpVirtualKeyboardV1, code: u32, pressed: bool) -> bool;

    /// The modifiers are others. False: the keyboard has no keymap.
    fn virtual_modifiers(&mut self, keyboard: &ZwpVirtualKeyboardV1, modifiers: Modifiers) -> bool;

    /// A keyboard has gone.
    fn virtual_keyboard_went(&mut self, keyboard: &ZwpVirtualKeyboardV1);
}

/// The `zwp_virtual_keyboard_manager_v1` global. The compositor keeps what there is of its objects.
#[derive(Debug)]
pub struct VirtualKeyboardState;

impl VirtualKeyboardState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwpVirtualKeyboardManagerV1, SeenBy>
            + Dispatch<ZwpVirtualKeyboardManagerV1, ()>
            + Dispatch<ZwpVirtualKeyboardV1, ()>
            + 'static,
    {
        display.create_global::<D, ZwpVirtualKeyboardManagerV1, SeenBy>(1, seen_by);
        Self
    }
}

bind_manager!(VirtualKeyboardState, ZwpVirtualKeyboardManagerV1, SeenBy);

impl<D> Dispatch<ZwpVirtualKeyboardManagerV1, (), D> for VirtualKeyboardState
where
    D: Dispatch<ZwpVirtualKeyboardManagerV1, ()>
        + Dispatch<ZwpVirtualKeyboardV1, ()>
        + VirtualKeyboardHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwpVirtualKeyboardManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        // There is one seat.
        let manager::Request::CreateVirtualKeyboard { id, .. } = request else { return };
        let keyboard = data_init.init(id, ());
        state.virtual_keyboard_came(&keyboard);
    }
}

/// Reads the text of a keymap of so many bytes, which may end earlier with a zero. The error is a sentence.
fn read(format: u32, fd: &OwnedFd, size: u32) -> Result<String, String> {
    if format != KeymapFormat::XkbV1 as u32 {
        return Err(format!("{format} is no format of keymaps; 1 is"));
    }
    if size > KEYMAP_BYTES {
        return Err(format!("the keymap has {size} bytes; the limit is {KEYMAP_BYTES}"));
    }
    let stat = rustix::fs::fstat(fd).map_err(|errno| format!("the file of the keymap: {errno}"))?;
    // Of anything else a read may wait.
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err("the keymap is in no regular file".to_owned());
    }
    let (mut bytes, mut done) = (vec![0; size as usize], 0);
    while done < bytes.len() {
        match rustix::io::pread(fd, &mut bytes[done..], done as u64) {
            Ok(0) => return Err(format!("the file of the keymap has {done} bytes, not {size}")),
            Ok(got) => done += got,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(format!("the file of the keymap: {errno}")),
        }
    }
    if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
        bytes.truncate(end);
    }
    String::from_utf8(bytes).map_err(|_| "the keymap is no text".to_owned())
}

impl<D> Dispatch<ZwpVirtualKeyboardV1, (), D> for VirtualKeyboardState
where
    D: Dispatch<ZwpVirtualKeyboardV1, ()> + VirtualKeyboardHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwpVirtualKeyboardV1,
        request: object::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let (has_keymap, what) = match request {
            object::Request::Keymap { format, fd, size } => {
                let read = read(format, &fd, size).and_then(|text| state.virtual_keymap(resource, &text));
                if let Err(why) = read {
                    // No error is named for it: the keyboard has the keymap that it had.
                    tracing::warn!("zwp_virtual_keyboard_v1.keymap: {why}");
                }
                return;
            }
            object::Request::Key { key, state: pressed @ 0..=1, .. } => {
                (state.virtual_key(resource, key, pressed == 1), "key")
            }
            object::Request::Modifiers { mods_depressed, mods_latched, mods_locked, group } => {
                let modifiers =
                    Modifiers { depressed: mods_depressed, latched: mods_latched, locked: mods_locked, group };
                (state.virtual_modifiers(resource, modifiers), "modifiers")
            }
            _ => return,
        };
        if !has_keymap {
            let message = format!("{what}: the keyboard has no keymap; set one that xkbcommon can read");
            resource.post_error(object::Error::NoKeymap, message);
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwpVirtualKeyboardV1, (): &()) {
        state.virtual_keyboard_went(resource);
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`VirtualKeyboardHandler`].
#[macro_export]
macro_rules! delegate_virtual_keyboard {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::virtual_keyboard::manager::ZwpVirtualKeyboardManagerV1: $crate::SeenBy
        ] => $crate::virtual_keyboard::VirtualKeyboardState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::virtual_keyboard::manager::ZwpVirtualKeyboardManagerV1: ()
        ] => $crate::virtual_keyboard::VirtualKeyboardState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::virtual_keyboard::object::ZwpVirtualKeyboardV1: ()
        ] => $crate::virtual_keyboard::VirtualKeyboardState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> OwnedFd {
        let fd = rustix::fs::memfd_create("keymap", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::io::pwrite(&fd, bytes, 0).unwrap();
        fd
    }

    #[test]
    fn a_keymap_is_read_up_to_its_zero() {
        assert_eq!(read(1, &file(b"xkb_keymap {};\0rest"), 16).unwrap(), "xkb_keymap {};");
        assert_eq!(read(1, &file(b"xkb_keymap {};"), 14).unwrap(), "xkb_keymap {};");
    }

    #[test]
    fn what_is_no_keymap_says_why() {
        let (pipe, _end) = rustix::pipe::pipe().unwrap();
        let table = [
            (2, file(b"x"), 1, "no format"),
            (1, file(b"x"), 2, "has 1 bytes, not 2"),
            (1, file(b"x"), KEYMAP_BYTES + 1, "the limit is"),
            (1, file(b"\xff"), 1, "no text"),
            (1, pipe, 1, "no regular file"),
        ];
        for (format, fd, size, says) in table {
            let error = read(format, &fd, size).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
