//! Wayland protocol objects: explicit synchronisation, pacing of commits, clients' buffers, the
//! meaning of their pixels and which of them are shown, idle notification, displays with their power and
//! colour, surfaces that are parts of the desktop, keep the pointer or move it, graphics tablets, devices
//! and text that clients make, pictures of outputs and windows, dialogs of other clients' windows, what
//! windows look like in lists, selections and drags, the lock of the session, and when a buffer is used no more.
//!
//! Each module turns the requests of one protocol into values, of the [`fence`] crate where they
//! are fences, and answers each violation with the protocol's own error, whose message names the
//! request. Nothing here knows a CRTC or a plane, waits for a fence, or decides when a commit is
//! shown: that is the compositor's.
//!
//! A surface has at most one object for explicit synchronisation, of either protocol: each protocol
//! forbids a second one with its own error.
#![warn(missing_docs)]

pub mod alpha_modifier;
pub mod background_effect;
pub mod capture;
pub mod color_representation;
pub mod commit_timing;
pub mod edited_text;
pub mod explicit_sync;
pub mod fifo;
pub mod fixes;
pub mod foreign;
pub mod fractional_scale;
pub mod gamma_control;
pub mod idle_notify;
pub mod input_method;
pub mod layer_shell;
pub mod linux_dmabuf;
pub mod output_management;
pub mod output_power;
pub mod pointer_constraints;
pub mod pointer_warp;
pub mod security_context;
mod seen_by;
pub mod selection;
pub mod session_lock;
pub mod shm;
pub mod shortcuts_inhibit;
pub mod single_pixel_buffer;
mod surface_object;
pub mod surface_release;
pub mod syncobj;
pub mod tablet;
pub mod tearing;
pub mod text_input;
pub mod toplevel_icon;
pub mod toplevels;
pub mod transient_seat;
pub mod viewporter;
pub mod virtual_keyboard;
pub mod virtual_pointer;
pub mod workspaces;

pub use seen_by::SeenBy;
use smithay::wayland::compositor::SurfaceData;
pub use surface_object::SurfaceRef;
use wayland_server::backend::{ClientId, ObjectId, protocol::Interface};

/// The interface of the surface's object for explicit synchronisation, if it has one.
fn explicit_sync_interface(states: &SurfaceData) -> Option<&'static str> {
    if syncobj::is_explicit(states) {
        Some("wp_linux_drm_syncobj_surface_v1")
    } else {
        explicit_sync::is_explicit(states).then_some("zwp_linux_surface_synchronization_v1")
    }
}

