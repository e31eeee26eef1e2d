//! Trace events of the kernel, in a trace instance of this program's own, so that nobody else's
//! tracing is disturbed.

use std::path::{Path, PathBuf};

/// Where tracefs is mounted.
const ROOTS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// Groups of events: vblanks and flips, fences.
const GROUPS: [&str; 2] = ["drm", "dma_fence"];
/// Of each CPU, in KiB.
const BUFFER: &str = "1024";
/// Bytes of the text that are kept, from its end.
const MOST: usize = 1 << 20;

/// A running trace; ended and removed on drop.
#[derive(Debug)]
pub struct KernelTrace {
    instance: PathBuf,
}

impl KernelTrace {
    /// Starts it. Errors: one line why there is none.
    pub fn start() -> Result<Self, String> {
        let root = ROOTS.iter().map(Path::new).find(|root| root.join("instances").is_dir());
        let root = root
            .ok_or("there is no tracefs that this user may enter (mount -t tracefs none /sys/kernel/tracing; root)")?;
        let instance = root.join(format!("instances/syncline-{}", std::process::id()));
        std::fs::create_dir(&instance).map_err(|error| format!("{}: {error}", instance.display()))?;
        let trace = Self { instance };
        let set = |file: &str, value: &str| {
            let path = trace.instance.join(file);
            std::fs::write(&path, value).map_err(|error| format!("{}: {error}", path.display()))
        };
        // Stamps as those of page flips.
        set("trace_clock", "mono").ok();
        set("buffer_size_kb", BUFFER).ok();
        let found = GROUPS.map(|group| set(&format!("events/{group}/enable"), "1"));
        match found {
            [Err(why), Err(_)] => Err(why),
            _ => Ok(trace),
        }
    }

    /// Drops the events so far.
    pub fn clear(&mut self) {
        // Opening it for writing empties it.
        std::fs::write(self.instance.join("trace"), "").ok();
    }

    /// The events since it was cleared.
    pub fn read(&self) -> Result<String, String> {
        let path = self.instance.join("trace");
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let from = text.len().saturating_sub(MOST);
        Ok(String::from_utf8_lossy(&text[from..]).into_owned())
    }
}

impl Drop for KernelTrace {
    fn drop(&mut self) {
        for group in GROUPS {
            std::fs::write(self.instance.join(format!("events/{group}/enable")), "0").ok();
        }
        std::fs::remove_dir(&self.instance).ok();
    }
}
