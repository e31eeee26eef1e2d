//! For how long something that a driver has refused is left alone: the cursor plane, the writeback connector.
//!
//! The refusal may have had another cause, which is over a moment later, or the driver may lack
//! something for as long as nothing else changes. So the first rest is short, and each refusal soon
//! after a rest makes the next one longer. Times are given by the caller; nothing is committed
//! here.

use fence::Ns;

/// The first rest.
const SHORTEST: Ns = 1_000_000_000;
/// The longest.
const LONGEST: Ns = 300_000_000_000;

/// The rests of one thing of one output.
#[derive(Debug, Default)]
pub struct Rest {
    /// When the rest ends, while there is one.
    until: Option<Ns>,
    /// How long the last one was.
    length: Ns,
    /// When the last one ended.
    ended: Ns,
}

impl Rest {
    /// It was given up at `now`.
    pub fn begin(&mut self, now: Ns) {
        let again = now < self.ended + self.length;
        self.length = if again { (4 * self.length).min(LONGEST) } else { SHORTEST };
        self.until = Some(now + self.length);
    }

    /// Whether there is a rest at `now`.
    pub fn lasts(&self, now: Ns) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// Whether the rest has ended since the last call, so that it is to be tried again.
    pub fn is_over(&mut self, now: Ns) -> bool {
        let over = self.until.is_some_and(|until| until <= now);
        if over {
            (self.until, self.ended) = (None, now);
        }
        over
    }

    /// How long the last rest is or was.
    pub fn length(&self) -> Ns {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Ns = 1_000_000_000;

    #[test]
    fn a_plane_that_is_refused_for_good_is_tried_ever_more_rarely() {
        let (mut rest, mut now, mut tried) = (Rest::default(), 1000 * S, Vec::new());
        rest.begin(now);
        while tried.len() < 7 {
            now += S / 4;
            if rest.is_over(now) {
                tried.push(rest.length() / S);
                rest.begin(now);
            }
        }
        assert_eq!(tried, [1, 4, 16, 64, 256, 300, 300]);
    }

    #[test]
    fn a_refusal_long_after_a_rest_is_a_first_one() {
        let mut rest = Rest::default();
        assert!(!rest.is_over(1000 * S), "there was none");
        rest.begin(1000 * S);
        assert!(!rest.is_over(1001 * S - 1) && rest.is_over(1001 * S) && !rest.is_over(1002 * S));
        rest.begin(1001 * S + S / 2);
        assert_eq!(rest.length(), 4 * S);
        assert!(rest.is_over(1010 * S));
        rest.begin(1014 * S);
        assert_eq!(rest.length(), S);
    }
}
