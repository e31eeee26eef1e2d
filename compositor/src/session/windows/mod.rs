//! Windows and layer surfaces: what clients ask for, what the user does to them, which of them has the
//! keyboard, and which outputs they are on.

mod displays;
mod interact;
mod keyboard;
mod layers;
mod leave;
mod menus;
pub mod popups;
mod remap;
mod subsurfaces;
mod xdg;
