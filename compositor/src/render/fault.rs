//! Fault injection for a GPU: passes whose fence signals late and with an error, imports that are
//! refused, and a GPU that does not exist.
//!
//! For tests on machines without a GPU to reset. Builds without debug assertions compile the same
//! code, but never look at the variables. `SYNCLINE_FAULT_RENDER=N`: every Nth pass of the session
//! gets a failing fence, from sw_sync; the pass itself renders normally. `SYNCLINE_FAULT_RESET=N`:
//! the context counts as lost after the Nth pass on GLES. Without the variables nothing happens.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fence::{SwTimeline, SyncFile};

/// How long a fence stays pending before it fails.
const LATE: Duration = Duration::from_millis(2);

/// A variable's value, in builds with debug assertions only.
fn variable(name: &str) -> Option<String> {
    if cfg!(debug_assertions) { std::env::var(name).ok() } else { None }
}

/// A failing fence to replace that of a pass; `None` if this pass must not fail.
pub fn fence() -> Option<SyncFile> {
    static EVERY: LazyLock<Option<u32>> =
        LazyLock::new(|| variable("SYNCLINE_FAULT_RENDER")?.parse().ok().filter(|every| *every > 0));
    static PASSES: AtomicU32 = AtomicU32::new(0);
    let every = (*EVERY)?;
    if !(PASSES.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every) {
        return None;
    }
    let timeline = SwTimeline::open().ok()?;
    let fence = timeline.fence(1, "fault").ok()?;
    // Closing a timeline signals its pending fences with ENOENT.
    std::thread::spawn(move || {
        std::thread::sleep(LATE);
        drop(timeline);
    });
    Some(fence)
}

/// A GPU reset, if this pass must be lost.
pub fn reset() -> Option<&'static str> {
    static AT: LazyLock<Option<u32>> = LazyLock::new(|| variable("SYNCLINE_FAULT_RESET")?.parse().ok());
    static PASSES: AtomicU32 = AtomicU32::new(0);
    let at = (*AT)?;
    (PASSES.fetch_add(1, Ordering::Relaxed) + 1 == at).then_some("it was asked for")
}

/// Refuses every import if `SYNCLINE_FAULT_IMPORT` is set. `cpu`: the CPU copies the buffers;
/// `gpu`: any other card copies them, whether or not it has a GPU.
pub fn import() -> Result<(), String> {
    match refuses() {
        Some(_) => Err("refused on purpose".into()),
        None => Ok(()),
    }
}

/// Whether a card without a GPU counts as a card with one.
pub fn any_card_copies() -> bool {
    refuses() == Some("gpu")
}

fn refuses() -> Option<&'static str> {
    static REFUSES: LazyLock<Option<String>> = LazyLock::new(|| variable("SYNCLINE_FAULT_IMPORT"));
    REFUSES.as_deref()
}

/// The value of `SYNCLINE_FAULT_GPU`. `none`: each card counts as having a render node, with GL on
/// the CPU behind it. `starves`: the same, but that GL counts as a GPU, and it cannot allocate
/// memory that a display can scan out.
pub fn gpu() -> Option<&'static str> {
    static GPU: LazyLock<Option<String>> = LazyLock::new(|| variable("SYNCLINE_FAULT_GPU"));
    GPU.as_deref()
}

/// See [`gpu`].
pub fn starves() -> bool {
    gpu() == Some("starves")
}
