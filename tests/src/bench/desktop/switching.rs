//! From a key to the other workspace on the screen: uinput, libinput, binding, commit, flip.

use std::time::Duration;

use super::desk::Desk;
use super::options::Options;
use crate::bench::Row;
use crate::bench::control::Control;
use crate::bench::judge::{ATTEMPTS, attempts};
use crate::bench::runs::counter;
use crate::demo::record::Spread;
use crate::error::{Error, Result};
use crate::time::now;
use crate::uinput::{Keyboard, code};

/// Windows of each workspace.
const WINDOWS: usize = 20;
/// From the key to the flip: one refresh at 60 Hz and this.
const REFRESH_MS: f64 = 1000.0 / 60.0;
const MARGIN_MS: f64 = 2.0;
/// Wake-ups between key and flip: for the key, and for the latch.
const WAKEUPS: f64 = 2.0;
/// After this the desktop rests again.
const PAUSE: Duration = Duration::from_millis(250);
const KEYS: [u16; 2] = [code::KEY_1, code::KEY_2];

/// What was seen of all switches.
struct Seen {
    ms: Spread,
    /// Switches that took more than one frame, or none.
    not_one: usize,
    missed: u64,
}

/// The rows: the time to the flip, frames of a switch, and vblanks missed.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let limit = |control: &Control| REFRESH_MS + MARGIN_MS + WAKEUPS * control.median_ms;
    let kept = |(control, seen): &(Control, Seen)| {
        seen.ms.median <= limit(control) && seen.not_one == 0 && seen.missed <= control.allowed(options.switches.into())
    };
    let measure = || {
        let (control, seen) = Control::around(u64::from(options.switches), || switch(options));
        Ok((control, seen?))
    };
    let (control, seen) = attempts(ATTEMPTS, measure, kept)?;
    let allowed = control.allowed(options.switches.into());
    Ok(vec![
        Row {
            what: "key to other workspace, 20 windows each, ms (median; largest)",
            others: &[],
            limit: format!("≤ {:.1}", limit(&control)),
            figures: vec![format!("{:.1}; {:.1}", seen.ms.median, seen.ms.max)],
            kept: seen.ms.median <= limit(&control),
        },
        Row {
            what: "switches that were not exactly one frame",
            others: &[],
            limit: "0".into(),
            figures: vec![format!("{} of {}", seen.not_one, options.switches)],
            kept: seen.not_one == 0,
        },
        Row {
            what: "vblanks missed by them",
            others: &[],
            limit: format!("≤ {allowed}"),
            figures: vec![seen.missed.to_string()],
            kept: seen.missed <= allowed,
        },
    ])
}

fn switch(options: &Options) -> Result<Seen> {
    let keyboard = Keyboard::plug()?;
    let mut desk = Desk::new(options, &[])?;
    desk.bar()?;
    desk.windows(WINDOWS)?;
    press(&keyboard, KEYS[1])?;
    desk.windows(WINDOWS)?;
    let (mut times, mut not_one) = (Vec::new(), 0);
    let missed = counter(&desk.compositor, "missed")?;
    for n in 0..options.switches {
        // At another phase of the refresh each time.
        desk.idle(Duration::from_micros(u64::from(n) * 1_283 % 16_667))?;
        let serial = desk.newest()?;
        keyboard.key(code::KEY_LEFTMETA, true)?;
        desk.idle(Duration::from_millis(20))?;
        let pressed = now();
        press_alone(&keyboard, KEYS[n as usize % 2])?;
        desk.idle(PAUSE)?;
        keyboard.key(code::KEY_LEFTMETA, false)?;
        let frames = desk.frames_after(serial)?;
        not_one += usize::from(frames.len() != 1);
        let Some(frame) = frames.first() else { continue };
        let flipped = frame["time_ns"].as_u64().ok_or_else(|| Error::Missing("time_ns in msg frames".into()))?;
        times.push(flipped.saturating_sub(pressed) as f64 / 1e6);
    }
    let missed = counter(&desk.compositor, "missed")? - missed;
    desk.compositor.stop()?;
    Ok(Seen { ms: Spread::of(times), not_one, missed })
}

fn press(keyboard: &Keyboard, key: u16) -> Result<()> {
    keyboard.chord(&[code::KEY_LEFTMETA, key])
}

fn press_alone(keyboard: &Keyboard, key: u16) -> Result<()> {
    keyboard.key(key, true)?;
    keyboard.key(key, false)
}
