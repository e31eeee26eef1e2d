//! Titles on bars: they are drawn again when what they say, their width or their colour has changed.
//!
//! ```text
//!  a title, a place, the focus, the configuration ─→ stale ─ at most every 100 ms ─→ look at the bars that are
//!  shown ─→ what differs from what was drawn last is asked for ─→ a picture comes ─→ the outputs that show it
//! ```
//!
//! A client that changes its title all the time costs a look at the shown bars every 100 ms, and one title.
//! While the session is locked titles wait. Where things are on a bar is in [`crate::desktop::bar`].

use fence::Ns;
use protocols::toplevels::shortened;
use smithay::wayland::{compositor::with_states, shell::xdg::XdgToplevelSurfaceData};

use crate::{
    desktop::bars::{Bars, Titled},
    session::Syncline,
    system::id::{SurfaceId, WindowId},
    text::sheet::Picture,
};

/// From one look at the titles to the next.
const PERIOD: Ns = 100_000_000;

impl Syncline {
    /// When titles are to be looked at.
    pub fn next_bars(&self) -> Option<Ns> {
        (self.bars.stale && !self.is_locked()).then_some(self.bars.looked + PERIOD)
    }

    /// After a batch of events: looks at the titles on bars, if it is time.
    pub fn refresh_bars(&mut self) {
        if self.next_bars().is_none_or(|due| self.now < due) {
            return;
        }
        (self.bars.stale, self.bars.looked) = (false, self.now);
        let (mut titles, mut drawn, mut refused) = (Vec::new(), false, None);
        let (desktop, outputs) = (&mut self.desktop, &self.outputs);
        for above in desktop.windows.visible().filter_map(|window| window.above()) {
            let scale = outputs.scale_of(above.bar.within);
            desktop.bars.titles(above, scale, |title| titles.push(title));
            match desktop.bars.prepare_buttons(above, scale) {
                Ok(buttons) => drawn |= buttons,
                Err(why) => refused = Some(why),
            }
        }
        if drawn {
            self.redraw_all();
        }
        if let Some(why) = refused {
            tracing::warn!("a title bar has no buttons: {why}");
        }
        titles.into_iter().for_each(|title| self.refresh_title(title));
    }

    fn refresh_title(&mut self, of: Titled) {
        let Some(window) = self.desktop.windows.get(of.window) else { return };
        let text = with_states(window.surface(), |states| {
            let data = states.data_map.get::<XdgToplevelSurfaceData>()?.lock().ok()?;
            let title = data.title.as_deref().map(shortened).unwrap_or_default();
            // What is the same as before is not even copied.
            Some((self.desktop.bars.sheet(of, title)?, title.to_owned()))
        });
        let Some((sheet, text)) = text else { return };
        let key = Bars::title_id(of.window);
        let drawn = of.has_room() && !text.trim().is_empty();
        if self.desktop.bars.ask(of, &text, drawn) {
            self.redraw_bar(of.window);
        }
        if drawn {
            self.draw_text(key, sheet);
        }
    }

    /// A title has been drawn, or cannot be.
    pub fn bring_title(&mut self, key: SurfaceId, picture: Option<Picture>) {
        if let Some(window) = self.desktop.bars.bring(key, picture) {
            self.redraw_bar(window);
        }
    }

    /// The outputs that show a bar or a tab build their scenes again.
    fn redraw_bar(&mut self, window: WindowId) {
        let (ground, mut is_shown) = (Bars::ground_id(window), false);
        for output in self.outputs.list.iter_mut().filter(|output| output.scene.shows(ground)) {
            output.scene.set_stale();
            (output.dirty, is_shown) = (true, true);
        }
        if !is_shown {
            // Its ground may be of a colour that is not seen.
            self.redraw_all();
        }
    }

    /// A window is gone: nobody keeps pictures of its bar.
    pub fn forget_bar(&mut self, window: WindowId) {
        self.desktop.bars.forget(window).into_iter().for_each(|picture| self.forget_picture(picture));
    }
}
