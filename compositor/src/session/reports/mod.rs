//! Makes the answers to `syncline msg fences`, `buffers` and `clients`, and the list of windows, on
//! request.

mod buffers;
mod clients;
mod fences;
mod windows;
