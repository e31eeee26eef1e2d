//! Clients' dma-bufs of every maker in the lab, with every CRC as predicted: vgem, vkms' own dumb
//! buffers, udmabuf, the system heap, on a plane; and a picture in two dma-bufs. vivid's are in
//! `lab_exact_v4l2.rs`. And which devices stay attached to buffers that nobody shows.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use dmabuf_import::Mapping;
use drm_fourcc::{DrmFourcc, DrmModifier};
use syncline_tests::card::Card;
use syncline_tests::client::buffer::{Buffer, Source, allocate};
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::lab;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::Flags;

const SIZE: (u32, u32) = (320, 240);
const FRAMES: usize = 20;

/// A buffer's dma-bufs: descriptor, offset, stride of each plane.
struct Memory {
    format: DrmFourcc,
    planes: Vec<(OwnedFd, u32, u32)>,
}

impl Memory {
    fn packed((fd, stride): (OwnedFd, u32)) -> Memory {
        Memory { format: DrmFourcc::Xrgb8888, planes: vec![(fd, 0, stride)] }
    }

    fn of(source: Source) -> Memory {
        Memory::packed((allocate(source, (SIZE.0 * SIZE.1 * 4) as usize).unwrap(), SIZE.0 * 4))
    }

    /// NV12 with luma in one dma-buf and chroma, behind a page of nothing, in another.
    fn in_two() -> Memory {
        let luma = allocate(Source::Heap, (SIZE.0 * SIZE.1) as usize).unwrap();
        let chroma = allocate(Source::Heap, 4096 + (SIZE.0 * SIZE.1 / 2) as usize).unwrap();
        Memory { format: DrmFourcc::Nv12, planes: vec![(luma, 0, SIZE.0), (chroma, 4096, SIZE.0)] }
    }

    fn wrap(&self, client: &mut Client) -> Buffer {
        let token = client.state.token();
        let params = client.state.bound.dmabuf().unwrap().create_params(&client.qh(), token);
        for (at, (fd, offset, stride)) in self.planes.iter().enumerate() {
            params.add(fd.as_fd(), at as u32, *offset, *stride, 0, 0);
        }
        let (width, height) = (SIZE.0 as i32, SIZE.1 as i32);
        let wl = params.create_immed(width, height, self.format as u32, Flags::empty(), &client.qh(), token);
        params.destroy();
        Buffer { wl, token }
    }
}

/// Shows frames from two buffers in turn; how many a plane showed.
fn shown(name: &str, vkms: &Vkms, memory: impl Fn() -> Memory) -> usize {
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let compositor = Compositor::start_on(vkms.card(), &["--crc", "--trace", &path.to_string_lossy()]).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: name, fullscreen: false }).unwrap();
    let mut buffers: Vec<_> = (0..2)
        .map(|_| {
            let memory = memory();
            let buffer = memory.wrap(&mut client);
            let maps = memory.planes.into_iter().map(|(fd, ..)| Mapping::new(Arc::new(fd), true).unwrap());
            (buffer, maps.collect::<Vec<_>>(), 0u32)
        })
        .collect();
    client.idle(Duration::from_millis(100)).unwrap();
    for frame in 0..FRAMES {
        let (buffer, maps, uses) = &mut buffers[frame % 2];
        let (token, wanted) = (buffer.token, *uses);
        let back = |state: &syncline_tests::client::State| state.released.get(&token).copied().unwrap_or(0) >= wanted;
        client.wait_for("wl_buffer.release", PATIENCE, back).unwrap();
        for (plane, map) in maps.iter_mut().enumerate() {
            map.cpu_write(|bytes| bytes.fill((frame * 11 + plane * 70 + 20) as u8)).unwrap();
        }
        let commit = Commit { buffer: Some(buffer), feedback: true, ..Commit::default() };
        let token = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
        client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
        *uses += 1;
    }
    client.idle(Duration::from_millis(100)).unwrap();
    compositor.stop().unwrap();
    let trace = Trace::read(&path).unwrap();
    let summary = Summary::of(&trace);
    let on_planes = trace.events.iter().filter(|event| match &event.what {
        What::KmsCommit(commit) => commit.errno.is_none() && commit.planes.iter().any(|plane| plane.surface.is_some()),
        _ => false,
    });
    let on_planes = on_planes.count();
    println!("{name}: {on_planes} frames on planes, {:?}", summary.crcs);
    assert_eq!((summary.crcs.different, summary.kms_errors), (0, 0), "{name}: {:?}", summary.crcs);
    assert!(summary.crcs.equal as usize >= FRAMES - 1, "{name}: {:?}", summary.crcs);
    on_planes
}

