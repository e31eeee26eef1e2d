//! Virtual terminals, and a seat that is bound to them: a seatd of its own, beside the lab's, which
//! knows no terminals.
//!
//! Switching is done as people do it: with keys.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::ioctl;
use crate::time::poll_until;
use crate::user::{self, User};

const PATIENCE: Duration = Duration::from_secs(5);

/// The terminal on the screen, as `tty3`.
pub fn active() -> Result<String> {
    let path = "/sys/class/tty/tty0/active";
    let text = fs::read_to_string(path).map_err(Error::io(format!("read {path}: has the kernel terminals?")))?;
    Ok(text.trim().to_owned())
}

/// Waits until a terminal is on the screen.
pub fn wait_for(name: &str) -> Result<()> {
    if poll_until(PATIENCE, || active().is_ok_and(|now| now == name)) {
        return Ok(());
    }
    Err(Error::Timeout(format!("{name} to be on the screen, which shows {}", active()?)))
}

/// Whether a terminal is in graphics mode (KD_GRAPHICS), where the kernel draws no text on it.
pub fn is_graphical(name: &str) -> Result<bool> {
    let path = PathBuf::from("/dev").join(name);
    let file = File::open(&path).map_err(Error::io(format!("open {}", path.display())))?;
    ioctl::is_graphical(file.as_fd()).map_err(Error::call("KDGETMODE"))
}

/// A seatd that binds its seat to the terminals; ends on drop.
pub struct Seatd {
    child: Child,
    dir: TempDir,
}

impl Seatd {
    /// Starts it.
    pub fn start() -> Result<Seatd> {
        let dir = user::folder()?;
        let owner = User::of_seat().map_or_else(|| "root".to_owned(), |user| user.name);
        // It listens at /run/seatd.sock, whatever one says: so it gets a /run of its own.
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", "mount --bind \"$1\" /run && exec seatd -l error -u \"$2\"", "sh"])
            .arg(dir.path())
            .arg(owner)
            .env("SEATD_VTBOUND", "1")
            .stdin(Stdio::null())
            .spawn()
            .map_err(Error::io("start seatd"))?;
        let seatd = Seatd { child, dir };
        let socket = seatd.socket();
        match poll_until(PATIENCE, || socket.exists()) {
            true => Ok(seatd),
            false => Err(Error::Timeout("seatd to make its socket".into())),
        }
    }

    /// Where it listens: what a session needs in SEATD_SOCK.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("seatd.sock")
    }
}

impl Drop for Seatd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
