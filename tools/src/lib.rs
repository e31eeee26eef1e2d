//! The subcommands of `syncline` that need no compositor: [`doctor`] looks at the machine, [`crc`] proves with
//! display CRCs what is on the screen.
//!
//! Each has its own arguments, reports and exit statuses. What this crate never does: it knows no Wayland, no event
//! loop and no seat, and it never depends on the compositor.

pub mod crc;
pub mod doctor;
