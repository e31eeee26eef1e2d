//! Several displays, each with a small animated window of its own: what a frame of a further one
//! costs, beside what a frame of a single one does.

use std::fs;
use std::time::Duration;

use crate::bench::Row;
use crate::bench::runs::counter;
use crate::error::{Error, Result};
use crate::uinput::Mouse;
use crate::user;
use crate::vkms::{Output, Vkms};

use super::animated::{Animated, SCREEN, SMALL};
use super::options::{Options, compositing};
use super::sample::{Sample, in_turn, median, up};

/// Displays; the first is the control.
const DISPLAYS: [usize; 3] = [1, 2, 4];
/// A push of the mouse that ends in a corner of the desktop, wherever it began.
const FAR: i32 = 9000;

/// The rows: one display, and the further ones of two and four.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let measured = in_turn(options.in_rounds(), &DISPLAYS, |displays| measure(options, *displays))?;
    let one = &measured[0];
    let fps = |of: &[Sample]| median(of.iter().map(Sample::fps));
    let mut rows = vec![Row {
        what: "control: one display with a small window: CPU ms a frame, fps",
        others: &[],
        limit: "–".into(),
        figures: vec![format!("{}, {:.1}", up(median(one.iter().map(Sample::cpu_ms))), fps(one))],
        kept: true,
    }];
    let names =
        ["the further one of 2 displays: CPU ms a frame, fps", "the further ones of 4 displays: CPU ms a frame, fps"];
    for (of, what) in measured[1..].iter().zip(names) {
        let further = || of.iter().zip(one).map(|(of, one)| (of.cpu_ms_of_further(one.cpu_ms()), one.cpu_ms()));
        let times = median(further().map(|(further, one)| further / one.max(f64::MIN_POSITIVE)));
        rows.push(Row {
            what,
            others: &[],
            limit: "≤ 1.0 × one".into(),
            figures: vec![format!("{}: {} ×, {:.1}", up(median(further().map(|f| f.0))), up(times), fps(of))],
            kept: times <= 1.0,
        });
    }
    Ok(rows)
}

fn measure(options: &Options, displays: usize) -> Result<Sample> {
    let vkms = Vkms::builder("scale").outputs(displays, Output::default()).build()?;
    let folder = user::folder()?;
    let config = folder.path().join("config.toml");
    fs::write(&config, layout(&vkms, displays)).map_err(Error::io("write a configuration"))?;
    let mouse = Mouse::plug()?;
    let compositor = compositing(vkms.card(), "pixman", SCREEN, &["--config", &config.to_string_lossy()])?;
    let mut animated = Animated::new(&compositor)?;
    for display in 0..displays {
        // A new window opens on the display where the pointer is.
        let (column, row) = cell(display);
        let push = |cell: i32| if cell == 0 { -FAR } else { FAR };
        mouse.by(push(column), push(row))?;
        std::thread::sleep(Duration::from_millis(100));
        animated.open(&SMALL)?;
    }
    animated.warm_up()?;
    let frames = counter(&compositor, "frames")?;
    let looked = animated.measure(compositor.process(), 20)?;
    let frames = counter(&compositor, "frames")? - frames;
    // On one display, two windows would share each frame.
    if frames < looked.shown.iter().sum() {
        return Err(Error::Other(format!(
            "{frames} frames for {:?} of the windows: two are on one display",
            looked.shown
        )));
    }
    let sample = animated.measure(compositor.process(), options.frames)?;
    compositor.stop()?;
    Ok(sample)
}

/// Column and row of a display: each of up to four has a corner of the desktop.
fn cell(display: usize) -> (i32, i32) {
    (display as i32 % 2, display as i32 / 2)
}

fn layout(vkms: &Vkms, displays: usize) -> String {
    let table = |display: usize| {
        let (column, row) = cell(display);
        let at = (column * SCREEN.0, row * SCREEN.1);
        format!("[[output]]\nname = \"{}\"\nposition = [{}, {}]\n", vkms.connector(display), at.0, at.1)
    };
    (0..displays).map(table).collect()
}
