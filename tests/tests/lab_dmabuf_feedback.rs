//! What clients are told to allocate: what is good for the display comes first, and only while it
//! is of use. That what a display has refused is not told again is tested on a scripted kernel, in
//! `compositor/src/session/fixture/tests/layouts.rs`.

use std::os::linux::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dmabuf_import::Mapping;
use drm_fourcc::{DrmFourcc, DrmModifier};
use syncline_tests::client::buffer::{Buffer, Source, allocate};
use syncline_tests::client::dmabuf::Told;
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::time::poll_until;
use syncline_tests::vkms::{Output, Vkms};

const LINEAR: u64 = 0;
const OTHER: (u32, u64) = (DrmFourcc::Xrgb8888 as u32, LINEAR);

/// Two pictures of this format and size.
fn pictures(client: &mut Client, format: DrmFourcc, (w, h): (u32, u32)) -> [Buffer; 2] {
    [[0x20, 0x80, 0xc0, 0xff], [0xc0, 0x40, 0x10, 0xff]].map(|pixel: [u8; 4]| {
        let fd = allocate(Source::Auto, (w * h * 4).next_multiple_of(4096) as usize).unwrap();
        let buffer = client.wrap_dmabuf(&fd, w, h, format, DrmModifier::Linear.into()).unwrap();
        let mut map = Mapping::new(Arc::new(fd), true).unwrap();
        map.cpu_write(|bytes| bytes.as_chunks_mut::<4>().0.fill(pixel)).unwrap();
        buffer
    })
}

fn show(client: &mut Client, window: &mut Toplevel, buffers: &[Buffer; 2], frames: usize) {
    for frame in 0..frames {
        let commit = Commit { buffer: Some(&buffers[frame % 2]), frame: true, ..Commit::default() };
        let token = window.commit(client, &commit).unwrap().frame.unwrap();
        client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
    }
}

/// Scan-out tranches come before those for sampling, and no pair comes twice for the same use.
fn well_ordered(told: &Told) {
    let first = told.tranches.iter().position(|t| !t.scanout()).expect("a tranche for sampling");
    assert!(told.tranches[first..].iter().all(|t| !t.scanout()), "{told:?}");
    for scanout in [true, false] {
        let pairs: Vec<_> = told.tranches.iter().filter(|t| t.scanout() == scanout).flat_map(|t| &t.pairs).collect();
        assert!(pairs.iter().enumerate().all(|(i, pair)| !pairs[..i].contains(pair)), "{told:?}");
    }
    assert!(told.tranches.iter().all(|t| !t.pairs.is_empty()), "{told:?}");
}

fn scanned_out(told: &Told, pair: (u32, u64)) -> bool {
    told.tranches.iter().any(|t| t.scanout() && t.pairs.contains(&pair))
}

/// What it wants of the display is told when it goes fullscreen, and no more when it does not want
/// it any longer.
#[test]
#[ignore = "lab"]
fn a_fullscreen_surface_is_told_what_the_display_takes() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "feedback", fullscreen: false }).unwrap();
    let manager = client.dmabuf_manager(5).unwrap();
    let (_, token) = client.surface_feedback(&manager, &window.surface);
    let heard = |client: &mut Client, count: usize| {
        client
            .wait_for("feedback", PATIENCE, |s| s.dmabuf_feedback.get(&token).is_some_and(|h| h.told.len() >= count))
            .unwrap();
        client.state.dmabuf_feedback[&token].told[count - 1].clone()
    };
    let first = heard(&mut client, 1);
    well_ordered(&first);
    assert!(first.tranches.iter().all(|t| !t.scanout()), "a window is drawn: {first:?}");
    let buffers = pictures(&mut client, DrmFourcc::Xrgb8888, (320, 200));
    show(&mut client, &mut window, &buffers, 2);
    window.toplevel.set_fullscreen(None);
    client.flush().unwrap();
    let second = heard(&mut client, 2);
    well_ordered(&second);
    assert!(scanned_out(&second, OTHER), "{second:?}");
    window.toplevel.unset_fullscreen();
    client.flush().unwrap();
    let third = heard(&mut client, 3);
    assert_eq!(third, first);
    compositor.stop().unwrap();
}

/// The device for which it is to allocate what is scanned out.
fn scanned_out_by(told: &Told) -> Option<u64> {
    told.tranches.iter().find(|t| t.scanout()).map(|t| t.device)
}

/// Its display's card leaves: the window is on the other card's display from then on, and is told
/// to allocate for that.
#[test]
#[ignore = "lab"]
fn on_another_card_it_is_told_to_allocate_for_that() {
    let [first, second] =
        ["going", "staying"].map(|name| Vkms::builder(name).output(Output::default()).build().unwrap());
    let node = |card: &Path| card.metadata().unwrap().st_rdev();
    let devices = [node(first.card()), node(second.card())];
    let args = ["--device", second.card().to_str().unwrap()];
    let mut compositor = Compositor::start_on(first.card(), &args).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "moved", fullscreen: true }).unwrap();
    let size = window.size(&client, (1024, 768));
    let manager = client.dmabuf_manager(5).unwrap();
    let (_, token) = client.surface_feedback(&manager, &window.surface);
    let buffers = pictures(&mut client, DrmFourcc::Xrgb8888, size);
    show(&mut client, &mut window, &buffers, 2);
    client.roundtrip().unwrap();
    let device = |client: &Client| scanned_out_by(client.state.dmabuf_feedback[&token].told.last().unwrap());
    assert_eq!(device(&client), Some(devices[0]), "{devices:x?}: windows open on the first display");
    drop(first);
    let moved = poll_until(Duration::from_secs(5), || {
        client.roundtrip().unwrap();
        device(&client) == Some(devices[1])
    });
    assert!(moved, "{devices:x?}: {:x?}\n{}", device(&client), compositor.log());
    let told = client.state.dmabuf_feedback[&token].told.last().unwrap().clone();
    well_ordered(&told);
    assert!(scanned_out(&told, OTHER), "{told:?}");
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}
