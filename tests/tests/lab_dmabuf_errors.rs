//! Every error that linux-dmabuf-v1 names: the code, the object, the request in the message; and
//! what fails without one.

use std::os::fd::OwnedFd;

use drm_fourcc::DrmFourcc;
use syncline_tests::client::actor::Actor;
use syncline_tests::client::buffer::{Source, allocate};
use syncline_tests::client::dmabuf::{Params, Plane};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::error::Error;
use wayland_client::Proxy;
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::Error as ParamsError, zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

const XR24: u32 = DrmFourcc::Xrgb8888 as u32;
const NV12: u32 = DrmFourcc::Nv12 as u32;
/// Of nobody: no device here has offered it.
const FOREIGN: u64 = 0x0100_0000_0000_0004;
/// A page more than 64 lines of 64 pixels.
const SIZE: usize = 20480;
const PLANE: Plane = Plane { index: 0, offset: 0, stride: 256, modifier: 0 };

/// A client with all that is needed to break a rule.
struct Bench {
    client: Client,
    manager: ZwpLinuxDmabufV1,
    fd: OwnedFd,
}

impl Bench {
    fn new(compositor: &Compositor, version: u32) -> Bench {
        let mut client = compositor.client().unwrap();
        let manager = client.dmabuf_manager(version).unwrap();
        assert_eq!(manager.version(), version);
        Bench { client, manager, fd: allocate(Source::Auto, SIZE).unwrap() }
    }

    fn params(&mut self, planes: &[Plane]) -> Params {
        let params = Params::new(&mut self.client, &self.manager);
        planes.iter().for_each(|plane| params.add(&self.fd, *plane));
        params
    }
}

/// A running compositor, with somebody who notices nothing of what others do.
struct Stage {
    compositor: Compositor,
    bystander: Actor,
    shown: u64,
}

impl Stage {
    fn new() -> Stage {
        let compositor = Compositor::start(&[]).unwrap();
        let bystander = Actor::new(&compositor, "bystander", Some((200, 150))).unwrap();
        Stage { compositor, bystander, shown: 0 }
    }

    fn bystander_goes_on(&mut self) {
        self.shown += 1;
        self.bystander.show(self.shown).unwrap();
    }

    fn offend(&mut self, code: ParamsError, request: &str, version: u32, offend: impl FnOnce(&mut Bench) -> Params) {
        let mut bench = Bench::new(&self.compositor, version);
        let params = offend(&mut bench);
        let Error::Protocol { interface, object, code: got, message } = bench.client.expect_protocol_error().unwrap()
        else {
            unreachable!("expect_protocol_error returns nothing else")
        };
        let expected = (code as u32, "zwp_linux_buffer_params_v1", params.object.id().protocol_id());
        assert_eq!((got, interface.as_str(), object), expected, "{message}");
        assert!(message.starts_with(&format!("{request}: ")), "{message}");
        drop(bench);
        self.bystander_goes_on();
    }

    /// `create` answers `failed`, and the client lives.
    fn fails(&mut self, version: u32, flags: u32, describe: impl FnOnce(&mut Bench) -> Params) {
        let mut bench = Bench::new(&self.compositor, version);
        let params = describe(&mut bench);
        params.create(64, 64, XR24, flags);
        let token = params.token;
        bench.client.wait_for("an answer", PATIENCE, |s| s.params.contains_key(&token)).unwrap();
        assert!(bench.client.state.params[&token].is_none(), "it must fail");
        bench.client.roundtrip().unwrap();
    }

    fn end(mut self) {
        self.bystander_goes_on();
        assert!(self.compositor.alive(), "{}", self.compositor.log());
        self.compositor.stop().unwrap();
    }
}

/// The error comes from `create` and from `create_immed`.
fn refuses(code: ParamsError, planes: &[Plane], (width, height, format): (i32, i32, u32)) {
    refuses_version(6, code, planes, (width, height, format));
}

