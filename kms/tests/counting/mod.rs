//! Counts the heap allocations of the calling thread.

mod ioctl;

/// Allocations that this thread makes during `run`.
pub fn allocations(run: impl FnOnce()) -> usize {
    let before = ioctl::COUNT.get();
    run();
    ioctl::COUNT.get() - before
}
