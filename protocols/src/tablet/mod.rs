//! `tablet-v2`: what clients hear of graphics tablets, of the tools that are used on them, and of their pads.
//!
//! ```text
//!  zwp_tablet_seat_v2 ─┬─ zwp_tablet_v2       one for each tablet
//!                      ├─ zwp_tablet_tool_v2  one for each tool that has come near a tablet
//!                      └─ zwp_tablet_pad_v2 ─ groups ─ rings and strips
//! ```
//!
//! A tool has a focus of its own, a surface; a pad has that of the keyboard. A client that has several tablet seats
//! hears everything on the objects of each. An object that comes while its tool or pad is on a surface already
//! hears of that with the next change for tools, and at once for pads.
//!
//! A module of our own: Smithay's (version 1) has no pads, tells only one object of a client, says nothing when a
//! device is removed, and makes one frame of each axis. Dials are part of version 2, but the `input` crate does
//! not know them, so no pad has any.
//!
//! Nothing here decides what is under a tool, or shows an image.
//!
//! Source: `wayland-protocols/stable/tablet/tablet-v2.xml`.

mod device;
mod dispatch;
mod make;
mod pad;
mod pads;
mod state;
mod tool;

pub use device::TabletAbout;
pub use make::Member;
pub use pad::{GroupAbout, PadAbout, PadDoes};
pub use state::{OBJECTS, TOOLS, TabletHandler, Tablets};
pub use tool::{Axes, Tool, ToolNumber};
