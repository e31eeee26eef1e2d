//! Finds out whether a driver's calls sleep until the card's other displays have flipped, as
//! amdgpu's do when planes are laid out anew.
//!
//! A call may take long because the machine is busy, or because the driver computes for so long. So
//! several calls of the last few have to, while another display has a commit in flight, and each
//! for much longer than calls do when there is none. What was found out is forgotten after a while:
//! no call is made then that could show the opposite. Times are given by the caller.

use fence::Ns;

/// No driver computes for so long.
const SLEPT: Ns = 2_000_000;
/// How many of the last eight calls must have slept.
const SLEEPS: u32 = 3;
/// For how long that is believed.
const BELIEVED: Ns = 600_000_000_000;

/// What the calls of one card have shown.
#[derive(Debug, Default)]
pub struct Stalls {
    /// The longest of the recent calls while no other display had a commit in flight.
    alone: Ns,
    /// Whether each of the last eight calls beside another display's commit has slept; bit by bit.
    recent: u8,
    /// Until when calls are believed to sleep.
    until: Ns,
}

impl Stalls {
    /// Whether calls sleep, as far as is known at `now`.
    pub fn are_known(&self, now: Ns) -> bool {
        now < self.until
    }

    /// A call that lays planes out anew, or tests that, took so long until `now`; `beside`: while
    /// another display of the card had a commit in flight. Whether it is known since this call that
    /// they sleep.
    pub fn asked(&mut self, now: Ns, took: Ns, beside: bool) -> bool {
        if !beside {
            self.alone = took.max(self.alone - self.alone / 8);
            return false;
        }
        let slept = took > SLEPT.max(4 * self.alone);
        self.recent = (self.recent << 1) | u8::from(slept);
        let found = self.recent.count_ones() >= SLEEPS;
        if found {
            (self.recent, self.until) = (0, now + BELIEVED);
        }
        found
    }

    /// Displays were plugged in or unplugged.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Ns = 1_000_000;

    /// Whether these calls beside another display, in ms, are found to sleep.
    fn found(stalls: &mut Stalls, calls: &[Ns]) -> bool {
        calls.iter().any(|took| stalls.asked(1, took * MS, true))
    }

    #[test]
    fn one_long_call_says_nothing() {
        assert!(!found(&mut Stalls::default(), &[50, 0, 0, 0, 0, 0, 50, 0, 0]));
        assert!(!found(&mut Stalls::default(), &[0, 9, 0, 9, 0, 0, 0, 0, 0, 9, 0, 9]), "four in a dozen");
        assert!(found(&mut Stalls::default(), &[0, 9, 0, 9, 0, 0, 9]));
        assert!(!found(&mut Stalls::default(), &[2, 2, 2, 2]), "so long may a driver compute");
    }

    #[test]
    fn a_driver_that_always_computes_for_long_does_not_sleep() {
        let mut stalls = Stalls::default();
        stalls.asked(1, 5 * MS, false);
        assert!(!found(&mut stalls, &[9, 9, 9, 9, 18]));
        // That was an outlier.
        for _ in 0..40 {
            stalls.asked(1, MS / 10, false);
        }
        assert!(found(&mut stalls, &[9, 9, 9]));
    }

    #[test]
    fn what_was_found_out_is_forgotten() {
        let mut stalls = Stalls::default();
        assert!(!stalls.are_known(0));
        for _ in 0..3 {
            stalls.asked(100 * MS, 9 * MS, true);
        }
        assert!(stalls.are_known(101 * MS) && stalls.are_known(100 * MS + BELIEVED - 1));
        assert!(!stalls.are_known(100 * MS + BELIEVED));
        assert!(!stalls.asked(101 * MS + BELIEVED, 9 * MS, true), "it has to be found out again");
        for _ in 0..2 {
            stalls.asked(102 * MS + BELIEVED, 9 * MS, true);
        }
        assert!(stalls.are_known(103 * MS + BELIEVED));
        stalls.forget();
        assert!(!stalls.are_known(103 * MS + BELIEVED));
    }
}
