//! Windows and input as a user has them: real devices by uinput, real clients, and the screen to
//! look at.
//!
//! Every behaviour here is something that a user would miss on the first day. No test looks into
//! the compositor.

mod bindings;
mod clipboard;
mod cursor;
mod desk;
mod keyboard;
mod pointer;
mod popups;
mod tablet;
mod windows;
