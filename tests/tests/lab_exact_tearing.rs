//! Tearing on a kernel: a client that wants to tear is flipped at once where the driver takes it,
//! and what the driver does not take is shown with the next vblank. In virtual time.
//!
//! The lab's vkms has the limits of i915 (the address may change, and nothing else of the memory)
//! and those of amdgpu (nor may it be memory of another kind).

use std::os::fd::{AsFd, OwnedFd};

use drm_fourcc::DrmFourcc;
use syncline_tests::card::Card;
use syncline_tests::client::buffer::{Buffer, Source, allocate};
use syncline_tests::client::timing::{Managers, Timing};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, Feedback, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::time::{MS, Ns, now, sleep_until};
use syncline_tests::user;
use syncline_tests::vkms::{Builder, Output, Vkms};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::Flags;
use wayland_protocols::wp::tearing_control::v1::client::wp_tearing_control_v1::PresentationHint;

const SIZE: (u32, u32) = (1024, 768);
/// From line to line where they are packed.
const LINES: u32 = SIZE.0 * 4;
/// From vblank to vblank.
const FRAME: Ns = 16_665_600;
/// `wp_presentation_feedback.kind`.
const VSYNC: u32 = 1;
const HW_CLOCK: u32 = 2;

/// A fullscreen client that wants to tear.
struct Game {
    client: Client,
    window: Toplevel,
    _timing: (Managers, Timing),
    /// A vblank.
    vblank: Ns,
    compositor: Compositor,
    _vkms: Vkms,
}

impl Game {
    fn new(vkms: Builder) -> Self {
        let vkms = vkms.output(Output::default()).build().unwrap();
        let dir = user::folder().unwrap();
        let config = dir.path().join("config.toml");
        std::fs::write(&config, "tearing = true\n").unwrap();
        let compositor =
            Compositor::start_on(vkms.card(), &["--config", config.to_str().unwrap()]).unwrap().keeping(dir);
        let mut client = compositor.client().unwrap();
        let window = client.toplevel(&Wish { app_id: "game", fullscreen: true }).unwrap();
        let managers = client.timing().unwrap();
        let timing = managers.of(&client, &window.surface);
        let mut it = Self { client, window, _timing: (managers, timing), vblank: 0, compositor, _vkms: vkms };
        let still =
            it.buffers(|| allocate(Source::Heap, (LINES * SIZE.1) as usize).unwrap(), LINES, DrmFourcc::Xrgb8888);
        // Without the hint at first: these show when the vblanks are.
        for buffer in still.iter().chain(&still) {
            it.vblank = it.show(buffer).0 - it.compositor.stamp_after_begin();
        }
        it._timing.1.tearing.set_presentation_hint(PresentationHint::Async);
        it
    }

    /// Two buffers on memory of this kind, with so many bytes from line to line.
    fn buffers(&mut self, memory: impl Fn() -> OwnedFd, lines: u32, format: DrmFourcc) -> Vec<Buffer> {
        let mut buffer = || {
            let token = self.client.state.token();
            let params = self.client.state.bound.dmabuf().unwrap().create_params(&self.client.qh(), token);
            params.add(memory().as_fd(), 0, 0, lines, 0, 0);
            let (width, height) = (SIZE.0 as i32, SIZE.1 as i32);
            let wl = params.create_immed(width, height, format as u32, Flags::empty(), &self.client.qh(), token);
            params.destroy();
            Buffer { wl, token }
        };
        vec![buffer(), buffer()]
    }

    /// When a buffer was shown, and the flags of that.
    fn show(&mut self, buffer: &Buffer) -> (Ns, u32) {
        let commit = Commit { buffer: Some(buffer), feedback: true, ..Commit::default() };
        let token = self.window.commit(&mut self.client, &commit).unwrap().feedback.unwrap();
        self.client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
        match self.client.state.feedback[&token] {
            Feedback::Presented(shown) => (shown.time_ns, shown.flags),
            Feedback::Discarded => panic!("a frame was lost: {}", self.compositor.log()),
        }
    }

    /// Commits so many frames, each in the middle of a refresh: whether they tear. Those that do
    /// are shown at once, but for the first one after others: its latch was planned for the vblank.
    /// Others are shown with the next vblank.
    fn tears(&mut self, buffers: &[Buffer], frames: usize) -> Vec<bool> {
        let mut found: Vec<bool> = Vec::new();
        for buffer in buffers.iter().cycle().take(frames) {
            let last = self.vblank + (now() - self.vblank) / FRAME * FRAME;
            sleep_until(last + FRAME + 5 * MS);
            let committed = now();
            let (shown, flags) = self.show(buffer);
            let tears = flags & VSYNC == 0;
            if tears {
                assert_eq!(flags & HW_CLOCK, 0, "no clock of the hardware has timed it");
                let soon = if found.last() == Some(&true) { MS / 2 } else { FRAME - 5 * MS };
                assert!(shown - committed < soon, "{} ns later", shown - committed);
            } else {
                let due = last + 2 * FRAME + self.compositor.stamp_after_begin();
                assert!(shown.abs_diff(due) < MS / 10, "{} ns off the vblank", shown.abs_diff(due));
            }
            found.push(tears);
        }
        found
    }

    /// How often the driver has refused something.
    fn refused(&self) -> usize {
        self.compositor.log().matches("; next: ").count()
    }
}

fn heap(lines: u32) -> OwnedFd {
    allocate(Source::Heap, (lines * SIZE.1) as usize).unwrap()
}

#[test]
#[ignore = "lab"]
fn a_new_layout_waits_for_the_vblank_and_the_rest_tears() {
    let mut game = Game::new(Vkms::builder("tears").asynchronous_flips());
    let usual = game.buffers(|| heap(LINES), LINES, DrmFourcc::Xrgb8888);
    // The verdict is that of the frame before.
    game.tears(&usual, 3);
    assert_eq!(game.tears(&usual, 6), [true; 6], "{}", game.compositor.log());
    assert_eq!(game.compositor.status().unwrap()["outputs"][0]["tearing"], "allowed");
    for (lines, format) in [
        (LINES + 256, DrmFourcc::Xrgb8888),
        (LINES, DrmFourcc::Xrgb8888),
        (LINES, DrmFourcc::Xbgr8888),
        (LINES / 2, DrmFourcc::Rgb565),
    ] {
        let buffers = game.buffers(|| heap(lines), lines, format);
        assert_eq!(game.tears(&buffers, 4), [false, true, true, true], "{format} {lines}: {}", game.compositor.log());
    }
    assert_eq!(game.refused(), 0, "{}", game.compositor.log());
    game.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn memory_of_another_kind_costs_one_refusal_each_time() {
    let mut game = Game::new(Vkms::builder("kinds").asynchronous_flips_of_one_kind());
    let own = Card::open(game._vkms.card()).unwrap();
    let kinds = [
        game.buffers(|| heap(LINES), LINES, DrmFourcc::Xrgb8888),
        game.buffers(|| own.dumb(SIZE).unwrap().0, LINES, DrmFourcc::Xrgb8888),
    ];
    game.tears(&kinds[0], 3);
    assert_eq!(game.tears(&kinds[0], 3), [true; 3], "{}", game.compositor.log());
    let before = game.refused();
    for switch in 1..=4 {
        let found = game.tears(&kinds[switch % 2], 20);
        assert_eq!((found[0], found.last()), (false, Some(&true)), "{switch}: {found:?}");
        assert_eq!(game.refused() - before, switch, "{}", game.compositor.log());
    }
    game.compositor.stop().unwrap();
}
