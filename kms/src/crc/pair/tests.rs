//! Timelines: what was shown when, what arrived when, what must be said.

use proptest::prelude::*;

use super::*;
use crate::crc::driver;
use crate::device::Driver;

/// Round numbers instead of 16.67 ms.
const PERIOD: Ns = 1000;

fn numbered(frame: u32) -> CrcEntry {
    CrcEntry::new(Some(frame), &[frame])
}

/// An entry without a number.
fn x() -> CrcEntry {
    CrcEntry::new(None, &[7])
}

/// Flips at these vblanks; the id is the vblank.
fn pairer(rule: Rule, flips: &[u32]) -> Pairer {
    let mut pairer = Pairer::new(rule);
    for &sequence in flips {
        pairer.flip(ShownFrame { id: sequence.into(), sequence, time: Ns::from(sequence) * PERIOD });
    }
    pairer
}

fn all(pairer: &mut Pairer) -> Vec<(EntryFrame, bool)> {
    std::iter::from_fn(|| pairer.next(Ns::MAX)).map(|pair| (pair.verdict, pair.replaced)).collect()
}

use EntryFrame::{Ambiguous, Before, First, Repeat};

#[test]
fn by_number() {
    let mut pairer = pairer(Rule::number(PERIOD), &[10, 11, 14, 16]);
    for frame in [9, 10, 11, 12, 13, 14, 15] {
        pairer.entry(numbered(frame), Ns::from(frame) * PERIOD + 100);
    }
    // Late: 16 is on screen already when it arrives.
    pairer.entry(numbered(15), 16_100);
    let on_time =
        [Before, First(10), First(11), Repeat(11), Repeat(11), First(14), Repeat(14)].map(|verdict| (verdict, false));
    assert_eq!(all(&mut pairer)[..7], on_time);
    assert_eq!(pairer.unread(), 0);
    pairer.entry(numbered(15), 16_200);
    assert_eq!(all(&mut pairer), [(Repeat(14), true)]);
    // 17 after 14: nothing was read of 16 but it is still on screen.
    pairer.entry(numbered(17), 17_100);
    assert_eq!(all(&mut pairer), [(First(16), false)]);
}

/// The sum of a scan-out has the number of the vblank that ends it.
#[test]
fn by_the_number_of_the_end() {
    let mut pairer = pairer(Rule::number_of_the_end(PERIOD), &[10, 11, 14]);
    for frame in [10, 11, 12, 13, 14, 15, 16] {
        pairer.entry(numbered(frame), Ns::from(frame) * PERIOD + 100);
    }
    let verdicts = [Before, First(10), First(11), Repeat(11), Repeat(11), First(14), Repeat(14)];
    // The next frame is on the screen already when the last entry of one arrives; its sum is complete.
    assert_eq!(all(&mut pairer), verdicts.map(|verdict| (verdict, false)));
    assert_eq!(pairer.unread(), 0);
    let shown = ShownFrame { id: 1, sequence: 14, time: 0 };
    let may_be = |rule: Rule, frame| rule.may_be_of(&numbered(frame), &shown);
    assert!(!may_be(Rule::number_of_the_end(PERIOD), 14) && may_be(Rule::number_of_the_end(PERIOD), 15));
    assert!(!may_be(Rule::number(PERIOD), 13) && may_be(Rule::number(PERIOD), 14));
}

#[test]
fn where_nothing_is_known_only_a_still_screen_tells() {
    let rule = Rule::of(None, "auto", PERIOD);
    let mut pairer = pairer(rule, &[1, 3]);
    // Whether these come with the flip or a frame later: the first two are of 1 or of 3.
    for arrived in [3010, 4010, 5010] {
        pairer.entry(numbered(9), arrived);
    }
    let either = Ambiguous { older: Some(1), newer: 3 };
    assert_eq!(all(&mut pairer).into_iter().map(|pair| pair.0).collect::<Vec<_>>(), [either, either, Repeat(3)]);
}

