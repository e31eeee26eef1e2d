//! The running kernel's release, and what to say where a feature is missing: the kernel is too old,
//! or another reason.

use kms::quirks::Version;

/// `uname -r`.
pub fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// What the kernel says of the planes, CRTCs and connectors of each card (debugfs `state`), by the
/// name of its folder. Errors: one line why it cannot be read.
pub fn display_states() -> Result<Vec<(String, String)>, String> {
    const DRI: &str = "/sys/kernel/debug/dri";
    let entries = std::fs::read_dir(DRI).map_err(|error| format!("{DRI}: {error}"))?.flatten();
    // Cards are links to folders, or folders, named by a number.
    let cards = entries
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit)));
    let state = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("state")).ok()?;
        Some((path.file_name()?.to_string_lossy().into_owned(), text))
    };
    let mut states: Vec<_> = cards.filter_map(state).collect();
    states.sort();
    Ok(states)
}

/// Why a feature is missing that came with `needed`: `release` is older than that, else
/// `otherwise`.
pub fn since(release: &str, needed: Version, otherwise: &str) -> String {
    let Version(major, minor, _) = needed;
    match Version::parse(release) {
        Some(running) if running < needed => format!("needs Linux {major}.{minor} or later; this is {release}"),
        _ => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_depends_on_the_version() {
        for (release, says) in [
            ("6.1.0-28-amd64", "needs Linux 6.6 or later; this is 6.1.0-28-amd64"),
            ("6.6.1", "the driver lacks it"),
            ("6.16.0-rc1", "the driver lacks it"),
            ("7.3.4-syncline-lab", "the driver lacks it"),
            ("strange", "the driver lacks it"),
        ] {
            assert_eq!(since(release, Version(6, 6, 0), "the driver lacks it"), says);
        }
    }
}
