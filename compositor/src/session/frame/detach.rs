//! Buffers that nobody shows give up their attachments to devices after a while: an attachment pins
//! the memory where its device can reach it.
//!
//! Framebuffers and what renderers have imported go; the `wl_buffer` and its checks stay, and what
//! is gone is made again when the buffer is shown again. The look at all buffers is at most once in
//! ten seconds, and there is none while nothing is attached needlessly and no frame is shown.

use std::collections::HashSet;

use fence::Ns;
use smallvec::SmallVec;

use crate::{
    output::{planes::request::OnPlane, state::Output},
    session::Syncline,
    surface::{
        buffer::{Attachments, PixelSource},
        content::Content,
    },
    system::id::SurfaceId,
};

/// The time between two looks; a buffer that was not used between them gives up its attachments.
const INTERVAL: Ns = 10_000_000_000;

impl Syncline {
    /// A frame has flipped: buffers may have been attached, or are not shown any more. Where each is
    /// on a plane there is nothing to detach, and nothing wakes the session for it.
    pub fn watch_attachments(&mut self) {
        let spare = self.imports.len() > self.imports_on_planes();
        self.detach_at = spare.then(|| self.detach_at.unwrap_or(self.now + INTERVAL));
    }

    /// How many of the buffers that clients have are on planes.
    fn imports_on_planes(&self) -> usize {
        let mut found: SmallVec<[u64; 8]> = SmallVec::new();
        for (_, on) in self.outputs.list.iter().flat_map(Output::on_planes) {
            if let OnPlane::Content(content) = on
                && let PixelSource::Dmabuf(imported) = &content.source
                && self.imports.knows(imported)
                && !found.contains(&imported.id)
            {
                found.push(imported.id);
            }
        }
        found.len()
    }

    /// When to look next.
    pub fn next_detach(&self) -> Option<Ns> {
        self.detach_at
    }

    /// Takes the attachments from buffers that are not shown and were not used since the last look.
    pub fn detach_unused(&mut self) {
        if self.detach_at.is_none_or(|at| self.now < at) {
            return;
        }
        self.detach_at = None;
        let (mut shown, mut visible) = (HashSet::new(), HashSet::new());
        self.each_shown(|content| {
            visible.insert(content.surface);
            if let PixelSource::Dmabuf(imported) = &content.source {
                shown.insert(imported.id);
            }
        });
        let (mut detached, mut left) = (0, 0);
        for imported in self.imports.iter().filter(|imported| !shown.contains(&imported.id)) {
            match imported.detach_unused() {
                Attachments::None => {}
                Attachments::Used => left += 1,
                Attachments::Dropped => detached += 1,
            }
        }
        if detached > 0 {
            tracing::debug!("{detached} buffers that are not shown have given up their attachments");
            self.outputs.renderer.forget_imports(|surface: SurfaceId| !visible.contains(&surface));
            self.renderer_stale = true;
        }
        if left > 0 {
            self.watch_attachments();
        }
    }

    /// Calls `visit` with what outputs show or still hold.
    fn each_shown(&self, mut visit: impl FnMut(&Content)) {
        for output in &self.outputs.list {
            output.scene.layers().iter().for_each(|layer| visit(&layer.content));
            let held = output.kms.retired().map(|held| &held.show);
            for on in held.chain(output.on_planes().map(|(_, on)| on)) {
                if let OnPlane::Content(content) = on {
                    visit(content);
                }
            }
        }
    }
}
