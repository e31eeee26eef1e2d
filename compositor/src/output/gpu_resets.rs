//! How often the GPU was reset lately: whether it is worth another renderer.
//!
//! Arithmetic only; the renderers are made in [`crate::output::outputs`].

use fence::Ns;

/// So many resets within [`LATELY`] are too many.
const MOST: usize = 3;
const LATELY: Ns = 60_000_000_000;

/// The last resets.
#[derive(Debug, Default)]
pub struct GpuResets {
    last: [Option<Ns>; MOST],
}

impl GpuResets {
    /// The GPU was reset at `now`. Whether to render on it again: not after three resets in a
    /// minute, for then each new renderer is lost at once, and the session shows nothing.
    pub fn allow_another(&mut self, now: Ns) -> bool {
        self.last.rotate_right(1);
        self.last[0] = Some(now);
        self.last[MOST - 1].is_none_or(|first| now.saturating_sub(first) > LATELY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_that_is_reset_again_and_again_is_given_up() {
        const S: Ns = 1_000_000_000;
        let allowed = |at: &[Ns]| {
            let mut resets = GpuResets::default();
            at.iter().map(|at| resets.allow_another(*at)).collect::<Vec<_>>()
        };
        assert_eq!(allowed(&[S, 2 * S, 61 * S]), [true, true, false]);
        assert_eq!(allowed(&[S, 2 * S, 62 * S, 63 * S, 64 * S]), [true, true, true, true, false]);
        assert_eq!(allowed(&[S, 100 * S, 200 * S, 300 * S]), [true; 4]);
    }
}
