//! Windows of shared memory: read in place by planes and renderer, or copied; what a client may do
//! to its pool; every error of `wl_shm`.

use std::collections::HashSet;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use syncline_tests::client::actor::Actor;
use syncline_tests::client::buffer::Buffer;
use syncline_tests::client::shm::{Memory, Place, Pool, memory};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::error::Error;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};
use wayland_client::Proxy;
use wayland_client::protocol::wl_shm;

const SIZE: (i32, i32) = (320, 240);
const BYTES: i32 = SIZE.0 * SIZE.1 * 4;

/// A client with a window and buffers of shared memory.
struct Painter {
    client: Client,
    window: Toplevel,
    pool: Pool,
    buffers: Vec<(Buffer, i32)>,
}

impl Painter {
    fn new(compositor: &Compositor, kind: Memory, buffers: i32) -> Painter {
        let mut client = compositor.client().unwrap();
        let window = client.toplevel(&Wish { app_id: "painter", fullscreen: false }).unwrap();
        let step = (BYTES + 4095) / 4096 * 4096;
        // The file ends with the last picture, within a page.
        let len = step * (buffers - 1) + BYTES;
        let pool = client.pool(memory(kind, len as usize).unwrap(), len).unwrap();
        let buffers = (0..buffers)
            .map(|at| (pool.buffer(&mut client, Place::packed(at * step, SIZE.0, SIZE.1)).unwrap(), at * step));
        let buffers: Vec<_> = buffers.collect();
        Painter { client, window, pool, buffers }
    }

    fn released(&self, at: usize) -> u32 {
        self.client.state.released.get(&self.buffers[at].0.token).copied().unwrap_or(0)
    }

    fn draw(&self, at: usize, value: u8) {
        self.pool.fill(self.buffers[at].1 as u64, BYTES as usize, value).unwrap();
    }

    /// Commits a buffer, and waits until it is on the screen.
    fn show(&mut self, at: usize) {
        let commit = Commit { buffer: Some(&self.buffers[at].0), feedback: true, ..Commit::default() };
        let token = self.window.commit(&mut self.client, &commit).unwrap().feedback.unwrap();
        self.client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
    }

    /// Commits a buffer whose file is too short.
    fn is_refused(&mut self, at: usize) {
        let commit = Commit { buffer: Some(&self.buffers[at].0), ..Commit::default() };
        self.window.commit(&mut self.client, &commit).unwrap();
        let error = self.client.expect_protocol_error().unwrap().to_string();
        assert!(error.contains("wl_buffer") && error.contains("wl_surface.commit"), "{error}");
    }

    /// Draws frames into buffers in turn, each as soon as it is given back.
    fn animate(&mut self, frames: std::ops::Range<usize>) {
        let mut committed = vec![0u32; self.buffers.len()];
        let before: Vec<_> = (0..self.buffers.len()).map(|at| self.released(at)).collect();
        for frame in frames {
            let at = frame % self.buffers.len();
            let token = self.buffers[at].0.token;
            let wanted = before[at] + committed[at];
            self.client
                .wait_for("wl_buffer.release", PATIENCE, |state| {
                    state.released.get(&token).copied().unwrap_or(0) >= wanted
                })
                .unwrap();
            self.draw(at, frame as u8 * 5 + 1);
            self.show(at);
            committed[at] += 1;
        }
    }
}

fn overlays(name: &str) -> Vkms {
    Vkms::builder(name).output(Output { overlays: 2, ..Output::default() }).build().unwrap()
}

/// Some pixel of the middle of the window.
fn shows(compositor: &Compositor, value: u8) {
    let picture = compositor.screenshot().unwrap();
    let all = (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| (x, y)));
    let count = all.filter(|&(x, y)| picture.at(x, y) == [value; 3]).count();
    assert_eq!(count, (SIZE.0 * SIZE.1) as usize, "pixels of {value}");
}

/// Frames of the client on planes, and the summary, which has no CRC that is not as predicted.
fn judged(path: &Path) -> (usize, Summary) {
    let trace = Trace::read(path).unwrap();
    let summary = Summary::of(&trace);
    assert_eq!((summary.crcs.different, summary.kms_errors), (0, 0), "{:?}", summary.crcs);
    let on_planes = trace.events.iter().filter(|event| match &event.what {
        What::KmsCommit(commit) => commit.errno.is_none() && commit.planes.iter().any(|plane| plane.surface.is_some()),
        _ => false,
    });
    (on_planes.count(), summary)
}

