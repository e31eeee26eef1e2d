//! What a surface that is about to be destroyed gives up: the pointer, the fingers and the tools on it.
//!
//! Its client hears of that while the surface exists; afterwards no event could name it. Nothing
//! here gives the pointer to another surface.

use smithay::{
    input::pointer::PointerHandle, reexports::wayland_server::protocol::wl_surface::WlSurface, utils::SERIAL_COUNTER,
};

use crate::session::Syncline;

impl Syncline {
    /// A surface is about to be destroyed.
    pub fn leave_input(&mut self, surface: &WlSurface) {
        self.lift_fingers_on(surface);
        self.lift_pens_on(surface);
        let over = |pointer: &PointerHandle<Self>| pointer.current_focus().as_ref() == Some(surface);
        if let Some(pointer) = self.seat.get_pointer().filter(over) {
            let held = pointer.grab_start_data().and_then(|start| start.focus);
            if held.is_some_and(|(held, _)| held == *surface) {
                // The buttons that are down were pressed on it.
                pointer.unset_grab(self, SERIAL_COUNTER.next_serial(), self.millis());
            }
            self.clear_pointer_focus(&pointer);
            self.pointer_stale = true;
        }
    }
}
