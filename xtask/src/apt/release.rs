//! Which distribution this is, and what follows from it: where its archive has a new kernel's
//! source and a new Mesa.

use std::fs;

/// What `/etc/os-release` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `debian`, `ubuntu`, …
    pub id: String,
    /// `ID_LIKE`, as it stands.
    pub like: String,
    /// `bookworm`, `noble`, …; empty where there is none.
    pub codename: String,
    /// Its name for people.
    pub pretty: String,
}

impl Release {
    /// The machine's.
    pub fn of_this_machine() -> Self {
        Self::parse(&fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    /// Understands the text of an os-release file.
    pub fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default().trim().trim_matches(['"', '\'']).to_owned()
        };
        let pretty = Some(field("PRETTY_NAME")).filter(|p| !p.is_empty()).unwrap_or_else(|| "this system".to_owned());
        Self { id: field("ID"), like: field("ID_LIKE"), codename: field("VERSION_CODENAME"), pretty }
    }

    /// Debian, Ubuntu, or made from them: apt and these package names are there.
    pub fn has_apt(&self) -> bool {
        let family = |id: &str| id == "debian" || id == "ubuntu";
        family(&self.id) || self.like.split_whitespace().any(family)
    }

    /// The suite of the release's own mirror that carries a kernel source new enough for the lab.
    ///
    /// Debian's stable releases up to 13 have it in trixie-backports only; that suite depends on
    /// nothing when a source is merely unpacked, so it serves Debian 12 as well. Later releases,
    /// testing, and Ubuntu carry their own.
    pub fn kernel_suite(&self) -> String {
        match (self.id.as_str(), self.codename.as_str()) {
            ("debian", "buster" | "bullseye" | "bookworm" | "trixie") => "trixie-backports".to_owned(),
            ("debian", "") => "sid".to_owned(),
            (_, codename) => codename.to_owned(),
        }
    }

    /// The suite beyond the release's own that carries Mesa 25 or later, if one is needed and
    /// exists.
    pub fn mesa_suite(&self) -> Option<&'static str> {
        match (self.id.as_str(), self.codename.as_str()) {
            ("debian", "bookworm") => Some("bookworm-backports"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_and_what_follows() {
        let bookworm =
            Release::parse("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_CODENAME=bookworm\n");
        assert_eq!(bookworm.pretty, "Debian GNU/Linux 12 (bookworm)");
        assert!(bookworm.has_apt());
        assert_eq!(
            (bookworm.kernel_suite().as_str(), bookworm.mesa_suite()),
            ("trixie-backports", Some("bookworm-backports"))
        );
        let noble = Release::parse("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME='noble'\n");
        assert_eq!((noble.kernel_suite().as_str(), noble.mesa_suite()), ("noble", None));
        let mint = Release::parse("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n");
        assert!(mint.has_apt());
        assert!(!Release::parse("ID=fedora\n").has_apt());
        assert_eq!(Release::parse("").pretty, "this system");
    }
}
