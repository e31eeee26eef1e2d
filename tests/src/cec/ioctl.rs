//! One thin function per ioctl of /dev/cecN and of vivid's video nodes: numbers, structures,
//! nothing else.
//!
//! Sources: `include/uapi/linux/cec.h`, `videodev2.h`, `v4l2-common.h`.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

use rustix::io::Result;
use rustix::ioctl::{Setter, Updater, ioctl, opcode};

const CEC: u8 = b'a';
const VIDEO: u8 = b'V';

/// `struct cec_log_addrs`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Addresses {
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
pub(super) struct Message {
    pub times: [u64; 2],
    pub len: u32,
    pub timeout: u32,
    pub sequence: u32,
    pub flags: u32,
    pub msg: [u8; 16],
    /// Reply, rx status, tx status and four counters.
    pub rest: [u8; 7],
}

/// `struct v4l2_edid`, whose data is at an address.
#[repr(C)]
struct VideoEdid {
    pad: u32,
    start_block: u32,
    blocks: u32,
    reserved: [u32; 5],
    edid: *const u8,
}

/// `CEC_ADAP_S_LOG_ADDRS`: waits until they are claimed, unless the descriptor is non-blocking.
pub(super) fn claim(fd: BorrowedFd<'_>, addresses: &mut Addresses) -> Result<()> {
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { ioctl(fd, Updater::<{ opcode::read_write::<Addresses>(CEC, 4) }, _>::new(addresses)) }
}

/// `CEC_TRANSMIT`: waits until it was sent, unless the descriptor is non-blocking.
pub(super) fn transmit(fd: BorrowedFd<'_>, message: &mut Message) -> Result<()> {
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { ioctl(fd, Updater::<{ opcode::read_write::<Message>(CEC, 5) }, _>::new(message)) }
}

/// `CEC_RECEIVE`: waits for the message's `timeout`.
pub(super) fn receive(fd: BorrowedFd<'_>, message: &mut Message) -> Result<()> {
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { ioctl(fd, Updater::<{ opcode::read_write::<Message>(CEC, 6) }, _>::new(message)) }
}

/// `CEC_S_MODE`.
pub(super) fn set_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    // SAFETY: the argument of this opcode is a 32-bit number.
    unsafe { ioctl(fd, Setter::<{ opcode::write::<u32>(CEC, 9) }, u32>::new(mode)) }
}

/// `VIDIOC_S_CTRL`: gives a control of a video node a value.
pub(super) fn video_control(fd: BorrowedFd<'_>, id: u32, value: i32) -> Result<()> {
    let mut control = [id, value as u32];
    // SAFETY: `struct v4l2_control` is two 32-bit numbers.
    unsafe { ioctl(fd, Updater::<{ opcode::read_write::<[u32; 2]>(VIDEO, 28) }, _>::new(&mut control)) }
}

/// `VIDIOC_S_EDID`: the EDID of an input, whole blocks of it; none takes it away.
pub(super) fn video_edid(fd: BorrowedFd<'_>, input: u32, edid: &[[u8; 128]]) -> Result<()> {
    let blocks = edid.len() as u32;
    let mut call = VideoEdid { pad: input, start_block: 0, blocks, reserved: [0; 5], edid: edid.as_ptr().cast() };
    // SAFETY: the structure of this opcode; the kernel reads `blocks` blocks of 128 bytes at the
    // address, which lie there.
    unsafe { ioctl(fd, Updater::<{ opcode::read_write::<VideoEdid>(VIDEO, 41) }, _>::new(&mut call)) }
}
