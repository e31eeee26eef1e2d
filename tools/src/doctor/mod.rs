//! `syncline doctor`: what explicit sync, planes, colour and CRCs can do on this machine, what is
//! missing, and what to do about it.
//!
//! Three steps that share only values: [`probe`] collects [`facts`], [`checks`] draw conclusions
//! from them, [`diagnosis`] formats these. It needs no DRM master, runs beside any compositor, and
//! changes nothing. Exit status: 0 a session can run, 1 something is missing, 2 there is no display
//! device.

mod args;
mod card;
mod checks;
mod diagnosis;
mod driver_notes;
mod facts;
mod probe;

use std::io::{self, Write};

pub use args::DoctorArgs;

use crate::terminal;

/// Version of the JSON format.
const FORMAT: u32 = 1;

/// The diagnosis of this machine.
#[derive(Debug)]
pub struct Report {
    /// For people, without colours.
    pub text: String,
    /// For programs, as with `--json`.
    pub json: String,
}

/// Probes the machine. Errors: none of the machine's; only if its facts are no JSON.
pub fn report() -> io::Result<Report> {
    let machine = probe::machine(None);
    let diagnosis = checks::diagnose(&machine);
    Ok(Report { text: diagnosis.text(false), json: json(&diagnosis, &machine)? })
}

fn json(diagnosis: &diagnosis::Diagnosis, machine: &facts::Machine) -> io::Result<String> {
    let whole = serde_json::json!({ "format": FORMAT, "report": diagnosis, "machine": machine });
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

/// Probes the machine, prints the diagnosis and returns the exit status. Errors: writing to
/// standard output.
pub fn run(args: &DoctorArgs) -> io::Result<u8> {
    let machine = probe::machine(args.device.as_deref());
    let diagnosis = checks::diagnose(&machine);
    let mut out = io::stdout().lock();
    let text = if args.json { json(&diagnosis, &machine)? } else { diagnosis.text(terminal::wants_colour(&out)) };
    out.write_all(text.as_bytes())?;
    Ok(diagnosis.exit_status())
}

#[cfg(test)]
mod tests;
