//! What goes, and when; and that a kernel takes it, whatever another program has done.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::PropertyId;
use crate::id::CrtcIndex;
use crate::scripted::{Stock, add_colour, ids};

fn crtc(at: u32) -> CrtcId {
    ids::crtc(CrtcIndex::from_raw(at))
}

/// Planes of two outputs: primaries 0 and 1, overlays 2 and 3, cursors 4 and 5.
fn lit(at: u32) -> Lit {
    let planes = [0, 4].map(|first| ids::plane(first + at)).to_vec();
    Lit { connector: ids::connector(at), crtc: crtc(at), planes }
}

fn inventory(values: &[(ObjectId, PropertyId, u64)]) -> Inventory {
    let mut inventory = Stock { outputs: 2, ..Stock::default() }.inventory();
    add_colour(&mut inventory);
    inventory.set_values(|object, prop| {
        values.iter().find(|(o, p, _)| (*o, *p) == (object, prop)).map(|(_, _, value)| *value)
    });
    inventory
}

/// Connector `at` driven by CRTC `by`, which is on or (DPMS) off.
fn route(at: u32, by: u32, active: bool) -> [(ObjectId, PropertyId, u64); 3] {
    [
        (ids::connector(at).into(), ids::CRTC_ID, crtc(by).value()),
        (crtc(by).into(), ids::MODE_ID, 7),
        (crtc(by).into(), ids::ACTIVE, active.into()),
    ]
}

fn plane(at: u32, on: u32) -> [(ObjectId, PropertyId, u64); 2] {
    let plane = ids::plane(at).into();
    [(plane, ids::FB_ID, 9), (plane, ids::CRTC_ID, crtc(on).value())]
}

fn off(object: impl Into<ObjectId>, props: &[PropertyId]) -> Vec<Leftover> {
    let object = object.into();
    props.iter().map(|prop| Leftover { object, prop: *prop, value: 0 }).collect()
}

fn connector_off(at: u32) -> Vec<Leftover> {
    off(ids::connector(at), &[ids::CRTC_ID])
}

