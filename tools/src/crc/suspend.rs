//! Suspends the machine and lets a real-time clock wake it. It never suspends without an alarm set.
//!
//! See the kernel's `Documentation/ABI/testing/rtc-cdev`, `sysfs-class-rtc` (`wakealarm`) and
//! `sysfs-power` (`state`).

use std::path::{Path, PathBuf};
use std::time::Duration;

const STATE: &str = "/sys/power/state";

/// Suspends the machine for `length` (rounded down to seconds, at least one), to RAM if it can,
/// else to idle. Returns when it is awake. `Err`: why it cannot be suspended.
pub fn suspend(length: Duration) -> Result<(), String> {
    let states = std::fs::read_to_string(STATE).map_err(|error| format!("{STATE}: {error} (CONFIG_SUSPEND)"))?;
    let state = deepest(&states).ok_or_else(|| format!("{STATE} offers `{}`", states.trim()))?;
    let alarm = alarm().ok_or("no clock in /sys/class/rtc can wake the machine (wakealarm)")?;
    let set = |value: &str| {
        std::fs::write(&alarm, value).map_err(|error| format!("{}: {error} (needs root)", alarm.display()))
    };
    // The kernel answers EBUSY if an alarm is set already.
    set("0")?;
    set(&format!("+{}", length.as_secs().max(1)))?;
    std::fs::write(STATE, state).map_err(|error| {
        set("0").ok();
        format!("{STATE}: `{state}`: {error}")
    })
}

/// The state that saves most power without powering memory off.
fn deepest(states: &str) -> Option<&'static str> {
    ["mem", "freeze"].into_iter().find(|wanted| states.split_whitespace().any(|state| state == *wanted))
}

/// The file of the first clock that can wake the machine.
fn alarm() -> Option<PathBuf> {
    let mut clocks: Vec<_> = std::fs::read_dir("/sys/class/rtc").ok()?.flatten().map(|clock| clock.path()).collect();
    clocks.sort();
    clocks.into_iter().map(|clock| clock.join("wakealarm")).find(|file| Path::exists(file))
}

#[cfg(test)]
mod tests {
    use super::deepest;

    #[test]
    fn the_deepest_state_that_keeps_memory() {
        for (states, wanted) in
            [("freeze mem disk\n", Some("mem")), ("freeze\n", Some("freeze")), ("disk\n", None), ("\n", None)]
        {
            assert_eq!(deepest(states), wanted, "{states:?}");
        }
    }
}
