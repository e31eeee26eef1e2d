//! Every error that zwp_linux_explicit_synchronization_v1 names: the code, the object, the request
//! in the message; a second client that notices nothing; and no descriptor that stays behind.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::time::Duration;

use fence::{SwTimeline, SyncFile};
use syncline_tests::client::Client;
use syncline_tests::client::actor::Actor;
use syncline_tests::client::buffer::{Buffer, Source};
use syncline_tests::client::window::{Toplevel, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::error::Error;
use syncline_tests::time::poll_until;
use wayland_client::Proxy;
use wayland_protocols::wp::linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_manager_v1::Error as SyncobjError;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::client::{
    zwp_linux_explicit_synchronization_v1::Error as GlobalError,
    zwp_linux_surface_synchronization_v1::{Error as SurfaceError, ZwpLinuxSurfaceSynchronizationV1},
};

/// A client with all that is needed to break a rule.
struct Bench {
    client: Client,
    window: Toplevel,
    timeline: SwTimeline,
    fence: SyncFile,
    buffer: Buffer,
}

impl Bench {
    fn new(compositor: &Compositor) -> Bench {
        let mut client = compositor.client().unwrap();
        let window = client.toplevel(&Wish { app_id: "offender", fullscreen: false }).unwrap();
        let timeline = SwTimeline::open().unwrap();
        let fence = timeline.fence(1, "offender").unwrap();
        let (buffer, _) = client.buffer(Source::Auto, 64, 64).unwrap();
        Bench { client, window, timeline, fence, buffer }
    }

    fn fences(&self) -> &ZwpLinuxSurfaceSynchronizationV1 {
        self.window.fences.as_ref().unwrap()
    }

    fn attach(&self) {
        self.window.surface.attach(Some(&self.buffer.wl), 0, 0);
        self.window.damage();
    }

    fn acquire(&mut self) {
        self.fences().set_acquire_fence(self.fence.as_fd());
    }

    fn release(&mut self) {
        let token = self.client.state.token();
        self.fences().get_release(&self.client.qh(), token);
    }

    fn commit(&self) {
        self.window.surface.commit();
    }
}

/// The sync_files that the compositor holds, by their descriptors.
fn sync_files(compositor: &Compositor) -> BTreeSet<u32> {
    compositor.process().fds_of("anon_inode:sync_file").unwrap()
}

/// The sync_files that the compositor holds without clients: one that has signalled, for planes that
/// wait for nothing, for as long as there is a display. It is the same one all the time.
fn own_sync_files(compositor: &Compositor) -> BTreeSet<u32> {
    let mut own = BTreeSet::new();
    poll_until(Duration::from_secs(3), || {
        own = sync_files(compositor);
        own.len() == 1
    });
    assert_eq!(own.len(), 1, "{own:?}");
    own
}

/// Runs `offend`, which returns the id of the object that the error must name; checks the error,
/// the bystander and the compositor's descriptors.
fn expect(code: u32, interface: &str, words: &[&str], offend: impl FnOnce(&mut Bench) -> u32) {
    let mut compositor = Compositor::start(&[]).unwrap();
    let own = own_sync_files(&compositor);
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
    let mut held = BTreeSet::new();
    poll_until(Duration::from_secs(3), || {
        held = sync_files(&compositor);
        held == own
    });
    assert_eq!(held, own, "sync_files are still open");
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}

const GLOBAL: &str = "zwp_linux_explicit_synchronization_v1";
const SURFACE: &str = "zwp_linux_surface_synchronization_v1";

/// As [`expect`], on a surface that has its synchronisation object; the error must name that.
fn expect_on_surface(code: SurfaceError, words: &[&str], offend: impl FnOnce(&mut Bench)) {
    expect(code as u32, SURFACE, words, |b| {
        b.window.fenced(&b.client).unwrap();
        b.client.roundtrip().unwrap();
        offend(b);
        b.fences().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn synchronization_exists() {
    expect(GlobalError::SynchronizationExists as u32, GLOBAL, &["get_synchronization"], |b| {
        b.window.fenced(&b.client).unwrap();
        b.window.fenced(&b.client).unwrap();
        b.client.state.bound.explicit_sync().unwrap().id().protocol_id()
    });
}

/// A surface has one object for explicit synchronisation, of either protocol.
#[test]
#[ignore = "lab"]
fn synchronization_exists_by_the_other_protocol() {
    let words = ["get_synchronization", "wp_linux_drm_syncobj_surface_v1"];
    expect(GlobalError::SynchronizationExists as u32, GLOBAL, &words, |b| {
        b.window.explicit(&b.client).unwrap();
        b.window.fenced(&b.client).unwrap();
        b.client.state.bound.explicit_sync().unwrap().id().protocol_id()
    });
}

/// And in the other order.
#[test]
#[ignore = "lab"]
fn surface_exists_by_the_other_protocol() {
    let words = ["get_surface", "zwp_linux_surface_synchronization_v1"];
    expect(SyncobjError::SurfaceExists as u32, "wp_linux_drm_syncobj_manager_v1", &words, |b| {
        b.window.fenced(&b.client).unwrap();
        b.window.explicit(&b.client).unwrap();
        b.client.state.bound.syncobj().unwrap().id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn invalid_fence() {
    expect_on_surface(SurfaceError::InvalidFence, &["set_acquire_fence", "not a sync_file"], |b| {
        // Open until the request is flushed, which is with the next one.
        let no_fence = Box::leak(Box::new(std::fs::File::open("/dev/null").unwrap()));
        b.fences().set_acquire_fence(no_fence.as_fd());
    });
}

#[test]
#[ignore = "lab"]
fn duplicate_fence() {
    expect_on_surface(SurfaceError::DuplicateFence, &["set_acquire_fence"], |b| {
        b.acquire();
        b.acquire();
    });
}

#[test]
#[ignore = "lab"]
fn duplicate_release() {
    expect_on_surface(SurfaceError::DuplicateRelease, &["get_release"], |b| {
        b.release();
        b.release();
    });
}

/// A release outlives the object that it was asked of, so it counts for the next one.
#[test]
#[ignore = "lab"]
fn duplicate_release_of_two_objects() {
    expect_on_surface(SurfaceError::DuplicateRelease, &["get_release"], |b| {
        b.release();
        b.fences().destroy();
        b.window.fenced(&b.client).unwrap();
        b.release();
    });
}

fn no_surface(word: &str, ask: fn(&mut Bench)) {
    expect_on_surface(SurfaceError::NoSurface, &[word], |b| {
        b.window.toplevel.destroy();
        b.window.xdg.destroy();
        b.window.surface.destroy();
        ask(b);
    });
}

#[test]
#[ignore = "lab"]
fn no_surface_for_an_acquire_fence() {
    no_surface("set_acquire_fence", Bench::acquire);
}

#[test]
#[ignore = "lab"]
fn no_surface_for_a_release() {
    no_surface("get_release", Bench::release);
}

#[test]
#[ignore = "lab"]
fn unsupported_buffer() {
    expect_on_surface(SurfaceError::UnsupportedBuffer, &["set_acquire_fence"], |b| {
        let (shm, _) = b.client.buffer(Source::Shm, 64, 64).unwrap();
        b.window.surface.attach(Some(&shm.wl), 0, 0);
        b.acquire();
        b.commit();
    });
}

fn no_buffer(word: &str, ask: fn(&mut Bench)) {
    expect_on_surface(SurfaceError::NoBuffer, &[word], |b| {
        ask(b);
        b.commit();
    });
}

#[test]
#[ignore = "lab"]
fn no_buffer_for_an_acquire_fence() {
    no_buffer("set_acquire_fence", Bench::acquire);
}

#[test]
#[ignore = "lab"]
fn no_buffer_for_a_release() {
    no_buffer("get_release", Bench::release);
}

#[test]
#[ignore = "lab"]
fn no_buffer_with_a_null_attach() {
    expect_on_surface(SurfaceError::NoBuffer, &["set_acquire_fence"], |b| {
        b.window.surface.attach(None, 0, 0);
        b.acquire();
        b.commit();
    });
}

/// What the protocol allows stays allowed.
#[test]
#[ignore = "lab"]
fn the_allowed_is_accepted() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut b = Bench::new(&compositor);
    b.window.fenced(&b.client).unwrap();
    // Neither buffer nor fence; the global goes, the object stays.
    b.commit();
    b.client.state.bound.explicit_sync().unwrap().destroy();
    b.client.roundtrip().unwrap();
    // Once in each commit, not once in a life.
    for point in 1..4 {
        b.attach();
        b.acquire();
        b.release();
        b.commit();
        b.timeline.inc(1).unwrap();
        b.fence = b.timeline.fence(point + 1, "next").unwrap();
        b.client.roundtrip().unwrap();
    }
    // Either of the two alone, or none; a release also for memory that cannot be fenced.
    b.attach();
    b.acquire();
    b.commit();
    b.attach();
    b.release();
    b.commit();
    b.attach();
    b.commit();
    let (shm, _) = b.client.buffer(Source::Shm, 64, 64).unwrap();
    b.window.surface.attach(Some(&shm.wl), 0, 0);
    b.window.damage();
    b.release();
    b.commit();
    b.client.roundtrip().unwrap();
    // Without the object, the surface may have one of the other protocol.
    b.fences().destroy();
    b.window.explicit(&b.client).unwrap();
    b.client.roundtrip().unwrap();
    compositor.stop().unwrap();
}
