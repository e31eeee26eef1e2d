//! What is known of drivers beforehand: each with its source and the versions that it is true of.
//!
//! Few other places ask for a driver's name to decide what to do; CONTRIBUTING.md lists them. A
//! quirk spares the first failure; what it misses is found by [`crate::recover`] at the price of
//! one refused commit.

use std::path::Path;

use crate::device::Driver;

/// Three numbers of a version; missing ones are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The numbers at the beginning of `560.35.03` or `6.12.48-1-amd64`; `None` without any.
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let mut numbers = text[..end].split('.').map_while(|part| part.parse().ok());
        let first = numbers.next()?;
        Some(Self(first, numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What a quirk changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `IN_FENCE_FD` is refused: pending fences are waited for before the commit.
    NoInFences,
    /// A pending fence of another driver is never handed to this display, whatever the policy says.
    NoForeignFences,
    /// Pending fences of this driver are never handed to another driver's display.
    NoFencesOutside,
    /// Planes show linear buffers only, whatever is (not) announced.
    LinearOnly,
    /// CRC entries that come after their frame was replaced may be of a buffer that its owner has
    /// back already.
    LateCrc,
    /// An asynchronous flip with an in-fence or damage is refused.
    AsyncWithoutFences,
    /// Whether a new layout of planes would be taken is not answered, not even to a TEST_ONLY, before
    /// the commits of all CRTCs are on the screen: the call sleeps until then.
    TestsStall,
    /// Overlay planes cost more than they save, or meet bugs: they are used where they are asked for.
    OverlaysAskedFor,
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoInFences => "in-fences are refused: fences are waited for before the commit",
            Self::NoForeignFences => "fences of other drivers are waited for before the commit, whatever the policy",
            Self::NoFencesOutside => "its fences are waited for before they reach another driver's display",
            Self::LinearOnly => "planes show linear buffers only",
            Self::LateCrc => "late CRC entries are not judged",
            Self::AsyncWithoutFences => "a tearing flip takes neither in-fence nor damage",
            Self::OverlaysAskedFor => "overlay planes are used with `planes = \"all\"` only",
            Self::TestsStall => {
                "planes are laid out anew only while no other display of the card has a commit in flight"
            }
        })
    }
}

/// Which version a quirk's bounds are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// All known versions.
    Always,
    /// The kernel module's own, below this.
    ModuleBefore(Version),
    /// The kernel's, below this.
    KernelBefore(Version),
}

/// One entry of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirk {
    /// The driver's name; empty: any.
    pub driver: &'static str,
    /// What it changes.
    pub effect: Effect,
    bound: Bound,
    /// Where it is written down.
    pub source: &'static str,
}

impl std::fmt::Display for Quirk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let driver = if self.driver.is_empty() { "any driver" } else { self.driver };
        match self.bound {
            Bound::Always => write!(f, "{driver}: ")?,
            Bound::ModuleBefore(version) => write!(f, "{driver} before {version}: ")?,
            Bound::KernelBefore(version) => write!(f, "{driver} before Linux {version}: ")?,
        }
        write!(f, "{} ({})", self.effect, self.source)
    }
}

