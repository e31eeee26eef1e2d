//! Cards: DRM devices of the session, what they can do, and displays that are about to be lit or
//! turned off.
//!
//! Nothing here renders, and nothing here decides when.

#[expect(clippy::module_inception, reason = "the file of the struct `Card`")]
pub mod card;
pub mod cards;
pub mod crtcs;
pub mod leaving;
pub mod light;
pub mod limits;
pub mod monitor;
pub mod split;
pub mod stalls;

pub use card::Card;
pub use cards::Cards;
pub use limits::CardLimits;
