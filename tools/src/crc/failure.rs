//! What a failed test leaves: a folder with everything that somebody needs who was not there.
//!
//! | file | content |
//! | --- | --- |
//! | `case.txt` | the test, why it failed, how to repeat it, the versions of everything |
//! | `request.txt` | the last atomic request, by the names of its objects and properties |
//! | `state.txt` | the kernel's own view (debugfs `state`) |
//! | `dmesg.txt` | the kernel's log since the test began |
//! | `trace.txt` | events of `drm` and `dma_fence` since the test began |
//! | `expected.png`, `shown.png`, `difference.png` | the images ([`super::mismatch`]) |
//!
//! What cannot be had is a line in its file that says why. Nothing is written before a test fails.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::mismatch;
use super::oracle::Oracle;
use super::result::Configuration;
use super::scene::Scene;
use super::screen::Screen;
use crate::kernel_log::KernelLog;
use crate::kernel_trace::KernelTrace;

/// How many failed tests of a run leave images, which take a second each, if no folder is named.
const WITH_IMAGES: u32 = 16;

/// Collects what failed tests leave.
pub struct Failures {
    dir: PathBuf,
    log: Result<KernelLog, String>,
    trace: Result<KernelTrace, String>,
    /// Names and values for `case.txt`, the same for all tests of a run.
    facts: Vec<(&'static str, String)>,
    replay: String,
    /// How many more tests leave images.
    images: u32,
}

impl Failures {
    /// For a run whose folders go into `out`, else below [`default_dir`].
    pub fn new(screen: &Screen, out: Option<&Path>, configuration: &Configuration) -> Self {
        let c = configuration;
        let driver = screen.device.driver_info();
        let (major, minor, patch) = driver.version;
        let facts = vec![
            ("syncline", env!("CARGO_PKG_VERSION").to_owned()),
            ("kernel", kernel_version()),
            ("device", c.device.clone()),
            ("driver", format!("{} {major}.{minor}.{patch} ({})", driver.name, driver.description)),
            ("output", c.output.clone()),
            ("EDID", edid_hash(&c.device, &c.output)),
            ("mode", c.mode.clone()),
            ("CRC source", c.source.clone()),
            ("judged by", c.judged_by.clone()),
            ("seed", screen.seed.to_string()),
        ];
        let mut replay = format!(
            "syncline crc test --device {} --output {} --mode {} --source '{}' --seed {}",
            c.device, c.output, c.mode, c.source, screen.seed
        );
        if c.judged_by == "composition" {
            replay.push_str(" --judge composition");
        }
        let dir = out.map_or_else(|| default_dir(|name| std::env::var_os(name)), Path::to_owned);
        let images = if out.is_some() { u32::MAX } else { WITH_IMAGES };
        Self { dir, log: KernelLog::open(), trace: KernelTrace::start(), facts, replay, images }
    }

    /// A test begins: what happened before is not of it.
    pub fn begin(&mut self) {
        if let Ok(log) = &mut self.log {
            log.skip();
        }
        if let Ok(trace) = &mut self.trace {
            trace.clear();
        }
    }

    /// Saves the folder of the test `title` that has just failed for `reason`, and returns the
    /// paths of its files. `scene`: whose images are saved, which shows others. What cannot be
    /// written is logged. Errors: the display does not work any more.
    pub fn save(
        &mut self,
        screen: &mut Screen,
        oracle: &mut Oracle,
        title: &str,
        reason: &str,
        scene: Option<&Scene>,
    ) -> Result<Vec<String>, Error> {
        let folder = self.dir.join(slug(title));
        if let Err(error) = std::fs::create_dir_all(&folder) {
            tracing::warn!("{}: {error}: the failure is not saved", folder.display());
            return Ok(Vec::new());
        }
        let mut files = Vec::new();
        let unavailable =
            |result: Result<String, String>| result.unwrap_or_else(|why| format!("not available: {why}\n"));
        let texts = [
            ("case.txt", self.case(title, reason)),
            ("request.txt", screen.request_text()),
            ("state.txt", unavailable(screen.kernel_state())),
            ("dmesg.txt", unavailable(self.log.as_mut().map_err(|why| why.clone()).and_then(KernelLog::read))),
            ("trace.txt", unavailable(self.trace.as_ref().map_err(|why| why.clone()).and_then(KernelTrace::read))),
        ];
        for (name, text) in texts {
            let path = folder.join(name);
            match std::fs::write(&path, text) {
                Ok(()) => files.push(path.display().to_string()),
                Err(error) => tracing::warn!("{}: {error}", path.display()),
            }
        }
        let scene = scene.filter(|_| self.images > 0);
        self.images -= u32::from(scene.is_some());
        match scene.map(|scene| mismatch::save_images(screen, oracle, scene, &folder)) {
            None => {}
            Some(Ok(images)) => files.extend(images),
            Some(Err(error)) => {
                tracing::warn!("{title}: no images: {error}");
                screen.modeset()?;
            }
        }
        Ok(files)
    }

    fn case(&self, title: &str, reason: &str) -> String {
        let mut text = format!("{title}\n{reason}\n\nrepeat it: {} --case '{title}' --repeat 20\n\n", self.replay);
        for (name, value) in &self.facts {
            let _ = writeln!(text, "{name}: {value}");
        }
        text
    }
}

/// Where failures go unless a folder is named: `$XDG_STATE_HOME/syncline/crc-failures`, else below
/// `~/.local/state`, else `./crc-failures`.
pub fn default_dir(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> PathBuf {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    state.map_or_else(|| "crc-failures".into(), |state| state.join("syncline/crc-failures"))
}

/// A title as the name of a folder: `rotation: overlay by 90` becomes `rotation-overlay-by-90`.
pub fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn kernel_version() -> String {
    let name = rustix::system::uname();
    format!("{} {}", name.release().to_string_lossy(), name.version().to_string_lossy())
}

/// A sum over the display's EDID, by which two displays are told apart.
fn edid_hash(device: &str, output: &str) -> String {
    let card = Path::new(device).file_name().unwrap_or_default().to_string_lossy();
    match std::fs::read(format!("/sys/class/drm/{card}-{output}/edid")) {
        Ok(edid) if edid.is_empty() => "none".to_owned(),
        Ok(edid) => format!("CRC-32 {:#010x} of {} bytes", crc32fast::hash(&edid), edid.len()),
        Err(error) => format!("not available: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_go_where_the_user_s_state_is() {
        let dir = |state: Option<&str>, home: Option<&str>| {
            default_dir(|name| if name == "HOME" { home } else { state }.map(Into::into)).display().to_string()
        };
        assert_eq!(dir(Some("/state"), Some("/home/me")), "/state/syncline/crc-failures");
        assert_eq!(dir(None, Some("/home/me")), "/home/me/.local/state/syncline/crc-failures");
        assert_eq!(dir(Some("relative"), None), "crc-failures", "the specification wants an absolute path");
    }

    #[test]
    fn a_title_and_its_folder_name_the_same_case() {
        for (title, folder) in [
            ("rotation: overlay by 90", "rotation-overlay-by-90"),
            ("rotation-overlay-by-90", "rotation-overlay-by-90"),
            ("formats: overlay NV12 <\"odd\" & #1>/../x", "formats-overlay-NV12-odd-1-x"),
        ] {
            assert_eq!(slug(title), folder);
        }
    }
}
