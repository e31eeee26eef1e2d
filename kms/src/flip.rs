//! Who owns which buffer of an output: *pending* → *queued* → *current*.
//!
//! ```text
//!  show()          queue() after a successful commit       flip() at its event
//! ─────────▶ pending ────────────────────────────▶ queued ─────────────────────▶ current ──┐
//!               │ roll_back() after a refusal                                              │ the next flip that
//!               ▼                                                                          ▼ replaces it
//!           given back                                                                 given back
//! ```
//!
//! - *pending* belongs to the frame that is being put together;
//! - *queued* belongs to the kernel, which may be reading it already;
//! - *current* is on screen. It is free when the commit that **replaces** it signals its out-fence, never before: so
//!   [`Flips::queue`] names the buffers that the commit takes off the screen, for that fence to go into their releases.
//!
//! Every buffer that went in comes out exactly once. Knows nothing of fences or framebuffers: `B` is whatever the caller owns.

/// The buffers of all planes of one output.
#[derive(Debug)]
pub struct Flips<B> {
    slots: Vec<Slot<B>>,
    queued: bool,
}

#[derive(Debug)]
struct Slot<B> {
    pending: Change<B>,
    queued: Change<B>,
    current: Option<B>,
}

/// What a commit does to a plane.
#[derive(Debug, Default)]
enum Change<B> {
    /// Nothing.
    #[default]
    Keep,
    /// Shows this buffer, or turns the plane off.
    To(Option<B>),
}

impl<B> Change<B> {
    fn take(&mut self) -> Option<Option<B>> {
        match std::mem::take(self) {
            Change::Keep => None,
            Change::To(buffer) => Some(buffer),
        }
    }
}

/// A commit is queued already: at most one is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a commit is in flight")]
pub struct Busy;

impl<B> Flips<B> {
    /// An output with `planes` planes, all off.
    pub fn new(planes: usize) -> Self {
        let slot = || Slot { pending: Change::Keep, queued: Change::Keep, current: None };
        Self { slots: std::iter::repeat_with(slot).take(planes).collect(), queued: false }
    }

    /// Takes `buffer` for `plane` into the frame being put together; gives back the one that it displaces there.
    pub fn show(&mut self, plane: usize, buffer: B) -> Option<B> {
        std::mem::replace(&mut self.slots[plane].pending, Change::To(Some(buffer))).take().flatten()
    }

    /// Turns `plane` off in the frame being put together; gives back the buffer that was pending there.
    pub fn clear(&mut self, plane: usize) -> Option<B> {
        std::mem::replace(&mut self.slots[plane].pending, Change::To(None)).take().flatten()
    }

    /// The frame was refused: gives all pending buffers back.
    pub fn roll_back(&mut self, mut back: impl FnMut(usize, B)) {
        for (plane, slot) in self.slots.iter_mut().enumerate() {
            if let Some(buffer) = slot.pending.take().flatten() {
                back(plane, buffer);
            }
        }
    }

    /// The frame was accepted by the kernel. `leaving` is called with each buffer that it takes off the screen: the commit's
    /// out-fence is what frees it.
    pub fn queue(&mut self, mut leaving: impl FnMut(usize, &mut B)) -> Result<(), Busy> {
        if self.queued {
            return Err(Busy);
        }
        self.queued = true;
        for (plane, slot) in self.slots.iter_mut().enumerate() {
            if matches!(slot.pending, Change::Keep) {
                continue;
            }
            slot.queued = std::mem::take(&mut slot.pending);
            if let Some(current) = &mut slot.current {
                leaving(plane, current);
            }
        }
        Ok(())
    }

    /// The flip of the queued frame came: gives back what it took off the screen.
    pub fn flip(&mut self, mut free: impl FnMut(usize, B)) {
        self.queued = false;
        for (plane, slot) in self.slots.iter_mut().enumerate() {
            if let Some(next) = slot.queued.take()
                && let Some(old) = std::mem::replace(&mut slot.current, next)
            {
                free(plane, old);
            }
        }
    }

    /// Whether a frame is with the kernel.
    pub fn in_flight(&self) -> bool {
        self.queued
    }

    /// The buffer on screen.
    pub fn current(&self, plane: usize) -> Option<&B> {
        self.slots.get(plane)?.current.as_ref()
    }

