//! Floating windows: where they are, how they are stacked, moved, resized and snapped.

use super::*;
use crate::desktop::layout::{
    geometry::{Direction, Edges, Hints, Point},
    grab::Zone,
    window::{Fullscreen, Snap},
};

#[test]
fn new_windows_are_in_the_middle_and_cascade() {
    let mut layout = layout(Mode::Floating);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    assert_eq!(rect_of(&mut layout, a), rect(400, 300, 400, 300));
    assert_eq!(rect_of(&mut layout, b), rect(432, 332, 400, 300));
    assert_eq!(placed(&mut layout, b).ask, size(0, 0), "the client chooses");
    let dialog = map_dialog(&mut layout, b, false);
    assert_eq!(rect_of(&mut layout, dialog), rect(532, 432, 200, 100), "in the middle of its parent");
}

#[test]
fn a_window_that_was_hidden_returns_to_its_place() {
    let mut layout = layout(Mode::Floating);
    let a = map(&mut layout);
    layout.begin_move(a, Point { x: 500, y: 400 });
    layout.drop_grab(Point { x: 510, y: 420 });
    assert!(layout.unmap(a) && layout.map(a, size(300, 300), true));
    assert_eq!(rect_of(&mut layout, a), rect(410, 320, 300, 300));
}

#[test]
fn dialogs_lie_above_their_parents_whatever_is_raised() {
    let mut layout = layout(Mode::Floating);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    let dialog = map_dialog(&mut layout, a, false);
    let nested = map_dialog(&mut layout, dialog, false);
    layout.focus(b);
    assert_eq!(seen(&mut layout, "A"), [a, dialog, nested, b]);
    layout.focus(a);
    assert_eq!(seen(&mut layout, "A"), [b, a, dialog, nested]);
    layout.set_above(b, true);
    assert_eq!(seen(&mut layout, "A"), [a, dialog, nested, b]);
    layout.unmap(dialog);
    assert_eq!(layout.window(nested).and_then(|window| window.parent), Some(a), "the parent of its parent");
    assert!(!layout.set_parent(a, Some(nested)), "it would be its own ancestor");
}

#[test]
fn a_resize_ends_when_a_dialog_takes_its_window_to_another_output() {
    let mut layout = layout(Mode::Tiling);
    layout.set_output(&name("B"), rect(1200, 0, 1200, 900), rect(1200, 0, 1200, 900));
    let first = layout.workspaces()[0].id;
    layout.set_mode(first, Mode::Floating);
    let a = map(&mut layout);
    let dialog = map_dialog(&mut layout, a, false);
    let edges = Edges { right: true, ..Edges::default() };
    assert!(layout.begin_resize(a, edges, Point { x: 800, y: 400 }));
    layout.set_fullscreen(dialog, Some(Fullscreen::Real), Some(&name("B")));
    assert!(layout.window(a).is_some_and(|window| !window.floats), "it is tiled there");
    assert!(!layout.is_dragging());
    assert_eq!(seen(&mut layout, "B").last(), Some(&dialog));
}

#[test]
fn a_dialog_comes_to_its_parent() {
    let mut layout = layout(Mode::Tiling);
    let a = map(&mut layout);
    layout.show(&number(2));
    let b = map(&mut layout);
    assert_eq!(rect_of(&mut layout, b), AREA);
    layout.set_parent(b, Some(a));
    assert!(layout.window(b).is_some_and(|window| window.floats));
    layout.focus(b);
    assert_eq!(label(&layout, "A"), "1");
    layout.move_to_workspace(b, &number(3), true);
    assert_eq!(seen(&mut layout, "A"), [a, b], "families stay together");
}

