//! The ladder by table, at random, and on the scripted kernel with queued errnos.

use std::os::fd::AsFd;
use std::sync::Arc;

use proptest::prelude::*;
use rustix::event::{EventfdFlags, eventfd};

use super::*;
use crate::scripted::{Call, Scripted, Stock, ids};
use crate::{Event, FramebufferId, Output, PlaneId, PlaneState, Rect, SrcRect};

const XR24: u32 = dmabuf_import::Fourcc::Xrgb8888 as u32;
const TILED: Layout = Layout { format: XR24, modifier: 0x0100_0000_0000_0002 };
const TILED_LINES: MemoryLayout = MemoryLayout { layout: TILED, pitches: [4096, 0, 0, 0] };

fn error(errno: Errno) -> CommitError {
    let (output, detail, request) = ("Virtual-1".to_owned(), "refused".to_owned(), String::new());
    CommitError { output, step: Step::Commit, errno, detail, request }
}

/// A frame with everything that can be taken away.
fn rich() -> AttemptedFeatures {
    AttemptedFeatures {
        asynchronous: true,
        primary: Some(TILED_LINES),
        fences: InFences::Signalled,
        overlays: true,
        cursor: true,
        client: Some(TILED),
        target: None,
        modeset: false,
        in_flight: false,
        others_in_flight: false,
    }
}

/// The frame after a remedy, as the compositor makes it.
fn after(had: AttemptedFeatures, remedy: Remedy) -> AttemptedFeatures {
    match remedy {
        Remedy::Synchronous => AttemptedFeatures { asynchronous: false, ..had },
        Remedy::WithoutFences => AttemptedFeatures { fences: InFences::None, ..had },
        Remedy::WithoutOverlays => AttemptedFeatures { overlays: false, ..had },
        Remedy::WithoutCursor => AttemptedFeatures { cursor: false, ..had },
        Remedy::OtherModifier(_) if had.client.is_some() => {
            AttemptedFeatures { client: None, fences: InFences::None, ..had }
        }
        Remedy::OtherModifier(_) => AttemptedFeatures { target: None, ..had },
        Remedy::Composed => {
            AttemptedFeatures { overlays: false, client: None, fences: InFences::None, asynchronous: false, ..had }
        }
        Remedy::Modeset => AttemptedFeatures { modeset: true, asynchronous: false, ..had },
        _ => had,
    }
}

/// All remedies of a frame to which the kernel always answers `errno`.
fn all(errno: Errno, mut had: AttemptedFeatures) -> Vec<Remedy> {
    let (mut ladder, mut learnt, mut remedies) = (Ladder::default(), LearnedLimits::default(), Vec::new());
    loop {
        let remedy = ladder.refused(&error(errno), &had, &mut learnt);
        remedies.push(remedy);
        if !remedy.retries() {
            return remedies;
        }
        had = after(had, remedy);
    }
}

