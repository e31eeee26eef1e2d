//! Each transition of the table in the parent's head: what is held after it.

use std::sync::{Arc, Weak};

use super::*;
use crate::FramebufferId;

/// A tracker of two planes, and everything that it was ever given.
struct Bench {
    tracker: Tracker<Arc<u32>>,
    things: Vec<Weak<u32>>,
}

impl Bench {
    /// 1 is on the first plane, 2 on the second; the flip has come.
    fn lit() -> Self {
        let mut bench = Self { tracker: Tracker::new(2), things: Vec::new() };
        bench.tracker.begin(true);
        bench.show(0, 1);
        bench.show(1, 2);
        bench.tracker.committed(Power::Lit, Some(1));
        assert!(bench.tracker.flipped(1));
        bench
    }

    fn thing(&mut self, id: u32) -> Arc<u32> {
        let thing = Arc::new(id);
        self.things.push(Arc::downgrade(&thing));
        thing
    }

    fn show(&mut self, plane: usize, id: u32) {
        let values = PlaneValues { fb: Some(FramebufferId::from_raw(id)), ..PlaneValues::default() };
        let shown = Shown { values, payload: self.thing(id) };
        self.tracker.show(plane, shown);
    }

    /// A frame with 3 on the first plane is with the kernel.
    fn replaced() -> Self {
        let mut bench = Self::lit();
        bench.tracker.begin(false);
        bench.show(0, 3);
        bench.tracker.committed(Power::Lit, Some(2));
        bench
    }

    /// What has not been let go.
    fn held(&self) -> Vec<u32> {
        self.things.iter().filter_map(Weak::upgrade).map(|thing| *thing).collect()
    }
}

/// What is held after some steps.
type Case = (&'static str, fn() -> Bench, fn(&mut Bench), &'static [u32]);