#[test]
fn resizing_at_the_upper_left_keeps_the_lower_right() {
    let mut layout = layout(Mode::Floating);
    let a = map(&mut layout);
    let edges = Edges { left: true, top: true, ..Edges::NONE };
    assert!(layout.begin_resize(a, edges, Point { x: 400, y: 300 }));
    layout.drag(Point { x: 300, y: 250 });
    let asked = placed(&mut layout, a);
    assert_eq!((asked.ask, asked.states.resizing), (size(500, 350), true));
    // The client makes whole cells of it.
    layout.committed(a, size(496, 340), true);
    assert_eq!(layout.rect_of(a).map(|_| rect_of(&mut layout, a).at()), Some(Point { x: 304, y: 260 }));
    layout.drop_grab(Point { x: 300, y: 250 });
    assert!(!layout.is_dragging() && !placed(&mut layout, a).states.resizing);
    layout.committed(a, size(496, 340), true);
    let done = placed(&mut layout, a);
    assert_eq!((done.rect, done.ask), (rect(304, 260, 496, 340), size(496, 340)));
    assert!(layout.grab().is_none());
}

#[test]
fn hints_are_kept_whoever_resizes() {
    let mut layout = layout(Mode::Floating);
    let a = map(&mut layout);
    layout.set_hints(a, Hints { min: size(100, 100), max: size(500, 0) });
    assert!(layout.resize(a, Edges { right: true, ..Edges::NONE }, (1000, 0)));
    assert_eq!(rect_of(&mut layout, a).size(), size(500, 300));
    assert!(layout.set_size(a, size(1, 1)));
    assert_eq!(rect_of(&mut layout, a).size(), size(100, 100));
}

#[test]
fn halves_and_quarters_fill_the_working_area() {
    let mut layout = layout(Mode::Floating);
    layout.set_output(&name("A"), AREA, rect(0, 40, 1200, 860));
    let a = map(&mut layout);
    let table = [
        (Snap::Left, rect(0, 40, 600, 860)),
        (Snap::Right, rect(600, 40, 600, 860)),
        (Snap::Top, rect(0, 40, 1200, 430)),
        (Snap::BottomRight, rect(600, 470, 600, 430)),
        (Snap::TopLeft, rect(0, 40, 600, 430)),
    ];
    for (snap, expected) in table {
        assert!(layout.snap(a, Some(snap)));
        assert_eq!(rect_of(&mut layout, a), expected, "{snap:?}");
    }
    assert!(layout.snap(a, None));
    assert_eq!(rect_of(&mut layout, a), rect(400, 320, 400, 300), "where it was");
}

#[test]
fn a_window_is_snapped_where_it_is_let_go_and_torn_off_where_it_is_taken() {
    let mut layout = layout(Mode::Floating);
    let a = map(&mut layout);
    let table = [
        ((0, 450), Some(Zone::Snap(Snap::Left))),
        ((1199, 10), Some(Zone::Snap(Snap::TopRight))),
        ((3, 899), Some(Zone::Snap(Snap::BottomLeft))),
        ((600, 0), Some(Zone::Maximise)),
        ((600, 450), None),
    ];
    for ((x, y), zone) in table {
        assert_eq!(layout.zone_at(Point { x, y }), zone);
    }
    layout.begin_move(a, Point { x: 500, y: 310 });
    layout.drop_grab(Point { x: 0, y: 450 });
    assert_eq!(rect_of(&mut layout, a), rect(0, 0, 600, 900));
    assert!(layout.begin_move(a, Point { x: 300, y: 10 }));
    assert_eq!(rect_of(&mut layout, a), rect(100, 0, 400, 300), "its own size, under the pointer");
}

#[test]
fn a_window_that_is_dragged_to_another_output_belongs_there() {
    let mut layout = layout(Mode::Floating);
    layout.set_output(&name("B"), rect(1200, 0, 800, 600), rect(1200, 0, 800, 600));
    let a = map(&mut layout);
    layout.begin_move(a, Point { x: 500, y: 310 });
    layout.drag(Point { x: 1300, y: 310 });
    assert_eq!(rect_of(&mut layout, a), rect(1200, 300, 400, 300));
    assert_eq!((seen(&mut layout, "A"), seen(&mut layout, "B")), (vec![], vec![a]));
    layout.drop_grab(Point { x: 1300, y: 310 });
    assert_eq!(layout.focused_output().map(|output| output.name.clone()), Some(name("B")));
}

#[test]
fn no_window_leaves_its_output_altogether() {
    let mut layout = layout(Mode::Floating);
    let a = map(&mut layout);
    layout.move_direction(a, Direction::Right, i32::MAX);
    assert_eq!(rect_of(&mut layout, a), rect(1168, 300, 400, 300));
    layout.set_output(&name("A"), rect(0, 0, 2400, 900), rect(0, 0, 2400, 900));
    assert!(rect_of(&mut layout, a).x > 1168, "it has not forgotten where it should be");
}

