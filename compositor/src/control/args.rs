//! The arguments of `syncline msg`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use crate::{config::night_light::NightMode, control::request::Shot};

#[derive(Debug, Args)]
pub struct MsgArgs {
    /// Wayland socket name of the compositor. Default: $WAYLAND_DISPLAY.
    #[arg(long, env = "WAYLAND_DISPLAY", value_name = "NAME")]
    pub socket: String,
    #[command(subcommand)]
    pub message: Message,
}

#[derive(Debug, Subcommand)]
pub enum Message {
    /// Stop the compositor.
    Quit,
    /// Save a screenshot as a PNG file: of the first display, if nothing else is said.
    Screenshot {
        /// File to write.
        file: PathBuf,
        #[command(flatten)]
        of: ShotArgs,
        /// Compare the CRC of the picture with the CRC that the display had for the same frame. Exit status: 0
        /// equal, 1 different, 2 not known, with the reason.
        #[arg(long)]
        prove: bool,
        /// Print the proof as JSON, for programs; docs/capture.md describes the fields.
        #[arg(long, requires = "prove")]
        json: bool,
    },
    /// Record what a display, a window or a part of the desktop shows, without compression, until interrupted: the
    /// first display, if nothing else is said. `syncline msg record - | ffmpeg -i - out.mp4` compresses it.
    Record(RecordArgs),
    /// Turn a display off or on, or change how it is shown; `syncline msg output keep` keeps a new mode, and `syncline
    /// msg output create` makes a display that only clients see.
    #[command(subcommand_negates_reqs = true)]
    Output {
        /// Connector name as `syncline doctor` lists it, e.g. HDMI-A-1.
        #[arg(required = true)]
        name: Option<String>,
        #[command(subcommand)]
        change: Option<OutputChange>,
    },
    /// Make displays warmer, as at night.
    NightLight {
        /// Whether they are, until the session ends or another request.
        #[arg(value_enum)]
        mode: NightMode,
    },
    /// Perform an action, as a key binding does; `syncline actions` lists them.
    Action {
        /// The action with its arguments, in one word or several: `"focus left"` or `focus left`.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        action: Vec<String>,
    },
    /// Read the configuration again.
    Reload,
    /// Show the state of the running session.
    Status {
        /// Print JSON, for programs: all that is known, with every counter.
        #[arg(long)]
        json: bool,
    },
    /// List the displays that are part of the desktop: mode, place, and what they show.
    Outputs {
        /// Print JSON, for programs: all that is known of each.
        #[arg(long)]
        json: bool,
    },
    /// List the windows: on which workspace each is, where, and how.
    Windows {
        /// Print JSON, for programs; docs/desktop.md describes the fields.
        #[arg(long)]
        json: bool,
    },
    /// List the workspaces: on which display each is, and how it lays out its windows.
    Workspaces {
        /// Print JSON, for programs; docs/desktop.md describes the fields.
        #[arg(long)]
        json: bool,
    },
    /// List the input devices: what each is, and what it calls itself.
    Devices {
        /// Print JSON, for programs; docs/ipc.md describes the fields.
        #[arg(long)]
        json: bool,
    },
    /// Print the state of the desktop, and then each change of windows, workspaces and displays, until
    /// interrupted: one JSON object per line; docs/ipc.md describes them.
    Events,
    /// List the dma-bufs of clients: how the renderer reads each one, and which cards scan it out.
    Buffers {
        /// Print JSON, for programs; docs/cards.md describes the fields.
        #[arg(long)]
        json: bool,
    },
    /// List clients with what they use, against the limits of the configuration.
    Clients {
        /// Print JSON, for programs; docs/limits.md describes the fields.
        #[arg(long)]
        json: bool,
    },
    /// List pending acquire fences, unreleased buffers with their users, and the reports of the
    /// watchdog.
    Fences {
        /// Print JSON, for programs; docs/fences.md describes the fields.
        #[arg(long)]
        json: bool,
    },
    /// Turn display CRCs of the running session on or off, and show their results. This needs
    /// debugfs and a compositor with permission to read it, or syncline-crcd (docs/crc.md).
    Crc {
        #[command(subcommand)]
        action: CrcAction,
    },
    /// List the last frames of each display: when each was shown, what was on which plane, and what
    /// its CRC says.
    Frames {
        /// Connector name. Default: all displays.
        output: Option<String>,
        /// Print one JSON object per line, for programs; docs/crc.md describes the fields.
        #[arg(long)]
        json: bool,
        /// Continue until interrupted, and print each frame as soon as its CRC is judged.
        #[arg(long)]
        follow: bool,
    },
}

