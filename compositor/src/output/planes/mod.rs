//! The planes of one frame: which of them shows which layer, what is composited, and the atomic
//! request.
//!
//! Nothing here knows windows, and nothing here reads a clock.

pub mod assign;
pub mod attempt;
pub mod content_type;
pub mod damage;
pub mod fill;
pub mod hints;
pub mod implicit;
pub mod layout_change;
pub mod record;
pub mod refused_buffers;
pub mod refused_layouts;
pub mod request;
pub mod submit;
pub mod tear;