#[test]
fn a_title_bar_lies_above_a_floating_window_that_wants_one() {
    let mut layout = layout(Mode::Floating);
    layout.set_options(Options { border: 2, ..*layout.options() });
    let a = map(&mut layout);
    layout.set_titled(a, true);
    let there = placed(&mut layout, a);
    assert_eq!((there.frame, there.bar), (rect(398, 274, 404, 328), rect(400, 276, 400, 24)));
    layout.set_maximised(a, true);
    let there = placed(&mut layout, a);
    assert_eq!((there.frame, there.bar), (AREA, Rect::default()));
    layout.set_maximised(a, false);
    layout.snap(a, Some(Snap::Left));
    let there = placed(&mut layout, a);
    assert_eq!((there.frame, there.ask), (rect(0, 0, 600, 900), size(596, 872)), "the bar has room within it");
    assert_eq!((there.bar, there.rect), (rect(2, 2, 596, 24), rect(2, 26, 596, 872)));
    layout.set_titled(a, false);
    assert_eq!(placed(&mut layout, a).ask, size(596, 896));
}

/// One with a title bar.
fn map_titled(layout: &mut Layout, of: Size) -> WindowId {
    let id = layout.add(NewWindow { titled: true, ..NewWindow::default() });
    assert!(layout.map(id, of, true));
    id
}

#[test]
fn the_frame_with_the_bar_is_what_is_placed_and_kept_within_reach() {
    let mut layout = layout(Mode::Floating);
    let a = map_titled(&mut layout, size(400, 300));
    assert_eq!(placed(&mut layout, a).frame, rect(400, 288, 400, 324), "in the middle");
    let b = map_titled(&mut layout, size(400, 2000));
    assert_eq!(placed(&mut layout, b).bar.y, 0, "the bar is seen of one that is too high");
    layout.move_to(a, Point { x: 100, y: 200 });
    assert_eq!(placed(&mut layout, a).frame, rect(100, 200, 400, 324));
    layout.move_to(a, Point { x: 100, y: -1000 });
    assert_eq!(placed(&mut layout, a).frame.bottom(), 32);
    layout.move_to(a, Point { x: 100, y: 5000 });
    assert_eq!(placed(&mut layout, a).bar, rect(100, 868, 400, 24));
}

#[test]
fn a_bar_that_comes_has_room_at_the_top() {
    for (y, to) in [(0, 24), (10, 24), (24, 24), (100, 100), (-50, -50)] {
        let mut layout = layout(Mode::Floating);
        let a = map(&mut layout);
        layout.move_to(a, Point { x: 100, y });
        layout.set_titled(a, true);
        assert_eq!(rect_of(&mut layout, a), rect(100, to, 400, 300), "{y}");
    }
}

#[test]
fn a_snapped_window_that_is_taken_by_its_bar_stays_below_the_pointer() {
    let mut layout = layout(Mode::Floating);
    let a = map_titled(&mut layout, size(400, 300));
    layout.snap(a, Some(Snap::Right));
    layout.committed(a, size(600, 876), true);
    assert_eq!(placed(&mut layout, a).bar, rect(600, 0, 600, 24));
    // In the middle of the bar.
    assert!(layout.begin_move(a, Point { x: 900, y: 12 }));
    layout.drag(Point { x: 500, y: 412 });
    assert_eq!(placed(&mut layout, a).bar.at(), Point { x: 300, y: 400 });
}

#[test]
fn a_window_that_is_hidden_with_its_parent_is_not_dragged_any_more() {
    let mut layout = layout(Mode::Floating);
    let [a, b] = [(); 2].map(|()| map(&mut layout));
    layout.to_scratchpad(a);
    assert!(layout.begin_move(b, Point { x: 500, y: 400 }) && layout.set_parent(b, Some(a)));
    assert!(!layout.is_dragging() && !layout.drag(Point { x: 0, y: 0 }));
    layout.verify_invariants();
}
