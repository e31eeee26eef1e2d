//! Scenes, what becomes of them, and how many tests that took.

use dmabuf_import::Fourcc;
use rustix::io::Errno;

use super::*;
use crate::inventory::FormatModifiers;
use crate::{PlaneKind, Rect, SrcRect};

const SCREEN: AssignScreen = AssignScreen { width: 100, height: 100, holes: false, reserved: None };

pub(super) fn plane(kind: PlaneKind, zpos: Option<(u64, u64)>) -> PlaneCaps {
    let formats =
        [Fourcc::Xrgb8888, Fourcc::Argb8888].map(|f| FormatModifiers { format: f as u32, modifiers: vec![0] });
    PlaneCaps {
        kind,
        formats: formats.to_vec(),
        zpos,
        blends: true,
        alpha: true,
        rotations: ROTATE_0,
        scales: true,
        largest: None,
        representations: 0b11_1111,
        sizes: Vec::new(),
    }
}

pub(super) fn planes(overlays: usize) -> Vec<PlaneCaps> {
    let overlay = |_| plane(PlaneKind::Overlay, None);
    std::iter::once(plane(PlaneKind::Primary, None)).chain((0..overlays).map(overlay)).collect()
}

fn at(x: i32, y: i32, w: u32, h: u32) -> CandidateLayer {
    CandidateLayer::opaque(Rect::new(x, y, w, h))
}

fn shm(layer: CandidateLayer) -> CandidateLayer {
    CandidateLayer { scans_out: false, ..layer }
}

fn glass(layer: CandidateLayer) -> CandidateLayer {
    CandidateLayer { opaque: false, format: Fourcc::Argb8888 as u32, ..layer }
}

/// A layer that yields.
fn ring(layer: CandidateLayer) -> CandidateLayer {
    CandidateLayer { yields: true, ..shm(layer) }
}

fn fast(layer: CandidateLayer) -> CandidateLayer {
    CandidateLayer { rate: 60_000, ..layer }
}

/// `P0`: plane 0; `C`: composited; `-`: hidden.
fn says(assignment: &Assignment) -> String {
    let word = |fate: &LayerPlacement| match fate {
        LayerPlacement::Hidden => "-".to_owned(),
        LayerPlacement::Composited => "C".to_owned(),
        LayerPlacement::Plane(plane) => format!("P{plane}"),
    };
    assignment.placements().iter().map(word).collect::<Vec<_>>().join(" ")
}

type Kernel = fn(&Assignment) -> Result<(), Errno>;

fn takes_all(_: &Assignment) -> Result<(), Errno> {
    Ok(())
}

fn takes_none(_: &Assignment) -> Result<(), Errno> {
    Err(Errno::INVAL)
}

fn one_overlay(assignment: &Assignment) -> Result<(), Errno> {
    let overlays = (1..MAX_PLANES).filter(|at| assignment.shows(*at) != PlaneContent::Off).count();
    if overlays > 1 { Err(Errno::NOSPC) } else { Ok(()) }
}

fn not_overlay_1(assignment: &Assignment) -> Result<(), Errno> {
    if assignment.shows(1) == PlaneContent::Off { Ok(()) } else { Err(Errno::INVAL) }
}

fn no_client_on_primary(assignment: &Assignment) -> Result<(), Errno> {
    if assignment.shows(0) == PlaneContent::Composite { Ok(()) } else { Err(Errno::INVAL) }
}

/// Asks latch after latch until the search is done; returns the answer, the tests, and the latches.
fn settle(
    assigner: &mut Assigner,
    screen: &AssignScreen,
    layers: &[CandidateLayer],
    kernel: Kernel,
) -> (String, u64, u32) {
    let before = assigner.tests();
    for latches in 1..100 {
        let started = assigner.tests();
        assigner.set_layers(layers.iter().copied());
        let said = says(assigner.assign(screen, kernel));
        assert!(assigner.tests() - started <= u64::from(TESTS_PER_LATCH), "over budget");
        if assigner.is_settled() {
            return (said, assigner.tests() - before, latches);
        }
    }
    panic!("never settles: {layers:?}");
}

