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

/// A CRTC that is off keeps its tables for whoever lights it next, so they go, too.
const CRTC_OFF: [&str; 5] = ["ACTIVE", "MODE_ID", "DEGAMMA_LUT", "CTM", "GAMMA_LUT"];

/// What has to be turned off for the outputs `lit` to be lit, and nothing else but `kept` to be on.
pub(super) fn undo(inventory: &Inventory, lit: &[Lit], kept: &Kept) -> Undo {
    let mut undo = Undo::default();
    let of_connector = |id: ConnectorId| lit.iter().find(|output| output.connector == id);
    let is_lit = |crtc: CrtcId| lit.iter().any(|output| output.crtc == crtc);
    let is_active = |id: CrtcId| inventory.crtc(id).and_then(|crtc| crtc.props.value("ACTIVE")).unwrap_or(0) != 0;
    // It was off and stays so: a request that names it, or something that was on it, is promised no event.
    let is_silent = |crtc: CrtcId| !is_lit(crtc) && !is_active(crtc);
    let goes = |id: ConnectorId, crtc: CrtcId| {
        let stray = !kept.connectors.contains(&id) && !kept.crtcs.contains(&crtc);
        of_connector(id).is_none() && (is_lit(crtc) || stray)
    };
    let stays_on = |crtc: CrtcId| {
        let mut on_it = inventory.connectors.iter().filter(|connector| connector.crtc() == Some(crtc));
        on_it.any(|connector| of_connector(connector.id).is_none() && !goes(connector.id, crtc))
    };
    let has_mode = |crtc: &Crtc| crtc.props.value("MODE_ID").is_some_and(|blob| blob != 0);
    let is_off = |crtc: &&Crtc| !is_lit(crtc.id) && has_mode(crtc) && !stays_on(crtc.id);
    let off: Vec<&Crtc> = inventory.crtcs.iter().filter(is_off).collect();
    for connector in &inventory.connectors {
        let Some(crtc) = connector.crtc() else { continue };
        let moves = of_connector(connector.id).is_some_and(|output| output.crtc != crtc);
        if (moves || goes(connector.id, crtc)) && is_silent(crtc) {
            turn_off(&mut undo.before, connector.id, &connector.props, &["CRTC_ID"]);
        } else if goes(connector.id, crtc) {
            turn_off(&mut undo.with, connector.id, &connector.props, &["CRTC_ID"]);
        }
    }
    for crtc in &off {
        let list = if is_silent(crtc.id) { &mut undo.before } else { &mut undo.with };
        turn_off(list, crtc.id, &crtc.props, &CRTC_OFF);
    }
    for plane in &inventory.planes {
        let Some(crtc) = plane.crtc() else { continue };
        match lit.iter().find(|output| output.planes.contains(&plane.id)) {
            Some(output) if output.crtc == crtc => {}
            Some(output) => {
                // The modeset turns off those that it does not show.
                let is_shown = output.planes.first() == Some(&plane.id);
                if is_shown || is_silent(crtc) {
                    plane_off(&mut undo.before, plane);
                }
            }
            None => {
                let stray = !kept.planes.contains(&plane.id) && !kept.crtcs.contains(&crtc);
                if stray || is_lit(crtc) || off.iter().any(|off| off.id == crtc) {
                    plane_off(if is_silent(crtc) { &mut undo.before } else { &mut undo.with }, plane);
                }
            }
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
mod tests;
