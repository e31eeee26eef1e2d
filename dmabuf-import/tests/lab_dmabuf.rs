//! dma-bufs of a real kernel: what they are, how large, mapped coherently, with fences.
//!
//! For root in the lab kernel, one at a time: `cargo xtask lab -- <test binary> --ignored
//! --test-threads=1`.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use dmabuf_import::dmabuf::{is_dmabuf, size};
use dmabuf_import::heap::DmaHeap;
use dmabuf_import::udmabuf::Udmabuf;
use dmabuf_import::{Dmabuf, DmabufPlane, Fourcc, GemTable, ImportError, Modifier, Violation};
use fence::implicit::{self, Access};
use fence::{Status, SwTimeline};
use rustix::io::Errno;

/// One dma-buf of `len` bytes from each allocator.
fn buffers(len: u64) -> [(&'static str, OwnedFd); 2] {
    let heap = DmaHeap::open("system").expect("heap").allocate(len).expect("memory");
    let udmabuf = Udmabuf::open().expect("udmabuf").allocate(len).expect("memory");
    [("dma-heap", heap), ("udmabuf", udmabuf)]
}

fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs").count()
}

#[test]
#[ignore = "lab"]
fn sizes_are_real_and_checked() {
    for (name, fd) in buffers(64 * 64 * 4) {
        assert!(is_dmabuf(fd.as_fd()), "{name}");
        let flags = rustix::io::fcntl_getfd(&fd).expect("flags");
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC), "{name}: children do not inherit it");
        assert_eq!(size(fd.as_fd()), Ok(16384), "{name}");
        let fd = Arc::new(fd);
        let make = |h, offset, stride| {
            let planes = vec![DmabufPlane { fd: fd.clone(), offset, stride }];
            Dmabuf::new(64, h, Fourcc::Xrgb8888, Modifier::Linear, planes).map(drop)
        };
        assert_eq!(make(64, 0, 256), Ok(()), "{name}");
        let beyond = |end| Err(ImportError::Violation(Violation::OutOfBounds { plane: 0, end, size: 16384 }));
        assert_eq!(make(65, 0, 256), beyond(16640), "{name}");
        assert_eq!(make(64, 4, 256), beyond(16388), "{name}");
    }
}

#[test]
#[ignore = "lab"]
fn allocations_are_whole_pages() {
    for (name, fd) in buffers(5000) {
        assert_eq!(size(fd.as_fd()), Ok(8192), "{name}");
    }
    let none = DmaHeap::open("no-such-heap").expect_err("no such heap");
    assert_eq!(none.errno, Errno::NOENT);
    assert_eq!(DmaHeap::open("system").expect("heap").allocate(0).expect_err("nothing").errno, Errno::INVAL);
}

#[test]
#[ignore = "lab"]
fn what_one_mapping_writes_another_reads() {
    for (name, fd) in buffers(4096) {
        let planes = vec![DmabufPlane { fd: Arc::new(fd), offset: 0, stride: 256 }];
        let dmabuf = Dmabuf::new(64, 16, Fourcc::Argb8888, Modifier::Linear, planes).expect(name);
        let mut writer = dmabuf.map(0, true).expect(name);
        let reader = dmabuf.map(0, false).expect(name);
        assert_eq!(reader.cpu_read(|bytes| bytes.iter().all(|&byte| byte == 0)), Ok(true), "{name}: zeroed");
        writer.cpu_write(|bytes| bytes[4095] = 42).expect(name);
        assert_eq!(reader.cpu_read(|bytes| bytes[4095]), Ok(42), "{name}");
        assert_eq!(reader.len(), 4096);
    }
}

#[test]
#[ignore = "lab"]
fn a_mapping_for_reading_refuses_to_write() {
    let [(_, fd), _] = buffers(4096);
    let mut mapping = dmabuf_import::Mapping::new(Arc::new(fd), false).expect("map");
    assert_eq!(mapping.cpu_write(|_| ()).expect_err("read-only").errno, Errno::PERM);
}

