//! Panels: what the session itself says on the screen, above everything but the pointer.
//!
//! ```text
//!  opened: a place, an id ─→ the picture comes: shown ─→ closed
//!                                 └ opened again: shown as it is until the next picture comes
//! ```
//!
//! There is one of each [`Kind`] at most. A panel takes neither the keyboard nor the motion of the pointer.
//! While the session is locked none is shown. Nothing here draws, or knows outputs: a panel knows the area of
//! the one that shows it.

pub mod bindings;
pub mod fault;
mod look;
pub mod welcome;

use smithay::utils::{Logical, Point, Rectangle};

use crate::{
    desktop::drawn::Drawn,
    render::{Layer, Screen},
    system::id::SurfaceId,
    text::sheet::Picture,
};

/// What a panel is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The bindings that hold.
    Bindings,
    /// The configuration is wrong.
    Fault,
    /// There is no configuration yet.
    Welcome,
}

impl Kind {
    /// From top to bottom.
    pub const ALL: [Self; 3] = [Self::Bindings, Self::Fault, Self::Welcome];
}

/// Where a panel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// That of the output that shows it.
    pub area: Rectangle<i32, Logical>,
    pub rect: Rectangle<i32, Logical>,
}

/// A panel that is open.
#[derive(Debug)]
struct Panel {
    kind: Kind,
    id: SurfaceId,
    /// Where it is shown.
    place: Place,
    /// Where its next picture will be.
    next: Place,
    /// `None`: its first picture is being drawn.
    drawn: Option<Drawn>,
}

/// The panels that are open.
#[derive(Debug, Default)]
pub struct Panels {
    /// From top to bottom.
    open: Vec<Panel>,
    /// How many have been opened.
    opened: u32,
}

impl Panels {
    /// Opens a panel; one that is open gets another picture, at another place. The id that the picture is to
    /// have.
    pub fn open(&mut self, kind: Kind, place: Place) -> SurfaceId {
        if let Some(panel) = self.open.iter_mut().find(|panel| panel.kind == kind) {
            panel.next = place;
            return panel.id;
        }
        self.opened = self.opened.wrapping_add(1);
        let id = SurfaceId::panel(self.opened);
        let rank = |kind: Kind| Kind::ALL.iter().position(|other| *other == kind);
        let at = self.open.partition_point(|panel| rank(panel.kind) < rank(kind));
        self.open.insert(at, Panel { kind, id, place, next: place, drawn: None });
        id
    }

    /// Closes a panel: the id of its picture. `None`: there is none.
    pub fn close(&mut self, kind: Kind) -> Option<SurfaceId> {
        let at = self.open.iter().position(|panel| panel.kind == kind)?;
        Some(self.open.remove(at).id)
    }

    /// The picture of a panel has come. Where the panel was and where it is; `None`: it is closed.
    pub fn show(&mut self, id: SurfaceId, picture: Picture) -> Option<[Place; 2]> {
        let panel = self.open.iter_mut().find(|panel| panel.id == id)?;
        match &mut panel.drawn {
            Some(drawn) => drawn.set(picture),
            None => panel.drawn = Some(Drawn::new(id, picture)),
        }
        Some([std::mem::replace(&mut panel.place, panel.next), panel.next])
    }

    /// What the panel with this picture is about; `None`: it is closed.
    pub fn kind_of(&self, id: SurfaceId) -> Option<Kind> {
        self.open.iter().find(|panel| panel.id == id).map(|panel| panel.kind)
    }

    /// Where a panel is, or will be with its next picture; `None`: it is closed.
    pub fn place(&self, kind: Kind) -> Option<Place> {
        self.open.iter().find(|panel| panel.kind == kind).map(|panel| panel.next)
    }

    fn shown(&self) -> impl Iterator<Item = (&Panel, &Drawn)> {
        self.open.iter().filter_map(|panel| Some((panel, panel.drawn.as_ref()?)))
    }

