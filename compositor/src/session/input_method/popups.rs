//! The popups of an input method: beside the cursor of the text that is edited, above everything but the pointer.
//!
//! ```text
//!  below the cursor; above it where there is no room below; always within the display of the cursor
//! ```

use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, Rectangle, Size},
    wayland::compositor::with_states,
};

use crate::{session::Syncline, surface::SurfaceState};

/// Where a popup of this size lies for a cursor, on a display with this area.
fn place(
    cursor: Rectangle<i32, Logical>,
    size: Size<i32, Logical>,
    area: Rectangle<i32, Logical>,
) -> Point<i32, Logical> {
    let (right, bottom) = (area.loc.x + area.size.w, area.loc.y + area.size.h);
    let (below, above) = (cursor.loc.y + cursor.size.h, cursor.loc.y - size.h);
    let y = if below + size.h > bottom && above >= area.loc.y { above } else { below };
    // One that is larger than the display begins where that does.
    let x = cursor.loc.x.min(right - size.w).max(area.loc.x);
    (x, y.min(bottom - size.h).max(area.loc.y)).into()
}

impl Syncline {
    /// Puts the popups where the cursor is now. Costs nothing without popups.
    pub(in crate::session) fn place_input_popups(&mut self) {
        let stale = std::mem::take(&mut self.grabbed.popups_stale);
        if self.globals.input_methods.popups().is_empty() && !stale {
            return;
        }
        let mut shown = std::mem::take(&mut self.grabbed.popups);
        self.find_input_popups(&mut shown);
        if shown != self.desktop.input_popups {
            std::mem::swap(&mut shown, &mut self.desktop.input_popups);
            (self.pointer_stale, self.displays_stale) = (true, true);
            self.redraw_all();
        }
        // Its memory is for the next time.
        shown.clear();
        self.grabbed.popups = shown;
    }

    /// The popups that are shown, and where.
    fn find_input_popups(&mut self, shown: &mut Vec<(WlSurface, Point<i32, Logical>)>) {
        if !self.globals.input_methods.is_active() || self.is_locked() {
            return;
        }
        let Some(cursor) = self.cursor_of_text() else { return };
        let middle = Point::from((cursor.loc.x + cursor.size.w / 2, cursor.loc.y + cursor.size.h / 2));
        let Some(output) = self.output_at(middle.to_f64()) else { return };
        let area = self.outputs.list[output].rect();
        for popup in self.globals.input_methods.popups() {
            let surface = popup.surface();
            if !surface.is_alive() {
                continue;
            }
            let size = with_states(surface, |states| {
                let state = SurfaceState::of(states);
                state.current.is_some().then_some(state.view.size)
            });
            let Some(size) = size else { continue };
            let at = place(cursor, size, area);
            shown.push((surface.clone(), at));
            popup.tell_cursor(Rectangle::new(cursor.loc - at, cursor.size));
        }
    }

    /// Where on the desktop the cursor is of the text that is edited; where its client does not say, all of its
    /// surface. `None`: nothing is edited, or it is not seen.
    fn cursor_of_text(&self) -> Option<Rectangle<i32, Logical>> {
        let (focus, text) = self.globals.text_inputs.enabled()?;
        let mut origin = None;
        self.desktop.surfaces(|_, surface, _, at| {
            if surface == focus {
                origin = Some(at);
            }
        });
        let size = || with_states(focus, |states| SurfaceState::of(states).view.size);
        let cursor = text.cursor.unwrap_or_else(|| Rectangle::from_size(size()));
        Some(Rectangle::new(origin? + cursor.loc, cursor.size))
    }

    /// Whether a surface is a part of a popup of the input method: a click on it leaves the keyboard where it is.
    pub(in crate::session) fn is_input_popup(&self, surface: &WlSurface) -> bool {
        let popups = &self.desktop.input_popups;
        !popups.is_empty() && popups.iter().any(|(popup, _)| *popup == self.root_of(surface))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_popup_is_below_the_cursor_or_above_it_and_on_the_display() {
        let area = Rectangle::new((100, 200).into(), (400, 300).into());
        let table = [
            // Below.
            ((150, 250, 2, 20), (100, 50), (150, 270)),
            // To the left of where it would end.
            ((480, 250, 2, 20), (100, 50), (400, 270)),
            // Above, as there is no room below.
            ((150, 440, 2, 20), (100, 50), (150, 390)),
            // There is no room anywhere.
            ((150, 240, 2, 250), (100, 50), (150, 450)),
            ((150, 250, 2, 20), (1000, 1000), (100, 200)),
            // The cursor is elsewhere.
            ((-500, -500, 2, 20), (100, 50), (100, 200)),
            ((9000, 9000, 2, 20), (100, 50), (400, 450)),
        ];
        for ((x, y, w, h), size, expected) in table {
            let cursor = Rectangle::new((x, y).into(), (w, h).into());
            let at = place(cursor, size.into(), area);
            assert_eq!((at.x, at.y), expected, "{cursor:?} {size:?}");
        }
    }
}
