//! `[limits]`: what one client may use of the session. This is the list of all limits; docs/limits.md
//! has the table with what programs really use. What one surface, tree or region may be is listed
//! here, too, and cannot be configured.
//!
//! The defaults are at least eight times what any program is known to use. Nothing here counts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::documented::Documented;

/// A region of more rectangles than this is simplified when a surface takes it: as an opaque region it
/// is none, and as an input region it is its bounding box.
pub const RECTS_PER_REGION: usize = 1024;
/// Damage of more rectangles than this in one commit becomes their bounding box.
pub const DAMAGE_RECTS: usize = 256;
/// The most commits of one surface that wait for a fence. If there are more, the oldest is released
/// without having been shown: its fence may never come.
pub const PENDING_PER_SURFACE: usize = 64;
/// Levels of sub-surfaces or popups below their root. More end the client with
/// `wl_display.implementation`. Trees are walked recursively, so the configuration cannot change it.
pub const TREE_DEPTH: usize = 64;
/// Surfaces of a tree of sub-surfaces, the root included. As with [`TREE_DEPTH`].
pub const TREE_SURFACES: usize = 1024;

/// A limit: a whole number of one or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub struct Limit(pub u32);

impl TryFrom<i64> for Limit {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        u32::try_from(number)
            .ok()
            .filter(|number| *number > 0)
            .map(Self)
            .ok_or_else(|| format!("{number} is not a limit; write a whole number from 1 to {}", u32::MAX))
    }
}

/// Declares what is counted for each client.
macro_rules! counted {
    ($($(#[doc = $doc:literal])+ $kind:ident, $field:ident, $key:literal, $default:literal;)+) => {
        /// What is counted for each client.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl Kind {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The key in the configuration.
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$kind => $key,)+
                }
            }
        }

        /// `[limits]`: what one client may use. A client that exceeds one is ended with
        /// `wl_display.no_memory`; the message names the limit and the number.
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits {
            $($(#[doc = $doc])+ #[serde(rename = $key)] pub $field: Limit,)+
        }

        impl Documented for Limits {
            const FIELDS: &'static [(&'static str, &'static [&'static str])] = &[$(($key, &[$($doc),+]),)+];
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: Limit($default),)+ }
            }
        }

        impl Limits {
            /// Another limit.
            #[cfg(test)]
            pub fn set(&mut self, kind: Kind, limit: u32) {
                match kind {
                    $(Kind::$kind => self.$field = Limit(limit),)+
                }
            }

            /// The limit of what is counted.
            pub fn of(&self, kind: Kind) -> u32 {
                match kind {
                    $(Kind::$kind => self.$field.0,)+
                }
            }
        }
    };
}

