//! Virtual displays made to measure: vkms devices by configfs, with any number of outputs, plugged
//! and pulled at run time.
//!
//! For root in a kernel with vkms and configfs. Each device is a card of its own beside the lab's;
//! it is taken down on drop, also when a test panics. What this kernel's vkms cannot do is not
//! pretended: connectors neither come nor go (only displays at them), and a device has at most [`MOST_PLANES`] planes, shared ones counted once.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::lab;
use crate::time::poll_until;
use crate::user;

const ROOT: &str = "/sys/kernel/config/vkms";
const EXTRAS: &str = "/sys/module/vkms/parameters/extras";
const MIN_REFRESH: &str = "/sys/module/vkms/parameters/min_refresh";
const PANEL_ORIENTATION: &str = "/sys/module/vkms/parameters/panel_orientation";

/// Planes, CRTCs, encoders and connectors of one device: as many as vkms allows of each
/// (`vkms_config.c`).
pub const MOST_PLANES: u32 = 31;

/// Whether a display is at a connector; the numbers are vkms's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A display is there.
    Connected = 1,
    /// None is there.
    Disconnected = 2,
    /// The connector cannot tell.
    Unknown = 3,
}

/// Type of a plane; the numbers are those of the `type` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlaneType {
    Overlay = 0,
    Primary = 1,
    Cursor = 2,
}

/// One output: a CRTC with its planes, an encoder and a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Overlays that only this CRTC has.
    pub overlays: u32,
    /// Whether the CRTC has a cursor plane.
    pub cursor: bool,
    /// Whether the CRTC has a writeback connector.
    pub writeback: bool,
    /// What is at the connector at first.
    pub status: Status,
}

impl Default for Output {
    /// A primary plane and a cursor, no writeback, a display plugged in.
    fn default() -> Self {
        Self { overlays: 0, cursor: true, writeback: false, status: Status::Connected }
    }
}

impl Output {
    fn planes(&self) -> u32 {
        1 + self.overlays + u32::from(self.cursor)
    }
}

/// What a device is to have; see [`Vkms::builder`].
#[derive(Debug, Clone)]
#[must_use = "a builder makes nothing before `build`"]
pub struct Builder {
    name: String,
    outputs: Vec<Output>,
    shared_overlays: u32,
    any_crtc: bool,
    /// `/sys/module/vkms/parameters/extras` of the lab's kernel: what the planes have that those of
    /// vkms have not.
    extras: u32,
    /// The same of `min_refresh`.
    min_refresh: u32,
    /// The same of `panel_orientation`, which is -1 otherwise.
    panel: Option<Panel>,
}

/// How the panels of a device are mounted; the numbers are the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panel {
    /// The top of the panel is down.
    BottomUp = 1,
    /// Its left side is up.
    LeftUp = 2,
    /// Its right side is up.
    RightUp = 3,
}

impl Builder {
    /// Adds an output.
    pub fn output(mut self, output: Output) -> Self {
        self.outputs.push(output);
        self
    }

    /// Adds `count` outputs alike.
    pub fn outputs(mut self, count: usize, output: Output) -> Self {
        self.outputs.extend(std::iter::repeat_n(output, count));
        self
    }

    /// Overlays that any one CRTC at a time can have.
    pub fn shared_overlays(mut self, count: u32) -> Self {
        self.shared_overlays = count;
        self
    }

    /// Lets every CRTC drive every connector, instead of each its own.
    pub fn any_crtc(mut self) -> Self {
        self.any_crtc = true;
        self
    }

    /// Gives the planes a zpos that may be changed.
    pub fn zpos(mut self) -> Self {
        self.extras |= 1;
        self
    }

    /// Gives the planes FB_DAMAGE_CLIPS.
    pub fn damage_clips(mut self) -> Self {
        self.extras |= 2;
        self
    }

    /// Lets the primary planes flip at once.
    pub fn asynchronous_flips(mut self) -> Self {
        self.extras |= 16;
        self
    }

    /// The same, but not between memory of the device and that of another.
    pub fn asynchronous_flips_of_one_kind(mut self) -> Self {
        self.extras |= 64;
        self
    }

    /// Takes the vblanks away: a flip is reported as soon as it has been carried out.
    pub fn no_vblanks(mut self) -> Self {
        self.extras |= 32;
        self
    }

    /// Gives the displays a variable refresh, down to `lowest` Hz.
    pub fn variable(mut self, lowest: u32) -> Self {
        self.min_refresh = lowest;
        self
    }

