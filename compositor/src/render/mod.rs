//! Rendering of what no plane takes: GLES on a GPU, pixman on the CPU.
//!
//! GLES waits for a client's fence on the GPU and hands out the fence of its own pass; pixman reads with the CPU, so it
//! only ever gets contents whose fence has signalled. Which layers there are, and where the picture goes, is decided
//! elsewhere.

mod allocate;
pub mod cursor;
mod egl;
mod element;
#[cfg(debug_assertions)]
mod fault;
pub mod layer;
mod memory;
mod others;
pub mod renderer;
pub mod shm;
pub mod target;
mod textures;
mod upload;
mod way;
mod yuv;

pub use cursor::CursorImage;
pub use egl::has_gpu;
pub use layer::Layer;
pub use memory::shown as shown_target;
pub use renderer::Renderer;
pub use target::Target;
