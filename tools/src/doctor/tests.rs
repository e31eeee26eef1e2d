//! The conclusions from the facts of the lab's machine, and from variations of them.

use super::{
    checks,
    diagnosis::{Check, Diagnosis, Mark, Verdict},
    facts::{Access, CrtcCrc, Machine, SyncobjSupport},
};

/// `machine` of `syncline doctor --json` in the lab.
fn lab() -> Machine {
    serde_json::from_str(include_str!("fixtures/lab.json")).expect("the fixture is a machine")
}

/// Index of the vkms card, which the tests vary.
fn vkms(machine: &Machine) -> usize {
    machine.cards.iter().position(|card| card.inventory.is_some()).expect("the lab has vkms")
}

fn check<'a>(diagnosis: &'a Diagnosis, name: &str) -> &'a Check {
    let mut all = diagnosis.groups.iter().flat_map(|group| &group.sections).flat_map(|section| &section.checks);
    all.rfind(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}"))
}

#[test]
fn the_lab_reads_well() {
    insta::assert_snapshot!(checks::diagnose(&lab()).text(false));
}

#[test]
fn a_machine_without_anything_reads_well() {
    let machine = Machine { kernel: "6.1.0-28-amd64".into(), ..Machine::default() };
    let diagnosis = checks::diagnose(&machine);
    assert_eq!(diagnosis.exit_status(), 2);
    insta::assert_snapshot!(diagnosis.text(false));
}

#[test]
fn an_old_kernel_without_permissions_reads_well() {
    let mut machine = lab();
    let at = vkms(&machine);
    machine.kernel = "6.1.0-28-amd64".into();
    machine.user.root = false;
    machine.seat = super::facts::Seat { seatd: Access::Denied, logind: false };
    (machine.debugfs, machine.sw_sync, machine.memory.udmabuf) = (Access::Denied, Access::Denied, Access::Denied);
    (machine.memory.implicit_bridge, machine.cards[0].access) = (None, Access::Denied);
    machine.cards[0].sync = None;
    machine.cards[at].sync =
        Some(SyncobjSupport { syncobj: true, timeline: true, deadline: Some(false), ..SyncobjSupport::default() });
    machine.cards[at].crc = vec![CrtcCrc {
        crtc: kms::CrtcIndex::from_raw(0),
        sources: Vec::new(),
        error: Some("no permission for /sys/kernel/debug/dri: reading display CRCs needs root".into()),
    }];
    machine.cec.iter_mut().for_each(|cec| (cec.access, cec.info) = (Access::Denied, None));
    let diagnosis = checks::diagnose(&machine);
    assert_eq!(diagnosis.exit_status(), 1);
    insta::assert_snapshot!(diagnosis.text(false));
}

#[test]
fn snapshots_come_back_from_json() {
    let machine = lab();
    let json = serde_json::to_string(&machine).unwrap();
    assert_eq!(serde_json::from_str::<Machine>(&json).unwrap(), machine);
    let written: serde_json::Value = serde_json::from_str(&json).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(include_str!("fixtures/lab.json")).unwrap();
    assert!(written == fixture, "the fixture has another form than --json");
}

#[test]
fn verdicts() {
    type Change = fn(&mut Machine);
    let table: [(&str, Change, Verdict, &str); 6] = [
        ("as it is", |_| {}, Verdict::Ready, "Ready for a session on /dev/dri/card1."),
        ("no cards", |m| m.cards.clear(), Verdict::NoDevice, "/dev/dri/card*"),
        (
            "a card that is not there",
            |m| {
                m.cards.truncate(1);
                (m.cards[0].access, m.cards[0].inventory) = (Access::Absent, None);
            },
            Verdict::NoDevice,
            "there is no /dev/dri/card0",
        ),
        (
            "only one that renders",
            |m| m.cards.retain(|card| card.inventory.is_none()),
            Verdict::Missing,
            "a display plugged in",
        ),
        ("no runtime folder", |m| m.user.runtime_dir = false, Verdict::Missing, "lacks XDG_RUNTIME_DIR"),
        (
            "no seat",
            |m| (m.user.root, m.seat.seatd, m.seat.logind) = (false, Access::Absent, false),
            Verdict::Missing,
            "lacks a seat",
        ),
    ];
    for (what, change, verdict, says) in table {
        let mut machine = lab();
        change(&mut machine);
        let diagnosis = checks::diagnose(&machine);
        assert_eq!(diagnosis.verdict, verdict, "{what}");
        assert!(diagnosis.summary.contains(says), "{what}: {}", diagnosis.summary);
    }
}