    /// Says that the displays are panels that are mounted in this way.
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panel = Some(panel);
        self
    }

    /// Makes the device and waits for its node.
    ///
    /// Errors: a layout that vkms does not take, a name in use, no configfs with vkms, no root.
    pub fn build(self) -> Result<Vkms> {
        self.check()?;
        let mut device = Vkms { dir: Path::new(ROOT).join(&self.name), card: PathBuf::new(), links: Vec::new() };
        if let Err(error) = fs::create_dir(&device.dir) {
            let what = match error.kind() {
                io::ErrorKind::NotFound => format!("make {}: no configfs with vkms", device.dir.display()),
                io::ErrorKind::AlreadyExists => format!("make vkms {}: the name is in use", self.name),
                _ => format!("make {}", device.dir.display()),
            };
            // Not ours: nothing to take down.
            device.dir = PathBuf::new();
            return Err(Error::io(what)(error));
        }
        device.fill(&self)?;
        let panel = self.panel.map_or(-1, |panel| panel as i64);
        // What is wanted, and what devices have otherwise.
        let switches = [
            (EXTRAS, self.extras.into(), 0),
            (MIN_REFRESH, self.min_refresh.into(), 0),
            (PANEL_ORIENTATION, panel, -1),
        ]
        .into_iter()
        .filter(|(_, wanted, usual)| wanted != usual);
        let switch =
            |file: &str, value: i64| fs::write(file, value.to_string()).map_err(Error::io(format!("write {file}")));
        switches.clone().try_for_each(|(file, wanted, _)| switch(file, wanted))?;
        let enabled = device.set("enabled", "1");
        switches.clone().try_for_each(|(file, _, usual)| switch(file, usual))?;
        enabled?;
        device.card = device.wait_node(&self.name)?;
        user::give_debugfs()?;
        Ok(device)
    }

    /// What vkms refuses with a bare EINVAL, in words.
    fn check(&self) -> Result<()> {
        let refuse = |why: String| Err(Error::Other(format!("vkms {}: {why}", self.name)));
        let planes = self.shared_overlays + self.outputs.iter().map(Output::planes).sum::<u32>();
        if self.name == "power" {
            return refuse("sysfs has a folder of that name beside it".into());
        }
        if self.outputs.is_empty() {
            return refuse("a device needs an output".into());
        }
        if self.outputs.len() as u32 > MOST_PLANES || planes > MOST_PLANES {
            let outputs = self.outputs.len();
            return refuse(format!("{outputs} outputs and {planes} planes, where vkms takes {MOST_PLANES} of each"));
        }
        Ok(())
    }
}

/// A vkms device. Dropping it takes it down: open descriptors of it then give ENODEV.
#[derive(Debug)]
pub struct Vkms {
    dir: PathBuf,
    card: PathBuf,
    links: Vec<PathBuf>,
}

impl Vkms {
    /// A device of this name, with nothing yet.
    pub fn builder(name: &str) -> Builder {
        Builder {
            name: name.to_owned(),
            outputs: Vec::new(),
            shared_overlays: 0,
            any_crtc: false,
            extras: 0,
            min_refresh: 0,
            panel: None,
        }
    }

    /// Its node, `/dev/dri/cardN`.
    pub fn card(&self) -> &Path {
        &self.card
    }

    /// Name of the connector of an output, counted from 0: `Virtual-7`.
    pub fn connector(&self, output: usize) -> String {
        lab::connectors(&self.card).swap_remove(output)
    }

    /// Plugs or pulls the display of an output, counted from 0; the kernel sends a hot-plug uevent
    /// at once.
    pub fn plug(&self, output: usize, status: Status) -> Result<()> {
        self.set(&format!("connectors/k{output}/status"), &(status as u32).to_string())
    }

    /// Puts a monitor with this EDID behind the connector of an output, counted from 0; the kernel
    /// sends a hot-plug uevent. Its modes are those of the EDID. Error: the kernel takes no EDID that is
    /// damaged (EINVAL).
    pub fn monitor(&self, output: usize, edid: &[u8]) -> Result<()> {
        let file = self.debugfs(output).join("edid_override");
        fs::write(&file, edid).map_err(Error::io(format!("write {}", file.display())))?;
        self.plug(output, Status::Connected)
    }

    /// Has the link to a display fail; the kernel sends a uevent.
    pub fn break_link(&self, output: usize) -> Result<()> {
        let file = self.debugfs(output).join("link_bad");
        fs::write(&file, "1").map_err(Error::io(format!("write {}", file.display())))
    }

    /// The connector's folder in debugfs.
    fn debugfs(&self, output: usize) -> PathBuf {
        let card = lab::card_number(&self.card).unwrap_or_default();
        PathBuf::from(format!("/sys/kernel/debug/dri/{card}")).join(self.connector(output))
    }

