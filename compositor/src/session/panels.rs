//! The session's panels: when one opens, on which display, and what closes it.
//!
//! ```text
//!  show-bindings ─→ open ─ again, Escape, a click, the session is locked ─→ closed
//!  the configuration is wrong ─→ open ─ Escape, a click on it ─→ closed until it is wrong in another way
//!                                └ the configuration is right ─→ closed
//! ```
//!
//! A session without a configuration opens with the first bindings, until one is used, Escape or a click.
//!
//! A panel opens on the display with the focus, and goes to the one that has it then when its own is gone.
//! While the session is locked panels take no key and no click. What they say and how large they are is in
//! [`crate::desktop::panels`].

use smithay::{
    input::keyboard::keysyms::KEY_Escape,
    utils::{Logical, Point, Rectangle},
};

use crate::{
    config::bindings::Mods,
    desktop::panels::{Kind, bindings, fault, welcome},
    output::state::Output,
    session::{Syncline, parts::configuration::Configuration},
    system::id::SurfaceId,
    text::sheet::{Picture, Sheet},
};

impl Syncline {
    /// Shows the bindings, or does so no more. Errors: why that is not possible, for the user.
    pub fn toggle_bindings(&mut self) -> Result<(), String> {
        if self.is_locked() {
            return Err("not possible while the session is locked".to_owned());
        }
        if self.close_panel(Kind::Bindings) {
            return Ok(());
        }
        match self.open_panel(Kind::Bindings) {
            true => Ok(()),
            false => Err("no display is lit".to_owned()),
        }
    }

    /// The mode or the bindings have changed: a panel that shows them shows what holds now.
    pub fn renew_bindings(&mut self) {
        if self.desktop.panels.place(Kind::Bindings).is_some() {
            self.open_panel(Kind::Bindings);
        }
    }

    /// The configuration was read: what is wrong with it is shown, once.
    pub fn tell_fault(&mut self) {
        let configuration = &self.configuration;
        if configuration.error.is_some() && configuration.error == configuration.told {
            return;
        }
        self.configuration.told = self.configuration.error.clone().filter(|_| self.open_panel(Kind::Fault));
        if self.configuration.told.is_none() {
            self.close_panel(Kind::Fault);
        }
    }

    /// The displays have changed: a panel whose display is gone opens where the focus is now. What could not
    /// be shown without a display is shown.
    pub fn place_panels(&mut self) {
        for kind in Kind::ALL {
            let Some(place) = self.desktop.panels.place(kind) else { continue };
            if !self.outputs.list.iter().any(|output| output.rect() == place.area) {
                if self.open_panel(kind) {
                    continue;
                }
                self.close_panel(kind);
                if kind == Kind::Fault {
                    self.configuration.told = None;
                }
            }
        }
        if self.configuration.error.is_some() {
            self.tell_fault();
        }
    }

    /// The area of the display with the focus; `None`: no display is lit.
    fn area_with_focus(&self) -> Option<Rectangle<i32, Logical>> {
        let focused = self.desktop.layout.focused_output();
        let is_focused = |output: &&Output| focused.is_some_and(|focused| *focused.name.0 == *output.wl.name());
        let focused = self.outputs.list.iter().find(is_focused).map(|output| output.id);
        let id = focused.or_else(|| self.output_at(self.pointer_location()))?;
        self.outputs.list.get(id).map(Output::rect)
    }

    /// Whether a panel is open now; its picture is asked for.
    fn open_panel(&mut self, kind: Kind) -> bool {
        let Some(area) = self.area_with_focus() else { return false };
        let scale = self.outputs.scale_of(area).factor() as f32;
        let (font, size) = (&self.config.desktop.font, self.config.desktop.font_size.0);
        let (place, sheet) = match (kind, &self.configuration.error) {
            (Kind::Bindings, _) => bindings::panel(&self.config.bindings, &self.keys.mode, font, size, area),
            (Kind::Fault, Some(error)) => fault::panel(error, font, size, area),
            (Kind::Fault, None) => return false,
            (Kind::Welcome, _) => welcome::panel(&self.config.bindings, font, size, area),
        };
        let id = self.desktop.panels.open(kind, place);
        self.draw_text(id, Sheet { scale, ..sheet });
        true
    }

    /// Whether a panel was open.
    fn close_panel(&mut self, kind: Kind) -> bool {
        let closed = self.desktop.panels.close(kind);
        closed.into_iter().for_each(|id| self.forget_picture(id));
        closed.is_some()
    }

    /// The picture of a panel has come. `None`: there is none, and so there is no panel.
    pub fn panel_drawn(&mut self, id: SurfaceId, picture: Option<Picture>) {
        if let Some(picture) = picture {
            let places = self.desktop.panels.show(id, picture);
            places.iter().flatten().for_each(|place| self.redraw_area(place.rect));
        } else if let Some(kind) = self.desktop.panels.kind_of(id) {
            self.close_panel(kind);
        }
    }

    /// The session begins: somebody without a configuration is told the first bindings.
    pub fn welcome(&mut self) {
        let Configuration { overrides, files, .. } = &self.configuration;
        let is_new = overrides.config.is_none() && overrides.set.is_empty() && !files.iter().any(|file| file.exists());
        if is_new {
            self.open_panel(Kind::Welcome);
        }
    }

    /// A binding is performed.
    pub(super) fn panels_used(&mut self) {
        self.close_panel(Kind::Welcome);
    }

    /// The session is being locked.
    pub fn panels_locked(&mut self) {
        self.close_panel(Kind::Bindings);
        self.close_panel(Kind::Welcome);
    }

    /// A key is pressed with these modifiers. Whether a panel takes it: Escape closes the topmost one.
    pub(super) fn panel_takes_key(&mut self, keysym: u32, mods: Mods) -> bool {
        if keysym != KEY_Escape || mods != Mods::NONE || self.is_locked() {
            return false;
        }
        let top = self.desktop.panels.top();
        top.is_some_and(|kind| self.close_panel(kind))
    }

    /// A button is pressed at a place, or a finger comes down. Whether a panel takes that, which it closes;
    /// the bindings are closed by any.
    pub(super) fn panel_takes_click(&mut self, at: Point<f64, Logical>) -> bool {
        if self.is_locked() {
            return false;
        }
        let hit = self.desktop.panels.at(at);
        self.close_panel(Kind::Bindings);
        self.close_panel(Kind::Welcome);
        hit.is_some_and(|kind| {
            self.close_panel(kind);
            true
        })
    }
}