#[test]
fn scenes_with_their_tests() {
    let full = at(0, 0, 100, 100);
    let (a, b, c) = (at(0, 0, 30, 30), at(40, 0, 30, 30), at(0, 40, 30, 30));
    let bar = at(0, 90, 100, 10);
    let (on_a, inside_a) = (at(20, 20, 15, 10), at(5, 5, 10, 10));
    let yuv = |layer| CandidateLayer { format: Fourcc::Nv12 as u32, ..layer };
    let turned = |layer| CandidateLayer { rotation: 2, ..layer };
    let scaled = |layer| CandidateLayer { src: SrcRect::full(64, 64), ..layer };
    type Case<'a> = (&'a str, usize, &'a [CandidateLayer], Kernel, &'a str, u64);
    let table: &[Case<'_>] = &[
        ("nothing", 3, &[], takes_all, "", 0),
        ("a fullscreen window alone", 3, &[full], takes_all, "P0", 1),
        ("without overlays too", 0, &[full], takes_all, "P0", 1),
        ("what it covers is dropped", 3, &[full, a, shm(b)], takes_all, "P0 - -", 1),
        ("the primary refuses clients", 0, &[full], no_client_on_primary, "C", 1),
        ("an overlay takes it instead", 1, &[full], no_client_on_primary, "P1", 2),
        ("a translucent fullscreen window shows the background", 1, &[glass(full)], takes_all, "P1", 1),
        ("a window", 3, &[a], takes_all, "P1", 1),
        ("three windows on three overlays", 3, &[a, b, c], takes_all, "P3 P2 P1", 1),
        ("a translucent one among them", 3, &[a, glass(b), c], takes_all, "P3 P2 P1", 1),
        ("the fast one gets the only overlay", 1, &[a, fast(b), c], takes_all, "C P1 C", 1),
        ("the large one of two equally fast", 1, &[fast(a), fast(bar)], takes_all, "C P1", 1),
        ("no overlay", 0, &[a, b], takes_all, "C C", 0),
        ("memory of the CPU", 3, &[shm(a), shm(b)], takes_all, "C C", 0),
        ("windows over a fullscreen one: nothing is composited", 3, &[a, b, full], takes_all, "P2 P1 P0", 1),
        ("too many for that: one is composited", 2, &[fast(a), fast(b), fast(c), full], takes_all, "P2 P1 C C", 1),
        ("a composited popup forces the window below it off", 3, &[shm(on_a), a, b], takes_all, "C C P1", 1),
        ("a popup on a plane does not", 3, &[on_a, a], takes_all, "P2 P1", 1),
        ("a slow popup comes along with the fast window", 2, &[on_a, fast(a)], takes_all, "P2 P1", 1),
        ("a popup of another window does not", 3, &[shm(c), on_a, fast(a)], takes_all, "C P2 P1", 1),
        ("not where there is one overlay only", 1, &[on_a, fast(a)], takes_all, "P1 C", 1),
        ("a popup within a popup", 3, &[inside_a, on_a, at(0, 0, 35, 35)], takes_all, "P3 P2 P1", 1),
        ("a composited window below one on a plane", 1, &[a, shm(at(10, 10, 50, 50))], takes_all, "P1 C", 1),
        ("a format that no plane has", 3, &[yuv(a), b], takes_all, "C P1", 1),
        ("a rotation that no plane has", 3, &[turned(a), b], takes_all, "C P1", 1),
        ("scaled, and the kernel can", 3, &[scaled(a)], takes_all, "P1", 1),
        (
            "two composited popups force it off as one does",
            3,
            &[shm(on_a), shm(inside_a), a, b],
            takes_all,
            "C C C P1",
            1,
        ),
        ("of two that stand still the larger", 1, &[inside_a, b], takes_all, "C P1", 1),
        ("a square before a line of more width", 1, &[at(0, 90, 100, 1), at(0, 0, 20, 20)], takes_all, "C P1", 1),
        ("a ring below its window", 1, &[a, ring(at(30, 0, 3, 30))], takes_all, "P1 C", 1),
        ("the ring of the upper window crosses the lower", 2, &[on_a, ring(inside_a), a], takes_all, "P2 C P1", 1),
        ("it does not help the lower one", 1, &[on_a, ring(bar), fast(a)], takes_all, "P1 C C", 1),
        ("rings are given up where nothing else is composited", 2, &[a, ring(bar), full], takes_all, "P1 - P0", 1),
        ("and are not where something else is", 2, &[a, ring(bar), shm(full)], takes_all, "P1 C C", 1),
        ("a ring hides nothing", 1, &[ring(full), a], takes_all, "C P1", 1),
        ("a ring that nobody sees", 1, &[a, ring(inside_a)], takes_all, "P1 -", 1),
        ("a ring where nothing is on a plane", 0, &[a, ring(bar), b], takes_all, "C C C", 0),
        ("off the screen", 3, &[at(100, 0, 10, 10), a], takes_all, "- P1", 1),
        ("the kernel takes nothing", 2, &[a, b], takes_none, "C C", 5),
        ("bandwidth for one overlay", 3, &[fast(a), b, c], one_overlay, "P1 C C", 10),
        ("one plane is broken", 2, &[a], not_overlay_1, "P2", 2),
    ];
    for &(name, overlays, layers, kernel, expected, tests) in table {
        let mut assigner = Assigner::new(planes(overlays));
        let (said, tested, _) = settle(&mut assigner, &SCREEN, layers, kernel);
        assert_eq!((said.as_str(), tested), (expected, tests), "{name}");
        let again = settle(&mut assigner, &SCREEN, layers, kernel);
        assert_eq!(again, (said.clone(), 0, 1), "{name}: the same layout is not tested again");
        // Other layouts in between, then the first one again: remembered.
        settle(&mut assigner, &SCREEN, &[shm(full)], kernel);
        assert_eq!(settle(&mut assigner, &SCREEN, layers, kernel), (said.clone(), 0, 1), "{name}: remembered");
        assigner.forget();
        assert_eq!(settle(&mut assigner, &SCREEN, layers, kernel).0, said, "{name}: found again");
    }
}

