//! What a client wants of its layer surface, as values.
//!
//! [`Wanted::fault`] says what is wrong with it; nothing here posts an error.

use smithay::{
    utils::{Logical, Size},
    wayland::compositor::Cacheable,
};
use wayland_protocols_wlr::layer_shell::v1::server::{
    zwlr_layer_shell_v1,
    zwlr_layer_surface_v1::{self, Anchor},
};
use wayland_server::DisplayHandle;

/// Where a surface lies in depth; from bottom to top.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Wallpapers.
    #[default]
    Background,
    /// Below all windows.
    Bottom,
    /// Above all windows that are not fullscreen.
    Top,
    /// Above everything.
    Overlay,
}

impl Layer {
    /// From top to bottom.
    pub const FROM_TOP: [Self; 4] = [Self::Overlay, Self::Top, Self::Bottom, Self::Background];
}

impl From<zwlr_layer_shell_v1::Layer> for Layer {
    fn from(layer: zwlr_layer_shell_v1::Layer) -> Self {
        match layer {
            zwlr_layer_shell_v1::Layer::Bottom => Self::Bottom,
            zwlr_layer_shell_v1::Layer::Top => Self::Top,
            zwlr_layer_shell_v1::Layer::Overlay => Self::Overlay,
            _ => Self::Background,
        }
    }
}

/// One edge of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The upper one.
    Top,
    /// The lower one.
    Bottom,
    /// The left one.
    Left,
    /// The right one.
    Right,
}

impl Edge {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Top, Self::Bottom, Self::Left, Self::Right];

    /// `Ok(None)`: no edge; `Err`: several.
    pub(super) fn single(anchor: Anchor) -> Result<Option<Self>, ()> {
        let edges = Edges::from(anchor);
        let mut those = Self::ALL.into_iter().filter(|edge| edges.has(*edge));
        let first = those.next();
        if those.next().is_some() { Err(()) } else { Ok(first) }
    }
}

/// The edges of its output that a surface is anchored to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Edges {
    /// The upper one.
    pub top: bool,
    /// The lower one.
    pub bottom: bool,
    /// The left one.
    pub left: bool,
    /// The right one.
    pub right: bool,
}

impl Edges {
    /// Whether this edge is one of them.
    pub fn has(self, edge: Edge) -> bool {
        match edge {
            Edge::Top => self.top,
            Edge::Bottom => self.bottom,
            Edge::Left => self.left,
            Edge::Right => self.right,
        }
    }

    /// The edge that an exclusive zone belongs to if the client names none: the only one, or the one
    /// between two others.
    fn deduced(self) -> Option<Edge> {
        let Self { top, bottom, left, right } = self;
        match (top, bottom, left == right) {
            (true, false, true) => Some(Edge::Top),
            (false, true, true) => Some(Edge::Bottom),
            (_, _, false) if top == bottom => Some(if left { Edge::Left } else { Edge::Right }),
            _ => None,
        }
    }
}

impl From<Anchor> for Edges {
    fn from(anchor: Anchor) -> Self {
        Self {
            top: anchor.contains(Anchor::Top),
            bottom: anchor.contains(Anchor::Bottom),
            left: anchor.contains(Anchor::Left),
            right: anchor.contains(Anchor::Right),
        }
    }
}

/// Distances from the edges that a surface is anchored to, in logical pixels; any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Margin {
    /// From the upper edge.
    pub top: i32,
    /// From the right edge.
    pub right: i32,
    /// From the lower edge.
    pub bottom: i32,
    /// From the left edge.
    pub left: i32,
}

/// How a surface gets the keyboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keyboard {
    /// Never.
    #[default]
    None,
    /// At once and alone, on the upper two layers; elsewhere as [`Keyboard::OnDemand`].
    Exclusive,
    /// As a window gets it.
    OnDemand,
}

impl From<zwlr_layer_surface_v1::KeyboardInteractivity> for Keyboard {
    fn from(keyboard: zwlr_layer_surface_v1::KeyboardInteractivity) -> Self {
        match keyboard {
            zwlr_layer_surface_v1::KeyboardInteractivity::Exclusive => Self::Exclusive,
            zwlr_layer_surface_v1::KeyboardInteractivity::OnDemand => Self::OnDemand,
            _ => Self::None,
        }
    }
}