#[test]
fn each_errno_has_its_way() {
    use Remedy::{
        AfterFlip, AfterOthers, Again, Composed, GiveUp, Gone, Modeset, NextVblank, OtherModifier, Pause, Synchronous,
        WithoutCursor, WithoutFences, WithoutOverlays,
    };
    let pending = AttemptedFeatures { fences: InFences::Pending, ..rich() };
    let drawn = AttemptedFeatures { target: Some(TILED), ..AttemptedFeatures::default() };
    let busy = AttemptedFeatures { in_flight: true, ..rich() };
    let beside = AttemptedFeatures { others_in_flight: true, ..rich() };
    let both = AttemptedFeatures { others_in_flight: true, ..busy };
    let pointer = AttemptedFeatures { cursor: true, ..AttemptedFeatures::default() };
    let table: &[(Errno, AttemptedFeatures, &[Remedy])] = &[
        (
            Errno::INVAL,
            rich(),
            &[Synchronous, WithoutFences, WithoutOverlays, WithoutCursor, OtherModifier(TILED), Modeset, GiveUp],
        ),
        // What is not rendered yet is not shown without its fence.
        (Errno::INVAL, pending, &[Synchronous, WithoutOverlays, WithoutCursor, OtherModifier(TILED), Modeset, GiveUp]),
        // Nothing but the pointer: the image's own layout is not suspected before that.
        (Errno::INVAL, pointer, &[WithoutCursor, Modeset, GiveUp]),
        (Errno::NOSPC, pointer, &[WithoutCursor, Modeset, GiveUp]),
        (
            Errno::INVAL,
            AttemptedFeatures { cursor: true, ..drawn },
            &[WithoutCursor, OtherModifier(TILED), Modeset, GiveUp],
        ),
        (Errno::INVAL, drawn, &[OtherModifier(TILED), Modeset, GiveUp]),
        (Errno::INVAL, AttemptedFeatures { modeset: true, ..AttemptedFeatures::default() }, &[GiveUp]),
        (Errno::OPNOTSUPP, AttemptedFeatures::default(), &[Modeset, GiveUp]),
        // No bandwidth: fences and modifiers cost none.
        (Errno::NOSPC, rich(), &[WithoutOverlays, WithoutCursor, Composed, Modeset, GiveUp]),
        (Errno::RANGE, rich(), &[WithoutOverlays, WithoutCursor, Composed, Modeset, GiveUp]),
        (Errno::PERM, rich(), &[WithoutFences, WithoutOverlays, WithoutCursor, Composed, Modeset, GiveUp]),
        (Errno::PERM, pending, &[WithoutOverlays, WithoutCursor, Composed, Modeset, GiveUp]),
        (Errno::ACCESS, rich(), &[Pause]),
        (Errno::NODEV, rich(), &[Gone]),
        (Errno::NXIO, rich(), &[Gone]),
        (Errno::BUSY, busy, &[AfterFlip]),
        (Errno::BUSY, beside, &[AfterOthers]),
        (Errno::BUSY, both, &[AfterFlip]),
        (Errno::BUSY, rich(), &[NextVblank]),
        (Errno::NOMEM, rich(), &[NextVblank]),
        (Errno::INTR, rich(), &[Again, Again, Again, NextVblank]),
    ];
    for (errno, had, remedies) in table {
        assert_eq!(&all(*errno, *had), remedies, "{errno} for {had:?}");
    }
}

#[test]
fn what_stays_busy_or_short_of_memory_gets_more_than_time() {
    for (errno, last) in [(Errno::BUSY, Remedy::Modeset), (Errno::NOMEM, Remedy::WithoutOverlays)] {
        let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
        for _ in 0..Ladder::MOMENTS {
            ladder.begin();
            assert_eq!(ladder.refused(&error(errno), &rich(), &mut learnt), Remedy::NextVblank);
        }
        ladder.begin();
        assert_eq!(ladder.refused(&error(errno), &rich(), &mut learnt), last);
        ladder.accepted(&mut learnt);
        assert_eq!(ladder.refused(&error(errno), &rich(), &mut learnt), Remedy::NextVblank, "forgiven");
    }
}

#[test]
fn however_often_another_display_is_in_the_way_no_mode_is_set() {
    let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
    let beside = AttemptedFeatures { others_in_flight: true, ..rich() };
    for _ in 0..100 {
        ladder.begin();
        assert_eq!(ladder.refused(&error(Errno::BUSY), &beside, &mut learnt), Remedy::AfterOthers);
    }
    assert_eq!(ladder.refused(&error(Errno::BUSY), &rich(), &mut learnt), Remedy::NextVblank, "none of it counted");
}

