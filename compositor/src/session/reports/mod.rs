//! Makes the answers to `syncline msg fences` and `syncline msg buffers` on request.

mod buffers;
mod fences;
