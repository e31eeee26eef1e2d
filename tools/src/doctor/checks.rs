//! Judges a machine: whether a session can run, and what there is beside the cards.

use super::{
    card,
    facts::{Access, Card, Machine},
    kernel::{Version, since},
    report::{Check, Group, Report, Verdict},
};

/// Everything that can be concluded of `machine`.
pub fn report(machine: &Machine) -> Report {
    let mut groups = vec![session(machine)];
    groups.extend(machine.cards.iter().map(|found| card::group(found, machine)));
    groups.push(buffers(machine));
    groups.push(testing(machine));
    let (verdict, summary) = verdict(machine);
    Report { verdict, summary, groups }
}

/// A card that a session could run on: atomic mode setting, and a display.
fn shows(card: &Card) -> bool {
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
        (!machine.cards.iter().any(shows), "a card with atomic mode setting and a display plugged in"),
        (!has_seat(machine), "a seat"),
        (!machine.user.runtime_dir, "XDG_RUNTIME_DIR"),
    ];
    let missing: Vec<&str> = missing.iter().filter(|(missing, _)| *missing).map(|(_, what)| *what).collect();
    if !missing.is_empty() {
        return (Verdict::Missing, format!("Not ready for a session: it lacks {}.", missing.join(", ")));
    }
    let usable: Vec<String> =
        machine.cards.iter().filter(|card| shows(card)).map(|card| card.path.display().to_string()).collect();
    (Verdict::Ready, format!("Ready for a session on {}.", usable.join(", ")))
}

/// What a session needs besides a card.
fn session(machine: &Machine) -> Group {
    let who = if machine.user.root { "root" } else { "a user" };
    let seat = has_seat(machine);
    let keeper = match (&machine.seat.seatd, machine.seat.logind) {
        (Access::Yes, _) => "seatd".to_owned(),
        (_, true) => "logind".to_owned(),
        (Access::Denied, _) => "seatd is there, but not for this user".to_owned(),
        _ if seat => "none; root opens devices itself with --device".to_owned(),
        _ => "none".to_owned(),
    };
    let advice = || match machine.seat.seatd {
        Access::Denied => "join seatd's group (`ls -l /run/seatd.sock` names it), then log in again".to_owned(),
        _ => "install and start seatd, or log in on a console with logind".to_owned(),
    };
    let runtime = machine.user.runtime_dir;
    let checks = vec![
        Check::of("seat", seat, keeper).hint_unless(seat, advice),
        Check::of("XDG_RUNTIME_DIR", runtime, if runtime { "set" } else { "not set, or no folder" })
            .hint_unless(runtime, || {
                "logind sets it; else: export XDG_RUNTIME_DIR=/run/user/$(id -u), a folder of mode 0700".to_owned()
            }),
    ];
    Group::plain(format!("Session: Linux {}, {who}", machine.kernel), checks)
}

/// Where buffers and their fences come from besides the cards.
fn buffers(machine: &Machine) -> Group {
    let mut checks = Vec::new();
    for node in &machine.render_nodes {
        let name = node.path.display().to_string();
        let sync = node.sync.unwrap_or_default();
        checks.push(match &node.access {
            Access::Yes if sync.timeline => Check::of(name, true, format!("{}, syncobj timelines", node.driver)),
            Access::Yes => Check::of(name, true, format!("{}, no syncobj timelines", node.driver)),
            access => opened(name, access, &node.driver),
        });
    }
    if machine.render_nodes.is_empty() {
        let check = Check::maybe("render node", false, "none: windows are drawn by the CPU");
        checks.push(
            check.hint("a GPU's driver makes one (/dev/dri/renderD*); planes still show clients' buffers directly"),
        );
    }
    let memory = &machine.memory;
    checks.push(match memory.udmabuf {
        Access::Absent => Check::maybe("udmabuf", false, "none").hint("CONFIG_UDMABUF, `modprobe udmabuf`"),
        ref access => opened("udmabuf", access, "dma-bufs from shared memory"),
    });
    if memory.heaps.is_empty() {
        checks
            .push(Check::maybe("dma-heaps", false, "none").hint("CONFIG_DMABUF_HEAPS and CONFIG_DMABUF_HEAPS_SYSTEM"));
    }
    for heap in &memory.heaps {
        checks.push(opened(format!("dma-heap {}", heap.name), &heap.access, "dma-bufs of zeroed pages"));
    }
    checks.push(match memory.implicit_bridge {
        Some(true) => Check::of("implicit fences", true, "a dma-buf gives them as a sync_file"),
        Some(false) => Check::of("implicit fences", false, "stay in the dma-buf").hint(since(
            &machine.kernel,
            Version(6, 0),
            "CONFIG_SYNC_FILE",
        )),
        None => Check::maybe("implicit fences", false, "not asked: there is no udmabuf to ask"),
    });
    Group::plain("Buffers", checks)
}

/// What tests and proofs need.
fn testing(machine: &Machine) -> Group {
    let debugfs = match machine.debugfs {
        Access::Absent => {
            Check::of("debugfs", false, "not mounted").hint("mount -t debugfs none /sys/kernel/debug (needs root)")
        }
        Access::Denied => Check::of("debugfs", false, "not for this user").hint("CRCs and sw_sync need root"),
        ref access => opened("debugfs", access, "mounted"),
    };
    let sw_sync = match machine.sw_sync {
        Access::Yes => Check::of("sw_sync", true, "fences made by hand"),
        Access::Denied => Check::maybe("sw_sync", false, "not for this user"),
        _ => Check::maybe("sw_sync", false, "none").hint("for tests only: CONFIG_SW_SYNC and a mounted debugfs"),
    };
    let mut checks = vec![debugfs, sw_sync];
    for cec in machine.cec.iter().filter(|cec| cec.info.as_ref().is_none_or(|info| info.connector.is_none())) {
        let name = cec.path.display().to_string();
        checks.push(match &cec.info {
            Some(info) => Check::of(name, true, format!("CEC, {} {}, of no connector", info.driver, info.name))
                .hint("a dongle's is used with `[cec] adapter`"),
            None => opened(name, &cec.access, "CEC"),
        });
    }
    Group::plain("Tests and adapters", checks)
}

/// A device that is there, or why it cannot be opened.
fn opened(name: impl Into<String>, access: &Access, value: &str) -> Check {
    match access {
        Access::Yes => Check::of(name, true, value),
        Access::Absent => Check::maybe(name, false, "none"),
        Access::Denied => Check::of(name, false, "not for this user")
            .hint("join the group that owns it (`ls -l` names it: video, render), then log in again"),
        Access::Failed(why) => Check::of(name, false, why.clone()),
    }
}
