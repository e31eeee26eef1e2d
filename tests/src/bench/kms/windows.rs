//! Many animated windows: each at the output's rate, and no vblank missed.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::runs::{client, counter, finish};
use crate::error::Result;

/// How many windows at once.
const COUNTS: [usize; 3] = [1, 4, 16];

/// One row for each number of windows: vblanks that the output missed, and what the slowest client got. `late`: how many a machine misses that
/// wakes sleepers so late.
pub fn rows(options: &Options, late: u64) -> Result<Vec<Row>> {
    let names =
        ["1 animated window: missed, fps", "4 animated windows: missed, fps", "16 animated windows: missed, fps"];
    COUNTS.iter().zip(names).map(|(count, what)| row(options, *count, what, late)).collect()
}

fn row(options: &Options, count: usize, what: &'static str, late: u64) -> Result<Row> {
    let compositor = options.compositor(&["--mode", "1024x768"])?;
    let clients = (0..count).map(|i| {
        let hue = (i * 16 % 256).to_string();
        client(&compositor, options.frames, &["--plain", "--windowed", "160x120", "--hue", &hue])
    });
    let clients = clients.collect::<Result<Vec<_>>>()?;
    // Starting up is over, and the end is not there yet.
    std::thread::sleep(Duration::from_secs(2));
    let missed = counter(&compositor, "missed")?;
    let span = Duration::from_millis(options.frames * 1000 / 60);
    std::thread::sleep(span.saturating_sub(Duration::from_secs(3)));
    let missed = counter(&compositor, "missed")? - missed;
    let mut slowest = f64::INFINITY;
    for client in clients {
        slowest = slowest.min(finish(client, span * 3 + Duration::from_secs(20))?.fps);
    }
    compositor.stop()?;
    let figures = vec![format!("{missed}, {slowest:.1}")];
    let limit = if late == 0 { "0, 60".into() } else { format!("≤ {late}, 58") };
    let kept = missed <= late && slowest > if late == 0 { 59.0 } else { 58.0 };
    Ok(Row { what, others: &["", ""], limit, figures, kept })
}
