//! The damage between lists of layers, and the rings.

use proptest::prelude::*;

use super::*;

fn rect(x: i32, y: i32, w: i32, h: i32) -> Rectangle<i32, Physical> {
    Rectangle::new((x, y).into(), (w, h).into())
}

fn shown(id: SurfaceId, dst: Rectangle<i32, Physical>) -> Shown {
    let src = Rectangle::from_size((f64::from(dst.size.w), f64::from(dst.size.h)).into());
    let (transform, factor) = (Transform::Normal, Factor::default());
    let look = Look { src, transform, colour: None, factor, opaque: true, role: PassRole::Composited };
    Shown { id, dst, look, commit: Some(CommitCounter::from(1)) }
}

/// The damage as a list of corners, for a layer of which only `changed` has changed.
fn damage(before: &[Shown], now: &[Shown], changed: Rectangle<i32, Physical>) -> Vec<(i32, i32, i32, i32)> {
    let region = compare(before, now, |_, _| Some(DamageSet::from_slice(&[changed])));
    region.rectangles().iter().map(|b| (b.x1, b.y1, b.x2, b.y2)).collect()
}

#[test]
fn what_differs_between_two_lists() {
    let (a, b, c) = (SurfaceId(1), SurfaceId(2), SurfaceId(3));
    let (left, right, both) = (rect(0, 0, 10, 10), rect(20, 0, 10, 10), rect(5, 5, 20, 2));
    let part = rect(1, 2, 3, 4);
    let list = [shown(a, left), shown(b, right)];
    let with = |change: &dyn Fn(&mut Shown)| {
        let mut changed = list.clone();
        change(&mut changed[1]);
        changed
    };

    assert_eq!(damage(&list, &list, part), [], "nothing changed");
    assert_eq!(damage(&[], &list, part), [(0, 0, 10, 10), (20, 0, 30, 10)], "new layers");
    assert_eq!(damage(&list, &list[1..], part), [(0, 0, 10, 10)], "a layer less");
    assert_eq!(damage(&list[..1], &list, part), [(20, 0, 30, 10)], "a layer more");
    let drawn = with(&|layer| layer.commit = Some(CommitCounter::from(2)));
    assert_eq!(damage(&list, &drawn, part), [(21, 2, 24, 6)], "a commit damages what its client says");
    let unknown = compare(&list, &drawn, |_, _| None);
    assert_eq!(unknown.rectangles().len(), 1, "unknown damage is damage of the whole layer");
    let moved = with(&|layer| layer.dst.loc.x += 1);
    assert_eq!(damage(&list, &moved, part), [(20, 0, 31, 10)], "from where it was to where it is");
    let hole = with(&|layer| layer.look.role = PassRole::Hole);
    assert_eq!(damage(&list, &hole, part), [(20, 0, 30, 10)], "a layer becomes a hole");
    let mut other = hole.clone();
    other[1].commit = Some(CommitCounter::from(7));
    assert_eq!(damage(&hole, &other, part), [], "a hole stays a hole, whatever is drawn below");
    let missed = with(&|layer| layer.commit = None);
    assert_eq!(damage(&missed, &list, part), [(20, 0, 30, 10)], "what was not drawn is damaged");
    let over = [shown(c, both), shown(a, left), shown(b, right)];
    let under = [shown(a, left), shown(b, right), shown(c, both)];
    assert_eq!(damage(&over, &under, part), [(5, 5, 10, 7), (20, 5, 25, 7)], "only overlaps are exchanged");
}

#[test]
fn a_ring_knows_what_a_target_of_an_age_lacks() {
    let mut ring = DamageRing::default();
    let area = |region: Option<Region32>| region.map(|region| region.rectangles().len());
    assert_eq!(area(ring.region(1)), None, "no pass yet");
    for at in 0..3 {
        ring.add(region_of(rect(at * 20, at * 20, 10, 10)));
    }
    assert_eq!(area(ring.region(0)), None, "never rendered");
    assert_eq!([1, 2, 3].map(|age| area(ring.region(age))), [Some(1), Some(2), Some(3)]);
    assert_eq!(area(ring.region(4)), None, "older than the first pass");
    for _ in 0..PASSES {
        ring.add(Region32::default());
    }
    assert_eq!(area(ring.region(PASSES)), Some(0), "nothing has changed");
    assert_eq!(area(ring.region(PASSES + 1)), None, "forgotten");
}

