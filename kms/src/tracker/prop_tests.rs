//! Random commits, refusals, flips, lost flips and VT switches against a small kernel: nothing is
//! let go that the kernel may still scan out, and nothing is held that it cannot.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use proptest::prelude::*;

use super::*;

const PLANES: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// For each plane: keep, turn off, show something new, or show what another plane shows.
    Frame {
        planes: [u8; PLANES],
        modeset: bool,
        refused: bool,
    },
    Sleep,
    Off,
    Keep,
    LetGoEarly,
    /// The kernel completes its commit; `told`: the event arrives.
    Flip {
        told: bool,
    },
    Lost,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<[u8; PLANES]>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2))
            .prop_map(|(planes, modeset, refused)| Step::Frame { planes, modeset, refused }),
        1 => Just(Step::Sleep),
        1 => Just(Step::Off),
        1 => Just(Step::Keep),
        2 => Just(Step::LetGoEarly),
        8 => prop::bool::weighted(0.9).prop_map(|told| Step::Flip { told }),
        1 => Just(Step::Lost),
    ]
}

type Ids = [Option<u32>; PLANES];

/// What the kernel scans out, and the commit that it has queued.
#[derive(Default)]
struct Kernel {
    on_screen: Ids,
    queued: Option<(u64, Ids)>,
}

#[derive(Default)]
struct Bench {
    kernel: Kernel,
    things: Vec<Weak<u32>>,
    /// Let go early: an out-fence tells their owners when they are free.
    early: BTreeSet<u32>,
    /// Kept, with the number of the last commit before.
    kept: Vec<(u32, u64)>,
    commits: u64,
    flipped: u64,
}

impl Bench {
    fn thing(&mut self) -> Arc<u32> {
        let thing = Arc::new(self.things.len() as u32);
        self.things.push(Arc::downgrade(&thing));
        thing
    }

    fn held(&self) -> BTreeSet<u32> {
        self.things.iter().filter_map(Weak::upgrade).map(|thing| *thing).collect()
    }

    /// What may be on the screen, or will be.
    fn visible(&self) -> BTreeSet<u32> {
        let queued = self.kernel.queued.iter().flat_map(|(_, ids)| ids);
        self.kernel.on_screen.iter().chain(queued).flatten().copied().collect()
    }

    fn commit(&mut self, tracker: &mut Tracker<Arc<u32>>, power: Power, event: bool) {
        self.commits += 1;
        let ids = std::array::from_fn(|plane| tracker.next(plane).map(|shown| *shown.payload));
        self.kernel.queued = Some((self.commits, ids));
        tracker.committed(power, event.then_some(self.commits));
        if !event {
            (self.kernel.on_screen, self.kernel.queued) = (ids, None);
            self.flipped = self.commits;
        }
    }

    fn run(&mut self, tracker: &mut Tracker<Arc<u32>>, step: &Step) {
        // The kernel refuses what follows a commit that it has not completed.
        let busy = self.kernel.queued.is_some() || tracker.in_flight().is_some();
        let power = tracker.power();
        match step {
            Step::Frame { planes, modeset, refused } => {
                let modeset = *modeset || power == Power::Unset;
                tracker.begin(modeset);
                for (plane, what) in planes.iter().enumerate() {
                    match what % 4 {
                        0 => {}
                        1 => tracker.clear(plane),
                        2 => tracker.show(plane, Shown { values: PlaneValues::default(), payload: self.thing() }),
                        _ => {
                            if let Some(other) = tracker.shown((plane + 1) % PLANES).cloned() {
                                tracker.show(plane, other);
                            }
                        }
                    }
                }
                match *refused || busy {
                    true => tracker.abandon(),
                    false => self.commit(tracker, Power::Lit, true),
                }
            }
            Step::Sleep if power == Power::Lit && !busy => {
                tracker.begin(false);
                self.commit(tracker, Power::Asleep, true);
            }
            Step::Off if !busy => {
                tracker.begin(true);
                self.commit(tracker, Power::Unset, power == Power::Lit);
            }
            Step::Keep => {
                let thing = self.thing();
                self.kept.push((*thing, self.commits));
                tracker.keep(thing);
            }
            Step::LetGoEarly if tracker.in_flight().is_some() => {
                let early = &mut self.early;
                tracker.let_go_early(|thing| {
                    early.insert(*thing);
                    None
                });
            }
            Step::Flip { told } => {
                let Some((number, ids)) = self.kernel.queued.take() else { return };
                self.kernel.on_screen = ids;
                if *told {
                    tracker.flipped(number);
                    self.flipped = number;
                }
            }
            Step::Lost => tracker.lost(),
            Step::Sleep | Step::Off | Step::LetGoEarly => {}
        }
    }

    fn check(&self, tracker: &Tracker<Arc<u32>>) {
        let (held, visible) = (self.held(), self.visible());
        let missing: Vec<_> = visible.difference(&held).filter(|id| !self.early.contains(*id)).collect();
        assert!(missing.is_empty(), "let go while on the screen: {missing:?}");
        // Early only what the commit in flight, or the one after, does not show.
        for (kept, _) in self.kept.iter().filter(|(_, before)| self.flipped <= *before) {
            assert!(held.contains(kept), "{kept} is read for a commit that has not flipped");
        }
        // At rest with everything known: the planes, and what is kept for the next commit.
        if tracker.in_flight().is_none() && self.kernel.queued.is_none() && self.flipped == self.commits {
            let planes = (0..PLANES).filter_map(|plane| tracker.shown(plane)).map(|shown| *shown.payload);
            let kept = self.kept.iter().filter(|(_, before)| *before == self.commits).map(|(id, _)| *id);
            let due: BTreeSet<_> = planes.chain(kept).collect();
            assert_eq!(held, due, "held for nothing");
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_let_go_while_it_is_on_the_screen_and_nothing_is_held_after(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let (mut bench, mut tracker) = (Bench::default(), Tracker::new(PLANES));
        for step in &steps {
            bench.run(&mut tracker, step);
            bench.check(&tracker);
        }
        // Off: what is left goes with the flip.
        if let Some((number, _)) = bench.kernel.queued.take() {
            tracker.flipped(number);
        }
        tracker.begin(true);
        tracker.committed(Power::Unset, Some(u64::MAX));
        tracker.flipped(u64::MAX);
        prop_assert_eq!(bench.held(), BTreeSet::new());
    }

    #[test]
    fn a_tracker_that_is_dropped_holds_nothing(steps in prop::collection::vec(step(), 0..40)) {
        let (mut bench, mut tracker) = (Bench::default(), Tracker::new(PLANES));
        for step in &steps {
            bench.run(&mut tracker, step);
        }
        drop(tracker);
        prop_assert_eq!(bench.held(), BTreeSet::new());
    }
}
