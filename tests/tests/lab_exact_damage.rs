//! What the display is told of what has changed, read back from the kernel's own state of the
//! plane.

use std::os::fd::AsFd;
use std::time::Duration;

use kms::{Device, PlaneKind};
use syncline_tests::client::buffer::{Buffer, Pixels, Source};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, Feedback};
use syncline_tests::compositor::Compositor;
use syncline_tests::vkms::{Output, Vkms};

/// Left, top, right, bottom.
type Clip = [i32; 4];

/// The clips of the last commit of the primary plane; none: everything. The kernel keeps them until
/// the next commit of the plane.
fn clips(device: &Device) -> Vec<Clip> {
    let inventory = device.inventory().unwrap();
    let primary = inventory.planes.iter().find(|plane| plane.kind == PlaneKind::Primary).unwrap();
    let value = primary.props.value("FB_DAMAGE_CLIPS").expect("a vkms with damage clips");
    let Some(blob) = kms::BlobId::from_value(value) else { return Vec::new() };
    let mut bytes = Vec::new();
    drm_ffi::mode::get_property_blob(device.as_fd(), blob.raw(), Some(&mut bytes)).unwrap();
    let edge = |clip: &[u8; 16], at: usize| i32::from_ne_bytes([0, 1, 2, 3].map(|byte| clip[4 * at + byte]));
    bytes.as_chunks::<16>().0.iter().map(|clip| [0, 1, 2, 3].map(|at| edge(clip, at))).collect()
}

struct Painter {
    client: Client,
    window: Toplevel,
    buffers: Vec<(Buffer, Pixels)>,
    turn: usize,
}

fn painter(compositor: &Compositor, fullscreen: bool, size: (u32, u32)) -> Painter {
    let mut client = compositor.client().unwrap();
    let window = client.toplevel(&Wish { app_id: "painter", fullscreen }).unwrap();
    let size = window.size(&client, size);
    let buffers = (0..3).map(|_| client.buffer(Source::Auto, size.0, size.1).unwrap()).collect();
    Painter { client, window, buffers, turn: 0 }
}

impl Painter {
    /// Shows a frame of which only `damage` has changed.
    fn show(&mut self, damage: Option<(i32, i32, i32, i32)>) {
        self.turn += 1;
        let at = self.turn % self.buffers.len();
        let (buffer, pixels) = &mut self.buffers[at];
        pixels.write(|bytes| bytes.fill(0xff)).unwrap();
        let commit = Commit { buffer: Some(buffer), damage, feedback: true, ..Commit::default() };
        let token = self.window.commit(&mut self.client, &commit).unwrap().feedback.unwrap();
        self.client
            .wait_for("feedback", Duration::from_secs(3), |s| {
                matches!(s.feedback.get(&token), Some(Feedback::Presented(_)))
            })
            .unwrap();
    }
}

const CHANGED: (i32, i32, i32, i32) = (10, 20, 30, 40);

#[test]
#[ignore = "lab"]
fn a_window_on_a_plane_says_what_it_has_changed() {
    let vkms =
        Vkms::builder("clips").output(Output { cursor: false, ..Output::default() }).damage_clips().build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let device = Device::open(vkms.card()).unwrap();
    let mut painter = painter(&compositor, true, (0, 0));
    painter.show(Some(CHANGED));
    assert_eq!(clips(&device), [] as [Clip; 0], "nobody knows what the plane showed before");
    painter.show(Some(CHANGED));
    assert_eq!(clips(&device), [[10, 20, 40, 60]]);
    painter.show(None);
    assert_eq!(clips(&device), [] as [Clip; 0], "everything");
    painter.show(Some((0, 0, 1, 1)));
    assert_eq!(clips(&device), [[0, 0, 1, 1]]);
    // Two commits for one frame: what both have changed.
    let (buffer, _) = &painter.buffers[0];
    let first = Commit { buffer: Some(buffer), damage: Some((100, 100, 5, 5)), ..Commit::default() };
    painter.window.commit(&mut painter.client, &first).unwrap();
    painter.turn = 0;
    painter.show(Some((200, 100, 5, 5)));
    let mut both = clips(&device);
    both.sort_unstable();
    assert!(both == [[100, 100, 105, 105], [200, 100, 205, 105]] || both == [[200, 100, 205, 105]], "{both:?}");
    let status = compositor.status().unwrap();
    assert_eq!(status["counters"]["refused_commits"], 0, "{}", compositor.log());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn what_is_drawn_says_what_was_drawn() {
    let vkms =
        Vkms::builder("drawn").output(Output { cursor: false, ..Output::default() }).damage_clips().build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--planes", "none"]).unwrap();
    let device = Device::open(vkms.card()).unwrap();
    let mut painter = painter(&compositor, false, (320, 240));
    for _ in 0..6 {
        painter.show(Some(CHANGED));
    }
    let steady = clips(&device);
    let [[left, top, right, bottom]] = steady[..] else { panic!("{steady:?}") };
    assert_eq!((right - left, bottom - top), (30, 40), "only what the client has changed");
    painter.show(None);
    let [clip] = clips(&device)[..] else { panic!("the whole window is one rectangle") };
    assert_eq!(clip, [left - 10, top - 20, left - 10 + 320, top - 20 + 240]);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_device_without_the_property_gets_none() {
    let vkms = Vkms::builder("plain").output(Output::default()).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let mut painter = painter(&compositor, true, (0, 0));
    painter.show(None);
    painter.show(Some(CHANGED));
    let status = compositor.status().unwrap();
    assert_eq!(status["counters"]["refused_commits"], 0, "{}", compositor.log());
    compositor.stop().unwrap();
}
