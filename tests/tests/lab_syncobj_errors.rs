//! Every error that linux-drm-syncobj-v1 names: the code, the object, the request in the message;
//! and a second client that notices nothing.

use std::os::fd::AsFd;

use fence::SyncDevice;
use syncline_tests::client::Client;
use syncline_tests::client::actor::Actor;
use syncline_tests::client::buffer::{Buffer, Source};
use syncline_tests::client::sync::{SharedTimeline, open_sync_device};
use syncline_tests::client::window::{Toplevel, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::error::Error;
use wayland_client::Proxy;
use wayland_protocols::wp::linux_drm_syncobj::v1::client::{
    wp_linux_drm_syncobj_manager_v1::Error as ManagerError, wp_linux_drm_syncobj_surface_v1::Error as SurfaceError,
    wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1,
};

/// A client with all that is needed to break a rule.
struct Bench {
    client: Client,
    window: Toplevel,
    device: SyncDevice,
    timeline: SharedTimeline,
    buffer: Buffer,
}

impl Bench {
    fn new(compositor: &Compositor) -> Bench {
        let mut client = compositor.client().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "offender", fullscreen: false }).unwrap();
        window.explicit(&client).unwrap();
        let device = open_sync_device().unwrap();
        let timeline = client.share_timeline(&device).unwrap();
        let (buffer, _) = client.buffer(Source::Auto, 64, 64).unwrap();
        Bench { client, window, device, timeline, buffer }
    }

    fn sync(&self) -> &WpLinuxDrmSyncobjSurfaceV1 {
        self.window.sync.as_ref().unwrap()
    }

    fn attach(&self) {
        self.window.surface.attach(Some(&self.buffer.wl), 0, 0);
        self.window.damage();
    }

    fn acquire(&self, value: u32) {
        self.sync().set_acquire_point(&self.timeline.proxy, 0, value);
    }

    fn release(&self, value: u32) {
        self.sync().set_release_point(&self.timeline.proxy, 0, value);
    }

    fn commit(&self) {
        self.window.surface.commit();
    }
}

/// Runs `offend`, which returns the id of the object that the error must name; checks the error and
/// the bystander.
fn expect(code: u32, interface: &str, words: &[&str], offend: impl FnOnce(&mut Bench) -> u32) {
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut bystander = Actor::new(&compositor, "bystander", Some((200, 150))).unwrap();
    bystander.show(1).unwrap();
    let mut bench = Bench::new(&compositor);
    bench.client.roundtrip().unwrap();
    let object = offend(&mut bench);
    let Error::Protocol { interface: on, object: id, code: got, message } =
        bench.client.expect_protocol_error().unwrap()
    else {
        unreachable!("expect_protocol_error returns nothing else")
    };
    assert_eq!((got, on.as_str(), id), (code, interface, object), "{message}");
    for word in words {
        assert!(message.contains(word), "the message does not name {word}: {message}");
    }
    // Nobody else notices: frames go on, before and after the offender is gone.
    bystander.show(2).unwrap();
    drop(bench);
    bystander.show(3).unwrap();
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}

const MANAGER: &str = "wp_linux_drm_syncobj_manager_v1";
const SURFACE: &str = "wp_linux_drm_syncobj_surface_v1";