    fn fill(&mut self, plan: &Builder) -> Result<()> {
        let crtcs: Vec<usize> = (0..plan.outputs.len()).collect();
        for (at, output) in plan.outputs.iter().enumerate() {
            self.make(&format!("crtcs/c{at}"))?;
            self.set(&format!("crtcs/c{at}/writeback"), if output.writeback { "1" } else { "0" })?;
        }
        for (at, output) in plan.outputs.iter().enumerate() {
            self.plane(&format!("c{at}-primary"), PlaneType::Primary, &[at])?;
            for overlay in 0..output.overlays {
                self.plane(&format!("c{at}-overlay{overlay}"), PlaneType::Overlay, &[at])?;
            }
            if output.cursor {
                self.plane(&format!("c{at}-cursor"), PlaneType::Cursor, &[at])?;
            }
            self.make(&format!("encoders/e{at}"))?;
            let own = [at];
            for crtc in if plan.any_crtc { &crtcs } else { &own[..] } {
                self.link(&format!("encoders/e{at}/possible_crtcs"), &format!("crtcs/c{crtc}"))?;
            }
            self.make(&format!("connectors/k{at}"))?;
            self.set(&format!("connectors/k{at}/status"), &(output.status as u32).to_string())?;
            self.link(&format!("connectors/k{at}/possible_encoders"), &format!("encoders/e{at}"))?;
        }
        for overlay in 0..plan.shared_overlays {
            self.plane(&format!("shared-overlay{overlay}"), PlaneType::Overlay, &crtcs)?;
        }
        Ok(())
    }

    fn plane(&mut self, name: &str, kind: PlaneType, crtcs: &[usize]) -> Result<()> {
        self.make(&format!("planes/{name}"))?;
        self.set(&format!("planes/{name}/type"), &(kind as u32).to_string())?;
        for crtc in crtcs {
            self.link(&format!("planes/{name}/possible_crtcs"), &format!("crtcs/c{crtc}"))?;
        }
        Ok(())
    }

    fn make(&self, item: &str) -> Result<()> {
        fs::create_dir(self.dir.join(item)).map_err(Error::io(format!("make vkms {item}")))
    }

    fn set(&self, attribute: &str, value: &str) -> Result<()> {
        fs::write(self.dir.join(attribute), value).map_err(Error::io(format!("set vkms {attribute} to {value}")))
    }

    fn link(&mut self, folder: &str, to: &str) -> Result<()> {
        let target = self.dir.join(to);
        let at = self.dir.join(folder).join(target.file_name().unwrap_or_default());
        symlink(&target, &at).map_err(Error::io(format!("link vkms {folder} to {to}")))?;
        self.links.push(at);
        Ok(())
    }

    fn wait_node(&self, name: &str) -> Result<PathBuf> {
        let mut found = None;
        poll_until(Duration::from_secs(5), || {
            found = lab::card_of(name).filter(|card| user::may_open(card));
            found.is_some()
        });
        found.ok_or_else(|| Error::Timeout(format!("the node of vkms {name}")))
    }
}

impl Drop for Vkms {
    fn drop(&mut self) {
        if self.dir.as_os_str().is_empty() {
            return;
        }
        let _ = fs::write(self.dir.join("enabled"), "0");
        for link in &self.links {
            let _ = fs::remove_file(link);
        }
        for group in ["connectors", "encoders", "planes", "crtcs"] {
            for item in fs::read_dir(self.dir.join(group)).into_iter().flatten().flatten() {
                let _ = fs::remove_dir(item.path());
            }
        }
        if let Err(error) = fs::remove_dir(&self.dir) {
            eprintln!("{} could not be taken down: {error}", self.dir.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_that_vkms_refuses_is_refused_in_words() {
        let eight = Output { overlays: 6, ..Output::default() };
        let table = [
            (Vkms::builder("x"), Some("needs an output")),
            (Vkms::builder("x").outputs(4, eight), Some("4 outputs and 32 planes")),
            (Vkms::builder("x").outputs(3, eight).shared_overlays(7), None),
            (Vkms::builder("x").outputs(32, Output { cursor: false, ..Output::default() }), Some("32 outputs")),
        ];
        for (builder, refusal) in table {
            let error = builder.check().err().map(|error| error.to_string());
            assert_eq!(error.is_some(), refusal.is_some(), "{builder:?}: {error:?}");
            assert!(error.unwrap_or_default().contains(refusal.unwrap_or_default()), "{builder:?}");
        }
    }
}
