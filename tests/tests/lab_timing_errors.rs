//! Every error that fifo-v1, commit-timing-v1, tearing-control-v1 and content-type-v1 name, and
//! what their hints do.

use syncline_tests::client::actor::Actor;
use syncline_tests::client::timing::{Managers, Timing};
use syncline_tests::compositor::Compositor;
use syncline_tests::error::Error;
use syncline_tests::user;
use wayland_client::Proxy;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::wp::commit_timing::v1::client::{
    wp_commit_timer_v1::Error as TimerError, wp_commit_timing_manager_v1::Error as TimingError,
};
use wayland_protocols::wp::content_type::v1::client::{
    wp_content_type_manager_v1::Error as ContentError, wp_content_type_v1::Type,
};
use wayland_protocols::wp::fifo::v1::client::{
    wp_fifo_manager_v1::Error as ManagerError, wp_fifo_v1::Error as FifoError,
};
use wayland_protocols::wp::tearing_control::v1::client::{
    wp_tearing_control_manager_v1::Error as TearingError, wp_tearing_control_v1::PresentationHint,
};

struct Bench {
    actor: Actor,
    managers: Managers,
    timing: Timing,
    surface: WlSurface,
}

/// `offend` returns the id of the object that the error must name; others go on.
fn expect(code: u32, interface: &str, word: &str, offend: impl FnOnce(&mut Bench) -> u32) {
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut bystander = Actor::new(&compositor, "bystander", Some((200, 150))).unwrap();
    bystander.show(1).unwrap();
    let mut actor = Actor::new(&compositor, "offender", Some((200, 150))).unwrap();
    let managers = actor.client.timing().unwrap();
    // A surface of its own, so that it can be destroyed without breaking another protocol's rules.
    let surface = actor.client.state.bound.compositor().unwrap().create_surface(&actor.client.qh(), ());
    let timing = managers.of(&actor.client, &surface);
    actor.client.roundtrip().unwrap();
    let mut bench = Bench { actor, managers, timing, surface };
    let object = offend(&mut bench);
    let Error::Protocol { interface: on, object: id, code: got, message } =
        bench.actor.client.expect_protocol_error().unwrap()
    else {
        unreachable!("expect_protocol_error returns nothing else")
    };
    assert_eq!((got, on.as_str(), id), (code, interface, object), "{message}");
    assert!(message.contains(word), "the message does not name {word}: {message}");
    drop(bench);
    bystander.show(2).unwrap();
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn fifo_already_exists() {
    expect(ManagerError::AlreadyExists as u32, "wp_fifo_manager_v1", "get_fifo", |b| {
        b.managers.fifo.get_fifo(&b.surface, &b.actor.client.qh(), ());
        b.managers.fifo.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn fifo_set_barrier_without_its_surface() {
    expect(FifoError::SurfaceDestroyed as u32, "wp_fifo_v1", "set_barrier", |b| {
        b.surface.destroy();
        b.timing.fifo.set_barrier();
        b.timing.fifo.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn fifo_wait_barrier_without_its_surface() {
    expect(FifoError::SurfaceDestroyed as u32, "wp_fifo_v1", "wait_barrier", |b| {
        b.surface.destroy();
        b.timing.fifo.wait_barrier();
        b.timing.fifo.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn commit_timer_exists() {
    expect(TimingError::CommitTimerExists as u32, "wp_commit_timing_manager_v1", "get_timer", |b| {
        b.managers.timing.get_timer(&b.surface, &b.actor.client.qh(), ());
        b.managers.timing.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn invalid_timestamp() {
    expect(TimerError::InvalidTimestamp as u32, "wp_commit_timer_v1", "1000000000", |b| {
        b.timing.timer.set_timestamp(0, 1, 1_000_000_000);
        b.timing.timer.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn timestamp_exists() {
    expect(TimerError::TimestampExists as u32, "wp_commit_timer_v1", "set_timestamp", |b| {
        b.timing.timer.set_timestamp(0, 1, 0);
        b.timing.timer.set_timestamp(0, 2, 0);
        b.timing.timer.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn set_timestamp_without_its_surface() {
    expect(TimerError::SurfaceDestroyed as u32, "wp_commit_timer_v1", "set_timestamp", |b| {
        b.surface.destroy();
        b.timing.timer.set_timestamp(0, 1, 0);
        b.timing.timer.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn tearing_control_exists() {
    expect(TearingError::TearingControlExists as u32, "wp_tearing_control_manager_v1", "get_tearing_control", |b| {
        b.managers.tearing.get_tearing_control(&b.surface, &b.actor.client.qh(), ());
        b.managers.tearing.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn content_type_already_constructed() {
    expect(ContentError::AlreadyConstructed as u32, "wp_content_type_manager_v1", "already", |b| {
        b.managers.content.get_surface_content_type(&b.surface, &b.actor.client.qh(), ());
        b.managers.content.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn objects_can_be_made_again() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "again", None).unwrap();
    let managers = actor.client.timing().unwrap();
    let surface = actor.window.as_ref().unwrap().surface.clone();
    for _ in 0..2 {
        let timing = managers.of(&actor.client, &surface);
        timing.in_turn();
        timing.not_before(1);
        timing.tearing.set_presentation_hint(PresentationHint::Async);
        timing.content.set_content_type(Type::Game);
        timing.fifo.destroy();
        timing.timer.destroy();
        timing.tearing.destroy();
        timing.content.destroy();
        actor.show(1).unwrap();
    }
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_wish_to_tear_is_judged() {
    let folder = user::folder().unwrap();
    let allowed = folder.path().join("config.toml").to_string_lossy().into_owned();
    std::fs::write(&allowed, "tearing = true\n").unwrap();
    let table: [(&[&str], PresentationHint, Type, &str); 4] = [
        (&[], PresentationHint::Vsync, Type::None, "not asked"),
        (&[], PresentationHint::Async, Type::None, "forbidden by the configuration"),
        (&["--config", &allowed], PresentationHint::Async, Type::Video, "video"),
        // vkms has no async flips.
        (&["--config", &allowed], PresentationHint::Async, Type::Game, "not supported by the device"),
    ];
    for (args, hint, content, verdict) in table {
        let compositor = Compositor::start(args).unwrap();
        let mut actor = Actor::new(&compositor, "tearing", None).unwrap();
        let managers = actor.client.timing().unwrap();
        let timing = managers.of(&actor.client, &actor.window.as_ref().unwrap().surface);
        timing.tearing.set_presentation_hint(hint);
        timing.content.set_content_type(content);
        let (_, presented) = actor.show(1).unwrap();
        assert_eq!(compositor.status().unwrap()["outputs"][0]["tearing"], verdict);
        assert_eq!(presented.flags & 1, 1, "shown at the vblank all the same");
        compositor.stop().unwrap();
    }
}
