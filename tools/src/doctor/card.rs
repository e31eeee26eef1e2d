//! Conclusions about one card: displays, explicit sync, planes, page flips, colour, CRCs and CEC.

use std::collections::BTreeSet;

use kms::{
    Inventory, PlaneKind,
    inventory::{Connection, Connector, Edid, FormatModifiers, PlaneInfo},
    nodes,
    property::PropertyTable,
    quirks::Version,
};

use super::{
    diagnosis::{Check, Group, Mark, RULES, Section},
    driver_notes,
    facts::{Access, Card, Machine},
};
use crate::kernel::since;

/// All conclusions about a card.
pub fn group(card: &Card, machine: &Machine) -> Group {
    let path = card.path.display();
    let Some(inventory) = &card.inventory else {
        return Group::plain(format!("{path}: {}", card.driver), unreadable(card, machine));
    };
    let (major, minor, patch) = inventory.driver.version;
    let name = &inventory.driver.name;
    let mut displays = vec![Check::expected("mode setting", true, format!("atomic; {}", counts(inventory)))];
    displays.extend(inventory.connectors.iter().filter(|connector| !connector.writeback).map(display));
    let notes = driver_notes::notes(name, &machine.kernel);
    displays.extend(notes.into_iter().map(|text| Check::new("to know", Mark::NotApplicable, text)));
    let sections = [
        ("display", displays),
        ("explicit sync", fences(card, inventory, machine)),
        ("planes", planes(inventory)),
        ("flips", flips(inventory, machine)),
        ("colour", colour(card, inventory, machine)),
        ("proof and control", proof(card, inventory, machine)),
    ];
    Group {
        title: format!("{path}: {name} {major}.{minor}.{patch}"),
        sections: sections.into_iter().map(|(title, checks)| Section { title, checks }).collect(),
    }
}

fn unreadable(card: &Card, machine: &Machine) -> Vec<Check> {
    let name = "mode setting";
    let check = match (&card.access, &card.why_not) {
        (Access::Absent, _) => {
            Check::expected(name, false, "there is no such device").hint("`ls /dev/dri` shows those that are")
        }
        (Access::Denied, _) => {
            let seat = machine.seat.logind || machine.seat.seatd == Access::Yes;
            let run = if seat { "; `syncline run` gets the device from the seat manager" } else { "" };
            Check::expected(name, false, "permission denied")
                .hint(format!("run doctor as root, or join the group that owns it (video){run}"))
        }
        (Access::Failed(why), _) => Check::expected(name, false, why.clone()),
        // A device that only renders, or whose driver has only legacy mode setting, refuses the
        // client capability for atomic commits.
        (Access::Yes, Some(why)) if why.contains("SET_CLIENT_CAP") => {
            let check = Check::optional(
                name,
                false,
                "none, or legacy only: the device renders, but a session cannot show anything on it",
            );
            match kms::open::legacy_hint(&card.driver) {
                Some(hint) => check.hint(format!("for atomic mode setting {hint}")),
                None => check,
            }
        }
        (Access::Yes, why) => Check::expected(name, false, why.clone().unwrap_or_default()),
    };
    let timeline = card.sync.is_some_and(|sync| sync.timeline);
    let sync = card.sync.map(|_| Check::optional("syncobj timelines", timeline, if timeline { "yes" } else { "none" }));
    std::iter::once(check).chain(sync).collect()
}

fn counts(inventory: &Inventory) -> String {
    let of = |kind| inventory.planes.iter().filter(|plane| plane.kind == kind).count();
    let crtcs = inventory.crtcs.len();
    let (primary, overlay, cursor) = (of(PlaneKind::Primary), of(PlaneKind::Overlay), of(PlaneKind::Cursor));
    format!("CRTCs {crtcs}, planes: {primary} primary, {overlay} overlay, {cursor} cursor")
}

fn display(connector: &Connector) -> Check {
    let name = connector.name.as_str();
    let edid = connector.edid.as_ref().map(edid_text).unwrap_or_default();
    match (connector.connection, connector.preferred()) {
        _ if connector.non_desktop => {
            Check::optional(name, false, format!("not part of the desktop (a headset){edid}"))
        }
        (Connection::Connected, Some(mode)) => {
            let crtc = if connector.crtc().is_some() { ", lit" } else { "" };
            let check = Check::expected(name, true, format!("{mode}{crtc}{edid}"));
            match connector.edid_fault {
                _ if connector.link_is_bad() => {
                    check.hint("link-status is bad: the cable or dock cannot carry this mode")
                }
                Some(fault) => check.hint(format!("{fault}: check the cable, adapter or switch before it")),
                None => check,
            }
        }
        (Connection::Connected, None) => Check::expected(name, false, format!("connected, but it lists no mode{edid}"))
            .hint("its EDID cannot be read: check the cable"),
        (Connection::Disconnected, _) => Check::optional(name, false, "nothing plugged in"),
        (Connection::Unknown, _) => {
            Check::optional(name, false, "unknown: the hardware cannot tell, or it has not been probed yet")
        }
    }
}

