//! From a key to the image on the display: uinput, libinput, compositor, client, commit, flip.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::control::Control;
use crate::bench::judge::attempts;
use crate::client::PATIENCE;
use crate::client::actor::Actor;
use crate::client::seat::Heard;
use crate::demo::record::Spread;
use crate::error::Result;
use crate::time::{Ns, now};
use crate::uinput::{Keyboard, code};

/// Keys pressed.
const KEYS: u32 = 60;

/// Wake-ups between key and flip: the compositor's for the key, the client's, the compositor's for
/// the commit and for the latch.
const WAKEUPS: f64 = 4.0;
/// Beyond one refresh.
const MARGIN_MS: f64 = 2.0;

/// The row: the time from writing the event to the kernel to the flip's time stamp. In real time,
/// each wake-up may be as late as the middle sleeper's.
pub fn row(options: &Options) -> Result<Row> {
    let limit = |control: &Control, refresh: Ns| refresh as f64 / 1e6 + MARGIN_MS + WAKEUPS * control.median_ms;
    let kept = |(control, (times, refresh)): &(Control, (Spread, Ns))| {
        times.count > 0 && times.median <= limit(control, *refresh)
    };
    let measured = attempts(options.attempts(), || options.controlled(60, || press(options)), kept)?;
    let (control, (times, refresh)) = &measured;
    Ok(Row {
        what: "key to photon, ms (median; largest)",
        others: &["", ""],
        limit: format!("≤ {:.1}", limit(control, *refresh)),
        figures: vec![format!("{:.1}; {:.1}", times.median, times.max)],
        kept: kept(&measured),
    })
}

/// The times of all keys in ms, and the refresh interval.
fn press(options: &Options) -> Result<(Spread, Ns)> {
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
    Ok((Spread::of(times), refresh))
}

fn presses(actor: &Actor) -> usize {
    count(&actor.client.state.input.heard)
}

fn count(heard: &[Heard]) -> usize {
    heard.iter().filter(|h| matches!(h, Heard::Key { pressed: true, .. })).count()
}
