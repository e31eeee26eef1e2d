//! The steady frame path allocates nothing: commit with fences, event, CRC, prediction.

mod counting;
mod lab;

use std::os::fd::AsFd;

use counting::allocations;
use fence::SwTimeline;
use kms::crc::CrcReader;
use kms::crc::vkms::{Composer, ModelPlane};
use kms::{CrtcState, PlaneOptions, PlaneState, Rect, Rotation, SrcRect};
use lab::{Screen, now};

#[test]
#[ignore = "lab"]
fn a_frame_allocates_nothing() {
    let mut screen = Screen::new();
    let (w, h) = screen.output.size();
    let pictures = [screen.painted(|x, _| x), screen.painted(|_, y| y)];
    let pointer = screen.device.dumb(64, 64, dmabuf_import::Fourcc::Argb8888).expect("cursor");
    let cursor = screen.output.cursor().expect("cursor plane");
    let timeline = SwTimeline::open().expect("sw_sync");
    let mut stream =
        CrcReader::open(&screen.device, screen.output.crtc_index()).and_then(|reader| reader.arm("auto")).expect("CRC");
    let mut composer = Composer::default();
    composer.crc(w, h, &[]);
    let mut clock = kms::vblank::Clock::new(screen.output.mode().period_ns(), screen.output.mode().blanking_ns());
    let mut total = 0;
    for at in 0..20u32 {
        let fence = timeline.fence(at + 1, "frame").expect("fence");
        let picture = &pictures[at as usize % 2];
        let state = screen.full(picture.id());
        let moving = PlaneState::new(pointer.id(), SrcRect::full(64, 64), Rect::new(at as i32, 7, 64, 64));
        // Half of the frames change properties, too.
        let background = [at as u16 / 2; 3];
        let turn = [Rotation::ROTATE_0, Rotation::ROTATE_180][at as usize / 2 % 2];
        let options = PlaneOptions { rotation: turn, ..PlaneOptions::default() };
        let moving = PlaneState { options, ..moving };
        let serial = screen.serial();
        let mut out_fence = None;
        total += allocations(|| {
            let mut frame = screen.output.frame();
            frame.set(0, state.with_fence(fence.as_fd()));
            frame.set(cursor, moving);
            frame.crtc(CrtcState { background, ..CrtcState::default() });
            frame.test().expect("test");
            out_fence = frame.commit(serial).expect("commit").out_fence;
        });
        timeline.inc(1).expect("inc");
        total += allocations(|| {
            let flip = screen.wait_flip().expect("flip");
            clock.flip(now(), flip.time, flip.sequence);
            let _ = stream.read_entry().expect("entry");
            let model =
                ModelPlane::new(picture.bytes(), picture.stride(), picture.format() as u32, state.src, state.dst);
            composer.crc(w, h, &[model.expect("modelled")]);
            drop(out_fence.take());
        });
    }
    assert_eq!(total, 0, "allocations in 20 frames");
    // The control: the counter counts.
    assert!(allocations(|| drop(std::hint::black_box(vec![1, 2, 3]))) > 0);
}
