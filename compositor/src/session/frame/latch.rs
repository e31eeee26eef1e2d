//! The latch: shortly before the vblank, what is eligible becomes the next frame.
//!
//! It happens once a frame and waits for nothing; the steps are in [`crate::session::frame::eligible`], [`crate::desktop::scene`] and
//! [`crate::output::present`].

use fence::Ns;
use kms::Rect;

use crate::{
    output::{
        output::Phase,
        planes::{
            attempt::{Attempt, Failed},
            request::CursorPlane,
        },
        present::FrameConfig,
    },
    render::{CursorImage, Layer},
    session::{Syncline, parts::comparison::Again},
    system::trace,
};

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
        self.collect_scene(index, &mut scene);
        let now = self.now;
        scene.retain(|layer| !layer.content.is_stuck(now) && self.may_show(index, &layer.content));
        let cursor = self.cursor_plane(index);
        let tearing = self.config.tearing;
        let output = &mut self.outputs.list[index];
        output.judge_tearing(&scene, tearing);
        output.tell_content_type(&scene);
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

    /// Fills `scene` with what output `index` shows.
    pub fn collect_scene(&self, index: usize, scene: &mut Vec<Layer>) {
        let area = self.outputs.list[index].rect();
        self.desktop.collect(area, self.pointer_location(), self.now, scene);
    }

    /// Commits a frame, and does what it brings about.
    fn present(
        &mut self,
        index: usize,
        vblank: Ns,
        times: (Ns, Ns),
        scene: &[Layer],
        cursor: Option<&CursorPlane>,
        attempt: Attempt,
    ) -> Result<(), Failed> {
        let config = FrameConfig { planes: self.config.planes, background: self.config.background };
        let presented = self.outputs.present(index, vblank, times, scene, cursor, attempt, config)?;
        self.layouts_refused(&presented.refused_layouts);
        self.feedback_after_frame(index, scene);
        if presented.modeset {
            self.crc_modeset(index);
        }
        Ok(())
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

    fn cursor_plane(&mut self, index: usize) -> Option<(usize, CursorImage, Rect)> {
        let pointer = self.pointer_location().to_i32_floor::<i32>();
        let output = &self.outputs.list[index];
        let plane = output.cursor?;
        let (width, height) = output.kms.planes()[plane].cursor_size_for(64, 64)?;
        let shown = self.desktop.cursor.show(output.kms.device(), width, height)?;
        let output = &self.outputs.list[index];
        let at = pointer - shown.hotspot - output.location;
        let rect = Rect::new(at.x, at.y, width, height);
        let screen = Rect::new(0, 0, output.size.w as u32, output.size.h as u32);
        rect.intersection(&screen)?;
        Some((plane, shown, rect))
    }
}
