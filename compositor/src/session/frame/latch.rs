//! The latch: shortly before the vblank, the newest eligible commits become the next frame.
//!
//! It happens once a frame and waits for nothing. The steps are in
//! [`crate::session::frame::eligible`], [`crate::desktop::scene`] and [`crate::output::present`].

use fence::{Ns, SyncFile};
use kms::Rect;
use smallvec::SmallVec;
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface, utils::Rectangle, wayland::compositor::with_states,
};

use crate::{
    config::Colour,
    desktop::scene::Collected,
    output::{
        planes::{
            attempt::{Attempt, FrameError},
            request::{CursorPlane, SceneFrame},
        },
        present::FrameConfig,
        state::Output,
    },
    render::{Layer, Screen, layer::LastPictures, readiness},
    session::{Syncline, parts::comparison::RepeatedFrame},
    surface::SurfaceState,
    system::{id::OutputId, trace},
};

impl Syncline {
    /// Latches output `id` for the vblank at `vblank`; `planned` is when the timer should have
    /// fired.
    pub fn latch(&mut self, id: OutputId, planned: Ns, vblank: Ns) {
        if let Some(again) = self.comparison_latch(id) {
            return self.show_again(id, planned, vblank, again);
        }
        let started = self.now;
        let output = &mut self.outputs.list[id];
        if output.cursor_rest.is_over(started) {
            output.ladder.try_cursor_again();
        }
        self.release_due(id, vblank);
        self.open_eligible_gates(id, vblank);
        self.end_deferred(id);
        let plane = self.cursor_plane(id);
        self.build_scene(id, plane.is_some());
        let mut scene = std::mem::take(&mut self.outputs.list[id].scene);
        let now = self.now;
        scene.let_rates_fall(now);
        let mut last = std::mem::take(scene.last_pictures());
        let is_left_out = |layer: &Layer| {
            let content = &layer.content;
            match content.is_held_back() {
                true => !self.outputs.list[id].shows_without_wait(content),
                false => content.is_stalled(now) || !self.may_show(id, content),
            }
        };
        let rest: Option<Vec<Layer>> = scene.leaves_out(is_left_out).then(|| {
            let shown = |layer: &Layer| match is_left_out(layer) {
                true => readiness::with_last_picture(layer, &last),
                false => Some(layer.clone()),
            };
            scene.layers().iter().filter_map(shown).collect()
        });
        let mut left_out = SmallVec::new();
        if rest.is_some() {
            let layers = scene.layers().iter().filter(|layer| is_left_out(layer));
            left_out.extend(layers.map(|layer| layer.content.clone()));
        }
        let (layers, changed) = match &rest {
            Some(rest) => (&rest[..], None),
            None => (scene.layers(), scene.changed()),
        };
        let cursor = plane.and_then(|plane| self.on_cursor_plane(id, plane));
        let tearing = self.config.tearing;
        let output = &mut self.outputs.list[id];
        output.judge_tearing(layers, tearing);
        output.update_content_type(layers);
        let wakes = output.machine.is_dark();
        let written = self.image_to_write(id, layers, cursor.is_some());
        let (current, image) = (rest.is_none(), written.as_ref().map(|written| &*written.buffer));
        let frame = SceneFrame { layers, changed, current, cursor: cursor.as_ref(), image };
        let done = self.present(id, vblank, (planned, started), &frame, &mut last, Attempt::default());
        let (done, image) = match done {
            Ok(image) => (Ok(()), image),
            Err(error) => (Err(error), None),
        };
        if let Some(written) = written {
            self.image_written(id, written, image);
        }
        if done.is_ok() {
            if wakes {
                self.crc_modeset(id);
            }
            self.comparison_presented(id, layers, cursor, false);
            self.capture_latched(id, layers, &last);
        }
        *scene.last_pictures() = last;
        self.outputs.list[id].scene = scene;
        self.await_left_out(id, left_out);
        let output = &mut self.outputs.list[id];
        if done.is_ok() {
            output.scene.drop_last_pictures();
        }
        match (&done, &rest) {
            (Ok(()), None) => output.scene.frame_done(),
            // The next frame has more layers than this one, or this one was not made.
            (Ok(()), Some(_)) | (Err(_), _) => output.scene.set_rebuilt(),
        }
        match done {
            Ok(()) => {
                if wakes {
                    trace::power(self.now, output.id, output.frame, true);
                    self.power_stale = true;
                }
                self.collect_feedback(id);
            }
            Err(failed) => self.frame_failed(id, &failed),
        }
        // The latch time has passed, whatever the kernel answered: barriers end here.
        self.clear_barriers(id);
    }

    /// Builds the scene of output `id` again if something but a content has changed.
    /// `on_plane`: the cursor plane shows the pointer.
    pub fn build_scene(&mut self, id: OutputId, on_plane: bool) {
        let output = &mut self.outputs.list[id];
        if std::mem::replace(&mut output.pointer_on_plane, on_plane) != on_plane {
            output.scene.set_stale();
            // They were with the pointer's plane, or without it.
            output.layouts.forget_tests();
        }
        if !output.scene.is_stale() {
            return;
        }
        self.counters.walks += 1;
        let mut scene = std::mem::take(&mut output.scene);
        let mut covered = Vec::new();
        let mut found = Collected::default();
        let screen = self.outputs.list[id].screen();
        scene.rebuild(|layers| found = self.collect_scene(id, &screen, !on_plane, layers, &mut covered));
        self.counters.visited += found.visited;
        let output = &mut self.outputs.list[id];
        (output.scene, output.filled) = (scene, found.filled);
        self.mark_visible(id, &covered);
    }