/// Dma-bufs of the painter's.
fn buffers(compositor: &Compositor) -> usize {
    let out = compositor.msg(&["buffers", "--json"]).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    report.as_array().unwrap().iter().filter(|buffer| buffer["width"] == SIZE.0).count()
}

/// Two buffers in one pool, with all kinds of memory; how many of 40 frames a plane showed.
fn two_buffers(name: &str, kind: Memory, config: &[&str]) -> (usize, usize) {
    let vkms = overlays(name);
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let mut args = vec!["--crc", "--trace", path.to_str().unwrap()];
    args.extend(config);
    let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
    let mut painter = Painter::new(&compositor, kind, 2);
    painter.animate(0..40);
    painter.client.idle(Duration::from_millis(100)).unwrap();
    shows(&compositor, 39 * 5 + 1);
    let imported = buffers(&compositor);
    compositor.stop().unwrap();
    let (on_planes, summary) = judged(&path);
    println!("{name}: {on_planes} on planes, {imported} imported, {:?}", summary.crcs);
    assert!(summary.crcs.equal >= 38, "{:?}", summary.crcs);
    (on_planes, imported)
}

#[test]
#[ignore = "lab"]
fn who_alternates_is_shown_by_a_plane_without_a_copy() {
    let (on_planes, imported) = two_buffers("in-place", Memory::Sealable, &[]);
    assert!((30..=40).contains(&on_planes), "{on_planes}");
    assert_eq!(imported, 2);
}

/// The same without a plane: the renderer reads the client's pages.
#[test]
#[ignore = "lab"]
fn the_renderer_reads_in_place() {
    let (on_planes, imported) = two_buffers("drawn", Memory::Sealable, &["--planes", "none"]);
    assert_eq!((on_planes, imported), (0, 2));
}

#[test]
#[ignore = "lab"]
fn what_cannot_be_sealed_is_copied() {
    assert_eq!(two_buffers("unsealable", Memory::Unsealable, &[]), (0, 0));
}

/// Who draws into its only buffer has it back after each copy.
#[test]
#[ignore = "lab"]
fn a_single_buffer_comes_back_at_once() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut painter = Painter::new(&compositor, Memory::Sealable, 1);
    painter.animate(0..30);
    shows(&compositor, 29 * 5 + 1);
    assert_eq!((painter.released(0), buffers(&compositor)), (30, 0));
    compositor.stop().unwrap();
}

/// Who does not wait for releases is copied again.
#[test]
#[ignore = "lab"]
fn who_commits_what_it_has_not_back_is_copied() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut painter = Painter::new(&compositor, Memory::Sealable, 2);
    painter.animate(0..8);
    assert_eq!(buffers(&compositor), 2);
    let last = 1;
    let before = painter.released(last);
    for (round, value) in [(1, 201), (2, 202), (3, 203)] {
        painter.draw(last, value);
        painter.show(last);
        shows(&compositor, value);
        // What was in place comes back when it is replaced, and each copy at once.
        painter.client.roundtrip().unwrap();
        assert_eq!(painter.released(last), before + 1 + round, "after {round}");
    }
    compositor.stop().unwrap();
}

