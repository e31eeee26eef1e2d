//! What the client of a surface was last told to allocate.

use dmabuf_import::withdraw::Withdrawals;

use crate::surface::goal::GoalTracker;

/// What a surface is told.
#[derive(Debug, Clone, Default)]
pub struct AllocationHints {
    pub steady: GoalTracker,
    pub withdrawn: Withdrawals,
}
