//! Progress of a build that takes minutes: a bar with the time left on a terminal, a plain line now
//! and then elsewhere.
//!
//! Everything goes to standard error; standard output belongs to the command that waits for the
//! build.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Off a terminal, a line at most this often.
const QUIET_PERIOD: Duration = Duration::from_secs(15);

/// Shows how far a count of steps has come.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    what: String,
    expected: u64,
    done: u64,
    begun: Instant,
    said: Instant,
}

impl Progress {
    /// Begins; `what` is done in `expected` steps, an estimate.
    pub fn begin(what: &str, expected: u64) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(expected);
            if let Ok(style) =
                ProgressStyle::with_template("{msg} [{bar:30}] {percent:>3} %  {elapsed} elapsed, {prefix} left")
            {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        if bar.is_none() {
            eprintln!("{what} …");
        }
        Self { bar, what: what.to_owned(), expected, done: 0, begun: now, said: now }
    }

    /// One step more.
    pub fn step(&mut self) {
        self.done += 1;
        let left = time_left(self.done, self.expected, self.begun.elapsed());
        if let Some(bar) = &self.bar {
            bar.set_position(self.done.min(self.expected));
            bar.set_prefix(clock(left));
        } else if self.said.elapsed() >= QUIET_PERIOD {
            self.said = Instant::now();
            let percent = self.done.min(self.expected) * 100 / self.expected.max(1);
            eprintln!("{} {percent} %, about {} left", self.what, clock(left));
        }
    }

    /// Ends and leaves one line behind.
    pub fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{} took {}", self.what, clock(Some(self.begun.elapsed())));
    }

    /// Steps seen.
    pub fn done(&self) -> u64 {
        self.done
    }
}

/// Time left at the pace so far; `None` while there is no pace yet. Never less than a second, since
/// the count is an estimate.
fn time_left(done: u64, expected: u64, elapsed: Duration) -> Option<Duration> {
    if done < 10 || elapsed < Duration::from_secs(2) {
        return None;
    }
    let steps = expected.saturating_sub(done);
    let left = elapsed.as_secs_f64() / done as f64 * steps as f64;
    Some(Duration::from_secs_f64(left.max(1.0)))
}

/// `2:05`, or `?`.
fn clock(time: Option<Duration>) -> String {
    match time.map(|t| t.as_secs()) {
        Some(seconds) => format!("{}:{:02}", seconds / 60, seconds % 60),
        None => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_pace() {
        let s = Duration::from_secs;
        assert_eq!(time_left(5, 1000, s(10)), None, "too few steps for a pace");
        assert_eq!(time_left(500, 1000, s(1)), None);
        assert_eq!(time_left(500, 1000, s(100)), Some(s(100)));
        assert_eq!(time_left(1200, 1000, s(100)), Some(s(1)), "more steps than expected");
        assert_eq!(clock(Some(s(125))), "2:05");
        assert_eq!(clock(None), "?");
    }
}
