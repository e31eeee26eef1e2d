//! `[mem2mem]`: vim2m scales what vkms cannot, and a plane shows it.

use std::sync::Arc;
use std::time::Duration;

use dmabuf_import::Mapping;
use dmabuf_import::heap::DmaHeap;
use drm_fourcc::DrmFourcc;
use syncline_tests::client::PATIENCE;
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::Flags;

/// Of the buffer; the window is twice as large.
const SIZE: (u32, u32) = (160, 120);
const FRAMES: usize = 40;

/// What came of the frames.
struct Seen {
    converted: u64,
    on_planes: usize,
    cpu_ms: f64,
}

/// Shows frames of 565 RGB at twice their size.
fn frames(config: &str) -> Seen {
    let vkms = Vkms::builder("m2m").output(Output { overlays: 2, ..Output::default() }).build().unwrap();
    let folder = user::folder().unwrap();
    let (trace, file) = (folder.path().join("trace.json"), folder.path().join("config.toml"));
    std::fs::write(&file, config).unwrap();
    let args = ["--crc", "--config", &file.to_string_lossy(), "--trace", &trace.to_string_lossy()];
    let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "m2m", fullscreen: false }).unwrap();
    let viewport = client.state.bound.viewporter().unwrap().get_viewport(&window.surface, &client.qh(), ());
    viewport.set_destination(2 * SIZE.0 as i32, 2 * SIZE.1 as i32);
    let heap = DmaHeap::open("system").unwrap();
    let mut buffers: Vec<_> = (0..3)
        .map(|_| {
            let fd = heap.allocate(u64::from(SIZE.0 * SIZE.1 * 2)).unwrap();
            let token = client.state.token();
            let params = client.state.bound.dmabuf().unwrap().create_params(&client.qh(), token);
            params.add(std::os::fd::AsFd::as_fd(&fd), 0, 0, SIZE.0 * 2, 0, 0);
            let (width, height) = (SIZE.0 as i32, SIZE.1 as i32);
            let wl = params.create_immed(width, height, DrmFourcc::Rgb565 as u32, Flags::empty(), &client.qh(), token);
            params.destroy();
            let map = Mapping::new(Arc::new(fd), true).unwrap();
            (syncline_tests::client::buffer::Buffer { wl, token }, map, 0u32)
        })
        .collect();
    let cpu = compositor.process().cpu_ns().unwrap();
    let mut last = 0u8;
    for frame in 0..FRAMES {
        let count = buffers.len();
        let (buffer, map, uses) = &mut buffers[frame % count];
        let (token, wanted) = (buffer.token, *uses);
        let back = |state: &syncline_tests::client::State| state.released.get(&token).copied().unwrap_or(0) >= wanted;
        client.wait_for("wl_buffer.release", PATIENCE, back).unwrap();
        // Greys that 565 has: each channel's top five bits, the sixth of green as theirs.
        let grey = (frame % 30 + 1) as u16;
        let pixel = (grey << 11 | grey << 6 | (grey >> 4) << 5 | grey).to_le_bytes();
        map.cpu_write(|bytes| bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|at| *at = pixel)).unwrap();
        last = (grey << 3 | grey >> 2) as u8;
        let commit = Commit { buffer: Some(buffer), feedback: true, ..Commit::default() };
        let token = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
        client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
        *uses += 1;
    }
    let cpu = compositor.process().cpu_ns().unwrap() - cpu;
    client.idle(Duration::from_millis(200)).unwrap();
    let picture = compositor.screenshot().unwrap();
    let all = (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| (x, y)));
    let shown = all.filter(|&(x, y)| picture.at(x, y).iter().all(|channel| channel.abs_diff(last) <= 4)).count();
    // A renderer that scales mixes the edges with what is beside them.
    let edges = (2 * 2 * (SIZE.0 + SIZE.1)) as usize * 2;
    assert!(shown + edges >= (4 * SIZE.0 * SIZE.1) as usize, "{shown} pixels of about {last}");
    let converted = compositor.status().unwrap()["counters"]["mem2mem_commits"].as_u64().unwrap();
    compositor.stop().unwrap();
    let trace = Trace::read(&trace).unwrap();
    let summary = Summary::of(&trace);
    assert_eq!((summary.crcs.different, summary.kms_errors), (0, 0), "{:?}", summary.crcs);
    assert!(summary.crcs.equal > 10, "{:?}", summary.crcs);
    let on_planes = trace.events.iter().filter(|event| match &event.what {
        What::KmsCommit(commit) => commit.errno.is_none() && commit.planes.iter().any(|plane| plane.surface.is_some()),
        _ => false,
    });
    Seen { converted, on_planes: on_planes.count(), cpu_ms: cpu as f64 / 1e6 / FRAMES as f64 }
}

#[test]
#[ignore = "lab"]
fn a_converter_scales_for_the_plane() {
    let drawn = frames("");
    let converted = frames("[mem2mem]\ndevice = \"auto\"\n");
    println!("CPU a frame: drawn {:.2} ms, converted {:.2} ms", drawn.cpu_ms, converted.cpu_ms);
    assert_eq!((drawn.converted, drawn.on_planes), (0, 0));
    assert!(converted.converted as usize >= FRAMES - 5, "{} commits converted", converted.converted);
    assert!(converted.on_planes >= FRAMES - 8, "{} frames on planes", converted.on_planes);
}
