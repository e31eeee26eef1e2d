//! What another program has left on a card, and how it goes away: with the modeset that lights our own
//! outputs.
//!
//! Whoever had the card before (a console, the session of another terminal) may have driven our
//! connectors by other CRTCs, and others by ours. A modeset that only sets our own routing is then
//! refused, because a CRTC may not lose its last connector and stay on; and planes that are not ours
//! stay over the picture. Everything that no output of the device uses is turned off, too.
//!
//! Not all of it can go in one request. The kernel takes no plane from one CRTC to another without
//! its being off in between (`plane_switching_crtc`), and promises no event for a CRTC that is off and
//! stays off (`drm_atomic_crtc_check`). What has to go before is a request of its own.
//!
//! Never touches what another output of the device uses, unless it stands in the way.

use rustix::io::Errno;

use super::Leftover;
use crate::id::{ConnectorId, CrtcId, ObjectId, PlaneId};
use crate::inventory::{Crtc, Inventory, PlaneInfo};
use crate::kernel::{ALLOW_MODESET, NONBLOCK};
use crate::property::PropertyTable;
use crate::request::Request;
use crate::{Device, Output};

/// An output that is being lit.
#[derive(Debug, Clone)]
pub(super) struct Lit {
    pub(super) connector: ConnectorId,
    pub(super) crtc: CrtcId,
    /// Its planes; the first one is the primary, which shows the first image.
    pub(super) planes: Vec<PlaneId>,
}

/// What is not to be turned off although this commit does not light it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) connectors: Vec<ConnectorId>,
    /// Also what is on these: a commit that touches it waits for their flips.
    pub(super) crtcs: Vec<CrtcId>,
    pub(super) planes: Vec<PlaneId>,
}

impl Kept {
    /// Everything: only what stands in the way goes.
    pub(super) fn all(inventory: &Inventory) -> Self {
        Self {
            connectors: inventory.connectors.iter().map(|connector| connector.id).collect(),
            crtcs: inventory.crtcs.iter().map(|crtc| crtc.id).collect(),
            planes: inventory.planes.iter().map(|plane| plane.id).collect(),
        }
    }
}

/// What to turn off.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Undo {
    /// In a request of its own, before.
    pub(super) before: Vec<Leftover>,
    /// With the modeset.
    pub(super) with: Vec<Leftover>,
}

/// What has to be turned off for the outputs `lit` to be lit, and nothing else but `kept` to be on.
pub(super) fn undo(inventory: &Inventory, lit: &[Lit], kept: &Kept) -> Undo {
    let mut undo = Undo::default();
    let is_lit = |crtc: CrtcId| lit.iter().any(|output| output.crtc == crtc);
    let lit_connector = |id: ConnectorId| lit.iter().any(|output| output.connector == id);
    let goes = |id: ConnectorId, crtc: CrtcId| {
        let stray = !kept.connectors.contains(&id) && !kept.crtcs.contains(&crtc);
        !lit_connector(id) && (is_lit(crtc) || stray)
    };
    let stays_on = |crtc: CrtcId| {
        let mut on_it = inventory.connectors.iter().filter(|connector| connector.crtc() == Some(crtc));
        on_it.any(|connector| !lit_connector(connector.id) && !goes(connector.id, crtc))
    };
    let mode = |crtc: &Crtc| crtc.props.value("MODE_ID").is_some_and(|blob| blob != 0);
    let active = |crtc: &Crtc| crtc.props.value("ACTIVE").is_some_and(|active| active != 0);
    let off = |crtc: &&Crtc| !is_lit(crtc.id) && (mode(crtc) || active(crtc)) && !stays_on(crtc.id);
    let off: Vec<&Crtc> = inventory.crtcs.iter().filter(off).collect();
    // Dark already: no event may be asked for.
    let dark = |crtc: CrtcId| off.iter().any(|off| off.id == crtc && !active(off));
    for connector in &inventory.connectors {
        let Some(crtc) = connector.crtc() else { continue };
        if dark(crtc) {
            turn_off(&mut undo.before, connector.id, &connector.props, &["CRTC_ID"]);
        } else if goes(connector.id, crtc) {
            turn_off(&mut undo.with, connector.id, &connector.props, &["CRTC_ID"]);
        }
    }
    for crtc in &off {
        let list = if dark(crtc.id) { &mut undo.before } else { &mut undo.with };
        turn_off(list, crtc.id, &crtc.props, &["ACTIVE", "MODE_ID"]);
    }
    for plane in &inventory.planes {
        let Some(crtc) = plane.crtc() else { continue };
        let owner = lit.iter().find(|output| output.planes.contains(&plane.id));
        let switches = |output: &Lit| output.crtc != crtc && output.planes.first() == Some(&plane.id);
        if dark(crtc) || owner.is_some_and(switches) {
            plane_off(&mut undo.before, plane);
        } else if owner.is_none()
            && (is_lit(crtc)
                || off.iter().any(|off| off.id == crtc)
                || !kept.planes.contains(&plane.id) && !kept.crtcs.contains(&crtc))
        {
            plane_off(&mut undo.with, plane);
        }
    }
    undo
}

