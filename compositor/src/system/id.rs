//! Names of things, each a type of its own, so that an output's cannot be taken for a surface's.
//!
//! None says where its thing is: whoever has the things finds them by it.

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
    /// An output, from 1; never used again in a session while a later one is lit. Its thread in the trace.
    OutputId
}
id! {
    /// A surface, from 100; never used again in a process. Its thread in the trace.
    SurfaceId
}
id! {
    /// A place in one of the session's tables, as the event set knows it; used again once it is free.
    Slot
}