fn edid_text(edid: &Edid) -> String {
    let (width, height) = edid.size_cm;
    let size = if width > 0 && height > 0 { format!(", {width}x{height} cm") } else { String::new() };
    format!(", {} {}{size}", edid.make(), edid.model())
}

fn fences(card: &Card, inventory: &Inventory, machine: &Machine) -> Vec<Check> {
    let planes = inventory.planes.iter();
    let (all, with) = (inventory.planes.len(), planes.filter(|plane| plane.props.get("IN_FENCE_FD").is_some()).count());
    let crtcs = inventory.crtcs.iter();
    let out = crtcs.filter(|crtc| crtc.props.get("OUT_FENCE_PTR").is_some()).count();
    let sync = card.sync.unwrap_or_default();
    let yes = |there: bool| if there { "yes" } else { "no" };
    let driver = "the driver does not set DRIVER_SYNCOBJ_TIMELINE";
    vec![
        Check::expected("IN_FENCE_FD", with == all, format!("{with} of {all} planes")),
        Check::expected(
            "OUT_FENCE_PTR",
            out == inventory.crtcs.len(),
            format!("{out} of {} CRTCs", inventory.crtcs.len()),
        ),
        Check::expected("syncobj timelines", sync.timeline, yes(sync.timeline)).hint_unless(sync.timeline, || {
            format!("{driver}: clients get implicit fences only, unless a render node has them")
        }),
        Check::expected("syncobj eventfd", sync.eventfd, yes(sync.eventfd))
            .hint_unless(sync.eventfd, || since(&machine.kernel, Version(6, 6, 0), "needs syncobj timelines")),
        Check::expected("point ↔ sync_file", sync.one_call, if sync.one_call { "one call" } else { "two calls" })
            .hint_unless(sync.one_call, || {
                since(&machine.kernel, Version(6, 16, 0), "the driver lacks it; two calls do the same")
            }),
        match sync.deadline {
            Some(true) => Check::expected("fence deadlines", true, "yes"),
            Some(false) => Check::expected("fence deadlines", false, "no").hint(since(
                &machine.kernel,
                Version(6, 4, 0),
                "needs CONFIG_SYNC_FILE",
            )),
            None => Check::optional("fence deadlines", false, "not tested: that needs syncobj timelines"),
        },
    ]
}

fn planes(inventory: &Inventory) -> Vec<Check> {
    let all = |plane: &PlaneInfo| plane.formats.clone();
    let formats: BTreeSet<u32> = inventory.planes.iter().flat_map(all).map(|pair| pair.format).collect();
    let modifiers: BTreeSet<u64> = inventory.planes.iter().flat_map(all).flat_map(|pair| pair.modifiers).collect();
    let names: Vec<String> = modifiers.iter().map(|&raw| dmabuf_import::modifiers::name(raw.into())).collect();
    let shown = match names.len() {
        0..=3 => names.join(", "),
        many => format!("{}, and {} more", names[..3].join(", "), many - 3),
    };
    let caps = &inventory.caps;
    let explicit = caps.modifiers && !modifiers.is_empty();
    let mut kinds = Vec::new();
    for (what, some) in [
        ("alpha", &[*b"AR24"][..]),
        ("10 bit", &[*b"XR30", *b"XB30", *b"AR30"]),
        ("16 bit", &[*b"XR48", *b"XB48", *b"AB48", *b"AR48"]),
        ("half float", &[*b"XB4H", *b"XR4H", *b"AB4H"]),
        ("NV12", &[*b"NV12"]),
        ("P010", &[*b"P010"]),
    ] {
        if some.iter().any(|code| formats.contains(&u32::from_le_bytes(*code))) {
            kinds.push(what);
        }
    }
    let has = |name: &str| inventory.planes.iter().filter(|plane| plane.props.get(name).is_some()).count();
    let features: Vec<String> = [
        ("zpos", "zpos"),
        ("alpha", "alpha"),
        ("blending", "pixel blend mode"),
        ("rotation", "rotation"),
        ("scaling filter", "SCALING_FILTER"),
        ("damage", "FB_DAMAGE_CLIPS"),
    ]
    .into_iter()
    .filter(|(_, property)| has(property) > 0)
    .map(|(name, property)| match has(property) {
        all if all == inventory.planes.len() => name.to_owned(),
        some => format!("{name} ({some} of {})", inventory.planes.len()),
    })
    .collect();
    let hints = inventory.planes.iter().find(|plane| !plane.size_hints.is_empty()).map(|plane| &plane.size_hints);
    let size = |(w, h): &(u32, u32)| format!("{w}x{h}");
    let cursor = match hints {
        Some(hints) => hints.iter().map(size).collect::<Vec<_>>().join(", "),
        None => format!("up to {}", size(&caps.cursor)),
    };
    let there = inventory.planes.iter().any(|plane| plane.kind == PlaneKind::Cursor);
    vec![
        Check::expected("formats", !formats.is_empty(), format!("{} ({})", formats.len(), kinds.join(", "))),
        Check::optional("modifiers", explicit, if explicit { shown } else { "none: linear buffers only".to_owned() }),
        Check::expected("dma-buf import", caps.prime_import, if caps.prime_import { "yes" } else { "no" }),
        Check::optional(
            "plane features",
            !features.is_empty(),
            if features.is_empty() { "none".to_owned() } else { features.join(", ") },
        ),
        Check::optional("cursor", there, if there { cursor } else { "no cursor plane".to_owned() }),
    ]
}

