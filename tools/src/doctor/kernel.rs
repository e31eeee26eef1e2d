//! The kernel's version, and what to say where a feature is missing: too old, or the driver's doing.

/// Major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// From `uname -r`: `6.12.9-amd64`, `7.3.0-rc1`.
    pub fn parse(release: &str) -> Option<Self> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        Some(Self(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

/// The kernel is older than what brought the feature: says so; else `otherwise`.
pub fn since(release: &str, needed: Version, otherwise: &str) -> String {
    let Version(major, minor) = needed;
    match Version::parse(release) {
        Some(own) if own < needed => format!("Linux {major}.{minor} brings it; this is {release}"),
        _ => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_depends_on_the_version() {
        assert!(Version(6, 6) < Version(6, 16) && Version(5, 19) < Version(6, 0));
        for (release, says) in [
            ("6.1.0-28-amd64", "Linux 6.6 brings it; this is 6.1.0-28-amd64"),
            ("6.6.1", "the driver lacks it"),
            ("7.3.4-syncline-lab", "the driver lacks it"),
            ("strange", "the driver lacks it"),
        ] {
            assert_eq!(since(release, Version(6, 6), "the driver lacks it"), says);
        }
    }
}
