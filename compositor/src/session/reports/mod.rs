//! FrameCallbacks to `syncline msg fences` and `syncline msg buffers`, made when asked for.

mod buffers;
mod fences;