    /// The buffer that the queued frame will show on `plane`; `None` if it leaves the plane as it is or turns it off.
    pub fn queued(&self, plane: usize) -> Option<&B> {
        match &self.slots.get(plane)?.queued {
            Change::To(buffer) => buffer.as_ref(),
            Change::Keep => None,
        }
    }

    /// Gives back everything: the output is gone.
    pub fn drain(&mut self, mut back: impl FnMut(usize, B)) {
        self.queued = false;
        for (plane, slot) in self.slots.iter_mut().enumerate() {
            let all = [slot.pending.take().flatten(), slot.queued.take().flatten(), slot.current.take()];
            all.into_iter().flatten().for_each(|buffer| back(plane, buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flip(flips: &mut Flips<u32>) -> Vec<u32> {
        let mut free = Vec::new();
        flips.flip(|_, buffer| free.push(buffer));
        free
    }

    fn queue(flips: &mut Flips<u32>) -> Vec<u32> {
        let mut leaving = Vec::new();
        flips.queue(|_, buffer| leaving.push(*buffer)).unwrap();
        leaving
    }

    #[test]
    fn a_buffer_is_free_when_its_successor_is_on_screen() {
        let mut flips = Flips::new(1);
        flips.show(0, 1);
        assert!(queue(&mut flips).is_empty());
        assert_eq!((flips.queued(0), flips.current(0)), (Some(&1), None));
        assert!(flip(&mut flips).is_empty());
        flips.show(0, 2);
        assert_eq!(queue(&mut flips), [1], "named when its successor is queued");
        assert_eq!(flips.current(0), Some(&1), "but still on screen");
        assert_eq!(flip(&mut flips), [1]);
        flips.clear(0);
        assert_eq!((queue(&mut flips), flip(&mut flips)), (vec![2], vec![2]));
        assert_eq!(flips.current(0), None);
    }

    #[test]
    fn planes_that_a_frame_leaves_alone_keep_their_buffer() {
        let mut flips = Flips::new(2);
        flips.show(0, 1);
        flips.show(1, 2);
        queue(&mut flips);
        flip(&mut flips);
        flips.show(1, 3);
        assert_eq!((queue(&mut flips), flip(&mut flips)), (vec![2], vec![2]));
        assert_eq!((flips.current(0), flips.current(1)), (Some(&1), Some(&3)));
    }

    #[test]
    fn one_commit_in_flight() {
        let mut flips = Flips::new(1);
        flips.show(0, 1);
        queue(&mut flips);
        flips.show(0, 2);
        assert_eq!(flips.queue(|_, _| ()), Err(Busy));
        assert_eq!(flips.show(0, 3), Some(2), "the waiting one is replaceable");
        flip(&mut flips);
        assert_eq!(queue(&mut flips), [1]);
    }

    #[derive(Debug, Clone)]
    enum Op {
        Show(usize),
        Clear(usize),
        RollBack,
        Queue,
        Flip,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (0usize..3).prop_map(Op::Show),
            1 => (0usize..3).prop_map(Op::Clear),
            1 => Just(Op::RollBack),
            3 => Just(Op::Queue),
            3 => Just(Op::Flip),
        ]
    }

    proptest! {
        #[test]
        fn each_buffer_comes_out_once(ops in prop::collection::vec(op(), 0..60)) {
            let mut flips = Flips::new(3);
            let (mut made, mut out) = (0u32, Vec::new());
            for op in ops {
                match op {
                    Op::Show(plane) => {
                        out.extend(flips.show(plane, made));
                        made += 1;
                    }
                    Op::Clear(plane) => out.extend(flips.clear(plane)),
                    Op::RollBack => flips.roll_back(|_, buffer| out.push(buffer)),
                    Op::Queue => {
                        let mut leaving = Vec::new();
                        if flips.queue(|plane, buffer| leaving.push((plane, *buffer))).is_ok() {
                            for (plane, buffer) in leaving {
                                prop_assert_eq!(flips.current(plane), Some(&buffer));
                            }
                        }
                    }
                    Op::Flip => flips.flip(|_, buffer| out.push(buffer)),
                }
                for plane in 0..3 {
                    let held = flips.current(plane).into_iter().chain(flips.queued(plane));
                    for buffer in held {
                        prop_assert!(!out.contains(buffer), "{} is out but held", buffer);
                    }
                }
            }
            flips.drain(|_, buffer| out.push(buffer));
            out.sort_unstable();
            prop_assert_eq!(out, (0..made).collect::<Vec<_>>());
        }
    }
}