#[test]
fn the_cursor_plane_is_given_up_only_where_that_was_the_cure() {
    let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
    let pointer = AttemptedFeatures { cursor: true, ..AttemptedFeatures::default() };
    assert_eq!(ladder.refused(&error(Errno::INVAL), &pointer, &mut learnt), Remedy::WithoutCursor);
    assert!(ladder.may_use_cursor(), "not proven yet");
    assert_eq!(ladder.refused(&error(Errno::INVAL), &AttemptedFeatures::default(), &mut learnt), Remedy::Modeset);
    ladder.accepted(&mut learnt);
    assert!(ladder.may_use_cursor(), "it was the modeset");
    for again in [Ladder::try_cursor_again, Ladder::reset] {
        ladder.begin();
        assert_eq!(ladder.refused(&error(Errno::INVAL), &pointer, &mut learnt), Remedy::WithoutCursor);
        ladder.accepted(&mut learnt);
        assert!(!ladder.may_use_cursor(), "it was the pointer");
        ladder.begin();
        ladder.accepted(&mut learnt);
        assert!(!ladder.may_use_cursor(), "and is so in the next frames");
        again(&mut ladder);
        assert!(ladder.may_use_cursor());
    }
}

#[test]
fn a_display_that_refuses_a_modeset_is_not_asked_again_until_a_reset() {
    let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
    let plain = AttemptedFeatures::default();
    assert_eq!(ladder.refused(&error(Errno::INVAL), &plain, &mut learnt), Remedy::Modeset);
    for _ in 0..3 {
        ladder.begin();
        assert_eq!(ladder.refused(&error(Errno::INVAL), &plain, &mut learnt), Remedy::GiveUp);
    }
    ladder.reset();
    assert_eq!(ladder.refused(&error(Errno::INVAL), &plain, &mut learnt), Remedy::Modeset);
}

#[test]
fn what_a_device_never_takes_is_learnt_and_a_guess_is_forgotten() {
    for (errno, kept) in [(Errno::PERM, true), (Errno::INVAL, false)] {
        let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
        let had = AttemptedFeatures { asynchronous: false, ..rich() };
        assert_eq!(ladder.refused(&error(errno), &had, &mut learnt), Remedy::WithoutFences);
        assert!(learnt.in_fences(), "not proven yet");
        ladder.accepted(&mut learnt);
        assert!(!learnt.in_fences(), "it was the fences");
        learnt.forget_inferred();
        assert_eq!(!learnt.in_fences(), kept, "{errno}");
    }
    let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
    ladder.refused(&error(Errno::PERM), &AttemptedFeatures { fences: InFences::Pending, ..rich() }, &mut learnt);
    assert!(!learnt.in_fences(), "the next frame waits for its fences");
    assert!(!LearnedLimits::new(false).in_fences() && LearnedLimits::new(true).in_fences());
}

/// Frames that may all tear, the next of which the kernel refuses as tearing flips if `refuses`:
/// how many were refused, and how many tore.
fn tear(ladder: &mut Ladder, frames: u32, layout: MemoryLayout, mut refuses: impl FnMut(u32) -> bool) -> (u32, u32) {
    let (mut learnt, mut refused, mut torn) = (LearnedLimits::default(), 0, 0);
    for frame in 0..frames {
        ladder.begin();
        match (ladder.may_tear(Some(layout)), refuses(frame)) {
            (true, true) => {
                let had = AttemptedFeatures { primary: Some(layout), ..rich() };
                assert_eq!(ladder.refused(&error(Errno::INVAL), &had, &mut learnt), Remedy::Synchronous);
                refused += 1;
            }
            (true, false) => torn += 1,
            _ => {}
        }
        ladder.accepted(&mut learnt);
    }
    (refused, torn)
}

#[test]
fn a_layout_that_never_tears_is_asked_for_ever_more_rarely() {
    let mut ladder = Ladder::default();
    assert_eq!(tear(&mut ladder, 8192, TILED_LINES, |_| true), (14, 0), "two minutes at 60 Hz");
    assert_eq!(tear(&mut ladder, 8192 * 4, TILED_LINES, |_| true), (4, 0), "and then every two minutes");
    ladder.reset();
    assert!(ladder.may_tear(Some(TILED_LINES)));
}

