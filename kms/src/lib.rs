//! Kernel mode setting: devices, typed properties, atomic commits with in- and out-fences, flips,
//! display CRCs.
//!
//! The path of a frame: an [`Output`] hands out a [`Frame`], plane states are set on it,
//! [`Frame::commit`] turns what changed into one atomic request (`IN_FENCE_FD` for each plane that
//! has a fence, `OUT_FENCE_PTR` always), and the page-flip event read by [`Device::read_events`]
//! closes it through [`Output::flipped`].
//!
//! What this crate never does: it knows no Wayland object, waits for no fence, reads no clock, and
//! allocates no heap memory for a frame that succeeds. All calls to the kernel that change state go
//! through one small trait, [`kernel::Kernel`]. It has two more implementations:
//! [`headless::Headless`] is a display that only this process has, and [`scripted::Scripted`]
//! answers with queued errnos.
#![warn(missing_docs)]

pub mod assign;
pub mod blob;
pub mod cec;
pub mod colour;
pub mod crc;
pub mod damage;
pub mod device;
pub mod dumb;
pub mod error;
pub mod event;
pub mod frame;
pub mod framebuffer;
pub mod geometry;
pub mod head;
pub mod headless;
mod holder;
pub mod id;
pub mod inventory;
mod ioctl;
pub mod kernel;
pub mod mode;
pub mod mode_request;
pub mod nodes;
pub mod open;
pub mod output;
pub mod pipeline;
pub mod plane;
pub mod plane_options;
pub mod producer;
pub mod property;
pub mod property_values;
pub mod props;
pub mod quirks;
pub mod recover;
pub mod request;
pub mod saved;
pub mod scripted;
pub mod tracker;
pub mod vblank;
pub mod writeback;

pub use blob::Blob;
pub use device::{CardSerial, Device};
pub use dmabuf_import::CallError;
pub use dumb::{DumbAllocator, DumbBuffer};
pub use error::{CommitError, OutputError, Step};
pub use event::{Event, Flip};
pub use fence::Ns;
pub use frame::{Committed, Frame};
pub use framebuffer::Framebuffer;
pub use geometry::{Rect, SrcRect};
pub use head::{ConnectorState, CrtcState};
pub use id::{
    BlobId, ColorOpId, ConnectorId, CrtcId, CrtcIndex, EncoderId, FramebufferId, ObjectId, PlaneId, PropertyId,
};
pub use inventory::Inventory;
pub use mode::Mode;
pub use mode_request::{ModeRequest, ModeRequestError};
pub use open::OpenError;
pub use output::Output;
pub use plane::{OutputPlane, PlaneState, PlaneValues};
pub use plane_options::PlaneOptions;
pub use property_values::{
    Blend, BroadcastRgb, ColorEncoding, ColorRange, Colorspace, ContentType, PlaneKind, Rotation, ScalingFilter,
    representation_bit,
};
pub use saved::SavedState;
pub use tracker::Shown;
pub use writeback::Writeback;
