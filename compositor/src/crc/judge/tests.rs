//! Frames at a vblank period of 1000 ns, and the verdicts that their entries lead to.

use proptest::prelude::*;

use crate::crc::judge::*;

const PERIOD: Ns = 1000;

fn shown(id: u64, sequence: u32) -> ShownFrame {
    ShownFrame { id, sequence, time: u64::from(sequence) * PERIOD }
}

fn number(sequence: u32, crc: u32) -> CrcEntry {
    CrcEntry::new(Some(sequence), &[crc])
}

/// All findings once everything is known.
fn all(judge: &mut Judge<u32>) -> Vec<Finding<u32>> {
    std::iter::from_fn(|| judge.next(Ns::MAX)).collect()
}

fn verdicts(found: &[Finding<u32>]) -> Vec<(u64, CrcVerdict)> {
    let judged = |finding: &Finding<u32>| match finding {
        Finding::Judged(judged) => Some((judged.frame, judged.verdict)),
        Finding::Changed { .. } => None,
    };
    found.iter().filter_map(judged).collect()
}

fn after(sequence: u32) -> Ns {
    u64::from(sequence) * PERIOD + 100
}

#[test]
fn each_prediction_has_its_verdict() {
    let mut judge = Judge::new(Rule::number(PERIOD));
    let predicted = [Predicted::Crc(1), Predicted::Crc(99), Predicted::Not, Predicted::Unknown];
    for (at, predicted) in (1..).zip(predicted) {
        judge.shown(shown(at.into(), at), predicted, true);
        judge.entry(number(at, at), after(at), 0);
    }
    let expected =
        [(1, CrcVerdict::Equal), (2, CrcVerdict::Different), (3, CrcVerdict::Unpredicted), (4, CrcVerdict::Read)];
    assert_eq!(verdicts(&all(&mut judge)), expected);
}

/// Hardware numbers an entry when its frame has left, and has several values.
#[test]
fn a_sum_of_the_scan_out_is_of_the_frame_that_has_left() {
    let mut judge = Judge::new(Rule::number_of_the_end(PERIOD));
    for id in 1..=3u32 {
        judge.shown(shown(id.into(), id), Predicted::Crc(id), true);
        judge.entry(CrcEntry::new(Some(id), &[id - 1, 77, 78]), after(id), 0);
    }
    judge.entry(CrcEntry::new(Some(4), &[3, 77, 78]), after(4), 0);
    assert_eq!(verdicts(&all(&mut judge)), [1, 2, 3].map(|id| (id, CrcVerdict::Equal)));
    // The screen stands still: only now does a changed value say something.
    assert!(judge.repeats(&CrcEntry::new(Some(5), &[3])));
    judge.shown(shown(4, 6), Predicted::Crc(4), true);
    assert!(!judge.repeats(&CrcEntry::new(Some(6), &[3])), "that of the frame before");
}

#[test]
fn a_frame_is_not_judged_before_its_prediction() {
    let mut judge = Judge::new(Rule::number(PERIOD));
    judge.shown(shown(1, 1), Predicted::Awaited, true);
    judge.entry(number(1, 5), after(1), 0);
    assert_eq!(all(&mut judge), []);
    judge.predicted(1, Predicted::Crc(5));
    assert_eq!(verdicts(&all(&mut judge)), [(1, CrcVerdict::Equal)]);
    judge.predicted(1, Predicted::Crc(6));
    assert_eq!(all(&mut judge), [], "once per frame");
}

#[test]
fn frames_without_an_entry() {
    let mut judge = Judge::new(Rule::number(PERIOD));
    for id in 1..=2 {
        judge.shown(shown(id, id as u32), Predicted::Crc(0), true);
    }
    judge.shown(shown(3, 3), Predicted::Crc(3), true);
    judge.entry(number(3, 3), after(3), 0);
    judge.shown(shown(4, 4), Predicted::Crc(4), true);
    judge.shown(shown(5, 5), Predicted::Crc(5), true);
    judge.entry(number(5, 5), after(5), 0);
    let expected = [
        (1, CrcVerdict::Settling),
        (2, CrcVerdict::Settling),
        (3, CrcVerdict::Equal),
        (4, CrcVerdict::Unread),
        (5, CrcVerdict::Equal),
    ];
    assert_eq!(verdicts(&all(&mut judge)), expected);
    // None comes any more.
    judge.shown(shown(6, 6), Predicted::Crc(6), true);
    judge.shown(shown(7, 15), Predicted::Crc(7), true);
    assert_eq!(verdicts(&all(&mut judge)), [(6, CrcVerdict::Unread)]);
}

#[test]
fn what_came_after_the_frame_was_replaced_proves_nothing() {
    let mut judge = Judge::new(Rule::number(PERIOD));
    judge.shown(shown(1, 1), Predicted::Crc(1), true);
    judge.shown(shown(2, 2), Predicted::Crc(2), true);
    judge.entry(number(1, 77), after(2), 0);
    judge.entry(number(2, 2), after(2), 0);
    assert_eq!(verdicts(&all(&mut judge)), [(1, CrcVerdict::Ambiguous), (2, CrcVerdict::Equal)]);
}

