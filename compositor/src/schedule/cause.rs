//! Why a frame missed its vblank, told from what was measured.
//!
//! Pure: it reads no fence and no clock, and counts nothing but in [`Misses`].

use fence::Ns;

/// Who was late. The first that holds, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissCause {
    /// A client's fence that had been handed to the display signalled too late.
    Client,
    /// Drawing took too long: the GPU's fence was late, or the CPU's drawing delayed the commit.
    Render,
    /// We woke too late, or the commit call took too long.
    Commit,
    /// All was in time, and still the flip came later.
    Kernel,
}

impl MissCause {
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
pub struct MissFacts {
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
pub fn cause(facts: &MissFacts) -> MissCause {
    let by = facts.vblank.saturating_sub(facts.need);
    if facts.acquired.is_some_and(|at| at > by) {
        MissCause::Client
    } else if facts.drawn.is_some_and(|at| at > by && at > facts.committed) {
        MissCause::Render
    } else if facts.committed > by {
        let work = facts.committed.saturating_sub(facts.started);
        match facts.rendered && work > facts.started.saturating_sub(facts.planned) {
            true => MissCause::Render,
            false => MissCause::Commit,
        }
    } else {
        MissCause::Kernel
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
    pub fn add(&mut self, cause: MissCause, vblanks: u64) {
        *match cause {
            MissCause::Client => &mut self.client,
            MissCause::Render => &mut self.render,
            MissCause::Commit => &mut self.commit,
            MissCause::Kernel => &mut self.kernel,
        } += vblanks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_late() {
        // Vblank at 1000, needs 10; planned at 900.
        let base =
            MissFacts { vblank: 1000, need: 10, planned: 900, started: 905, committed: 920, ..MissFacts::default() };
        let table = [
            (base, MissCause::Kernel),
            (MissFacts { acquired: Some(989), ..base }, MissCause::Kernel),
            (MissFacts { acquired: Some(991), ..base }, MissCause::Client),
            (MissFacts { drawn: Some(990), ..base }, MissCause::Kernel),
            (MissFacts { drawn: Some(1200), ..base }, MissCause::Render),
            (MissFacts { acquired: Some(1100), drawn: Some(1200), ..base }, MissCause::Client),
            (MissFacts { started: 985, committed: 995, ..base }, MissCause::Commit),
            (MissFacts { started: 985, committed: 995, rendered: true, ..base }, MissCause::Commit),
            (MissFacts { committed: 995, rendered: true, ..base }, MissCause::Render),
            (MissFacts { committed: 995, ..base }, MissCause::Commit),
            // The GPU was done long before a commit that was late: not its fault.
            (MissFacts { started: 985, committed: 1005, drawn: Some(992), ..base }, MissCause::Commit),
        ];
        for (facts, expected) in table {
            assert_eq!(cause(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn misses_are_counted_apart() {
        let mut misses = Misses::default();
        misses.add(MissCause::Client, 2);
        misses.add(MissCause::Kernel, 1);
        assert_eq!(misses, Misses { client: 2, kernel: 1, ..Misses::default() });
    }
}
