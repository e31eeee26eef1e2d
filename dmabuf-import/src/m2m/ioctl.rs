//! The ioctls of V4L2 that a memory-to-memory device needs (`include/uapi/linux/videodev2.h`): one
//! thin function each, and the structures they take, as they are on machines of 64 bits.
//!
//! Nothing here decides anything: borrowed descriptors go in, errnos pass through.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, Setter, Updater, ioctl, opcode};

/// Group of the V4L2 ioctls.
const BASE: u8 = b'V';

/// `struct v4l2_capability`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Capability {
    pub driver: [u8; 16],
    pub card: [u8; 32],
    pub bus_info: [u8; 32],
    pub version: u32,
    pub capabilities: u32,
    pub device_caps: u32,
    pub reserved: [u32; 3],
}

/// `struct v4l2_fmtdesc`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FmtDesc {
    pub index: u32,
    pub kind: u32,
    pub flags: u32,
    pub description: [u8; 32],
    pub pixelformat: u32,
    pub mbus_code: u32,
    pub reserved: [u32; 3],
}

/// `struct v4l2_pix_format`, in the first 48 bytes of the format's union.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pix {
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    pub field: u32,
    pub bytesperline: u32,
    pub sizeimage: u32,
    pub colorspace: u32,
    pub private: u32,
    pub flags: u32,
    pub ycbcr_enc: u32,
    pub quantization: u32,
    pub xfer_func: u32,
}

/// `struct v4l2_format` of single-planar buffers: the union is 200 bytes, aligned for pointers.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub kind: u32,
    pub hole: u32,
    pub pix: Pix,
    pub rest: [u64; 19],
}

impl Format {
    /// One with nothing but its kind.
    pub fn new(kind: u32) -> Self {
        Self { kind, hole: 0, pix: Pix::default(), rest: [0; 19] }
    }
}

/// `struct v4l2_plane_pix_format`, which is packed: six reserved numbers of 16 bits.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PlanePix {
    pub sizeimage: u32,
    pub bytesperline: u32,
    pub reserved: [u32; 3],
}

/// `struct v4l2_format` of multi-planar buffers (`struct v4l2_pix_format_mplane` in the union).
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct FormatMp {
    pub kind: u32,
    pub hole: u32,
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    pub field: u32,
    pub colorspace: u32,
    pub planes: [PlanePix; 8],
    pub num_planes: u8,
    pub flags: u8,
    pub ycbcr_enc: u8,
    pub quantization: u8,
    pub xfer_func: u8,
    pub reserved: [u8; 7],
    pub rest: [u32; 2],
}

impl FormatMp {
    /// One with nothing but its kind.
    pub fn new(kind: u32) -> Self {
        Self {
            kind,
            hole: 0,
            width: 0,
            height: 0,
            pixelformat: 0,
            field: 0,
            colorspace: 0,
            planes: [PlanePix::default(); 8],
            num_planes: 0,
            flags: 0,
            ycbcr_enc: 0,
            quantization: 0,
            xfer_func: 0,
            reserved: [0; 7],
            rest: [0; 2],
        }
    }
}

/// `struct v4l2_requestbuffers`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestBuffers {
    pub count: u32,
    pub kind: u32,
    pub memory: u32,
    pub capabilities: u32,
    pub flags: u8,
    pub reserved: [u8; 3],
}

/// `struct v4l2_plane`; `m` holds the descriptor in its low half.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct V4l2Plane {
    pub bytesused: u32,
    pub length: u32,
    pub fd: i32,
    pub hole: u32,
    pub data_offset: u32,
    pub reserved: [u32; 11],
}

/// `struct v4l2_buffer`; `m` holds a descriptor, or the address of planes.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Buffer {
    pub index: u32,
    pub kind: u32,
    pub bytesused: u32,
    pub flags: u32,
    pub field: u32,
    pub hole: u32,
    pub timestamp: [i64; 2],
    pub timecode: [u32; 4],
    pub sequence: u32,
    pub memory: u32,
    m: u64,
    pub length: u32,
    pub reserved2: u32,
    pub request_fd: i32,
    pub end: u32,
}

impl Buffer {
    /// A dma-buf of a queue of this kind, by its index. No address is set but by the functions of
    /// this file.
    pub fn dmabuf(kind: u32, index: u32) -> Self {
        const MEMORY_DMABUF: u32 = 4;
        Self { index, kind, memory: MEMORY_DMABUF, ..Self::default() }
    }
}

/// `VIDIOC_QUERYCAP`.
pub(super) fn querycap(fd: BorrowedFd<'_>) -> Result<Capability, Errno> {
    const OP: Opcode = opcode::read::<Capability>(BASE, 0);
    // SAFETY: the kernel fills one `struct v4l2_capability`, of numbers only.
    unsafe { ioctl(fd, Getter::<OP, Capability>::new()) }
}