#[test]
fn each_driver_has_its_rule() {
    let rule = |name: &str, description: &str, source| {
        let driver = Driver { name: name.to_owned(), description: description.to_owned(), ..Driver::default() };
        Rule::of(driver::of(&driver), source, PERIOD)
    };
    for (name, description, source, expected) in [
        ("vkms", "Virtual Kernel Mode Setting", "auto", Rule::number(PERIOD)),
        ("vkms", "Virtual Kernel Mode Setting", "plane31", Rule::after_flip(PERIOD)),
        ("vkms", "Virtual Kernel Mode Setting (scan-out)", "auto", Rule::number_of_the_end(PERIOD)),
        ("vkms", "Virtual Kernel Mode Setting (scan-out)", "plane31", Rule::after_scanout(PERIOD)),
        ("i915", "Intel Graphics", "plane1", Rule::number_of_the_end(PERIOD)),
        ("amdgpu", "AMD GPU", "auto", Rule::number_of_the_end(PERIOD)),
        ("rcar-du", "Renesas R-Car Display Unit", "auto", Rule::after_scanout(PERIOD)),
        ("nouveau", "nVidia Riva/TNT/GeForce", "auto", Rule::after_scanout(PERIOD)),
        ("rockchip", "RockChip Soc DRM", "auto", Rule::standing_still(PERIOD)),
        ("something", "", "auto", Rule::standing_still(PERIOD)),
    ] {
        assert_eq!(rule(name, description, source), expected, "{name} {description} {source}");
    }
}

#[test]
fn numbers_wrap_around() {
    let mut pairer = Pairer::new(Rule::number(PERIOD));
    for (id, sequence) in [(1, u32::MAX - 1), (2, 1)] {
        pairer.flip(ShownFrame { id, sequence, time: id * PERIOD });
    }
    for frame in [u32::MAX - 2, u32::MAX, 0, 1] {
        pairer.entry(numbered(frame), 0);
    }
    assert_eq!(
        all(&mut pairer).into_iter().map(|pair| pair.0).collect::<Vec<_>>(),
        [Before, First(1), Repeat(1), First(2)]
    );
}

#[test]
fn frames_without_an_entry_are_counted() {
    let mut pairer = pairer(Rule::number(PERIOD), &[1, 2, 3, 4]);
    pairer.entry(numbered(1), 1100);
    pairer.entry(numbered(4), 4100);
    assert_eq!(all(&mut pairer), [(First(1), false), (First(4), false)]);
    assert_eq!(pairer.unread(), 2);
}

#[test]
fn an_entry_read_before_its_flip_waits_for_it() {
    let mut pairer = pairer(Rule::number(PERIOD), &[1]);
    pairer.entry(numbered(2), 2010);
    assert_eq!(pairer.next(2010), None);
    pairer.flip(ShownFrame { id: 2, sequence: 2, time: 2000 });
    assert_eq!(pairer.next(2260).map(|pair| pair.verdict), Some(First(2)));
}

/// Moments after the flip at 2000 and what an entry that arrives then is of.
#[test]
fn by_arrival() {
    let before = Ambiguous { older: Some(1), newer: 2 };
    for (rule, cases) in [
        // At the end of the scan-out: the frame's entry comes at 3000, the older frame's at 2000.
        (
            Rule::after_scanout(PERIOD),
            [
                (2000, First(1)),
                (2249, First(1)),
                (2251, before),
                (2749, before),
                (2750, First(2)),
                (3000, First(2)),
                (3249, First(2)),
            ],
        ),
        // Soon after the flip: the frame's entry comes from 2000 on.
        (
            Rule::after_flip(PERIOD),
            [
                (1100, First(1)),
                (1600, First(1)),
                (1700, before),
                (1990, before),
                (2001, First(2)),
                (2400, First(2)),
                (2600, First(2)),
            ],
        ),
    ] {
        for (arrived, verdict) in cases {
            let mut pairer = pairer(rule, &[1, 2, 3]);
            pairer.entry(x(), arrived);
            assert_eq!(pairer.next(Ns::MAX).map(|pair| pair.verdict), Some(verdict), "{rule:?} {arrived}");
        }
    }
    let mut pairer = pairer(Rule::after_scanout(PERIOD), &[5]);
    pairer.entry(x(), 5000);
    pairer.entry(x(), 5500);
    assert_eq!(all(&mut pairer), [(Before, false), (Ambiguous { older: None, newer: 5 }, false)]);
}

#[test]
fn arming_again_forgets() {
    let mut pairer = pairer(Rule::after_flip(PERIOD), &[1, 2]);
    pairer.entry(x(), 2100);
    pairer.reset();
    pairer.entry(x(), 2900);
    assert_eq!(all(&mut pairer), [(Before, false)]);
}

/// A display that shows a new frame at some vblanks and sums up each scan-out.
#[derive(Debug, Clone)]
struct Timeline {
    /// For each vblank: whether a new frame flips there, how late its entry is (of 1000), whether
    /// there is one.
    vblanks: Vec<(bool, Ns, bool)>,
}