#[test]
fn a_flip_that_is_refused_once_costs_one_frame() {
    let mut ladder = Ladder::default();
    assert_eq!(tear(&mut ladder, 100, TILED_LINES, |frame| frame == 7), (1, 99), "memory of another kind");
}

#[test]
fn other_layouts_tear_while_one_rests() {
    let mut ladder = Ladder::default();
    tear(&mut ladder, 20, TILED_LINES, |_| true);
    assert!(!ladder.may_tear(Some(TILED_LINES)));
    let linear = Layout { format: XR24, modifier: 0 };
    for other in [
        MemoryLayout { layout: linear, ..TILED_LINES },
        MemoryLayout { pitches: [8192, 0, 0, 0], ..TILED_LINES },
        MemoryLayout { pitches: [4096, 4096, 0, 0], ..TILED_LINES },
    ] {
        assert!(ladder.may_tear(Some(other)), "{other:?}");
    }
    assert!(ladder.may_tear(None));
}

#[test]
fn a_modeset_lets_tearing_be_asked_for_again() {
    let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
    tear(&mut ladder, 20, TILED_LINES, |_| true);
    assert!(!ladder.may_tear(Some(TILED_LINES)));
    ladder.begin();
    let plain = AttemptedFeatures { primary: Some(TILED_LINES), ..AttemptedFeatures::default() };
    assert_eq!(ladder.refused(&error(Errno::INVAL), &plain, &mut learnt), Remedy::Modeset);
    ladder.accepted(&mut learnt);
    assert!(ladder.may_tear(Some(TILED_LINES)));
}

#[test]
fn a_remedy_says_what_it_takes_away() {
    assert_eq!(Remedy::OtherModifier(TILED).to_string(), "without XR24 with modifier 0x0100000000000002");
    assert_eq!(Layout { format: 1, modifier: 0 }.to_string(), "0x00000001 with modifier 0x0000000000000000");
    assert_eq!(Remedy::WithoutFences.to_string(), "without in-fences");
    assert_eq!(Remedy::OtherModifier(TILED).name(), "other-modifier");
}

#[test]
fn every_remedy_has_its_words_and_its_name() {
    let table = [
        (Remedy::Again, "again", "again, as it is", true),
        (Remedy::AfterFlip, "after-flip", "again after the flip", false),
        (Remedy::AfterOthers, "after-others", "again after the flips of the card's other displays", false),
        (Remedy::NextVblank, "next-vblank", "again at the next vblank", false),
        (Remedy::Synchronous, "synchronous", "without tearing", true),
        (Remedy::WithoutOverlays, "without-overlays", "without overlay planes", true),
        (Remedy::WithoutCursor, "without-cursor", "without the cursor plane", true),
        (Remedy::Composed, "composed", "with everything composited", true),
        (Remedy::Modeset, "modeset", "with a modeset", true),
        (Remedy::GiveUp, "give-up", "giving up: the display keeps its last picture until something changes", false),
    ];
    for (remedy, name, words, retries) in table {
        assert_eq!((remedy.name(), remedy.to_string().as_str(), remedy.retries()), (name, words, retries));
    }
    assert!(!Remedy::Pause.retries() && !Remedy::Gone.retries());
    let padded = Layout { format: u32::from_le_bytes(*b"R8  "), modifier: 0 };
    assert_eq!(padded.to_string(), "R8 with modifier 0x0000000000000000");
    assert_eq!(watch::OverdueAction::Hold.to_string(), "holding the output until the fence signals");
    assert_eq!(watch::OverdueAction::Modeset.to_string(), "setting the mode again");
}

