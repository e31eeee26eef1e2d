//! Text as pictures, for what the session itself has to say: panels, titles.
//!
//! ```text
//!  Sheet ─→ Painter ─ queue ─→ the thread "text": Fonts ─→ Picture ─ eventfd ─→ the session's loop
//! ```
//!
//! Fonts are read, and text is shaped and drawn, in a thread of its own, which exists only while there is
//! something to draw: the event loop never waits for a file. A picture is shared memory, as a client's
//! buffer is. Nothing here knows what is on the screen.

mod canvas;
mod fonts;
pub mod painter;
pub mod sheet;
