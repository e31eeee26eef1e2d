//! Graphics tablets → clients: tools, pads, and the pointer that a tool moves.
//!
//! ```text
//!  a tool near its tablet ─ what is under it ─┬ a client that hears of tools ─→ zwp_tablet_tool_v2; nobody has the pointer
//!                                             └ anything else ───────────────→ the pointer; the tip is its left button
//!  a pad ─→ the client that has the keyboard
//! ```
//!
//! A tool that is pressed stays with what it was pressed on. While a button of the mouse is held, a window is moved,
//! or a menu of another client is open, a tool is a pointer, too. A press that is bound is the session's; one that
//! a client is told of focuses its window before, as a click does.
//!
//! Tablets and pads are those of libinput, in the order in which they come; what is known of them is in
//! [`protocols::tablet`].

mod devices;
mod life;
mod pads;
mod pens;
mod shape;

pub use pens::Does;
