//! What was measured of a scenario, and the medians by which it is judged.
//!
//! A scenario is compared with the control of the same round, which was measured a few seconds
//! before: what else the machine does falls on both. The median of these quotients counts. In a
//! sample the middle block of frames counts: what the machine does for a tenth of a second falls on
//! few of them.

use crate::demo::record::Spread;
use crate::error::Result;
use crate::time::{Ns, S};

/// What a compositor spent while animated windows were shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// CPU time of all its threads.
    pub cpu_ns: u64,
    /// In this time.
    pub span: Ns,
    /// Frames of each window.
    pub shown: Vec<u64>,
    /// CPU time for each frame of the first window, in ms, block by block.
    pub blocks: Vec<f64>,
}

impl Sample {
    /// CPU time for each frame of the first window: that of the middle block.
    pub fn cpu_ms(&self) -> f64 {
        median(self.blocks.iter().copied())
    }

    /// CPU time for each frame of the windows after the first, where a frame of the first costs
    /// `first_ms`.
    pub fn cpu_ms_of_further(&self, first_ms: f64) -> f64 {
        let Some((first, further)) = self.shown.split_first() else { return 0.0 };
        ms(self.cpu_ns as f64 - first_ms * 1e6 * *first as f64, further.iter().sum())
    }

    /// Frames a second of the slowest window.
    pub fn fps(&self) -> f64 {
        let slowest = self.shown.iter().min().copied().unwrap_or(0);
        slowest as f64 * S as f64 / self.span.max(1) as f64
    }
}

/// How often scenarios are measured.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// How often each.
    pub count: u32,
    /// Whether each measurement is printed.
    pub verbose: bool,
}

/// The ms of one of so many frames.
pub fn ms(ns: f64, frames: u64) -> f64 {
    ns / 1e6 / frames.max(1) as f64
}

/// The middle one of some values.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    Spread::of(values).median
}

/// The middle quotient of a figure and that of its control in the same round.
pub fn times<T>(of: &[T], control: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    median(of.iter().zip(control).map(|(of, control)| figure(of) / figure(control).max(f64::MIN_POSITIVE)))
}

/// With two decimals, rounded up: what is over its limit is never shown as the limit.
pub fn up(value: f64) -> String {
    // 1.1 × 100 is a little more than 110.
    // And nothing is not "-0.00".
    format!("{:.2}", (value * 100.0 - 1e-6).ceil() / 100.0 + 0.0)
}

/// Measures all scenarios in turn, in so many rounds; the measurements of each.
pub fn in_turn<S, T: std::fmt::Debug>(
    rounds: Rounds,
    scenarios: &[S],
    mut measure: impl FnMut(&S) -> Result<T>,
) -> Result<Vec<Vec<T>>>
where
    S: std::fmt::Debug,
{
    let mut measured: Vec<Vec<T>> = scenarios.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds.count {
        for (scenario, of_it) in scenarios.iter().zip(&mut measured) {
            let figures = measure(scenario)?;
            if rounds.verbose {
                println!("round {round}, {scenario:?}: {figures:?}");
            }
            of_it.push(figures);
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(cpu_ms: u64, shown: &[u64]) -> Sample {
        let cpu_ns = cpu_ms * 1_000_000;
        let blocks = shown.first().map(|frames| ms(cpu_ns as f64, *frames));
        Sample { cpu_ns, span: S, shown: shown.to_vec(), blocks: blocks.into_iter().collect() }
    }

    #[test]
    fn a_frame_is_one_of_the_first_window_and_the_slowest_sets_the_rate() {
        let sample = sample(120, &[60, 30]);
        assert_eq!((sample.cpu_ms(), sample.fps()), (2.0, 30.0));
        assert_eq!(sample.cpu_ms_of_further(1.0), 2.0, "60 ms are left for 30 frames");
    }

    #[test]
    fn a_busy_tenth_of_a_second_falls_on_one_block() {
        let sample = Sample { blocks: vec![0.4, 0.4, 9.0, 0.5, 0.4], ..sample(120, &[60]) };
        assert_eq!(sample.cpu_ms(), 0.4);
    }

    #[test]
    fn each_round_is_compared_with_its_own_control() {
        // The machine was busy in the second round, and busier in the third.
        let (control, of) = ([10, 20, 40], [11, 22, 44]);
        let samples = |all: [u64; 3]| all.map(|cpu| sample(cpu, &[10]));
        assert!((times(&samples(of), &samples(control), Sample::cpu_ms) - 1.1).abs() < 1e-9);
        assert_eq!(times::<Sample>(&[], &[], Sample::cpu_ms), 0.0);
    }

    #[test]
    fn figures_are_rounded_up() {
        assert_eq!([up(1.2), up(1.201), up(1.1), up(0.0)], ["1.20", "1.21", "1.10", "0.00"]);
    }
}