#[test]
#[ignore = "lab"]
fn surface_exists() {
    expect(ManagerError::SurfaceExists as u32, MANAGER, &["get_surface"], |b| {
        let manager = b.client.state.bound.syncobj().unwrap();
        manager.get_surface(&b.window.surface, &b.client.qh(), ());
        manager.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn invalid_timeline() {
    expect(ManagerError::InvalidTimeline as u32, MANAGER, &["import_timeline"], |b| {
        let manager = b.client.state.bound.syncobj().unwrap();
        // Open until the request is flushed, which is with the next one: flushed alone, the
        // compositor may have closed the connection when the next one is written, and the error is
        // then not read any more.
        let no_syncobj = Box::leak(Box::new(std::fs::File::open("/dev/null").unwrap()));
        manager.import_timeline(no_syncobj.as_fd(), &b.client.qh(), ());
        manager.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn no_surface_for_an_acquire_point() {
    no_surface("set_acquire_point", Bench::acquire);
}

#[test]
#[ignore = "lab"]
fn no_surface_for_a_release_point() {
    no_surface("set_release_point", Bench::release);
}

fn no_surface(word: &str, set: fn(&Bench, u32)) {
    expect(SurfaceError::NoSurface as u32, SURFACE, &[word], |b| {
        b.window.toplevel.destroy();
        b.window.xdg.destroy();
        b.window.surface.destroy();
        set(b, 1);
        b.sync().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn unsupported_buffer() {
    expect(SurfaceError::UnsupportedBuffer as u32, SURFACE, &["attach"], |b| {
        let (shm, _) = b.client.buffer(Source::Shm, 64, 64).unwrap();
        b.window.surface.attach(Some(&shm.wl), 0, 0);
        b.acquire(1);
        b.release(2);
        b.commit();
        b.sync().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn no_buffer_for_an_acquire_point() {
    no_buffer("set_acquire_point", Bench::acquire);
}

#[test]
#[ignore = "lab"]
fn no_buffer_for_a_release_point() {
    no_buffer("set_release_point", Bench::release);
}

fn no_buffer(word: &str, set: fn(&Bench, u32)) {
    expect(SurfaceError::NoBuffer as u32, SURFACE, &[word], |b| {
        set(b, 1);
        b.commit();
        b.sync().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn no_buffer_with_a_null_attach() {
    expect(SurfaceError::NoBuffer as u32, SURFACE, &["set_acquire_point"], |b| {
        b.window.surface.attach(None, 0, 0);
        b.acquire(1);
        b.release(2);
        b.commit();
        b.sync().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn no_acquire_point() {
    expect(SurfaceError::NoAcquirePoint as u32, SURFACE, &["set_acquire_point"], |b| {
        b.attach();
        b.release(2);
        b.commit();
        b.sync().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn no_release_point() {
    expect(SurfaceError::NoReleasePoint as u32, SURFACE, &["set_release_point"], |b| {
        b.attach();
        b.acquire(1);
        b.commit();
        b.sync().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn points_last_for_one_commit_only() {
    expect(SurfaceError::NoAcquirePoint as u32, SURFACE, &["set_acquire_point"], |b| {
        b.timeline.point(1).signal().unwrap();
        b.attach();
        b.acquire(1);
        b.release(2);
        b.commit();
        // The same buffer again, without points of its own.
        b.attach();
        b.commit();
        b.sync().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn conflicting_points() {
    for (acquire, release) in [(2, 2), (3, 2)] {
        expect(SurfaceError::ConflictingPoints as u32, SURFACE, &["set_release_point"], |b| {
            b.attach();
            b.acquire(acquire);
            b.release(release);
            b.commit();
            b.sync().id().protocol_id()
        });
    }
}

/// What the protocol allows stays allowed.
#[test]
#[ignore = "lab"]
fn the_allowed_is_accepted() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut b = Bench::new(&compositor);
    // Neither buffer nor points.
    b.commit();
    b.client.roundtrip().unwrap();
    // The object goes and comes again; points set on the first one are forgotten.
    b.acquire(1);
    b.sync().destroy();
    b.commit();
    let window = &mut b.window;
    window.explicit(&b.client).unwrap();
    b.client.roundtrip().unwrap();
    // Acquire and release on one timeline, in order; the timeline object may go before the release.
    b.timeline.point(5).signal().unwrap();
    b.attach();
    b.acquire(5);
    b.release(6);
    b.commit();
    b.timeline.proxy.destroy();
    b.client.roundtrip().unwrap();
    // Without the object, a surface needs no points.
    b.sync().destroy();
    let (shm, _) = b.client.buffer(Source::Shm, 64, 64).unwrap();
    b.window.surface.attach(Some(&shm.wl), 0, 0);
    b.window.damage();
    b.commit();
    b.client.roundtrip().unwrap();
    let released = syncline_tests::client::actor::reached(
        &b.timeline.point(6),
        fence::Until::Signalled,
        std::time::Duration::from_secs(3),
    );
    assert!(released.unwrap(), "the replaced buffer's release point did not signal");
    assert!(b.device.caps().timeline);
    compositor.stop().unwrap();
}