#[test]
fn planes_below_the_composited_picture() {
    let full = at(0, 0, 100, 100);
    let (video, controls) = (fast(at(10, 10, 80, 60)), shm(at(20, 60, 60, 5)));
    let any = || Some((0, 7));
    let movable = vec![plane(PlaneKind::Primary, any()), plane(PlaneKind::Overlay, any())];
    let fixed = planes(2);
    let holes = AssignScreen { holes: true, ..SCREEN };
    let solve = |planes: &[PlaneCaps], screen: &AssignScreen, layers: &[CandidateLayer]| {
        let mut assigner = Assigner::new(planes.to_vec());
        let (said, tests, _) = settle(&mut assigner, screen, layers, takes_all);
        let found = assigner.current();
        let zpos: Vec<_> = (0..planes.len()).map(|plane| found.zpos(plane)).collect();
        let below: Vec<_> = (0..planes.len()).filter(|plane| found.is_below(*plane)).collect();
        (said, found.composite(), zpos, below, tests)
    };
    let zpos = |list: &[u64]| list.iter().map(|z| Some(*z)).collect::<Vec<_>>();
    // An underlay: the primary is raised above the overlay.
    assert_eq!(
        solve(&movable, &holes, &[controls, video]),
        ("C P1".into(), Some(0), zpos(&[1, 0]), vec![1], 1),
        "as on R-Car"
    );
    assert_eq!(solve(&movable, &SCREEN, &[controls, video]).0, "C C", "the caller cannot draw holes");
    assert_eq!(solve(&fixed, &holes, &[controls, video]).0, "C C", "the primary is the lowest plane");
    assert_eq!(solve(&movable, &holes, &[controls, glass(video)]).0, "C C", "a hole with nothing behind");
    // The primary shows a fullscreen client, an overlay the composited controls.
    let over = solve(&fixed, &holes, &[controls, fast(full)]);
    assert_eq!((over.0.as_str(), over.1, over.3), ("C P0", Some(1), vec![0]));
    // A composited window below the video, another above it: neither over nor under.
    assert_eq!(solve(&movable, &holes, &[controls, video, shm(full)]).0, "C C C");
    // The order of the stack is set where it can be.
    let three =
        vec![plane(PlaneKind::Primary, any()), plane(PlaneKind::Overlay, any()), plane(PlaneKind::Overlay, any())];
    let pair = solve(&three, &SCREEN, &[at(20, 20, 30, 30), at(10, 10, 30, 30)]);
    assert_eq!((pair.0.as_str(), pair.2), ("P2 P1", zpos(&[0, 1, 2])));
}

