//! Actions: what a key, a button, a gesture, `syncline msg action` or a configuration can ask of the
//! session, as values.
//!
//! [`table::TABLE`] has all of them with their arguments and a line of help; [`Action::parse`] reads them from
//! text. Nothing here does anything: `session/actions/` does.

pub mod action;
mod parse;
pub mod spelling;
pub mod table;
#[cfg(test)]
mod tests;
mod words;

pub use action::Action;
