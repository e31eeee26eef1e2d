//! One measurement: an animated window, alone or beside a bad client.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::bad::{Stop, is_end};
use super::options::Way;
use super::scenarios::{Deed, Scenario};
use crate::bench::scale::animated::{Animated, SMALL};
use crate::bench::scale::sample::Sample;
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::time::{after, now};
use crate::uinput::Mouse;

/// Open descriptors that a process may have.
const DESCRIPTORS: u64 = 524_288;

/// By how much the priority of a bad client's thread is lowered. The lab has one CPU: what a bad
/// client computes itself must not be what the other one lacks.
const LOWEST: i32 = 19;

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// Of the animated window.
    pub sample: Sample,
    /// By how much the compositor's resident memory grew at most since it had no client.
    pub grown_kib: u64,
    /// Why the bad client was ended, if it was.
    pub ended: Option<String>,
}

/// Lets this process and the compositors that it starts have as many descriptors as a session of a
/// usual system has: in the lab there are so few that a client is ended before it reaches the limit
/// for clients.
pub fn raise_descriptors() -> Result<()> {
    let most = Some(DESCRIPTORS);
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })
        .map_err(Error::call(format!("allow {DESCRIPTORS} descriptors (RLIMIT_NOFILE)")))
}

/// Measures the time of so many frames at 60 Hz, and until the bad client has done its deed.
pub fn measure(card: &Path, way: Way, scenario: Option<&Scenario>, frames: u64) -> Result<Measured> {
    let deed = scenario.map(|of| of.deed);
    // Before the compositor looks for devices.
    let mouse = (deed == Some(Deed::Cursor)).then(Mouse::plug).transpose()?;
    let compositor = way.start(card)?;
    let process = compositor.process();
    let before = process.rss_kib()?;
    let mut bad = deed.map(|deed| deed.open(&compositor, mouse)).transpose()?;
    let mut animated = Animated::new(&compositor)?;
    animated.open(&SMALL)?;
    animated.warm_up()?;
    let (stop, mut still) = (&Stop::default(), bad.as_mut());
    let (sample, result) = thread::scope(|scope| {
        let (mut acting, mut end) = (None, None);
        // The deed begins with the frame from which on is measured.
        let sample = animated.measure_until(process, |_| {
            let end = *end.get_or_insert_with(|| after(Duration::from_millis(frames * 1000 / 60)));
            if let Some(bad) = still.take() {
                acting = Some(scope.spawn(move || {
                    nice(LOWEST).map_err(Error::call("lower the priority of a bad client"))?;
                    bad.act(stop)
                }));
            }
            if now() >= end {
                stop.set();
            }
            now() >= end && acting.as_ref().is_none_or(thread::ScopedJoinHandle::is_finished)
        });
        stop.set();
        (sample, acting.map_or(Ok(Ok(())), thread::ScopedJoinHandle::join))
    });
    let sample = sample?;
    let ended = match result.map_err(|_| Error::Other("a bad client panicked".into()))? {
        Ok(()) => None,
        Err(error) if is_end(&error) => Some(why(&compositor, error, scenario.and_then(|of| of.ends.error()))),
        Err(error) => return Err(error),
    };
    let grown_kib = process.peak_rss_kib()?.saturating_sub(before);
    compositor.status()?;
    drop(bad);
    compositor.stop()?;
    Ok(Measured { sample, grown_kib, ended })
}

/// Why a client was ended: what it was told, else what the compositor's log has of what is expected.
fn why(compositor: &Compositor, error: Error, expected: Option<&str>) -> String {
    match error {
        Error::Protocol { message, .. } => message,
        error => match expected.filter(|text| compositor.log().contains(text)) {
            Some(expected) => expected.to_owned(),
            None => error.to_string(),
        },
    }
}