counted! {
    /// Objects of the protocol, of all kinds.
    Objects, objects, "objects", 65_536;
    /// `wl_registry`: the library looks through all of them for each object that is destroyed, and
    /// only clients that know `wl_fixes` destroy one.
    Registries, registries, "registries", 4096;
    /// `wl_surface`.
    Surfaces, surfaces, "surfaces", 16_384;
    /// `wl_region`.
    Regions, regions, "regions", 8192;
    /// `wl_callback` of `wl_surface.frame` that has not been answered.
    FrameCallbacks, frame_callbacks, "frame-callbacks", 8192;
    /// `wp_presentation_feedback` that has not been answered.
    Feedbacks, feedbacks, "presentation-feedbacks", 8192;
    /// `xdg_toplevel`: each of them that is destroyed, and most commits, look through a list of all
    /// windows.
    Toplevels, toplevels, "toplevels", 1024;
    /// `xdg_popup`.
    Popups, popups, "popups", 256;
    /// `zwlr_layer_surface_v1`: each commit of one arranges all of its output.
    LayerSurfaces, layer_surfaces, "layer-surfaces", 128;
    /// `ext_session_lock_surface_v1`.
    LockSurfaces, lock_surfaces, "lock-surfaces", 128;
    /// `wp_linux_drm_syncobj_timeline_v1`: a handle of the card each.
    Timelines, timelines, "timelines", 4096;
    /// `zwp_linux_dmabuf_feedback_v1`. As the next four, they are in lists which are searched for each of
    /// them that is destroyed.
    DmabufFeedbacks, dmabuf_feedbacks, "dmabuf-feedbacks", 1024;
    /// `wl_seat`, its devices, those of the clipboard and of the primary selection, text inputs, and what hears of gestures
    /// and of the mouse itself.
    SeatObjects, seat_objects, "seat-objects", 1024;
    /// `wl_output` and `zxdg_output_v1`.
    OutputObjects, output_objects, "output-objects", 2048;
    /// `ext_idle_notification_v1`: each input event looks at all of them.
    IdleNotifications, idle_notifications, "idle-notifications", 1024;
    /// `zwp_idle_inhibitor_v1`: each wake-up of the session looks at all of them.
    IdleInhibitors, idle_inhibitors, "idle-inhibitors", 256;
    /// `zwlr_output_manager_v1` and `zwlr_output_configuration_v1`: of each manager the session makes an object
    /// for each display and each of its modes.
    OutputManagers, output_managers, "output-managers", 64;
    /// `zwlr_output_power_v1` and `zwlr_gamma_control_v1`.
    OutputPowers, output_powers, "output-powers", 256;
    /// Sessions and frames of `ext-image-copy-capture-v1`, and `zwlr_screencopy_frame_v1`: each wake-up of
    /// the session looks at all of them.
    Captures, captures, "captures", 256;
    /// `zwlr_virtual_pointer_v1`, `ext_transient_seat_v1`, `zwp_virtual_keyboard_v1`, `zwp_input_method_v2`, its grabs
    /// and its popups: each keyboard keeps a keymap.
    VirtualDevices, virtual_devices, "virtual-devices", 64;
    /// `ext_foreign_toplevel_list_v1`, `zwlr_foreign_toplevel_manager_v1` and `ext_workspace_manager_v1`:
    /// each change of a window or workspace is told to all of them.
    ToplevelLists, toplevel_lists, "toplevel-lists", 64;
    /// `ext_data_control_device_v1` and `zwlr_data_control_device_v1`: each change of a selection is told to all
    /// of them.
    DataControls, data_controls, "data-controls", 64;
    /// Rectangles in all regions.
    RegionRects, region_rects, "region-rects", 65_536;
    /// Commits that are not applied yet.
    QueuedCommits, queued_commits, "queued-commits", 1024;
    /// Those of them that wait for a fence.
    PendingAcquires, pending_acquires, "pending-acquires", 1024;
    /// Acquire points that were given up before they had a fence: the kernel keeps an eventfd for each
    /// until they have.
    Eventfds, eventfds, "eventfds", 4096;
    /// Descriptors of pools and of planes of dma-bufs.
    Descriptors, descriptors, "descriptors", 4096;
    /// Images of shared memory that surfaces show, in KiB as the client states them: each is copied.
    ShmKib, shm_kib, "shm-kib", 4_194_304;
    /// Those parts of them that the files do not hold, in KiB.
    ShmHolesKib, shm_holes_kib, "shm-holes-kib", 262_144;
    /// What the client offers to be copied or dragged: the names of the types with 16 bytes each.
    MimeTypeBytes, mime_type_bytes, "mime-type-bytes", 262_144;
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_by_their_keys() {
        let read: Limits = toml::from_str("objects = 100\npresentation-feedbacks = 7").unwrap();
        assert_eq!([read.of(Kind::Objects), read.of(Kind::Feedbacks)], [100, 7]);
        assert_eq!(read.of(Kind::Popups), Limits::default().of(Kind::Popups));
        for (text, says) in [
            ("objects = 0", "0 is not a limit; write a whole number from 1 to 4294967295"),
            ("popups = -1", "-1 is not a limit"),
            ("popup = 1", "unknown field `popup`, expected one of `objects`"),
        ] {
            let error = toml::from_str::<Limits>(text).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(error.span().is_some(), "{error}");
        }
    }

    #[test]
    fn the_documentation_has_every_limit_with_its_default() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let page = std::fs::read_to_string(root.join("docs/limits.md")).unwrap();
        let limits = Limits::default();
        for kind in Kind::ALL {
            let row = format!("| `{kind}` | {} |", limits.of(*kind));
            assert!(page.contains(&row), "docs/limits.md has no row that begins with {row}");
        }
    }
}
