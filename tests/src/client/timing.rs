//! When a test client's commits are to be shown: fifo-v1, commit-timing-v1, tearing-control-v1,
//! content-type-v1.
//!
//! Objects only, one of each a surface; what they are used for is the test's.

use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::wp::commit_timing::v1::client::{
    wp_commit_timer_v1::WpCommitTimerV1, wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
};
use wayland_protocols::wp::content_type::v1::client::{
    wp_content_type_manager_v1::WpContentTypeManagerV1, wp_content_type_v1::WpContentTypeV1,
};
use wayland_protocols::wp::fifo::v1::client::{wp_fifo_manager_v1::WpFifoManagerV1, wp_fifo_v1::WpFifoV1};
use wayland_protocols::wp::tearing_control::v1::client::{
    wp_tearing_control_manager_v1::WpTearingControlManagerV1, wp_tearing_control_v1::WpTearingControlV1,
};

use super::Client;
use crate::error::Result;
use crate::time::{Ns, S};

/// The managers.
#[derive(Debug)]
pub struct Managers {
    /// fifo-v1.
    pub fifo: WpFifoManagerV1,
    /// commit-timing-v1.
    pub timing: WpCommitTimingManagerV1,
    /// tearing-control-v1.
    pub tearing: WpTearingControlManagerV1,
    /// content-type-v1.
    pub content: WpContentTypeManagerV1,
}

/// A surface's objects.
#[derive(Debug)]
pub struct Timing {
    /// Barriers.
    pub fifo: WpFifoV1,
    /// Times.
    pub timer: WpCommitTimerV1,
    /// The presentation hint.
    pub tearing: WpTearingControlV1,
    /// The content type.
    pub content: WpContentTypeV1,
}

impl Client {
    /// Binds the managers; each must be there.
    pub fn timing(&mut self) -> Result<Managers> {
        Ok(Managers { fifo: self.bind(1)?, timing: self.bind(1)?, tearing: self.bind(1)?, content: self.bind(1)? })
    }
}

impl Managers {
    /// All of a surface's objects.
    pub fn of(&self, client: &Client, surface: &WlSurface) -> Timing {
        let qh = client.qh();
        Timing {
            fifo: self.fifo.get_fifo(surface, &qh, ()),
            timer: self.timing.get_timer(surface, &qh, ()),
            tearing: self.tearing.get_tearing_control(surface, &qh, ()),
            content: self.content.get_surface_content_type(surface, &qh, ()),
        }
    }
}

impl Timing {
    /// The next commit waits for the barrier before it and sets one.
    pub fn in_turn(&self) {
        self.fifo.set_barrier();
        self.fifo.wait_barrier();
    }

    /// Destroys all of them.
    pub fn destroy(&self) {
        self.fifo.destroy();
        self.timer.destroy();
        self.tearing.destroy();
        self.content.destroy();
    }

    /// The next commit is not to be shown before `at`.
    pub fn not_before(&self, at: Ns) {
        let seconds = at / S;
        self.timer.set_timestamp((seconds >> 32) as u32, seconds as u32, (at % S) as u32);
    }
}
