//! What the client of a surface was last told to allocate.

use dmabuf_import::withdraw::Withdrawals;

use crate::surface::steady::Steady;

/// What a surface is told.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    pub steady: Steady,
    pub withdrawn: Withdrawals,
}
