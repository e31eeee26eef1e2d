//! Makes the answers to `syncline msg fences`, `buffers` and `clients` on request.

mod buffers;
mod clients;
mod fences;
