//! Composites the layers that no plane shows: GLES on a GPU, pixman on the CPU.
//!
//! GLES waits for a client's acquire fence on the GPU and returns the fence of its own pass. Pixman
//! reads with the CPU, so it gets only contents whose fence has signalled. Nothing here decides
//! which layers there are, or on which plane the result goes.

mod allocate;
pub mod bind;
pub mod bounds;
mod client_fence;
mod context;
pub mod cursor;
pub mod damage;
mod egl;
mod fault;
pub mod layer;
mod memory;
mod other_gpus;
mod pass;
mod read_path;
pub mod readiness;
#[cfg(test)]
pub mod recording;
pub mod renderer;
mod scene;
pub mod screen;
pub mod shm;
mod software;
mod split;
pub mod target;
mod textures;
mod upload;
mod wait;
mod yuv;

pub use cursor::CursorImage;
pub use damage::Tracker;
pub use egl::has_gpu;
pub use layer::{Layer, PassLayers, PassRole};
pub use memory::shown as shown_target;
pub use pass::Pass;
pub use renderer::Renderer;
pub use scene::Scene;
pub use screen::{Anchor, Screen};
pub use target::Target;