#[test]
fn a_frame_that_stays_as_it_was_goes_down_rung_by_rung_all_the_same() {
    use Remedy::{
        Composed, GiveUp, Modeset, OtherModifier, Synchronous, WithoutCursor, WithoutFences, WithoutOverlays,
    };
    let tiled = OtherModifier(TILED);
    let less = [WithoutFences, WithoutOverlays, WithoutCursor];
    let invalid = [&[Synchronous][..], &less, &[tiled; 4], &[Composed, Modeset, GiveUp, GiveUp]].concat();
    let refused = [&less[..], &[Composed, Modeset, GiveUp, GiveUp]].concat();
    for (errno, remedies) in [(Errno::INVAL, &invalid[..]), (Errno::PERM, &refused)] {
        let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
        for remedy in remedies {
            assert_eq!(ladder.refused(&error(errno), &rich(), &mut learnt), *remedy, "{errno}");
        }
    }
}

#[test]
fn a_mode_that_is_not_set_is_set_first() {
    for (errno, remedy) in [(Errno::INVAL, Remedy::Modeset), (Errno::PERM, Remedy::WithoutFences)] {
        let error = CommitError { step: Step::State, ..error(errno) };
        let remedies = Ladder::default().refused(&error, &rich(), &mut LearnedLimits::default());
        assert_eq!(remedies, remedy, "{errno}");
    }
}

/// A real output on the scripted kernel, and the loop that the compositor runs for a frame.
struct Bench {
    kernel: Arc<Scripted>,
    output: Output,
    ladder: Ladder,
    learnt: LearnedLimits,
    number: u64,
}

impl Bench {
    fn lit() -> Self {
        let kernel = Scripted::new().unwrap();
        let stock = Stock::default();
        let output = Output::new(&kernel.device(), &stock.inventory(), ids::CONNECTOR, &Stock::mode()).unwrap();
        let mut bench = Self { kernel, output, ladder: Ladder::default(), learnt: LearnedLimits::default(), number: 0 };
        let modeset = AttemptedFeatures { modeset: true, ..AttemptedFeatures::default() };
        bench.put(&modeset).unwrap();
        bench.flip();
        bench.kernel.take_log();
        bench
    }

    /// One commit of a frame that has `had`.
    fn put(&mut self, had: &AttemptedFeatures) -> Result<(), CommitError> {
        let fence = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        self.number += 1;
        let mut frame = if had.modeset { self.output.modeset() } else { self.output.frame() };
        let full =
            |fb| PlaneState::new(FramebufferId::from_raw(fb), SrcRect::full(1024, 768), Rect::new(0, 0, 1024, 768));
        let in_fence = (had.fences != InFences::None).then(|| fence.as_fd());
        frame.set(0, PlaneState { in_fence, ..full(if had.client.is_some() { 7 } else { 8 }) });
        if had.overlays {
            frame.set(1, full(9));
        } else {
            frame.clear(1);
        }
        frame.commit(self.number).map(drop)
    }

    /// A frame with all its remedies, to its end.
    fn frame(&mut self, mut had: AttemptedFeatures) -> (Vec<Remedy>, bool) {
        let mut remedies = Vec::new();
        self.ladder.begin();
        loop {
            had.in_flight = self.output.in_flight().is_some();
            let Err(error) = self.put(&had) else {
                self.ladder.accepted(&mut self.learnt);
                return (remedies, true);
            };
            let remedy = self.ladder.refused(&error, &had, &mut self.learnt);
            remedies.push(remedy);
            if !remedy.retries() {
                return (remedies, false);
            }
            had = after(had, remedy);
        }
    }

    fn fail(&self, errnos: &[Errno]) {
        errnos.iter().for_each(|errno| self.kernel.fail(Call::Commit, *errno));
    }

    fn flip(&mut self) {
        assert!(self.kernel.flip(ids::CRTC, 5_000_000, 7));
        let (output, device) = (&mut self.output, self.kernel.device());
        device
            .read_events(|event| {
                if let Event::Flip(flip) = event {
                    output.flipped(&flip);
                }
            })
            .unwrap();
    }

