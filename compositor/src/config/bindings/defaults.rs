//! The bindings that are built in. A file's bindings of the same chords replace them, and `"none"` takes
//! one away.

use std::sync::{Arc, LazyLock};

use crate::{
    actions::Action,
    config::bindings::{
        chord::Chord,
        entry::{Entry, Origin},
        set::{Bindings, DEFAULT_MODE, Written},
    },
};

/// As they are, without options.
const PLAIN: &[(&str, &str)] = &[
    ("Super+Return", "terminal"),
    ("Super+d", "launcher"),
    ("Super+Escape", "lock"),
    ("Super+q", "close"),
    ("Super+Shift+c", "reload"),
    ("Super+question", "show-bindings"),
    ("Super+F1", "show-bindings"),
    ("Print", "screenshot"),
    ("Ctrl+Alt+BackSpace", "quit"),
    ("Terminate_Server", "quit"),
    // The focus.
    ("Super+Left", "focus left"),
    ("Super+Right", "focus right"),
    ("Super+Up", "focus up"),
    ("Super+Down", "focus down"),
    ("Super+h", "focus left"),
    ("Super+l", "focus right"),
    ("Super+k", "focus up"),
    ("Super+j", "focus down"),
    ("Super+o", "focus-output next"),
    ("Super+u", "focus-urgent"),
    ("Super+Tab", "focus-last"),
    // The window.
    ("Super+Shift+Left", "move left"),
    ("Super+Shift+Right", "move right"),
    ("Super+Shift+Up", "move up"),
    ("Super+Shift+Down", "move down"),
    ("Super+Shift+h", "move left"),
    ("Super+Shift+l", "move right"),
    ("Super+Shift+k", "move up"),
    ("Super+Shift+j", "move down"),
    ("Super+Shift+o", "move-to-output next"),
    ("Super+f", "fullscreen toggle"),
    ("Super+Shift+f", "pretend-fullscreen toggle"),
    ("Super+m", "maximise toggle"),
    ("Super+n", "minimise"),
    ("Super+Shift+n", "unminimise"),
    ("Super+space", "float toggle"),
    ("Super+s", "sticky toggle"),
    ("Super+a", "above toggle"),
    ("Super+minus", "scratchpad"),
    ("Super+Shift+minus", "to-scratchpad"),
    ("Super+button-left", "drag-move"),
    ("Super+button-right", "drag-resize"),
    // Halves and quarters, as the keys of the keypad lie.
    ("Super+KP_4", "snap left"),
    ("Super+KP_6", "snap right"),
    ("Super+KP_8", "snap top"),
    ("Super+KP_2", "snap bottom"),
    ("Super+KP_7", "snap top-left"),
    ("Super+KP_9", "snap top-right"),
    ("Super+KP_1", "snap bottom-left"),
    ("Super+KP_3", "snap bottom-right"),
    ("Super+KP_5", "snap none"),
    // Tiles.
    ("Super+comma", "join-column left"),
    ("Super+period", "join-column right"),
    ("Super+t", "column toggle"),
    ("Super+equal", "equalise"),
    ("Super+Shift+space", "layout toggle"),
    ("Super+r", "mode resize"),
    // Workspaces.
    ("Super+1", "workspace 1"),
    ("Super+2", "workspace 2"),
    ("Super+3", "workspace 3"),
    ("Super+4", "workspace 4"),
    ("Super+5", "workspace 5"),
    ("Super+6", "workspace 6"),
    ("Super+7", "workspace 7"),
    ("Super+8", "workspace 8"),
    ("Super+9", "workspace 9"),
    ("Super+0", "workspace 10"),
    ("Super+Shift+1", "move-to-workspace 1"),
    ("Super+Shift+2", "move-to-workspace 2"),
    ("Super+Shift+3", "move-to-workspace 3"),
    ("Super+Shift+4", "move-to-workspace 4"),
    ("Super+Shift+5", "move-to-workspace 5"),
    ("Super+Shift+6", "move-to-workspace 6"),
    ("Super+Shift+7", "move-to-workspace 7"),
    ("Super+Shift+8", "move-to-workspace 8"),
    ("Super+Shift+9", "move-to-workspace 9"),
    ("Super+Shift+0", "move-to-workspace 10"),
    ("Super+Page_Up", "workspace previous"),
    ("Super+Page_Down", "workspace next"),
    ("Super+Shift+Page_Up", "move-to-workspace previous follow"),
    ("Super+Shift+Page_Down", "move-to-workspace next follow"),
    ("Super+grave", "workspace last"),
    ("Super+wheel-up", "workspace previous"),
    ("Super+wheel-down", "workspace next"),
    ("swipe-3-left", "workspace next"),
    ("swipe-3-right", "workspace previous"),
];

/// They are performed again and again while the key is held.
const REPEATED: &[(&str, &str)] = &[
    ("Alt+Tab", "switch-window next"),
    ("Alt+Shift+Tab", "switch-window previous"),
    ("Super+Ctrl+Left", "split-width -5%"),
    ("Super+Ctrl+Right", "split-width +5%"),
    ("Super+Ctrl+Up", "split-height -5%"),
    ("Super+Ctrl+Down", "split-height +5%"),
];