fn plane_off(list: &mut Vec<Leftover>, plane: &PlaneInfo) {
    turn_off(list, plane.id, &plane.props, &["FB_ID", "CRTC_ID"]);
}

fn turn_off(list: &mut Vec<Leftover>, object: impl Into<ObjectId>, table: &PropertyTable, props: &[&str]) {
    let object = object.into();
    let props = props.iter().filter_map(|name| table.get(name));
    list.extend(props.map(|prop| Leftover { object, prop: prop.id, value: 0 }));
}

impl Device {
    /// Prepares modesets of outputs of this device, which are committed together or, if there is one,
    /// alone: with them goes everything that another program has left on. `inventory` must be fresh
    /// ([`Inventory::refresh_state`]). What cannot go with a modeset is turned off here, without
    /// blocking: where that was on, the modeset may be EBUSY until the next vblank.
    ///
    /// Errors: what the kernel said to that. The modesets may then be refused.
    pub fn undo_others<'a, P: 'a>(
        &self,
        inventory: &Inventory,
        outputs: impl IntoIterator<Item = &'a mut Output<P>>,
    ) -> Result<(), Errno> {
        let mut outputs: Vec<&mut Output<P>> = outputs.into_iter().collect();
        let lit: Vec<Lit> = outputs.iter().map(|output| output.lit()).collect();
        let undo = {
            let claims = self.claims();
            let others = claims.crtcs.iter().filter(|crtc| !lit.iter().any(|lit| lit.crtc == **crtc));
            let kept = Kept {
                connectors: claims.connectors.clone(),
                crtcs: others.copied().collect(),
                planes: claims.planes.clone(),
            };
            undo(inventory, &lit, &kept)
        };
        outputs.iter_mut().for_each(|output| output.leftovers.clear());
        if let Some(first) = outputs.first_mut() {
            first.leftovers = undo.with;
        }
        if undo.before.is_empty() {
            return Ok(());
        }
        let mut request = Request::default();
        for leftover in &undo.before {
            request.object(leftover.object);
            request.set(leftover.prop, leftover.value);
        }
        request.finish();
        self.kernel().atomic(&mut request, ALLOW_MODESET | NONBLOCK, 0)
    }
}

