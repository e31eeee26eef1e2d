//! What the machine offers: which card is vkms, which nodes have fences, how many objects the
//! kernel holds.
//!
//! Card numbers differ from boot to boot, so nothing is found by number. All of it is read from
//! sysfs and debugfs; nothing is changed, and no card is opened (the first opener of a card would
//! become its master).

use std::fs;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::time::Ns;

const DRM_CLASS: &str = "/sys/class/drm";
const DEBUGFS: &str = "/sys/kernel/debug";

/// Device name and driver name of a DRM node, from sysfs.
fn identity(class: &Path) -> [String; 2] {
    let last = |link: PathBuf| {
        let target = fs::canonicalize(link).unwrap_or_default();
        target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    };
    [last(class.join("device")), last(class.join("device/driver"))]
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.sort();
    all
}

fn nodes(prefix: &str) -> Vec<(PathBuf, [String; 2])> {
    let is_node =
        |name: &str| name.strip_prefix(prefix).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let all = entries(Path::new(DRM_CLASS)).into_iter();
    all.filter_map(|class| {
        let name = class.file_name()?.to_string_lossy().into_owned();
        is_node(&name).then(|| (Path::new("/dev/dri").join(name), identity(&class)))
    })
    .collect()
}

/// The card that `--device` names, else the vkms card, else the only card that has connectors.
pub fn find_card(wanted: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = wanted {
        return Ok(path.into());
    }
    let cards = nodes("card");
    if let Some((card, _)) = cards.iter().find(|(_, id)| id.iter().any(|n| n.starts_with("vkms"))) {
        return Ok(card.clone());
    }
    let has_connector = |card: &Path| {
        let name = format!("{}-", card.file_name().unwrap_or_default().to_string_lossy());
        entries(Path::new(DRM_CLASS))
            .iter()
            .any(|e| e.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&name)))
    };
    let mut usable = cards.into_iter().map(|(card, _)| card).filter(|card| has_connector(card));
    match (usable.next(), usable.next()) {
        (Some(card), None) => Ok(card),
        (Some(_), Some(_)) => Err(Error::Missing("a choice between several cards: name one with --device".into())),
        _ => Err(Error::Missing("a DRM card with a connector (/dev/dri/card*); run this in the lab".into())),
    }
}

/// The card whose device has this very name: a vkms made by configfs.
pub fn card_of(device: &str) -> Option<PathBuf> {
    nodes("card").into_iter().find(|(_, [name, _])| name == device).map(|(card, _)| card)
}

/// Name of the device of a DRM node, which stays the same when the node gets another number.
pub fn device_of(node: &Path) -> Option<String> {
    let [name, _] = identity(&Path::new(DRM_CLASS).join(node.file_name()?));
    Some(name).filter(|name| !name.is_empty())
}

/// Names of a card's connectors with displays or room for one, in the kernel's order; the numbers
/// in them run over all cards.
pub fn connectors(card: &Path) -> Vec<String> {
    let prefix = format!("{}-", card.file_name().unwrap_or_default().to_string_lossy());
    let names = entries(Path::new(DRM_CLASS)).into_iter();
    let names = names.filter_map(|e| Some(e.file_name()?.to_str()?.strip_prefix(&prefix)?.to_owned()));
    let mut names: Vec<String> = names.filter(|name| !name.starts_with("Writeback")).collect();
    names.sort_by_key(|name| name.rsplit('-').next().and_then(|n| n.parse::<u32>().ok()));
    names
}

/// DRM nodes that may have syncobj timelines: render nodes first, because they never become master.
pub fn drm_nodes() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = nodes("renderD").into_iter().map(|(node, _)| node).collect();
    // vkms first among the cards: others may belong to someone.
    let mut cards = nodes("card");
    cards.sort_by_key(|(_, id)| !id.iter().any(|n| n.starts_with("vkms")));
    all.extend(cards.into_iter().map(|(card, _)| card));
    all
}

/// Number of a card: its folder under `dri/` in debugfs.
pub fn card_number(card: &Path) -> Option<u32> {
    card.file_name()?.to_str()?.strip_prefix("card")?.parse().ok()
}

