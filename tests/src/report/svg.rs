//! The fence timeline: one row a commit, time to the right.
//!
//! ```text
//!              flip      flip      flip
//! commit 311   ▒▒▒▲┃▓▓▓▓▓█████◆████●
//! commit 312         ▒▒▒▒▒▒┃▓▲▓█████◆████●
//! ```

use std::fmt::Write;

use crate::time::Ns;
use crate::trace::timeline::Journey;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const ROW: f64 = 34.0;
const BAR: f64 = 14.0;

/// Time to position.
struct Scale {
    from: Ns,
    to: Ns,
}

impl Scale {
    fn x(&self, t: Ns) -> f64 {
        let span = (self.to - self.from).max(1) as f64;
        let t = t.clamp(self.from, self.to);
        LEFT + (t - self.from) as f64 / span * (WIDTH - LEFT - RIGHT)
    }
}

/// Draws the journeys; an empty note where there are none.
pub fn timeline(journeys: &[Journey]) -> String {
    let begin = journeys.iter().map(|j| j.committed).min();
    let end = journeys.iter().filter_map(|j| j.released.or(j.flipped)).max();
    let (Some(from), Some(to)) = (begin, end) else {
        return "<p class=\"note\">The trace shows no commit that reached the screen.</p>".into();
    };
    let scale = Scale { from: from.saturating_sub(300_000), to: to + 700_000 };
    let height = TOP + ROW * journeys.len() as f64 + 26.0;
    let mut svg = format!(
        "<div class=\"scroll\"><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"Fence timeline of {} commits\">\n",
        journeys.len()
    );
    flips(&mut svg, &scale, journeys, height);
    for (i, journey) in journeys.iter().enumerate() {
        row(&mut svg, &scale, journey, TOP + ROW * i as f64);
    }
    axis(&mut svg, &scale, height);
    svg += "</svg></div>";
    svg
}

/// A dashed line at each flip, with the frame's number.
fn flips(svg: &mut String, scale: &Scale, journeys: &[Journey], height: f64) {
    let mut all: Vec<(Ns, u64)> = journeys.iter().filter_map(|j| Some((j.flipped?, j.frame))).collect();
    // The last one's release is a flip, too, of a frame that is not in this excerpt.
    all.sort_unstable();
    all.dedup();
    let mut labelled = f64::NEG_INFINITY;
    for (time, frame) in all {
        let x = scale.x(time);
        let _ =
            writeln!(svg, "<line class=\"vbl\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"22\" y2=\"{:.1}\"/>", height - 22.0);
        // Where flips are close, the later label is left out.
        if x - labelled > 62.0 {
            labelled = x;
            let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"14\" text-anchor=\"middle\">frame {frame}</text>");
        }
    }
}

fn row(svg: &mut String, scale: &Scale, j: &Journey, top: f64) {
    let y = top + (ROW - BAR) / 2.0;
    let middle = top + ROW / 2.0;
    let ms = |a: Ns, b: Ns| (b as f64 - a as f64) / 1e6;
    let mut bar = |class: &str, from: Ns, to: Ns, title: &str| {
        let (x, w) = (scale.x(from), scale.x(to) - scale.x(from));
        if to > from {
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{BAR}\" rx=\"2\"><title>{title} ({:.2} ms)</title></rect>",
                ms(from, to)
            );
        }
    };
    let flipped = j.flipped.unwrap_or(scale.to);
    let acquired = j.acquired.unwrap_or(j.committed).min(flipped);
    let latched = j.latched.unwrap_or(acquired);
    bar("wait", j.committed, acquired, "acquire fence pending");
    bar("queue", acquired.max(latched.min(acquired)), flipped, "on its way to the vblank");
    bar("screen", flipped, j.released.unwrap_or(scale.to), "on the screen");
    let _ = writeln!(
        svg,
        "<text class=\"name\" x=\"0\" y=\"{:.1}\">commit {}</text><text x=\"0\" y=\"{:.1}\">{}</text>",
        middle - 1.0,
        j.commit,
        middle + 12.0,
        mode(&j.mode)
    );
    if let Some(latch) = j.latched {
        let x = scale.x(latch);
        let (a, b) = (y - 4.0, y + BAR + 4.0);
        let _ = writeln!(
            svg,
            "<line class=\"latch\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{a:.1}\" y2=\"{b:.1}\"><title>latch</title></line>"
        );
    }
    if j.acquired.is_some_and(|t| t > j.committed) {
        let (x, y) = (scale.x(acquired), y + BAR);
        let _ = writeln!(
            svg,
            "<path class=\"signal\" d=\"M{x:.1} {:.1}l5 9h-10z\"><title>acquire fence signals, {:.2} ms before the flip</title></path>",
            y - 2.0,
            ms(acquired, flipped)
        );
    }
    if let Some(at) = j.materialised {
        let x = scale.x(at);
        let _ = writeln!(
            svg,
            "<path class=\"mat\" d=\"M{x:.1} {:.1}l6 6l-6 6l-6 -6z\"><title>release point has its fence</title></path>",
            middle - 6.0
        );
    }
    if let Some(at) = j.released {
        let x = scale.x(at);
        let _ = writeln!(
            svg,
            "<circle class=\"rel\" cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"5\"><title>release fence signals</title></circle>"
        );
    }
}

fn mode(mode: &str) -> &'static str {
    match mode {
        "kms" => "KMS waits",
        "gpu" => "GPU waits",
        "waited" => "waited for",
        _ => "ready",
    }
}

/// A scale in milliseconds below.
fn axis(svg: &mut String, scale: &Scale, height: f64) {
    let y = height - 20.0;
    let _ =
        writeln!(svg, "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>", WIDTH - RIGHT);
    let span = scale.to - scale.from;
    let step =
        [1, 2, 5, 10, 20, 50, 100, 500].into_iter().map(|ms| ms * 1_000_000).find(|s| span / s <= 14).unwrap_or(span);
    let mut t = 0;
    while t <= span {
        let x = scale.x(scale.from + t);
        if x > WIDTH - 28.0 {
            break;
        }
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y:.1}\" y2=\"{:.1}\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} ms</text>",
            y + 4.0,
            y + 17.0,
            t / 1_000_000
        );
        t += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_draw() {
        assert!(timeline(&[]).contains("no commit"));
    }

    #[test]
    fn marks_stay_inside_the_picture() {
        let journey = Journey {
            surface: 1,
            commit: 7,
            frame: 3,
            committed: 1_000_000,
            acquired: Some(9_000_000),
            mode: "kms".into(),
            latched: Some(8_000_000),
            kms: Some((8_000_000, 8_100_000)),
            flipped: Some(10_000_000),
            materialised: Some(24_000_000),
            released: Some(26_000_000),
        };
        let svg = timeline(&[journey]);
        for part in
            ["class=\"wait\"", "class=\"queue\"", "class=\"screen\"", "class=\"mat\"", "class=\"rel\"", "KMS waits"]
        {
            assert!(svg.contains(part), "{part}");
        }
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
        for x in svg.split("x=\"").skip(1).filter_map(|s| s.split('"').next()?.parse::<f64>().ok()) {
            assert!((0.0..=WIDTH).contains(&x), "{x}");
        }
    }
}
