//! Judges one card: displays, planes, fences, flips, colour, proof.

use std::collections::BTreeSet;

use kms::{
    Inventory, PlaneKind,
    inventory::{Connection, Connector, Edid, FormatModifiers, PlaneInfo},
    property::PropertyTable,
};

use super::{
    facts::{Access, Card, Machine},
    kernel::{Version, since},
    quirks,
    report::{Check, Group, Mark, Section},
};

/// Everything that can be said of a card.
pub fn group(card: &Card, machine: &Machine) -> Group {
    let path = card.path.display();
    let Some(inventory) = &card.inventory else {
        return Group::plain(format!("{path}: {}", card.driver), unreadable(card, machine));
    };
    let (major, minor, patch) = inventory.driver.version;
    let name = &inventory.driver.name;
    let mut shown = vec![Check::of("mode setting", true, format!("atomic; {}", counts(inventory)))];
    shown.extend(inventory.connectors.iter().filter(|connector| !connector.writeback).map(display));
    let known = quirks::of(name, &machine.kernel);
    shown.extend(known.into_iter().map(|text| Check::new("to know", Mark::Without, text)));
    let sections = [
        ("display", shown),
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
            Check::of(name, false, "there is no such device").hint("`ls /dev/dri` shows those that are")
        }
        (Access::Denied, _) => {
            let seat = machine.seat.logind || machine.seat.seatd == Access::Yes;
            let run = if seat { "; `syncline run` gets it from the seat all the same" } else { "" };
            Check::of(name, false, "not for this user: nothing more can be said")
                .hint(format!("run doctor as root, or join the group that owns it (video){run}"))
        }
        (Access::Failed(why), _) => Check::of(name, false, why.clone()),
        // What `SET_CLIENT_CAP(ATOMIC)` answers on a node that only renders, or by a driver of legacy mode setting alone.
        (Access::Yes, Some(why)) if why.contains("SET_CLIENT_CAP") => {
            Check::maybe(name, false, "none, or legacy only: it renders, it does not show")
        }
        (Access::Yes, why) => Check::of(name, false, why.clone().unwrap_or_default()),
    };
    let timeline = card.sync.is_some_and(|sync| sync.timeline);
    let sync = card.sync.map(|_| Check::maybe("syncobj timelines", timeline, if timeline { "yes" } else { "none" }));
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
    let said = connector.edid.as_ref().map(described).unwrap_or_default();
    match (connector.connection, connector.preferred()) {
        _ if connector.non_desktop => Check::maybe(name, false, format!("not for a desktop (a headset){said}")),
        (Connection::Connected, Some(mode)) => {
            let crtc = if connector.crtc().is_some() { ", lit" } else { "" };
            let check = Check::of(name, true, format!("{mode}{crtc}{said}"));
            let bad = connector.props.value("link-status") == Some(1);
            check.hint_unless(!bad, || "link-status is bad: the cable or dock cannot carry the mode".to_owned())
        }
        (Connection::Connected, None) => Check::of(name, false, format!("connected, but it lists no mode{said}"))
            .hint("its EDID cannot be read: check the cable"),
        (Connection::Disconnected, _) => Check::maybe(name, false, "nothing plugged in"),
        (Connection::Unknown, _) => {
            Check::maybe(name, false, "unknown: the hardware cannot tell, or nobody has looked yet")
        }
    }
}

