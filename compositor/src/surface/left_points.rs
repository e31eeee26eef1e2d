//! Acquire points of a client that were given up before they had a fence.
//!
//! The event loop has an eventfd for each point that it waits for. When a newer commit takes the
//! place of one that waits, the eventfd is closed, but the kernel frees its own part of it only with
//! the point's fence, or with the last handle of the syncobj. A client that never attaches those
//! fences could have the kernel keep any number of them, in nobody's account. So they are counted
//! until they come. Nothing here waits.

use std::sync::Mutex;

use fence::{Point, Timeline};

/// So many points are kept without asking for them.
const UNASKED: usize = 64;

/// The points of one client.
#[derive(Debug, Default)]
pub struct LeftPoints(Mutex<Left>);

#[derive(Debug, Default)]
struct Left {
    points: Vec<Point>,
    /// When there are so many they are asked for.
    ask_at: usize,
}

impl LeftPoints {
    /// One more. Returns how many there may be: those that have come are forgotten when the number
    /// has doubled, with one system call for each timeline.
    pub fn add(&self, point: Point) -> u32 {
        let mut left = self.0.lock().expect("no panic while locked");
        left.points.push(point);
        if left.points.len() >= left.ask_at.max(UNASKED) {
            left.points.sort_unstable_by_key(|point| point.timeline().handle());
            let mut asked: Option<(Timeline, u64)> = None;
            left.points.retain(|point| {
                let timeline = point.timeline();
                let come = match &asked {
                    Some((of, come)) if of == timeline => *come,
                    // A timeline that cannot be asked keeps its points.
                    _ => asked.insert((timeline.clone(), timeline.query_available().unwrap_or(0))).1,
                };
                point.value().max(1) > come
            });
            left.ask_at = 2 * left.points.len();
        }
        u32::try_from(left.points.len()).unwrap_or(u32::MAX)
    }
}
