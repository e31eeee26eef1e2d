//! What linux-dmabuf feedback has said, as values.

use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_feedback_v1::TrancheFlags;

/// One tranche as it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tranche {
    /// `tranche_target_device`.
    pub device: u64,
    /// Bits of `tranche_flags`.
    pub flags: u32,
    /// Pairs of format and modifier.
    pub pairs: Vec<(u32, u64)>,
}

impl Tranche {
    /// Whether it is for scan-out.
    pub fn scanout(&self) -> bool {
        self.flags & TrancheFlags::Scanout.bits() != 0
    }

    /// Whether it is for sampling (version 6).
    pub fn sampling(&self) -> bool {
        self.flags & TrancheFlags::Sampling.bits() != 0
    }
}

/// Everything up to one `done`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// `main_device`, before version 6.
    pub main_device: Option<u64>,
    /// In order.
    pub tranches: Vec<Tranche>,
}

/// What a feedback object has said.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    pub(super) table: Vec<(u32, u64)>,
    pub(super) tranche: Tranche,
    pub(super) now: Told,
    /// Each complete message.
    pub told: Vec<Told>,
}
