//! What is on the screen of an output and what is held for it: the one place that decides when
//! something has left the screen.
//!
//! ```text
//!  show ─→ next ── commit ──→ planes ── replaced by a commit ──→ retired ── its flip ──→ let go
//!           └─ refused, dropped ─→ let go                          └─ let_go_early ─→ let go
//!  keep ─→ kept ── commit ──→ read ── its flip ─→ let go
//! ```
//!
//! | what happens | planes | retired |
//! | --- | --- | --- |
//! | a commit is refused | stay | stay |
//! | a commit is taken | as it asks; others stay (a modeset turns them off) | what it replaces is added |
//! | its flip | stay | let go |
//! | the display is turned off, keeping its CRTC | stay | – |
//! | the output is turned off with a flip | empty | all of them, until that flip |
//! | … without one: it was off, or unknown | empty | let go at once |
//! | the state is lost (VT away, a flip that never came) | stay, perhaps on the screen | stay |
//! | the flip of a commit that was given up then | stay | let go |
//! | the tracker is dropped (card gone, CRTC given away) | let go | let go |
//!
//! It asks the kernel for nothing: [`crate::frame`] does, and tells the answer. What it holds is the
//! caller's: it only compares.

use crate::plane::PlaneValues;

/// What a plane shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<P> {
    /// As asked of the kernel.
    pub values: PlaneValues,
    /// What the caller gave with it: the owner of the pixels.
    pub payload: P,
}

/// What is known of a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    /// No mode is set, or nothing is known.
    Unset,
    /// It is lit.
    Lit,
    /// It is turned off and keeps everything else.
    Asleep,
}

/// What the frame under construction asks of a plane.
#[derive(Debug)]
enum Next<P> {
    Keep,
    Off,
    Show(Shown<P>),
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Tracker<P> {
    power: Power,
    /// User data of the commit whose flip has not come.
    in_flight: Option<u64>,
    /// User data of the commit in flight when the state was lost; nothing was committed since.
    given_up: Option<u64>,
    /// The values of a plane that is off.
    off: PlaneValues,
    /// What the last commit put on each plane.
    planes: Vec<Option<Shown<P>>>,
    /// The frame under construction.
    next: Vec<Next<P>>,
    /// Read for the next commit.
    kept: Vec<P>,
    /// Read for the commit in flight.
    read: Vec<P>,
    /// Not on a plane any more, but on the screen until the next flip.
    retired: Vec<P>,
}

/// What is on the planes.
impl<P> Tracker<P> {
    /// Of an output with `planes` planes whose state is unknown.
    pub(crate) fn new(planes: usize) -> Self {
        Self {
            power: Power::Unset,
            in_flight: None,
            given_up: None,
            off: PlaneValues::default(),
            planes: (0..planes).map(|_| None).collect(),
            next: (0..planes).map(|_| Next::Keep).collect(),
            kept: Vec::new(),
            read: Vec::new(),
            retired: Vec::with_capacity(planes),
        }
    }

    /// What is known of the display.
    pub(crate) fn power(&self) -> Power {
        self.power
    }

    /// User data of the commit that is in flight.
    pub(crate) fn in_flight(&self) -> Option<u64> {
        self.in_flight
    }

    /// What the last commit put on a plane; after the state was lost, what may still be on it.
    pub(crate) fn shown(&self, plane: usize) -> Option<&Shown<P>> {
        self.planes.get(plane)?.as_ref()
    }

    /// The property values of a plane; `None`: unknown.
    pub(crate) fn known(&self, plane: usize) -> Option<&PlaneValues> {
        (self.power != Power::Unset).then(|| self.shown(plane).map_or(&self.off, |shown| &shown.values))
    }