/// What a client may do to its file hurts nobody else.
#[test]
#[ignore = "lab"]
fn a_pool_that_is_cut_short_ends_its_client_only() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut bystander = Actor::new(&compositor, "bystander", Some((200, 150))).unwrap();
    bystander.show(1).unwrap();
    for (frame, len) in [(2, 100), (3, 0)] {
        let mut painter = Painter::new(&compositor, Memory::Unsealable, 2);
        painter.animate(0..6);
        rustix::fs::ftruncate(&painter.pool.fd, len).unwrap();
        painter.is_refused(0);
        bystander.show(frame).unwrap();
    }
    // And with a lie about its size from the start.
    let len = 1 << 20;
    let mut painter = Painter::new(&compositor, Memory::Unsealable, 1);
    let pool = painter.client.pool(memory(Memory::Sealable, 4096).unwrap(), len).unwrap();
    painter.buffers = vec![(pool.buffer(&mut painter.client, Place::packed(0, SIZE.0, SIZE.1)).unwrap(), 0)];
    painter.is_refused(0);
    bystander.show(4).unwrap();
    let mut painter = Painter::new(&compositor, Memory::Unsealable, 1);
    // Pages that it has never touched are not made for it.
    let step = (BYTES + 4095) / 4096 * 4096;
    let pool = painter.client.pool(memory(Memory::Sealable, 2 * step as usize).unwrap(), 2 * step).unwrap();
    let place = |offset: i32| Place::packed(offset, SIZE.0, SIZE.1);
    painter.buffers = [0, step].map(|offset| (pool.buffer(&mut painter.client, place(offset)).unwrap(), offset)).into();
    for at in [0, 1, 0, 1, 0, 1] {
        painter.show(at);
    }
    assert_eq!(buffers(&compositor), 0);
    bystander.show(5).unwrap();
    // What is read in place cannot be cut short.
    let mut sealed = Painter::new(&compositor, Memory::Sealable, 2);
    sealed.animate(0..8);
    assert_eq!(rustix::fs::ftruncate(&sealed.pool.fd, 0), Err(rustix::io::Errno::PERM));
    bystander.show(6).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_pool_grows() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut painter = Painter::new(&compositor, Memory::Sealable, 2);
    painter.animate(0..8);
    let (old, new) = (painter.buffers[1].1 + BYTES, painter.buffers[1].1 + 4 * BYTES);
    rustix::fs::ftruncate(&painter.pool.fd, new as u64).unwrap();
    painter.pool.wl.resize(new);
    let start = (old + 4095) / 4096 * 4096;
    for offset in [start, start + BYTES] {
        let buffer = painter.pool.buffer(&mut painter.client, Place::packed(offset, SIZE.0, SIZE.1)).unwrap();
        painter.buffers.push((buffer, offset));
    }
    painter.animate(8..20);
    shows(&compositor, 19 * 5 + 1);
    assert_eq!(buffers(&compositor), 4);
    compositor.stop().unwrap();
}

/// Lines with padding, an offset within a page, other formats: copied, and right.
#[test]
#[ignore = "lab"]
fn pictures_of_every_shape_are_right() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut painter = Painter::new(&compositor, Memory::Sealable, 2);
    for (offset, pad, format, value) in [
        (0, 64, wl_shm::Format::Xrgb8888, 60),
        (100, 0, wl_shm::Format::Xrgb8888, 90),
        (4, 36, wl_shm::Format::Argb8888, 255),
        (2, 6, wl_shm::Format::Rgb565, 255),
    ] {
        let bytes = if format == wl_shm::Format::Rgb565 { 2 } else { 4 };
        let stride = SIZE.0 * bytes + pad;
        let len = offset + stride * SIZE.1;
        let pool = painter.client.pool(memory(Memory::Sealable, 2 * len as usize).unwrap(), 2 * len).unwrap();
        pool.fill(0, 2 * len as usize, value).unwrap();
        let place = Place { offset, width: SIZE.0, height: SIZE.1, stride, format };
        let second = Place { offset: offset + len, ..place };
        painter.buffers =
            [place, second].map(|place| (pool.buffer(&mut painter.client, place).unwrap(), place.offset)).into();
        for at in [0, 1, 0, 1, 0, 1, 0, 1] {
            painter.show(at);
        }
        shows(&compositor, value);
    }
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_thousand_pools_leave_nothing_behind() {
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut open = 0;
    for round in 0..100 {
        let mut painter = Painter::new(&compositor, Memory::Sealable, 2);
        for _ in 0..8 {
            // Pools that nobody ever shows.
            let pool = painter.client.pool(memory(Memory::Sealable, 4096).unwrap(), 4096).unwrap();
            pool.buffer(&mut painter.client, Place::packed(0, 16, 16)).unwrap();
        }
        painter.animate(0..6);
        drop(painter);
        let settled = || compositor.process().fd_count().unwrap();
        match round {
            10 => open = settled(),
            99 => {
                let quiet = syncline_tests::time::poll_until(Duration::from_secs(5), || settled() <= open);
                assert!(quiet, "{} descriptors, {open} at the beginning", settled());
            }
            _ => {}
        }
    }
    assert!(compositor.alive());
    assert_eq!(buffers(&compositor), 0);
    compositor.stop().unwrap();
}

