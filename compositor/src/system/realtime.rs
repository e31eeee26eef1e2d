//! The scheduler's priority of the main thread: a latch that comes late is a missed vblank, whatever else the machine does.
//!
//! The main thread, which never waits for a client, goes to the lowest real-time priority where the system lets it.
//! Threads and programs that it starts do not inherit that (`SCHED_RESET_ON_FORK`). Nothing here changes a limit, and a
//! session that may not have the priority runs without.

use crate::system::ioctl;

/// Raises the calling thread to `SCHED_RR`, priority 1 (`sched(7)`). That takes CAP_SYS_NICE or an RLIMIT_RTPRIO of at least 1.
pub fn raise() {
    match ioctl::set_scheduler(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, 1) {
        Ok(()) => tracing::debug!("real-time priority: SCHED_RR 1"),
        Err(error) => tracing::info!(
            "no real-time priority ({error}): a busy machine may cost frames. To allow it: `@video - rtprio 1` in \
             /etc/security/limits.conf, or `setcap cap_sys_nice+ep` on the program; `realtime = false` in the configuration \
             says that it is not wanted"
        ),
    }
}