/// What becomes of a display.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum OutputChange {
    /// Turn it on.
    On,
    /// Turn it off.
    Off,
    /// Set its mode. After 15 seconds it goes back, unless you say `syncline msg output keep`.
    Mode {
        /// Size and refresh rate, as 1920x1080 or 1920x1080@60.
        mode: String,
        /// Keep it, whether or not anything is seen.
        #[arg(long)]
        keep: bool,
    },
    /// Set how many of its pixels are one of the desktop.
    Scale {
        /// 0.5 to 10.
        scale: f64,
    },
    /// Turn or reflect its image.
    Transform {
        /// normal, 90, 180, 270, flipped, flipped-90, flipped-180 or flipped-270.
        transform: String,
    },
    /// Move its upper left corner on the desktop.
    #[command(allow_negative_numbers = true)]
    Position { x: i32, y: i32 },
    /// Show what another display shows, scaled to fit; it is no part of the desktop then.
    Mirror {
        /// The connector name of that display, or off.
        of: String,
    },
    /// Make a display that only clients see, for example for a program that shows it elsewhere; prints its name.
    Create(CreateArgs),
    /// Remove it, if `create` has made it. Its windows go as if it was pulled out.
    Remove,
    /// Let its refresh rate vary, or not.
    Vrr {
        #[arg(value_enum)]
        state: Power,
    },
}

/// A display that is to be made.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct CreateArgs {
    /// Its size in pixels, 16x16 to 8192x8192. Default: 1920x1080.
    #[arg(long, value_name = "WxH")]
    pub size: Option<String>,
    /// Its frames a second, 5 to 1000. Default: 60.
    #[arg(long, value_name = "HZ")]
    pub refresh: Option<f64>,
    /// How many of its pixels are one of the desktop, 0.5 to 10. Default: 1.
    #[arg(long, value_name = "S")]
    pub scale: Option<f64>,
    /// Its name. Default: the first of HEADLESS-1, HEADLESS-2 … that is free.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// What a picture shows.
#[derive(Debug, Clone, Args)]
pub struct ShotArgs {
    /// Connector name of the display to show.
    #[arg(long, value_name = "NAME")]
    pub output: Option<String>,
    /// Number of the window to show, as `syncline msg windows` lists it: all of it, wherever it is.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["output", "region"])]
    pub window: Option<u32>,
    /// Part of the desktop to show, as slurp prints it, e.g. "100,50 640x480".
    #[arg(long, value_name = "X,Y WxH", value_parser = region, conflicts_with = "output", allow_hyphen_values = true)]
    pub region: Option<[i32; 4]>,
}

impl ShotArgs {
    /// The same, in the words of a request.
    pub fn shot(&self) -> Shot {
        Shot { output: self.output.clone(), window: self.window, region: self.region }
    }
}

