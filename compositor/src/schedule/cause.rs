//! Why a frame missed its vblank, decided from measured times.
//!
//! Pure logic: it reads no fence and no clock, and changes no state but [`Misses`].

use fence::Ns;

/// What made a frame late: the first cause that applies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissCause {
    /// A client's acquire fence that was committed as an in-fence signalled too late.
    Client,
    /// Rendering took too long: the GPU's fence was late, or rendering on the CPU delayed the
    /// commit.
    Render,
    /// The compositor woke up too late, or the commit call took too long.
    Commit,
    /// Everything was in time, but the flip still came later.
    Kernel,
}

impl MissCause {
    /// The name in the trace.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Render => "render",
            Self::Commit => "commit",
            Self::Kernel => "kernel",
        }
    }
}

/// The measured times of a frame that missed its vblank. All are CLOCK_MONOTONIC, ns.
#[derive(Debug, Clone, Copy, Default)]
pub struct MissFacts {
    /// The vblank that the frame was latched for.
    pub vblank: Ns,
    /// How long before a vblank the kernel and the display must have the frame.
    pub need: Ns,
    /// When the latch was planned, and when it began.
    pub planned: Ns,
    pub started: Ns,
    /// When the commit call returned.
    pub committed: Ns,
    /// Something was composited for the frame.
    pub rendered: bool,
    /// When the last of the clients' in-fences signalled; `None` if there were none.
    pub acquired: Option<Ns>,
    /// When the GPU had finished rendering; `None` if no GPU rendered.
    pub drawn: Option<Ns>,
}

/// Decides the cause.
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
    /// Adds missed vblanks to the counter of `cause`.
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
    fn each_delay_has_its_cause() {
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
            // The GPU had finished before the commit returned late: the GPU is not the cause.
            (MissFacts { started: 985, committed: 1005, drawn: Some(992), ..base }, MissCause::Commit),
        ];
        for (facts, expected) in table {
            assert_eq!(cause(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn misses_are_counted_by_cause() {
        let mut misses = Misses::default();
        misses.add(MissCause::Client, 2);
        misses.add(MissCause::Kernel, 1);
        assert_eq!(misses, Misses { client: 2, kernel: 1, ..Misses::default() });
    }
}
