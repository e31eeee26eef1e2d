//! One thin function per ioctl of /dev/uinput and of virtual terminals: numbers, structures,
//! nothing else.
//!
//! The only file of this crate with `unsafe`. It never interprets a result and never keeps a file
//! descriptor.
//!
//! Source: `include/uapi/linux/uinput.h`, `include/uapi/linux/kd.h`.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

use rustix::io::Result;
use rustix::ioctl::{IntegerSetter, NoArg, Opcode, Setter, Updater, ioctl, opcode};

const UINPUT: u8 = b'U';
const SET_EVBIT: Opcode = opcode::write::<i32>(UINPUT, 100);
const SET_KEYBIT: Opcode = opcode::write::<i32>(UINPUT, 101);
const SET_RELBIT: Opcode = opcode::write::<i32>(UINPUT, 102);
const SET_ABSBIT: Opcode = opcode::write::<i32>(UINPUT, 103);

/// `struct uinput_setup`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// `input_id`: bus, vendor, product, version.
    pub id: [u16; 4],
    /// The device's name, padded with zeros.
    pub name: [u8; 80],
    /// No force feedback: zero.
    pub ff_effects_max: u32,
}

/// `struct uinput_abs_setup`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct AbsSetup {
    /// The axis.
    pub code: u16,
    /// The structure's hole.
    pub pad: u16,
    /// `input_absinfo`: value, minimum, maximum, fuzz, flat, resolution.
    pub info: [i32; 6],
}

/// `UI_SET_EVBIT`: the device sends events of this type.
pub fn set_event(fd: BorrowedFd<'_>, kind: u16) -> Result<()> {
    // SAFETY: the argument of this opcode is an integer.
    unsafe { ioctl(fd, IntegerSetter::<SET_EVBIT>::new_usize(kind.into())) }
}

/// `UI_SET_KEYBIT`: it has this key or button.
pub fn set_key(fd: BorrowedFd<'_>, code: u16) -> Result<()> {
    // SAFETY: the argument of this opcode is an integer.
    unsafe { ioctl(fd, IntegerSetter::<SET_KEYBIT>::new_usize(code.into())) }
}

/// `UI_SET_RELBIT`: it has this relative axis.
pub fn set_relative(fd: BorrowedFd<'_>, code: u16) -> Result<()> {
    // SAFETY: the argument of this opcode is an integer.
    unsafe { ioctl(fd, IntegerSetter::<SET_RELBIT>::new_usize(code.into())) }
}

/// `UI_SET_ABSBIT`: it has this absolute axis.
pub fn set_absolute(fd: BorrowedFd<'_>, code: u16) -> Result<()> {
    // SAFETY: the argument of this opcode is an integer.
    unsafe { ioctl(fd, IntegerSetter::<SET_ABSBIT>::new_usize(code.into())) }
}

/// `UI_ABS_SETUP`: the range of an absolute axis.
pub fn abs_setup(fd: BorrowedFd<'_>, setup: AbsSetup) -> Result<()> {
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { ioctl(fd, Setter::<{ opcode::write::<AbsSetup>(UINPUT, 4) }, _>::new(setup)) }
}

/// `UI_DEV_SETUP`: name and identity.
pub fn dev_setup(fd: BorrowedFd<'_>, setup: Setup) -> Result<()> {
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { ioctl(fd, Setter::<{ opcode::write::<Setup>(UINPUT, 3) }, _>::new(setup)) }
}

/// `UI_DEV_CREATE`: from here on the device exists, until `fd` is closed.
pub fn dev_create(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: this opcode has no argument.
    unsafe { ioctl(fd, NoArg::<{ opcode::none(UINPUT, 1) }>::new()) }
}

/// `UI_GET_SYSNAME`: the device's folder in /sys/devices/virtual/input, padded with zeros.
pub fn sysname(fd: BorrowedFd<'_>) -> Result<[u8; 64]> {
    let mut name = [0; 64];
    // SAFETY: the opcode carries the array's length, and the kernel writes no more than that.
    unsafe { ioctl(fd, Updater::<{ opcode::read::<[u8; 64]>(UINPUT, 44) }, _>::new(&mut name))? };
    Ok(name)
}

/// A number without direction and size, from before ioctls had them.
const KDGETMODE: Opcode = 0x4b3b;
const KD_GRAPHICS: i32 = 1;

/// `KDGETMODE`: whether a terminal is in graphics mode.
pub fn is_graphical(fd: BorrowedFd<'_>) -> Result<bool> {
    let mut mode = 0i32;
    // SAFETY: the kernel writes one `int`.
    unsafe { ioctl(fd, Updater::<KDGETMODE, i32>::new(&mut mode)) }?;
    Ok(mode == KD_GRAPHICS)
}
