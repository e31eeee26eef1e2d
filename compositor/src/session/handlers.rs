//! Smithay's handler traits. Each method is a few lines that call the module with the behaviour.

use std::sync::Arc;

use dmabuf_import::{Dmabuf, Modifier};
use protocols::{
    linux_dmabuf::{Feedback, Hints, LinuxDmabufHandler, LinuxDmabufState},
    observed_dispatch, observed_global_dispatch,
    shm::{ShmHandler, ShmImage, ShmState},
    single_pixel_buffer::{Pixel, SinglePixelBufferHandler},
    syncobj::{SyncobjHandler, SyncobjState},
};
use smithay::{
    input::{Seat, SeatHandler, SeatState, pointer::CursorImageStatus},
    reexports::wayland_server::{
        Client, Resource,
        protocol::{
            wl_buffer::WlBuffer, wl_keyboard::WlKeyboard, wl_pointer::WlPointer, wl_seat::WlSeat,
            wl_surface::WlSurface, wl_touch::WlTouch,
        },
    },
    wayland::{
        buffer::BufferHandler,
        compositor::{CompositorClientState, CompositorHandler, CompositorState, SurfaceAttributes, with_states},
        content_type::{ContentTypeState, ContentTypeUserData},
        cursor_shape::CursorShapeManagerState,
        idle_inhibit::{IdleInhibitManagerState, inhibitor::IdleInhibitorState},
        pointer_gestures::{PointerGestureUserData, PointerGesturesState},
        presentation::{PresentationFeedbackState, PresentationState},
        relative_pointer::{RelativePointerManagerState, RelativePointerUserData},
        seat::{KeyboardUserData, PointerUserData, SeatGlobalData, TouchUserData},
        shell::{
            kde::decoration::{KdeDecorationManagerGlobalData, KdeDecorationState},
            xdg::{ToplevelSurface, dialog::XdgDialogState},
        },
        tablet_manager::TabletSeatHandler,
        xdg_activation::{ActivationTokenData, XdgActivationState},
        xdg_system_bell::XdgSystemBellState,
        xdg_toplevel_tag::XdgToplevelTagManager,
    },
};
use wayland_protocols::wp::{
    content_type::v1::server::{
        wp_content_type_manager_v1::WpContentTypeManagerV1, wp_content_type_v1::WpContentTypeV1,
    },
    cursor_shape::v1::server::wp_cursor_shape_manager_v1::WpCursorShapeManagerV1,
    idle_inhibit::zv1::server::{
        zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1, zwp_idle_inhibitor_v1::ZwpIdleInhibitorV1,
    },
    pointer_gestures::zv1::server::{
        zwp_pointer_gesture_hold_v1::ZwpPointerGestureHoldV1, zwp_pointer_gesture_pinch_v1::ZwpPointerGesturePinchV1,
        zwp_pointer_gesture_swipe_v1::ZwpPointerGestureSwipeV1, zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
    },
    presentation_time::server::{wp_presentation::WpPresentation, wp_presentation_feedback::WpPresentationFeedback},
    relative_pointer::zv1::server::{
        zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1, zwp_relative_pointer_v1::ZwpRelativePointerV1,
    },
};
use wayland_protocols::xdg::{
    activation::v1::server::{xdg_activation_token_v1::XdgActivationTokenV1, xdg_activation_v1::XdgActivationV1},
    dialog::v1::server::xdg_dialog_v1::XdgDialogV1,
    system_bell::v1::server::xdg_system_bell_v1::XdgSystemBellV1,
    toplevel_tag::v1::server::xdg_toplevel_tag_manager_v1::XdgToplevelTagManagerV1,
};
use wayland_protocols_misc::server_decoration::server::{
    org_kde_kwin_server_decoration::OrgKdeKwinServerDecoration,
    org_kde_kwin_server_decoration_manager::OrgKdeKwinServerDecorationManager,
};

use crate::{
    config::limits::Kind,
    session::{Syncline, globals},
    surface::{
        SurfaceState,
        buffer::Imported,
        client::with_budget,
        shm::{Cost, Shm},
        solid::Solid,
    },
};