    fn shows(&self, plane: PlaneId) -> u64 {
        self.kernel.value(plane, ids::FB_ID).unwrap_or(0)
    }
}

fn steady() -> AttemptedFeatures {
    AttemptedFeatures { asynchronous: false, cursor: false, ..rich() }
}

#[test]
fn nvidia_before_560_refuses_in_fences_once() {
    let mut bench = Bench::lit();
    bench.fail(&[Errno::PERM]);
    assert_eq!(bench.frame(steady()), (vec![Remedy::WithoutFences], true));
    assert_eq!((bench.shows(ids::PLANE), bench.shows(ids::plane(1))), (7, 9), "everything else stays on its planes");
    assert!(!bench.learnt.in_fences());
    let log = bench.kernel.take_log();
    let fence = |at: usize| log[at].value(ids::PLANE, ids::IN_FENCE_FD);
    assert!(fence(0).is_some() && fence(1).is_none());
}

#[test]
fn no_bandwidth_costs_the_overlays_only() {
    let mut bench = Bench::lit();
    bench.fail(&[Errno::NOSPC]);
    assert_eq!(bench.frame(steady()), (vec![Remedy::WithoutOverlays], true));
    assert_eq!((bench.shows(ids::PLANE), bench.shows(ids::plane(1))), (7, 0));
    assert!(bench.learnt.in_fences());
}

#[test]
fn a_refused_modifier_is_named_and_the_mode_is_set_last() {
    let mut bench = Bench::lit();
    bench.fail(&[Errno::INVAL; 3]);
    let remedies = vec![Remedy::WithoutFences, Remedy::WithoutOverlays, Remedy::OtherModifier(TILED)];
    assert_eq!(bench.frame(steady()), (remedies, true));
    assert_eq!((bench.shows(ids::PLANE), bench.shows(ids::plane(1))), (8, 0), "composited");
    bench.flip();
    bench.kernel.take_log();
    bench.fail(&[Errno::INVAL]);
    assert_eq!(bench.frame(AttemptedFeatures::default()), (vec![Remedy::Modeset], true));
    assert!(bench.kernel.take_log().last().unwrap().is_modeset());
}

#[test]
fn a_frame_behind_a_commit_waits_for_its_flip() {
    let mut bench = Bench::lit();
    assert_eq!(bench.frame(steady()), (vec![], true));
    assert_eq!(bench.frame(steady()), (vec![Remedy::AfterFlip], false));
    bench.flip();
    assert_eq!(bench.frame(steady()), (vec![], true));
}

#[test]
fn interrupted_short_of_memory_masterless_unplugged() {
    let mut bench = Bench::lit();
    let before = bench.kernel.values();
    bench.fail(&[Errno::NOMEM]);
    assert_eq!(bench.frame(steady()), (vec![Remedy::NextVblank], false));
    bench.fail(&[Errno::ACCESS]);
    assert_eq!(bench.frame(steady()), (vec![Remedy::Pause], false));
    bench.fail(&[Errno::NODEV]);
    assert_eq!(bench.frame(steady()), (vec![Remedy::Gone], false));
    assert_eq!(bench.kernel.values(), before, "nothing of a refused frame is left");
    bench.fail(&[Errno::INTR]);
    assert_eq!(bench.frame(steady()), (vec![Remedy::Again], true));
    assert_eq!((bench.shows(ids::PLANE), bench.shows(ids::plane(1))), (7, 9));
}

#[test]
fn a_flip_that_never_comes_is_followed_by_a_modeset() {
    let mut bench = Bench::lit();
    assert_eq!(bench.frame(steady()), (vec![], true));
    let mut watch = watch::FlipWatch::new(0);
    let late = watch.due();
    assert_eq!(watch.look(late, || false), Some(watch::OverdueAction::Modeset));
    // The scripted kernel loses the flip: the commit ends, but no event is read.
    assert!(bench.kernel.flip(ids::CRTC, 1, 1));
    bench.output.reset();
    assert_eq!(
        bench.frame(AttemptedFeatures::default()),
        (vec![Remedy::Modeset], true),
        "the kernel's state is unknown"
    );
}