#[test]
#[ignore = "lab"]
fn an_unsealed_memfd_is_no_udmabuf() {
    let device = Udmabuf::open().expect("udmabuf");
    let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::ALLOW_SEALING;
    let memfd = rustix::fs::memfd_create("pool", flags).expect("memfd");
    rustix::fs::ftruncate(&memfd, 8192).expect("size");
    assert_eq!(device.from_memfd(memfd.as_fd(), 0, 8192).expect_err("it could shrink").errno, Errno::INVAL);
    rustix::fs::fcntl_add_seals(&memfd, rustix::fs::SealFlags::SHRINK).expect("seal");
    assert_eq!(device.from_memfd(memfd.as_fd(), 0, 12288).expect_err("too long").errno, Errno::INVAL);
    let dmabuf = device.from_memfd(memfd.as_fd(), 4096, 4096).expect("a page of it");
    // Written through the memfd, read through the dma-buf.
    rustix::io::pwrite(&memfd, &[7], 4096).expect("write");
    let mapping = dmabuf_import::Mapping::new(Arc::new(dmabuf), false).expect("map");
    assert_eq!(mapping.cpu_read(|bytes| bytes[0]), Ok(7));
}

#[test]
#[ignore = "lab"]
fn fences_go_into_a_dma_buf_and_out_of_it() {
    for (name, fd) in buffers(4096) {
        let planes = vec![DmabufPlane { fd: Arc::new(fd), offset: 0, stride: 256 }];
        let dmabuf = Dmabuf::new(64, 16, Fourcc::Argb8888, Modifier::Linear, planes).expect(name);
        let idle = implicit::export(dmabuf.fd(), Access::Write).expect(name);
        assert!(idle.is_signalled(), "{name}: no fence yet");
        let timeline = SwTimeline::open().expect("sw_sync");
        let fence = timeline.fence(1, "writer").expect("fence");
        dmabuf.import_sync_file(&fence, Access::Write).expect(name);
        let reader = dmabuf.export_sync_file(Access::Read).expect(name);
        assert_eq!(reader.status().expect("status"), Status::Active, "{name}: a reader waits for the writer");
        timeline.inc(1).expect("inc");
        assert_eq!(reader.status().expect("status"), Status::Signalled, "{name}");
    }
}

#[test]
#[ignore = "lab"]
fn gem_handles_are_counted_and_closed() {
    let open = |name: &str| {
        let cards = std::fs::read_dir("/sys/class/drm").expect("sysfs").flatten();
        let of = |entry: &std::fs::DirEntry| {
            let device = std::fs::canonicalize(entry.path().join("device"));
            device.is_ok_and(|device| device.ends_with(name)) && entry.path().join("dev").exists()
        };
        let found =
            cards.into_iter().find(|entry| of(entry) && entry.file_name().to_string_lossy().starts_with("card"));
        let path = std::path::Path::new("/dev/dri").join(found.expect("card").file_name());
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC;
        rustix::fs::open(path, flags, rustix::fs::Mode::empty()).expect("open")
    };
    let before = open_fds();
    {
        let device = Arc::new(open("vkms"));
        // The kernel looks a handle up before it refuses to map an import: ENOENT = closed, EINVAL
        // = there.
        let is_open = |handle: u32| {
            let error = drm_ffi::mode::dumbbuffer::map(device.as_fd(), handle, 0, 0).expect_err("imports have no map");
            error.raw_os_error() == Some(Errno::INVAL.raw_os_error())
        };
        let table = GemTable::new(device.clone());
        for (name, fd) in buffers(4096) {
            let first = table.import(fd.as_fd()).expect(name);
            let second = table.import(fd.as_fd()).expect(name);
            assert_eq!(first.raw(), second.raw(), "{name}: the kernel gives one handle for one buffer");
            let raw = first.raw();
            drop(first);
            assert!(is_open(raw), "{name}: the second user has it");
            drop(second);
            assert!(!is_open(raw) && table.is_empty(), "{name}");
        }
    }
    assert_eq!(open_fds(), before);
}