fn described(edid: &Edid) -> String {
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
        Check::of("IN_FENCE_FD", with == all, format!("{with} of {all} planes")),
        Check::of("OUT_FENCE_PTR", out == inventory.crtcs.len(), format!("{out} of {} CRTCs", inventory.crtcs.len())),
        Check::of("syncobj timelines", sync.timeline, yes(sync.timeline)).hint_unless(sync.timeline, || {
            format!("{driver}: clients get implicit fences only, unless a render node has them")
        }),
        Check::of("syncobj eventfd", sync.eventfd, yes(sync.eventfd))
            .hint_unless(sync.eventfd, || since(&machine.kernel, Version(6, 6), "without timelines there is none")),
        Check::of("point ↔ sync_file", sync.one_call, if sync.one_call { "one call" } else { "two calls" })
            .hint_unless(sync.one_call, || since(&machine.kernel, Version(6, 16), "it works, at the cost of a call")),
        match sync.deadline {
            Some(true) => Check::of("fence deadlines", true, "yes"),
            Some(false) => Check::of("fence deadlines", false, "no").hint(since(
                &machine.kernel,
                Version(6, 4),
                "CONFIG_SYNC_FILE",
            )),
            None => Check::maybe("fence deadlines", false, "not asked: there is no timeline to ask"),
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
        Check::of("formats", !formats.is_empty(), format!("{} ({})", formats.len(), kinds.join(", "))),
        Check::maybe("modifiers", explicit, if explicit { shown } else { "none: linear buffers only".to_owned() }),
        Check::of("dma-buf import", caps.prime_import, if caps.prime_import { "yes" } else { "no" }),
        Check::maybe(
            "plane features",
            !features.is_empty(),
            if features.is_empty() { "none".to_owned() } else { features.join(", ") },
        ),
        Check::maybe("cursor", there, if there { cursor } else { "no plane: drawn with the rest".to_owned() }),
    ]
}