#[test]
fn the_composited_picture_over_others_needs_a_plane_that_blends_it() {
    let layers = [shm(at(20, 60, 60, 5)), fast(at(10, 10, 80, 60))];
    let holes = AssignScreen { holes: true, ..SCREEN };
    let any = || plane(PlaneKind::Primary, Some((0, 7)));
    let overlay = || plane(PlaneKind::Overlay, Some((0, 7)));
    let formats = |format: Fourcc, modifier| vec![FormatModifiers { format: format as u32, modifiers: vec![modifier] }];
    let cursor = || plane(PlaneKind::Cursor, Some((0, 7)));
    let table = [
        ("it blends", vec![any(), overlay()], "C P1"),
        ("it does not", vec![PlaneCaps { blends: false, ..any() }, overlay()], "C C"),
        ("it has no alpha", vec![PlaneCaps { formats: formats(Fourcc::Xrgb8888, 0), ..any() }, overlay()], "C C"),
        ("its alpha is tiled", vec![PlaneCaps { formats: formats(Fourcc::Argb8888, 7), ..any() }, overlay()], "C P1"),
        ("a cursor plane", vec![PlaneCaps { blends: false, ..any() }, overlay(), cursor()], "C C"),
    ];
    for (name, planes, expected) in table {
        let mut assigner = Assigner::new(planes);
        assert_eq!(settle(&mut assigner, &holes, &layers, takes_all).0, expected, "{name}");
    }
}

#[test]
fn what_yields_keeps_its_place_where_the_planes_can_do_that() {
    let (upper, crossing, lower) = (at(20, 20, 30, 30), ring(at(18, 18, 34, 2)), fast(at(0, 0, 40, 40)));
    let movable: Vec<_> = [PlaneKind::Primary, PlaneKind::Overlay, PlaneKind::Overlay]
        .map(|kind| plane(kind, Some((0, 7))))
        .into_iter()
        .collect();
    let table = [
        ("an underlay", movable.clone(), true, takes_all as Kernel, true),
        ("without holes", movable.clone(), false, takes_all, false),
        ("planes that stay where they are", planes(2), true, takes_all, false),
        (
            "an underlay that the kernel refuses",
            movable,
            true,
            |found| match found.is_below(1) || found.is_below(2) {
                true => Err(Errno::INVAL),
                false => Ok(()),
            },
            false,
        ),
    ];
    for (name, planes, holes, kernel, below) in table {
        let mut assigner = Assigner::new(planes);
        let screen = AssignScreen { holes, ..SCREEN };
        settle(&mut assigner, &screen, &[upper, crossing, lower], kernel);
        let found = assigner.current();
        assert_eq!((found.on_planes(), found.placements()[1]), (2, LayerPlacement::Composited), "{name}");
        assert_eq!((0..MAX_PLANES).any(|plane| found.is_below(plane)), below, "{name}");
    }
}

#[test]
fn no_layer_reaches_the_pointers_plane() {
    let any = |kind| plane(kind, Some((0, 7)));
    let overlay = || any(PlaneKind::Overlay);
    let planes = vec![any(PlaneKind::Primary), overlay(), overlay(), overlay(), plane(PlaneKind::Cursor, Some((3, 3)))];
    // Each lies on the one before: the composited image at 0, then up to 2.
    let stack = [fast(at(20, 20, 30, 30)), at(10, 10, 30, 30), at(0, 0, 30, 30)];
    let free = settle(&mut Assigner::new(planes.clone()), &SCREEN, &stack, takes_all).0;
    assert_eq!(free, "P3 P2 P1");
    let reserved = AssignScreen { reserved: Some(4), ..SCREEN };
    assert_eq!(settle(&mut Assigner::new(planes), &reserved, &stack, takes_all).0, "P2 P1 C");
}