/// `VIDIOC_ENUM_FMT`; EINVAL after the last one.
pub(super) fn enum_fmt(fd: BorrowedFd<'_>, kind: u32, index: u32) -> Result<FmtDesc, Errno> {
    const OP: Opcode = opcode::read_write::<FmtDesc>(BASE, 2);
    let mut desc = FmtDesc { index, kind, ..FmtDesc::default() };
    // SAFETY: the kernel reads and fills one `struct v4l2_fmtdesc`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut desc)) }.map(|()| desc)
}

/// `VIDIOC_S_FMT` of single-planar buffers; the driver changes what it cannot do.
pub(super) fn set_format(fd: BorrowedFd<'_>, format: &mut Format) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<Format>(BASE, 5);
    // SAFETY: the kernel reads and fills one `struct v4l2_format`; this kind has no pointers in it.
    unsafe { ioctl(fd, Updater::<OP, _>::new(format)) }
}

/// `VIDIOC_S_FMT` of multi-planar buffers.
pub(super) fn set_format_mp(fd: BorrowedFd<'_>, format: &mut FormatMp) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<FormatMp>(BASE, 5);
    // SAFETY: the kernel reads and fills one `struct v4l2_format`; this kind has no pointers in it.
    unsafe { ioctl(fd, Updater::<OP, _>::new(format)) }
}

/// `VIDIOC_REQBUFS`; 0 buffers free them.
pub(super) fn request_buffers(fd: BorrowedFd<'_>, request: &mut RequestBuffers) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<RequestBuffers>(BASE, 8);
    // SAFETY: the kernel reads and fills one `struct v4l2_requestbuffers`.
    unsafe { ioctl(fd, Updater::<OP, _>::new(request)) }
}

/// `VIDIOC_QBUF` of a dma-buf in a single-planar queue.
pub(super) fn queue(fd: BorrowedFd<'_>, mut buffer: Buffer, dmabuf: i32) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<Buffer>(BASE, 15);
    buffer.m = u64::from(dmabuf as u32);
    // SAFETY: the kernel reads and fills one `struct v4l2_buffer`, which carries no address: its
    // memory is a dma-buf.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut buffer)) }
}

/// `VIDIOC_QBUF` of dma-bufs in a multi-planar queue.
pub(super) fn queue_planes(fd: BorrowedFd<'_>, mut buffer: Buffer, planes: &mut [V4l2Plane]) -> Result<(), Errno> {
    const OP: Opcode = opcode::read_write::<Buffer>(BASE, 15);
    (buffer.m, buffer.length) = (planes.as_mut_ptr() as u64, planes.len() as u32);
    // SAFETY: the kernel reads and fills one `struct v4l2_buffer` and `length` planes at its
    // address, which are borrowed for the call.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut buffer)) }
}

/// `VIDIOC_DQBUF`; EAGAIN without a finished buffer on a descriptor that is non-blocking. `planes`
/// is room for those of a multi-planar queue.
pub(super) fn dequeue(fd: BorrowedFd<'_>, mut buffer: Buffer, planes: &mut [V4l2Plane]) -> Result<Buffer, Errno> {
    const OP: Opcode = opcode::read_write::<Buffer>(BASE, 17);
    if !planes.is_empty() {
        (buffer.m, buffer.length) = (planes.as_mut_ptr() as u64, planes.len() as u32);
    }
    // SAFETY: the kernel fills one `struct v4l2_buffer` and at most `length` planes at its address,
    // which are borrowed for the call.
    unsafe { ioctl(fd, Updater::<OP, _>::new(&mut buffer)) }?;
    buffer.m = 0;
    Ok(buffer)
}

/// `VIDIOC_STREAMON`.
pub(super) fn stream_on(fd: BorrowedFd<'_>, kind: u32) -> Result<(), Errno> {
    const OP: Opcode = opcode::write::<u32>(BASE, 18);
    // SAFETY: the kernel reads one 32-bit number.
    unsafe { ioctl(fd, Setter::<OP, u32>::new(kind)) }
}

/// `VIDIOC_STREAMOFF`: gives up what is queued.
pub(super) fn stream_off(fd: BorrowedFd<'_>, kind: u32) -> Result<(), Errno> {
    const OP: Opcode = opcode::write::<u32>(BASE, 19);
    // SAFETY: the kernel reads one 32-bit number.
    unsafe { ioctl(fd, Setter::<OP, u32>::new(kind)) }
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    #[test]
    fn structures_are_as_large_as_the_kernels() {
        assert_eq!(size_of::<Capability>(), 104);
        assert_eq!(size_of::<FmtDesc>(), 64);
        assert_eq!(size_of::<Format>(), 208);
        assert_eq!(size_of::<FormatMp>(), 208);
        assert_eq!(offset_of!(FormatMp, num_planes) - offset_of!(FormatMp, width), 180);
        assert_eq!(size_of::<RequestBuffers>(), 20);
        assert_eq!(size_of::<V4l2Plane>(), 64);
        assert_eq!(size_of::<Buffer>(), 88);
        assert_eq!(offset_of!(Buffer, m), 64);
    }
}