/// They work always: while the session is locked, in every mode, and whatever a window wants.
const ALWAYS: &[(&str, &str)] = &[
    ("XF86AudioMute", "volume mute"),
    ("XF86AudioMicMute", "microphone-mute"),
    ("XF86AudioPlay", "media play"),
    ("XF86AudioPause", "media play"),
    ("XF86AudioStop", "media stop"),
    ("XF86AudioNext", "media next"),
    ("XF86AudioPrev", "media previous"),
    ("Ctrl+Alt+F1", "vt 1"),
    ("Ctrl+Alt+F2", "vt 2"),
    ("Ctrl+Alt+F3", "vt 3"),
    ("Ctrl+Alt+F4", "vt 4"),
    ("Ctrl+Alt+F5", "vt 5"),
    ("Ctrl+Alt+F6", "vt 6"),
    ("Ctrl+Alt+F7", "vt 7"),
    ("Ctrl+Alt+F8", "vt 8"),
    ("Ctrl+Alt+F9", "vt 9"),
    ("Ctrl+Alt+F10", "vt 10"),
    ("Ctrl+Alt+F11", "vt 11"),
    ("Ctrl+Alt+F12", "vt 12"),
    ("XF86Switch_VT_1", "vt 1"),
    ("XF86Switch_VT_2", "vt 2"),
    ("XF86Switch_VT_3", "vt 3"),
    ("XF86Switch_VT_4", "vt 4"),
    ("XF86Switch_VT_5", "vt 5"),
    ("XF86Switch_VT_6", "vt 6"),
    ("XF86Switch_VT_7", "vt 7"),
    ("XF86Switch_VT_8", "vt 8"),
    ("XF86Switch_VT_9", "vt 9"),
    ("XF86Switch_VT_10", "vt 10"),
    ("XF86Switch_VT_11", "vt 11"),
    ("XF86Switch_VT_12", "vt 12"),
];

/// Both.
const ALWAYS_REPEATED: &[(&str, &str)] = &[
    ("XF86AudioRaiseVolume", "volume up"),
    ("XF86AudioLowerVolume", "volume down"),
    ("XF86MonBrightnessUp", "brightness up"),
    ("XF86MonBrightnessDown", "brightness down"),
];

/// The way out of a window that has all shortcuts for itself.
const INHIBITED: &[(&str, &str)] = &[("Super+Shift+Escape", "inhibit-shortcuts off")];

/// `mode resize`; it is left with Escape, too.
const RESIZE: &[(&str, &str)] = &[
    ("Left", "split-width -5%"),
    ("Right", "split-width +5%"),
    ("Up", "split-height -5%"),
    ("Down", "split-height +5%"),
    ("h", "split-width -5%"),
    ("l", "split-width +5%"),
    ("k", "split-height -5%"),
    ("j", "split-height +5%"),
];
const RESIZE_END: &[(&str, &str)] = &[("Return", "mode default"), ("Super+r", "mode default")];

impl Default for Bindings {
    /// Those that are built in.
    fn default() -> Self {
        static BUILT_IN: LazyLock<Bindings> = LazyLock::new(|| Bindings::of(written(|_, _| {})));
        BUILT_IN.clone()
    }
}

/// The same as a file would have them. What cannot be read is told to `wrong`, and left out.
pub(super) fn written(mut wrong: impl FnMut(&str, String)) -> Vec<Written> {
    let plain = Options::default();
    let always = Options { always: true, ..plain };
    let lists = [
        (DEFAULT_MODE, PLAIN, plain),
        (DEFAULT_MODE, REPEATED, Options { repeat: true, ..plain }),
        (DEFAULT_MODE, ALWAYS, always),
        (DEFAULT_MODE, ALWAYS_REPEATED, Options { repeat: true, ..always }),
        (DEFAULT_MODE, INHIBITED, Options { inhibited: true, ..plain }),
        ("resize", RESIZE, Options { repeat: true, ..plain }),
        ("resize", RESIZE_END, plain),
    ];
    let mut all = Vec::new();
    for (mode, list, options) in lists {
        let mode: Arc<str> = mode.into();
        for (chord, action) in list {
            match one(&mode, chord, action, options) {
                Ok(written) => all.push(written),
                Err(error) => wrong(chord, error),
            }
        }
    }
    all
}

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    repeat: bool,
    inhibited: bool,
    always: bool,
}

fn one(mode: &Arc<str>, chord: &str, text: &str, options: Options) -> Result<Written, String> {
    let Options { repeat, inhibited, always } = options;
    let (locked, inhibited, all_modes) = (always, inhibited || always, always);
    let (action, on_release) = (Action::parse(text)?, false);
    let entry = Entry { action, text: text.into(), on_release, repeat, locked, inhibited, all_modes };
    Ok(Written { mode: mode.clone(), chord: Chord::parse(chord)?, entries: vec![entry], origin: Origin::Default })
}
