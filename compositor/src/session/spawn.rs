//! Programs that the compositor starts: the terminal, and the command of the command line.

use std::{
    ffi::OsStr,
    process::{Child, Command, Stdio},
};

use crate::{
    session::{Syncline, environment::NOT_FOR_PROGRAMS},
    system::{autostart, ioctl},
};

impl Syncline {
    /// Starts the programs of `autostart`, once.
    pub fn autostart(&mut self) {
        for line in std::mem::take(&mut self.config.autostart) {
            // The configuration has no line that cannot be read.
            let command = shlex::split(&line).unwrap_or_default();
            self.spawn(&command);
        }
    }

    /// Starts what packages and the user have start with every desktop. This reads files.
    pub fn start_desktop_files(&mut self) {
        for command in autostart::programs() {
            self.spawn(&command);
        }
    }

    /// Starts a program as a client. A failure is logged and does not end the session.
    pub fn spawn<S: AsRef<OsStr>>(&mut self, command: &[S]) -> Option<u32> {
        let (program, arguments) = command.split_first()?;
        let token = self.token_of_user();
        let mut command = Command::new(program);
        for name in NOT_FOR_PROGRAMS {
            command.env_remove(name);
        }
        command.args(arguments).envs(&self.child_env).env("XDG_ACTIVATION_TOKEN", token).stdin(Stdio::null());
        if let Some(limit) = self.old_limit {
            ioctl::before_exec(&mut command, move || limit.restore());
        }
        match command.spawn() {
            Ok(child) => {
                let id = child.id();
                self.children.push(child);
                Some(id)
            }
            Err(error) => {
                tracing::error!("cannot start {}: {error}", program.as_ref().to_string_lossy());
                None
            }
        }
    }

    /// Reaps programs that have ended, and ends the session if one of them is the `--until-exit`
    /// program.
    pub fn reap(&mut self) {
        let mut ended = None;
        let until = self.until_exit;
        self.children.retain_mut(|child: &mut Child| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                use std::os::unix::process::ExitStatusExt;
                tracing::debug!("program {} ended: {status}", child.id());
                if until == Some(child.id()) {
                    // As shells do: 128 plus the signal.
                    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
                    ended = Some(code.clamp(0, 255) as u8);
                }
                false
            }
            Err(_) => false,
        });
        if ended.is_some() {
            self.exit = ended;
        }
    }
}