fn debugfs_dri(card: &Path) -> Option<PathBuf> {
    Some(Path::new(DEBUGFS).join("dri").join(card_number(card)?.to_string()))
}

/// What the kernel holds for a card, counted from debugfs. `None` where the kernel does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Objects {
    /// Framebuffers.
    pub framebuffers: Option<usize>,
    /// Those of them that are of an imported dma-buf.
    pub imported_framebuffers: Option<usize>,
    /// GEM names (flink) and, where the driver lists them, objects.
    pub gem_names: Option<usize>,
    /// dma-bufs of the whole machine.
    pub dma_bufs: Option<usize>,
    /// Those of them that no display driver has exported: from udmabuf and dma-heaps.
    pub foreign_dma_bufs: Option<usize>,
    /// Bytes in those dma-bufs.
    pub dma_buf_bytes: Option<u64>,
    /// sw_sync timelines that are still held, by themselves or by one of their fences: a syncobj
    /// that leaked with such a fence in it shows here.
    pub sw_timelines: Option<usize>,
}

impl Objects {
    /// Counts them now.
    pub fn count(card: &Path) -> Objects {
        let dri = debugfs_dri(card).unwrap_or_default();
        let read = |path: PathBuf| fs::read_to_string(path).ok();
        let text = read(Path::new(DEBUGFS).join("dma_buf/bufinfo"));
        let bufinfo = text.as_ref().and_then(|t| parse_bufinfo(t));
        let framebuffers = read(dri.join("framebuffer"));
        Objects {
            imported_framebuffers: framebuffers.as_ref().map(|t| t.matches("imported=yes").count()),
            framebuffers: framebuffers.map(|t| count_framebuffers(&t)),
            foreign_dma_bufs: text.map(|t| count_foreign(&t)),
            gem_names: read(dri.join("gem_names")).map(|t| t.lines().skip(1).filter(|l| !l.trim().is_empty()).count()),
            dma_bufs: bufinfo.map(|b| b.0),
            dma_buf_bytes: bufinfo.map(|b| b.1),
            sw_timelines: read(Path::new(DEBUGFS).join("sync/info")).map(|t| count_timelines(&t)),
        }
    }
}

/// How long after the beginning of a vblank its time stamp is, in ns: the blanking of the first
/// lit display of `card` where displays stamp the first line (`--persona scan-out`), else 0.
pub fn stamp_after_begin(card: &Path) -> Ns {
    let scanout = fs::read_to_string("/sys/module/vkms/parameters/scanout").unwrap_or_default();
    let Some(number) = card_number(card).filter(|_| scanout.trim() == "Y") else { return 0 };
    let state = fs::read_to_string(format!("{DEBUGFS}/dri/{number}/state")).unwrap_or_default();
    state.lines().find_map(blanking_of).unwrap_or(0)
}

/// The blanking of a line of debugfs `state`: `mode: "name": refresh clock` (kHz), four numbers each
/// of a line and of the picture, type and flags.
fn blanking_of(line: &str) -> Option<Ns> {
    let (_, numbers) = line.trim().strip_prefix("mode: ")?.rsplit_once(':')?;
    let numbers: Vec<u64> = numbers.split_whitespace().map_while(|number| number.parse().ok()).collect();
    let &[_, clock, _, _, _, htotal, vdisplay, _, _, vtotal, ..] = &numbers[..] else { return None };
    (clock > 0).then(|| (vtotal - vdisplay) * htotal * 1_000_000 / clock)
}

/// How many devices are attached to a dma-buf, from debugfs; `None`: the kernel does not tell.
pub fn attached_devices(dmabuf: BorrowedFd<'_>) -> Option<usize> {
    let inode = rustix::fs::fstat(dmabuf).ok()?.st_ino;
    parse_attached(&fs::read_to_string(Path::new(DEBUGFS).join("dma_buf/bufinfo")).ok()?, inode)
}

/// The line of a dma-buf has its inode behind size, flags, mode, count and exporter; a total ends
/// the list of its devices.
fn parse_attached(text: &str, inode: u64) -> Option<usize> {
    let is = |line: &&str| line.split('\t').nth(5).and_then(|ino| ino.trim().parse().ok()) == Some(inode);
    let mut lines = text.lines();
    lines.find(is)?;
    lines.find(|line| line.starts_with("Total "))?.split_whitespace().nth(1)?.parse().ok()
}