impl<P> Output<P> {
    fn lit(&self) -> Lit {
        let planes = self.planes.iter().map(|plane| plane.id).collect();
        Lit { connector: self.connector, crtc: self.crtc, planes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::CrtcIndex;
    use crate::scripted::{Stock, ids};

    fn crtc(at: u32) -> CrtcId {
        ids::crtc(CrtcIndex::from_raw(at))
    }

    /// Planes of two outputs: primaries 0 and 1, overlays 2 and 3, cursors 4 and 5.
    fn lit(at: u32) -> Lit {
        let planes = [0, 4].map(|first| ids::plane(first + at)).to_vec();
        Lit { connector: ids::connector(at), crtc: crtc(at), planes }
    }

    fn inventory(values: &[(ObjectId, crate::PropertyId, u64)]) -> Inventory {
        let mut inventory = Stock { outputs: 2, ..Stock::default() }.inventory();
        inventory.set_values(|object, prop| {
            values.iter().find(|(o, p, _)| (*o, *p) == (object, prop)).map(|(_, _, value)| *value)
        });
        inventory
    }

    /// Connector `at` driven by CRTC `by`, which is on or (DPMS) off.
    fn route(at: u32, by: u32, active: bool) -> [(ObjectId, crate::PropertyId, u64); 3] {
        [
            (ids::connector(at).into(), ids::CRTC_ID, crtc(by).value()),
            (crtc(by).into(), ids::MODE_ID, 7),
            (crtc(by).into(), ids::ACTIVE, active.into()),
        ]
    }

    fn plane(at: u32, on: u32) -> [(ObjectId, crate::PropertyId, u64); 2] {
        let plane = ids::plane(at).into();
        [(plane, ids::FB_ID, 9), (plane, ids::CRTC_ID, crtc(on).value())]
    }

    fn off(object: impl Into<ObjectId>, props: &[crate::PropertyId]) -> Vec<Leftover> {
        let object = object.into();
        props.iter().map(|prop| Leftover { object, prop: *prop, value: 0 }).collect()
    }

    fn connector_off(at: u32) -> Vec<Leftover> {
        off(ids::connector(at), &[ids::CRTC_ID])
    }

    fn crtc_off(at: u32) -> Vec<Leftover> {
        off(crtc(at), &[ids::ACTIVE, ids::MODE_ID])
    }

    fn plane_is_off(at: u32) -> Vec<Leftover> {
        off(ids::plane(at), &[ids::FB_ID, ids::CRTC_ID])
    }

    #[test]
    fn what_others_have_left_is_turned_off() {
        let none = Kept::default;
        let second = || Kept {
            connectors: vec![ids::connector(1)],
            crtcs: vec![crtc(1)],
            planes: vec![ids::plane(1), ids::plane(5)],
        };
        let none_before = Vec::new;
        type Row =
            (&'static str, Vec<(ObjectId, crate::PropertyId, u64)>, Vec<Lit>, Kept, Vec<Leftover>, Vec<Leftover>);
        let table: Vec<Row> = vec![
            ("nothing is on", vec![], vec![lit(0)], none(), none_before(), vec![]),
            (
                "our own routing",
                [&route(0, 0, true)[..], &plane(0, 0), &plane(4, 0)].concat(),
                vec![lit(0)],
                none(),
                none_before(),
                vec![],
            ),
            (
                "a display that nobody wants",
                [&route(1, 1, true)[..], &plane(1, 1)].concat(),
                vec![lit(0)],
                none(),
                none_before(),
                [connector_off(1), crtc_off(1), plane_is_off(1)].concat(),
            ),
            (
                "one of our own others stays",
                [&route(1, 1, true)[..], &plane(1, 1)].concat(),
                vec![lit(0)],
                second(),
                none_before(),
                vec![],
            ),
            (
                "what is on the CRTC of another of ours is left to that",
                [&route(1, 1, true)[..], &plane(3, 1)].concat(),
                vec![lit(0)],
                second(),
                none_before(),
                vec![],
            ),
            (
                "our connector on another CRTC",
                route(0, 1, true).to_vec(),
                vec![lit(0)],
                none(),
                none_before(),
                crtc_off(1),
            ),
            (
                "both connectors on the wrong CRTC, lit together",
                [route(0, 1, true), route(1, 0, true)].concat(),
                vec![lit(0), lit(1)],
                none(),
                none_before(),
                vec![],
            ),
            (
                "the same, lit alone",
                [route(0, 1, true), route(1, 0, true)].concat(),
                vec![lit(0)],
                second(),
                none_before(),
                [connector_off(1), crtc_off(1)].concat(),
            ),
            (
                "two connectors on our CRTC",
                [route(0, 0, true), route(1, 0, true)].concat(),
                vec![lit(0)],
                none(),
                none_before(),
                connector_off(1),
            ),
            (
                "an overlay that is not ours, over our picture",
                [&route(0, 0, true)[..], &plane(2, 0)].concat(),
                vec![lit(0)],
                none(),
                none_before(),
                plane_is_off(2),
            ),
            (
                "our cursor on the other CRTC goes off with the modeset itself",
                [&route(0, 0, true)[..], &plane(4, 1)].concat(),
                vec![lit(0)],
                none(),
                none_before(),
                vec![],
            ),
            (
                "our primary on the other CRTC has to be off before",
                [&route(0, 0, true)[..], &plane(0, 1)].concat(),
                vec![lit(0)],
                none(),
                plane_is_off(0),
                vec![],
            ),
            (
                "our connector on a CRTC that is dark",
                [&route(0, 1, false)[..], &plane(1, 1)].concat(),
                vec![lit(0)],
                none(),
                [connector_off(0), crtc_off(1), plane_is_off(1)].concat(),
                vec![],
            ),
        ];
        for (name, values, lit, kept, before, with) in table {
            assert_eq!(undo(&inventory(&values), &lit, &kept), Undo { before, with }, "{name}");
        }
    }

    #[test]
    fn what_only_stands_in_nobodys_way_stays_where_everything_is_kept() {
        let inventory = inventory(&[&route(1, 1, true)[..], &plane(1, 1)].concat());
        assert_eq!(undo(&inventory, &[lit(0)], &Kept::all(&inventory)), Undo::default());
    }
}
