//! Random scenes and planes: the stack of planes looks like the scene, by a painter's model on a
//! small grid.

use dmabuf_import::Fourcc;
use proptest::prelude::*;
use rustix::io::Errno;

use super::tests::plane;
use super::*;
use crate::{PlaneKind, Rect, SrcRect};

const SIDE: u32 = 12;

/// What one pixel is made of, top to bottom, down to what hides the rest; `None`: the background.
type Pixel = Vec<Option<usize>>;

fn covers(layer: &CandidateLayer, x: i32, y: i32) -> bool {
    layer.dst.intersection(&Rect::new(x, y, 1, 1)).is_some()
}

/// `of` top to bottom, at one pixel; true where the end is hidden.
fn paint(layers: &[CandidateLayer], of: impl Iterator<Item = usize>, x: i32, y: i32, pixel: &mut Pixel) -> bool {
    for at in of.filter(|&at| covers(&layers[at], x, y)) {
        pixel.push(Some(at));
        if layers[at].opaque && !layers[at].yields {
            return true;
        }
    }
    false
}

/// The order of the planes that are on, top to bottom, as the kernel has it.
fn stack(planes: &[PlaneCaps], found: &Assignment) -> Vec<usize> {
    let z = |at: usize| found.zpos(at).or(planes[at].zpos.map(|(min, _)| min)).unwrap_or(at as u64);
    let mut on: Vec<usize> = (0..planes.len()).filter(|&at| found.shows(at) != PlaneContent::Off).collect();
    on.sort_by_key(|&at| std::cmp::Reverse((z(at), at)));
    on
}

fn shown(planes: &[PlaneCaps], layers: &[CandidateLayer], found: &Assignment, x: i32, y: i32) -> Pixel {
    let mut pixel = Pixel::new();
    let composited = |at: &usize| found.placements()[*at] == LayerPlacement::Composited;
    for plane in stack(planes, found) {
        let hidden = match found.shows(plane) {
            PlaneContent::Off => false,
            PlaneContent::Layer(layer) => paint(layers, std::iter::once(layer), x, y, &mut pixel),
            PlaneContent::Composite => {
                // Of several planes below it, the topmost layer's hole is cut last.
                let below = (0..planes.len()).filter_map(|plane| match found.shows(plane) {
                    PlaneContent::Layer(layer) if found.is_below(plane) && covers(&layers[layer], x, y) => Some(layer),
                    _ => None,
                });
                let hole = below.min();
                let drawn = (0..layers.len()).filter(composited).filter(|at| hole.is_none_or(|hole| *at < hole));
                paint(layers, drawn, x, y, &mut pixel)
                    || hole.is_none() && {
                        pixel.push(None);
                        true
                    }
            }
        };
        if hidden {
            return pixel;
        }
    }
    pixel.push(None);
    pixel
}

fn wanted(layers: &[CandidateLayer], x: i32, y: i32) -> Pixel {
    let mut pixel = Pixel::new();
    if !paint(layers, 0..layers.len(), x, y, &mut pixel) {
        pixel.push(None);
    }
    pixel
}

fn layer() -> impl Strategy<Value = CandidateLayer> {
    let rect = (-3..12i32, -3..12i32, 1..14u32, 1..14u32).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h));
    let whole = Just(Rect::new(0, 0, SIDE, SIDE));
    let kind = (prop::bool::weighted(0.7), prop::bool::weighted(0.7), prop::bool::weighted(0.1), 0..4u8, 0..60_000u32);
    (prop_oneof![4 => rect, 1 => whole], kind).prop_map(|(dst, (opaque, scans_out, yields, odd, rate))| {
        let scans_out = scans_out && !yields;
        let format = if opaque { Fourcc::Xrgb8888 } else { Fourcc::Argb8888 } as u32;
        let src = if odd == 0 { SrcRect::full(5, 5) } else { SrcRect::full(dst.w, dst.h) };
        CandidateLayer { opaque, scans_out, yields, rate, format, src, ..CandidateLayer::opaque(dst) }
    })
}

fn some_planes() -> impl Strategy<Value = Vec<PlaneCaps>> {
    let overlay = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.8));
    (prop::collection::vec(overlay, 0..6), 0..3u8).prop_map(|(overlays, zpos)| {
        let range = |at: u64| match zpos {
            0 => None,
            1 => Some((at, at)),
            _ => Some((0, 7)),
        };
        let mut planes = vec![plane(PlaneKind::Primary, range(0))];
        for (at, (scales, alpha, blends)) in overlays.into_iter().enumerate() {
            planes.push(PlaneCaps { scales, alpha, blends, ..plane(PlaneKind::Overlay, range(at as u64 + 1)) });
        }
        planes
    })
}

