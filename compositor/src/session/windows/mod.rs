//! Windows and layer surfaces: what clients ask for, what the user does to them, which of them has the
//! keyboard, and which outputs they are on.

pub mod arrange;
mod attention;
pub mod bar_input;
mod bars;
pub mod decoration;
mod displays;
mod foreign;
mod hold;
mod interact;
mod keyboard;
mod kinds;
mod layers;
mod leave;
mod life;
mod menus;
pub mod popups;
mod remap;
mod rules;
mod scale;
mod subsurfaces;
pub mod taskbars;
mod xdg;
