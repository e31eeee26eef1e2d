//! Prints a report: a table for people, KTAP, TAP, JUnit XML or JSON for programs. Pure text of pure values.

mod junit;
mod table;
mod tap;

use super::args::Format;
use super::result::Report;

/// The whole report as text.
pub fn print(report: &Report, format: Format, colour: bool) -> String {
    match format {
        Format::Table => table::table(report, colour),
        Format::Ktap => tap::ktap(report),
        Format::Tap => tap::tap(report),
        Format::Junit => junit::junit(report),
        // Strings and numbers: there is nothing that JSON could not say.
        Format::Json => serde_json::to_string_pretty(report).unwrap_or_default() + "\n",
    }
}

#[cfg(test)]
mod tests;
