//! What a session keeps for the one that starts after a crash, and what it got from the one before.

use fence::Ns;
use serde::{Deserialize, Serialize};

use crate::system::{id::WindowId, state_file::StateFile};

/// The most windows that are kept.
pub const MOST: usize = 512;

/// What is in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kept {
    pub locked: bool,
    /// In the order in which they came.
    pub windows: Vec<KeptWindow>,
}

/// A window that was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWindow {
    pub app_id: String,
    /// `None`: it was in the scratchpad.
    pub workspace: Option<String>,
    /// Where it lay on its display and how large it was, if it floated.
    pub floating: Option<((i32, i32), (i32, i32))>,
    pub fullscreen: bool,
    pub maximised: bool,
    pub minimised: bool,
    /// The window that has taken its place; not in the file.
    #[serde(skip)]
    pub taken: Option<WindowId>,
}

/// What is kept, and for whom.
#[derive(Debug, Default)]
pub struct Recall {
    /// `None`: nobody starts this session again.
    pub file: Option<StateFile>,
    /// What is in it.
    pub written: Kept,
    /// When it is to be written.
    pub due: Option<Ns>,
    /// The windows of the session before this one.
    pub before: Vec<KeptWindow>,
    /// Until when windows that appear may be those.
    pub until: Ns,
}

impl Recall {
    /// The place that a new window had, if it had one: the first of its application that no other window has
    /// taken.
    pub fn place_of(&mut self, window: WindowId, app_id: &str, now: Ns) -> Option<&KeptWindow> {
        let same = |kept: &KeptWindow| kept.taken == Some(window);
        let free = |kept: &KeptWindow| kept.taken.is_none() && kept.app_id == app_id;
        let found = self.before.iter().position(same);
        let found = found.or_else(|| self.before.iter().position(free).filter(|_| now < self.until))?;
        let kept = &mut self.before[found];
        kept.taken = Some(window);
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(app_id: &str, workspace: &str) -> KeptWindow {
        KeptWindow {
            app_id: app_id.to_owned(),
            workspace: Some(workspace.to_owned()),
            floating: None,
            fullscreen: false,
            maximised: false,
            minimised: false,
            taken: None,
        }
    }

    #[test]
    fn windows_of_an_application_get_their_places_in_order_and_each_once() {
        let before = vec![kept("a", "1"), kept("b", "2"), kept("a", "3")];
        let mut recall = Recall { before, until: 10, ..Recall::default() };
        let mut place = |window, app_id, now| {
            recall.place_of(WindowId(window), app_id, now).map(|kept| kept.workspace.clone().unwrap_or_default())
        };
        assert_eq!(place(1, "a", 0).as_deref(), Some("1"));
        // Asked twice: for the first configure, and for the first buffer, which may come late.
        assert_eq!(place(1, "a", 99).as_deref(), Some("1"));
        assert_eq!(place(2, "a", 0).as_deref(), Some("3"));
        assert_eq!(place(3, "a", 0), None);
        assert_eq!(place(4, "b", 10), None, "too late: somebody has started it anew");
        assert_eq!(place(4, "b", 9).as_deref(), Some("2"));
    }
}
