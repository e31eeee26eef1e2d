//! The ioctls of `include/uapi/linux/cec.h`: one thin function each, and the structures they take.
//!
//! Nothing here decides anything: borrowed descriptors go in, errnos pass through.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, Setter, Updater, ioctl, opcode};

/// Group of the CEC ioctls.
const BASE: u8 = b'a';

/// `struct cec_caps`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Caps {
    pub driver: [u8; 32],
    pub name: [u8; 32],
    pub available_log_addrs: u32,
    pub capabilities: u32,
    pub version: u32,
}

/// `struct cec_log_addrs`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LogAddrs {
    pub log_addr: [u8; 4],
    pub log_addr_mask: u16,
    pub cec_version: u8,
    pub num_log_addrs: u8,
    pub vendor_id: u32,
    pub flags: u32,
    pub osd_name: [u8; 15],
    pub primary_device_type: [u8; 4],
    pub log_addr_type: [u8; 4],
    pub all_device_types: [u8; 4],
    pub features: [[u8; 12]; 4],
}

/// `struct cec_msg`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Msg {
    pub tx_ts: u64,
    pub rx_ts: u64,
    pub len: u32,
    pub timeout: u32,
    pub sequence: u32,
    pub flags: u32,
    pub msg: [u8; 16],
    pub reply: u8,
    pub rx_status: u8,
    pub tx_status: u8,
    pub tx_arb_lost_cnt: u8,
    pub tx_nack_cnt: u8,
    pub tx_low_drive_cnt: u8,
    pub tx_error_cnt: u8,
}

/// `struct cec_event`. For a state change the first word of `raw` holds the physical address and,
/// above it, the mask of logical addresses.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Event {
    pub ts: u64,
    pub event: u32,
    pub flags: u32,
    pub raw: [u32; 16],
}

/// `struct cec_connector_info`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ConnectorInfo {
    pub kind: u32,
    pub raw: [u32; 16],
}

/// `CEC_ADAP_G_CAPS`.
pub(super) fn caps(fd: BorrowedFd<'_>) -> Result<Caps, Errno> {
    const OP: Opcode = opcode::read_write::<Caps>(BASE, 0);
    let mut caps = Caps::default();
    // SAFETY: the kernel fills one `struct cec_caps`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut caps)) }.map(|()| caps)
}

/// `CEC_ADAP_G_PHYS_ADDR`.
pub(super) fn physical_address(fd: BorrowedFd<'_>) -> Result<u16, Errno> {
    const OP: Opcode = opcode::read::<u16>(BASE, 1);
    // SAFETY: the kernel fills one 16-bit number.
    unsafe { ioctl(fd, Getter::<OP, u16>::new()) }
}

/// `CEC_ADAP_S_PHYS_ADDR`.
pub(super) fn set_physical_address(fd: BorrowedFd<'_>, address: u16) -> Result<(), Errno> {
    const OP: Opcode = opcode::write::<u16>(BASE, 2);
    // SAFETY: the kernel reads one 16-bit number.
    unsafe { ioctl(fd, Setter::<OP, u16>::new(address)) }
}

/// `CEC_ADAP_G_LOG_ADDRS`.
pub(super) fn log_addrs(fd: BorrowedFd<'_>) -> Result<LogAddrs, Errno> {
    const OP: Opcode = opcode::read::<LogAddrs>(BASE, 3);
    // SAFETY: the kernel fills one `struct cec_log_addrs`, of numbers only.
    unsafe { ioctl(fd, Getter::<OP, LogAddrs>::new()) }
}

/// `CEC_ADAP_S_LOG_ADDRS`.
pub(super) fn set_log_addrs(fd: BorrowedFd<'_>, addrs: &mut LogAddrs) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<LogAddrs>(BASE, 4);
    // SAFETY: the kernel reads and fills one `struct cec_log_addrs`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(addrs)) }
}

/// `CEC_TRANSMIT`; at once on a descriptor that is non-blocking.
pub(super) fn transmit(fd: BorrowedFd<'_>, msg: &mut Msg) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<Msg>(BASE, 5);
    // SAFETY: the kernel reads and fills one `struct cec_msg`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(msg)) }
}

/// `CEC_RECEIVE`; EAGAIN without a message on a descriptor that is non-blocking.
pub(super) fn receive(fd: BorrowedFd<'_>) -> Result<Msg, Errno> {
    const OP: Opcode = opcode::read_write::<Msg>(BASE, 6);
    let mut msg = Msg::default();
    // SAFETY: the kernel reads and fills one `struct cec_msg`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut msg)) }.map(|()| msg)
}

/// `CEC_DQEVENT`; EAGAIN without an event on a descriptor that is non-blocking.
pub(super) fn event(fd: BorrowedFd<'_>) -> Result<Event, Errno> {
    const OP: Opcode = opcode::read_write::<Event>(BASE, 7);
    let mut event = Event::default();
    // SAFETY: the kernel fills one `struct cec_event`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut event)) }.map(|()| event)
}

/// `CEC_S_MODE`.
pub(super) fn set_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Errno> {
    const OP: Opcode = opcode::write::<u32>(BASE, 9);
    // SAFETY: the kernel reads one 32-bit number.
    unsafe { ioctl(fd, Setter::<OP, u32>::new(mode)) }
}

/// `CEC_ADAP_G_CONNECTOR_INFO` (Linux 5.5).
pub(super) fn connector(fd: BorrowedFd<'_>) -> Result<ConnectorInfo, Errno> {
    const OP: Opcode = opcode::read::<ConnectorInfo>(BASE, 10);
    // SAFETY: the kernel fills one `struct cec_connector_info`, of numbers only.
    unsafe { ioctl(fd, Getter::<OP, ConnectorInfo>::new()) }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::*;

    /// As a C compiler lays out the header's structures.
    #[test]
    fn sizes_are_the_kernels() {
        let sizes = [size_of::<Caps>(), size_of::<LogAddrs>(), size_of::<Msg>(), size_of::<Event>()];
        assert_eq!((sizes, size_of::<ConnectorInfo>()), ([76, 92, 56, 80], 68));
    }
}
