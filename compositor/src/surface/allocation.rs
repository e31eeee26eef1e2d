//! For what a surface's client was last asked to allocate, through its dmabuf feedback.
//!
//! Plain data: it sends nothing.

use dmabuf_import::withdraw::Withdrawals;

use crate::surface::goal::GoalTracker;

/// The inputs of a surface's dmabuf feedback: the goal of its allocation, and the layouts that were
/// withdrawn from it.
#[derive(Debug, Clone, Default)]
pub struct AllocationHints {
    /// For what the client should allocate.
    pub goal: GoalTracker,
    /// Layouts that a plane refused for this surface.
    pub withdrawn: Withdrawals,
}