/// The list.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        driver: "nvidia-drm",
        effect: Effect::NoInFences,
        bound: Bound::ModuleBefore(Version(560, 35, 3)),
        source: "https://github.com/NVIDIA/open-gpu-kernel-modules/issues/622",
    },
    // Seen with 595.84 on amdgpu: the sink's commit worker sleeps in
    // drm_atomic_helper_wait_for_fences. No version is known good.
    Quirk {
        driver: "nvidia-drm",
        effect: Effect::NoFencesOutside,
        bound: Bound::Always,
        source: "https://github.com/NVIDIA/open-gpu-kernel-modules/issues/1290",
    },
    // "Failed to initialize semaphore for plane fence" on fences that are not its own; seen with
    // 570.124.04.
    Quirk {
        driver: "nvidia-drm",
        effect: Effect::NoForeignFences,
        bound: Bound::Always,
        source: "https://github.com/Smithay/smithay/issues/1695",
    },
    // Display and rendering share reservation and reset: a commit that waits forever takes the
    // recovery of the GPU along.
    Quirk {
        driver: "amdgpu",
        effect: Effect::NoForeignFences,
        bound: Bound::Always,
        source: "https://github.com/NVIDIA/open-gpu-kernel-modules/issues/1290",
    },
    // do_aquire_global_lock(): "We have to currently stall out here in atomic_check for outstanding
    // commits to finish", with up to 10 s for each CRTC. amdgpu_dm_atomic_check() calls it where
    // should_reset_plane() says that a plane comes, goes, is scaled, restacked or has another format.
    Quirk {
        driver: "amdgpu",
        effect: Effect::TestsStall,
        bound: Bound::Always,
        source: "https://github.com/torvalds/linux/blob/master/drivers/gpu/drm/amd/display/amdgpu_dm/amdgpu_dm.c",
    },
    // GPUs of desktop computers; docs/planes.md has the reasons. "Using additional planes increases
    // power usage", and KWin's `overlayLayersLikelyBroken` names NVIDIA.
    Quirk {
        driver: "i915",
        effect: Effect::OverlaysAskedFor,
        bound: Bound::Always,
        source: "https://invent.kde.org/plasma/kwin/-/merge_requests/9120",
    },
    Quirk {
        driver: "xe",
        effect: Effect::OverlaysAskedFor,
        bound: Bound::Always,
        source: "https://invent.kde.org/plasma/kwin/-/merge_requests/9120",
    },
    Quirk {
        driver: "amdgpu",
        effect: Effect::OverlaysAskedFor,
        bound: Bound::Always,
        source: "https://invent.kde.org/plasma/kwin/-/merge_requests/9120",
    },
    Quirk {
        driver: "radeon",
        effect: Effect::OverlaysAskedFor,
        bound: Bound::Always,
        source: "https://invent.kde.org/plasma/kwin/-/merge_requests/9120",
    },
    Quirk {
        driver: "nouveau",
        effect: Effect::OverlaysAskedFor,
        bound: Bound::Always,
        source: "https://invent.kde.org/plasma/kwin/-/merge_requests/9120",
    },
    Quirk {
        driver: "nvidia-drm",
        effect: Effect::OverlaysAskedFor,
        bound: Bound::Always,
        source: "https://invent.kde.org/plasma/kwin/-/blob/master/src/backends/drm/drm_output.cpp",
    },
    // rcar_du_vsp.c registers its planes without modifiers.
    Quirk {
        driver: "rcar-du",
        effect: Effect::LinearOnly,
        bound: Bound::Always,
        source: "https://github.com/torvalds/linux/blob/master/drivers/gpu/drm/renesas/rcar-du/rcar_du_vsp.c",
    },
    // drm_atomic_set_property() let only FB_ID change; IN_FENCE_FD and FB_DAMAGE_CLIPS were let in
    // one after the other in 2024.
    Quirk {
        driver: "",
        effect: Effect::AsyncWithoutFences,
        bound: Bound::KernelBefore(Version(6, 13, 0)),
        source: "https://github.com/torvalds/linux/blob/master/drivers/gpu/drm/drm_atomic_uapi.c",
    },
    // vkms_composer_worker runs on a workqueue after the vblank.
    Quirk {
        driver: "vkms",
        effect: Effect::LateCrc,
        bound: Bound::Always,
        source: "https://github.com/torvalds/linux/blob/master/drivers/gpu/drm/vkms/vkms_composer.c",
    },
];

/// What holds for one device.
#[derive(Debug, Clone, Default)]
pub struct Quirks {
    found: Vec<&'static Quirk>,
}

impl Quirks {
    /// Those of a device on the running kernel. A version that cannot be read counts as old: too
    /// careful costs a little latency.
    pub fn of(driver: &Driver) -> Self {
        let kernel = Version::parse(&rustix::system::uname().release().to_string_lossy());
        Self::with(&driver.name, module_version(driver), kernel)
    }

    /// Those of a driver, by the version of its module and of the kernel.
    pub fn with(driver: &str, module: Option<Version>, kernel: Option<Version>) -> Self {
        let before = |version: Option<Version>, bound| version.is_none_or(|version| version < bound);
        let holds = |quirk: &&Quirk| {
            let bound = match quirk.bound {
                Bound::Always => true,
                Bound::ModuleBefore(bound) => before(module, bound),
                Bound::KernelBefore(bound) => before(kernel, bound),
            };
            bound && (quirk.driver.is_empty() || quirk.driver == driver)
        };
        Self { found: QUIRKS.iter().filter(holds).collect() }
    }