#[test]
fn damage_follows_the_mapping_to_the_output() {
    let mut bag = DamageHistory::default();
    bag.reset();
    bag.add([Rectangle::from_size((100, 100).into())]);
    let before = bag.current_commit();
    let buffer = |x, y, w, h| Rectangle::<i32, Buffer>::new((x, y).into(), (w, h).into());
    bag.add([buffer(10, 10, 5, 5), buffer(90, 90, 20, 20)]);
    let src = Rectangle::new((10.0, 10.0).into(), (90.0, 90.0).into());
    let at = |dst: (i32, i32), transform| scaled(&bag, before, src, dst.into(), transform);
    let rects = |set: Option<DamageSet<i32, Physical>>| set.map(|set| set.to_vec());
    assert_eq!(rects(at((90, 90), Transform::Normal)), Some(vec![rect(0, 0, 5, 5), rect(80, 80, 10, 10)]));
    let double = Some(vec![rect(0, 0, 11, 11), rect(159, 159, 21, 21)]);
    assert_eq!(rects(at((180, 180), Transform::Normal)), double, "with the pixel that scaling filters");
    let turned = [
        (Transform::_90, vec![rect(85, 0, 5, 5), rect(0, 80, 10, 10)]),
        (Transform::_180, vec![rect(85, 85, 5, 5), rect(0, 0, 10, 10)]),
        (Transform::_270, vec![rect(0, 85, 5, 5), rect(80, 0, 10, 10)]),
        (Transform::Flipped, vec![rect(85, 0, 5, 5), rect(0, 80, 10, 10)]),
        (Transform::Flipped90, vec![rect(0, 0, 5, 5), rect(80, 80, 10, 10)]),
    ];
    for (transform, expected) in turned {
        assert_eq!(rects(at((90, 90), transform)), Some(expected), "{transform:?}");
    }
    let many = (0..MAX_RECTS as i32 + 1).map(|x| buffer(x, 50, 1, 1));
    bag.add(many);
    assert_eq!(rects(scaled(&bag, before, src, (90, 90).into(), Transform::Normal)), None);
}

/// The edge of the picture that the painters of the property test paint.
const EDGE: i32 = 12;

/// A change of the scene.
#[derive(Debug, Clone)]
enum Change {
    Place(usize, (i32, i32, i32, i32)),
    Commit(usize, (i32, i32, i32, i32)),
    Hide(usize),
    Raise(usize),
    Opaque(usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let area = || (-3..EDGE, -3..EDGE, 1..EDGE, 1..EDGE);
    let one = prop_oneof![
        (0..5usize, area()).prop_map(|(at, area)| Change::Place(at, area)),
        (0..5usize, area()).prop_map(|(at, area)| Change::Commit(at, area)),
        (0..5usize).prop_map(Change::Hide),
        (0..5usize).prop_map(Change::Raise),
        (0..5usize).prop_map(Change::Opaque),
    ];
    proptest::collection::vec(one, 0..4)
}

/// A layer whose pixels are numbers; those of a client change only where it damages.
#[derive(Debug, Clone)]
struct Sheet {
    shown: Shown,
    visible: bool,
    pixels: Vec<u64>,
    /// What has been damaged since the last pass.
    damaged: Vec<Rectangle<i32, Physical>>,
}

impl Sheet {
    fn new(id: u32) -> Self {
        let (shown, pixels) = (shown(SurfaceId(id), rect(0, 0, 1, 1)), vec![0; (EDGE * EDGE) as usize]);
        Self { shown, visible: false, pixels, damaged: Vec::new() }
    }

