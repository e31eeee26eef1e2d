//! Windows that are held: one that is tiled with others and has answered a configure keeps its old
//! content on the screen until the others have answered, too, or are late.
//!
//! ```text
//!  a commit that answers ─→ Barrier ─→ its fence signals ─→ the transaction hears of the answer
//!                              │                                   │ all have answered, or 200 ms are over
//!                              └──────────── signalled ←───────────┘
//! ```
//!
//! The last one that is waited for is not held. A fence that is pending delays its window and the
//! places, never a frame: nothing that is held is handed over to the hardware. Which windows change
//! together is in [`crate::desktop::layout::transaction`].

use smithay::{
    reexports::wayland_server::{Client, Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::Barrier,
};

use crate::session::{Syncline, parts::hold::Hold};

impl Syncline {
    /// A window commits, and has acknowledged this configure. Returns what holds the commit, if it
    /// answers and others have not.
    pub fn hold_answer(&mut self, surface: &WlSurface, acked: u32, serial: u64) -> Option<Barrier> {
        let transactions = &self.desktop.transactions;
        if !transactions.is_waiting() || self.holds.iter().any(|hold| hold.surface == *surface) {
            return None;
        }
        let window = self.desktop.windows.id_of(surface)?;
        if !transactions.is_answered_before_others(window, acked) {
            return None;
        }
        let barrier = Barrier::new(false);
        self.holds.push(Hold { surface: surface.clone(), window, serial, acked, barrier: barrier.clone() });
        Some(barrier)
    }

    /// Whether a surface's commits are held.
    pub fn is_held(&self, surface: &WlSurface) -> bool {
        self.holds.iter().any(|hold| hold.surface == *surface)
    }

    /// Nothing but the hold keeps a commit of the surface from being shown: the one with this number.
    pub fn note_ready(&mut self, surface: &WlSurface, serial: u64) {
        let Some(hold) = self.holds.iter().find(|hold| hold.surface == *surface && hold.serial <= serial) else {
            return;
        };
        self.desktop.transactions.acked(hold.window, hold.acked);
        self.layout_stale |= self.desktop.transactions.committed(hold.window, self.now);
    }

    /// Lets go what no transaction holds any more: it is applied now.
    pub fn release_holds(&mut self) {
        if self.holds.is_empty() {
            return;
        }
        let (transactions, mut clients) = (&self.desktop.transactions, Vec::<Client>::new());
        self.holds.retain(|hold| {
            let holds = hold.surface.is_alive() && transactions.awaits_or_holds(hold.window);
            if !holds {
                hold.barrier.signal();
                clients.extend(hold.surface.client());
            }
            holds
        });
        clients.iter().for_each(|client| self.run_queue(client));
    }
}
