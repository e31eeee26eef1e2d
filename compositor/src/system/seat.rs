//! The seat: opens devices for the session, and revokes them when the user switches to another VT.
//!
//! With seatd or logind every device is opened through libseat, including those that the user
//! names. Without a seat manager, a session can run on a device that the user names, if the user
//! may open it. That is for board bring-up as root; VT switching does not work then.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use kms::{OpenError, open::OpenedBy};
use rustix::io::Errno;
use smithay::{
    backend::session::{
        Session as _,
        libseat::{LibSeatSession, LibSeatSessionNotifier},
    },
    reexports::{input::LibinputInterface, rustix::fs::OFlags},
};

use crate::system::error::Error;

/// How devices are opened.
#[derive(Debug, Clone)]
pub enum SeatSession {
    /// Through seatd or logind.
    Seat(LibSeatSession),
    /// Directly.
    Direct,
}

impl SeatSession {
    /// Opens the seat. With explicit `devices` the session may continue without a seat manager;
    /// whether the user may open them turns out later.
    pub fn open(devices: &[PathBuf]) -> Result<(Self, Option<LibSeatSessionNotifier>), Error> {
        match LibSeatSession::new() {
            Ok((session, notifier)) => Ok((Self::Seat(session), Some(notifier))),
            Err(error) if !devices.is_empty() => {
                tracing::info!("no seat manager ({error}); opening the devices directly");
                Ok((Self::Direct, None))
            }
            Err(error) => Err(Error::NoSeat { reason: error.to_string() }),
        }
    }

    /// How devices are opened, and so how they become DRM master.
    pub fn opens(&self) -> OpenedBy {
        match self {
            Self::Seat(_) => OpenedBy::Seat,
            Self::Direct => OpenedBy::Us,
        }
    }

    /// The name of the seat for libseat and udev.
    pub fn seat(&self) -> String {
        match self {
            Self::Seat(session) => session.seat(),
            Self::Direct => "seat0".into(),
        }
    }

    /// Opens a device. The caller owns the descriptor and returns it with
    /// [`SeatSession::close_device`].
    pub fn open_device(&mut self, path: &Path) -> Result<OwnedFd, Error> {
        let refused = |errno: i32| Error::from(OpenError::refused(path, Errno::from_raw_os_error(errno)));
        match self {
            Self::Seat(session) => {
                let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
                session.open(path, flags).map_err(|e| refused(errno_of(&e)))
            }
            Self::Direct => open_directly(path, libc::O_RDWR).map_err(refused),
        }
    }

    /// Returns a device from [`SeatSession::open_device`] to the seat; closes `fd`.
    pub fn close_device(&mut self, fd: OwnedFd) {
        // A device that is gone cannot be closed properly, and need not be.
        if let Self::Seat(session) = self
            && let Err(error) = session.close(fd)
        {
            tracing::debug!("cannot return a device to the seat: {error}");
        }
    }

    /// Requests a switch to another VT.
    pub fn change_vt(&mut self, vt: i32) {
        if let Self::Seat(session) = self
            && let Err(error) = session.change_vt(vt)
        {
            tracing::warn!("cannot switch to VT {vt}: {error}");
        }
    }
}

fn errno_of(error: &smithay::backend::session::libseat::Error) -> i32 {
    use smithay::backend::session::AsErrno;
    error.as_errno().unwrap_or(libc::EIO)
}

fn open_directly(path: &Path, flags: i32) -> Result<OwnedFd, i32> {
    let access = if flags & libc::O_ACCMODE == libc::O_RDONLY { OFlags::RDONLY } else { OFlags::RDWR };
    let flags = access | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    rustix::fs::open(path, rustix::fs::OFlags::from_bits_retain(flags.bits()), rustix::fs::Mode::empty())
        .map_err(|e| e.raw_os_error())
}

impl LibinputInterface for SeatSession {
    fn open_restricted(&mut self, path: &Path, flags: i32) -> Result<OwnedFd, i32> {
        match self {
            Self::Seat(session) => {
                let flags = OFlags::from_bits_retain(flags as u32);
                session.open(path, flags).map_err(|e| errno_of(&e))
            }
            Self::Direct => open_directly(path, flags),
        }
    }

    fn close_restricted(&mut self, fd: OwnedFd) {
        if let Self::Seat(session) = self {
            session.close(fd).ok();
        }
    }
}
