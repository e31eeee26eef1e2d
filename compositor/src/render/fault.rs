//! A GPU that fails, on purpose: passes whose fence signals late, and with an error, imports that
//! are refused, one that is none.
//!
//! Only in builds with debug assertions, for tests on machines without a GPU to reset. `SYNCLINE_FAULT_RENDER=N`: every Nth pass of
//! the session has such a fence, from sw_sync; what it draws is drawn all the same. Without the variable nothing happens.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fence::{SwTimeline, SyncFile};

/// How long a fence is pending before it fails.
const LATE: Duration = Duration::from_millis(2);

/// The fence in the place of a pass's own, if this is one that is to fail.
pub fn fence() -> Option<SyncFile> {
    static EVERY: LazyLock<Option<u32>> =
        LazyLock::new(|| std::env::var("SYNCLINE_FAULT_RENDER").ok()?.parse().ok().filter(|every| *every > 0));
    static PASSES: AtomicU32 = AtomicU32::new(0);
    let every = (*EVERY)?;
    if !(PASSES.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every) {
        return None;
    }
    let timeline = SwTimeline::open().ok()?;
    let fence = timeline.fence(1, "fault").ok()?;
    // A timeline that is closed signals what is left with ENOENT.
    std::thread::spawn(move || {
        std::thread::sleep(LATE);
        drop(timeline);
    });
    Some(fence)
}

/// Refuses an import. `SYNCLINE_FAULT_IMPORT=cpu`: each, so that buffers are copied; `gpu`: by any other card, whether or not it has a GPU.
pub fn import() -> Result<(), String> {
    match refuses() {
        Some(_) => Err("refused on purpose".into()),
        None => Ok(()),
    }
}

/// Whether a card without a GPU counts as one with.
pub fn any_card_copies() -> bool {
    refuses() == Some("gpu")
}

fn refuses() -> Option<&'static str> {
    static REFUSES: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SYNCLINE_FAULT_IMPORT").ok());
    REFUSES.as_deref()
}

/// What stands for a GPU: `SYNCLINE_FAULT_GPU=none`: each card has a render node, with GL on the
/// CPU behind it. `starves`: the same, but it is taken for a GPU, and gets no memory that a display
/// could show.
pub fn gpu() -> Option<&'static str> {
    static GPU: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SYNCLINE_FAULT_GPU").ok());
    GPU.as_deref()
}

/// See [`gpu`].
pub fn starves() -> bool {
    gpu() == Some("starves")
}