fn flips(inventory: &Inventory, machine: &Machine) -> Vec<Check> {
    let caps = &inventory.caps;
    let count = |pairs: &[FormatModifiers]| usize::from(!pairs.is_empty());
    let listed = inventory.planes.iter().map(|plane| count(&plane.formats_async)).sum::<usize>();
    let tearing = match (caps.atomic_async_flip, listed) {
        (true, 0) => "atomic".to_owned(),
        (true, listed) => format!("atomic; {listed} planes list the formats"),
        (false, _) if caps.async_flip => "legacy page flips only".to_owned(),
        (false, _) => "none".to_owned(),
    };
    let tearing = Check::optional("tearing flips", caps.atomic_async_flip, tearing);
    let vrr = inventory.crtcs.iter().any(|crtc| crtc.props.get("VRR_ENABLED").is_some());
    let able = inventory.connectors.iter().filter(|connector| connector.vrr_capable());
    let able: Vec<&str> = able.map(|connector| connector.name.as_str()).collect();
    let vrr = match (vrr, able.is_empty()) {
        (false, _) => Check::optional("variable refresh", false, "the driver does not support it"),
        (true, true) => {
            let check = Check::optional("variable refresh", false, "no connected display supports it");
            let tells = inventory.connectors.iter().any(|connector| connector.props.get("vrr_capable").is_some());
            check.hint_unless(!tells, || {
                "some displays support it only after it was enabled in their own menu".to_owned()
            })
        }
        (true, false) => Check::expected("variable refresh", true, able.join(", ")),
    };
    vec![
        Check::expected(
            "flip events",
            caps.crtc_in_event && caps.monotonic,
            match (caps.crtc_in_event, caps.monotonic) {
                (true, true) => "with CRTC id and monotonic time",
                (false, _) => "without CRTC id",
                (_, false) => "with wall-clock time, which can jump",
            },
        ),
        if caps.atomic_async_flip || !caps.async_flip {
            tearing
        } else {
            tearing.hint(since(&machine.kernel, Version(6, 8, 0), "the driver does not support atomic ones"))
        },
        vrr,
    ]
}

