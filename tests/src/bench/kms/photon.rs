//! From a key to the picture: uinput, libinput, compositor, client, commit, flip.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::client::PATIENCE;
use crate::client::actor::Actor;
use crate::client::seat::Heard;
use crate::demo::record::Spread;
use crate::error::Result;
use crate::time::{Ns, now};
use crate::uinput::{Keyboard, code};

/// Keys pressed.
const KEYS: u32 = 60;

/// The row: the time from the event's being written to the kernel to the flip's time stamp.
pub fn row(options: &Options) -> Result<Row> {
    let keyboard = Keyboard::plug()?;
    let compositor = options.compositor(&[])?;
    let mut actor = Actor::new(&compositor, "photon", None)?;
    actor.client.seat()?;
    let mut frame = 0;
    actor.show(frame)?;
    let mut times: Vec<f64> = Vec::new();
    let mut refresh: Ns = 0;
    for n in 0..KEYS {
        // At another phase of the refresh each time.
        actor.client.idle(Duration::from_micros(40_000 + u64::from(n) * 1_283 % 16_667))?;
        let heard = presses(&actor);
        let pressed = now();
        keyboard.key(code::KEY_A, true)?;
        actor.client.wait_for("a key", PATIENCE, |s| count(&s.input.heard) > heard)?;
        frame += 1;
        let (_, shown) = actor.show(frame)?;
        keyboard.key(code::KEY_A, false)?;
        times.push((shown.time_ns.saturating_sub(pressed)) as f64 / 1e6);
        refresh = shown.refresh_ns.max(refresh);
    }
    actor.destroy()?;
    compositor.stop()?;
    let spread = Spread::of(times);
    let limit = refresh as f64 / 1e6 + 2.0;
    Ok(Row {
        what: "key to photon, ms (median; largest)",
        others: &["", ""],
        limit: format!("≤ {limit:.1}"),
        figures: vec![format!("{:.1}; {:.1}", spread.median, spread.max)],
        kept: spread.count > 0 && spread.median <= limit,
    })
}

fn presses(actor: &Actor) -> usize {
    count(&actor.client.state.input.heard)
}

fn count(heard: &[Heard]) -> usize {
    heard.iter().filter(|h| matches!(h, Heard::Key { pressed: true, .. })).count()
}
