//! A client of a Wayland session that takes pictures of displays and windows, by
//! `ext-image-copy-capture-v1` into shared memory, and what is done with their pixels.
//!
//! ```text
//!  session ─ frames ─→ Camera: the whole picture, with what has changed ─→ View: a part, upright
//!                                                      Film (Matroska), png ←──┘
//! ```
//!
//! It runs in a process of its own and may wait: for the session, a disk, a reader. No session waits for
//! it. It knows nothing of fences, planes and CRCs.

mod client;
mod error;
mod film;
mod heard;
mod picture;
mod view;

pub use client::{Camera, Shown, Subject};
pub use error::Error;
pub use film::Film;
pub use picture::write_png;
pub use view::{Transform, View};
