//! Conclusions about a machine: whether it can run a session, and what it has besides its cards.

use kms::quirks::Version;

use super::{
    card,
    diagnosis::{Check, Diagnosis, Group, RULES, Verdict},
    facts::{Access, Card, Machine},
};
use crate::kernel::since;

/// All conclusions about `machine`.
pub fn diagnose(machine: &Machine) -> Diagnosis {
    let mut groups = vec![session(machine)];
    groups.extend(machine.cards.iter().map(|found| card::group(found, machine)));
    groups.push(buffers(machine));
    groups.push(testing(machine));
    let (verdict, summary) = verdict(machine);
    Diagnosis { verdict, summary, groups }
}

/// Whether a session could run on the card: it has atomic mode setting and a display.
fn can_show(card: &Card) -> bool {
    card.inventory.as_ref().is_some_and(|inventory| inventory.connected().next().is_some())
}

fn has_seat(machine: &Machine) -> bool {
    machine.seat.seatd == Access::Yes || machine.seat.logind || machine.user.root
}

fn verdict(machine: &Machine) -> (Verdict, String) {
    if !machine.cards.iter().any(|card| card.access != Access::Absent) {
        let text = "No display device: there is no /dev/dri/card*. Load the GPU's kernel driver, or `modprobe vkms` for a \
                    virtual display; in a container, pass /dev/dri in.";
        let text = match machine.cards.first() {
            Some(card) => {
                format!("No display device: there is no {}; `ls /dev/dri` shows those that are.", card.path.display())
            }
            None => text.to_owned(),
        };
        return (Verdict::NoDevice, text);
    }
    let missing = [
        (!machine.cards.iter().any(can_show), "a card with atomic mode setting and a display plugged in"),
        (!has_seat(machine), "a seat"),
        (!machine.user.runtime_dir, "XDG_RUNTIME_DIR"),
    ];
    let missing: Vec<&str> = missing.iter().filter(|(missing, _)| *missing).map(|(_, what)| *what).collect();
    if !missing.is_empty() {
        return (Verdict::Missing, format!("Not ready for a session: it lacks {}.", missing.join(", ")));
    }
    let usable: Vec<String> =
        machine.cards.iter().filter(|card| can_show(card)).map(|card| card.path.display().to_string()).collect();
    (Verdict::Ready, format!("Ready for a session on {}.", usable.join(", ")))
}

/// What a session needs besides a card.
fn session(machine: &Machine) -> Group {
    let who = if machine.user.root { "as root" } else { "not as root" };
    let seat = has_seat(machine);
    let manager = match (&machine.seat.seatd, machine.seat.logind) {
        (Access::Yes, _) => "seatd".to_owned(),
        (_, true) => "logind".to_owned(),
        (Access::Denied, _) => "seatd runs, but permission is denied".to_owned(),
        _ if seat => "none; root can open devices directly with --device".to_owned(),
        _ => "none".to_owned(),
    };
    let advice = || match machine.seat.seatd {
        Access::Denied => "join seatd's group (`ls -l /run/seatd.sock` shows it), then log in again".to_owned(),
        _ => "install and start seatd, or log in on a console with logind".to_owned(),
    };
    let runtime = machine.user.runtime_dir;
    let checks = vec![
        Check::expected("seat", seat, manager).hint_unless(seat, advice),
        Check::expected("XDG_RUNTIME_DIR", runtime, if runtime { "set" } else { "not set, or not a directory" })
            .hint_unless(runtime, || {
                "logind sets it; without logind: export XDG_RUNTIME_DIR=/run/user/$(id -u), a directory of mode 0700"
                    .to_owned()
            }),
    ];
    Group::plain(format!("Session: Linux {}, {who}", machine.kernel), checks)
}