fn refuses_version(version: u32, code: ParamsError, planes: &[Plane], (width, height, format): (i32, i32, u32)) {
    let mut stage = Stage::new();
    stage.offend(code, "create", version, |b| {
        let params = b.params(planes);
        params.create(width, height, format, 0);
        params
    });
    stage.offend(code, "create_immed", version, |b| {
        let params = b.params(planes);
        params.create_immed(&mut b.client, width, height, format, 0);
        params
    });
    stage.end();
}

#[test]
#[ignore = "lab"]
fn already_used() {
    let mut stage = Stage::new();
    let created = |b: &mut Bench| {
        let params = b.params(&[PLANE]);
        params.create_immed(&mut b.client, 64, 64, XR24, 0);
        params
    };
    stage.offend(ParamsError::AlreadyUsed, "add", 6, |b| {
        let params = created(b);
        params.add(&b.fd, Plane { index: 1, ..PLANE });
        params
    });
    stage.offend(ParamsError::AlreadyUsed, "create", 6, |b| {
        let params = created(b);
        params.create(64, 64, XR24, 0);
        params
    });
    stage.offend(ParamsError::AlreadyUsed, "create_immed", 6, |b| {
        let params = created(b);
        params.create_immed(&mut b.client, 64, 64, XR24, 0);
        params
    });
    stage.offend(ParamsError::AlreadyUsed, "set_sampling_device", 6, |b| {
        let params = created(b);
        params.object.set_sampling_device(vec![0; 8]);
        params
    });
    stage.end();
}

#[test]
#[ignore = "lab"]
fn plane_idx() {
    let mut stage = Stage::new();
    for index in [4, u32::MAX] {
        stage.offend(ParamsError::PlaneIdx, "add", 6, |b| b.params(&[Plane { index, ..PLANE }]));
    }
    stage.end();
}

#[test]
#[ignore = "lab"]
fn plane_set() {
    let mut stage = Stage::new();
    stage.offend(ParamsError::PlaneSet, "add", 6, |b| b.params(&[PLANE, PLANE]));
    stage.end();
}

#[test]
#[ignore = "lab"]
fn incomplete_without_planes() {
    refuses(ParamsError::Incomplete, &[], (64, 64, XR24));
}

#[test]
#[ignore = "lab"]
fn incomplete_with_a_hole() {
    refuses(ParamsError::Incomplete, &[PLANE, Plane { index: 2, ..PLANE }], (64, 64, XR24));
}

#[test]
#[ignore = "lab"]
fn incomplete_without_the_first_plane() {
    refuses(ParamsError::Incomplete, &[Plane { index: 1, ..PLANE }], (64, 64, XR24));
}

#[test]
#[ignore = "lab"]
fn incomplete_with_too_many_planes() {
    refuses(ParamsError::Incomplete, &[PLANE, Plane { index: 1, ..PLANE }], (64, 64, XR24));
}

#[test]
#[ignore = "lab"]
fn invalid_format_that_nobody_knows() {
    refuses(ParamsError::InvalidFormat, &[PLANE], (64, 64, 0x1234_5678));
}

#[test]
#[ignore = "lab"]
fn invalid_format_with_a_modifier_that_was_not_offered() {
    refuses(ParamsError::InvalidFormat, &[Plane { modifier: FOREIGN, ..PLANE }], (64, 64, XR24));
}

#[test]
#[ignore = "lab"]
fn invalid_format_with_two_modifiers() {
    let other = Plane { index: 1, modifier: FOREIGN, ..PLANE };
    refuses_version(5, ParamsError::InvalidFormat, &[PLANE, other], (64, 64, NV12));
}

#[test]
#[ignore = "lab"]
fn invalid_dimensions() {
    for (width, height) in [(0, 64), (64, 0), (-1, 64), (64, i32::MIN)] {
        refuses(ParamsError::InvalidDimensions, &[PLANE], (width, height, XR24));
    }
}

