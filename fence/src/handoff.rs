//! [`HandOff`]: whose fences the display hardware or a GPU may wait for.
//!
//! A foreign fence that never signals can hold up a driver's commit worker for good, so a client's
//! fence is handed on by policy only. This file never looks at a fence; it compares names.

/// Which fences may be handed to the kernel to wait for. Decided per fence, by the name of its
/// driver. That is not always the name in the fence's info: who knows the machine's devices finds
/// the driver behind it first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HandOff {
    /// None: everything is waited for here before it is used.
    Never,
    /// Fences of the very driver that will wait for them.
    #[default]
    SameDriver,
    /// As `SameDriver`, and those of the drivers in this list.
    Trusted(Vec<String>),
    /// All: one client can hold up the display.
    Always,
}

impl HandOff {
    /// True if a fence of `fence_driver` may be handed to one of `own_drivers` (that of the display
    /// and of the renderer).
    ///
    /// Some drivers put more into the fence info than the name of their module: a name matches if it
    /// is equal, or continues after a `.`, `:` or `-`. An empty name matches nothing.
    pub fn allows(&self, fence_driver: &str, own_drivers: &[&str]) -> bool {
        let same = || own_drivers.iter().any(|own| matches(fence_driver, own));
        match self {
            HandOff::Never => false,
            HandOff::SameDriver => same(),
            HandOff::Trusted(list) => same() || list.iter().any(|name| matches(fence_driver, name)),
            HandOff::Always => true,
        }
    }
}

fn matches(fence_driver: &str, name: &str) -> bool {
    !name.is_empty()
        && fence_driver.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_decides_by_the_driver_s_name() {
        let trusted = HandOff::Trusted(vec!["i915".into()]);
        let table: &[(&HandOff, &str, &[&str], bool)] = &[
            (&HandOff::Never, "vkms", &["vkms"], false),
            (&HandOff::SameDriver, "vkms", &["vkms"], true),
            (&HandOff::SameDriver, "vkms", &["amdgpu", "vkms"], true),
            (&HandOff::SameDriver, "vgem", &["vkms"], false),
            (&HandOff::SameDriver, "", &["vkms"], false),
            (&HandOff::SameDriver, "vkms", &[], false),
            (&HandOff::SameDriver, "amdgpu-ring0", &["amdgpu"], true),
            (&HandOff::SameDriver, "amdgpux", &["amdgpu"], false),
            (&HandOff::SameDriver, "anything", &[""], false),
            (&trusted, "i915", &["vkms"], true),
            (&trusted, "vkms", &["vkms"], true),
            (&trusted, "xe", &["vkms"], false),
            (&HandOff::Always, "sw_sync", &[], true),
        ];
        for (policy, driver, own, expected) in table {
            assert_eq!(policy.allows(driver, own), *expected, "{policy:?} {driver} {own:?}");
        }
    }
}