#[test]
fn a_change_without_a_flip_is_found_with_its_evidence() {
    let mut judge = Judge::new(Rule::number(PERIOD));
    judge.shown(shown(1, 1), Predicted::Crc(1), true);
    assert!(!judge.repeats(&number(1, 1)), "no entry before");
    judge.entry(number(1, 1), after(1), 0);
    assert!(judge.repeats(&number(2, 1)));
    judge.entry(number(2, 1), after(2), 0);
    judge.entry(number(3, 8), after(3), 42);
    judge.entry(number(4, 8), after(4), 0);
    let found = all(&mut judge);
    let change = Finding::Changed { frame: 1, before: number(2, 1), after: number(3, 8), evidence: 42 };
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1], change);
    // The control: the same values with a flip in between.
    judge.shown(shown(2, 5), Predicted::Crc(9), true);
    judge.entry(number(5, 9), after(5), 0);
    assert_eq!(verdicts(&all(&mut judge)), [(2, CrcVerdict::Equal)]);
}

#[test]
fn changes_that_prove_nothing_are_not_reported() {
    let changes = |judge: &mut Judge<u32>| all(judge).iter().any(|found| matches!(found, Finding::Changed { .. }));
    // The frame tore.
    let mut judge = Judge::new(Rule::number(PERIOD));
    judge.shown(shown(1, 1), Predicted::Not, false);
    judge.entry(number(1, 1), after(1), 0);
    judge.entry(number(2, 2), after(2), 0);
    assert!(!changes(&mut judge));
    // The frame had been replaced when the entry was read: its buffers were released.
    let mut judge = Judge::new(Rule::number(PERIOD));
    judge.shown(shown(1, 1), Predicted::Not, true);
    judge.entry(number(1, 1), after(1), 0);
    judge.shown(shown(2, 3), Predicted::Not, true);
    judge.entry(number(2, 2), after(3), 0);
    assert!(!changes(&mut judge));
    // Something unknown was shown in between.
    let mut judge = Judge::new(Rule::number(PERIOD));
    judge.shown(shown(1, 1), Predicted::Not, true);
    judge.entry(number(1, 1), after(1), 0);
    all(&mut judge);
    judge.reset();
    judge.entry(number(2, 2), after(2), 0);
    assert!(!changes(&mut judge));
}

#[test]
fn entries_without_numbers() {
    let mut judge = Judge::new(Rule::after_flip(PERIOD));
    let x = |crc| CrcEntry::new(None, &[crc]);
    judge.shown(shown(1, 1), Predicted::Crc(1), true);
    judge.entry(x(1), after(1) + 300, 0);
    judge.shown(shown(2, 2), Predicted::Crc(2), true);
    // Just before it is due: it may belong to either frame.
    judge.entry(x(2), 2 * PERIOD - 200, 0);
    assert_eq!(verdicts(&all(&mut judge)), [(1, CrcVerdict::Equal)]);
    judge.shown(shown(3, 3), Predicted::Crc(3), true);
    judge.entry(x(3), after(3) + 300, 0);
    assert_eq!(verdicts(&all(&mut judge)), [(2, CrcVerdict::Ambiguous), (3, CrcVerdict::Equal)]);
}

#[derive(Debug, Clone)]
enum Op {
    /// A flip, this many vblanks after the previous one.
    Flip(u32),
    /// An entry: vblanks after the newest flip, its value, and the delay of the read in ns.
    Entry(u32, u32, Ns),
    /// The prediction of a frame: how many frames before the newest, and the value.
    Predict(u64, u32),
    Reset,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1..4u32).prop_map(Op::Flip),
        6 => (0..3u32, 0..3u32, 0..2500u64).prop_map(|(after, crc, late)| Op::Entry(after, crc, late)),
        4 => (0..6u64, 0..3u32).prop_map(|(back, crc)| Op::Predict(back, crc)),
        1 => Just(Op::Reset),
    ]
}

proptest! {
    /// Every frame is judged at most once, `Equal` means equal values, and memory is bounded.
    #[test]
    fn invariants(ops in prop::collection::vec(op(), 1..300), numbers: bool) {
        let rule = if numbers { Rule::number(PERIOD) } else { Rule::after_scanout(PERIOD) };
        let mut judge = Judge::new(rule);
        let (mut id, mut sequence, mut now) = (0, 0, 0);
        let mut seen = std::collections::HashSet::new();
        for op in ops {
            match op {
                Op::Flip(vblanks) => {
                    (id, sequence) = (id + 1, sequence + vblanks);
                    now = now.max(u64::from(sequence) * PERIOD);
                    judge.shown(shown(id, sequence), Predicted::Awaited, true);
                }
                Op::Entry(after, crc, late) => {
                    now = now.max(u64::from(sequence + after) * PERIOD + late);
                    let frame = numbers.then_some(sequence + after);
                    judge.entry(CrcEntry::new(frame, &[crc]), now, 0);
                }
                Op::Predict(back, crc) => judge.predicted(id.saturating_sub(back), Predicted::Crc(crc)),
                Op::Reset => judge.reset(),
            }
            while let Some(found) = judge.next(now) {
                match found {
                    Finding::Judged(judged) => {
                        prop_assert!(seen.insert(judged.frame), "{judged:?} twice");
                        prop_assert!(judged.frame <= id);
                        let same = judged.read.is_some_and(|read| judged.predicted == Some(read.values()[0]));
                        prop_assert_eq!(judged.verdict == CrcVerdict::Equal, same, "{:?}", judged);
                    }
                    Finding::Changed { before, after, .. } => prop_assert_ne!(before.values(), after.values()),
                }
            }
            prop_assert!(judge.frames.len() <= Pairer::FLIPS + 1);
            prop_assert_eq!(judge.found.len(), 0);
        }
    }
}