#[test]
#[ignore = "lab"]
fn out_of_bounds_by_offset() {
    for offset in [SIZE as u32 - 256 * 64 + 1, SIZE as u32, u32::MAX] {
        refuses(ParamsError::OutOfBounds, &[Plane { offset, ..PLANE }], (64, 64, XR24));
    }
}

#[test]
#[ignore = "lab"]
fn out_of_bounds_by_stride() {
    for stride in [0, 255, 1024, u32::MAX] {
        refuses(ParamsError::OutOfBounds, &[Plane { stride, ..PLANE }], (64, 64, XR24));
    }
}

#[test]
#[ignore = "lab"]
fn out_of_bounds_by_height() {
    for height in [82, i32::MAX] {
        refuses(ParamsError::OutOfBounds, &[PLANE], (64, height, XR24));
    }
}

#[test]
#[ignore = "lab"]
fn invalid_dev_t_size() {
    let mut stage = Stage::new();
    for size in [0, 4, 9] {
        stage.offend(ParamsError::InvalidDevTSize, "set_sampling_device", 6, |b| {
            let params = b.params(&[PLANE]);
            params.object.set_sampling_device(vec![0; size]);
            params
        });
    }
    stage.end();
}

/// What is no dma-buf, and flags that nobody shows, are no violations that the protocol names.
#[test]
#[ignore = "lab"]
fn invalid_wl_buffer_or_failed() {
    let mut stage = Stage::new();
    let memfd = |b: &mut Bench| {
        b.fd = rustix::fs::memfd_create("no dma-buf", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::fs::ftruncate(&b.fd, SIZE as u64).unwrap();
        b.params(&[PLANE])
    };
    stage.offend(ParamsError::InvalidWlBuffer, "create_immed", 6, |b| {
        let params = memfd(b);
        params.create_immed(&mut b.client, 64, 64, XR24, 0);
        params
    });
    stage.fails(6, 0, memfd);
    for flags in [2, 3, 4, 8] {
        stage.offend(ParamsError::InvalidWlBuffer, "create_immed", 6, |b| {
            let params = b.params(&[PLANE]);
            params.create_immed(&mut b.client, 64, 64, XR24, flags);
            params
        });
        stage.fails(6, flags, |b| b.params(&[PLANE]));
    }
    stage.end();
}

/// Older clients could not know.
#[test]
#[ignore = "lab"]
fn older_versions_fail_where_there_was_no_error_yet() {
    let mut stage = Stage::new();
    stage.fails(3, 0, |b| b.params(&[Plane { modifier: FOREIGN, ..PLANE }]));
    stage.fails(4, 0, |b| b.params(&[PLANE, Plane { index: 1, modifier: FOREIGN, ..PLANE }]));
    stage.end();
}

/// Everything that is right, at the edge: the last byte used, planes in any order, a device to
/// sample on, parameters dropped unused.
#[test]
#[ignore = "lab"]
fn what_is_right_passes() {
    let mut stage = Stage::new();
    for version in [2, 3, 4, 5, 6] {
        let mut bench = Bench::new(&stage.compositor, version);
        let last = SIZE as u32 - 256 * 64;
        let params = bench.params(&[Plane { offset: last, ..PLANE }]);
        if version >= 6 {
            params.object.set_sampling_device(0u64.to_ne_bytes().to_vec());
        }
        params.create(64, 64, XR24, 0);
        let token = params.token;
        bench.client.wait_for("an answer", PATIENCE, |s| s.params.contains_key(&token)).unwrap();
        let buffer = bench.client.state.params[&token].clone().expect("created");
        let unused = bench.params(&[PLANE, Plane { index: 3, ..PLANE }]);
        unused.object.destroy();
        let params = bench.params(&[PLANE]);
        let second = params.create_immed(&mut bench.client, 64, 80, XR24, 0);
        params.object.destroy();
        bench.client.roundtrip().unwrap();
        second.destroy();
        buffer.destroy();
        bench.client.roundtrip().unwrap();
    }
    stage.bystander_goes_on();
    stage.end();
}
