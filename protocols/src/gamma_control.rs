//! `wlr-gamma-control-unstable-v1`: clients give a display a table of its own, for the light of the evening or a
//! profile.
//!
//! One object has a display at a time; another one for it gets `failed`, and so does the object of a display that
//! has no table, that refuses one, or that is gone. What is set goes with the object. A table comes in a file, which
//! is read at once: only a file that the kernel reads by itself, as for `wl_shm`, since nobody waits for a client.
//! (Smithay has no module for this protocol.)
//!
//! Nothing here knows how a display applies a table.
//!
//! Source: `wlr-protocols/unstable/wlr-gamma-control-unstable-v1.xml`.

use std::os::fd::OwnedFd;

use rustix::{fs::FileType, io::Errno};
use wayland_protocols_wlr::gamma_control::v1::server::{
    zwlr_gamma_control_manager_v1::{self as manager, ZwlrGammaControlManagerV1},
    zwlr_gamma_control_v1::{self as object, ZwlrGammaControlV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::ClientId,
    protocol::wl_output::WlOutput,
};

use crate::{seen_by::SeenBy, surface_object::bind_manager};

/// The longest table that a display may have. Drivers have 4096 at most.
pub const ENTRIES: usize = 16_384;

/// The number of a display: no other that is there has it.
pub type DisplayNumber = u32;

/// What the protocol needs from the compositor's state.
pub trait GammaControlHandler {
    /// The global's state.
    fn gamma_controls(&mut self) -> &mut GammaControls;

    /// The display of an output, and how long its table is; `None`: it is gone, or has none.
    fn gamma_of(&self, output: &WlOutput) -> Option<(DisplayNumber, usize)>;

    /// A display gets this table (red, green, blue; 0xffff is full), or its own again. Returns whether it takes it.
    fn set_gamma(&mut self, display: DisplayNumber, table: Option<&[[u16; 3]]>) -> bool;
}

/// User data of `zwlr_gamma_control_v1`: how long the table is.
#[derive(Debug)]
pub struct GammaData {
    entries: usize,
}

/// The `zwlr_gamma_control_manager_v1` global, and which object has which display.
#[derive(Debug, Default)]
pub struct GammaControls {
    held: Vec<(DisplayNumber, ZwlrGammaControlV1)>,
}

impl GammaControls {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwlrGammaControlManagerV1, SeenBy>
            + Dispatch<ZwlrGammaControlManagerV1, ()>
            + Dispatch<ZwlrGammaControlV1, GammaData>
            + 'static,
    {
        display.create_global::<D, ZwlrGammaControlManagerV1, SeenBy>(1, seen_by);
        Self::default()
    }

    /// Whether a client has a display.
    pub fn has(&self, display: DisplayNumber) -> bool {
        self.held.iter().any(|(held, _)| *held == display)
    }

    /// A display is gone, or does not take its table any more.
    pub fn fail(&mut self, display: DisplayNumber) {
        for (_, object) in self.held.extract_if(.., |(held, _)| *held == display) {
            object.failed();
        }
    }

    fn take(&mut self, object: &ZwlrGammaControlV1) -> Option<DisplayNumber> {
        let at = self.held.iter().position(|(_, held)| held == object)?;
        Some(self.held.swap_remove(at).0)
    }
}

bind_manager!(GammaControls, ZwlrGammaControlManagerV1, SeenBy);

impl<D> Dispatch<ZwlrGammaControlManagerV1, (), D> for GammaControls
where
    D: Dispatch<ZwlrGammaControlManagerV1, ()>
        + Dispatch<ZwlrGammaControlV1, GammaData>
        + GammaControlHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwlrGammaControlManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let manager::Request::GetGammaControl { id, output } = request else { return };
        let found = state.gamma_of(&output).filter(|(_, entries)| (2..=ENTRIES).contains(entries));
        let object = data_init.init(id, GammaData { entries: found.map_or(0, |(_, entries)| entries) });
        match found {
            Some((display, entries)) if !state.gamma_controls().has(display) => {
                object.gamma_size(entries as u32);
                state.gamma_controls().held.push((display, object));
            }
            _ => object.failed(),
        }
    }
}

