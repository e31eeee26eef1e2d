//! Virtual displays by configfs: what is asked for is what the kernel has, and the compositor
//! follows their plugs.

use std::path::Path;
use std::time::Duration;

use syncline_tests::compositor::Compositor;
use syncline_tests::lab::card_of;
use syncline_tests::time::poll_until;
use syncline_tests::vkms::{Output, Status, Vkms};

/// Names of the compositor's outputs, sorted.
fn outputs(compositor: &Compositor) -> Vec<String> {
    let status = compositor.status().unwrap();
    let list = status["outputs"].as_array().unwrap();
    let mut names: Vec<String> = list.iter().map(|o| o["name"].as_str().unwrap().to_owned()).collect();
    names.sort_by_key(|name| name.rsplit('-').next().and_then(|n| n.parse::<u32>().ok()));
    names
}

/// The compositor's outputs become those of `vkms` with these numbers within three seconds.
fn expect(compositor: &Compositor, vkms: &Vkms, numbers: &[usize]) {
    let wanted: Vec<String> = numbers.iter().map(|at| vkms.connector(*at)).collect();
    poll_until(Duration::from_secs(3), || outputs(compositor) == wanted);
    assert_eq!(outputs(compositor), wanted, "{}", compositor.log());
}

#[test]
#[ignore = "lab"]
fn four_outputs_of_eight_planes_each() {
    // vkms takes 31 planes in all: one overlay is shared, so that each CRTC can have eight.
    let each = Output { overlays: 5, ..Output::default() };
    let vkms = Vkms::builder("four").outputs(4, each).shared_overlays(1).build().unwrap();
    let device = drm_device(vkms.card());
    assert_eq!(device.crtcs, 4);
    assert_eq!(device.planes.len(), 4 * 7 + 1);
    for crtc in 0..4 {
        assert_eq!(device.planes.iter().filter(|crtcs| *crtcs & (1 << crtc) != 0).count(), 8, "CRTC {crtc}");
    }
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    expect(&compositor, &vkms, &[0, 1, 2, 3]);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn the_compositor_follows_plugs() {
    let unplugged = Output { status: Status::Disconnected, ..Output::default() };
    let vkms = Vkms::builder("plugs").output(Output::default()).output(unplugged).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    expect(&compositor, &vkms, &[0]);
    for _ in 0..3 {
        vkms.plug(1, Status::Connected).unwrap();
        expect(&compositor, &vkms, &[0, 1]);
        vkms.plug(0, Status::Disconnected).unwrap();
        expect(&compositor, &vkms, &[1]);
        vkms.plug(0, Status::Connected).unwrap();
        expect(&compositor, &vkms, &[0, 1]);
        vkms.plug(1, Status::Disconnected).unwrap();
        expect(&compositor, &vkms, &[0]);
    }
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn any_crtc_drives_any_connector() {
    let vkms = Vkms::builder("any").outputs(3, Output { writeback: true, ..Output::default() }).any_crtc();
    let vkms = vkms.build().unwrap();
    let device = drm_device(vkms.card());
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    // The writeback connectors are counted by the kernel, and shown on by nobody.
    assert_eq!((device.crtcs, device.writebacks), (3, 3));
    expect(&compositor, &vkms, &[0, 1, 2]);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn it_is_gone_after_its_drop_also_half_made() {
    for _ in 0..3 {
        let vkms = Vkms::builder("gone").output(Output::default()).build().unwrap();
        let taken = Vkms::builder("gone").output(Output::default()).build().unwrap_err();
        assert!(taken.to_string().contains("in use"), "{taken}");
        assert!(card_of("gone").is_some(), "the refused one must not take the first one down");
        drop(vkms);
        assert!(card_of("gone").is_none() && !Path::new("/sys/kernel/config/vkms/gone").exists());
    }
}

/// What the kernel says of a card.
struct Counted {
    crtcs: usize,
    writebacks: usize,
    /// `possible_crtcs` of each plane.
    planes: Vec<u32>,
}

fn drm_device(card: &Path) -> Counted {
    let device = kms::Device::open(card).unwrap();
    let inventory = device.inventory().unwrap();
    Counted {
        crtcs: inventory.crtcs.len(),
        writebacks: inventory.connectors.iter().filter(|connector| connector.writeback).count(),
        planes: inventory.planes.iter().map(|plane| plane.possible_crtcs).collect(),
    }
}