impl CompositorHandler for Syncline {
    fn compositor_state(&mut self) -> &mut CompositorState {
        self.globals.surfaces.state()
    }

    fn client_compositor_state<'a>(&self, client: &'a Client) -> &'a CompositorClientState {
        &self.client_state(client).compositor
    }

    fn new_surface(&mut self, surface: &WlSurface) {
        self.globals.surfaces.added(globals::compositor_state);
        self.desktop.trees.insert(crate::surface::id_of(surface), surface.clone());
    }

    fn commit(&mut self, surface: &WlSurface) {
        let id = crate::surface::id_of(surface);
        self.outputs.list.iter_mut().for_each(|output| output.scene.begin_update(id));
        let applied = crate::surface::apply::apply(surface, self.now, &mut self.desktop.trees);
        if let (Some(exceeded), Some(client)) = (applied.exceeded, surface.client()) {
            self.restrain(&client, Err(exceeded));
        }
        self.displays_stale |= applied.resized;
        self.queue_again |= crate::surface::cached::settle(surface, self.now);
        if applied.rearranged {
            self.tree_changed(surface);
        }
        if let Some(place) = applied.text_cursor {
            self.globals.text_inputs.apply_cursor(place);
        }
        self.desktop.popups.commit(surface);
        self.shell_commit(surface, applied.acked);
        self.desktop.cursor.surface_commit(surface, applied.offset);
        self.surface_changed(surface, id, applied.reshaped);
        self.forget_late(surface);
        if crate::surface::awaits_frame(surface) {
            self.pace.await_frame(surface);
            self.delay_callbacks(surface);
        }
    }

    fn destroyed(&mut self, surface: &WlSurface) {
        let (id, pending, cost, queued) = with_states(surface, |states| {
            protocols::syncobj::forget(states);
            protocols::surface_release::forget(states);
            // What was attached and not committed was never used: Smithay would release it.
            states.cached_state.get::<SurfaceAttributes>().pending().buffer = None;
            let mut state = SurfaceState::of(states);
            let cost = state.cost();
            state.current = None;
            (state.id, std::mem::take(&mut state.pending), cost, state.transactions.end())
        });
        if queued > 0 || cost != Cost::default() {
            with_budget(surface, |budget| {
                budget.give(Kind::QueuedCommits, queued);
                budget.give(Kind::ShmKib, cost.kib);
                budget.give(Kind::ShmHolesKib, cost.holes_kib);
            });
        }
        // What was committed after one that waits is not applied.
        if let Some(first) = pending.iter().map(|pending| pending.content.serial).min() {
            self.live.abandon(id, first);
        }
        self.forget_late(surface);
        protocols::selection::drag::surface_destroyed(self, surface);
        for pending in pending {
            pending.slot().into_iter().for_each(|slot| self.stop_waiting(slot));
            pending.supersede();
        }
        crate::surface::apply::drop_unapplied(surface);
        self.cached.forget(&self.desktop.trees, id);
        self.desktop.trees.remove(id);
        if let Some(client) = surface.client() {
            // Smithay removes the transactions of dead surfaces from the queue only in
            // `blocker_cleared`.
            if !self.queues_stale.iter().any(|stale| stale.id() == client.id()) {
                self.queues_stale.push(client);
            }
        }
        self.outputs.renderer.forget(id);
        self.drop_layers(id);
        self.pointer_stale = true;
        self.redraw_all();
    }
}

impl BufferHandler for Syncline {
    /// [`LinuxDmabufHandler`] and [`ShmHandler`] handle their own buffers.
    fn buffer_destroyed(&mut self, _: &WlBuffer) {}
}

impl ShmHandler for Syncline {
    type Import = Arc<Shm>;

    fn shm(&self) -> &ShmState {
        &self.globals.shm
    }

    fn import(&mut self, image: ShmImage) -> Arc<Shm> {
        Arc::new(Shm::new(image))
    }

    fn image(shm: &Arc<Shm>) -> &ShmImage {
        &shm.picture
    }

    fn buffer_destroyed(&mut self, shm: &Arc<Shm>) {
        if let Some(imported) = shm.imported() {
            self.imports.forget(imported);
            self.renderer_stale = true;
        }
    }
}

