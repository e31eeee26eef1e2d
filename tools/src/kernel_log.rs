//! The kernel's log from a point in time on (`/dev/kmsg`).

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

const PATH: &str = "/dev/kmsg";
/// Lines that are kept; more are of no use to anybody.
const MOST: usize = 2000;

/// The log, open at some point of it.
#[derive(Debug)]
pub struct KernelLog(File);

impl KernelLog {
    /// Opens it at its end. Errors: one line why it cannot be read.
    pub fn open() -> Result<Self, String> {
        let mut log = Self::whole()?;
        log.skip();
        Ok(log)
    }

    /// Opens it at the oldest line that the kernel has. Errors: one line why it cannot be read.
    pub fn whole() -> Result<Self, String> {
        let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(PATH);
        let file = file.map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => {
                format!("{PATH}: {error}: it needs root, or CAP_SYSLOG where kernel.dmesg_restrict is set")
            }
            _ => format!("{PATH}: {error}"),
        })?;
        Ok(Self(file))
    }

    /// Leaves out what is there.
    pub fn skip(&mut self) {
        self.0.seek(SeekFrom::End(0)).ok();
    }

    /// What has come since, a line each.
    pub fn read(&mut self) -> Result<String, String> {
        let mut lines = Vec::new();
        // A record, of which there is one a read.
        let mut record = [0; 8192];
        loop {
            match self.0.read(&mut record) {
                Ok(0) => break,
                Ok(len) => lines.extend(line(&String::from_utf8_lossy(&record[..len]))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // Records were overwritten; the next read goes on behind them.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => lines.push("(lines were lost)".to_owned()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("{PATH}: {error}")),
            }
        }
        let from = lines.len().saturating_sub(MOST);
        Ok(if lines.is_empty() { "nothing was logged\n".to_owned() } else { lines[from..].join("\n") + "\n" })
    }
}

/// A record `priority,number,microseconds,flags;text` as dmesg writes it.
fn line(record: &str) -> Option<String> {
    let (head, text) = record.split_once(';')?;
    let us: u64 = head.split(',').nth(2)?.parse().ok()?;
    Some(format!("[{:5}.{:06}] {}", us / 1_000_000, us % 1_000_000, text.lines().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_lines() {
        let record = "4,1234,5678901,-;vkms: something happened\n SUBSYSTEM=drm\n DEVICE=+drm:card0\n";
        assert_eq!(line(record).as_deref(), Some("[    5.678901] vkms: something happened"));
        for broken in ["", ";", "4,1234;text", "4,1,x,-;text", "4,1,2,-;"] {
            assert_eq!(line(broken), None, "{broken}");
        }
    }
}
