//! What is said between a client that edits a text and an input method that composes it: by
//! [`crate::text_input`] and [`crate::input_method`].
//!
//! Nothing here knows an object of either protocol.

use smithay::utils::{Logical, Rectangle};
use wayland_protocols::wp::text_input::zv3::server::zwp_text_input_v3::{ChangeCause, ContentHint, ContentPurpose};

/// The text around the cursor. Positions are bytes, between two letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surrounding {
    /// A part of the text.
    pub text: String,
    /// Where the cursor is.
    pub cursor: u32,
    /// Where the selection begins or ends; without one, the cursor.
    pub anchor: u32,
}

/// What a client has said of the text, as far as it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text {
    /// The text around the cursor.
    pub surrounding: Option<Surrounding>,
    /// Who has changed it; said of each change anew.
    pub cause: Option<ChangeCause>,
    /// Its kind.
    pub content: Option<(ContentHint, ContentPurpose)>,
    /// Where the cursor is on the surface; never of a negative size.
    pub cursor: Option<Rectangle<i32, Logical>>,
}

impl Text {
    /// Takes over what another says.
    pub(crate) fn merge(&mut self, news: Self) {
        let Self { surrounding, cause, content, cursor } = news;
        self.surrounding = surrounding.or(self.surrounding.take());
        self.content = content.or(self.content);
        self.cursor = cursor.or(self.cursor);
        self.cause = cause;
    }
}

/// What an input method has composed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composed {
    /// Text that is not final, and where the cursor begins and ends in it, in bytes; both -1: there is none.
    pub preedit: Option<(String, i32, i32)>,
    /// Text that is.
    pub commit: Option<String>,
    /// So many bytes before and after the cursor go.
    pub delete: (u32, u32),
}

/// The nearest place between two letters at or before so many bytes.
pub(crate) fn boundary(text: &str, at: i32) -> u32 {
    let at = usize::try_from(at).unwrap_or(0).min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_in_the_text_and_between_two_letters() {
        for (at, expected) in [(0, 0), (1, 1), (2, 1), (3, 3), (4, 4), (5, 4), (-1, 0), (i32::MIN, 0), (i32::MAX, 4)] {
            assert_eq!(boundary("aäb", at), expected, "{at}");
        }
        assert_eq!(boundary("", 7), 0);
    }

    #[test]
    fn what_is_not_said_again_stays_but_the_cause() {
        let surrounding = |text: &str| Some(Surrounding { text: text.to_owned(), cursor: 0, anchor: 0 });
        let content = Some((ContentHint::Latin, ContentPurpose::Url));
        let mut text = Text { surrounding: surrounding("a"), cause: Some(ChangeCause::Other), ..Text::default() };
        text.merge(Text { content, ..Text::default() });
        assert_eq!(text, Text { surrounding: surrounding("a"), content, ..Text::default() });
        text.merge(Text { surrounding: surrounding("b"), ..Text::default() });
        assert_eq!(text, Text { surrounding: surrounding("b"), content, ..Text::default() });
    }
}
