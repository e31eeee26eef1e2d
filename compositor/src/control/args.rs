//! The arguments of `syncline msg`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::config::night_light::NightMode;

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
        /// Connector name of the display to show.
        #[arg(long, value_name = "NAME")]
        output: Option<String>,
        /// Number of the window to show, as `syncline msg windows` lists it: all of it, wherever it is.
        #[arg(long, value_name = "NUMBER", conflicts_with_all = ["output", "region"])]
        window: Option<u32>,
        /// Part of the desktop to show, as slurp prints it, e.g. "100,50 640x480".
        #[arg(long, value_name = "X,Y WxH", value_parser = region, conflicts_with = "output", allow_hyphen_values = true)]
        region: Option<[i32; 4]>,
    },
    /// Turn a display off or on.
    Output {
        /// Connector name as `syncline doctor` lists it, e.g. HDMI-A-1.
        name: String,
        /// New state of the display.
        #[arg(value_enum)]
        power: Power,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Power {
    On,
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_written_as_slurp_prints_it() {
        assert_eq!(region("100,50 640x480\n"), Ok([100, 50, 640, 480]));
        assert_eq!(region("-10,-20 1x2"), Ok([-10, -20, 1, 2]));
        for wrong in ["", "1,2", "1,2 3", "1,2 3x", "a,2 3x4", "1,2,3,4"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
