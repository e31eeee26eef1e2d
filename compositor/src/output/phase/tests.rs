//! Every transition in every phase, and those that must not happen.

use super::*;
use crate::{
    output::in_flight::FrameCallbacks,
    schedule::{FrameKind, Timing},
};

const LATCH: Latch = Latch { at: 10, vblank: 20, why: LatchReason::Changed };
const LATER: Latch = Latch { at: 100, vblank: 120, why: LatchReason::Due };

fn frame(number: u64) -> InFlight {
    let timing = Timing { planned: 0, started: 0, committed: 0, kind: FrameKind::Planes, in_phase: true };
    InFlight {
        frame: number,
        vblank: 20,
        out_fence: None,
        direct: false,
        fenced: false,
        timing,
        render_fence: None,
        callbacks: FrameCallbacks::default(),
        check: None,
    }
}

/// The ways into every phase, by the phase's name.
fn all() -> Vec<Machine> {
    let idle = || {
        let mut machine = Machine::lit(0);
        machine.flipped();
        machine
    };
    let with = |mut machine: Machine, change: fn(&mut Machine)| {
        change(&mut machine);
        machine
    };
    let framed = || {
        with(idle(), |machine| {
            machine.planned(Some(LATCH));
            assert!(machine.committed(frame(7), 10).is_none());
        })
    };
    let turning_off = || {
        with(idle(), |machine| {
            machine.want_off(OffReason::Asked);
            machine.turned_off(0);
        })
    };
    let off = || with(turning_off(), |machine| drop(machine.flipped()));
    vec![
        idle(),
        with(idle(), |machine| machine.planned(Some(LATCH))),
        with(off(), |machine| {
            machine.want_on();
            machine.planned(Some(LATCH));
        }),
        framed(),
        with(framed(), |machine| drop(machine.hold())),
        Machine::lit(0),
        with(framed(), Machine::reset),
        turning_off(),
        off(),
    ]
}

const NAMES: [&str; 9] =
    ["idle", "scheduled", "scheduled, dark", "frame", "held", "modeset", "lost", "turning off", "off"];

/// The phase after `change` in each phase of [`NAMES`]; "never": it is a bug.
#[track_caller]
fn table(change: impl Fn(&mut Machine), expected: [&str; 9]) {
    let told = all().into_iter().map(|mut machine| {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| change(&mut machine)));
        if done.is_ok() { machine.name() } else { "never" }
    });
    let told: Vec<_> = NAMES.into_iter().zip(told).collect();
    assert_eq!(told, NAMES.into_iter().zip(expected).collect::<Vec<_>>());
}

#[test]
fn there_is_a_way_into_every_phase() {
    assert_eq!(all().iter().map(Machine::name).collect::<Vec<_>>(), NAMES);
}

#[test]
fn a_latch_is_planned() {
    let planned = |machine: &mut Machine| {
        machine.want_on();
        machine.planned(Some(LATER));
    };
    let (lit, dark, never) = ("scheduled", "scheduled, dark", "never");
    table(planned, [lit, lit, dark, never, never, never, never, never, dark]);
    let mut off = Machine::lit(0);
    off.flipped();
    off.want_off(OffReason::Idle);
    assert!(!off.can_plan(0), "it is to be off");
}

#[test]
fn a_latch_for_a_change_is_not_moved_and_one_for_later_is() {
    let mut machine = Machine::lit(0);
    assert!(!machine.can_plan(0));
    machine.flipped();
    assert!(machine.can_plan(0));
    machine.planned(Some(LATER));
    assert!(machine.can_plan(99) && !machine.can_plan(100), "it is due");
    machine.planned(Some(LATCH));
    assert!(!machine.can_plan(0));
    assert_eq!(machine.latch(), Some(LATCH));
    machine.planned(None);
    assert_eq!((machine.name(), machine.latch()), ("idle", None));
}

#[test]
fn what_is_planned_is_given_up() {
    let expected = ["idle", "idle", "off", "frame", "held", "modeset", "lost", "turning off", "off"];
    table(Machine::rest, expected);
    table(|machine| machine.refused(5), expected);
    let mut machine = Machine::lit(0);
    machine.flipped();
    machine.planned(Some(LATCH));
    machine.refused(5);
    assert_eq!(machine.not_before(), 5);
}

#[test]
fn a_frame_is_committed() {
    let never = "never";
    let commit = |machine: &mut Machine| assert!(machine.committed(frame(8), 10).is_none());
    table(commit, [never, "frame", "frame", never, never, never, never, never, never]);
}

#[test]
fn a_commit_that_nobody_knows_is_in_flight() {
    let never = "never";
    table(|machine| machine.busy(0), ["lost", "lost", "lost", never, never, never, never, never, "lost"]);
}

