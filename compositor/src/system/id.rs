//! Ids, each a type of its own, so that an output's cannot be mistaken for a surface's.
//!
//! An id does not say where its object is; the tables that hold the objects find them by it.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// An output, from 1 to [`OutputId::LAST`]. An id is used again after all others. It is also the
    /// output's thread in the trace.
    OutputId
}
id! {
    /// A window of the layout, from 1 up. An id is never reused in a session.
    WindowId
}
id! {
    /// A workspace, from 1 up. An id is never reused in a session.
    WorkspaceId
}
id! {
    /// A surface, from 100 up. An id is never reused in a process. It is also the surface's thread
    /// in the trace.
    SurfaceId
}
id! {
    /// A place in one of the session's tables, as the reactor knows it; reused once it is free.
    Slot
}

impl OutputId {
    /// The greatest: threads of the trace from [`SurfaceId::POINTER`] on are those of surfaces.
    pub const LAST: u32 = SurfaceId::POINTER.0 - 1;
}

impl SurfaceId {
    /// The pointer's image of the cursor theme, which is shown like a surface but is no client's.
    pub const POINTER: Self = Self(99);

    /// A side of the ring around a window, from 0 to 3: shown like a surface, too. No process has so many
    /// surfaces that one of theirs could be the same.
    pub fn ring(window: WindowId, side: u32) -> Self {
        Self(1 << 30 | (window.0 & 0x0fff_ffff) << 2 | side & 3)
    }

    /// Whether it is that of a ring.
    pub fn is_ring(self) -> bool {
        self.0 >> 30 == 1
    }

    /// A part of the bar or the tab of a window, from 0 to 3: above all rings and panels.
    pub fn bar(window: WindowId, part: u32) -> Self {
        Self(3 << 30 | (window.0 & 0x0fff_ffff) << 2 | part & 3)
    }

    /// The picture of a panel of the session's own, the so many-th. Above all rings; the ranges with other
    /// bits from 28 to 30 are free for pictures of other kinds.
    pub fn panel(number: u32) -> Self {
        Self(1 << 31 | number & 0x0fff_ffff)
    }

    /// What a picture has in the place of a surface that it must not show. Above all panels.
    pub fn hidden(self) -> Self {
        Self(9 << 28 | self.0 & 0x0fff_ffff)
    }

    /// An edge beside the picture of a display that mirrors another one, from 0 to 3. Above all of these.
    pub fn edge(side: u32) -> Self {
        Self(10 << 28 | side & 3)
    }

    /// Whether it is that of a panel.
    pub fn is_panel(self) -> bool {
        self.0 >> 28 == 1 << 3
    }
}
