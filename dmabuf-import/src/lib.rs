//! dma-bufs as a compositor needs them: described, checked, imported once a device, mapped
//! coherently.
//!
//! What this crate knows: DRM formats and modifiers ([`formats`]), the checks that a client's
//! description of a buffer must pass ([`request`], [`validate`]), what a display would rather have
//! ([`tranche`]) and what it has refused ([`withdraw`]), GEM handles with reference counts
//! ([`gem`]), CPU access in `DMA_BUF_IOCTL_SYNC` brackets ([`map`]), allocators ([`allocate`]), two
//! of them here that need no GPU ([`heap`], [`udmabuf`]), what YUV pixels mean ([`colour`]), V4L2's
//! pixel formats in DRM's terms ([`v4l2`]), and V4L2 devices that convert from dma-buf to dma-buf
//! ([`m2m`]).
//!
//! What it never does: it does not speak Wayland, knows no CRTC or plane, never waits for a fence,
//! and never keeps a file descriptor whose owner is not named in the documentation of the function
//! that took it.
#![warn(missing_docs)]

pub mod allocate;
pub mod colour;
pub mod dmabuf;
pub mod error;
pub mod formats;
pub mod gem;
pub mod heap;
mod ioctl;
pub mod m2m;
pub mod map;
mod modifier_name;
pub mod modifiers;
pub mod request;
#[doc(hidden)]
pub mod script;
pub mod set;
mod sync;
pub mod tranche;
pub mod udmabuf;
pub mod v4l2;
pub mod validate;
pub mod withdraw;

pub use dmabuf::{Dmabuf, DmabufPlane};
pub use drm_fourcc::{DrmFormat as Format, DrmFourcc as Fourcc, DrmModifier as Modifier};
pub use error::{CallError, ImportError};
pub use gem::{GemDevice, GemHandle, GemTable};
pub use map::Mapping;
pub use request::Request;
pub use set::FormatSet;
pub use sync::unreadable;
pub use validate::Violation;
