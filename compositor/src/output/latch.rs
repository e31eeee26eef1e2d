//! The latch: shortly before the vblank, what is eligible becomes the next frame.
//!
//! It happens once a frame and waits for nothing; the steps are in [`super::eligible`], [`super::scene`] and
//! [`super::present`].

use fence::Ns;
use kms::Rect;

use super::Phase;
use crate::{cursor, state::Syncline, trace};

impl Syncline {
    /// Latches output `index` for the vblank at `vblank`; `planned` is when the timer was to fire.
    pub fn latch(&mut self, index: usize, planned: Ns, vblank: Ns) {
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
        let done = self.present(index, vblank, (planned, started), &scene, cursor);
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
