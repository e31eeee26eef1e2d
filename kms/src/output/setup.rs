//! Chooses the CRTC and the planes of a new output. Reads the inventory only; asks the kernel for
//! nothing but the mode's blob.

use crate::blob::Blob;
use crate::damage::Clips;
use crate::head::Head;
use crate::id::{ConnectorId, CrtcId, CrtcIndex, PlaneId};
use crate::inventory::{Connector, Crtc, PlaneInfo};
use crate::props::{ConnectorProps, CrtcProps};
use crate::request::{Names, Request};
use crate::tracker::Tracker;
use crate::{Device, Inventory, Mode, Output, OutputError, OutputPlane, PlaneKind};

use super::MAX_PLANES;
use super::others::{Kept, Lit, Undo, undo};

/// Properties that a frame sets on one plane at most.
const PROPS_PER_PLANE: usize = 26;
/// And on one operation of its colour pipeline.
const PROPS_PER_COLOROP: usize = 2;
/// And on the CRTC and the connector.
const PROPS_OF_HEAD: usize = 20;

impl Output {
    /// Sets an output up, without touching the screen: chooses a CRTC (that which drives the
    /// connector already, if it is free) and planes (a primary, a cursor, and its share of the
    /// overlays), and makes the mode's blob.
    ///
    /// `inventory` must be recent: what it says of the console's state decides what the first
    /// modeset turns off.
    pub fn new(
        device: &Device,
        inventory: &Inventory,
        connector: ConnectorId,
        mode: &Mode,
    ) -> Result<Self, OutputError> {
        Self::with_payload(device, inventory, connector, mode)
    }
}

impl<P> Output<P> {
    /// As [`Output::new`], for frames that hand over the owners of what they show
    /// ([`crate::Frame::show`]).
    pub fn with_payload(
        device: &Device,
        inventory: &Inventory,
        connector: ConnectorId,
        mode: &Mode,
    ) -> Result<Self, OutputError> {
        output(device, inventory, connector, mode, None)
    }

    /// The same on a CRTC that was chosen among several displays ([`crate::output::crtcs::choose`]).
    pub fn on_crtc(
        device: &Device,
        inventory: &Inventory,
        connector: ConnectorId,
        mode: &Mode,
        crtc: CrtcIndex,
    ) -> Result<Self, OutputError> {
        output(device, inventory, connector, mode, Some(crtc))
    }
}

fn output<P>(
    device: &Device,
    inventory: &Inventory,
    id: ConnectorId,
    mode: &Mode,
    on: Option<CrtcIndex>,
) -> Result<Output<P>, OutputError> {
    let connector = inventory.connector(id).ok_or(OutputError::NoConnector(id))?;
    let name = connector.name.clone();
    let mut claims = device.claims();
    let crtc = match on {
        Some(index) => inventory.crtcs.iter().find(|crtc| crtc.index == index && !claims.crtcs.contains(&crtc.id)),
        None => choose_crtc(inventory, connector, &claims.crtcs),
    };
    let crtc = crtc.ok_or_else(|| OutputError::NoCrtc(name.clone()))?;
    let chosen = choose_planes(inventory, crtc, &claims.planes).ok_or_else(|| OutputError::NoPrimary(name.clone()))?;
    let cursor = inventory.caps.cursor;
    let planes: Vec<_> = chosen.iter().map(|plane| OutputPlane::new(plane, cursor)).collect::<Result<_, _>>()?;
    let crtc_props = CrtcProps::resolve(crtc.id, &crtc.props)?;
    let connector_props = ConnectorProps::resolve(connector.id, &connector.props)?;
    let mode_blob = Blob::new(device, mode.blob())?;
    let lit = Lit { connector: id, crtc: crtc.id, planes: planes.iter().map(|plane| plane.id).collect() };
    let Undo { before, with } = undo(inventory, &[lit], &Kept::all(inventory));
    let leftovers = [before, with].concat();
    claims.connectors.push(id);
    claims.crtcs.push(crtc.id);
    claims.planes.extend(planes.iter().map(|plane| plane.id));
    drop(claims);

    let mut names = Names::default();
    names.object(connector.id, format!("connector {}", connector.id));
    names.object(crtc.id, format!("crtc {}", crtc.id));
    connector_props.names().for_each(|(id, name)| names.prop(id, name));
    crtc_props.names().for_each(|(id, name)| names.prop(id, name));
    for plane in &planes {
        names.object(plane.id, format!("plane {}", plane.id));
        plane.props.names().for_each(|(id, name)| names.prop(id, name));
        for op in plane.pipelines.iter().flat_map(|pipeline| &pipeline.ops) {
            names.object(op.id, format!("colorop {}", op.id));
            op.props.0.iter().for_each(|(name, property)| names.prop(property.id, name));
        }
    }
    let longest = |plane: &OutputPlane| plane.pipelines.iter().map(|pipeline| pipeline.ops.len()).max().unwrap_or(0);
    let colorops: usize = planes.iter().map(longest).sum();
    let props = planes.len() * PROPS_PER_PLANE + colorops * PROPS_PER_COLOROP + leftovers.len() + PROPS_OF_HEAD + 16;
    let request = Request::with_capacity(planes.len() + colorops + leftovers.len() + 4, props);
    Ok(Output {
        device: device.clone(),
        name,
        connector: connector.id,
        connector_props,
        crtc: crtc.id,
        crtc_index: crtc.index,
        crtc_props,
        tracker: Tracker::new(planes.len()),
        planes,
        mode: mode.clone(),
        mode_blob,
        request,
        names,
        leftovers,
        head: Head::default(),
        vrr: false,
        vrr_capable: connector.props.value("vrr_capable") == Some(1),
        writeback: None,
        clips: Clips::default(),
    })
}