    fn commit(&mut self, serial: usize, damage: Rectangle<i32, Physical>) {
        self.shown.commit = Some(CommitCounter::from(serial));
        self.damaged.push(damage);
        for at in 0..EDGE * EDGE {
            if damage.contains((at % EDGE, at / EDGE)) {
                self.pixels[at as usize] = serial as u64;
            }
        }
    }
}

/// Changes the sheet that a change names; the sheets are in their order from top to bottom.
fn change(sheets: &mut Vec<Sheet>, ids: &[SurfaceId], change: &Change, serial: usize) {
    let place = |at: usize| sheets.iter().position(|sheet| sheet.shown.id == ids[at]).unwrap();
    match *change {
        Change::Place(at, (x, y, w, h)) => {
            let at = place(at);
            (sheets[at].shown.dst, sheets[at].visible) = (rect(x, y, w, h), true);
        }
        Change::Commit(at, (x, y, w, h)) => {
            let at = place(at);
            sheets[at].commit(serial, rect(x, y, w, h));
        }
        Change::Hide(at) => {
            let at = place(at);
            sheets[at].visible = false;
        }
        Change::Raise(at) => {
            let sheet = sheets.remove(place(at));
            sheets.insert(0, sheet);
        }
        Change::Opaque(at) => {
            let at = place(at);
            sheets[at].shown.look.opaque ^= true;
        }
    }
}

/// Paints the pixels of `inside`: opaque sheets replace what is below, others mix with it.
fn paint(picture: &mut [u64], sheets: &[Sheet], inside: &Region32) {
    for (at, pixel) in picture.iter_mut().enumerate() {
        let (x, y) = (at as i32 % EDGE, at as i32 / EDGE);
        if inside.contains_point(x, y).is_none() {
            continue;
        }
        *pixel = 1;
        for sheet in sheets.iter().rev().filter(|sheet| sheet.visible) {
            let Shown { dst, look, .. } = &sheet.shown;
            if dst.contains((x, y)) {
                let own = sheet.pixels[((y - dst.loc.y) * EDGE + x - dst.loc.x) as usize];
                let below = if look.opaque { 0 } else { *pixel };
                *pixel = own.wrapping_mul(31).wrapping_add(below).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
        }
    }
}

proptest! {
    /// Targets of every age show what a painter paints who repaints everything each time.
    #[test]
    fn repainting_the_damage_is_repainting_everything(
        passes in proptest::collection::vec((changes(), 0..3usize), 1..20),
    ) {
        let everything = region_of(rect(0, 0, EDGE, EDGE));
        let mut sheets: Vec<Sheet> = (0..5).map(Sheet::new).collect();
        let ids: Vec<SurfaceId> = sheets.iter().map(|sheet| sheet.shown.id).collect();
        let (mut before, mut ring) = (Vec::new(), DamageRing::default());
        let mut targets = vec![(vec![0; (EDGE * EDGE) as usize], None); 3];
        let mut serial = 1;
        for (pass, (changes, target)) in passes.into_iter().enumerate() {
            for one in &changes {
                serial += 1;
                change(&mut sheets, &ids, one, serial);
            }
            let visible: Vec<_> = sheets.iter().filter(|sheet| sheet.visible).collect();
            let now: Vec<Shown> = visible.iter().map(|sheet| sheet.shown.clone()).collect();
            let since = |at: usize, _| {
                let bounds = Rectangle::from_size(visible[at].shown.dst.size);
                Some(visible[at].damaged.iter().filter_map(|rect| rect.intersection(bounds)).collect())
            };
            ring.add(compare(&before, &now, since));
            before = now;
            let (picture, drawn_at) = &mut targets[target];
            let age = drawn_at.map_or(0, |drawn_at| pass - drawn_at);
            let region = ring.region(age).unwrap_or_else(|| everything.clone());
            paint(picture, &sheets, &region);
            *drawn_at = Some(pass);
            let mut whole = vec![0; (EDGE * EDGE) as usize];
            paint(&mut whole, &sheets, &everything);
            prop_assert_eq!(&*picture, &whole);
            sheets.iter_mut().for_each(|sheet| sheet.damaged.clear());
        }
    }
}

#[test]
fn a_long_list_is_compared_as_a_short_one_is_but_for_exchanged_layers() {
    let many = |ids: std::ops::Range<u64>| -> Vec<_> {
        ids.map(|id| shown(SurfaceId(id as _), rect(20 * (id % 90) as i32, 20 * (id / 90) as i32, 10, 10))).collect()
    };
    let nothing = rect(0, 0, 0, 0);
    let list = many(0..3_000);
    assert_eq!(damage(&list, &list, nothing), []);
    assert_eq!(damage(&list, &many(1..3_000), nothing), [(0, 0, 10, 10)], "a layer less");
    assert_eq!(damage(&many(1..3_000), &list, nothing), [(0, 0, 10, 10)], "a layer more");
    let backwards: Vec<_> = list.iter().rev().cloned().collect();
    assert_eq!(damage(&list, &backwards, nothing).len(), 3_000, "all that is drawn");
}
