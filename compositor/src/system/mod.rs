//! What joins the compositor to the system that it runs on.

pub mod log;
