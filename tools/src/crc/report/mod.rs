//! A report as text: a table for people; KTAP, TAP, JUnit XML or JSON for programs. It prints
//! nothing.

mod junit;
mod table;
mod tap;

use super::args::Format;
use super::result::Report;

/// The report in this format. Only the table has colours.
pub fn text(report: &Report, format: Format, colour: bool) -> String {
    match format {
        Format::Table => table::table(report, colour),
        Format::Ktap => tap::ktap(report),
        Format::Tap => tap::tap(report),
        Format::Junit => junit::junit(report),
        // Strings and numbers only: this cannot fail.
        Format::Json => serde_json::to_string_pretty(report).unwrap_or_default() + "\n",
    }
}

#[cfg(test)]
mod tests;
