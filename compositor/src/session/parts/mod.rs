//! State that belongs to the session alone, as plain data: what waits, what was requested, whether
//! the user is away.
//!
//! Nothing here names [`super::Syncline`]; the files beside this folder work on it.

pub mod absence;
pub mod bars;
pub mod captures;
pub mod comparison;
pub mod configuration;
pub mod crc;
pub mod displays;
pub mod globals;
pub mod held;
pub mod hold;
pub mod inputs;
pub mod keys;
pub mod motion;
pub mod night;
pub mod pens;
pub mod power;
pub mod recall;
pub mod requests;
pub mod sandboxes;
pub mod surfaces;
pub mod text;
pub mod virtual_devices;