impl SinglePixelBufferHandler for Syncline {
    type Import = Arc<Solid>;

    fn import_pixel(&mut self, pixel: Pixel) -> Arc<Solid> {
        Arc::new(Solid::new(pixel))
    }
}

impl LinuxDmabufHandler for Syncline {
    type Import = Arc<Imported>;

    fn linux_dmabuf(&mut self) -> Option<&mut LinuxDmabufState> {
        self.globals.linux_dmabuf.as_mut()
    }

    fn resolve_modifier(&self, modifier: Modifier) -> Modifier {
        self.outputs.renderer.explicit(modifier)
    }

    fn import(&mut self, dmabuf: Dmabuf, hints: Hints) -> Result<Arc<Imported>, String> {
        let imported = Arc::new(Imported::of_client(dmabuf, hints));
        self.outputs.renderer.check_import(&imported)?;
        self.imports.insert(&imported);
        Ok(imported)
    }

    fn surface_feedback(&mut self, surface: &WlSurface) -> Option<Arc<Feedback>> {
        self.feedback_of(surface)
    }

    fn buffer_destroyed(&mut self, import: &Arc<Imported>) {
        self.imports.forget(import);
        self.renderer_stale = true;
    }
}

impl SyncobjHandler for Syncline {
    fn syncobj_state(&mut self) -> Option<&mut SyncobjState> {
        self.globals.syncobj.as_mut()
    }
}

impl SeatHandler for Syncline {
    type KeyboardFocus = WlSurface;
    type PointerFocus = WlSurface;
    type TouchFocus = WlSurface;

    fn seat_state(&mut self) -> &mut SeatState<Self> {
        &mut self.seats
    }

    fn focus_changed(&mut self, _: &Seat<Self>, focused: Option<&WlSurface>) {
        self.keys.focus = focused.cloned();
        self.selections_follow(focused);
        self.text_focus(focused);
        self.pads_follow(focused);
        self.left_held.keymap |= !self.virtual_keyboards.told.is_empty();
    }

    fn cursor_image(&mut self, _: &Seat<Self>, image: CursorImageStatus) {
        self.show_image(image);
    }
}

impl Syncline {
    /// Shows this image where the pointer is. While the session is locked, others' surfaces are no images.
    pub(super) fn show_image(&mut self, image: CursorImageStatus) {
        let image = match (&self.desktop.lock, image) {
            (Some(lock), CursorImageStatus::Surface(surface)) if !lock.trusts(&surface) => {
                CursorImageStatus::default_named()
            }
            (_, image) => image,
        };
        self.desktop.cursor.set_image(image);
        self.redraw_pointer(self.pointer_location());
    }
}

/// Smithay asks for it; tablets are in `tablet/`.
impl TabletSeatHandler for Syncline {}