/// Hears of the objects of clients, but for `wl_registry` and the callbacks of `wl_display.sync`.
pub trait ObjectObserver {
    /// `client` has sent this request to an object of this interface: it may create an object.
    fn note_creation(&mut self, client: &wayland_server::Client, interface: &'static Interface, opcode: u16);

    /// `client` binds a global of this interface.
    fn note_bind(&mut self, client: &wayland_server::Client, interface: &'static Interface);

    /// An object of `client` is destroyed.
    fn note_destroyed(&mut self, client: &ClientId, object: &ObjectId);

    /// The Wayland library asks whether `client` may see a global of this interface: once for
    /// `wl_registry.bind`, and once for each global for `wl_display.get_registry`. It must not be
    /// asked anything meanwhile.
    fn note_registry(client: &wayland_server::Client, interface: &'static Interface);
}

/// Hears of the descriptors of clients' memory: pools, and planes of dma-bufs.
pub trait DescriptorObserver {
    /// `client` has so many more of them here.
    fn note_descriptors(&mut self, client: &wayland_server::Client, number: u32);

    /// No object of `client` uses so many of them any more.
    fn note_closed(&mut self, client: &ClientId, number: u32);
}

/// As [`wayland_server::delegate_global_dispatch!`], for a state that is an [`ObjectObserver`].
#[macro_export]
macro_rules! observed_global_dispatch {
    ($state:ty: [$interface:ty: $data:ty] => $to:ty) => {
        impl $crate::reexports::wayland_server::GlobalDispatch<$interface, $data> for $state {
            fn bind(
                state: &mut Self,
                display: &$crate::reexports::wayland_server::DisplayHandle,
                client: &$crate::reexports::wayland_server::Client,
                resource: $crate::reexports::wayland_server::New<$interface>,
                data: &$data,
                data_init: &mut $crate::reexports::wayland_server::DataInit<'_, Self>,
            ) {
                $crate::ObjectObserver::note_bind(
                    state,
                    client,
                    <$interface as $crate::reexports::wayland_server::Resource>::interface(),
                );
                <$to as $crate::reexports::wayland_server::GlobalDispatch<$interface, $data, Self>>::bind(
                    state, display, client, resource, data, data_init,
                );
            }

            fn can_view(client: $crate::reexports::wayland_server::Client, data: &$data) -> bool {
                <Self as $crate::ObjectObserver>::note_registry(
                    &client,
                    <$interface as $crate::reexports::wayland_server::Resource>::interface(),
                );
                <$to as $crate::reexports::wayland_server::GlobalDispatch<$interface, $data, Self>>::can_view(
                    client, data,
                )
            }
        }
    };
}

/// As [`wayland_server::delegate_dispatch!`], for a state that is an [`ObjectObserver`]: it
/// hears of each request first.
#[macro_export]
macro_rules! observed_dispatch {
    ($state:ty: [$interface:ty: $data:ty] => $to:ty) => {
        impl $crate::reexports::wayland_server::Dispatch<$interface, $data> for $state {
            fn request(
                state: &mut Self,
                client: &$crate::reexports::wayland_server::Client,
                resource: &$interface,
                request: <$interface as $crate::reexports::wayland_server::Resource>::Request,
                data: &$data,
                display: &$crate::reexports::wayland_server::DisplayHandle,
                data_init: &mut $crate::reexports::wayland_server::DataInit<'_, Self>,
            ) {
                $crate::ObjectObserver::note_creation(
                    state,
                    client,
                    <$interface as $crate::reexports::wayland_server::Resource>::interface(),
                    request.opcode(),
                );
                <$to as $crate::reexports::wayland_server::Dispatch<$interface, $data, Self>>::request(
                    state, client, resource, request, data, display, data_init,
                );
            }

            fn destroyed(
                state: &mut Self,
                client: $crate::reexports::wayland_server::backend::ClientId,
                resource: &$interface,
                data: &$data,
            ) {
                $crate::ObjectObserver::note_destroyed(
                    state,
                    &client,
                    &$crate::reexports::wayland_server::Resource::id(resource),
                );
                <$to as $crate::reexports::wayland_server::Dispatch<$interface, $data, Self>>::destroyed(
                    state, client, resource, data,
                );
            }
        }
    };
}

/// The protocol types that the `delegate_…` macros name.
#[doc(hidden)]
pub mod reexports {
    pub use wayland_protocols::wp::linux_drm_syncobj::v1::server::{
        wp_linux_drm_syncobj_manager_v1 as manager, wp_linux_drm_syncobj_surface_v1 as surface,
        wp_linux_drm_syncobj_timeline_v1 as timeline,
    };
    pub use wayland_protocols::wp::linux_explicit_synchronization::zv1::server::{
        zwp_linux_buffer_release_v1 as buffer_release, zwp_linux_explicit_synchronization_v1 as explicit_sync,
        zwp_linux_surface_synchronization_v1 as surface_sync,
    };
    pub use wayland_server;

    /// alpha-modifier-v1.
    pub mod alpha_modifier {
        pub use wayland_protocols::wp::alpha_modifier::v1::server::{
            wp_alpha_modifier_surface_v1 as object, wp_alpha_modifier_v1 as manager,
        };
    }

    /// ext-image-copy-capture-v1 and ext-image-capture-source-v1.
    pub mod image_capture {
        pub use wayland_protocols::ext::{
            image_capture_source::v1::server::{
                ext_foreign_toplevel_image_capture_source_manager_v1 as toplevel_sources,
                ext_image_capture_source_v1 as source, ext_output_image_capture_source_manager_v1 as output_sources,
            },
            image_copy_capture::v1::server::{
                ext_image_copy_capture_cursor_session_v1 as cursor, ext_image_copy_capture_frame_v1 as frame,
                ext_image_copy_capture_manager_v1 as manager, ext_image_copy_capture_session_v1 as session,
            },
        };
    }

    /// wlr-screencopy-unstable-v1.
    pub mod screencopy {
        pub use wayland_protocols_wlr::screencopy::v1::server::{
            zwlr_screencopy_frame_v1 as frame, zwlr_screencopy_manager_v1 as manager,
        };
    }

    /// fifo-v1.
    pub mod fifo {
        pub use wayland_protocols::wp::fifo::v1::server::{wp_fifo_manager_v1 as manager, wp_fifo_v1 as object};
    }

    /// security-context-v1.
    pub mod security_context {
        pub use wayland_protocols::wp::security_context::v1::server::{
            wp_security_context_manager_v1 as manager, wp_security_context_v1 as object,
        };
    }

    /// color-representation-v1.
    pub mod color_representation {
        pub use wayland_protocols::wp::color_representation::v1::server::{
            wp_color_representation_manager_v1 as manager, wp_color_representation_surface_v1 as object,
        };
    }

    /// commit-timing-v1.
    pub mod commit_timing {
        pub use wayland_protocols::wp::commit_timing::v1::server::{
            wp_commit_timer_v1 as object, wp_commit_timing_manager_v1 as manager,
        };
    }

    /// ext-idle-notify-v1.
    pub mod idle_notify {
        pub use wayland_protocols::ext::idle_notify::v1::server::{
            ext_idle_notification_v1 as object, ext_idle_notifier_v1 as manager,
        };
    }

    /// wlr-output-management-unstable-v1.
    pub mod output_management {
        pub use wayland_protocols_wlr::output_management::v1::server::{
            zwlr_output_configuration_head_v1 as configuration_head, zwlr_output_configuration_v1 as configuration,
            zwlr_output_head_v1 as head, zwlr_output_manager_v1 as manager, zwlr_output_mode_v1 as mode,
        };
    }

    /// wlr-gamma-control-unstable-v1.
    pub mod gamma_control {
        pub use wayland_protocols_wlr::gamma_control::v1::server::{
            zwlr_gamma_control_manager_v1 as manager, zwlr_gamma_control_v1 as object,
        };
    }

    /// wlr-output-power-management-unstable-v1.
    pub mod output_power {
        pub use wayland_protocols_wlr::output_power_management::v1::server::{
            zwlr_output_power_manager_v1 as manager, zwlr_output_power_v1 as object,
        };
    }

    /// text-input-unstable-v3.
    pub mod text_input {
        pub use wayland_protocols::wp::text_input::zv3::server::{
            zwp_text_input_manager_v3 as manager, zwp_text_input_v3 as object,
        };
    }

    /// input-method-unstable-v2.
    pub mod input_method {
        pub use wayland_protocols_misc::zwp_input_method_v2::server::{
            zwp_input_method_keyboard_grab_v2 as grab, zwp_input_method_manager_v2 as manager,
            zwp_input_method_v2 as object, zwp_input_popup_surface_v2 as popup,
        };
    }

    /// virtual-keyboard-unstable-v1.
    pub mod virtual_keyboard {
        pub use wayland_protocols_misc::zwp_virtual_keyboard_v1::server::{
            zwp_virtual_keyboard_manager_v1 as manager, zwp_virtual_keyboard_v1 as object,
        };
    }

    /// wlr-virtual-pointer-unstable-v1.
    pub mod virtual_pointer {
        pub use wayland_protocols_wlr::virtual_pointer::v1::server::{
            zwlr_virtual_pointer_manager_v1 as manager, zwlr_virtual_pointer_v1 as object,
        };
    }

    /// tablet-v2.
    pub mod tablet {
        pub use wayland_protocols::wp::tablet::zv2::server::{
            zwp_tablet_manager_v2 as manager, zwp_tablet_pad_group_v2 as group, zwp_tablet_pad_ring_v2 as ring,
            zwp_tablet_pad_strip_v2 as strip, zwp_tablet_pad_v2 as pad, zwp_tablet_seat_v2 as seat,
            zwp_tablet_tool_v2 as tool, zwp_tablet_v2 as object,
        };
    }

    /// pointer-constraints-unstable-v1.
    pub mod pointer_constraints {
        pub use wayland_protocols::wp::pointer_constraints::zv1::server::{
            zwp_confined_pointer_v1 as confined, zwp_locked_pointer_v1 as locked, zwp_pointer_constraints_v1 as manager,
        };
    }

    /// `wl_data_device_manager`.
    pub mod data_device {
        pub use wayland_server::protocol::{
            wl_data_device as device, wl_data_device_manager as manager, wl_data_offer as offer,
            wl_data_source as source,
        };
    }

    /// primary-selection-unstable-v1.
    pub mod primary_selection {
        pub use wayland_protocols::wp::primary_selection::zv1::server::{
            zwp_primary_selection_device_manager_v1 as manager, zwp_primary_selection_device_v1 as device,
            zwp_primary_selection_offer_v1 as offer, zwp_primary_selection_source_v1 as source,
        };
    }

    /// ext-data-control-v1.
    pub mod ext_data_control {
        pub use wayland_protocols::ext::data_control::v1::server::{
            ext_data_control_device_v1 as device, ext_data_control_manager_v1 as manager,
            ext_data_control_offer_v1 as offer, ext_data_control_source_v1 as source,
        };
    }

    /// wlr-data-control-unstable-v1.
    pub mod wlr_data_control {
        pub use wayland_protocols_wlr::data_control::v1::server::{
            zwlr_data_control_device_v1 as device, zwlr_data_control_manager_v1 as manager,
            zwlr_data_control_offer_v1 as offer, zwlr_data_control_source_v1 as source,
        };
    }

    /// pointer-warp-v1.
    pub mod pointer_warp {
        pub use wayland_protocols::wp::pointer_warp::v1::server::wp_pointer_warp_v1::WpPointerWarpV1;
    }

    /// wlr-layer-shell-unstable-v1.
    pub mod layer_shell {
        pub use wayland_protocols_wlr::layer_shell::v1::server::{
            zwlr_layer_shell_v1 as shell, zwlr_layer_surface_v1 as surface,
        };
    }

    /// ext-session-lock-v1.
    pub mod session_lock {
        pub use wayland_protocols::ext::session_lock::v1::server::{
            ext_session_lock_manager_v1 as manager, ext_session_lock_surface_v1 as surface, ext_session_lock_v1 as lock,
        };
    }

    /// keyboard-shortcuts-inhibit-unstable-v1.
    pub mod shortcuts_inhibit {
        pub use wayland_protocols::wp::keyboard_shortcuts_inhibit::zv1::server::{
            zwp_keyboard_shortcuts_inhibit_manager_v1 as manager, zwp_keyboard_shortcuts_inhibitor_v1 as object,
        };
    }

    /// xdg-foreign-unstable-v2.
    pub mod foreign {
        pub use wayland_protocols::xdg::foreign::zv2::server::{
            zxdg_exported_v2 as exported, zxdg_exporter_v2 as exporter, zxdg_imported_v2 as imported,
            zxdg_importer_v2 as importer,
        };
    }

    /// xdg-toplevel-drag-v1.
    pub mod toplevel_drag {
        pub use wayland_protocols::xdg::toplevel_drag::v1::server::{
            xdg_toplevel_drag_manager_v1 as manager, xdg_toplevel_drag_v1 as object,
        };
    }

    /// xdg-toplevel-icon-v1.
    pub mod toplevel_icon {
        pub use wayland_protocols::xdg::toplevel_icon::v1::server::{
            xdg_toplevel_icon_manager_v1 as manager, xdg_toplevel_icon_v1 as object,
        };
    }

    /// ext-foreign-toplevel-list-v1.
    pub mod toplevel_list {
        pub use wayland_protocols::ext::foreign_toplevel_list::v1::server::{
            ext_foreign_toplevel_handle_v1 as handle, ext_foreign_toplevel_list_v1 as list,
        };
    }

    /// ext-workspace-v1.
    pub mod workspaces {
        pub use wayland_protocols::ext::workspace::v1::server::{
            ext_workspace_group_handle_v1 as group, ext_workspace_handle_v1 as handle,
            ext_workspace_manager_v1 as manager,
        };
    }

    /// wlr-foreign-toplevel-management-unstable-v1.
    pub mod toplevel_management {
        pub use wayland_protocols_wlr::foreign_toplevel::v1::server::{
            zwlr_foreign_toplevel_handle_v1 as handle, zwlr_foreign_toplevel_manager_v1 as manager,
        };
    }

    /// linux-dmabuf-v1.
    pub mod linux_dmabuf {
        pub use wayland_protocols::wp::linux_dmabuf::zv1::server::{
            zwp_linux_buffer_params_v1 as params, zwp_linux_dmabuf_feedback_v1 as feedback,
            zwp_linux_dmabuf_v1 as global,
        };
    }

    /// single-pixel-buffer-v1.
    pub mod single_pixel_buffer {
        pub use wayland_protocols::wp::single_pixel_buffer::v1::server::wp_single_pixel_buffer_manager_v1 as manager;
    }

    /// fractional-scale-v1.
    pub mod fractional_scale {
        pub use wayland_protocols::wp::fractional_scale::v1::server::{
            wp_fractional_scale_manager_v1 as manager, wp_fractional_scale_v1 as object,
        };
    }

    /// ext-background-effect-v1.
    pub mod background_effect {
        pub use wayland_protocols::ext::background_effect::v1::server::{
            ext_background_effect_manager_v1 as manager, ext_background_effect_surface_v1 as object,
        };
    }

    /// ext-transient-seat-v1.
    pub mod transient_seat {
        pub use wayland_protocols::ext::transient_seat::v1::server::{
            ext_transient_seat_manager_v1 as manager, ext_transient_seat_v1 as object,
        };
    }

    /// tearing-control-v1.
    pub mod tearing {
        pub use wayland_protocols::wp::tearing_control::v1::server::{
            wp_tearing_control_manager_v1 as manager, wp_tearing_control_v1 as object,
        };
    }

    /// viewporter.
    pub mod viewporter {
        pub use wayland_protocols::wp::viewporter::server::{wp_viewport as object, wp_viewporter as manager};
    }
}
