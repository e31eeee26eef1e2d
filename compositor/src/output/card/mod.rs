//! Cards: display devices of the session, what they can do, and displays on their way on and off.
//!
//! Nothing here renders, and nothing chooses when.

#[expect(clippy::module_inception, reason = "the file of the struct `Card`")]
pub mod card;
pub mod cards;
pub mod leaving;
pub mod light;
pub mod limits;

pub use card::Card;
pub use cards::Cards;
pub use limits::CardLimits;
