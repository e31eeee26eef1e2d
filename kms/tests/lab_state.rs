//! Inventory, imports, and putting the console's state back, on a real kernel.

mod lab;

use dmabuf_import::Fourcc;
use dmabuf_import::heap::DmaHeap;
use dmabuf_import::udmabuf::Udmabuf;
use dmabuf_import::{Dmabuf, DmabufPlane, Modifier};
use kms::saved::Restored;
use kms::{PlaneKind, PlaneState, Rect, SrcRect};
use lab::{Screen, framebuffers, open_fds, settle};
use std::sync::Arc;

#[test]
#[ignore = "lab"]
fn the_inventory_knows_vkms() {
    let screen = Screen::new();
    let inventory = screen.device.inventory().expect("inventory");
    let json = serde_json::to_value(&inventory).expect("JSON");
    assert_eq!(json["driver"]["name"], "vkms");
    assert!(
        json["planes"][0]["props"]["FB_ID"]["value"].as_u64().is_some_and(|fb| fb > 0),
        "the primary shows something"
    );
    let connector = inventory.connector_by_name("Virtual-1").expect("Virtual-1");
    assert!(connector.connected() && connector.preferred().is_some());
    assert_eq!(connector.crtc(), Some(screen.output.crtc_id()));
    let plane = &screen.output.planes()[0];
    assert_eq!(plane.kind, PlaneKind::Primary);
    assert!(
        plane.supports(Fourcc::Xrgb8888, Modifier::Linear)
            && !plane.supports(Fourcc::Xrgb8888, Modifier::from(1 << 56))
    );
    assert!(plane.props.in_fence_fd.is_some() && screen.output.crtc_props().out_fence_ptr.is_some());
    println!("{} overlays, cursor {:?}", screen.output.overlays().count(), screen.output.cursor());
}

#[test]
#[ignore = "lab"]
fn the_state_before_comes_back() {
    let mut screen = Screen::new();
    let console = screen.painted(|x, y| x * y);
    screen.show(&[(0, screen.full(console.id()))]);
    let before = screen.device.inventory().expect("inventory");
    let saved = screen.device.save_state(&before);
    let red = screen.painted(|_, _| 0xff_0000);
    let cursor = screen.device.dumb(64, 64, Fourcc::Argb8888).expect("cursor");
    let at = screen.output.cursor().expect("a cursor plane");
    let pointer = PlaneState::new(cursor.id(), SrcRect::full(64, 64), Rect::new(10, 10, 64, 64));
    screen.show(&[(0, screen.full(red.id())), (at, pointer)]);
    assert_ne!(screen.kernel_value(at, "FB_ID"), 0);
    assert_eq!(saved.restore(), Ok(Restored::All));
    assert_eq!(screen.kernel_value(0, "FB_ID"), console.id().value());
    assert_eq!(screen.kernel_value(at, "FB_ID"), 0);
    let after = screen.device.inventory().expect("inventory");
    let connector =
        |inventory: &kms::Inventory| inventory.connector_by_name("Virtual-1").and_then(|found| found.crtc());
    assert_eq!(connector(&before), connector(&after));
    // The console's buffer is gone: off, and no error.
    screen.output.reset();
    drop(console);
    let state = screen.full(red.id());
    let serial = screen.serial();
    let mut frame = screen.output.modeset();
    frame.set(0, state);
    frame.commit(serial).expect("modeset");
    screen.wait_flip().expect("flip");
    settle();
    assert_eq!(saved.restore(), Ok(Restored::Off));
    let after = screen.device.inventory().expect("inventory");
    assert_eq!(after.crtcs[0].props.value("ACTIVE"), Some(0));
}

#[test]
#[ignore = "lab"]
fn dma_bufs_become_framebuffers_and_leave_nothing() {
    let mut screen = Screen::new();
    let (w, h) = screen.output.size();
    let bytes = u64::from(w * h * 4);
    let before = (open_fds(), framebuffers(&screen.device), screen.device.gem().len());
    let sources = [
        ("dma-heap", DmaHeap::open("system").expect("heap").allocate(bytes).expect("memory")),
        ("udmabuf", Udmabuf::open().expect("udmabuf").allocate(bytes).expect("memory")),
    ];
    for (name, fd) in sources {
        let planes = vec![DmabufPlane { fd: Arc::new(fd), offset: 0, stride: w * 4 }];
        let dmabuf = Dmabuf::new(w, h, Fourcc::Argb8888, Modifier::Linear, planes).expect(name);
        let first = screen.device.framebuffer(&dmabuf, true).expect(name);
        let second = screen.device.framebuffer(&dmabuf, false).expect(name);
        assert_eq!((first.format(), second.format()), (Fourcc::Xrgb8888 as u32, Fourcc::Argb8888 as u32));
        assert_eq!(screen.device.gem().len(), before.2, "framebuffers hold their memory without handles");
        drop(first);
        screen.show(&[(0, screen.full(second.id()))]);
        // Closed while shown: the plane goes on showing it (CLOSEFB).
        drop(second);
        assert_ne!(screen.kernel_value(0, "CRTC_ID"), 0, "{name}: the plane stays on");
        screen.show(&[(0, screen.full(screen.black.id()))]);
    }
    settle();
    assert_eq!((open_fds(), framebuffers(&screen.device), screen.device.gem().len()), before);
}

#[test]
#[ignore = "lab"]
fn a_dumb_buffer_can_be_exported_and_taken_back() {
    let screen = Screen::new();
    let dumb = screen.painted(|x, _| x);
    let dmabuf = dumb.export().expect("export");
    let handles = screen.device.gem().len();
    let again = screen.device.framebuffer(&dmabuf, false).expect("the same memory");
    assert_eq!(screen.device.gem().len(), handles, "one handle for one buffer");
    drop(again);
    let mapping = dmabuf.map(0, false).expect("map");
    let same = mapping.cpu_read(|bytes| bytes[..4096] == dumb.bytes()[..4096]).expect("sync");
    assert!(same);
    // The handle is still good: import did not close it.
    drop(screen.device.framebuffer(&dmabuf, false).expect("and again"));
}
