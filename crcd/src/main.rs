//! `syncline-crcd`: the helper as a program, started by systemd when somebody asks, or by hand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use crcd::server::{Server, listen_at};
use crcd::{GROUP, activated, peer, privileges};

/// Where the kernel's debugfs is.
const DEBUGFS: &str = "/sys/kernel/debug";
/// How long it stays without work when systemd can start it again, for which a session's event loop
/// waits.
const IDLE: Duration = Duration::from_secs(600);

/// Opens display CRCs for the sessions of ordinary users.
///
/// It passes a program of root or of one group a descriptor of the CRC file of a display, and does
/// nothing else. systemd starts it (packaging/), or root with --socket.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Listen here. Without it the socket comes from systemd.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Whose members may ask, besides root: a name in /etc/group, or a number.
    #[arg(long, value_name = "NAME", default_value = GROUP)]
    group: String,
}

fn run(args: &Args) -> Result<(), String> {
    let list = std::fs::read_to_string("/etc/group").map_err(|error| format!("/etc/group: {error}"))?;
    let group = &args.group;
    let group = peer::group_id(&list, group)
        .ok_or_else(|| format!("there is no group {group} in /etc/group (groupadd --system {group})"))?;
    let (listener, idle) = match (&args.socket, activated()) {
        (Some(path), _) => {
            let failed = |(call, errno)| format!("{}: {call}: {errno}", path.display());
            (listen_at(path, group).map_err(failed)?, None)
        }
        (None, Some(listener)) => (listener, Some(IDLE)),
        (None, None) => return Err("no socket: start it by syncline-crcd.socket, or name one with --socket".into()),
    };
    privileges::keep_only_files().map_err(|errno| format!("it must be started by root ({errno})"))?;
    Server::new(listener, Path::new(DEBUGFS), group).run(idle).map_err(|errno| format!("accept: {errno}"))
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("syncline-crcd: error: {error}");
            ExitCode::FAILURE
        }
    }
}
