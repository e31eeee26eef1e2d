//! Who has a file open, as far as /proc tells: for error messages only.

use std::path::Path;

/// Command and process id of another process that has `path` open. `None` where there is none, or
/// where its descriptors may not be seen.
pub(super) fn of(path: &Path) -> Option<String> {
    let own = std::process::id();
    let path = path.canonicalize().ok()?;
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |id: &u32| {
        let open = std::fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
        open.filter_map(|fd| std::fs::read_link(fd.path()).ok()).any(|target| target == path)
    };
    let id = ids.filter(holds).min_by_key(|id| *id == own)?;
    let command = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
    Some(match id == own {
        true => format!("this program ({}, process {id})", command.trim_end()),
        false => format!("{} (process {id})", command.trim_end()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_has_a_holder() {
        let file = tempfile::NamedTempFile::new().expect("scratch");
        let holder = of(file.path()).expect("this test holds it");
        assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
        let (_, path) = file.keep().expect("kept");
        assert_eq!(of(&path), None, "closed");
        std::fs::remove_file(&path).expect("remove");
        assert_eq!(of(&path), None, "gone");
    }
}