#[test]
fn a_search_through_many_placements_ends() {
    let overlay = |_| plane(PlaneKind::Overlay, Some((0, 20)));
    let planes: Vec<_> = std::iter::once(plane(PlaneKind::Primary, Some((0, 20)))).chain((0..9).map(overlay)).collect();
    let layers: Vec<_> = (0..8).map(|n| at(n * 12, 0, 10, 10)).collect();
    let arranger = arrange::Arranger {
        planes: &planes,
        spans: &arrange::spans(&planes),
        screen: &SCREEN,
        layers: &layers,
        visible: &[true; 8],
        strict: false,
    };
    let mut placements = 0;
    let chosen: Vec<usize> = (0..8).collect();
    assert!(!arranger.each(&chosen, true, &mut |places| {
        assert_eq!(places.len(), 9);
        placements += 1;
        false
    }));
    assert!((1..=4096).contains(&placements), "{placements}");
}

#[test]
fn the_primary_plane_may_lie_above_others() {
    let planes = vec![plane(PlaneKind::Overlay, Some((0, 0))), plane(PlaneKind::Primary, Some((1, 1)))];
    for (layers, expected) in [(&[at(0, 0, 100, 100)][..], "P1"), (&[at(0, 0, 30, 30)], "C")] {
        assert_eq!(settle(&mut Assigner::new(planes.clone()), &SCREEN, layers, takes_all).0, expected);
    }
}

#[test]
fn the_composited_picture_is_on_the_lowest_position_of_its_plane() {
    let movable = vec![plane(PlaneKind::Primary, Some((2, 7))), plane(PlaneKind::Overlay, Some((2, 7)))];
    let mut assigner = Assigner::new(movable);
    settle(&mut assigner, &SCREEN, &[shm(at(0, 0, 9, 9))], takes_all);
    let found = assigner.current();
    assert_eq!(
        (found.composite(), found.zpos(0), found.zpos(1), found.zpos(MAX_PLANES)),
        (Some(0), Some(2), None, None)
    );
    assert_eq!((found.shows(0), found.shows(MAX_PLANES)), (PlaneContent::Composite, PlaneContent::Off));
}

#[test]
fn what_is_on_planes_is_listed_by_plane() {
    let mut assigner = Assigner::new(planes(2));
    settle(&mut assigner, &SCREEN, &[at(0, 0, 30, 30), at(40, 0, 30, 30), shm(at(0, 40, 9, 9))], takes_all);
    assert_eq!(assigner.count(), 3);
    assert_eq!(assigner.current().layers_on_planes().collect::<Vec<_>>(), [(1, 1), (0, 2)]);
    assert_eq!(assigner.current().on_planes(), 2);
    settle(&mut assigner, &SCREEN, &[], takes_all);
    assert_eq!((assigner.count(), assigner.current().on_planes()), (0, 0));
    assert!((0..40).all(|plane| !assigner.current().is_below(plane)), "nor beyond the last plane");
}

#[test]
fn ranks_hold_for_sixty_three_frames_where_they_matter_and_for_ever_where_not() {
    let windows = [at(0, 0, 30, 30), at(40, 0, 30, 30)];
    for (overlays, frames) in [(1, Some(63)), (2, None)] {
        let mut assigner = Assigner::new(planes(overlays));
        settle(&mut assigner, &SCREEN, &windows, takes_all);
        let held = (0..200).take_while(|_| assigner.repeat(&SCREEN)).count();
        assert_eq!(held, frames.unwrap_or(200), "{overlays} overlays");
        assert!(!assigner.repeat(&AssignScreen { width: 99, ..SCREEN }), "another screen");
    }
    let mut assigner = Assigner::new(planes(1));
    assigner.set_layers(windows);
    assigner.assign(&SCREEN, |_| Err(Errno::BUSY));
    assert!(!assigner.repeat(&SCREEN), "the search is not done");
}

