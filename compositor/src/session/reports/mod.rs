//! Makes the answers to `syncline msg fences`, `buffers` and `clients`, and the list of windows, on
//! request.

mod buffers;
mod clients;
mod events;
mod fences;
mod windows;
