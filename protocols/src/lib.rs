//! Wayland protocol objects that carry explicit synchronisation.
//!
//! Each module turns the requests of one protocol into values of the [`fence`] crate and answers every violation with
//! the protocol's own error, naming the request that broke the rule. Nothing here knows a CRTC or a plane, waits for a
//! fence, or decides when a commit is shown: that is the compositor's.
#![warn(missing_docs)]

pub mod syncobj;

/// What [`delegate_syncobj`] names.
#[doc(hidden)]
pub mod reexports {
    pub use wayland_protocols::wp::linux_drm_syncobj::v1::server::{
        wp_linux_drm_syncobj_manager_v1 as manager, wp_linux_drm_syncobj_surface_v1 as surface,
        wp_linux_drm_syncobj_timeline_v1 as timeline,
    };
    pub use wayland_server;
}