#[test]
fn what_is_missing_says_what_to_do() {
    type Change = fn(&mut Machine, usize);
    let table: [(&str, Change, Mark, &str); 6] = [
        (
            "syncobj timelines",
            |m, at| m.cards[at].sync = Some(SyncobjSupport::default()),
            Mark::Missing,
            "DRIVER_SYNCOBJ_TIMELINE",
        ),
        (
            "syncobj eventfd",
            |m, at| {
                m.kernel = "6.5.0".into();
                m.cards[at].sync = Some(SyncobjSupport { timeline: true, ..SyncobjSupport::default() });
            },
            Mark::Missing,
            "needs Linux 6.6 or later; this is 6.5.0",
        ),
        ("debugfs", |m, _| m.debugfs = Access::Absent, Mark::Missing, "mount -t debugfs none /sys/kernel/debug"),
        ("debugfs", |m, _| m.locked_down = true, Mark::NotApplicable, "display CRCs have the source auto only"),
        ("udmabuf", |m, _| m.memory.udmabuf = Access::Absent, Mark::NotApplicable, "CONFIG_UDMABUF"),
        ("seat", |m, _| (m.user.root, m.seat.seatd) = (false, Access::Denied), Mark::Missing, "join seatd's group"),
    ];
    for (name, change, mark, hint) in table {
        let mut machine = lab();
        let at = vkms(&machine);
        change(&mut machine, at);
        let diagnosis = checks::diagnose(&machine);
        let check = check(&diagnosis, name);
        assert_eq!(check.mark, mark, "{name}");
        assert!(check.hint.as_deref().is_some_and(|own| own.contains(hint)), "{name}: {:?}", check.hint);
    }
}

#[test]
fn displays_are_named_by_their_edid_and_cec_by_its_connector() {
    let mut machine = lab();
    let at = vkms(&machine);
    let inventory = machine.cards[at].inventory.as_mut().unwrap();
    let connector = inventory.connectors.iter_mut().find(|connector| !connector.writeback).unwrap();
    let id = connector.id;
    connector.edid = Some(kms::inventory::Edid {
        vendor: "SYN".into(),
        name: Some("Lab TV".into()),
        size_cm: (121, 68),
        ..kms::inventory::Edid::default()
    });
    let info = machine.cec[1].info.as_mut().unwrap();
    info.connector = Some(kms::cec::DrmConnector { card: 1, connector: id });
    let diagnosis = checks::diagnose(&machine);
    assert!(check(&diagnosis, "Virtual-1").value.ends_with(", SYN Lab TV, 121x68 cm"));
    assert_eq!(check(&diagnosis, "CEC").value, "Virtual-1: /dev/cec1");
}

#[test]
fn a_damaged_edid_gets_a_hint_and_the_display_counts_as_good() {
    let mut machine = lab();
    let at = vkms(&machine);
    let inventory = machine.cards[at].inventory.as_mut().unwrap();
    let connector = inventory.connectors.iter_mut().find(|connector| !connector.writeback).unwrap();
    connector.edid_fault = Some(kms::inventory::EdidFault::Checksum);
    let diagnosis = checks::diagnose(&machine);
    let check = check(&diagnosis, "Virtual-1");
    assert_eq!(check.mark, Mark::Found);
    assert!(check.hint.as_deref().is_some_and(|hint| hint.contains("checksum of its EDID")), "{:?}", check.hint);
}

#[test]
fn colours_only_where_asked() {
    let diagnosis = checks::diagnose(&lab());
    assert!(!diagnosis.text(false).contains('\x1b') && diagnosis.text(true).contains("\x1b[32m✓\x1b[0m"));
}

#[test]
fn a_driver_with_legacy_mode_setting_alone_gets_a_hint() {
    let refused = "DRM_IOCTL_SET_CLIENT_CAP (/dev/dri/card0): Operation not supported";
    for (driver, hint) in [("nouveau", Some("nouveau.atomic=1")), ("vgem", None)] {
        let mut machine = lab();
        let at = vkms(&machine);
        let card = &mut machine.cards[at];
        (card.driver, card.inventory, card.why_not) = (driver.to_owned(), None, Some(refused.to_owned()));
        machine.cards = vec![card.clone()];
        let diagnosis = checks::diagnose(&machine);
        let said = check(&diagnosis, "mode setting").hint.clone();
        assert_eq!(said.is_some(), hint.is_some(), "{driver}: {said:?}");
        assert!(said.unwrap_or_default().contains(hint.unwrap_or_default()), "{driver}");
    }
}
