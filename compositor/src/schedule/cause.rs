//! Why a frame missed its vblank, told from what was measured.
//!
//! Pure: it reads no fence and no clock, and counts nothing but in [`Misses`].

use fence::Ns;

/// Who was late. The first that holds, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A client's fence that had been handed to the display signalled too late.
    Client,
    /// Drawing took too long: the GPU's fence was late, or the CPU's drawing delayed the commit.
    Render,
    /// We woke too late, or the commit call took too long.
    Commit,
    /// All was in time, and still the flip came later.
    Kernel,
}

impl Cause {
    /// As the trace says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Render => "render",
            Self::Commit => "commit",
            Self::Kernel => "kernel",
        }
    }
}

/// What was measured of a frame that missed. All times are CLOCK_MONOTONIC.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    /// The vblank that it was for.
    pub vblank: Ns,
    /// What display and kernel need before a vblank.
    pub need: Ns,
    /// When the latch was to be, and when it was.
    pub planned: Ns,
    pub started: Ns,
    /// When the commit call returned.
    pub committed: Ns,
    /// Something was drawn for it.
    pub rendered: bool,
    /// When the last of the clients' fences signalled; `None` without any.
    pub acquired: Option<Ns>,
    /// When the GPU was done; `None` without one.
    pub drawn: Option<Ns>,
}

/// Names the cause.
pub fn cause(facts: &Facts) -> Cause {
    let by = facts.vblank.saturating_sub(facts.need);
    if facts.acquired.is_some_and(|at| at > by) {
        Cause::Client
    } else if facts.drawn.is_some_and(|at| at > by && at > facts.committed) {
        Cause::Render
    } else if facts.committed > by {
        let work = facts.committed.saturating_sub(facts.started);
        match facts.rendered && work > facts.started.saturating_sub(facts.planned) {
            true => Cause::Render,
            false => Cause::Commit,
        }
    } else {
        Cause::Kernel
    }
}

/// Vblanks missed so far, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Misses {
    pub client: u64,
    pub render: u64,
    pub commit: u64,
    pub kernel: u64,
}

impl Misses {
    /// Counts vblanks.
    pub fn add(&mut self, cause: Cause, vblanks: u64) {
        *match cause {
            Cause::Client => &mut self.client,
            Cause::Render => &mut self.render,
            Cause::Commit => &mut self.commit,
            Cause::Kernel => &mut self.kernel,
        } += vblanks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_late() {
        // Vblank at 1000, needs 10; planned at 900.
        let base = Facts { vblank: 1000, need: 10, planned: 900, started: 905, committed: 920, ..Facts::default() };
        let table = [
            (base, Cause::Kernel),
            (Facts { acquired: Some(989), ..base }, Cause::Kernel),
            (Facts { acquired: Some(991), ..base }, Cause::Client),
            (Facts { drawn: Some(990), ..base }, Cause::Kernel),
            (Facts { drawn: Some(1200), ..base }, Cause::Render),
            (Facts { acquired: Some(1100), drawn: Some(1200), ..base }, Cause::Client),
            (Facts { started: 985, committed: 995, ..base }, Cause::Commit),
            (Facts { started: 985, committed: 995, rendered: true, ..base }, Cause::Commit),
            (Facts { committed: 995, rendered: true, ..base }, Cause::Render),
            (Facts { committed: 995, ..base }, Cause::Commit),
            // The GPU was done long before a commit that was late: not its fault.
            (Facts { started: 985, committed: 1005, drawn: Some(992), ..base }, Cause::Commit),
        ];
        for (facts, expected) in table {
            assert_eq!(cause(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn misses_are_counted_apart() {
        let mut misses = Misses::default();
        misses.add(Cause::Client, 2);
        misses.add(Cause::Kernel, 1);
        assert_eq!(misses, Misses { client: 2, kernel: 1, ..Misses::default() });
    }
}