fn colour(card: &Card, inventory: &Inventory, machine: &Machine) -> Vec<Check> {
    let crtcs = || inventory.crtcs.iter().map(|crtc| &crtc.props);
    let sized = |name: &str, size: &str| {
        let props = crtcs().find(|props| props.get(name).is_some())?;
        Some(props.value(size).map_or_else(String::new, |entries| format!(" ({entries})")))
    };
    let mut pipeline = Vec::new();
    pipeline.extend(sized("DEGAMMA_LUT", "DEGAMMA_LUT_SIZE").map(|size| format!("degamma{size}")));
    pipeline.extend(crtcs().any(|props| props.get("CTM").is_some()).then(|| "matrix".to_owned()));
    pipeline.extend(sized("GAMMA_LUT", "GAMMA_LUT_SIZE").map(|size| format!("gamma{size}")));
    pipeline.extend(crtcs().any(|props| props.get("BACKGROUND_COLOR").is_some()).then(|| "background".to_owned()));
    let list = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let planes = card.colour_pipelines.len();
    let pipelines = Check::optional(
        "plane colour pipeline",
        planes > 0,
        match planes {
            0 => "none".to_owned(),
            _ => format!("{planes} of {} planes", inventory.planes.len()),
        },
    );
    let has = |name: &str| inventory.planes.iter().filter(|plane| plane.props.get(name).is_some()).count();
    let yuv = (has("COLOR_ENCODING"), has("COLOR_RANGE"));
    let connectors: Vec<&Connector> = inventory.connectors.iter().filter(|connector| !connector.writeback).collect();
    let on = |name: &str| connectors.iter().filter(|connector| connector.props.get(name).is_some()).count();
    let signals: Vec<String> = ["max bpc", "Colorspace", "Broadcast RGB", "content type"]
        .into_iter()
        .filter(|name| on(name) > 0)
        .map(str::to_owned)
        .collect();
    let takes_hdr = |props: &PropertyTable| props.get("HDR_OUTPUT_METADATA").is_some();
    let able: Vec<String> = connectors
        .iter()
        .filter(|connector| takes_hdr(&connector.props))
        .filter_map(|connector| {
            let hdr = connector.edid.as_ref()?.hdr.filter(|hdr| hdr.pq || hdr.hlg)?;
            let nits = hdr.max_nits.map_or_else(String::new, |nits| format!(", {nits} cd/m²"));
            let curves = [(hdr.pq, "PQ"), (hdr.hlg, "HLG")];
            let curves: Vec<&str> = curves.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
            Some(format!("{} ({}{nits})", connector.name, curves.join(", ")))
        })
        .collect();
    let hdr = match (on("HDR_OUTPUT_METADATA"), able.is_empty()) {
        (0, _) => Check::optional("HDR", false, "the driver has no HDR_OUTPUT_METADATA"),
        (_, true) => Check::optional("HDR", false, "no connected display supports it"),
        _ => Check::expected("HDR", true, able.join("; ")),
    };
    vec![
        Check::optional("CRTC colour", !pipeline.is_empty(), list(pipeline)),
        if planes > 0 {
            pipelines
        } else {
            let hint = since(&machine.kernel, Version(6, 19, 0), "");
            if hint.is_empty() { pipelines } else { pipelines.hint(hint) }
        },
        Check::optional(
            "YUV encoding, range",
            yuv.0 > 0 && yuv.1 > 0,
            match yuv {
                (0, 0) => "none".to_owned(),
                (encoding, range) => format!("{encoding} and {range} of {} planes", inventory.planes.len()),
            },
        ),
        Check::optional("signal", !signals.is_empty(), list(signals)),
        hdr,
    ]
}

fn proof(card: &Card, inventory: &Inventory, machine: &Machine) -> Vec<Check> {
    let with: Vec<_> = card.crc.iter().filter(|crc| !crc.sources.is_empty()).collect();
    let crc = match (with.first(), card.crc.iter().find_map(|crc| crc.error.clone())) {
        (Some(first), _) => {
            let (some, all) = (with.len(), card.crc.len());
            Check::expected("display CRCs", true, format!("{some} of {all} CRTCs: {}", first.sources.join(", ")))
        }
        (None, Some(why)) if why.contains("offers none") => {
            Check::optional("display CRCs", false, "the driver offers none")
        }
        (None, Some(why)) => Check::expected("display CRCs", false, why),
        (None, None) => Check::optional("display CRCs", false, "the device has no CRTC"),
    };
    let writebacks = inventory.connectors.iter().filter(|connector| connector.writeback).count();
    let writeback = Check::optional(
        "writeback",
        writebacks > 0,
        match writebacks {
            0 => "none".to_owned(),
            1 => "1 connector".to_owned(),
            many => format!("{many} connectors"),
        },
    );
    vec![crc, writeback, cec(card, inventory, machine)]
}

/// The CEC adapters that belong to connectors of this card.
fn cec(card: &Card, inventory: &Inventory, machine: &Machine) -> Check {
    let number = nodes::card_number(&card.path);
    let of = |connector: &Connector| {
        let wanted = (number?, connector.id);
        let info = machine.cec.iter().filter_map(|cec| cec.info.as_ref());
        let found = info.into_iter().find(|i| i.connector.is_some_and(|c| (c.card, c.connector) == wanted))?;
        Some(format!("{}: {}", connector.name, found.path.display()))
    };
    let found: Vec<String> = inventory.connectors.iter().filter_map(of).collect();
    match (found.is_empty(), machine.cec.iter().any(|cec| cec.access == Access::Denied)) {
        (false, _) => Check::expected("CEC", true, found.join(", ")),
        (true, true) => Check::expected("CEC", false, "there are adapters, but permission is denied").hint(RULES),
        (true, false) => Check::optional("CEC", false, "no adapter belongs to its connectors"),
    }
}
