//! Command line of `syncline-demo-client`.

use clap::Parser;

use super::hostile::Kind;
use crate::client::buffer::Source;

/// Draws a moving image whose fences signal late, and reports in JSON what happened to each frame.
#[derive(Debug, Clone, Parser)]
#[command(name = "syncline-demo-client", version)]
pub struct Options {
    /// Wayland socket to connect to.
    #[arg(long, env = "WAYLAND_DISPLAY", default_value = "wayland-0")]
    pub socket: String,
    /// Frames to show, after those of the warm-up.
    #[arg(long, default_value_t = 600)]
    pub frames: u64,
    /// Frames shown before anything is counted.
    #[arg(long, default_value_t = 20)]
    pub warmup: u64,
    /// Buffers to draw into.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=8))]
    pub buffers: u32,
    /// Memory of the buffers.
    #[arg(long, value_enum, default_value_t = Source::Auto)]
    pub source: Source,
    /// How long before the vblank each fence signals, in milliseconds; after the last one of a list
    /// the first one follows.
    #[arg(long, value_delimiter = ',', default_value = "10,6,1")]
    pub lead_ms: Vec<f64>,
    /// How long after the beginning of a vblank its time stamp is, on displays that stamp the first
    /// line of a frame.
    #[arg(long, default_value_t = 0.0)]
    pub stamp_after_ms: f64,
    /// How long each fence is pending: the commit is that long before the signal, in milliseconds.
    #[arg(long, default_value_t = 5.0)]
    pub work_ms: f64,
    /// Be a window of this size instead of fullscreen.
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub windowed: Option<(u32, u32)>,
    /// Finish each frame before its commit: no late fences.
    #[arg(long)]
    pub plain: bool,
    /// Use wl_shm, and no explicit fences.
    #[arg(long, conflicts_with_all = ["plain", "never_signal", "never_materialise"])]
    pub shm: bool,
    /// After the frames, commit one whose fence never signals, and wait.
    #[arg(long)]
    pub never_signal: bool,
    /// After the frames, commit one whose acquire point never gets a fence, and wait.
    #[arg(long, conflicts_with = "never_signal")]
    pub never_materialise: bool,
    /// How long to wait after such a commit, in milliseconds.
    #[arg(long, default_value_t = 3000)]
    pub hold_ms: u64,
    /// Break a rule or die in a given state instead of being a good client.
    #[arg(long, value_enum)]
    pub hostile: Option<Kind>,
    /// Colour of the image, 0 to 255, to tell clients apart.
    #[arg(long, default_value_t = 0)]
    pub hue: u8,
    /// `app_id` of the window.
    #[arg(long, default_value = "org.syncline.demo")]
    pub app_id: String,
}

impl Options {
    /// The options of a command line without arguments other than these.
    pub fn from_args(args: &[&str]) -> Options {
        Options::parse_from(std::iter::once("syncline-demo-client").chain(args.iter().copied()))
    }
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let bad = || format!("{text:?} is not a size; write WIDTHxHEIGHT, for example 640x480");
    let (w, h) = text.split_once('x').ok_or_else(bad)?;
    match (w.parse(), h.parse()) {
        (Ok(w @ 1..=8192), Ok(h @ 1..=8192)) => Ok((w, h)),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("640x480"), Ok((640, 480)));
        for bad in ["", "640", "x", "0x4", "4x9999999"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn leads() {
        let options = Options::from_args(&["--lead-ms", "9,1.5", "--frames", "3"]);
        assert_eq!((options.lead_ms, options.frames), (vec![9.0, 1.5], 3));
    }
}