protocols::delegate_capture!(Syncline);
protocols::delegate_shm!(Syncline, Arc<Shm>);
protocols::delegate_single_pixel_buffer!(Syncline, Arc<Solid>);
// The rest of the seat's, xdg-shell's and the outputs' objects is in `checks`.
observed_global_dispatch!(Syncline: [WlSeat: SeatGlobalData<Syncline>] => SeatState<Syncline>);
observed_dispatch!(Syncline: [WlPointer: PointerUserData<Syncline>] => SeatState<Syncline>);
observed_dispatch!(Syncline: [WlKeyboard: KeyboardUserData<Syncline>] => SeatState<Syncline>);
observed_dispatch!(Syncline: [WlTouch: TouchUserData<Syncline>] => SeatState<Syncline>);
protocols::delegate_viewporter!(Syncline);
observed_global_dispatch!(Syncline: [XdgActivationV1: ()] => XdgActivationState);
observed_dispatch!(Syncline: [XdgActivationV1: ()] => XdgActivationState);
observed_dispatch!(Syncline: [XdgActivationTokenV1: ActivationTokenData] => XdgActivationState);
observed_global_dispatch!(Syncline: [XdgSystemBellV1: ()] => XdgSystemBellState);
observed_dispatch!(Syncline: [XdgSystemBellV1: ()] => XdgSystemBellState);
observed_dispatch!(Syncline: [XdgDialogV1: ToplevelSurface] => XdgDialogState);
observed_global_dispatch!(Syncline: [OrgKdeKwinServerDecorationManager: KdeDecorationManagerGlobalData] => KdeDecorationState);
observed_dispatch!(Syncline: [OrgKdeKwinServerDecorationManager: ()] => KdeDecorationState);
observed_dispatch!(Syncline: [OrgKdeKwinServerDecoration: WlSurface] => KdeDecorationState);
observed_global_dispatch!(Syncline: [WpPresentation: u32] => PresentationState);
observed_dispatch!(Syncline: [WpPresentation: u32] => PresentationState);
observed_dispatch!(Syncline: [WpPresentationFeedback: ()] => PresentationFeedbackState);
protocols::delegate_syncobj!(Syncline);
protocols::delegate_explicit_sync!(Syncline);
protocols::delegate_linux_dmabuf!(Syncline, Arc<Imported>);
protocols::delegate_fifo!(Syncline);
protocols::delegate_commit_timing!(Syncline);
protocols::delegate_tearing!(Syncline);
protocols::delegate_fractional_scale!(Syncline);
protocols::delegate_alpha_modifier!(Syncline);
protocols::delegate_background_effect!(Syncline);
protocols::delegate_fixes!(Syncline);
protocols::delegate_foreign!(Syncline);
protocols::delegate_color_representation!(Syncline);
observed_global_dispatch!(Syncline: [WpContentTypeManagerV1: ()] => ContentTypeState);
observed_dispatch!(Syncline: [WpContentTypeManagerV1: ()] => ContentTypeState);
observed_dispatch!(Syncline: [WpContentTypeV1: ContentTypeUserData] => ContentTypeState);
observed_global_dispatch!(Syncline: [ZwpIdleInhibitManagerV1: ()] => IdleInhibitManagerState);
observed_dispatch!(Syncline: [ZwpIdleInhibitManagerV1: ()] => IdleInhibitManagerState);
observed_dispatch!(Syncline: [ZwpIdleInhibitorV1: IdleInhibitorState] => IdleInhibitManagerState);
protocols::delegate_idle_notify!(Syncline);
protocols::delegate_layer_shell!(Syncline);
protocols::delegate_output_management!(Syncline);
protocols::delegate_output_power!(Syncline);
protocols::delegate_security_context!(Syncline);
protocols::delegate_session_lock!(Syncline);
protocols::delegate_shortcuts_inhibit!(Syncline);
protocols::delegate_toplevel_icon!(Syncline);
protocols::delegate_virtual_keyboard!(Syncline);
protocols::delegate_virtual_pointer!(Syncline);
observed_global_dispatch!(Syncline: [XdgToplevelTagManagerV1: ()] => XdgToplevelTagManager);
observed_dispatch!(Syncline: [XdgToplevelTagManagerV1: ()] => XdgToplevelTagManager);
protocols::delegate_toplevel_list!(Syncline);
protocols::delegate_toplevel_management!(Syncline);
protocols::delegate_workspaces!(Syncline);
observed_global_dispatch!(Syncline: [WpCursorShapeManagerV1: ()] => CursorShapeManagerState);
observed_global_dispatch!(Syncline: [ZwpRelativePointerManagerV1: ()] => RelativePointerManagerState);
observed_dispatch!(Syncline: [ZwpRelativePointerManagerV1: ()] => RelativePointerManagerState);
observed_dispatch!(Syncline: [ZwpRelativePointerV1: RelativePointerUserData<Syncline>] => RelativePointerManagerState);
observed_global_dispatch!(Syncline: [ZwpPointerGesturesV1: ()] => PointerGesturesState);
observed_dispatch!(Syncline: [ZwpPointerGesturesV1: ()] => PointerGesturesState);
observed_dispatch!(Syncline: [ZwpPointerGestureSwipeV1: PointerGestureUserData<Syncline>] => PointerGesturesState);
observed_dispatch!(Syncline: [ZwpPointerGesturePinchV1: PointerGestureUserData<Syncline>] => PointerGesturesState);
observed_dispatch!(Syncline: [ZwpPointerGestureHoldV1: PointerGestureUserData<Syncline>] => PointerGesturesState);
