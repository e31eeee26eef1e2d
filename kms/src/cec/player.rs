//! A playback device on an adapter: claims its address, sends and answers what [`Machine`] decides.
//!
//! Poll its descriptor for `POLLIN` (messages) **and** `POLLPRI` (events), then call
//! [`Player::dispatch`]. It never blocks and never waits for a reply. When the display comes back
//! the kernel claims the address again by itself.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::machine::{Machine, Message, RemoteCommand};
use super::{Adapter, ioctl};
use crate::CallError;

/// `CEC_MODE_INITIATOR | CEC_MODE_FOLLOWER`: neither is exclusive, so that `cec-ctl` can look on.
const MODE: u32 = 0x01 | 0x10;
/// `CEC_EVENT_STATE_CHANGE`.
const STATE_CHANGE: u32 = 1;
/// `CEC_EVENT_FL_INITIAL_STATE`.
const INITIAL: u32 = 1;
/// `CEC_EVENT_LOST_MSGS`.
const LOST_MESSAGES: u32 = 2;
/// `CEC_TX_STATUS_OK`.
const TX_OK: u8 = 1;

/// The name that televisions show: 1 to 14 printable ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OsdName([u8; 15]);

impl OsdName {
    /// Most characters.
    pub const LEN: usize = 14;

    /// `None` if `name` is empty, too long, or has a character that is not of ASCII's printable
    /// ones.
    pub fn new(name: &str) -> Option<Self> {
        let good = (1..=Self::LEN).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        let mut bytes = [0; 15];
        bytes.get_mut(..name.len()).filter(|_| good)?.copy_from_slice(name.as_bytes());
        Some(Self(bytes))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

/// What [`Player::dispatch`] reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// On the wire with these addresses.
    Claimed {
        /// 4, 8 or 11: playback device 1, 2, 3.
        logical: u8,
        /// `0x1000` is `1.0.0.0`.
        physical: u16,
    },
    /// Off the wire: the display is gone, or another program took the address away.
    Lost,
    /// Heard on the wire.
    RemoteCommand(RemoteCommand),
    /// A message of ours did not arrive: its opcode, and `CEC_TX_STATUS_*`. The kernel has tried it
    /// several times.
    NotDelivered(u8, u8),
    /// So many messages came faster than they were read.
    Overrun(u32),
}

/// Whether there is an adapter any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Everything has been read: poll again.
    Drained,
    /// The adapter is gone (unplugged, driver unbound): stop polling, drop the player.
    Gone,
}

/// A playback device. Dropping it gives its address back.
#[derive(Debug)]
pub struct Player {
    adapter: Adapter,
    machine: Machine,
    name: OsdName,
    /// The address has been asked for; until then each change of the adapter's state is a chance to
    /// do so.
    asked: bool,
}

impl Player {
    /// Makes `adapter` a playback device called `name`. `standby_on_sleep`: whether
    /// [`Player::sleep`] puts the television to standby as well. The address is claimed in the
    /// background; [`Event::Claimed`] tells.
    ///
    /// An address that another program has left on the adapter is taken away; while it is being
    /// claimed, or while another program has the adapter for itself, ours waits for the next change
    /// of state.
    ///
    /// Errors: ENOTTY (the adapter cannot send), ENODEV (gone).
    pub fn new(adapter: Adapter, name: OsdName, standby_on_sleep: bool) -> Result<Self, CallError> {
        ioctl::set_mode(adapter.as_fd(), MODE).map_err(|errno| adapter.error("CEC_S_MODE", errno))?;
        let mut player = Self { adapter, machine: Machine::new(standby_on_sleep), name, asked: false };
        player.claim()?;
        Ok(player)
    }

    /// Asks for the address, unless the kernel is busy with another one.
    fn claim(&mut self) -> Result<(), CallError> {
        let wanted = ioctl::LogAddrs {
            num_log_addrs: 1,
            cec_version: 5,         // CEC_OP_CEC_VERSION_1_4: no 2.0 features are offered
            vendor_id: 0xffff_ffff, // CEC_VENDOR_ID_NONE
            osd_name: self.name.0,
            primary_device_type: [4, 0, 0, 0], // CEC_OP_PRIM_DEVTYPE_PLAYBACK
            log_addr_type: [3, 0, 0, 0],       // CEC_LOG_ADDR_TYPE_PLAYBACK
            all_device_types: [0x10, 0, 0, 0], // CEC_OP_ALL_DEVTYPE_PLAYBACK
            ..ioctl::LogAddrs::default()
        };
        for mut addrs in [ioctl::LogAddrs::default(), wanted] {
            match ioctl::set_log_addrs(self.adapter.as_fd(), &mut addrs) {
                Ok(()) => {}
                Err(Errno::BUSY) => {
                    tracing::debug!(adapter = %self.adapter.path().display(), "CEC: busy, the address is asked for later");
                    return Ok(());
                }
                Err(errno) => return Err(self.adapter.error("CEC_ADAP_S_LOG_ADDRS", errno)),
            }
        }
        self.asked = true;
        Ok(())
    }

