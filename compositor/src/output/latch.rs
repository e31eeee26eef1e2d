//! The latch: shortly before the vblank, what is eligible becomes the next frame.
//!
//! It happens once a frame and waits for nothing; the steps are in [`super::eligible`], [`super::scene`] and
//! [`super::present`].

use fence::Ns;
use kms::Rect;

use super::{Phase, recover::Attempt};
use crate::{crc::compare::Again, cursor, state::Syncline, trace};

impl Syncline {
    /// Latches output `index` for the vblank at `vblank`; `planned` is when the timer was to fire.
    pub fn latch(&mut self, index: usize, planned: Ns, vblank: Ns) {
        if let Some(again) = self.comparison_latch(index) {
            return self.show_again(index, planned, vblank, again);
        }
        let started = self.now;
        self.release_due(index, vblank);
        self.take_eligible(index, vblank);
        self.has_looked(index);
        let mut scene = std::mem::take(&mut self.outputs.list[index].scene);
        self.collect(index, &mut scene);
        let now = self.now;
        scene.retain(|layer| !layer.content.is_stuck(now) && self.may_show(index, &layer.content));
        let cursor = self.cursor_plane(index);
        self.judge_tearing(index, &scene);
        self.tell_content_type(index, &scene);
        let wakes = self.outputs.list[index].kms.is_asleep();
        let done = self.present(index, vblank, (planned, started), &scene, cursor.as_ref(), Attempt::default());
        if done.is_ok() {
            if wakes {
                self.crc_modeset(index);
            }
            self.comparison_presented(index, &scene, cursor, false);
        }
        self.mark_hidden(index, &scene);
        let output = &mut self.outputs.list[index];
        scene.clear();
        output.scene = scene;
        match done {
            Ok(()) => {
                output.phase = Phase::InFlight;
                output.watch.committed(self.now);
                if wakes {
                    trace::power(self.now, output.id, output.frame, true);
                    self.power_stale = true;
                }
                self.collect_feedback(index);
            }
            Err(failed) => self.frame_failed(index, &failed),
        }
        // The latching deadline has passed, whatever the kernel said: the next ones may come.
        self.clear_barriers(index);
    }

    /// Shows the scene of the frame before, drawn: what clients have committed since is for the next frame, and so are their answers.
    fn show_again(&mut self, index: usize, planned: Ns, vblank: Ns, Again { scene, cursor }: Again) {
        let how = Attempt { composed: true, ..Attempt::default() };
        match self.present(index, vblank, (planned, self.now), &scene, cursor.as_ref(), how) {
            Ok(()) => {
                let output = &mut self.outputs.list[index];
                output.phase = Phase::InFlight;
                output.watch.committed(self.now);
                self.comparison_presented(index, &scene, cursor, true);
            }
            Err(failed) => {
                self.comparison_failed(index);
                self.frame_failed(index, &failed);
            }
        }
    }

    /// Loads the cursor's theme before the first frame needs it: that takes longer than a frame.
    pub fn warm_cursor(&mut self) {
        for index in 0..self.outputs.list.len() {
            self.cursor_plane(index);
        }
    }

    fn cursor_plane(&mut self, index: usize) -> Option<(usize, cursor::Shown, Rect)> {
        let pointer = self.pointer_location().to_i32_floor::<i32>();
        let output = &self.outputs.list[index];
        let plane = output.cursor?;
        let (width, height) = output.kms.planes()[plane].cursor_size_for(64, 64)?;
        let shown = self.cursor.show(output.kms.device(), width, height)?;
        let output = &self.outputs.list[index];
        let at = pointer - shown.hotspot - output.location;
        let rect = Rect::new(at.x, at.y, width, height);
        let screen = Rect::new(0, 0, output.size.w as u32, output.size.h as u32);
        rect.intersection(&screen)?;
        Some((plane, shown, rect))
    }
}