#[test]
#[ignore = "lab"]
fn buffers_of_every_maker_are_shown_by_a_plane() {
    let vkms = Vkms::builder("sources").output(Output { overlays: 2, ..Output::default() }).build().unwrap();
    let vgem = Card::of("vgem").unwrap();
    let own = || Card::open(vkms.card()).unwrap();
    for (name, on_planes) in [
        ("vgem", shown("vgem", &vkms, || Memory::packed(vgem.dumb(SIZE).unwrap()))),
        ("vkms", shown("vkms", &vkms, || Memory::packed(own().dumb(SIZE).unwrap()))),
        ("udmabuf", shown("udmabuf", &vkms, || Memory::of(Source::Udmabuf))),
        ("heap", shown("heap", &vkms, || Memory::of(Source::Heap))),
    ] {
        assert!(on_planes >= FRAMES - 1, "{name}: {on_planes} frames on planes");
    }
    // vkms reads all colour planes from the first buffer, so such a picture is kept from it, and
    // composited.
    assert_eq!(shown("two dma-bufs", &vkms, Memory::in_two), 0);
}

/// Counted by the kernel: buffers that are not shown, and that of a window that is covered.
#[test]
#[ignore = "lab"]
fn no_device_stays_attached_to_what_nobody_shows() {
    let vkms = Vkms::builder("idle").output(Output { overlays: 1, ..Output::default() }).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--mode", "1024x768"]).unwrap();
    let mut client = compositor.client().unwrap();
    let memories: Vec<_> = (0..7).map(|_| allocate(Source::Heap, (SIZE.0 * SIZE.1 * 4) as usize).unwrap()).collect();
    let attached = || -> Vec<_> {
        memories.iter().map(|memory| lab::attached_devices(memory.as_fd()).expect("the kernel tells")).collect()
    };
    let mut window = client.toplevel(&Wish { app_id: "idle", fullscreen: false }).unwrap();
    let mut show = |client: &mut Client, buffer: &Buffer| {
        let commit = Commit { buffer: Some(buffer), feedback: true, ..Commit::default() };
        let token = window.commit(client, &commit).unwrap().feedback.unwrap();
        client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
    };
    let linear = u64::from(DrmModifier::Linear);
    let buffers: Vec<_> = memories
        .iter()
        .map(|memory| client.wrap_dmabuf(memory, SIZE.0, SIZE.1, DrmFourcc::Xrgb8888, linear).unwrap())
        .collect();
    buffers.iter().for_each(|buffer| show(&mut client, buffer));
    assert_eq!(attached(), [1; 7], "each was on a plane");
    client.idle(Duration::from_secs(24)).unwrap();
    assert_eq!(attached(), [0, 0, 0, 0, 0, 0, 1], "one is on a plane");
    let mut cover = client.toplevel(&Wish { app_id: "cover", fullscreen: true }).unwrap();
    let (all, mut pixels) = client.buffer(Source::Shm, 1024, 768).unwrap();
    pixels.write(|bytes| bytes.fill(0xff)).unwrap();
    cover.commit(&mut client, &Commit { buffer: Some(&all), ..Commit::default() }).unwrap();
    client.idle(Duration::from_secs(24)).unwrap();
    assert_eq!(attached(), [0; 7], "the window is covered");
    cover.destroy(&mut client).unwrap();
    show(&mut client, &buffers[0]);
    assert_eq!(attached()[0], 1, "it is shown again");
    compositor.stop().unwrap();
}
