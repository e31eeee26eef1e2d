//! Optional properties: refused where they are missing, sent where they change, rolled back with
//! their frame.

use std::sync::Arc;

use super::*;
use crate::colour::{Ctm, Eotf, HdrMetadata, HdrStatic, Lut};
use crate::id::{ColorOpId, ConnectorId};
use crate::pipeline::{ColorOp, ColorPipeline, OpState, PipelineError};
use crate::property::{EnumValue, Property, PropertyKind, PropertyTable};
use crate::property_values::Curve;
use crate::scripted::add_colour;
use crate::{BroadcastRgb, ColorEncoding, ColorRange, Colorspace, ContentType, PlaneOptions, Rotation, ScalingFilter};

const CONNECTOR: ConnectorId = ids::CONNECTOR;

/// A lit output with every optional property.
fn rich() -> Bench {
    let kernel = Scripted::new().unwrap();
    let mut inventory = Stock::default().inventory();
    add_colour(&mut inventory);
    let output = Output::new(&kernel.device(), &inventory, CONNECTOR, &Stock::mode()).unwrap();
    let mut bench = Bench { kernel, output };
    let mut frame = bench.output.modeset();
    frame.set(0, full(1));
    frame.commit(1).unwrap();
    bench.flip();
    bench
}

/// What one frame sends to `object`.
fn sent(bench: &mut Bench, object: impl Into<ObjectId>, change: impl FnOnce(&mut Frame<'_>)) -> Vec<(PropertyId, u64)> {
    let object = object.into();
    bench.kernel.take_log();
    let mut frame = bench.output.frame();
    change(&mut frame);
    frame.commit(7).unwrap();
    bench.flip();
    let of_object = |(owner, prop, value)| (owner == object && prop != ids::OUT_FENCE_PTR).then_some((prop, value));
    bench.kernel.take_log().remove(0).props.into_iter().filter_map(of_object).collect()
}

fn all_looks() -> [(&'static str, PlaneOptions); 6] {
    let plain = PlaneOptions::default();
    [
        ("rotation", PlaneOptions { rotation: Rotation::ROTATE_90.mirrored_x(), ..plain }),
        ("SCALING_FILTER", PlaneOptions { scaling_filter: Some(ScalingFilter::NearestNeighbor), ..plain }),
        ("COLOR_ENCODING", PlaneOptions { color_encoding: Some(ColorEncoding::Bt709), ..plain }),
        ("COLOR_RANGE", PlaneOptions { color_range: Some(ColorRange::Full), ..plain }),
        ("colorkey", PlaneOptions { color_key: Some(0xff00ff), ..plain }),
        ("HOTSPOT_X", PlaneOptions { hotspot: Some((3, -4)), ..plain }),
    ]
}

#[test]
fn a_plane_property_goes_out_once() {
    let expected: [&[(PropertyId, u64)]; 6] = [
        &[(ids::ROTATION, 0x12)],
        &[(ids::SCALING_FILTER, 1)],
        &[(ids::COLOR_ENCODING, 1)],
        &[(ids::COLOR_RANGE, 1)],
        &[(ids::COLORKEY, 0x01ff_00ff)],
        &[(ids::HOTSPOT_X, 3), (ids::HOTSPOT_Y, -4i64 as u64)],
    ];
    for ((name, options), expected) in all_looks().into_iter().zip(expected) {
        let mut bench = rich();
        let state = PlaneState { options, ..full(1) };
        let mut show = || {
            sent(&mut bench, PRIMARY, |frame| {
                frame.set(0, state);
            })
        };
        assert_eq!(show(), expected, "{name}");
        assert_eq!(show(), [], "{name} has not changed");
    }
}

#[test]
fn what_says_nothing_leaves_a_matrix_but_undoes_a_key() {
    let mut bench = rich();
    let bt709 =
        PlaneOptions { color_encoding: Some(ColorEncoding::Bt709), color_key: Some(5), ..PlaneOptions::default() };
    let mut show = |options| {
        sent(&mut bench, PRIMARY, |frame| {
            frame.set(0, PlaneState { options, ..full(1) });
        })
    };
    assert_eq!(show(bt709).len(), 2);
    assert_eq!(show(PlaneOptions::default()), [(ids::COLORKEY, 0)]);
    assert_eq!(show(PlaneOptions { color_key: None, ..bt709 }), [], "it is BT.709 still");
}

#[test]
fn a_plane_that_is_turned_on_is_upright() {
    let mut bench = rich();
    let options = PlaneOptions { rotation: Rotation::ROTATE_180, ..PlaneOptions::default() };
    sent(&mut bench, ids::plane(1), |frame| {
        frame.set(1, PlaneState { options, ..full(3) });
    });
    sent(&mut bench, ids::plane(1), |frame| {
        frame.clear(1);
    });
    let on = sent(&mut bench, ids::plane(1), |frame| {
        frame.set(1, full(3));
    });
    assert!(on.contains(&(ids::ROTATION, 1)), "{on:?}");
}

#[test]
fn a_plane_without_the_property_refuses_by_name() {
    for (name, options) in all_looks() {
        let mut bench = Bench::new(Stock { rich: false, ..Stock::default() });
        let mut frame = bench.output.modeset();
        frame.set(0, PlaneState { options, ..full(1) });
        let error = frame.test().unwrap_err();
        assert_eq!((error.step, error.errno), (Step::Prepare, Errno::INVAL));
        assert!(error.detail.starts_with("plane 0 (object 30): ") && error.detail.contains(name), "{}", error.detail);
        assert!(bench.kernel.take_log().is_empty(), "the kernel was not asked");
    }
    // Values that only some planes have.
    let wrong = [
        PlaneOptions { color_encoding: Some(ColorEncoding::Bt2020), ..PlaneOptions::default() },
        PlaneOptions { color_key: Some(0x100_0000), ..PlaneOptions::default() },
    ];
    for options in wrong {
        let mut bench = rich();
        let mut frame = bench.output.frame();
        frame.set(0, PlaneState { options, ..full(1) });
        assert_eq!(frame.test().unwrap_err().step, Step::Prepare, "{options:?}");
    }
}

#[test]
fn rotations_are_one_turn_with_reflections() {
    let table = [(0, false), (1, true), (3, false), (0x12, true), (0x30, false), (0x38, true), (0x41, false)];
    for (bits, good) in table {
        assert_eq!(Rotation::from_bits(bits).map(Rotation::bits), good.then_some(bits), "{bits:#x}");
    }
    assert!(Rotation::ROTATE_270.mirrored_y().swaps_axes() && !Rotation::ROTATE_180.mirrored_x().swaps_axes());
}

fn head(device: &crate::Device) -> (CrtcState, ConnectorState) {
    let lut = |entries: usize| Some(Arc::new(Lut::new(device, &vec![[0; 3]; entries]).unwrap()));
    let ctm = Ctm::new(device, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).unwrap();
    let (primaries, white) = ([(0, 0); 3], (0, 0));
    let hdr =
        HdrStatic { eotf: Eotf::Pq, primaries, white, max_mastering: 0, min_mastering: 0, max_cll: 0, max_fall: 0 };
    let crtc = CrtcState { degamma: lut(9), ctm: Some(Arc::new(ctm)), gamma: lut(4), background: [1, 2, 0xffff] };
    let connector = ConnectorState {
        max_bpc: Some(10),
        content_type: Some(ContentType::Game),
        colorspace: Some(Colorspace::Bt2020Rgb),
        hdr: Some(Arc::new(HdrMetadata::new(device, &hdr).unwrap())),
        broadcast_rgb: Some(BroadcastRgb::Limited),
    };
    (crtc, connector)
}

#[test]
fn crtc_and_connector_are_sent_where_they_change() {
    let mut bench = rich();
    let (crtc, connector) = head(bench.output.device());
    let background = 0xffff_0001_0002_ffff;
    let lut = |lut: &Option<Arc<Lut>>| lut.as_ref().unwrap().id().value();
    let ctm = crtc.ctm.as_ref().unwrap().id().value();
    let values = [lut(&crtc.degamma), ctm, lut(&crtc.gamma), background];
    let props = [ids::DEGAMMA_LUT, ids::CTM, ids::GAMMA_LUT, ids::BACKGROUND_COLOR];
    let expected: Vec<_> = props.into_iter().zip(values).collect();
    let give = crtc.clone();
    assert_eq!(sent(&mut bench, CRTC, |frame| _ = frame.crtc(give)), expected);
    let give = crtc.clone();
    assert_eq!(sent(&mut bench, CRTC, |frame| _ = frame.crtc(give)), []);
    assert_eq!(sent(&mut bench, CRTC, |_| ()), [], "a frame that says nothing changes nothing");
    let give = CrtcState { gamma: None, ..crtc.clone() };
    assert_eq!(sent(&mut bench, CRTC, |frame| _ = frame.crtc(give)), [(ids::GAMMA_LUT, 0)]);

    let hdr = connector.hdr.as_ref().unwrap().id().value();
    let expected = [
        (ids::MAX_BPC, 10),
        (ids::CONTENT_TYPE, 4),
        (ids::COLORSPACE, 9),
        (ids::HDR_OUTPUT_METADATA, hdr),
        (ids::BROADCAST_RGB, 2),
    ];
    let give = connector.clone();
    assert_eq!(sent(&mut bench, CONNECTOR, |frame| _ = frame.connector(give)), expected);
    let give = ConnectorState { content_type: None, max_bpc: None, ..connector };
    assert_eq!(sent(&mut bench, CONNECTOR, |frame| _ = frame.connector(give)), [(ids::CONTENT_TYPE, 0)]);
}

#[test]
fn a_modeset_sends_them_again_and_undoes_what_others_left() {
    let mut bench = rich();
    let (crtc, _) = head(bench.output.device());
    let gamma = crtc.gamma.as_ref().unwrap().id().value();
    sent(&mut bench, CRTC, |frame| _ = frame.crtc(crtc));
    bench.output.reset();
    let mut frame = bench.output.modeset();
    frame.set(0, full(1));
    frame.commit(9).unwrap();
    let log = bench.kernel.take_log().remove(0);
    assert_eq!(log.value(CRTC, ids::GAMMA_LUT), Some(gamma));
    assert_eq!(log.value(CONNECTOR, ids::MAX_BPC), None, "nothing was asked of it");
    let others = [ids::CONTENT_TYPE, ids::COLORSPACE, ids::HDR_OUTPUT_METADATA, ids::BROADCAST_RGB];
    let defaults = others.map(|prop| log.value(CONNECTOR, prop));
    assert_eq!(defaults, [Some(0); 4], "what another program set is undone");
}

#[test]
fn a_refused_frame_leaves_them_as_they_were() {
    let mut bench = rich();
    let (crtc, connector) = head(bench.output.device());
    bench.kernel.fail(Call::Commit, Errno::INVAL);
    let mut frame = bench.output.frame();
    frame.crtc(crtc).connector(connector);
    assert_eq!(frame.commit(2).unwrap_err().step, Step::Commit);
    assert!(bench.output.crtc_state().gamma.is_none() && bench.output.connector_state().max_bpc.is_none());
    assert_eq!(sent(&mut bench, CRTC, |_| ()), []);
    assert_eq!(bench.kernel.blobs(), 1, "their blobs are gone, the mode's is not");
}

#[test]
fn an_output_without_them_refuses_by_name() {
    let mut bench = Bench::lit();
    let (crtc, connector) = head(bench.output.device());
    let crtcs = [
        ("crtc 20: no property DEGAMMA_LUT", CrtcState { degamma: crtc.degamma.clone(), ..CrtcState::default() }),
        ("crtc 20: no property CTM", CrtcState { ctm: crtc.ctm.clone(), ..CrtcState::default() }),
        ("crtc 20: no property GAMMA_LUT", CrtcState { gamma: crtc.gamma.clone(), ..CrtcState::default() }),
        ("crtc 20: no property BACKGROUND_COLOR", CrtcState { background: [0, 0, 1], ..CrtcState::default() }),
    ];
    let none = ConnectorState::default();
    let connectors = [
        ("connector 10: no property max bpc", ConnectorState { max_bpc: Some(8), ..none.clone() }),
        (
            "connector 10: content type: not offered",
            ConnectorState { content_type: connector.content_type, ..none.clone() },
        ),
        ("connector 10: Colorspace: not offered", ConnectorState { colorspace: connector.colorspace, ..none.clone() }),
        (
            "connector 10: no property HDR_OUTPUT_METADATA",
            ConnectorState { hdr: connector.hdr.clone(), ..none.clone() },
        ),
        ("connector 10: Broadcast RGB: not offered", ConnectorState { broadcast_rgb: connector.broadcast_rgb, ..none }),
    ];
    let check = |error: CommitError, detail| {
        assert_eq!((error.step, error.errno, error.detail.as_str()), (Step::Prepare, Errno::INVAL, detail));
    };
    for (detail, state) in crtcs {
        check(bench.output.frame().crtc(state).test().unwrap_err(), detail);
    }
    for (detail, state) in connectors {
        check(bench.output.frame().connector(state).test().unwrap_err(), detail);
    }
    // Defaults need no property.
    let default = ConnectorState { content_type: Some(ContentType::NoData), ..ConnectorState::default() };
    bench.output.frame().connector(default).test().unwrap();
    let mut bench = rich();
    let short = CrtcState { gamma: Some(Arc::new(Lut::new(bench.output.device(), &[[0; 3]]).unwrap())), ..crtc };
    check(bench.output.frame().crtc(short).test().unwrap_err(), "crtc 20: GAMMA_LUT: not of GAMMA_LUT_SIZE entries");
    let deep = ConnectorState { max_bpc: Some(16), ..ConnectorState::default() };
    check(bench.output.frame().connector(deep).test().unwrap_err(), "connector 10: max bpc: out of range");
}

/// The operations of the pipeline.
const CURVE: ColorOpId = ColorOpId::from_raw(400);
const MATRIX: ColorOpId = ColorOpId::from_raw(401);
/// And their properties.
const TYPE: PropertyId = PropertyId::from_raw(500);
const BYPASS: PropertyId = PropertyId::from_raw(501);
const CURVE_1D_TYPE: PropertyId = PropertyId::from_raw(502);
const DATA: PropertyId = PropertyId::from_raw(503);

/// A plane with a curve and a matrix.
fn with_pipeline() -> Bench {
    let property = |id, value, kind| Property { id, value, immutable: false, atomic: true, kind };
    let named = |names: &[&str]| {
        PropertyKind::Enum(
            names.iter().zip(0..).map(|(name, value)| EnumValue { value, name: (*name).to_owned() }).collect(),
        )
    };
    let kinds = named(&["1D Curve", "1D LUT", "3x4 Matrix"]);
    let op = |id, kind, name: &str, own| {
        let table = [
            ("TYPE".to_owned(), property(TYPE, kind, kinds.clone())),
            ("BYPASS".to_owned(), property(BYPASS, 1, PropertyKind::Range { min: 0, max: 1 })),
            (name.to_owned(), own),
        ];
        ColorOp { id, props: PropertyTable(table.into()) }
    };
    let curves = named(&["sRGB EOTF", "sRGB Inverse EOTF"]);
    let ops = vec![
        op(CURVE, 0, "CURVE_1D_TYPE", property(CURVE_1D_TYPE, 0, curves)),
        op(MATRIX, 2, "DATA", property(DATA, 0, PropertyKind::Blob)),
    ];
    let kernel = Scripted::new().unwrap();
    let mut inventory = Stock::default().inventory();
    let plane = &mut inventory.planes[0];
    plane.pipelines.push(ColorPipeline { name: "Color Pipeline 400".to_owned(), ops });
    let choice = PropertyKind::Enum(vec![EnumValue { value: CURVE.value(), name: "Color Pipeline 400".to_owned() }]);
    plane.props.0.insert("COLOR_PIPELINE".to_owned(), property(ids::COLOR_PIPELINE, 0, choice));
    let output = Output::new(&kernel.device(), &inventory, CONNECTOR, &Stock::mode()).unwrap();
    let mut bench = Bench { kernel, output };
    let mut frame = bench.output.modeset();
    frame.set(0, full(1));
    frame.commit(1).unwrap();
    bench.flip();
    bench
}

#[test]
fn a_pipeline_is_sent_once_and_taken_off() {
    let mut bench = with_pipeline();
    let states = [OpState::Curve(Curve::SrgbInverseEotf), OpState::Bypass];
    let pipeline = bench.output.planes()[0].pipeline(0, &states).unwrap();
    let state = PlaneState { pipeline: Some(&pipeline), ..full(1) };
    bench.kernel.take_log();
    for (number, state) in [(2, state), (3, state), (4, full(1))] {
        let mut frame = bench.output.frame();
        frame.set(0, state);
        frame.commit(number).unwrap();
        bench.flip();
    }
    let fence = asked(CRTC, ids::OUT_FENCE_PTR, 0);
    let on = [
        fence,
        asked(PRIMARY, ids::COLOR_PIPELINE, CURVE.value()),
        asked(CURVE, CURVE_1D_TYPE, 1),
        asked(CURVE, BYPASS, 0),
        asked(MATRIX, BYPASS, 1),
    ];
    let log = bench.kernel.take_log();
    assert_eq!((log[0].props.as_slice(), log[1].props.as_slice()), (&on[..], &[fence][..]));
    assert_eq!(log[2].props, [fence, asked(PRIMARY, ids::COLOR_PIPELINE, 0)]);
}

#[test]
fn a_pipeline_is_only_what_its_operations_can() {
    let mut bench = with_pipeline();
    let planes = bench.output.planes();
    let wrong = |states: &[OpState]| planes[0].pipeline(0, states).unwrap_err().to_string();
    assert_eq!(wrong(&[OpState::Bypass]), "plane 30: 1 states for the 2 operations of its COLOR_PIPELINE");
    let pq = [OpState::Curve(Curve::Pq125Eotf), OpState::Bypass];
    assert_eq!(wrong(&pq), "colorop 400 (1D Curve): CURVE_1D_TYPE: no such curve");
    let swapped = [OpState::Bypass, OpState::Curve(Curve::SrgbEotf)];
    assert_eq!(wrong(&swapped), "colorop 401 (3x4 Matrix): TYPE: another one than the state is for");
    let none = planes[1].pipeline(0, &[]).unwrap_err();
    assert_eq!(none, PipelineError::NoPipeline { plane: ids::plane(1), index: 0, has: 0 });
    let good = planes[0].pipeline(0, &[OpState::Bypass, OpState::Bypass]).unwrap();
    let mut frame = bench.output.frame();
    frame.set(1, PlaneState { pipeline: Some(&good), ..full(1) });
    let error = frame.test().unwrap_err();
    assert_eq!(error.detail, "plane 1 (object 31): COLOR_PIPELINE: of another plane");
}