/// The CRTC that drives the connector now, else the first possible one that no other connector
/// uses, else any free one.
fn choose_crtc<'a>(inventory: &'a Inventory, connector: &Connector, taken: &[CrtcId]) -> Option<&'a Crtc> {
    let free = |crtc: &&Crtc| connector.possible_crtcs & crtc.index.bit() != 0 && !taken.contains(&crtc.id);
    let idle = |crtc: &Crtc| inventory.connectors.iter().all(|other| other.crtc() != Some(crtc.id));
    let crtcs = || inventory.crtcs.iter().filter(free);
    let current = crtcs().find(|crtc| connector.crtc() == Some(crtc.id));
    current.or_else(|| crtcs().find(|crtc| idle(crtc))).or_else(|| crtcs().next())
}

/// A primary, this output's share of the overlays from the bottom up, and a cursor. `None` without
/// a primary.
fn choose_planes<'a>(inventory: &'a Inventory, crtc: &Crtc, taken: &[PlaneId]) -> Option<Vec<&'a PlaneInfo>> {
    let bit = crtc.index.bit();
    let usable: Vec<&PlaneInfo> =
        inventory.planes.iter().filter(|plane| plane.possible_crtcs & bit != 0 && !taken.contains(&plane.id)).collect();
    // Planes for this CRTC alone go first, then the one that it shows already, then those with the
    // fewest other uses.
    let best = |kind: PlaneKind| {
        let of_kind = usable.iter().filter(|plane| plane.kind == kind);
        of_kind
            .min_by_key(|plane| (plane.crtc() != Some(crtc.id), plane.possible_crtcs.count_ones(), plane.id))
            .copied()
    };
    let primary = best(PlaneKind::Primary)?;
    let cursor = best(PlaneKind::Cursor);
    let overlays = usable.iter().filter(|plane| plane.kind == PlaneKind::Overlay).copied();
    let (own, shared): (Vec<&PlaneInfo>, Vec<&PlaneInfo>) = overlays.partition(|plane| plane.possible_crtcs == bit);
    // Planes that several CRTCs could use are divided among the connectors that have a display.
    let all_shared = |plane: &&PlaneInfo| plane.kind == PlaneKind::Overlay && plane.possible_crtcs.count_ones() > 1;
    let outputs = inventory.connected().count().clamp(1, inventory.crtcs.len().max(1));
    let share = inventory.planes.iter().filter(all_shared).count().div_ceil(outputs);
    let mut layers: Vec<&PlaneInfo> = own.into_iter().chain(shared.into_iter().take(share)).collect();
    layers.sort_by_key(|plane| (plane.props.value("zpos"), plane.id));
    layers.truncate(MAX_PLANES - 2);
    Some(std::iter::once(primary).chain(layers).chain(cursor).collect())
}