#[test]
fn each_transition_lets_go_of_what_has_left_the_screen_and_of_nothing_else() {
    let table: &[Case] = &[
        ("a commit in flight", Bench::replaced, |_| (), &[1, 2, 3]),
        ("its flip", Bench::replaced, |b| assert!(b.tracker.flipped(2)), &[2, 3]),
        ("another's flip", Bench::replaced, |b| assert!(!b.tracker.flipped(7)), &[1, 2, 3]),
        (
            "a commit that is refused",
            Bench::lit,
            |b| {
                b.tracker.begin(false);
                b.show(0, 3);
                b.tracker.abandon();
            },
            &[1, 2],
        ),
        (
            "a frame that is forgotten, and the next one",
            Bench::lit,
            |b| {
                b.tracker.begin(false);
                b.show(0, 3);
                b.tracker.begin(false);
            },
            &[1, 2],
        ),
        (
            "a plane is turned off",
            Bench::lit,
            |b| {
                b.tracker.begin(false);
                b.tracker.clear(1);
                b.tracker.committed(Power::Lit, Some(2));
            },
            &[1, 2],
        ),
        (
            "and it has flipped",
            Bench::lit,
            |b| {
                b.tracker.begin(false);
                b.tracker.clear(1);
                b.tracker.committed(Power::Lit, Some(2));
                b.tracker.flipped(2);
            },
            &[1],
        ),
        (
            "a modeset turns off what it does not mention",
            Bench::lit,
            |b| {
                b.tracker.begin(true);
                b.show(0, 3);
                b.tracker.committed(Power::Lit, Some(2));
                b.tracker.flipped(2);
            },
            &[3],
        ),
        (
            "the display is turned off and keeps its planes",
            Bench::lit,
            |b| {
                b.tracker.begin(false);
                b.tracker.committed(Power::Asleep, Some(2));
                b.tracker.flipped(2);
            },
            &[1, 2],
        ),
        (
            "the output is turned off",
            Bench::lit,
            |b| {
                b.tracker.begin(true);
                b.tracker.committed(Power::Unset, Some(2));
            },
            &[1, 2],
        ),
        (
            "and that has flipped",
            Bench::lit,
            |b| {
                b.tracker.begin(true);
                b.tracker.committed(Power::Unset, Some(2));
                b.tracker.flipped(2);
            },
            &[],
        ),
        (
            "the output is turned off without a flip",
            Bench::replaced,
            |b| {
                b.tracker.lost();
                b.tracker.begin(true);
                b.tracker.committed(Power::Unset, None);
            },
            &[],
        ),
        ("the VT goes away", Bench::replaced, |b| b.tracker.lost(), &[1, 2, 3]),
        (
            "the flip of a commit that was given up",
            Bench::replaced,
            |b| {
                b.tracker.lost();
                assert!(!b.tracker.flipped(2), "nobody waits for it");
            },
            &[2, 3],
        ),
        (
            "the modeset after the VT has come back",
            Bench::replaced,
            |b| {
                b.tracker.lost();
                b.tracker.begin(true);
                b.show(0, 4);
                b.tracker.committed(Power::Lit, Some(3));
                assert!(!b.tracker.flipped(2), "too late");
            },
            &[1, 2, 3, 4],
        ),
        (
            "and it has flipped",
            Bench::replaced,
            |b| {
                b.tracker.lost();
                b.tracker.begin(true);
                b.show(0, 4);
                b.tracker.committed(Power::Lit, Some(3));
                b.tracker.flipped(3);
            },
            &[4],
        ),
        (
            "the card is gone, or the CRTC is given to another output",
            Bench::replaced,
            |b| {
                b.tracker = Tracker::new(2);
            },
            &[],
        ),
        ("an out-fence tells of the flip", Bench::replaced, |b| b.tracker.let_go_early(|_| None), &[2, 3]),
        ("but not for this one", Bench::replaced, |b| b.tracker.let_go_early(Some), &[1, 2, 3]),
        (
            "something is read for a commit that is refused",
            Bench::lit,
            |b| {
                let thing = b.thing(5);
                b.tracker.keep(thing);
                b.tracker.begin(false);
                b.tracker.abandon();
            },
            &[1, 2, 5],
        ),
        (
            "… and no out-fence lets it go",
            Bench::lit,
            |b| {
                let thing = b.thing(5);
                b.tracker.keep(thing);
                b.tracker.begin(false);
                b.tracker.committed(Power::Lit, Some(2));
                b.tracker.let_go_early(|_| None);
            },
            &[1, 2, 5],
        ),
        (
            "… until the flip",
            Bench::lit,
            |b| {
                let thing = b.thing(5);
                b.tracker.keep(thing);
                b.tracker.begin(false);
                b.tracker.committed(Power::Lit, Some(2));
                b.tracker.flipped(2);
            },
            &[1, 2],
        ),
        (
            "something is read for the next commit while one is in flight",
            Bench::replaced,
            |b| {
                let thing = b.thing(5);
                b.tracker.keep(thing);
                b.tracker.flipped(2);
            },
            &[2, 3, 5],
        ),
    ];
    for (what, start, step, held) in table {
        let mut bench = start();
        step(&mut bench);
        assert_eq!(bench.held(), *held, "{what}");
    }
}

#[test]
fn the_same_buffer_on_the_same_plane_is_not_replaced() {
    let mut bench = Bench::lit();
    let same = bench.tracker.shown(0).cloned().unwrap();
    bench.tracker.begin(false);
    bench.tracker.show(0, same);
    bench.tracker.committed(Power::Lit, Some(2));
    assert_eq!(bench.tracker.retired().count(), 0);
}

#[test]
fn what_is_known_of_a_plane_is_lost_with_the_state_but_what_it_may_show_is_held() {
    let mut bench = Bench::lit();
    let fb = |bench: &Bench, plane| bench.tracker.known(plane).map(|values| values.fb.map(FramebufferId::raw));
    assert_eq!(fb(&bench, 0), Some(Some(1)));
    bench.tracker.begin(false);
    bench.tracker.clear(0);
    bench.tracker.committed(Power::Lit, Some(2));
    assert_eq!(fb(&bench, 0), Some(None), "off");
    bench.tracker.lost();
    assert_eq!(fb(&bench, 1), None, "unknown");
    assert_eq!(bench.tracker.shown(1).map(|shown| *shown.payload), Some(2));
}
