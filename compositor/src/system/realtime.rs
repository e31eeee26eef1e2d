//! The scheduling priority of the main thread. A late latch is a missed vblank, whatever else the
//! machine does.
//!
//! The main thread never waits for a client. It gets the lowest real-time priority if the system
//! allows it. Threads and programs that it starts do not inherit the priority
//! (`SCHED_RESET_ON_FORK`). Nothing here changes a limit, and a session without the permission runs
//! without the priority.

use crate::system::ioctl;

/// Sets the calling thread to `SCHED_RR`, priority 1 (`sched(7)`). That needs CAP_SYS_NICE or an
/// RLIMIT_RTPRIO of at least 1.
pub fn raise() {
    match ioctl::set_scheduler(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, 1) {
        Ok(()) => tracing::debug!("real-time priority: SCHED_RR 1"),
        Err(error) => tracing::info!(
            "no real-time priority ({error}): a busy machine may miss frames. To allow it, put `@video - rtprio 1` in \
             /etc/security/limits.conf, or run `setcap cap_sys_nice+ep` on the program; `realtime = false` in the \
             configuration turns this message off"
        ),
    }
}