impl<D> Dispatch<ZwlrGammaControlV1, GammaData, D> for GammaControls
where
    D: Dispatch<ZwlrGammaControlV1, GammaData> + GammaControlHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        object: &ZwlrGammaControlV1,
        request: object::Request,
        data: &GammaData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let object::Request::SetGamma { fd } = request else { return };
        let held = state.gamma_controls().held.iter().find(|(_, held)| held == object);
        // One that has failed does nothing.
        let Some(display) = held.map(|(display, _)| *display) else { return };
        match read(&fd, data.entries) {
            Ok(table) => {
                if !state.set_gamma(display, Some(&table)) {
                    state.gamma_controls().fail(display);
                    state.set_gamma(display, None);
                }
            }
            Err(why) => object.post_error(object::Error::InvalidGamma, format!("set_gamma: {why}")),
        }
    }

    fn destroyed(state: &mut D, _: ClientId, object: &ZwlrGammaControlV1, _: &GammaData) {
        if let Some(display) = state.gamma_controls().take(object) {
            state.set_gamma(display, None);
        }
    }
}

/// Reads a table of so many entries: all of red, then of green, then of blue.
fn read(fd: &OwnedFd, entries: usize) -> Result<Vec<[u16; 3]>, String> {
    let stat = rustix::fs::fstat(fd).map_err(|errno| format!("the file: {errno}"))?;
    // Only files of shared memory have seals, be it none. Another one may be a file of the client's own making,
    // which answers when it likes.
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || rustix::fs::fcntl_get_seals(fd).is_err() {
        return Err("the descriptor is neither a memfd nor a file of tmpfs".to_owned());
    }
    let length = entries * 6;
    if stat.st_size != length as i64 {
        return Err(format!("the file has {} bytes; 3 tables of {entries} numbers are {length}", stat.st_size));
    }
    let (mut bytes, mut done) = (vec![0; length], 0);
    while done < length {
        match rustix::io::pread(fd, &mut bytes[done..], done as u64) {
            Ok(0) => return Err("the file ends before its table does".to_owned()),
            Ok(more) => done += more,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(format!("the file: {errno}")),
        }
    }
    let number = |at: usize| u16::from_ne_bytes([bytes[2 * at], bytes[2 * at + 1]]);
    Ok((0..entries).map(|at| [number(at), number(entries + at), number(2 * entries + at)]).collect())
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`GammaControlHandler`].
#[macro_export]
macro_rules! delegate_gamma_control {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::gamma_control::manager::ZwlrGammaControlManagerV1: $crate::SeenBy
        ] => $crate::gamma_control::GammaControls);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::gamma_control::manager::ZwlrGammaControlManagerV1: ()
        ] => $crate::gamma_control::GammaControls);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::gamma_control::object::ZwlrGammaControlV1: $crate::gamma_control::GammaData
        ] => $crate::gamma_control::GammaControls);
    };
}

#[cfg(test)]
mod tests {
    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    fn file(bytes: &[u8]) -> OwnedFd {
        let fd = memfd_create("gamma", MemfdFlags::CLOEXEC).unwrap();
        rustix::io::pwrite(&fd, bytes, 0).unwrap();
        fd
    }

    #[test]
    fn a_table_is_red_then_green_then_blue() {
        let bytes: Vec<u8> = [1u16, 2, 3, 4, 5, 0xffff].iter().flat_map(|number| number.to_ne_bytes()).collect();
        assert_eq!(read(&file(&bytes), 2).unwrap(), [[1, 3, 5], [2, 4, 0xffff]]);
    }

    #[test]
    fn a_file_of_another_size_or_kind_is_refused_and_not_waited_for() {
        let (pipe, _writer) = rustix::pipe::pipe().unwrap();
        let null = rustix::fs::open("/dev/zero", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
        let table = [
            (file(&[0; 11]), "has 11 bytes"),
            (file(&[0; 13]), "has 13 bytes"),
            (file(&[]), "has 0 bytes"),
            (pipe, "neither a memfd"),
            (null, "neither a memfd"),
        ];
        for (fd, says) in table {
            let error = read(&fd, 2).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