    /// The topmost panel that is shown.
    pub fn top(&self) -> Option<Kind> {
        self.shown().next().map(|(panel, _)| panel.kind)
    }

    /// The panel that is shown at a place.
    pub fn at(&self, place: Point<f64, Logical>) -> Option<Kind> {
        let is_there = |panel: &Panel| panel.place.rect.to_f64().contains(place);
        self.shown().find(|(panel, _)| is_there(panel)).map(|(panel, _)| panel.kind)
    }

    /// Appends the layers of the panels that an output shows. They do not yield: a buffer that fills the
    /// display loses its plane for them, if need be.
    pub fn collect(&self, screen: &Screen, layers: &mut Vec<Layer>) {
        layers.extend(self.shown().filter_map(|(panel, drawn)| drawn.layer(panel.place.rect, screen)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: i32, y: i32, w: i32, h: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    fn place(x: i32) -> Place {
        Place { area: rect(0, 0, 800, 600), rect: rect(x, 0, 100, 100) }
    }

    fn picture() -> Picture {
        Picture::new(100, &[255; 100 * 100 * 4], true).unwrap()
    }

    #[test]
    fn a_panel_is_shown_once_its_picture_has_come() {
        let (mut panels, screen, mut layers) = (Panels::default(), Screen::upright(rect(0, 0, 800, 600)), Vec::new());
        let id = panels.open(Kind::Fault, place(0));
        panels.collect(&screen, &mut layers);
        assert!(layers.is_empty() && panels.top().is_none() && panels.at((5.0, 5.0).into()).is_none());
        assert_eq!(panels.show(id, picture()), Some([place(0); 2]));
        panels.collect(&screen, &mut layers);
        assert!(layers.len() == 1 && layers[0].content.surface == id && !layers[0].yields());
        assert_eq!((panels.top(), panels.at((5.0, 5.0).into())), (Some(Kind::Fault), Some(Kind::Fault)));
        assert_eq!(panels.at((100.0, 5.0).into()), None);
        assert_eq!(panels.close(Kind::Fault), Some(id));
        assert_eq!((panels.close(Kind::Fault), panels.show(id, picture())), (None, None), "it comes too late");
    }

    #[test]
    fn a_panel_that_is_opened_again_stays_as_it_is_until_its_next_picture_comes() {
        let (mut panels, screen) = (Panels::default(), Screen::upright(rect(0, 0, 800, 600)));
        let id = panels.open(Kind::Fault, place(0));
        panels.show(id, picture());
        assert_eq!(panels.open(Kind::Fault, place(200)), id);
        let shown = |panels: &Panels| {
            let mut layers = Vec::new();
            panels.collect(&screen, &mut layers);
            (layers[0].dst.loc.x, layers[0].content.serial)
        };
        assert_eq!((shown(&panels), panels.place(Kind::Fault)), ((0, 1), Some(place(200))));
        assert_eq!(panels.show(id, picture()), Some([place(0), place(200)]));
        assert_eq!(shown(&panels), (200, 2));
    }

    #[test]
    fn the_bindings_lie_above_an_error_and_no_id_is_used_twice() {
        let (mut panels, screen) = (Panels::default(), Screen::upright(rect(0, 0, 800, 600)));
        for order in [[Kind::Fault, Kind::Bindings], [Kind::Bindings, Kind::Fault]] {
            let ids = order.map(|kind| panels.open(kind, place(50)));
            assert!(ids.into_iter().all(|id| panels.show(id, picture()).is_some()));
            let mut layers = Vec::new();
            panels.collect(&screen, &mut layers);
            let kinds: Vec<_> = layers.iter().map(|layer| panels.kind_of(layer.content.surface)).collect();
            assert_eq!(kinds, [Some(Kind::Bindings), Some(Kind::Fault)]);
            assert_eq!(panels.at((60.0, 5.0).into()), Some(Kind::Bindings));
            assert!(order.into_iter().all(|kind| panels.close(kind).is_some()));
        }
        assert_eq!(panels.opened, 4);
    }
}