fn timeline(lateness: std::ops::Range<Ns>) -> impl Strategy<Value = Timeline> {
    let vblank = (prop::bool::weighted(0.6), lateness, prop::bool::weighted(0.9));
    prop::collection::vec(vblank, 1..60).prop_map(|vblanks| Timeline { vblanks })
}

impl Timeline {
    /// What is said of each entry beside the frame that it is of, handing events over as they come.
    /// `past`: the entries have numbers, by so much larger than that of their vblank.
    fn run(&self, rule: Rule, past: Option<u32>, entry_after: Ns) -> (Vec<(EntryFrame, Option<u64>)>, u64) {
        let mut events: Vec<(Ns, Option<u64>, u32, bool)> = Vec::new();
        let mut current = None;
        for (at, (flips, late, entry)) in self.vblanks.iter().enumerate() {
            let time = (at as Ns + 5) * PERIOD;
            if *flips {
                current = Some(at as u64);
                events.push((time, current, at as u32, true));
            }
            if *entry {
                events.push((time + entry_after + late, current, at as u32, false));
            }
        }
        events.sort_by_key(|event| (event.0, !event.3));
        let (mut pairer, mut of, mut said) = (Pairer::new(rule), VecDeque::new(), Vec::new());
        let mut collect = |pairer: &mut Pairer, of: &mut VecDeque<Option<u64>>, now| {
            while let Some(pair) = pairer.next(now) {
                said.push((pair.verdict, of.pop_front().expect("an entry")));
            }
        };
        for (time, frame, sequence, flip) in events {
            if flip {
                pairer.flip(ShownFrame { id: frame.expect("a frame"), sequence, time });
            } else {
                pairer.entry(past.map_or_else(x, |past| numbered(sequence + past)), time);
                of.push_back(frame);
            }
            collect(&mut pairer, &mut of, time);
        }
        collect(&mut pairer, &mut of, Ns::MAX);
        assert!(of.is_empty(), "every entry is judged");
        (said, pairer.unread())
    }
}

fn right(verdict: EntryFrame, frame: Option<u64>) -> bool {
    match verdict {
        First(id) | Repeat(id) => frame == Some(id),
        Before => frame.is_none(),
        Ambiguous { .. } => false,
    }
}

proptest! {
    /// Numbers tell, however late the entry, as long as they come in order.
    #[test]
    fn numbers_are_always_right(timeline in timeline(0..900)) {
        for (rule, past) in [(Rule::number(PERIOD), 0), (Rule::number_of_the_end(PERIOD), 1)] {
            let (said, _) = timeline.run(rule, Some(past), Ns::from(past) * PERIOD);
            for (verdict, frame) in said {
                prop_assert!(right(verdict, frame), "{rule:?}: {verdict:?} of {frame:?}");
            }
        }
    }

    /// Where entries are as punctual as the rule supposes, arrival tells as much.
    #[test]
    fn punctual_arrivals_are_right(timeline in timeline(0..200)) {
        for (rule, after) in [(Rule::after_scanout(PERIOD), PERIOD), (Rule::after_flip(PERIOD), 10)] {
            for (verdict, frame) in timeline.run(rule, None, after).0 {
                prop_assert!(right(verdict, frame), "{rule:?}: {verdict:?} of {frame:?}");
            }
        }
    }

    /// Later ones are of two frames, and said to be; the right one is named.
    #[test]
    fn late_arrivals_are_right_or_ambiguous(timeline in timeline(0..740)) {
        for (verdict, frame) in timeline.run(Rule::after_scanout(PERIOD), None, PERIOD).0 {
            let named = match verdict {
                Ambiguous { older, newer } => frame == older || frame == Some(newer),
                verdict => right(verdict, frame),
            };
            prop_assert!(named, "{verdict:?} of {frame:?}");
        }
    }

    /// A frame has one first entry at most.
    #[test]
    fn one_first_entry_a_frame(timeline in timeline(0..3000), numbers in any::<bool>()) {
        let rule = if numbers { Rule::number(PERIOD) } else { Rule::after_flip(PERIOD) };
        let mut first = std::collections::HashSet::new();
        for (verdict, _) in timeline.run(rule, numbers.then_some(0), 0).0 {
            if let First(id) = verdict {
                prop_assert!(first.insert(id), "{id} twice");
            }
        }
    }
}