fn count_framebuffers(text: &str) -> usize {
    text.lines().filter(|l| l.starts_with("framebuffer[")).count()
}

/// The timelines are the unindented `name: value` lines between the headings `objs:` and `fences:`.
fn count_timelines(text: &str) -> usize {
    let objects = text.lines().skip_while(|l| *l != "objs:").skip(1).take_while(|l| *l != "fences:");
    objects.filter(|l| !l.starts_with([' ', '-']) && l.contains(": ")).count()
}

/// A dma-buf's line is size, flags, mode, count, exporter, inode, name.
fn count_foreign(bufinfo: &str) -> usize {
    let exporter = |line: &str| line.split_whitespace().nth(4).map(str::to_owned);
    let lines = bufinfo.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_hexdigit()));
    lines.filter_map(exporter).filter(|name| name != "drm").count()
}

/// The closing line is `Total N objects, B bytes`.
fn parse_bufinfo(text: &str) -> Option<(usize, u64)> {
    let line = text.lines().rev().find(|l| l.starts_with("Total "))?;
    let mut words = line.split_whitespace();
    let objects = words.nth(1)?.parse().ok()?;
    let bytes = words.nth(1)?.parse().ok()?;
    Some((objects, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blanking_is_read_from_a_mode() {
        let mode = "\tmode: \"1024x768\": 60 65000 1024 1048 1184 1344 768 771 777 806 0x48 0xa";
        assert_eq!(blanking_of(mode), Some(785_723));
        assert_eq!(blanking_of("\tmode: \"\": 0 0 0 0 0 0 0 0 0 0 0x0 0x0"), None, "a CRTC that is off");
        assert_eq!(blanking_of("\tactive=1"), None);
    }

    #[test]
    fn card_numbers() {
        assert_eq!(card_number(Path::new("/dev/dri/card12")), Some(12));
        assert_eq!(card_number(Path::new("/dev/dri/renderD128")), None);
    }

    #[test]
    fn bufinfo_total() {
        let text = "\nDma-buf Objects:\nsize flags\n00003145728 …\n\nTotal 4 objects, 12582912 bytes\n";
        assert_eq!(parse_bufinfo(text), Some((4, 12_582_912)));
        assert_eq!(parse_bufinfo("nothing"), None);
    }

    #[test]
    fn dma_bufs_of_others_than_drivers() {
        let text = "size    \tflags\n03145728\t00000002\t02080007\t00000004\tdrm\t00000700\t<none>\n\
                    \tAttached Devices:\n00016384\t00000002\t02080007\t00000006\tsystem\t00000521\t<none>\n\
                    Total 2 objects, 3162112 bytes\n";
        assert_eq!((count_foreign(text), parse_bufinfo(text)), (1, Some((2, 3_162_112))));
    }

    #[test]
    fn devices_are_counted_for_each_dma_buf() {
        let text = "\nDma-buf Objects:\nsize\nexp_name\n\
            00307200\t00000002\t00080007\t00000003\tsystem\t00000012\t<none>\n\tAttached Devices:\n\tvkms\n\
            Total 1 devices attached\n\n\
            00307200\t00000002\t00080007\t00000003\tsystem\t00000013\t<none>\n\tAttached Devices:\n\
            Total 0 devices attached\n\n\nTotal 2 objects, 614400 bytes\n";
        assert_eq!([12, 13, 14].map(|inode| parse_attached(text, inode)), [Some(1), Some(0), None]);
    }

    #[test]
    fn timelines_are_counted_without_their_fences() {
        let text =
            "objs:\n--------------\ndemo: 3\n  fence sw: signalled@1.2 / 3\n\nother: 0\n\nfences:\n------\nx: 1\n";
        assert_eq!(count_timelines(text), 2);
    }

    #[test]
    fn framebuffers_are_counted_by_head_lines() {
        let text = "framebuffer[36]:\n\tallocated by = x\n\trefcount=2\nframebuffer[37]:\n\trefcount=1\n";
        assert_eq!(count_framebuffers(text), 2);
    }
}
