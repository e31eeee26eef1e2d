//! Waiting for a GPU's own work where there is no other way: without native fences, and where the CPU
//! reads what a GPU has copied. No client's fence is part of that work, so it takes a fraction of a
//! frame. A GPU that hangs costs [`LONGEST`] and not the session: every wait here is bounded.

use std::time::{Duration, Instant};

use fence::SyncFile;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use smithay::backend::{egl::fence::EGLFence, renderer::sync::SyncPoint};

/// The longest time for which the compositor waits for a GPU.
const LONGEST: Duration = Duration::from_millis(100);

/// Waits for a pass. Error, for the log: it is not done in time.
pub fn await_pass(pass: &SyncPoint) -> Result<(), String> {
    match pass.get::<EGLFence>() {
        Some(fence) => match fence.client_wait(Some(LONGEST), true) {
            Ok(true) => Ok(()),
            Ok(false) => Err(too_long()),
            Err(error) => Err(error.to_string()),
        },
        None if pass.is_reached() => Ok(()),
        None => Err("a pass without a fence is not done".to_owned()),
    }
}

/// Waits for the copy of another GPU. Error, for the log: another way is better.
pub fn await_copy(fence: &SyncFile) -> Result<(), String> {
    let until = Instant::now() + LONGEST;
    let mut signal = [PollFd::new(fence, PollFlags::IN)];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut signal, Some(&timeout)) {
            Ok(0) => return Err(too_long()),
            Ok(_) => return Ok(()),
            // A signal came in between: what is left of the time counts.
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.to_string()),
        }
    }
}

fn too_long() -> String {
    format!("the GPU takes more than {LONGEST:?}")
}

#[cfg(test)]
mod tests {
    use smithay::backend::renderer::sync::{Fence, Interrupted};

    use super::*;

    #[test]
    fn a_copy_that_is_never_done_is_given_up() {
        let (never, _writer) = rustix::pipe::pipe().unwrap();
        let begun = Instant::now();
        assert!(await_copy(&SyncFile::unchecked(never)).is_err());
        assert!((LONGEST..10 * LONGEST).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_copy_that_is_done_is_not_waited_for() {
        let (done, writer) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&writer, b"x").unwrap();
        assert_eq!(await_copy(&SyncFile::unchecked(done)), Ok(()));
    }

    /// Waiting for it would be without a limit.
    #[derive(Debug)]
    struct Never;

    impl Fence for Never {
        fn is_signaled(&self) -> bool {
            false
        }

        fn wait(&self) -> Result<(), Interrupted> {
            panic!("waits without a limit")
        }

        fn is_exportable(&self) -> bool {
            false
        }

        fn export(&self) -> Option<std::os::fd::OwnedFd> {
            None
        }
    }

    #[test]
    fn a_pass_is_never_waited_for_without_a_limit() {
        assert!(await_pass(&SyncPoint::from(Never)).is_err());
        assert_eq!(await_pass(&SyncPoint::signaled()), Ok(()));
    }
}