    /// All of them, for the log and for `syncline doctor`.
    pub fn iter(&self) -> impl Iterator<Item = &'static Quirk> + '_ {
        self.found.iter().copied()
    }

    /// Whether one has this effect.
    pub fn has(&self, effect: Effect) -> bool {
        self.found.iter().any(|quirk| quirk.effect == effect)
    }

    /// Whether pending fences may go into commits at all.
    pub fn in_fences(&self) -> bool {
        !self.has(Effect::NoInFences)
    }
}

/// Whether a pending fence of the driver `producer` (see [`crate::producer`]) may go to the display
/// of `display`, whose quirks are `quirks`, where the policy allows it.
pub fn may_hand_over(quirks: &Quirks, display: &str, producer: &str) -> bool {
    let outside = |quirk: &Quirk| quirk.effect == Effect::NoFencesOutside && quirk.driver == producer;
    producer == display || !(quirks.has(Effect::NoForeignFences) || QUIRKS.iter().any(outside))
}

/// Out-of-tree modules have a version of their own in sysfs: nvidia-drm's answer to
/// `DRM_IOCTL_VERSION` is 0.0.0.
fn module_version(driver: &Driver) -> Option<Version> {
    let module = driver.name.replace('-', "_");
    let file = Path::new("/sys/module").join(module).join("version");
    std::fs::read_to_string(file).ok().as_deref().and_then(Version::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_front() {
        assert_eq!(Version::parse("560.35.03\n"), Some(Version(560, 35, 3)));
        assert_eq!(Version::parse("7.3.4-1~bpo13+1"), Some(Version(7, 3, 4)));
        assert_eq!(Version::parse("6.12-rc3"), Some(Version(6, 12, 0)));
        assert_eq!(Version::parse("unknown"), None);
        assert!(Version(560, 28, 3) < Version(560, 35, 3));
    }

    #[test]
    fn nvidia_takes_in_fences_from_560_35_03_on() {
        let of = |version| Quirks::with("nvidia-drm", version, Some(Version(6, 12, 0))).in_fences();
        assert!(!of(Some(Version(560, 28, 3))));
        assert!(of(Some(Version(560, 35, 3))));
        assert!(of(Some(Version(595, 84, 0))));
        assert!(!of(None), "unknown counts as old");
    }

    #[test]
    fn who_may_wait_for_whom() {
        let none = Quirks::with("i915", None, Some(Version(6, 13, 0)));
        let amd = Quirks::with("amdgpu", None, None);
        assert!(may_hand_over(&none, "i915", "i915"));
        assert!(may_hand_over(&none, "i915", "amdgpu"));
        assert!(!may_hand_over(&none, "i915", "nvidia-drm"), "its fences may never signal elsewhere");
        assert!(may_hand_over(&amd, "amdgpu", "amdgpu"));
        assert!(!may_hand_over(&amd, "amdgpu", "sw_sync"));
    }

    #[test]
    fn each_has_a_source_and_reads_well() {
        for quirk in QUIRKS {
            assert!(quirk.source.starts_with("https://"), "{quirk}");
        }
        assert_eq!(
            QUIRKS[0].to_string(),
            "nvidia-drm before 560.35.3: in-fences are refused: fences are waited for before the commit \
             (https://github.com/NVIDIA/open-gpu-kernel-modules/issues/622)"
        );
        assert!(Quirks::with("vkms", None, None).has(Effect::LateCrc));
        assert!(Quirks::with("rcar-du", None, None).has(Effect::LinearOnly));
        assert!(Quirks::with("amdgpu", None, None).has(Effect::TestsStall));
        assert!(Quirks::with("virtio_gpu", None, Some(Version(6, 13, 0))).iter().next().is_none());
        for (driver, asked_for) in [("i915", true), ("xe", true), ("rcar-du", false), ("vkms", false), ("msm", false)] {
            assert_eq!(Quirks::with(driver, None, None).has(Effect::OverlaysAskedFor), asked_for, "{driver}");
        }
        assert!(Quirks::with("i915", None, Some(Version(6, 12, 48))).has(Effect::AsyncWithoutFences));
    }
}
