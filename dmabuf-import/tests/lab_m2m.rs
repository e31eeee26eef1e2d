//! Conversions by the lab's memory-to-memory device (vim2m), between dma-bufs of the system heap.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dmabuf_import::heap::DmaHeap;
use dmabuf_import::m2m::{Converter, Finished, ImageLayout, SLOTS};
use dmabuf_import::{Dmabuf, DmabufPlane, Fourcc, Modifier};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

fn dmabuf(width: u32, height: u32, format: Fourcc, bytes: u32) -> Dmabuf {
    let heap = DmaHeap::open("system").unwrap();
    let len = u64::from(width * height * bytes).next_multiple_of(4096);
    let fd = Arc::new(heap.allocate(len).unwrap());
    let planes = vec![DmabufPlane { fd, offset: 0, stride: width * bytes }];
    Dmabuf::new(width, height, format, Modifier::Linear, planes).unwrap()
}

fn picture(dmabuf: &Dmabuf) -> ImageLayout {
    ImageLayout::of(dmabuf, None).unwrap()
}

fn finish(converter: &mut Converter) -> Finished {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(finished) = converter.finish().unwrap() {
            return finished;
        }
        assert!(Instant::now() < end, "no conversion came to its end");
        let mut fds = [PollFd::new(&*converter, PollFlags::IN)];
        poll(&mut fds, Some(&Duration::from_secs(1).try_into().unwrap())).unwrap();
    }
}

/// 565 with a colour for each quarter of the image.
fn quarters(width: usize, height: usize) -> Vec<u8> {
    let colours = [0xf800u16, 0x07e0, 0x001f, 0xffff];
    let at = |x: usize, y: usize| colours[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)];
    (0..height).flat_map(|y| (0..width).flat_map(move |x| at(x, y).to_le_bytes())).collect()
}

#[test]
#[ignore = "lab"]
fn the_labs_device_is_found_and_says_what_it_does() {
    let converter = Converter::find().expect("vim2m is in the lab's kernel");
    let (reads, writes) = (converter.reads(), converter.writes());
    println!("{}: reads {reads:?}, writes {writes:?}", converter.path().display());
    assert!(reads.contains(&Fourcc::Rgb565) && writes.contains(&Fourcc::Rgb565));
    assert!(writes.contains(&Fourcc::Yuyv) && !reads.contains(&Fourcc::Yuyv));
}

#[test]
#[ignore = "lab"]
fn a_picture_is_scaled_into_another_dmabuf() {
    let mut converter = Converter::find().unwrap();
    let (from, to) = (dmabuf(160, 120, Fourcc::Rgb565, 2), dmabuf(320, 240, Fourcc::Rgb565, 2));
    let pixels = quarters(160, 120);
    from.map(0, true).unwrap().cpu_write(|bytes| bytes[..pixels.len()].copy_from_slice(&pixels)).unwrap();
    assert!(converter.configure(picture(&from), picture(&to)).unwrap());
    assert!(converter.configure(picture(&from), picture(&to)).unwrap(), "again costs nothing");
    let mut times = Vec::new();
    for round in 1..=20 {
        let began = Instant::now();
        let job = converter.queue(from.clone(), to.clone()).unwrap();
        assert_eq!(job, round);
        assert!(converter.in_flight());
        let finished = finish(&mut converter);
        times.push(began.elapsed());
        assert_eq!((finished.job, finished.failed), (job, false));
        assert!(!converter.in_flight());
    }
    times.sort_unstable();
    println!("160x120 to 320x240: median {:?} of 20", times[times.len() / 2]);
    to.map(0, false)
        .unwrap()
        .cpu_read(|bytes| {
            let at = |x: usize, y: usize| u16::from_le_bytes([bytes[(y * 320 + x) * 2], bytes[(y * 320 + x) * 2 + 1]]);
            let corners = [at(20, 20), at(300, 20), at(20, 220), at(300, 220)];
            assert_eq!(corners, [0xf800, 0x07e0, 0x001f, 0xffff]);
        })
        .unwrap();
}

#[test]
#[ignore = "lab"]
fn several_are_under_way_and_one_more_is_told_so() {
    let mut converter = Converter::find().unwrap();
    let pairs: Vec<_> =
        (0..=SLOTS).map(|_| (dmabuf(64, 64, Fourcc::Rgb565, 2), dmabuf(64, 64, Fourcc::Bgr888, 3))).collect();
    assert!(converter.configure(picture(&pairs[0].0), picture(&pairs[0].1)).unwrap());
    for (from, to) in &pairs[..SLOTS] {
        converter.queue(from.clone(), to.clone()).unwrap();
    }
    let (from, to) = &pairs[SLOTS];
    assert_eq!(converter.queue(from.clone(), to.clone()).unwrap_err().errno, Errno::AGAIN);
    let busy = converter.configure(picture(from), picture(from)).unwrap_err();
    assert_eq!(busy.errno, Errno::BUSY);
    let jobs: Vec<u64> = (0..SLOTS).map(|_| finish(&mut converter).job).collect();
    assert_eq!(jobs, (1..=SLOTS as u64).collect::<Vec<_>>());
    assert!(converter.configure(picture(from), picture(from)).unwrap(), "another conversion, once all are over");
    converter.queue(from.clone(), from.clone()).unwrap();
    // Dropped with a conversion under way: the kernel gives it up, nothing leaks.
}

#[test]
#[ignore = "lab"]
fn what_the_device_would_change_is_not_taken() {
    let mut converter = Converter::find().unwrap();
    let small = dmabuf(64, 64, Fourcc::Rgb565, 2);
    let huge = ImageLayout { width: 4096, height: 4096, stride: 8192, ..picture(&small) };
    assert!(!converter.configure(picture(&small), huge).unwrap(), "vim2m makes 640x480 at most");
    let padded = ImageLayout { stride: 256, ..picture(&small) };
    assert!(!converter.configure(padded, picture(&small)).unwrap(), "vim2m wants lines without padding");
    let nv12 = ImageLayout { format: Fourcc::Nv12, ..picture(&small) };
    assert!(!converter.configure(nv12, picture(&small)).unwrap(), "vim2m reads no NV12");
    assert_eq!(converter.queue(small.clone(), small.clone()).unwrap_err().errno, Errno::INVAL);
    assert!(converter.configure(picture(&small), picture(&small)).unwrap());
}

#[test]
#[ignore = "lab"]
fn what_is_no_converter_is_refused_by_name() {
    let error = Converter::open("/dev/null".as_ref()).unwrap_err();
    assert_eq!(error.errno, Errno::NOTTY);
    let nodes = std::fs::read_dir("/dev").unwrap().flatten().map(|entry| entry.path());
    let videos = nodes.filter(|path| path.to_string_lossy().starts_with("/dev/video"));
    let refused = videos.filter_map(|path| Converter::open(&path).err()).filter(|error| error.errno == Errno::NODEV);
    assert!(refused.count() >= 1, "vivid's nodes are no converters");
}
