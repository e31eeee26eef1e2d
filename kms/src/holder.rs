//! Who has a file open, as far as /proc tells: for error messages only.

use std::path::Path;

/// Command and process id of a process that has `path` open, another one than this if there is one.
/// `None` where there is none, or where its descriptors may not be seen.
pub(crate) fn of(path: &Path) -> Option<String> {
    let own = std::process::id();
    let id = holders(path).min_by_key(|id| *id == own)?;
    Some(match id == own {
        true => format!("this program ({}, process {id})", command(id)),
        false => format!("{} (process {id})", command(id)),
    })
}

/// The same for a display device: neither this program, which has it open to ask, nor a manager of
/// seats, which opens it for others.
pub(crate) fn of_display(path: &Path) -> Option<String> {
    const MANAGERS: [&str; 2] = ["seatd", "systemd-logind"];
    let own = std::process::id();
    let others = holders(path).filter(|id| *id != own).map(|id| (id, command(id)));
    let mut others = others.filter(|(_, command)| !MANAGERS.contains(&command.as_str()));
    others.next().map(|(id, command)| format!("{command} (process {id})"))
}

fn holders(path: &Path) -> impl Iterator<Item = u32> {
    let path = path.canonicalize().ok();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(move |id| {
        let open = std::fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
        open.filter_map(|fd| std::fs::read_link(fd.path()).ok()).any(|target| Some(&target) == path.as_ref())
    })
}

fn command(id: u32) -> String {
    std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_has_a_holder() {
        let file = tempfile::NamedTempFile::new().expect("scratch");
        let holder = of(file.path()).expect("this test holds it");
        assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
        assert_eq!(of_display(file.path()), None, "nobody else");
        let (_, path) = file.keep().expect("kept");
        assert_eq!(of(&path), None, "closed");
        std::fs::remove_file(&path).expect("remove");
        assert_eq!(of(&path), None, "gone");
    }
}
