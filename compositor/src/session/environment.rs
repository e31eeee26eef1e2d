//! The environment of the programs that the session starts: what tells them that this is a Wayland session, and
//! which one, and what the user has configured for them. What was meant for the compositor alone is taken away.
//!
//! Nothing here changes the environment of this process.

use std::collections::HashMap;

use crate::{config::Config, session::Syncline};

/// What the service manager and others have told the compositor, and nobody else: a program that believes it is
/// meant would speak in the compositor's name, or look for another display.
pub const NOT_FOR_PROGRAMS: [&str; 17] = [
    "DISPLAY",
    "FDSTORE",
    "INVOCATION_ID",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "MAINPID",
    "MANAGERPID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "NOTIFY_SOCKET",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "WAYLAND_SOCKET",
    "XAUTHORITY",
];

/// What only the session says; the configuration cannot.
const OURS: &str = "WAYLAND_DISPLAY";

/// What programs hear of the session, but for its socket.
fn of_session(config: &Config) -> [(&'static str, String); 5] {
    [
        // Portals and desktop files ask for these names, in this order.
        ("XDG_CURRENT_DESKTOP", "syncline:wlroots".to_owned()),
        ("XDG_SESSION_DESKTOP", "syncline".to_owned()),
        ("XDG_SESSION_TYPE", "wayland".to_owned()),
        ("XCURSOR_THEME", config.cursor.theme.clone()),
        ("XCURSOR_SIZE", config.cursor.size.to_string()),
    ]
}

impl Syncline {
    /// Programs find the session by this socket. If `kept`, the socket stays when the session crashes.
    pub(super) fn name_socket(&mut self, name: &str, kept: bool) {
        self.child_env.insert(OURS.to_owned(), name.to_owned());
        if kept {
            // Qt asks before it connects again.
            self.child_env.insert("QT_WAYLAND_RECONNECT".to_owned(), "1".to_owned());
        }
    }

    /// Programs that are started from now on get the variables that are configured now.
    pub(super) fn set_environment(&mut self, old: &Config) {
        for name in old.environment.keys().filter(|name| *name != OURS) {
            self.child_env.remove(name);
        }
        let of_session = of_session(&self.config).into_iter().map(|(name, value)| (name.to_owned(), value));
        self.child_env.extend(of_session);
        for (name, value) in self.config.environment.iter().filter(|(name, _)| *name != OURS) {
            self.child_env.insert(name.clone(), value.clone());
        }
    }

    /// What programs get that others start in this session.
    pub(super) fn environment_of_session(&self) -> &HashMap<String, String> {
        &self.child_env
    }
}