    /// Adds the layers that output `id` shows to `layers`, as they lie on `screen`, with the pointer's
    /// image if `pointer` is true, and the surfaces that lie below what covers the whole output to
    /// `covered`.
    pub fn collect_scene(
        &mut self,
        id: OutputId,
        screen: &Screen,
        pointer: bool,
        layers: &mut Vec<Layer>,
        covered: &mut Vec<WlSurface>,
    ) -> Collected {
        let output = &self.outputs.list[id];
        let device = pointer.then(|| output.kms.device());
        self.desktop.collect(screen, device, self.now, layers, covered)
    }

    /// The colour where an output shows no layer; `filled`: a fullscreen window fills it.
    pub fn background(&self, filled: bool) -> Colour {
        if filled { Colour([0; 3]) } else { self.config.background }
    }

    /// The client's surface that is the pointer's image, if the pointer is on output `id`.
    pub fn cursor_on(&self, id: OutputId) -> Option<WlSurface> {
        let (surface, origin) = self.desktop.cursor.surface(self.pointer_location())?;
        let size = with_states(surface, |states| SurfaceState::of(states).view.size);
        self.outputs.list[id].shown_area().overlaps(Rectangle::new(origin, size)).then(|| surface.clone())
    }

    /// Commits a frame, and handles its consequences. Returns what signals when its image is in the buffer that it
    /// was to be put into; `None`: it is not put there.
    fn present(
        &mut self,
        id: OutputId,
        vblank: Ns,
        times: (Ns, Ns),
        frame: &SceneFrame<'_>,
        last: &mut LastPictures,
        attempt: Attempt,
    ) -> Result<Option<SyncFile>, FrameError> {
        let config = FrameConfig {
            clock: self.clock,
            planes: self.config.planes,
            background: self.background(self.outputs.list[id].filled),
        };
        let presented = self.outputs.present(id, vblank, times, (frame, last), attempt, config);
        let Output { layouts, tracker, .. } = &mut self.outputs.list[id];
        self.counters.visited += layouts.take_visited() + tracker.take_visited();
        let presented = presented?;
        self.take_back(id);
        self.layouts_refused(&presented.refused_layouts);
        self.feedback_after_frame(id, frame, presented.assigned);
        if presented.modeset {
            self.crc_modeset(id);
        }
        Ok(presented.image)
    }

    /// Shows the scene of the previous frame again, composited. Commits that clients have made
    /// since are for the next frame, and so are their callbacks.
    fn show_again(&mut self, id: OutputId, planned: Ns, vblank: Ns, RepeatedFrame { scene, cursor }: RepeatedFrame) {
        let how = Attempt { composited: true, ..Attempt::default() };
        let frame = SceneFrame { layers: &scene, changed: None, current: false, cursor: cursor.as_ref(), image: None };
        let done = self.present(id, vblank, (planned, self.now), &frame, &mut LastPictures::new(), how);
        self.await_left_out(id, SmallVec::new());
        // The planes show what was composited here, so the next frame begins anew.
        self.outputs.list[id].scene.set_rebuilt();
        match done {
            Ok(_) => self.comparison_presented(id, &scene, cursor, true),
            Err(failed) => {
                self.comparison_failed(id);
                self.frame_failed(id, &failed);
            }
        }
    }

    /// Loads the cursor theme before the first frame needs it, because that takes longer than a
    /// frame. A headless session never has a pointer.
    pub fn preload_cursor(&mut self) {
        for id in self.outputs.list.ids() {
            if self.outputs.list[id].kms.device().is_headless() {
                continue;
            }
            match self.cursor_plane(id) {
                Some(plane) => drop(self.on_cursor_plane(id, plane)),
                None => {
                    let screen = self.outputs.list[id].screen();
                    self.collect_scene(id, &screen, true, &mut Vec::new(), &mut Vec::new());
                }
            }
        }
    }

    /// The cursor plane of output `id` and the size of its buffer, if one that is as large as the
    /// pointer's image can be shown there.
    pub fn cursor_plane(&mut self, id: OutputId) -> Option<(usize, (u32, u32))> {
        let output = &self.outputs.list[id];
        let (plane, screen) = (output.cursor.filter(|_| output.ladder.may_use_cursor())?, output.screen());
        if screen.has_edges() {
            // A plane would show it on the black, too.
            return None;
        }
        let image = output.transform.transform_size(self.desktop.cursor.size(&self.desktop.trees, screen.scale)?);
        // Most images fit into this size; a smaller one does not change the buffer.
        let (width, height) = (image.w.max(64).unsigned_abs(), image.h.max(64).unsigned_abs());
        Some((plane, output.kms.planes()[plane].cursor_size_for(width, height)?))
    }

    /// The pointer's image on the cursor plane of output `id`; `None` if it is elsewhere.
    fn on_cursor_plane(&mut self, id: OutputId, (plane, (width, height)): (usize, (u32, u32))) -> Option<CursorPlane> {
        let output = &self.outputs.list[id];
        let screen = output.screen();
        let pointer = screen.pixel(self.pointer_location());
        let shown = self.desktop.cursor.for_plane(output.kms.device(), (width, height), &screen)?;
        let at = screen.turn(Rectangle::new(pointer - shown.hotspot, shown.size)).loc;
        let rect = Rect::new(at.x, at.y, width, height);
        let (w, h) = output.kms.size();
        rect.intersection(&Rect::new(0, 0, w, h))?;
        Some((plane, shown, rect))
    }
}