#[test]
fn the_pointers_plane_stays_on_top_and_alone() {
    let cursor = PlaneCaps { sizes: vec![(64, 64)], ..plane(PlaneKind::Cursor, None) };
    let mut all = planes(1);
    all.push(cursor);
    let small = at(0, 0, 30, 30);
    let exact = at(36, 36, 64, 64);
    let mut assigner = Assigner::new(all);
    let taken = AssignScreen { reserved: Some(2), ..SCREEN };
    assert_eq!(settle(&mut assigner, &taken, &[exact, small], takes_all).0, "P1 C");
    assert_eq!(settle(&mut assigner, &SCREEN, &[exact, small], takes_all).0, "P2 P1", "free: it takes its own size");
    assert_eq!(
        settle(&mut assigner, &SCREEN, &[small, CandidateLayer { src: exact.src, ..exact }], takes_all).0,
        "P1 P2"
    );
}

#[test]
fn a_zpos_that_is_fixed_decides_not_the_list() {
    // The overlay that is listed first lies on top.
    let list = [(PlaneKind::Primary, 0), (PlaneKind::Overlay, 5), (PlaneKind::Overlay, 3)];
    let list = list.map(|(kind, z)| plane(kind, Some((z, z)))).to_vec();
    let (upper, lower) = (at(20, 20, 30, 30), at(10, 10, 30, 30));
    let (said, ..) = settle(&mut Assigner::new(list), &SCREEN, &[upper, lower], takes_all);
    assert_eq!(said, "P1 P2");
}

#[test]
fn the_budget_is_kept_and_progress_remembered() {
    let windows: Vec<CandidateLayer> = (0..6).map(|n| fast(at(n * 15, 0, 12, 12 + n as u32))).collect();
    let mut assigner = Assigner::new(planes(6));
    let (said, tests, latches) = settle(&mut assigner, &SCREEN, &windows, takes_none);
    assert_eq!((said.as_str(), tests, latches), ("C C C C C C", 25, 7));
    // With bandwidth for one overlay the first latch has a plane in use already.
    let mut assigner = Assigner::new(planes(6));
    assigner.set_layers(windows.iter().copied());
    assert_eq!(assigner.assign(&SCREEN, one_overlay).on_planes(), 1);
    assert!(!assigner.is_settled());
    assert_eq!(settle(&mut assigner, &SCREEN, &windows, one_overlay).0, "C C C C C P1", "the largest");
    assert_eq!(assigner.tests(), 22);
}

#[test]
fn a_busy_kernel_is_asked_again_a_refusing_one_is_not() {
    let mut assigner = Assigner::new(planes(1));
    let window = [at(0, 0, 30, 30)];
    for _ in 0..3 {
        assigner.set_layers(window);
        assert_eq!(says(assigner.assign(&SCREEN, |_| Err(Errno::BUSY))), "C");
        assert!(!assigner.is_settled());
    }
    assert_eq!(settle(&mut assigner, &SCREEN, &window, takes_all), ("P1".into(), 1, 1));
    // The test was passed, the commit was not.
    assigner.refused(Errno::BUSY);
    assert_eq!(settle(&mut assigner, &SCREEN, &window, takes_all), ("P1".into(), 0, 1), "that was the moment");
    assigner.refused(Errno::INVAL);
    assert_eq!(settle(&mut assigner, &SCREEN, &window, takes_all), ("C".into(), 0, 1), "that was the layout");
    assigner.forget();
    assert_eq!(settle(&mut assigner, &SCREEN, &window, takes_all), ("P1".into(), 1, 1));
}

#[test]
fn planes_follow_the_rates_without_new_tests_once_both_are_known() {
    let mut assigner = Assigner::new(planes(1));
    let (left, right) = (at(0, 0, 30, 30), at(40, 0, 30, 30));
    let busy_left = [fast(left), right];
    let busy_right = [left, fast(right)];
    assert_eq!(settle(&mut assigner, &SCREEN, &busy_left, takes_all), ("P1 C".into(), 1, 1));
    let run = |assigner: &mut Assigner, layers: &[CandidateLayer], frames: u32| {
        for _ in 0..frames {
            assigner.set_layers(layers.iter().copied());
            assigner.assign(&SCREEN, takes_all);
        }
        (says(assigner.current()), assigner.tests())
    };
    assert_eq!(run(&mut assigner, &busy_right, 10), ("P1 C".into(), 1), "not at once");
    assert_eq!(run(&mut assigner, &busy_right, 60), ("C P1".into(), 2));
    assert_eq!(run(&mut assigner, &busy_left, 70), ("P1 C".into(), 2), "both are known by now");
}
