//! What a session keeps for the one that starts after a crash of it: where windows are, and whether it is locked.
//!
//! ```text
//!  windows change ─→ a second later ─┐
//!  lock, unlock ─────────────────────┴→ WAYLAND_DISPLAY.state in XDG_RUNTIME_DIR ─ crash ─→ the next one reads it:
//!                                          windows of the same application come to their workspaces, for a minute;
//!                                          a session that was locked begins locked, and so does one that cannot know
//! ```
//!
//! Only a session that `syncline session` has started keeps anything. The names of applications and workspaces are
//! in the file, no titles. The file is written by a thread of its own.

use std::path::PathBuf;

use fence::Ns;

use crate::{
    actions::action::{Action, Command},
    control::socket::wayland_path,
    desktop::layout::{geometry, opening::Opening},
    report::windows::WindowReport,
    session::{
        Syncline,
        parts::recall::{Kept, KeptWindow, MOST},
    },
    system::state_file::StateFile,
};

/// How long after a change the file is written.
const DELAY: Ns = 1_000_000_000;
/// How long windows may take to come back.
const PATIENCE: Ns = 60_000_000_000;

fn path(socket: &str) -> Option<PathBuf> {
    let mut path = wayland_path(socket).ok()?.into_os_string();
    path.push(".state");
    Some(path.into())
}

/// A session on this socket begins: nothing is kept of another one, and it is not locked.
pub fn begin(socket: &str) {
    let empty = serde_json::to_string(&Kept::default()).unwrap_or_default();
    if let Some(path) = path(socket)
        && let Err(error) = std::fs::write(&path, empty)
    {
        tracing::warn!("{}: {error}; after a crash the session will begin locked", path.display());
    }
}

/// The session on this socket is over.
pub fn forget(socket: &str) {
    path(socket).map(std::fs::remove_file);
}

impl Syncline {
    /// Keeps what the next session needs from now on. If there was one before this one that has crashed, its
    /// windows come back, and the session is locked if that one was.
    pub(super) fn keep_for_next(&mut self, socket: &str, restarted: bool) {
        let Some(file) = path(socket).map(StateFile::new) else { return };
        if restarted {
            let read = file.read().map_err(|error| error.to_string());
            let read = read.and_then(|text| {
                serde_json::from_str::<Kept>(&text.unwrap_or_default()).map_err(|error| error.to_string())
            });
            let mut kept = read.unwrap_or_else(|error| {
                tracing::warn!("nothing is known of the session before this one, so it is locked: {error}");
                Kept { locked: true, windows: Vec::new() }
            });
            kept.windows.truncate(MOST);
            self.recall.until = self.now + PATIENCE;
            self.recall.before.clone_from(&kept.windows);
            self.recall.written = kept.clone();
            if kept.locked {
                self.lock_again();
            }
        }
        self.recall.file = Some(file);
    }

    /// The session before this one was locked: nothing of clients is shown until somebody has unlocked it.
    fn lock_again(&mut self) {
        self.begin_lock(None);
        if let Err(error) = self.perform(&Action::Run(Command::Lock)) {
            tracing::error!("the session is locked, and nothing that could unlock it runs: {error}");
        }
    }

    /// Windows may have changed: that is written soon.
    pub(super) fn note_kept(&mut self) {
        if self.recall.file.is_some() && self.recall.due.is_none() {
            self.recall.due = Some(self.now + DELAY);
        }
    }

    /// When it is.
    pub fn next_kept(&self) -> Option<Ns> {
        self.recall.due
    }

    /// The timer fired: writes the file, if it is time.
    pub fn kept_timer(&mut self) {
        if self.recall.due.is_some_and(|due| due <= self.now) {
            self.keep();
        }
    }

    /// Writes the file, if something in it has changed.
    pub(super) fn keep(&mut self) {
        self.recall.due = None;
        if self.recall.file.is_none() {
            return;
        }
        let locked = self.is_locked();
        // Of a session that is locked no names are told; what was where is known.
        let windows = if locked { self.recall.written.windows.clone() } else { self.windows_to_keep() };
        let kept = Kept { locked, windows };
        if kept != self.recall.written
            && let Some(file) = &mut self.recall.file
        {
            file.write(serde_json::to_string(&kept).unwrap_or_default());
            self.recall.written = kept;
        }
    }

    fn windows_to_keep(&self) -> Vec<KeptWindow> {
        let mut windows = self.windows_report(true);
        windows.sort_by_key(|window| window.window);
        windows.into_iter().filter_map(|window| self.to_keep(window)).take(MOST).collect()
    }

    fn to_keep(&self, window: WindowReport) -> Option<KeptWindow> {
        let known = self.desktop.layout.window(window.window)?;
        if known.parent.is_some() {
            // Its parent takes it along.
            return None;
        }
        let middle = (window.location.0 + window.size.0 / 2, window.location.1 + window.size.1 / 2);
        let on = self.outputs.list.iter().find(|output| output.rect().contains(middle));
        let corner = on.map(|output| output.location);
        let at = corner.map(|corner| (window.location.0 - corner.x, window.location.1 - corner.y));
        let floats = window.placement == "floating";
        Some(KeptWindow {
            app_id: window.app_id.filter(|app_id| !app_id.is_empty())?,
            workspace: window.workspace,
            floating: at.filter(|_| floats).map(|at| (at, window.size)),
            fullscreen: window.placement == "fullscreen",
            maximised: window.placement == "maximised",
            minimised: window.minimised,
            taken: None,
        })
    }
}

/// Where a window opens that has been here before.
pub fn add(opening: &mut Opening, kept: &KeptWindow) {
    match &kept.workspace {
        Some(workspace) => opening.workspace = Some(workspace.as_str().into()),
        None => opening.scratchpad = Some(true),
    }
    let yes = |is: bool| is.then_some(true);
    if let Some(((x, y), (w, h))) = kept.floating {
        opening.floating = Some(true);
        opening.position = Some(geometry::Point { x, y });
        opening.size = Some(geometry::Size { w: w.max(1), h: h.max(1) });
    }
    opening.fullscreen = yes(kept.fullscreen).or(opening.fullscreen);
    opening.maximised = yes(kept.maximised).or(opening.maximised);
    opening.minimised = yes(kept.minimised).or(opening.minimised);
}
