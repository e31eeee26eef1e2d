//! The planes of one frame: which of them shows which layer, what is composited, and the atomic request.
//!
//! Nothing here knows windows or time.

pub mod account;
pub mod assign;
pub mod attempt;
pub mod blame;
pub mod content_type;
pub mod damage;
pub mod gather;
pub mod hints;
pub mod request;
pub mod submit;
pub mod tear;