#[test]
fn a_flip_comes() {
    let expected = ["idle", "scheduled", "scheduled, dark", "idle", "idle", "idle", "idle", "off", "off"];
    table(|machine| drop(machine.flipped()), expected);
    let landed = all().into_iter().map(|mut machine| match machine.flipped() {
        None => "nothing",
        Some(Flipped::Frame(frame)) if frame.frame == 7 => "the frame",
        Some(Flipped::Frame(_)) => "another frame",
        Some(Flipped::Held) => "held",
        Some(Flipped::Modeset) => "modeset",
        Some(Flipped::Off) => "off",
    });
    let expected = ["nothing", "nothing", "nothing", "the frame", "held", "modeset", "the frame", "off", "nothing"];
    assert_eq!(landed.collect::<Vec<_>>(), expected);
}

#[test]
fn a_flip_is_late() {
    let late = FlipWatch::LIMIT + 10;
    let verdicts =
        |stalled| all().into_iter().map(move |mut machine| machine.check_overdue(late, stalled)).collect::<Vec<_>>();
    let (hold, modeset) = (Some(OverdueAction::Hold), Some(OverdueAction::Modeset));
    assert_eq!(verdicts(true), [None, None, None, hold, None, modeset, modeset, modeset, None]);
    assert_eq!(verdicts(false), [None, None, None, modeset, None, modeset, modeset, modeset, None]);
    let due: Vec<_> = all().iter().map(|machine| machine.watch_due().is_some()).collect();
    assert_eq!(due, [false, false, false, true, false, true, true, true, false]);
    // The modeset that follows has as long.
    let mut machine = Machine::lit(0);
    machine.check_overdue(late, false);
    machine.reset();
    assert_eq!(machine.watch_due(), Some(late + FlipWatch::LIMIT));
}

#[test]
fn a_frame_is_held() {
    let never = "never";
    let hold = |machine: &mut Machine| assert!(machine.hold().is_some_and(|frame| frame.frame == 7));
    table(hold, [never, never, never, "held", never, never, never, never, never]);
}

#[test]
fn nothing_is_known() {
    let (idle, lost) = ("idle", "lost");
    table(Machine::reset, [idle, idle, idle, lost, "held", lost, lost, lost, idle]);
}

#[test]
fn the_mode_is_set_again() {
    let relight = |machine: &mut Machine| {
        machine.reset();
        machine.relit(0);
    };
    table(relight, ["modeset"; 9]);
    let frames = all().into_iter().map(|mut machine| {
        machine.reset();
        machine.relit(0).map(|frame| frame.frame)
    });
    assert_eq!(
        frames.collect::<Vec<_>>(),
        [None, None, None, Some(7), None, None, Some(7), None, None],
        "clients of what was in flight get answers"
    );
    let never = "never";
    table(
        |machine| drop(machine.relit(0)),
        ["modeset", never, never, never, "modeset", never, "modeset", never, never],
    );
}

#[test]
fn the_display_is_to_be_off() {
    let want = |machine: &mut Machine| assert!(machine.want_off(OffReason::Idle) || machine.off().is_some());
    let expected = ["idle", "scheduled", "off", "frame", "held", "modeset", "lost", "turning off", "off"];
    table(want, expected);
    let can = all().into_iter().map(|mut machine| {
        machine.want_off(OffReason::Idle);
        machine.can_turn_off()
    });
    assert_eq!(can.collect::<Vec<_>>(), [true, true, false, false, false, false, false, false, false]);
}

#[test]
fn the_display_is_turned_off() {
    let (off, never) = ("turning off", "never");
    let turn_off = |machine: &mut Machine| {
        machine.want_off(OffReason::Idle);
        machine.turned_off(0);
    };
    table(turn_off, [off, off, never, never, never, never, never, never, never]);
    table(|machine| machine.turned_off(0), [never; 9]);
}

#[test]
fn a_display_that_is_to_be_on_again_before_it_is_off_is_turned_on_by_the_next_frame() {
    let mut machine = Machine::lit(0);
    machine.flipped();
    machine.want_off(OffReason::Asked);
    assert!(!machine.want_off(OffReason::Idle) && machine.off() == Some(OffReason::Asked));
    machine.turned_off(0);
    assert!(machine.want_on() && !machine.want_on());
    assert!(machine.is_dark() && machine.is_in_flight() && !machine.can_plan(0));
    machine.flipped();
    assert!(machine.can_plan(0));
    machine.planned(Some(LATCH));
    assert!(machine.is_dark());
    assert!(machine.committed(frame(1), 10).is_none());
    assert!(!machine.is_dark());
}

#[test]
fn an_output_that_goes_hands_its_frame_back() {
    let frames = all().into_iter().map(|machine| machine.end().is_some());
    assert_eq!(frames.collect::<Vec<_>>(), [false, false, false, true, false, false, true, false, false]);
}
