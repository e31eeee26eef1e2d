//! `syncline doctor`: what of explicit sync, planes, colour, CRCs … this machine can do, what is missing, what to do about it.
//!
//! Three steps that meet only in values: [`probe`] finds [`facts`], [`checks`] judge them, [`report`] prints. It needs no DRM
//! master, runs beside any compositor, and changes nothing. Exit status: 0 a session can run, 1 it lacks something, 2 there
//! is no display device.

mod args;
mod card;
mod checks;
mod facts;
mod kernel;
mod probe;
mod quirks;
mod report;

use std::io::{self, IsTerminal, Write};

pub use args::DoctorArgs;

/// Version of the JSON's form.
const FORMAT: u32 = 1;

/// Looks, judges and prints; the exit status. Errors: those of writing to standard output.
pub fn run(args: &DoctorArgs) -> io::Result<u8> {
    let machine = probe::machine(args.device.as_deref());
    let report = checks::report(&machine);
    let mut out = io::stdout().lock();
    let text = if args.json {
        let whole = serde_json::json!({ "format": FORMAT, "report": report, "machine": machine });
        serde_json::to_string_pretty(&whole)? + "\n"
    } else {
        // https://no-color.org: set and not empty.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        report.text(out.is_terminal() && !plain)
    };
    out.write_all(text.as_bytes())?;
    Ok(report.status())
}

#[cfg(test)]
mod tests;