fn check(
    planes: &[PlaneCaps],
    screen: &AssignScreen,
    layers: &[CandidateLayer],
    found: &Assignment,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.placements().len(), layers.len());
    for (at, fate) in found.placements().iter().enumerate() {
        let on: Vec<usize> = (0..planes.len()).filter(|&plane| found.shows(plane) == PlaneContent::Layer(at)).collect();
        match fate {
            LayerPlacement::Plane(plane) => {
                prop_assert_eq!(on, vec![usize::from(*plane)]);
                prop_assert!(layers[at].scans_out && planes[usize::from(*plane)].takes(&layers[at]));
            }
            _ => prop_assert!(on.is_empty(), "layer {} is shown twice", at),
        }
    }
    let composites = (0..planes.len()).filter(|&plane| found.shows(plane) == PlaneContent::Composite).count();
    prop_assert_eq!(composites, usize::from(found.composite().is_some()));
    prop_assert!(found.shows(0) != PlaneContent::Off, "the primary plane is on");
    let used: Vec<u64> = stack(planes, found).iter().filter_map(|&plane| found.zpos(plane)).collect();
    prop_assert!(used.windows(2).all(|pair| pair[0] != pair[1]), "two planes at one zpos: {:?}", used);
    prop_assert!(screen.holes || (0..planes.len()).all(|plane| !found.is_below(plane)));
    prop_assert!(screen.reserved.is_none_or(|plane| found.shows(plane) == PlaneContent::Off));
    for (x, y) in (0..SIDE as i32).flat_map(|y| (0..SIDE as i32).map(move |x| (x, y))) {
        let (mut shown, mut wanted) = (shown(planes, layers, found, x, y), wanted(layers, x, y));
        // What yields may be missing, or be covered, but covers nothing that lies above it.
        let yields = |at: usize| layers[at].yields;
        for (place, at) in
            shown.iter().enumerate().filter_map(|(place, at)| Some((place, at.filter(|at| yields(*at))?)))
        {
            prop_assert!(shown[place + 1..].iter().flatten().all(|below| *below > at || yields(*below)));
        }
        shown.retain(|at| at.is_none_or(|at| !yields(at)));
        wanted.retain(|at| at.is_none_or(|at| !yields(at)));
        prop_assert_eq!(shown, wanted, "at {},{}: {:?}", x, y, found);
    }
    Ok(())
}

/// 512 cases unless PROPTEST_CASES asks for more.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.max(512), ..usual }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn planes_look_like_the_scene(
        planes in some_planes(),
        scenes in prop::collection::vec(prop::collection::vec(layer(), 0..7), 1..4),
        holes in any::<bool>(),
        answers in prop::collection::vec(0..5u8, 1..40),
        order in prop::collection::vec(0..4usize, 1..16),
    ) {
        let screen = AssignScreen { width: SIDE, height: SIDE, holes, reserved: None };
        let mut assigner = Assigner::new(planes.clone());
        let mut said = answers.iter().cycle();
        for at in order {
            let layers = &scenes[at % scenes.len()];
            let (mut asked, mut bad) = (0, None);
            let mut last = None;
            assigner.set_layers(layers.iter().copied());
            assigner.assign(&screen, |trial| {
                asked += 1;
                bad = bad.take().or(check(&planes, &screen, layers, trial).err());
                let answer = match said.next() {
                    Some(0) => Err(Errno::INVAL),
                    Some(1) => Err(Errno::BUSY),
                    _ => Ok(()),
                };
                last = Some((trial.clone(), answer.is_ok()));
                answer
            });
            if let Some(bad) = bad {
                return Err(bad);
            }
            prop_assert!(asked <= TESTS_PER_LATCH);
            check(&planes, &screen, layers, assigner.current())?;
            if let Some((trial, false)) = last
                && trial.on_planes() > 0
            {
                prop_assert_ne!(assigner.current(), &trial, "a refused one is never given");
            }
            // Settled: the same scene again is free, and the same.
            if assigner.is_settled() {
                let before = assigner.current().clone();
                assigner.set_layers(layers.iter().copied());
                assigner.assign(&screen, |_| panic!("tested again"));
                prop_assert_eq!(&before, assigner.current());
            }
        }
    }
}
