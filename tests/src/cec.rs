//! A television to talk to: vivid's HDMI input with its CEC adapter, wired to vivid's HDMI output
//! with another.
//!
//! The output's adapter is the device under test. It has a physical address while an EDID is set at
//! the input and the two are wired, both of which [`Television::plug`] does. The wire is slow as
//! real ones are: 24 ms a byte.

mod ioctl;

use std::fs::{self, OpenOptions};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use self::ioctl::{Addresses, Message};
use crate::error::{Error, Result};
use crate::time::{after, now};

/// `VIVID_CID_HDMI_IS_CONNECTED_TO_OUTPUT(0)` of `vivid-ctrls.c`.
const CONNECTED_TO: u32 = 0x00f0_0000 + 0xf000 + 113;
/// What that control calls no output, after the pattern generator.
const NOTHING: i32 = 1;
/// What it calls the first HDMI output.
const FIRST_OUTPUT: i32 = 2;
/// The HDMI input among vivid's default ones: webcam, TV, S-Video, HDMI.
const HDMI_INPUT: u32 = 3;
/// `CEC_MODE_INITIATOR | CEC_MODE_FOLLOWER`.
const MODE: u32 = 0x11;

/// Longer than any message is on the wire: 16 bytes of 24 ms.
const QUIET: Duration = Duration::from_millis(400);

/// A television; its logical address is 0, its physical 0.0.0.0.
#[derive(Debug)]
pub struct Television {
    cec: OwnedFd,
    video: OwnedFd,
    /// The adapter of the device that is wired to it.
    pub source: PathBuf,
}

impl Television {
    /// Finds vivid's two adapters and makes a television of the one of its input, with nothing
    /// connected.
    pub fn new() -> Result<Television> {
        let video = open(&video_node("vivid-000-vid-cap")?)?;
        // vivid registers the input's adapter first.
        let (sink, source) = (Path::new("/dev/cec0"), Path::new("/dev/cec1"));
        let television = Television { cec: open(sink)?, video, source: source.to_owned() };
        television.unplug()?;
        ioctl::set_mode(television.cec.as_fd(), MODE).map_err(Error::call("CEC_S_MODE"))?;
        television.claim(Addresses::default())?;
        let mut osd_name = [0; 15];
        osd_name[..6].copy_from_slice(b"Lab TV");
        television.claim(Addresses {
            num_log_addrs: 1,
            cec_version: 5,
            vendor_id: u32::MAX,
            osd_name,
            ..Addresses::default()
        })?;
        // Messages of an earlier test may still be on the wire.
        while television.hear(QUIET)?.is_some() {}
        Ok(television)
    }

    fn claim(&self, mut addresses: Addresses) -> Result<()> {
        ioctl::claim(self.cec.as_fd(), &mut addresses).map_err(Error::call("CEC_ADAP_S_LOG_ADDRS"))
    }

    /// Plugs the source in: it gets the physical address 1.0.0.0.
    pub fn plug(&self) -> Result<()> {
        ioctl::video_control(self.video.as_fd(), CONNECTED_TO, FIRST_OUTPUT).map_err(Error::call("VIDIOC_S_CTRL"))?;
        ioctl::video_edid(self.video.as_fd(), HDMI_INPUT, &edid()).map_err(Error::call("VIDIOC_S_EDID"))
    }

    /// Pulls the source out: it has no address any more, and nothing that it says arrives.
    pub fn unplug(&self) -> Result<()> {
        self.hide()?;
        ioctl::video_control(self.video.as_fd(), CONNECTED_TO, NOTHING).map_err(Error::call("VIDIOC_S_CTRL"))
    }

    /// Takes the display away and leaves the wire, as televisions do that sleep: the source has no
    /// address, but may wake us.
    pub fn hide(&self) -> Result<()> {
        ioctl::video_edid(self.video.as_fd(), HDMI_INPUT, &[]).map_err(Error::call("VIDIOC_S_EDID"))
    }

    /// Sends a message, header and all, and waits until it was.
    pub fn say(&self, wire: &[u8]) -> Result<()> {
        let mut message = Message { len: wire.len() as u32, ..Message::default() };
        message.msg[..wire.len()].copy_from_slice(wire);
        ioctl::transmit(self.cec.as_fd(), &mut message).map_err(Error::call("CEC_TRANSMIT"))
    }

    /// The next message that arrives, as `40:04`; `None` if none does in time.
    pub fn hear(&self, timeout: Duration) -> Result<Option<String>> {
        let mut message = Message { timeout: timeout.as_millis() as u32, ..Message::default() };
        match ioctl::receive(self.cec.as_fd(), &mut message) {
            Ok(()) => {
                let bytes = message.msg.iter().take(message.len as usize);
                Ok(Some(bytes.map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")))
            }
            Err(Errno::TIMEDOUT) => Ok(None),
            Err(errno) => Err(Error::Call { what: "CEC_RECEIVE".into(), errno }),
        }
    }

    /// Reads messages until `wanted` arrives; fails with what came instead.
    pub fn expect(&self, wanted: &str, timeout: Duration) -> Result<()> {
        let end = after(timeout);
        let mut others = Vec::new();
        while now() < end {
            match self.hear(Duration::from_nanos(end - now()).max(Duration::from_millis(1)))? {
                Some(message) if message == wanted => return Ok(()),
                Some(message) => others.push(message),
                None => break,
            }
        }
        Err(Error::Timeout(format!("{wanted} on the wire; it carried {others:?}")))
    }
}

fn open(path: &Path) -> Result<OwnedFd> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.map(OwnedFd::from).map_err(Error::io(format!("open {}", path.display())))
}

fn video_node(name: &str) -> Result<PathBuf> {
    let nodes = fs::read_dir("/sys/class/video4linux").into_iter().flatten().flatten();
    let found =
        nodes.into_iter().find(|node| fs::read_to_string(node.path().join("name")).is_ok_and(|own| own.trim() == name));
    let node = found.ok_or_else(|| Error::Missing(format!("video node {name}: a kernel with vivid")))?;
    Ok(Path::new("/dev").join(node.file_name()))
}

/// A base block, and a CTA-861 block whose HDMI data block says 0.0.0.0: a television, not a
/// switch.
fn edid() -> [[u8; 128]; 2] {
    let mut blocks = [[0; 128]; 2];
    blocks[0][..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
    blocks[0][18..20].copy_from_slice(&[1, 3]);
    blocks[0][126] = 1;
    blocks[1][..10].copy_from_slice(&[2, 3, 10, 0, 0x65, 0x03, 0x0c, 0x00, 0x00, 0x00]);
    for block in &mut blocks {
        block[127] = 0u8.wrapping_sub(block.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte)));
    }
    blocks
}
