//! Whose a fence is: the driver behind the name that `SYNC_IOC_FILE_INFO` tells.
//!
//! That name is what the fence's own code says (`dma_fence_ops::get_driver_name`), and drivers of
//! hardware rarely say the name of their module: the jobs of most GPUs are fences of the common
//! scheduler, Intel's have the name of the device, NVIDIA's that of the company. So the devices of
//! the machine are asked, from sysfs. Reads names only; no device is opened, and nothing is decided
//! here.

use std::fs;
use std::path::Path;

/// What the jobs of drivers on the common GPU scheduler are called
/// (`drm_sched_fence_get_driver_name`).
pub const SCHEDULER: &str = "drm_sched";

/// Drivers whose jobs run on it: who calls `drm_sched_init` below `drivers/gpu/drm/` of Linux 7.3.
const SCHEDULED: &[&str] =
    &["amdgpu", "etnaviv", "lima", "msm", "nouveau", "panfrost", "panthor", "powervr", "v3d", "xe"];

/// Names that stand for a driver: in fences, and of what is bound to a device in sysfs.
const ALIASES: &[(&str, &str)] = &[
    // kernel-open/nvidia-drm/nvidia-drm-fence.c of NVIDIA's modules.
    ("NVIDIA", "nvidia-drm"),
    ("nvidia", "nvidia-drm"),
    // The components of msm and vc4.
    ("adreno", "msm"),
    ("msm_dpu", "msm"),
    ("msm_mdp4", "msm"),
    ("msm_mdp5", "msm"),
    ("vc4-drm", "vc4"),
];

/// The DRM devices of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Producers {
    /// Name on its bus (`0000:00:02.0`), and its driver.
    devices: Vec<(String, String)>,
}

impl Producers {
    /// These: the name on its bus, and the driver.
    pub fn with<'a>(devices: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, driver): (&str, &str)| (name.to_owned(), driver.to_owned());
        Self { devices: devices.into_iter().map(owned).collect() }
    }

    /// Those that sysfs lists now. Without sysfs there are none.
    pub fn of_machine() -> Self {
        Self::below(Path::new("/sys/class/drm"))
    }

    fn below(class: &Path) -> Self {
        let mut devices = Vec::new();
        for entry in fs::read_dir(class).into_iter().flatten().flatten() {
            let device = entry.path().join("device");
            let link = |path: &Path| Some(fs::canonicalize(path).ok()?.file_name()?.to_str()?.to_owned());
            let (Some(name), Some(bound)) = (link(&device), link(&device.join("driver"))) else { continue };
            let found = (name, driver(&bound).to_owned());
            if !devices.contains(&found) {
                devices.push(found);
            }
        }
        devices.sort();
        Self { devices }
    }

    /// The driver whose fences have this name. The name itself where none of this machine's is
    /// known by it: `drm_sched` where several drivers use the scheduler is nobody's name.
    pub fn driver_of<'a>(&'a self, fence: &'a str) -> &'a str {
        let drivers = || self.devices.iter().map(|(_, driver)| driver.as_str());
        if fence == SCHEDULER {
            let mut scheduled = drivers().filter(|driver| SCHEDULED.contains(driver));
            return match scheduled.next() {
                Some(first) if scheduled.all(|other| other == first) => first,
                _ => fence,
            };
        }
        let named = self.devices.iter().find(|(name, _)| name == fence);
        named.map_or_else(|| driver(fence), |(_, of)| of)
    }
}

/// The driver that goes by this name, in a fence or in sysfs; the name itself if it is no other one's.
pub fn driver(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, driver)| driver)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn machine(devices: &[(&str, &str)]) -> Producers {
        Producers::with(devices.iter().copied())
    }

    #[test]
    fn a_fence_is_its_driver_s() {
        let intel = machine(&[("0000:00:02.0", "i915")]);
        let amd = machine(&[("0000:03:00.0", "amdgpu"), ("0000:0a:00.0", "amdgpu")]);
        let hybrid = machine(&[("0000:00:02.0", "i915"), ("0000:01:00.0", "nouveau")]);
        let two = machine(&[("0000:03:00.0", "amdgpu"), ("0000:04:00.0", "xe")]);
        let board = machine(&[("display-subsystem", "rockchip"), ("fb000000.gpu", "panthor")]);
        for (machine, fence, expected) in [
            (&intel, "0000:00:02.0", "i915"),
            (&intel, "i915", "i915"),
            (&intel, "drm_sched", "drm_sched"),
            (&amd, "drm_sched", "amdgpu"),
            (&amd, "amdgpu", "amdgpu"),
            (&hybrid, "drm_sched", "nouveau"),
            (&hybrid, "0000:00:02.0", "i915"),
            (&two, "drm_sched", "drm_sched"),
            (&two, "0000:04:00.0", "xe"),
            (&board, "drm_sched", "panthor"),
            (&board, "NVIDIA", "nvidia-drm"),
            (&board, "sw_sync", "sw_sync"),
            (&board, "", ""),
        ] {
            assert_eq!(machine.driver_of(fence), expected, "{fence} on {machine:?}");
        }
    }

    #[test]
    fn the_devices_are_those_of_sysfs() {
        let sys = tempfile::tempdir().unwrap();
        let class = sys.path().join("class/drm");
        fs::create_dir_all(&class).unwrap();
        for (device, driver, nodes) in [
            ("0000:01:00.0", "nvidia", &["card1", "renderD129"][..]),
            ("ae01000.display-controller", "msm_dpu", &["card0"]),
        ] {
            let (real, module) = (sys.path().join("devices").join(device), sys.path().join("drivers").join(driver));
            fs::create_dir_all(&real).unwrap();
            fs::create_dir_all(&module).unwrap();
            symlink(&module, real.join("driver")).unwrap();
            for node in nodes {
                fs::create_dir_all(class.join(node)).unwrap();
                symlink(&real, class.join(node).join("device")).unwrap();
            }
        }
        // A connector, and a device without driver.
        fs::create_dir_all(class.join("card0-eDP-1")).unwrap();
        let expected = machine(&[("0000:01:00.0", "nvidia-drm"), ("ae01000.display-controller", "msm")]);
        assert_eq!(Producers::below(&class), expected);
        assert_eq!(Producers::below(Path::new("/nowhere")), Producers::default());
    }
}
