//! The subcommands of `syncline` that need no compositor: [`doctor`] says what a machine can do,
//! [`crc`] proves with display CRCs what a display shows. What the kernel logs and traces meanwhile
//! is read by [`kernel_log`] and [`kernel_trace`].
//!
//! Each has its own arguments, reports and exit statuses. This crate knows no Wayland, no event
//! loop and no seat manager, and it never depends on the compositor.

pub mod crc;
pub mod doctor;
pub mod kernel;
pub mod kernel_log;
pub mod kernel_trace;
mod terminal;