/// What allocates buffers, and how their fences can be used.
fn buffers(machine: &Machine) -> Group {
    let mut checks = Vec::new();
    for node in &machine.render_nodes {
        let name = node.path.display().to_string();
        let sync = node.sync.unwrap_or_default();
        checks.push(match &node.access {
            Access::Yes if sync.timeline => Check::expected(name, true, format!("{}, syncobj timelines", node.driver)),
            Access::Yes => Check::expected(name, true, format!("{}, no syncobj timelines", node.driver)),
            access => access_check(name, access, &node.driver),
        });
    }
    if machine.render_nodes.is_empty() {
        let check = Check::optional("render node", false, "none: windows are rendered on the CPU");
        checks.push(
            check.hint("a GPU's driver provides one (/dev/dri/renderD*); planes still show client buffers directly"),
        );
    }
    let memory = &machine.memory;
    checks.push(match memory.udmabuf {
        Access::Absent => {
            Check::optional("udmabuf", false, "none").hint("needs CONFIG_UDMABUF; `modprobe udmabuf` loads it")
        }
        ref access => ruled_check("udmabuf", access, "dma-bufs from shared memory"),
    });
    if memory.heaps.is_empty() {
        checks.push(
            Check::optional("dma-heaps", false, "none")
                .hint("needs CONFIG_DMABUF_HEAPS and CONFIG_DMABUF_HEAPS_SYSTEM"),
        );
    }
    for heap in &memory.heaps {
        checks.push(ruled_check(format!("dma-heap {}", heap.name), &heap.access, "allocates dma-bufs"));
    }
    checks.push(match memory.implicit_bridge {
        Some(true) => Check::expected("implicit fences", true, "can be exported from a dma-buf as a sync_file"),
        Some(false) => Check::expected("implicit fences", false, "cannot be exported from a dma-buf").hint(since(
            &machine.kernel,
            Version(6, 0, 0),
            "needs CONFIG_SYNC_FILE",
        )),
        None => Check::optional("implicit fences", false, "not tested: that needs udmabuf"),
    });
    Group::plain("Buffers", checks)
}

/// What tests and CRCs need, and CEC adapters without a connector.
fn testing(machine: &Machine) -> Group {
    let debugfs = match machine.debugfs {
        Access::Absent => Check::expected("debugfs", false, "not mounted")
            .hint("mount -t debugfs none /sys/kernel/debug (needs root)"),
        Access::Denied => Check::expected("debugfs", false, "permission denied")
            .hint("CRCs need syncline-crcd (docs/crc.md), sw_sync needs root"),
        Access::Yes if machine.locked_down => {
            Check::optional("debugfs", false, "the kernel is locked down (Secure Boot)")
                .hint("display CRCs have the source auto only, and tests no sw_sync; for root neither (docs/crc.md)")
        }
        ref access => access_check("debugfs", access, "mounted"),
    };
    let sw_sync = match machine.sw_sync {
        Access::Yes => Check::expected("sw_sync", true, "tests can create fences"),
        Access::Denied => Check::optional("sw_sync", false, "permission denied"),
        _ => Check::optional("sw_sync", false, "none").hint("for tests only: needs CONFIG_SW_SYNC and debugfs"),
    };
    let mut checks = vec![debugfs, sw_sync];
    for cec in machine.cec.iter().filter(|cec| cec.info.as_ref().is_none_or(|info| info.connector.is_none())) {
        let name = cec.path.display().to_string();
        checks.push(match &cec.info {
            Some(info) => {
                Check::expected(name, true, format!("CEC, {} {}, belongs to no connector", info.driver, info.name))
                    .hint("to use it (a USB dongle, for example), name it as `adapter` under `[cec]`")
            }
            None => ruled_check(name, &cec.access, "CEC"),
        });
    }
    Group::plain("Tests and adapters", checks)
}

/// As [`access_check`] for a device that the package's udev rules are about.
fn ruled_check(name: impl Into<String>, access: &Access, value: &str) -> Check {
    let check = access_check(name, access, value);
    if *access == Access::Denied { check.hint(RULES) } else { check }
}

/// The check of a device node: it can be opened, or why not.
fn access_check(name: impl Into<String>, access: &Access, value: &str) -> Check {
    match access {
        Access::Yes => Check::expected(name, true, value),
        Access::Absent => Check::optional(name, false, "none"),
        Access::Denied => Check::expected(name, false, "permission denied")
            .hint("join the group that owns it (`ls -l` shows it: video or render), then log in again"),
        Access::Failed(why) => Check::expected(name, false, why.clone()),
    }
}