    /// What is off the planes but held until the next flip.
    pub(crate) fn retired(&self) -> impl Iterator<Item = &P> {
        self.retired.iter().chain(&self.read).chain(&self.kept)
    }
}

/// The frame under construction.
impl<P> Tracker<P> {
    /// Begins a frame; `whole`: planes that it does not mention are turned off, else they stay.
    pub(crate) fn begin(&mut self, whole: bool) {
        self.next.iter_mut().for_each(|next| *next = if whole { Next::Off } else { Next::Keep });
    }

    /// Puts something on a plane, which exists.
    pub(crate) fn show(&mut self, plane: usize, shown: Shown<P>) {
        self.next[plane] = Next::Show(shown);
    }

    /// Turns a plane off.
    pub(crate) fn clear(&mut self, plane: usize) {
        if let Some(next) = self.next.get_mut(plane) {
            *next = Next::Off;
        }
    }

    /// What the frame shows on a plane; `None`: nothing.
    pub(crate) fn next(&self, plane: usize) -> Option<&Shown<P>> {
        match &self.next[plane] {
            Next::Keep => self.shown(plane),
            Next::Off => None,
            Next::Show(shown) => Some(shown),
        }
    }

    /// Its property values.
    pub(crate) fn next_values(&self, plane: usize) -> &PlaneValues {
        self.next(plane).map_or(&self.off, |shown| &shown.values)
    }

    /// The frame is refused or dropped: what it would have shown is let go.
    pub(crate) fn abandon(&mut self) {
        self.begin(false);
    }

    /// Something is read for the next commit (the pass that composites it, for example): it is held
    /// until the flip of that commit.
    pub(crate) fn keep(&mut self, payload: P) {
        self.kept.push(payload);
    }
}

/// What the kernel has done.
impl<P: PartialEq> Tracker<P> {
    /// The kernel has taken the frame, and will send a flip with `user_data`; `None`: it sends none,
    /// because the display is off already.
    pub(crate) fn committed(&mut self, power: Power, user_data: Option<u64>) {
        for (shown, next) in self.planes.iter_mut().zip(&mut self.next) {
            let next = match std::mem::replace(next, Next::Keep) {
                Next::Keep => continue,
                Next::Off => None,
                Next::Show(next) => Some(next),
            };
            let old = std::mem::replace(shown, next);
            let stays = |old: &Shown<P>| shown.as_ref().is_some_and(|new| new.payload == old.payload);
            self.retired.extend(old.filter(|old| !stays(old)).map(|old| old.payload));
        }
        self.read.append(&mut self.kept);
        (self.power, self.in_flight, self.given_up) = (power, user_data, None);
        if user_data.is_none() {
            self.let_go();
        }
    }
}

/// What has left the screen.
impl<P> Tracker<P> {
    /// Gives what the commit in flight has replaced to `let_go`, which hands back what must be held
    /// until the flip. For what has another way to learn of the flip, such as an out-fence.
    pub(crate) fn let_go_early(&mut self, mut let_go: impl FnMut(P) -> Option<P>) {
        for at in (0..self.retired.len()).rev() {
            let held = let_go(self.retired.swap_remove(at));
            if let Some(held) = held {
                self.retired.push(held);
                let last = self.retired.len() - 1;
                self.retired.swap(at, last);
            }
        }
    }

    /// A flip came. Whether it is that of the commit in flight. What that commit replaced, or one
    /// that was given up, is let go.
    pub(crate) fn flipped(&mut self, user_data: u64) -> bool {
        let ours = self.in_flight == Some(user_data);
        if ours || self.given_up == Some(user_data) {
            (self.in_flight, self.given_up) = (None, None);
            self.let_go();
        }
        ours
    }

    fn let_go(&mut self) {
        self.retired.clear();
        self.read.clear();
    }

    /// The kernel's state is unknown, and the flip of a commit in flight is no longer waited for.
    /// Nothing is let go: all of it may be on the screen until a modeset has flipped.
    pub(crate) fn lost(&mut self) {
        self.power = Power::Unset;
        self.given_up = self.in_flight.take().or(self.given_up);
    }
}

#[cfg(test)]
mod prop_tests;
#[cfg(test)]
mod tests;
