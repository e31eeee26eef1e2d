//! Which pending commits a newer group supersedes.

use std::sync::Arc;

use crate::{
    surface::gate::{Member, PendingCommit},
    system::id::SurfaceId,
};

/// The pending commits that `newer`, whose acquires have all resolved, supersedes; none if that
/// would apply a part of a group without the rest.
///
/// Before `newer` is applied, everything that its surfaces have pending must be, together with the
/// rest of those groups, and so on. All of it is superseded if `newer` replaces all of it, and
/// nothing of it may keep its order; else `newer` waits its turn. `pending` returns the pending
/// commits of a surface.
pub fn overtaken(newer: &[Member], pending: impl Fn(SurfaceId) -> Vec<Arc<PendingCommit>>) -> Vec<Arc<PendingCommit>> {
    let mut found: Vec<Arc<PendingCommit>> = Vec::new();
    let mut left: Vec<_> = newer.iter().map(|member| (member.surface, member.first)).collect();
    while let Some((surface, end)) = left.pop() {
        for commit in pending(surface).into_iter().filter(|commit| commit.content.serial < end) {
            if found.iter().any(|known| Arc::ptr_eq(known, &commit)) {
                continue;
            }
            if commit.is_ordered() || !newer.iter().any(|member| member.surface == surface && member.replaces) {
                return Vec::new();
            }
            if let Some(group) = commit.group() {
                left.extend(group.members.iter().map(|member| (member.surface, member.end)));
            }
            found.push(commit);
        }
    }
    found
}