/// Every error that the protocol names: the code, the object, the request in the message; others go
/// on.
#[test]
#[ignore = "lab"]
fn each_violation_has_its_error() {
    type Offence = fn(&mut Client) -> u32;
    let compositor = Compositor::start(&[]).unwrap();
    let mut bystander = Actor::new(&compositor, "bystander", Some((200, 150))).unwrap();
    fn fresh(client: &mut Client) -> Pool {
        client.pool(memory(Memory::Sealable, 4096).unwrap(), 4096).unwrap()
    }
    fn said(client: &mut Client, place: Place) -> u32 {
        let pool = fresh(client);
        pool.buffer(client, place).unwrap();
        pool.wl.id().protocol_id()
    }
    fn sized(client: &mut Client, size: i32) -> u32 {
        let fd = memory(Memory::Sealable, 4096).unwrap();
        client.pool(fd, size).unwrap();
        client.state.bound.shm().unwrap().id().protocol_id()
    }
    fn resized(client: &mut Client, size: i32) -> u32 {
        let pool = fresh(client);
        pool.wl.resize(size);
        pool.wl.id().protocol_id()
    }
    const GOOD: Place = Place { offset: 0, width: 16, height: 16, stride: 64, format: wl_shm::Format::Xrgb8888 };
    let offences: [(wl_shm::Error, &str, Offence); 16] = [
        (wl_shm::Error::InvalidStride, "create_pool", |c| sized(c, 0)),
        (wl_shm::Error::InvalidStride, "create_pool", |c| sized(c, -1)),
        (wl_shm::Error::InvalidFd, "create_pool", |c| {
            let (reader, _writer) = rustix::pipe::pipe().unwrap();
            c.state.bound.shm().unwrap().create_pool(reader.as_fd(), 4096, &c.qh(), ());
            c.state.bound.shm().unwrap().id().protocol_id()
        }),
        (wl_shm::Error::InvalidStride, "create_buffer", |c| said(c, Place { offset: -1, ..GOOD })),
        (wl_shm::Error::InvalidStride, "create_buffer", |c| said(c, Place { width: 0, ..GOOD })),
        (wl_shm::Error::InvalidStride, "create_buffer", |c| said(c, Place { height: -1, ..GOOD })),
        (wl_shm::Error::InvalidStride, "create_buffer", |c| said(c, Place { stride: 0, ..GOOD })),
        (wl_shm::Error::InvalidStride, "create_buffer", |c| said(c, Place { stride: 63, ..GOOD })),
        (wl_shm::Error::InvalidStride, "create_buffer", |c| said(c, Place { offset: 3073, ..GOOD })),
        (wl_shm::Error::InvalidStride, "create_buffer", |c| said(c, Place { height: 65, ..GOOD })),
        (wl_shm::Error::InvalidStride, "create_buffer", |c| {
            said(c, Place { offset: i32::MAX, stride: i32::MAX, height: i32::MAX, ..GOOD })
        }),
        (wl_shm::Error::InvalidFormat, "create_buffer", |c| said(c, Place { format: wl_shm::Format::Nv12, ..GOOD })),
        (wl_shm::Error::InvalidFormat, "create_buffer", |c| said(c, Place { format: wl_shm::Format::C8, ..GOOD })),
        (wl_shm::Error::InvalidFd, "resize", |c| resized(c, 4095)),
        (wl_shm::Error::InvalidFd, "resize", |c| resized(c, 0)),
        (wl_shm::Error::InvalidFd, "resize", |c| resized(c, -1)),
    ];
    let mut seen = HashSet::new();
    for (number, (code, request, offend)) in offences.into_iter().enumerate() {
        let mut client = compositor.client().unwrap();
        let object = offend(&mut client);
        let Error::Protocol { interface, object: got_object, code: got, message } =
            client.expect_protocol_error().unwrap()
        else {
            unreachable!("expect_protocol_error returns nothing else")
        };
        let of = if request == "create_pool" { "wl_shm" } else { "wl_shm_pool" };
        assert_eq!((got, interface.as_str(), got_object), (code as u32, of, object), "{number}: {message}");
        assert!(message.starts_with(&format!("{request}: ")), "{number}: {message}");
        seen.insert((request, got));
        bystander.show(number as u64 + 1).unwrap();
    }
    assert_eq!(seen.len(), 5);
    compositor.stop().unwrap();
}
