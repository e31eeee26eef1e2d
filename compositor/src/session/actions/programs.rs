//! Programs that actions start, and pictures of the screen.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{actions::action::Command, config::programs::program, control::request::Shot, session::Syncline};

impl Syncline {
    /// Starts a program.
    pub(super) fn start<S: AsRef<OsStr>>(&mut self, command: &[S]) -> Result<(), String> {
        let name = command.first().map(|name| name.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        match self.spawn(command) {
            Some(_) => Ok(()),
            None => Err(format!("{name} could not be started; the log says why")),
        }
    }

    /// Starts a program that the configuration names.
    pub(super) fn run_program(&mut self, which: Command) -> Result<(), String> {
        let (command, key) = program(&self.config, which);
        if command.is_empty() {
            return Err(format!("`{key}` in the configuration is empty"));
        }
        let command = command.to_vec();
        self.start(&command)
    }

    /// Writes a picture of the first output.
    pub(super) fn take_screenshot(&mut self, path: Option<&Path>) -> Result<(), String> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => picture_path(|name| env::var_os(name).map(PathBuf::from), Path::is_dir)?,
        };
        self.screenshot(&path, &Shot::default())?;
        tracing::info!("screenshot: {}", path.display());
        Ok(())
    }
}

/// Where a picture is written: in the user's folder of pictures, if there is one.
fn picture_path(
    variable: impl Fn(&str) -> Option<PathBuf>,
    is_folder: impl Fn(&Path) -> bool,
) -> Result<PathBuf, String> {
    let home = variable("HOME");
    let pictures = [variable("XDG_PICTURES_DIR"), home.as_ref().map(|home| home.join("Pictures")), home];
    let folder = pictures.into_iter().flatten().find(|folder| folder.is_absolute() && is_folder(folder));
    let folder = folder.ok_or("HOME is not set: write a file behind `screenshot`")?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(folder.join(format!("screenshot-{}.{:03}.png", since.as_secs(), since.subsec_millis())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_go_where_the_user_has_them() {
        let path = |xdg: Option<&str>, folders: &[&str]| {
            let variable = |name: &str| match name {
                "HOME" => Some(PathBuf::from("/home/a")),
                _ => xdg.map(PathBuf::from),
            };
            let path = picture_path(variable, |folder| folders.iter().any(|known| Path::new(known) == folder));
            path.map(|path| path.parent().unwrap().to_owned())
        };
        assert_eq!(path(Some("/pics"), &["/pics", "/home/a"]), Ok("/pics".into()));
        assert_eq!(path(Some("pics"), &["pics", "/home/a"]), Ok("/home/a".into()));
        assert_eq!(path(None, &["/home/a/Pictures", "/home/a"]), Ok("/home/a/Pictures".into()));
        assert!(path(None, &[]).is_err());
    }
}
