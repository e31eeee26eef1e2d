//! Windows: what clients ask for, what the user does to them, and which outputs they are on.

mod displays;
mod interact;
mod leave;
mod menus;
pub mod popups;
mod remap;
mod subsurfaces;
mod xdg;