fn crtc_off(at: u32) -> Vec<Leftover> {
    off(crtc(at), &[ids::ACTIVE, ids::MODE_ID, ids::DEGAMMA_LUT, ids::CTM, ids::GAMMA_LUT])
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
    type Row = (&'static str, Vec<(ObjectId, PropertyId, u64)>, Vec<Lit>, Kept, Vec<Leftover>, Vec<Leftover>);
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
        ("our connector on another CRTC", route(0, 1, true).to_vec(), vec![lit(0)], none(), none_before(), crtc_off(1)),
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
            [&route(0, 0, true)[..], &route(1, 1, true), &plane(4, 1)].concat(),
            vec![lit(0)],
            second(),
            none_before(),
            vec![],
        ),
        (
            "and before, where that is dark",
            [&route(0, 0, true)[..], &route(1, 1, false), &plane(4, 1)].concat(),
            vec![lit(0)],
            second(),
            plane_is_off(4),
            vec![],
        ),
        (
            "our primary on the other CRTC has to be off before",
            [&route(0, 0, true)[..], &route(1, 1, true), &plane(0, 1)].concat(),
            vec![lit(0)],
            second(),
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

/// The state of three displays, as a kernel has it: it judges requests as `drm_atomic_crtc_check`,
/// `plane_switching_crtc` and `drm_atomic_helper_check_modeset` do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Linux(BTreeMap<(ObjectId, PropertyId), u64>);

const DISPLAYS: u32 = 3;
/// Primaries 0 to 2, overlays 3 and 4, cursors 5 to 7.
const PLANES: u32 = 8;

impl Linux {
    fn value(&self, object: impl Into<ObjectId>, prop: PropertyId) -> u64 {
        self.0.get(&(object.into(), prop)).copied().unwrap_or(0)
    }

    fn inventory(&self) -> Inventory {
        let mut inventory = Stock { outputs: DISPLAYS, ..Stock::default() }.inventory();
        inventory.set_values(|object, prop| self.0.get(&(object, prop)).copied());
        inventory
    }

    /// Takes a request, or says why not. `event`: it asks for flip events.
    fn take(&mut self, request: &[Leftover], event: bool) -> Result<(), String> {
        let before = self.clone();
        let mut touched = BTreeSet::new();
        for Leftover { object, prop, value } in request {
            touched.extend([self.value(*object, ids::CRTC_ID), object.raw().into()]);
            self.0.insert((*object, *prop), *value);
            touched.insert(self.value(*object, ids::CRTC_ID));
        }
        for crtc in (0..DISPLAYS).map(crtc).filter(|crtc| touched.contains(&crtc.value())) {
            let [active, was_active] = [&*self, &before].map(|state| state.value(crtc, ids::ACTIVE) != 0);
            let enabled = self.value(crtc, ids::MODE_ID) != 0;
            let drives = |at| self.value(ids::connector(at), ids::CRTC_ID) == crtc.value();
            if enabled != (0..DISPLAYS).any(drives) {
                return Err(format!("{crtc}: enabled/connectors mismatch"));
            }
            if active && !enabled {
                return Err(format!("{crtc}: active without enabled"));
            }
            if event && !active && !was_active {
                return Err(format!("{crtc}: requesting event but off"));
            }
            let shows = |at| self.value(ids::plane(at), ids::CRTC_ID) == crtc.value();
            if !enabled && (0..PLANES).any(shows) {
                return Err(format!("{crtc}: a plane on a CRTC that is off"));
            }
        }
        for plane in (0..PLANES).map(ids::plane) {
            let [old, new] = [&before, &*self].map(|state| state.value(plane, ids::CRTC_ID));
            if old != 0 && new != 0 && old != new {
                return Err(format!("{plane}: switching CRTC directly"));
            }
            if (self.value(plane, ids::FB_ID) != 0) != (new != 0) {
                return Err(format!("{plane}: CRTC set but no FB, or the other way round"));
            }
        }
        Ok(())
    }

    /// Lights outputs together, as the session does.
    fn light(&mut self, lit: &[Lit], kept: &Kept) -> Result<(), String> {
        let Undo { before, mut with } = undo(&self.inventory(), lit, kept);
        self.take(&before, false).map_err(|error| format!("before: {error}"))?;
        for Lit { connector, crtc, planes } in lit {
            let mut set = |object: ObjectId, prop, value| with.push(Leftover { object, prop, value });
            set((*connector).into(), ids::CRTC_ID, crtc.value());
            set((*crtc).into(), ids::MODE_ID, 1);
            set((*crtc).into(), ids::ACTIVE, 1);
            for (at, plane) in planes.iter().enumerate() {
                set((*plane).into(), ids::FB_ID, if at == 0 { 9 } else { 0 });
                set((*plane).into(), ids::CRTC_ID, if at == 0 { crtc.value() } else { 0 });
            }
        }
        self.take(&with, true)
    }

    /// What is on, and by which CRTC.
    fn on(&self) -> Vec<(ObjectId, PropertyId, u64)> {
        let shown = [ids::CRTC_ID, ids::ACTIVE];
        let on = self.0.iter().filter(|((_, prop), value)| shown.contains(prop) && **value != 0);
        on.map(|((object, prop), value)| (*object, *prop, *value)).collect()
    }
}

/// The output of a display; each has its cursor, the first two an overlay.
fn ours(at: u32) -> Lit {
    let planes = [at, 3 + at, 5 + at].into_iter().filter(|plane| at < 2 || *plane != 3 + at);
    Lit { connector: ids::connector(at), crtc: crtc(at), planes: planes.map(ids::plane).collect() }
}

/// Any state that a kernel can be in: which CRTC drives each connector, which CRTCs are on, and on
/// which CRTC each plane is.
fn any_state() -> impl Strategy<Value = Linux> {
    let crtcs = || prop::option::of(0..DISPLAYS);
    let planes = prop::collection::vec(crtcs(), PLANES as usize);
    ([crtcs(), crtcs(), crtcs()], any::<[bool; 3]>(), planes).prop_map(|(routes, active, planes)| {
        let mut state = BTreeMap::new();
        for (at, by) in (0..).zip(routes) {
            let Some(by) = by else { continue };
            state.extend(route(at, by, active[by as usize]).map(|(object, prop, value)| ((object, prop), value)));
        }
        for (at, on) in (0..).zip(planes) {
            if let Some(on) = on.filter(|on| routes.contains(&Some(*on))) {
                state.extend(plane(at, on).map(|(object, prop, value)| ((object, prop), value)));
            }
        }
        Linux(state)
    })
}

proptest! {
    #[test]
    fn whatever_another_has_done_the_kernel_takes_our_modesets_and_nothing_else_is_on(
        state in any_state(), which in 1u32..8, together in any::<bool>()
    ) {
        let outputs: Vec<Lit> = (0..DISPLAYS).filter(|at| which & (1 << at) != 0).map(ours).collect();
        let mut linux = state;
        let steps = if together { vec![&outputs[..]] } else { outputs.chunks(1).collect() };
        for lit in steps {
            let others = outputs.iter().filter(|output| lit.iter().all(|lit| lit.crtc != output.crtc));
            let kept = Kept {
                connectors: outputs.iter().map(|output| output.connector).collect(),
                crtcs: others.map(|output| output.crtc).collect(),
                planes: outputs.iter().flat_map(|output| output.planes.clone()).collect(),
            };
            linux.light(lit, &kept).map_err(TestCaseError::fail)?;
        }
        let mut expected = Linux(BTreeMap::new());
        for at in (0..DISPLAYS).filter(|at| which & (1 << at) != 0) {
            expected.0.extend(route(at, at, true).map(|(object, prop, value)| ((object, prop), value)));
            expected.0.extend(plane(at, at).map(|(object, prop, value)| ((object, prop), value)));
        }
        prop_assert_eq!(linux.on(), expected.on());
    }
}