/// What a client wants of its layer surface. Double-buffered: a commit applies it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where it lies in depth.
    pub layer: Layer,
    /// In logical pixels, never negative; 0: the compositor's choice.
    pub size: Size<i32, Logical>,
    /// Where it is fixed.
    pub anchor: Edges,
    /// How much of the output other surfaces should leave free, from the edge on, in logical pixels; 0:
    /// nothing; negative: nothing, and it takes what others want to be left free.
    pub zone: i32,
    /// The edge of `zone`, if the client names one.
    pub exclusive_edge: Option<Edge>,
    /// Distances from the edges.
    pub margin: Margin,
    /// How it gets the keyboard.
    pub keyboard: Keyboard,
}

impl Cacheable for Wanted {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        *self
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

impl Wanted {
    /// The edge along which the surface wants an area for itself, and how deep that is without the
    /// margin; `None`: it wants none.
    pub fn exclusive(&self) -> Option<(Edge, i32)> {
        let edge = self.exclusive_edge.or_else(|| self.anchor.deduced())?;
        (self.zone > 0).then_some((edge, self.zone))
    }

    /// What must not be committed so.
    pub(super) fn fault(&self) -> Option<(zwlr_layer_surface_v1::Error, String)> {
        use zwlr_layer_surface_v1::Error;
        let Edges { top, bottom, left, right } = self.anchor;
        if self.size.w == 0 && !(left && right) {
            let message = "set_size: a width of 0 needs the anchors left and right (set_anchor)";
            return Some((Error::InvalidSize, message.to_owned()));
        }
        if self.size.h == 0 && !(top && bottom) {
            let message = "set_size: a height of 0 needs the anchors top and bottom (set_anchor)";
            return Some((Error::InvalidSize, message.to_owned()));
        }
        let edge = self.exclusive_edge.filter(|edge| !self.anchor.has(*edge))?;
        Some((Error::InvalidExclusiveEdge, format!("set_exclusive_edge: the surface is not anchored to {edge:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(names: &str) -> Edges {
        Edges {
            top: names.contains('t'),
            bottom: names.contains('b'),
            left: names.contains('l'),
            right: names.contains('r'),
        }
    }

    #[test]
    fn the_edge_of_a_zone_follows_from_the_anchors_where_it_can() {
        let table = [
            ("", None),
            ("t", Some(Edge::Top)),
            ("tlr", Some(Edge::Top)),
            ("b", Some(Edge::Bottom)),
            ("blr", Some(Edge::Bottom)),
            ("l", Some(Edge::Left)),
            ("ltb", Some(Edge::Left)),
            ("r", Some(Edge::Right)),
            ("rtb", Some(Edge::Right)),
            ("tl", None),
            ("br", None),
            ("tb", None),
            ("lr", None),
            ("tblr", None),
        ];
        for (anchor, edge) in table {
            let wanted = Wanted { anchor: edges(anchor), zone: 5, ..Wanted::default() };
            assert_eq!(wanted.exclusive().map(|(edge, _)| edge), edge, "{anchor}");
        }
        let corner = Wanted { anchor: edges("tl"), zone: 5, exclusive_edge: Some(Edge::Left), ..Wanted::default() };
        assert_eq!(corner.exclusive(), Some((Edge::Left, 5)), "named by the client");
        assert_eq!(Wanted { zone: 0, ..corner }.exclusive(), None);
        assert_eq!(Wanted { zone: -1, ..corner }.exclusive(), None);
    }

    #[test]
    fn what_is_not_anchored_to_opposite_edges_has_a_size() {
        let table = [
            ((0, 0), "", true),
            ((5, 5), "", false),
            ((0, 5), "tlr", false),
            ((0, 5), "tl", true),
            ((5, 0), "tb", false),
            ((5, 0), "lr", true),
            ((0, 0), "tblr", false),
        ];
        for (size, anchor, wrong) in table {
            let wanted = Wanted { size: size.into(), anchor: edges(anchor), ..Wanted::default() };
            assert_eq!(wanted.fault().is_some(), wrong, "{size:?} {anchor}");
        }
    }
}