fn errno() -> impl Strategy<Value = Errno> {
    prop::sample::select(vec![
        Errno::INVAL,
        Errno::NOSPC,
        Errno::PERM,
        Errno::RANGE,
        Errno::NOENT,
        Errno::BUSY,
        Errno::NOMEM,
        Errno::INTR,
        Errno::ACCESS,
        Errno::NODEV,
        Errno::IO,
    ])
}

prop_compose! {
    fn had()(
        asynchronous: bool,
        fences in prop::sample::select(vec![InFences::None, InFences::Signalled, InFences::Pending]),
        overlays: bool,
        cursor: bool,
        client: bool,
        target: bool,
    ) -> AttemptedFeatures {
        let (client, target) = (client.then_some(TILED), target.then_some(TILED));
        let primary = client.or(target).map(|layout| MemoryLayout { layout, ..TILED_LINES });
        let (modeset, in_flight, others_in_flight) = (false, false, false);
        AttemptedFeatures {
            asynchronous,
            primary,
            fences,
            overlays,
            cursor,
            client,
            target,
            modeset,
            in_flight,
            others_in_flight,
        }
    }
}

proptest! {
    /// Whatever the kernel answers: it ends, it never climbs back, and it takes away only what is
    /// there.
    #[test]
    fn it_ends_and_never_climbs_back(frames in prop::collection::vec((had(), prop::collection::vec(errno(), 20)), 1..8)) {
        let (mut ladder, mut learnt) = (Ladder::default(), LearnedLimits::default());
        for (mut had, errnos) in frames {
            ladder.begin();
            let (mut rung, mut calls) = (0, 0);
            for errno in errnos {
                let remedy = ladder.refused(&error(errno), &had, &mut learnt);
                calls += 1;
                let there = match remedy {
                    Remedy::Synchronous => had.asynchronous,
                    Remedy::WithoutFences => had.fences == InFences::Signalled,
                    Remedy::WithoutOverlays => had.overlays,
                    Remedy::WithoutCursor => had.cursor,
                    Remedy::OtherModifier(layout) => had.client.or(had.target) == Some(layout),
                    Remedy::Composed => had.overlays || had.client.is_some(),
                    Remedy::Modeset => !had.modeset,
                    _ => true,
                };
                prop_assert!(there, "{:?} for {:?}", remedy, had);
                if let Some(next) = remedy.rung() {
                    prop_assert!(next > rung || (next == 5 && rung == 5), "{} after {}", next, rung);
                    rung = next;
                }
                if !remedy.retries() {
                    break;
                }
                had = after(had, remedy);
            }
            prop_assert!(calls <= Ladder::CALLS, "{} calls", calls);
        }
    }

    /// A kernel that dislikes one thing: exactly that thing, and nothing costlier, is given up for
    /// it.
    #[test]
    fn no_worse_than_necessary(first in had(), culprit in 0u8..6) {
        let dislikes = |had: &AttemptedFeatures| match culprit {
            0 => had.asynchronous,
            1 => had.fences != InFences::None,
            2 => had.overlays,
            3 => had.cursor,
            4 => had.client.is_some(),
            _ => !had.modeset,
        };
        prop_assume!(dislikes(&first) && !(culprit == 1 && first.fences == InFences::Pending));
        let (mut ladder, mut learnt, mut had, mut last) = (Ladder::default(), LearnedLimits::default(), first, None);
        while dislikes(&had) {
            let remedy = ladder.refused(&error(Errno::INVAL), &had, &mut learnt);
            prop_assert!(remedy.retries(), "{} for {:?}", remedy, had);
            had = after(had, remedy);
            last = remedy.rung();
        }
        prop_assert_eq!(last, Some([1, 2, 3, 4, 5, 7][usize::from(culprit)]));
    }
}
