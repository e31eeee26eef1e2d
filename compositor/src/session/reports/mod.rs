//! Makes the answers to `syncline msg fences`, `buffers` and `clients`, and the lists of windows and of
//! input devices, on request.

mod buffers;
mod clients;
pub mod devices;
mod events;
mod fences;
mod windows;