#[derive(Debug, Args)]
pub struct RecordArgs {
    /// File to write (Matroska), or - for standard output.
    pub file: PathBuf,
    #[command(flatten)]
    pub of: ShotArgs,
    /// End after so many seconds.
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// Include the pointer.
    #[arg(long)]
    pub pointer: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum CrcAction {
    /// Read and judge the CRC of every frame from now on.
    On {
        /// Connector name. Default: all displays, including those that are plugged in later.
        output: Option<String>,
        /// Where in the display pipeline the CRC is taken (see `syncline crc sources`). Default: at
        /// its end.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// Stop reading CRCs.
    Off {
        /// Connector name. Default: all displays.
        output: Option<String>,
    },
    /// Show the results so far, and the last changes of the screen without a frame.
    Status {
        /// Connector name. Default: all displays.
        output: Option<String>,
        /// Print JSON, for programs; docs/crc.md describes the fields.
        #[arg(long)]
        json: bool,
    },
    /// Show the scene once with planes and once fully composited, and compare both CRCs. Exit
    /// status: 0 equal, 1 different, 2 not possible.
    Check {
        /// Connector name. Default: the only display.
        output: Option<String>,
        /// Print JSON, for programs; docs/crc.md describes the fields.
        #[arg(long)]
        json: bool,
    },
}

/// Reads `x,y widthxheight`.
fn region(text: &str) -> Result<[i32; 4], String> {
    let read = || {
        let (at, size) = text.trim().split_once(' ')?;
        let ((x, y), (width, height)) = (at.split_once(',')?, size.split_once('x')?);
        let numbers = [x, y, width, height].map(|number| number.trim().parse().ok());
        let [Some(x), Some(y), Some(width), Some(height)] = numbers else { return None };
        Some([x, y, width, height])
    };
    read().ok_or_else(|| "write \"X,Y WIDTHxHEIGHT\", for example \"100,50 640x480\"".to_owned())
}

/// Reads a time in seconds, with a fraction or without.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "write seconds, for example 10 or 2.5".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Power {
    On,
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_are_changed_in_these_words() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(subcommand)]
            message: Message,
        }
        let parse = |words: &str| {
            let words = ["msg", "output"].into_iter().chain(words.split(' '));
            match clap::Parser::try_parse_from(words) {
                Ok(Line { message: Message::Output { name, change } }) => Some((name, change)),
                _ => None,
            }
        };
        let change = |words: &str| parse(words).and_then(|(_, change)| change);
        assert_eq!(parse("keep"), Some((Some("keep".to_owned()), None)));
        let none = CreateArgs { size: None, refresh: None, scale: None, name: None };
        assert_eq!(parse("create"), Some((None, Some(OutputChange::Create(none.clone())))));
        let created =
            CreateArgs { size: Some("64x48".into()), refresh: Some(30.0), scale: Some(2.0), name: Some("tv".into()) };
        let words = "create --size 64x48 --refresh 30 --scale 2 --name tv";
        assert_eq!(parse(words), Some((None, Some(OutputChange::Create(created)))));
        assert_eq!(parse("HEADLESS-1 remove"), Some((Some("HEADLESS-1".to_owned()), Some(OutputChange::Remove))));
        assert_eq!(change("DP-1 off"), Some(OutputChange::Off));
        let mode = |keep| OutputChange::Mode { mode: "800x600@60".to_owned(), keep };
        assert_eq!(change("DP-1 mode 800x600@60"), Some(mode(false)));
        assert_eq!(change("DP-1 mode 800x600@60 --keep"), Some(mode(true)));
        assert_eq!(change("DP-1 position -1920 -5"), Some(OutputChange::Position { x: -1920, y: -5 }));
        assert_eq!(change("DP-1 scale 1.5"), Some(OutputChange::Scale { scale: 1.5 }));
        assert_eq!(change("DP-1 vrr on"), Some(OutputChange::Vrr { state: Power::On }));
        assert_eq!(change("DP-2 mirror DP-1"), Some(OutputChange::Mirror { of: "DP-1".to_owned() }));
        for wrong in ["DP-2 mirror", "DP-1 position 1", "DP-1 vrr maybe", "DP-1 scale big", "DP-1 mode"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_region_is_written_as_slurp_prints_it() {
        assert_eq!(region("100,50 640x480\n"), Ok([100, 50, 640, 480]));
        assert_eq!(region("-10,-20 1x2"), Ok([-10, -20, 1, 2]));
        for wrong in ["", "1,2", "1,2 3", "1,2 3x", "a,2 3x4", "1,2,3,4"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn a_time_is_more_than_nothing() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        for wrong in ["", "0", "-1", "1e300", "NaN", "ten"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
