//! Assignment in the steady state allocates nothing: neither for a known layout, nor between
//! layouts that are all known.

mod counting;

use counting::allocations;
use dmabuf_import::Fourcc;
use kms::assign::{AssignScreen, Assigner, CandidateLayer, PlaneCaps, ROTATE_0};
use kms::inventory::FormatModifiers;
use kms::{PlaneKind, Rect};

#[test]
fn known_layouts_allocate_nothing() {
    let plane = |kind| PlaneCaps {
        kind,
        formats: vec![FormatModifiers { format: Fourcc::Xrgb8888 as u32, modifiers: vec![0] }],
        zpos: None,
        blends: true,
        alpha: true,
        rotations: ROTATE_0,
        scales: true,
        largest: None,
        representations: 0b11_1111,
        sizes: Vec::new(),
    };
    let overlays = std::iter::repeat_n(PlaneKind::Overlay, 3);
    let mut assigner = Assigner::new(std::iter::once(PlaneKind::Primary).chain(overlays).map(plane).collect());
    let screen = AssignScreen { width: 100, height: 100, holes: false, reserved: None };
    let at = |x| CandidateLayer { rate: 60_000, ..CandidateLayer::opaque(Rect::new(x, 0, 30, 30)) };
    let scenes: [&[CandidateLayer]; 3] = [&[at(0), at(20), at(40), at(60)], &[at(0), at(20)], &[at(0), at(35), at(70)]];
    let all = |assigner: &mut Assigner| {
        for scene in scenes {
            // More than the frames after which layers are ranked again.
            for _ in 0..100 {
                assigner.set_layers(scene.iter().copied());
                assert!(assigner.assign(&screen, |_| Ok(())).on_planes() > 0);
            }
        }
    };
    all(&mut assigner);
    let tests = assigner.tests();
    assert_eq!(allocations(|| all(&mut assigner)), 0);
    assert_eq!(assigner.tests(), tests);
    // The control: a new layout is learnt, which may allocate, and counting works.
    assert!(allocations(|| drop(std::hint::black_box(vec![1, 2, 3]))) > 0);
}