fn flips(inventory: &Inventory, machine: &Machine) -> Vec<Check> {
    let caps = &inventory.caps;
    let count = |pairs: &[FormatModifiers]| usize::from(!pairs.is_empty());
    let told = inventory.planes.iter().map(|plane| count(&plane.formats_async)).sum::<usize>();
    let tearing = match (caps.atomic_async_flip, told) {
        (true, 0) => "atomic".to_owned(),
        (true, told) => format!("atomic; {told} planes say for which formats"),
        (false, _) if caps.async_flip => "legacy page flips only".to_owned(),
        (false, _) => "none".to_owned(),
    };
    let tearing = Check::maybe("tearing flips", caps.atomic_async_flip, tearing);
    let vrr = inventory.crtcs.iter().any(|crtc| crtc.props.get("VRR_ENABLED").is_some());
    let able = inventory.connectors.iter().filter(|connector| connector.props.value("vrr_capable") == Some(1));
    let able: Vec<&str> = able.map(|connector| connector.name.as_str()).collect();
    let vrr = match (vrr, able.is_empty()) {
        (false, _) => Check::maybe("variable refresh", false, "the driver has none"),
        (true, true) => {
            let check = Check::maybe("variable refresh", false, "no display that can");
            let tells = inventory.connectors.iter().any(|connector| connector.props.get("vrr_capable").is_some());
            check.hint_unless(!tells, || {
                "some displays offer it only after it was turned on in their own menu".to_owned()
            })
        }
        (true, false) => Check::of("variable refresh", true, able.join(", ")),
    };
    vec![
        Check::of(
            "flip events",
            caps.crtc_in_event && caps.monotonic,
            match (caps.crtc_in_event, caps.monotonic) {
                (true, true) => "with CRTC and monotonic time",
                (false, _) => "without their CRTC",
                (_, false) => "with the time of day, which jumps",
            },
        ),
        if caps.atomic_async_flip || !caps.async_flip {
            tearing
        } else {
            tearing.hint(since(&machine.kernel, Version(6, 8), "the driver has not moved to atomic ones"))
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
    let pipelines = Check::maybe(
        "plane colour pipeline",
        planes > 0,
        match planes {
            0 => "none".to_owned(),
            _ => format!("{planes} of {} planes", inventory.planes.len()),
        },
    );
    let has = |name: &str| inventory.planes.iter().filter(|plane| plane.props.get(name).is_some()).count();
    let yuv = (has("COLOR_ENCODING"), has("COLOR_RANGE"));
    let lit = inventory.connectors.iter().filter(|connector| !connector.writeback);
    let connectors: Vec<&Connector> = lit.collect();
    let on = |name: &str| connectors.iter().filter(|connector| connector.props.get(name).is_some()).count();
    let signals: Vec<String> = ["max bpc", "Colorspace", "Broadcast RGB", "content type"]
        .into_iter()
        .filter(|name| on(name) > 0)
        .map(str::to_owned)
        .collect();
    let deep = |props: &PropertyTable| props.get("HDR_OUTPUT_METADATA").is_some();
    let able: Vec<String> = connectors
        .iter()
        .filter(|connector| deep(&connector.props))
        .filter_map(|connector| {
            let hdr = connector.edid.as_ref()?.hdr.filter(|hdr| hdr.pq || hdr.hlg)?;
            let nits = hdr.max_nits.map_or_else(String::new, |nits| format!(", {nits} cd/m²"));
            let curves = [(hdr.pq, "PQ"), (hdr.hlg, "HLG")];
            let curves: Vec<&str> = curves.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
            Some(format!("{} ({}{nits})", connector.name, curves.join(", ")))
        })
        .collect();
    let hdr = match (on("HDR_OUTPUT_METADATA"), able.is_empty()) {
        (0, _) => Check::maybe("HDR", false, "the driver sends no metadata"),
        (_, true) => Check::maybe("HDR", false, "no display that takes it"),
        _ => Check::of("HDR", true, able.join("; ")),
    };
    vec![
        Check::maybe("CRTC colour", !pipeline.is_empty(), list(pipeline)),
        if planes > 0 {
            pipelines
        } else {
            let hint = since(&machine.kernel, Version(6, 19), "");
            if hint.is_empty() { pipelines } else { pipelines.hint(hint) }
        },
        Check::maybe(
            "YUV encoding, range",
            yuv.0 > 0 && yuv.1 > 0,
            match yuv {
                (0, 0) => "none".to_owned(),
                (encoding, range) => format!("{encoding} and {range} of {} planes", inventory.planes.len()),
            },
        ),
        Check::maybe("signal", !signals.is_empty(), list(signals)),
        hdr,
    ]
}

fn proof(card: &Card, inventory: &Inventory, machine: &Machine) -> Vec<Check> {
    let with: Vec<_> = card.crc.iter().filter(|crc| !crc.sources.is_empty()).collect();
    let crc = match (with.first(), card.crc.iter().find_map(|crc| crc.error.clone())) {
        (Some(first), _) => {
            let (some, all) = (with.len(), card.crc.len());
            Check::of("display CRCs", true, format!("{some} of {all} CRTCs: {}", first.sources.join(", ")))
        }
        (None, Some(why)) if why.contains("offers none") => {
            Check::maybe("display CRCs", false, "the driver offers none")
        }
        (None, Some(why)) => Check::of("display CRCs", false, why),
        (None, None) => Check::maybe("display CRCs", false, "no CRTC to ask"),
    };
    let writebacks = inventory.connectors.iter().filter(|connector| connector.writeback).count();
    let writeback = Check::maybe(
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

/// Adapters that belong to connectors of this card.
fn cec(card: &Card, inventory: &Inventory, machine: &Machine) -> Check {
    let number = card.path.to_str().and_then(|path| path.strip_prefix("/dev/dri/card")?.parse::<u32>().ok());
    let of = |connector: &Connector| {
        let wanted = (number?, connector.id);
        let info = machine.cec.iter().filter_map(|cec| cec.info.as_ref());
        let found = info.into_iter().find(|i| i.connector.is_some_and(|c| (c.card, c.connector) == wanted))?;
        Some(format!("{}: {}", connector.name, found.path.display()))
    };
    let found: Vec<String> = inventory.connectors.iter().filter_map(of).collect();
    match (found.is_empty(), machine.cec.iter().any(|cec| cec.access == Access::Denied)) {
        (false, _) => Check::of("CEC", true, found.join(", ")),
        (true, true) => Check::of("CEC", false, "adapters are there, but not for this user")
            .hint("join the group `video`, then log in again"),
        (true, false) => Check::maybe("CEC", false, "no adapter belongs to its connectors"),
    }
}
