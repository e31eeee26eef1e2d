//! Reports for people and machines: what is pending, since when, and whose fault it is.
//!
//! It reads state and never changes any.

use std::fmt;

use crate::{Acquire, AcquireState, Ns, Payload, Predictor};

/// The watchdog's report on one [`Acquire`].
#[derive(Clone, Debug)]
pub struct Overdue {
    /// What it looked like.
    pub acquire: AcquireReport,
    /// What the client's syncobj held, if it could be asked: a binary one never has points.
    pub payload: Option<Payload>,
}

impl Overdue {
    pub(crate) fn new(acquire: &Acquire, now: Ns) -> Overdue {
        let payload = match acquire.state() {
            AcquireState::Unmaterialised => acquire.point().and_then(|point| point.timeline().payload().ok()),
            _ => None,
        };
        Overdue { acquire: AcquireReport::new(acquire, now, None), payload }
    }

    /// The same in one line with the culprit: the client's name and the request that brought the
    /// fence.
    pub fn blame(&self, client: &str, request: &str) -> String {
        format!("{client}: the acquire fence of {request} {self}")
    }
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AcquireReport { age_ns, driver, timeline, point, taken_back, .. } = &self.acquire;
        write!(f, "is overdue after {} ms: ", age_ns / 1_000_000)?;
        match (self.acquire.state, point) {
            ("unmaterialised", Some(point)) => write!(f, "point {point} was never submitted")?,
            (_, Some(point)) => write!(f, "the fence of point {point} is pending")?,
            _ => write!(f, "its fence is pending")?,
        }
        if !driver.is_empty() {
            write!(f, " (driver {driver}, timeline {timeline})")?;
        }
        match self.payload {
            Some(Payload::Empty) => write!(f, "; its syncobj is empty")?,
            Some(Payload::Binary) => write!(f, "; its syncobj is a binary one, which never has points")?,
            Some(Payload::Timeline(last)) => write!(f, "; its timeline is at {last}")?,
            None => {}
        }
        match taken_back {
            0 => Ok(()),
            times => write!(f, "; the client took it back {times} times"),
        }
    }
}

/// A snapshot of an [`Acquire`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AcquireReport {
    /// `unmaterialised`, `pending`, `signalled` or `failed`.
    pub state: &'static str,
    /// Since it was made.
    pub age_ns: Ns,
    /// Driver of the fence that is waited for; empty before it has materialised.
    pub driver: String,
    /// Timeline of that fence.
    pub timeline: String,
    /// Value of the point, if it came as one.
    pub point: Option<u64>,
    /// When it should signal by the surface's past (CLOCK_MONOTONIC).
    pub predicted_ns: Option<Ns>,
    /// Error of the fence as an errno.
    pub error: Option<i32>,
    /// How often the client took the point back.
    pub taken_back: u32,
}

impl AcquireReport {
    /// A snapshot as of `now`; with the surface's predictor also of the future.
    pub fn new(acquire: &Acquire, now: Ns, predictor: Option<&Predictor>) -> AcquireReport {
        let (state, error) = match acquire.state() {
            AcquireState::Unmaterialised => ("unmaterialised", None),
            AcquireState::Pending => ("pending", None),
            AcquireState::Signalled { .. } => ("signalled", None),
            AcquireState::Failed(error) => ("failed", Some(error.raw())),
        };
        AcquireReport {
            state,
            age_ns: acquire.age(now),
            driver: acquire.summary().driver.to_string(),
            timeline: acquire.summary().timeline.to_string(),
            point: acquire.point().map(crate::Point::value),
            predicted_ns: predictor.and_then(|predictor| predictor.predict(acquire.created())),
            error,
            taken_back: acquire.taken_back(),
        }
    }
}