    /// Its adapter.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Logical and physical address, while it is on the wire.
    pub fn addresses(&self) -> Option<(u8, u16)> {
        self.machine.addresses()
    }

    /// The outputs are on: wakes the television and makes it show this device, now or as soon as
    /// there is an address.
    pub fn wake(&mut self) {
        let Self { adapter, machine, .. } = self;
        machine.wake(|message| send(adapter, &message));
    }

    /// The outputs are off: answers *standby* to who asks, and puts the television to standby if
    /// that was wanted.
    pub fn sleep(&mut self) {
        let Self { adapter, machine, .. } = self;
        machine.sleep(|message| send(adapter, &message));
    }

    /// Reads everything that has come, answers it and reports it.
    pub fn dispatch(&mut self, mut report: impl FnMut(Event)) -> Result<Readiness, CallError> {
        loop {
            match ioctl::event(self.adapter.as_fd()) {
                Ok(event) if event.event == STATE_CHANGE => {
                    let (physical, logical) = (event.raw[0] as u16, (event.raw[0] >> 16) as u16);
                    if !self.asked {
                        self.claim()?;
                    } else if event.flags & INITIAL == 0 {
                        // The state at the opening is that of before our claim.
                        self.configured(physical, logical, &mut report);
                    }
                }
                Ok(event) if event.event == LOST_MESSAGES => report(Event::Overrun(event.raw[0])),
                Ok(_) => {}
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(Errno::NODEV) => return Ok(Readiness::Gone),
                Err(errno) => return Err(self.adapter.error("CEC_DQEVENT", errno)),
            }
        }
        loop {
            match ioctl::receive(self.adapter.as_fd()) {
                Ok(msg) => self.received(&msg, &mut report),
                Err(Errno::AGAIN | Errno::TIMEDOUT) => return Ok(Readiness::Drained),
                Err(Errno::INTR) => {}
                Err(Errno::NODEV) => return Ok(Readiness::Gone),
                Err(errno) => return Err(self.adapter.error("CEC_RECEIVE", errno)),
            }
        }
    }

    fn configured(&mut self, physical: u16, logical: u16, report: &mut impl FnMut(Event)) {
        let Self { adapter, machine, .. } = self;
        let before = machine.addresses();
        machine.configured(physical, logical, |message| send(adapter, &message));
        match machine.addresses() {
            now if now == before => {}
            Some((logical, physical)) => report(Event::Claimed { logical, physical }),
            None => report(Event::Lost),
        }
    }

    fn received(&mut self, msg: &ioctl::Msg, report: &mut impl FnMut(Event)) {
        // The result of a transmission: `cec_msg_recv_is_tx_result`.
        if msg.sequence != 0 && msg.tx_status != 0 && msg.rx_status == 0 {
            if msg.tx_status & TX_OK == 0 {
                report(Event::NotDelivered(msg.msg[1], msg.tx_status));
            }
            return;
        }
        let Self { adapter, machine, .. } = self;
        let Some(message) = msg.msg.get(..msg.len as usize).and_then(Message::from_wire) else { return };
        tracing::trace!(adapter = %adapter.path().display(), %message, "CEC received");
        if let Some(heard) = machine.received(&message, |message| send(adapter, &message)) {
            report(Event::RemoteCommand(heard));
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        if self.asked {
            // Gone or busy: nothing to give back.
            let _ = ioctl::set_log_addrs(self.adapter.as_fd(), &mut ioctl::LogAddrs::default());
        }
    }
}

impl AsFd for Player {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.adapter.as_fd()
    }
}

/// Queues a message. One that the kernel does not take is not worth a session: it is logged.
fn send(adapter: &Adapter, message: &Message) {
    let mut msg = ioctl::Msg { len: message.wire().len() as u32, ..ioctl::Msg::default() };
    msg.msg[..message.wire().len()].copy_from_slice(message.wire());
    let path = adapter.path().display();
    match ioctl::transmit(adapter.as_fd(), &mut msg) {
        Ok(()) => tracing::trace!(adapter = %path, %message, "CEC sent"),
        // No address yet (no display, or it is being claimed): the machine says it again when it
        // has one.
        Err(Errno::NONET) => tracing::debug!(adapter = %path, %message, "CEC: no address to send from yet"),
        Err(errno) => tracing::warn!(adapter = %path, %message, %errno, "CEC_TRANSMIT"),
    }
}

#[cfg(test)]
mod tests {
    use super::OsdName;

    #[test]
    fn names_that_fit() {
        for name in ["S", "Syncline", "Living room 12"] {
            assert!(OsdName::new(name).is_some(), "{name}");
        }
        for name in ["", "fifteen letters", "Küche", "a\nb"] {
            assert!(OsdName::new(name).is_none(), "{name}");
        }
    }
}
