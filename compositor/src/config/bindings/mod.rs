//! `[bindings]` and `[mode.NAME.bindings]`: which action a key, a button, a wheel, a gesture or a switch
//! performs.
//!
//! Nothing here sees an event: the session asks with the chords that an event may mean.

pub mod chord;
mod defaults;
mod entry;
mod key_names;
mod parse;
pub mod read;
pub mod set;
#[cfg(test)]
mod tests;

pub use self::{
    chord::{Chord, Mods, Toggle, Trigger},
    entry::{Entry, Origin, Situation, quoted},
    set::{Bindings, DEFAULT_MODE},
};
